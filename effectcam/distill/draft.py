"""A first recipe for a teacher that nobody has distilled yet, found out by asking the teacher itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.data import Person, of_picture
from effectcam.distill.pairs import BASE, SHOWN, into_crop
from effectcam.distill.recipe import Teacher
from effectcam.effect.manifest import Space
from effectcam.errors import UsageError
from effectcam.face.crop import cut, fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Pixels

Landmarks = NDArray[np.float32]

_MARGIN, _MARGIN_WITH_ALPHA = 2.9, 2.6
"""Of the recipe's crop; a look that draws the whole crop needs hair and neck in it."""
_DRAFT_MINUTES = 16.0
_FULL_MINUTES = 120.0


@dataclass(frozen=True)
class Nature:
    """What a teacher turned out to draw."""

    alpha: bool
    """It says itself where the face changes."""
    frames: bool
    """It draws without landmarks too, so the whole frame can have the look."""
    mirror: bool = True
    """It draws a mirrored picture as the mirror image of the drawing, so training may mirror."""
    upright: bool = False
    """It draws what lies on its side otherwise, though it may be mirrored."""
    one_ink: bool = False
    """It draws a picture of other colours the same, so training may show it rooms in all of them."""

    @property
    def space(self) -> Space:
        return "frame+face" if self.frames else "face"


def examine(teacher: Teacher, person: Person) -> Nature:
    """Ask ``teacher`` about one face, twice, and about the same picture without landmarks.

    Raises UsageError when it throws on the face, gives other than uint8 (H, W, 3 or 4) of the same
    size, draws into what it was given, gives two answers that differ, or gives RGB but none without
    landmarks.
    """
    # At the scale of those that draw no alpha, of which more is asked below.
    shown = _shown(person, alpha=False)
    drawn, again = (_ask(teacher, person, shown) for _ in range(2))
    if not np.array_equal(drawn, again):
        raise UsageError(
            "the teacher drew the same picture in two ways; fix its seed, or the student learns a blur"
        )
    alpha, image = drawn.shape[2] == 4, shown[0]
    if alpha:
        # Those keep their place in the crop, and are not mirrored in any case.
        return Nature(alpha, frames=False)
    without = _without(teacher, image)
    if np.array_equal(without, image):
        plain = drawn.astype(np.float32)
        one_ink = _one_ink(lambda picture: _ask(teacher, person, (picture, shown[1])), image, plain)
        return Nature(alpha, frames=False, mirror=_mirrors(teacher, person, plain), one_ink=one_ink)
    plain = without.astype(np.float32)
    mirror = _follows(teacher, image, plain, lambda picture: picture[:, ::-1])
    upright = mirror and not _follows(teacher, image, plain, lambda picture: picture.swapaxes(0, 1))
    one_ink = _one_ink(lambda picture: _without(teacher, picture), image, plain)
    return Nature(alpha, frames=True, mirror=mirror, upright=upright, one_ink=one_ink)


def contact_sheet(teacher: Teacher, crowd: Sequence[Person], *, alpha: bool) -> Pixels:
    """RGB uint8 (640, 320 · N, 3): the N people of ``crowd`` at the size at which pairs show them, and below
    as ``teacher`` draws them, laid over the picture where it draws an alpha. ``alpha``: `Nature.alpha`.
    Raises UsageError as `examine` does."""
    columns = []
    for person in crowd:
        shown = _shown(person, alpha=alpha)
        image, drawn = shown[0], _ask(teacher, person, shown)
        if drawn.shape[2] == 4:
            share = drawn[..., 3:].astype(np.float32) / 255
            drawn = (image + (drawn[..., :3] - image.astype(np.float32)) * share + 0.5).astype(np.uint8)
        columns.append(np.vstack((image, drawn)))
    return np.hstack(columns)


def _shown(person: Person, *, alpha: bool) -> tuple[Pixels, Landmarks]:
    """Picture and landmarks as the teacher will be shown them when pairs are made by `recipe_text`."""
    margin = _MARGIN_WITH_ALPHA if alpha else _MARGIN
    crop = fit_head(person.landmarks).scaled(margin).scaled(1 / SHOWN)
    return cut(person.image, crop, BASE), into_crop(person.landmarks, crop.to_crop(BASE))


def _ask(teacher: Teacher, person: Person, shown: tuple[Pixels, Landmarks]) -> Pixels:
    image, landmarks = shown
    given = image.copy(), landmarks.copy()
    try:
        drawn = teacher(*given)
    except Exception as error:
        raise UsageError(
            f"the teacher threw {type(error).__name__} on {person.name}: {error}; it must draw any face"
        ) from error
    shape, kind = getattr(drawn, "shape", None), getattr(drawn, "dtype", type(drawn).__name__)
    if shape not in ((BASE, BASE, 3), (BASE, BASE, 4)) or kind != np.uint8:
        raise UsageError(
            f"the teacher made {kind} of shape {shape} from uint8 of shape {image.shape}; "
            "it must keep the size and give RGB or RGBA in uint8"
        )
    if not (np.array_equal(given[0], image) and np.array_equal(given[1], landmarks)):
        # The same arrays become the student's input: it would be shown what is drawn already.
        raise UsageError(
            "the teacher draws into the picture or landmarks it was given; let it work on image.copy()"
        )
    return drawn


def _without(teacher: Teacher, image: Pixels) -> Pixels:
    """What it makes of a picture without a face. One that draws RGB is asked about such pictures in any
    case: what is before a face, as a hand, is learnt from that."""
    try:
        drawn = teacher(image.copy(), None)
        like = getattr(drawn, "shape", None) == image.shape and getattr(drawn, "dtype", None) == np.uint8
        failed = "" if like else "gave no such picture"
    except Exception as error:
        failed = f"threw {type(error).__name__}: {error}"
    if failed:
        raise UsageError(
            f"the teacher gives RGB, and without landmarks {failed}; return the image as it is where "
            "landmarks is None, or RGBA"
        )
    return drawn


_OTHERWISE = 0.25
"""Share of what a teacher changes by which the drawing of a turned picture may differ. Those that are
programmed differ by 0.08 at most, those that are networks by 0.4 and more."""


def _follows(
    teacher: Teacher,
    image: Pixels,
    drawn: NDArray[np.float32],
    turn: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
) -> bool:
    """Whether a turned picture (``turn`` undoes itself) is drawn as the drawing, turned."""
    other = turn(_without(teacher, np.ascontiguousarray(turn(image))))
    return bool(np.abs(other - drawn).mean() < _OTHERWISE * np.abs(drawn - image).mean())


_COLOUR_TAKEN = 0.8
"""Share of a change of all colours to their opposites, at equal luma, that may be left in the drawing: 0.7 at
most for looks in one ink, 1.2 and more for others, which mostly press colours."""


def _mirrors(teacher: Teacher, person: Person, drawn: NDArray[np.float32]) -> bool:
    """Whether a mirrored face is drawn as the drawing, mirrored: with landmarks of its own, and in a crop
    that may lie a pixel elsewhere; in doubt it is not."""
    flipped = np.asarray(cv2.flip(person.image, 1), np.uint8)
    with FaceMesh(irises=True) as mesh:
        seen = next(of_picture(person.name, flipped, mesh, mirrored=True), None)
    if seen is None:
        return False
    shown = _shown(seen, alpha=False)
    other = _ask(teacher, seen, shown)[:, ::-1]
    image = _shown(person, alpha=False)[0]
    return bool(np.abs(other - drawn).mean() < _OTHERWISE * np.abs(drawn - image).mean())


def _one_ink(draw: Callable[[Pixels], Pixels], image: Pixels, drawn: NDArray[np.float32]) -> bool:
    luma_chroma = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    luma_chroma[..., 1:] = 255 - luma_chroma[..., 1:]
    opposite = np.asarray(cv2.cvtColor(luma_chroma, cv2.COLOR_YCrCb2RGB), np.uint8)
    changed = np.abs(opposite.astype(np.float32) - image).mean()
    return bool(np.abs(draw(opposite) - drawn).mean() < _COLOUR_TAKEN * changed)


def _quoted(text: object) -> str:
    # JSON's numbers and truth values are TOML's, and so are its escapes, but for characters beyond 16 bits.
    return json.dumps(text, ensure_ascii=False)


def recipe_text(
    name: str,
    teacher: str,
    nature: Nature,
    *,
    licence: str,
    looks_real: bool,
    draft: bool,
    options: Mapping[str, object] | None = None,
) -> str:
    """The text of a recipe for ``teacher`` (``module:callable``), to be trained as it is and edited later.

    ``options``: what the teacher is made with, strings, numbers and truth values. ``draft``: a quarter of
    an hour's training in all, to see whether the look can be learnt, instead of two hours for each student.
    """
    minutes = _DRAFT_MINUTES / (2 if nature.frames else 1) if draft else _FULL_MINUTES
    made_with = [f"{_quoted(key)} = {_quoted(value)}" for key, value in (options or {}).items()]
    title = name.replace("-", " ").capitalize()
    mirror = (
        "mirror = false  # a mirrored picture is drawn otherwise: the student would learn the mean of both"
    )
    one_ink = "one_ink = true  # no colour of the room may come through"
    traits = ([] if nature.mirror else [mirror]) + ([one_ink] if nature.one_ink else [])
    lines = [
        f"name = {_quoted(name)}",
        'version = "0.1.0"',
        f"title = {_quoted(title)}",
        f"description = {_quoted(f'{title}, as {teacher} draws it.')}",
        f"space = {_quoted(nature.space)}",
        f"licence = {_quoted(licence)}",
        f"looks_real = {'true' if looks_real else 'false'}  # could an onlooker take it for a real face?",
        f"teacher = {_quoted(teacher)}",
        'weaknesses = "Not looked at yet."',
        "",
        "[crop]",
        f"margin = {_MARGIN_WITH_ALPHA if nature.alpha else _MARGIN}"
        "  # larger: more hair and neck, fewer pixels for the face",
        "",
        "[tensor]",
        f'output = "{"rgba" if nature.alpha else "rgb"}"',
        "",
        "[mask]",
        f"feather = {0.06 if nature.alpha else 0.16}",
        "",
        "[colour]",
        f'policy = "{"match-frame" if nature.frames else "none"}"',
        "",
        "[detail]",
        f"gain = {0.3 if nature.alpha else 0.12}  # how much of the camera's finest detail comes back",
        "",
        "[students.face]",
        "size = [256, 256]",
        f"minutes = {minutes}",
        *traits,
        *(["", "[students.face.teacher]", *made_with] if made_with else []),
        "",
        "[students.face.net]",
    ]
    if nature.alpha:
        lines += [
            "alpha = true",
            "position = 256  # marks keep their place on the face",
            "coarse_depth = 4",
        ]
    else:
        lines += ["fine_depth = 1"]
    if nature.frames:
        lines += [
            "",
            "[students.frame]",
            "size = [288, 512]",
            f"minutes = {minutes}",
            *traits,
            *(["upright = true  # what lies on its side is drawn otherwise"] if nature.upright else []),
            *(["", "[students.frame.teacher]", *made_with] if made_with else []),
            "",
            "[students.frame.net]",
            "widths = [12, 16, 24, 40, 64]",
            "depth = 3",
            "fine_depth = 1",
        ]
    return "\n".join(lines) + "\n"
