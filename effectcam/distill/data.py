"""The people an effect is learnt from: portraits and clips of a folder, with their landmarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill import dataset
from effectcam.distill.tones import TONES, tone
from effectcam.errors import SourceError, UsageError
from effectcam.face.crop import fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels

PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
CLIPS = {".mp4", ".mov", ".mkv", ".webm"}
_UNREAD = {
    f".{kind}"
    for kind in [
        "heic",
        "heif",
        "avif",
        "tif",
        "tiff",
        "bmp",
        "gif",
        "jfif",
        "jxl",
        "dng",
        "avi",
        "m4v",
        "mts",
    ]
}
"""Of which a folder of photographs is told: a telephone's are of the first kind."""

_REACH = 6.5
"""Eye distances kept around the head, each way: the widest window that a frame student is shown."""
_LARGEST = 128.0
"""Eye distance in pixels that pictures are shrunk to; a face student sees 70 to 90."""

FEWEST_PORTRAITS = 4
_LONGEST_SIDE = 2560
"""Larger pictures are shrunk first: a face that needs more pixels to be found is too small in any case."""


@dataclass(frozen=True, slots=True)
class Person:
    """One picture of one face."""

    name: str
    """Path below the folder, and the frame's number for a clip: ``d6.mp4#120``."""
    image: Pixels
    landmarks: NDArray[np.float32]
    """(478, 3), pixels, irises included."""
    tone: str
    mirrored: bool = False
    held_out: bool | None = None
    """Whether a curated folder keeps this person to measure on; None in a plain one, which does not say."""
    weight: float = 1.0
    """How often to show it in training, against 1 on average; 0 for who is held out."""

    @property
    def from_clip(self) -> bool:
        return "#" in self.name


def people(
    folder: Path, *, every: int = 12, mirrored: bool = False, tell: Callable[[str], None] | None = None
) -> Iterator[Person]:
    """Everybody in ``folder`` and below, in the order of their file names; pictures without a face
    are passed over. Pictures are shrunk to 2560 pixels on their longer side, so that portraits as cameras
    give them fit into memory by the hundred.

    A curated folder (``effectcam distill data``) gives what its index has, but for spare pictures of people
    who are held out; its landmarks are not sought again, and ``every`` was decided when it was made.

    ``every``: one frame in so many is taken of each clip; neighbours teach almost nothing new.
    ``mirrored``: each comes a second time, mirrored, under the same name, with landmarks of its own:
    for effects whose marks differ left from right, which training cannot mirror afterwards.
    ``tell`` gets a line about each file that cannot be read, which is then passed over; without, it is a
    SourceError. Raises UsageError when the folder holds neither pictures nor clips, or is half curated.
    """
    if dataset.is_unfinished(folder):
        raise UsageError(
            f"{folder} is not finished; run the same 'effectcam distill data' again, it goes on where it was"
        )
    if dataset.is_dataset(folder):
        yield from _of_dataset(folder, mirrored=mirrored)
        return
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in PICTURES | CLIPS)
    if not files:
        raise UsageError(
            f"no pictures or clips in {folder}; looked for {', '.join(sorted(PICTURES | CLIPS))}"
        )
    if tell is not None and (others := _unread(folder)):
        tell(f"passed over in {folder}: {others}; make .jpg or .png of those to be learnt from")
    with FaceMesh(irises=True) as mesh:
        for file in files:
            mesh.reset()
            look = _of_clip_file if file.suffix.lower() in CLIPS else _of_picture_file
            try:
                yield from look(file, written(file.relative_to(folder)), mesh, every, mirrored=mirrored)
            except SourceError as error:
                if tell is None:
                    raise
                tell(f"passed over: {error}")


def _unread(folder: Path) -> str:
    """Pictures and clips of kinds that are not read, as "190 .heic, 2 .avi"; empty without any."""
    kinds = Counter(file.suffix.lower() for file in folder.rglob("*") if file.suffix.lower() in _UNREAD)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def written(below: Path) -> str:
    """What a file at a path ``below`` its folder is called in datasets and cards; two of one name in two
    folders are two people."""
    # What follows a '#' is the number of a clip's frame.
    name = below.as_posix().replace("#", "%23")
    # Names that are not UTF-8, as old archives have them, could not be written down.
    return name.encode("utf-8", "backslashreplace").decode()


def _of_clip_file(file: Path, name: str, mesh: FaceMesh, every: int, *, mirrored: bool) -> Iterator[Person]:
    yield from _of_clip(file, name, mesh, every)
    if mirrored:
        mesh.reset()
        yield from _of_clip(file, name, mesh, every, mirrored=True)


def _of_picture_file(
    file: Path, name: str, mesh: FaceMesh, every: int, *, mirrored: bool
) -> Iterator[Person]:
    image = read_picture(file)
    if image is None:
        raise SourceError(f"{file} is no picture that can be read; remove it from the folder")
    yield from of_picture(name, image, mesh)
    if mirrored:
        mesh.reset()
        yield from of_picture(name, np.asarray(cv2.flip(image, 1), np.uint8), mesh, mirrored=True)


def read_picture(file: Path) -> Pixels | None:
    """RGB, upright as its camera said, at most 2560 pixels a side; None when it cannot be read."""
    try:
        # OpenCV itself crashes over a path that is not UTF-8.
        stored = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):  # cannot be opened, is empty, or too large for OpenCV
        return None
    if stored is None:
        return None
    shrink = _LONGEST_SIDE / max(stored.shape[:2])
    if shrink < 1:
        stored = cv2.resize(stored, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGR2RGB), np.uint8)


def _of_dataset(folder: Path, *, mirrored: bool) -> Iterator[Person]:
    with FaceMesh(irises=True) as mesh:
        for entry in dataset.read_index(folder):
            if entry.split == "spare":
                continue
            image, landmarks = dataset.load_picture(folder, entry.key)
            out = entry.split == "held-out"
            person = Person(entry.name, image, landmarks, entry.tone, held_out=out, weight=entry.weight)
            yield person
            if mirrored and not out:
                mesh.reset()
                flipped = np.asarray(cv2.flip(image, 1), np.uint8)
                for seen in of_picture(entry.name, flipped, mesh, mirrored=True):
                    yield replace(seen, held_out=out, weight=entry.weight)


def of_picture(name: str, image: Pixels, mesh: FaceMesh, *, mirrored: bool = False) -> Iterator[Person]:
    """The person in a picture, or nobody. ``mesh`` is not to know anybody yet."""
    # The second look starts from the first one's rect, which fits better than the detector's.
    for moment in range(2):
        found = mesh.process(Frame(image, moment, moment * 33_000_000))
    if found:
        landmarks = found[0].landmarks
        yield Person(name, image, landmarks, tone(image, landmarks), mirrored)


def _of_clip(
    file: Path, name: str, mesh: FaceMesh, every: int, *, mirrored: bool = False
) -> Iterator[Person]:
    from effectcam.source.clip import Clip

    with Clip(file, mirror=mirrored) as clip:
        for frame in clip:
            found = mesh.process(frame)
            if found and frame.index % every == 0:
                # What pairs are made from: whole frames of a minute's clip would fill the memory.
                image, landmarks = cut_out(frame.pixels, found[0].landmarks)
                yield Person(f"{name}#{frame.index}", image, landmarks, tone(image, landmarks), mirrored)


def cut_out(image: Pixels, landmarks: NDArray[np.float32]) -> tuple[Pixels, NDArray[np.float32]]:
    """The part of ``image`` that pairs can be made from, and the landmarks in it: no further from the
    head than 6.5 eye distances, as upright as the picture is, and no larger than 128 pixels from eye to
    eye. Nothing is turned: pairs turn what they need, and frames are shown as they were taken."""
    head = fit_head(landmarks)
    height, width = image.shape[:2]
    reach = _REACH * head.side
    left, top = max(0, round(head.cx - reach)), max(0, round(head.cy - reach))
    right, bottom = min(width, round(head.cx + reach)), min(height, round(head.cy + reach))
    part = image[top:bottom, left:right]
    points = landmarks - np.array([left, top, 0], np.float32)
    scale = _LARGEST / head.side
    if scale < 1:
        rows, columns = max(1, round(part.shape[0] * scale)), max(1, round(part.shape[1] * scale))
        across, down = columns / part.shape[1], rows / part.shape[0]
        part = np.asarray(cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
        # Pixel centres are at whole numbers, z is a length.
        half = np.array([0.5, 0.5, 0], np.float32)
        points = (points + half) * np.array([across, down, across], np.float32) - half
    return np.ascontiguousarray(part), points.astype(np.float32)


HELD_OUT = "held-out.txt"


def held_out(
    crowd: Sequence[Person], count: int, folder: Path, *, tell: Callable[[str], None] | None = None
) -> set[str]:
    """Names of those in ``crowd``, the people of ``folder``, to measure on and never train on.

    A curated folder has decided that already, by person, and so has a folder with a file ``held-out.txt``,
    a name a line, with or without the folders below: who goes on from another student must not measure on
    people whom that one was trained on. Otherwise it is ``count`` portraits, at most half of them: see
    `hold_out`. ``tell`` gets a line about names in the list that are nobody's. Raises UsageError when there
    are too few to leave anybody, and for a list that names nobody in the folder.
    """
    if not crowd:
        raise UsageError(f"no face was found in {folder}; give portraits or clips with a face in view")
    if any(person.held_out is not None for person in crowd):
        return {person.name for person in crowd if person.held_out}
    wanted = listed(folder)
    if wanted is not None:
        chosen = {p.name for p in crowd if wanted & {p.name, PurePosixPath(p.name).name}}
        strangers = sorted(wanted - {name for p in crowd for name in (p.name, PurePosixPath(p.name).name)})
        if strangers and chosen and tell:
            tell(f"{folder / HELD_OUT}: no picture with a face is called {', '.join(strangers)}")
        if not chosen or chosen == {person.name for person in crowd}:
            raise UsageError(
                f"{folder / HELD_OUT} names {len(chosen)} of {len({p.name for p in crowd})} pictures with a "
                "face; it has to leave some to learn from and some to measure on"
            )
        return chosen
    portraits = [(person.name, person.tone) for person in crowd if not (person.from_clip or person.mirrored)]
    if len(portraits) < FEWEST_PORTRAITS:
        raise UsageError(
            f"portraits with a face in {folder}: {len(portraits)}; {FEWEST_PORTRAITS} are the least that "
            "leave somebody to measure on (clips alone do not)"
        )
    return hold_out(portraits, min(count, len(portraits) // 2))


def listed(folder: Path) -> set[str] | None:
    """The names in the list ``held-out.txt`` of ``folder``, None without one. Raises UsageError when it
    cannot be read."""
    path = folder / HELD_OUT
    if not path.is_file():
        return None
    try:
        # Editors put a mark of their own before the first name, and blanks after others.
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    return {name.strip() for name in lines} - {""}


def hold_out(portraits: Sequence[tuple[str, str]], count: int) -> set[str]:
    """Names of ``count`` portraits to measure on and never train on, from (name, tone) pairs.

    Spread evenly over the tones as far as there are people, so that each band can be judged; the
    choice hangs on the names alone and stays the same from run to run.
    """
    bands = {band: sorted(name for name, tone_of in portraits if tone_of == band) for band in TONES}
    chosen: list[str] = []
    turn = 0
    while len(chosen) < min(count, len(portraits)):
        for band in bands.values():
            # Every seventh name, wrapping round, so that no one legislature or year is preferred.
            if band and len(chosen) < count:
                chosen.append(band.pop((7 * turn + 3) % len(band)))
        turn += 1
    return set(chosen)
