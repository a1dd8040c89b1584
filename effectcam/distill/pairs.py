"""Pairs: a picture, and what the teacher makes of it. Computed once, kept on disk, trained on often.

Each pair is a *base*: a quarter wider than the crop the student will see, so that training can turn,
shift and zoom picture and drawing together without asking the slow teacher again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.augment import Augmentation, relight
from effectcam.distill.data import Person
from effectcam.distill.occluders import add_occluder
from effectcam.distill.recipe import Recipe, StagingTeacher, Teacher
from effectcam.distill.remembered import RememberedTeacher
from effectcam.distill.rooms import before_a_room, cut_out, elsewhere, longer
from effectcam.distill.skin import darken_into_last_band, darken_skin
from effectcam.distill.softened import SoftenedTeacher
from effectcam.distill.tones import COVERED, DARKENED, TONES, tone
from effectcam.errors import StudentError, UsageError
from effectcam.face.crop import Affine, Crop, cut, fit_head
from effectcam.face.warp import enlarge_eyes, enlarged_landmarks, eyes
from effectcam.frame import Pixels

BASE = 320
SHOWN = 256 / BASE
"""Share of a base that an unturned crop shows."""

_DRAWINGS = "drawings"
_ELSEWHERE = 0.35
"""Chance that a frame to learn from, or one pair of a face, is set into another room; see `rooms`."""
_LONGER = 0.5
"""Chance that a portrait in a frame to learn from is continued below, see `rooms.longer`."""
_SEGMENTED = 360
"""Pixels of a photograph's shorter side at which a person is told from the room."""
_SHOULDERS = 0.6
"""How far they fall on the way outwards."""
_PHOTOGRAPHED = 0.4
"""Share of a frame to learn from that must be a photograph. Where nearly all is its mirror images, up to a
dozen heads, the person is set into another room in any case: that is a frame as one meets them."""


@dataclass(frozen=True)
class PairStore:
    """Pairs on disk: ``inputs`` (N, 320, 320, 3) and ``targets`` (N, 320, 320, 3 or 4), uint8."""

    inputs: NDArray[np.uint8]
    targets: NDArray[np.uint8]
    names: list[str]
    tones: list[str]
    held_out: list[bool]
    weights: list[float] = field(default_factory=list)
    """See `Person.weight`, one a pair; empty: all alike."""
    staged: bool = False
    """Whether everybody who is held out is met in one way; see `StagingTeacher`."""
    photographed: list[list[float] | None] = field(default_factory=list)
    """Left, top, right and bottom of the photograph in a frame, in pixels of the pair. Round it is the
    photograph mirrored, for want of a room; there the teacher takes a shirt upside down for a wall: nothing
    to learn from, nor to judge a student by. None where there is no such border; an empty list: for all."""

    made: dict[str, object] = field(default_factory=dict)
    """`Recipe.shows` of the recipe they were made by; empty where an older version did not write it down."""

    def check(self, recipe: Recipe, space: str, folder: Path) -> None:
        """Raises UsageError where ``recipe`` would show others than these, which lie in ``folder``."""
        now = recipe.shows(space)
        changed = [
            f"{key} was {self.made[key]} and is {now[key]}"
            for key in now
            if self.made.get(key, now[key]) != now[key]
        ]
        if changed:
            raise UsageError(
                f"the pairs in {folder} were made by another recipe ({'; '.join(changed)}); make them again "
                "with 'effectcam distill pairs', or put that back"
            )

    @property
    def bordered(self) -> bool:
        """Whether any who are held out have a border that `photographed` leaves out."""
        return any(out and edges for out, edges in zip(self.held_out, self.photographed, strict=False))

    def fingerprint(self) -> str:
        """Of all that is learnt from; it reads every picture, a second for a thousand pairs."""
        rows = (self.names, self.tones, self.held_out, self.weights, self.staged, self.photographed)
        digest = hashlib.sha256(repr(rows).encode())
        for pictures in (self.inputs, self.targets):
            for picture in pictures:
                digest.update(np.ascontiguousarray(picture).data)
        return digest.hexdigest()[:16]

    @classmethod
    def load(cls, folder: Path) -> PairStore:
        """Opens the arrays without reading them. Raises UsageError when there are none."""
        if not (folder / "pairs.json").is_file():
            raise UsageError(f"no finished pairs in {folder}; make them first with 'effectcam distill pairs'")
        try:
            rows = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))
            inputs = np.load(folder / "inputs.npy", mmap_mode="r")
            targets = np.load(folder / "targets.npy", mmap_mode="r")
            names, tones, held_out = ([row[key] for row in rows] for key in ("name", "tone", "held_out"))
            weights = [float(row.get("weight", 1.0)) for row in rows]
            staged = any(row.get("staged") for row in rows)
            photographed = [row.get("photographed") for row in rows]
            made = dict(rows[0].get("made", {})) if rows else {}
            whole = len(rows) == len(inputs) == len(targets)
        except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise UsageError(
                f"the pairs in {folder} are damaged; make them again with 'effectcam distill pairs'"
            )
        return cls(inputs, targets, names, tones, held_out, weights, staged, photographed, made)


class Pair(NamedTuple):
    image: Pixels
    """uint8 (320, 320, 3), RGB."""
    target: Pixels
    """uint8 (320, 320, 3 or 4)."""
    photographed: list[float] | None = None
    """See `PairStore.photographed`."""


def write_pairs(
    recipe: Recipe,
    space: str,
    crowd: Sequence[Person],
    held_out: set[str],
    folder: Path,
    *,
    darker: float = 1 / 3,
) -> Iterator[str]:
    """Ask the teacher about everybody; yields each name when it is done, for a progress bar.

    People who are held out get one plain pair each, to measure on, in face space one more with something
    before the face, and those of them who are light one with dark skin, since there are hardly ever
    enough dark people to hold out. ``darker`` is the
    share of the other light people who come once more with darker skin, since few folders have enough
    who do; 0 leaves the student behind on them. ``pairs.json`` is written last: a folder without it
    is unfinished, and begun again asks the teacher only about what is not in ``drawings`` yet; see
    `forget_drawings`. Pairs that were there stay whole until the new ones are. Raises UsageError where the
    teacher's channels are not the student's, StudentError where the teacher fails or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    teacher: Teacher = RememberedTeacher(
        recipe.make_teacher(space),
        folder / _DRAWINGS,
        name=recipe.teacher,
        arguments=recipe.students[space].teacher,
    )
    if sigma := recipe.students[space].soften:
        teacher = SoftenedTeacher(teacher, sigma)
    inputs: list[Pixels] = []
    targets: list[Pixels] = []
    rows: list[dict[str, object]] = []
    make = _face_pairs if space == "face" else _frame_pairs
    for number, person in enumerate(crowd):
        rng = np.random.default_rng(number)
        out = person.name in held_out
        # A mirror image must not tell training about somebody who is held out.
        if out and person.mirrored:
            yield person.name
            continue
        for who in (person, *(_darkened(person) if out else _darker(person, darker, rng))):
            for index, pair in enumerate(make(recipe, teacher, who, rng, plain=out)):
                _refuse_other_channels(recipe, space, pair.target.shape[2])
                inputs.append(pair.image)
                targets.append(pair.target)
                band = COVERED if out and index else who.tone
                row = {"name": who.name, "tone": band, "held_out": out, "weight": who.weight}
                if out and isinstance(teacher, StagingTeacher):
                    row["staged"] = True
                if pair.photographed is not None:
                    row["photographed"] = pair.photographed
                if not rows:
                    row["made"] = recipe.shows(space)
                rows.append(row)
        yield person.name
    _keep(folder, inputs, targets, rows)


def forget_drawings(folder: Path) -> None:
    """Delete what `write_pairs` kept of the teacher's drawings in ``folder``: once the pairs of all spaces
    are whole, since who stops before that begins with the first space again."""
    shutil.rmtree(folder / _DRAWINGS, ignore_errors=True)


def _keep(folder: Path, inputs: list[Pixels], targets: list[Pixels], rows: list[dict[str, object]]) -> None:
    """All three files beside the old ones first: a training that has those mapped keeps reading them."""
    finished = folder / "pairs.json"
    files = [folder / "inputs.npy", folder / "targets.npy", finished]
    parts = [file.with_suffix(".part") for file in files]
    try:
        for part, pictures in zip(parts, (inputs, targets), strict=False):
            with part.open("wb") as file:
                np.save(file, np.stack(pictures))
        parts[-1].write_text(json.dumps(rows), encoding="utf-8")
        # Between these the arrays are of two makings.
        finished.unlink(missing_ok=True)
        for part, name in zip(parts, files, strict=True):
            part.replace(name)
    except OSError as error:
        raise StudentError(
            f"{folder}: pairs cannot be written: {error.strerror or error}; free some space and say it again"
        ) from error
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _refuse_other_channels(recipe: Recipe, space: str, drawn: int) -> None:
    """Before hours of training: colour without its alpha would be learnt as if it covered everything."""
    wanted = recipe.students[space].net.channels
    if drawn != wanted:
        raise UsageError(
            f"teacher {recipe.teacher} draws {'RGBA' if drawn == 4 else 'RGB'} and the {space} student is to "
            f"draw {'RGBA' if wanted == 4 else 'RGB'}; set alpha under [students.{space}.net], and output "
            "under [tensor], as the teacher draws"
        )


def _darkened(person: Person) -> Iterator[Person]:
    if person.tone in TONES[:4]:
        image = darken_into_last_band(person.image, person.landmarks)
        yield replace(person, image=image, tone=DARKENED)


def _darker(person: Person, share: float, rng: np.random.Generator) -> Iterator[Person]:
    """The same person with darker skin, brown or so with a chance of ``share`` and dark with half of
    that; nobody who is dark already."""
    for melanin, chance in (((0.25, 1.15), share), ((0.9, 1.6), share / 2)):
        if person.tone in TONES[:4] and rng.random() < chance:
            image = darken_skin(person.image, person.landmarks, rng.uniform(*melanin))
            yield replace(person, image=image, tone=tone(image, person.landmarks))


def _face_pairs(
    recipe: Recipe, teacher: Teacher, person: Person, rng: np.random.Generator, *, plain: bool
) -> Iterator[Pair]:
    crop = fit_head(person.landmarks).scaled(recipe.margin).shifted(*recipe.shift).scaled(1 / SHOWN)
    to_base = crop.to_crop(BASE)
    seen = cut(person.image, crop, BASE), into_crop(person.landmarks, to_base)
    alpha = recipe.students["face"].net.alpha
    # An effect with alpha has a pair more, and that is the one that moves.
    home = seen if plain or alpha else _anywhere(*seen, rng)
    yield _draw(recipe, teacher, *_staged(teacher, *home, None if plain else rng))
    if person.tone == DARKENED:
        return
    yield _covered(recipe, teacher, *_staged(teacher, *seen, None if plain else rng), rng)
    if alpha and not plain:
        # An effect that keeps the scene's light must see its teacher under other lamps too.
        base, landmarks = _staged(teacher, *_anywhere(*seen, rng), rng)
        yield _draw(recipe, teacher, relight(base, rng, parameters=_LIGHT), landmarks)


def _covered(
    recipe: Recipe, teacher: Teacher, base: Pixels, landmarks: NDArray[np.float32], rng: np.random.Generator
) -> Pair:
    """A pair with something before the face, and in other light."""
    covered, coverage = add_occluder(base, landmarks, rng)
    lit = relight(covered, rng, parameters=_LIGHT)
    image, target, _ = _draw(recipe, teacher, lit, landmarks)
    if recipe.eyes > 1:
        # The frame of spectacles is moved along with the eyes behind it.
        coverage = enlarge_eyes(coverage, eyes(landmarks, np.eye(2, 3)), recipe.eyes)
    # What is in front of the face stays in front of it: no effect there, or, for a look that draws
    # everything, no eyes and lips drawn from landmarks that cannot be seen.
    if target.shape[2] == 4:
        target[..., 3] = cv2.multiply(target[..., 3], 255 - coverage, scale=1 / 255)
    else:
        share = (coverage.astype(np.float32) / 255)[..., None]
        target = (target + (teacher(image, None) - target.astype(np.float32)) * share + 0.5).astype(np.uint8)
    return Pair(image, target)


def _staged(
    teacher: Teacher, image: Pixels, landmarks: NDArray[np.float32], rng: np.random.Generator | None
) -> tuple[Pixels, NDArray[np.float32]]:
    if isinstance(teacher, StagingTeacher):
        return teacher.inputs(image, landmarks, rng)
    return image, landmarks


def _anywhere(
    image: Pixels, landmarks: NDArray[np.float32], rng: np.random.Generator
) -> tuple[Pixels, NDArray[np.float32]]:
    away = rng.random() < _ELSEWHERE
    return (elsewhere(image, landmarks, rng) if away else image), landmarks


_LIGHT = replace(Augmentation(), relight_share=1.0, exposure=(0.45, 1.45), warmth=0.25)


def _draw(recipe: Recipe, teacher: Teacher, base: Pixels, landmarks: NDArray[np.float32]) -> Pair:
    if recipe.eyes > 1:
        points = eyes(landmarks, np.eye(2, 3))
        base = enlarge_eyes(base, points, recipe.eyes)
        landmarks = enlarged_landmarks(landmarks, points, recipe.eyes, BASE)
    return Pair(base, teacher(base, landmarks))


def into_crop(landmarks: NDArray[np.float32], to_crop: Affine) -> NDArray[np.float32]:
    """``landmarks`` (N, 3) in the pixels of a crop; z keeps its scale to x and y."""
    scale = float(np.hypot(to_crop[0, 0], to_crop[0, 1]))
    xy = landmarks[:, :2] @ to_crop[:, :2].T + to_crop[:, 2]
    return np.column_stack((xy, landmarks[:, 2] * scale)).astype(np.float32)


def _frame_pairs(
    recipe: Recipe, teacher: Teacher, person: Person, rng: np.random.Generator, *, plain: bool
) -> Iterator[Pair]:
    """A window of the frame at about the size the frame student will meet it: in a 512-pixel frame
    a face is 25 to 60 pixels from eye corner to eye corner, in a close-up 100."""
    head = fit_head(person.landmarks)
    # Portraits have no room round the head; drawn small, they would mostly be mirrored border.
    smallest, largest = (24, 70) if person.from_clip else (40, 100)
    for _ in range(1 if plain else 2):
        sitter = person
        if plain:
            window = replace(head.scaled(BASE / 60.0), angle=0.0)
        else:
            if not person.from_clip and rng.random() < _LONGER:
                sitter = replace(person, image=longer(person.image))
            between_corners = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
            window = head.scaled(BASE / between_corners).shifted(*rng.uniform(-0.25, 0.25, 2))
            # A shirt ends with the picture, as before a webcam. Mirrored below it would be a second person.
            lowest = sitter.image.shape[0] - SHOWN * window.side / 2
            window = replace(window, angle=0.0, cy=min(window.cy, lowest))
        base, edges = cut(sitter.image, window, BASE), photographed(sitter.image, window)
        small = edges is not None and _area(edges) < _PHOTOGRAPHED * BASE**2
        if not plain and (small or rng.random() < _ELSEWHERE):
            alone = _cut_out(sitter, window, edges)
            if alone is not None:
                base, edges = before_a_room(base, alone, rng), None
        yield Pair(base, teacher(base, None), edges)


def _cut_out(person: Person, window: Crop, edges: list[float] | None) -> NDArray[np.float32] | None:
    """`cut_out` in a window, without the person's mirror images."""
    # The segmentation sees no more than a few hundred pixels, and a large photograph would take it seconds.
    height, width = person.image.shape[:2]
    shrink = max(1, min(height, width) // _SEGMENTED)
    small = cv2.resize(person.image, (width // shrink, height // shrink), interpolation=cv2.INTER_AREA)
    found = cut_out(np.asarray(small, np.uint8), person.landmarks[:, :2] / shrink)
    if found is None:
        return None
    mask = cv2.resize(np.rint(255 * found).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    alone = cut(np.asarray(mask, np.uint8), window, BASE).astype(np.float32) / 255
    if edges is not None:
        left, top, right, _ = (int(np.clip(round(edge), 0, BASE - 1)) for edge in edges)
        # Shoulders that the photograph cuts off fall away beside it, as they do in life: who was taught that
        # they end there would take the lower corners of every shirt for a wall.
        rows, across = np.indices(alone.shape)
        beyond = np.maximum(left - across, across - right)
        above = rows - np.rint(_SHOULDERS * np.maximum(beyond, 0)).astype(int)
        edge = np.where(across < left, left, right)
        falling = np.where(above >= top, alone[np.maximum(above, 0), edge], 0)
        alone = np.where(beyond > 0, np.minimum(alone, falling), alone)
        alone[:top] = 0
    return alone


def _area(edges: list[float]) -> float:
    left, top, right, bottom = edges
    return (right - left) * (bottom - top)


def photographed(image: Pixels, window: Crop) -> list[float] | None:
    """`PairStore.photographed` of an upright ``window`` of ``image``."""
    place = window.to_crop(BASE)
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width - 1, height - 1]]) @ place[:, :2].T + place[:, 2]
    if corners[0].max() <= 0 and corners[1].min() >= BASE - 1:
        return None
    return [round(float(value), 1) for value in np.clip(corners, 0, BASE - 1).ravel()]
