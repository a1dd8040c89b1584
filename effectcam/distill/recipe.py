"""What to distil: one TOML file an effect, read before anything is computed."""

from __future__ import annotations

import datetime
import functools
import importlib
import inspect
import math
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from effectcam.distill.losses import Weights
from effectcam.distill.net import NetConfig
from effectcam.distill.teacher_files import module_file
from effectcam.distill.tones import TONES
from effectcam.effect.manifest import (
    Colour,
    Crop,
    Detail,
    Limits,
    Manifest,
    Mask,
    Model,
    Place,
    Provenance,
    Screen,
    Strength,
    Temporal,
    Tensor,
    Tier,
    TierName,
    Warp,
    parse_manifest,
    toml_text,
)
from effectcam.errors import EffectcamError, PackageError, UsageError, nearest

Teacher = Callable[[NDArray[np.uint8], NDArray[np.float32] | None], NDArray[np.uint8]]
"""(image uint8 (H, W, 3), landmarks float32 (478, 3) in pixels or None) to uint8 (H, W, 3 or 4),
straight alpha. Slow is fine; the same input must give the same bytes."""


@runtime_checkable
class StagingTeacher(Protocol):
    """A teacher of an effect that acts on what portraits hardly show, such as shut eyes: it also makes
    the pictures to learn from."""

    def inputs(
        self, image: NDArray[np.uint8], landmarks: NDArray[np.float32], rng: np.random.Generator | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The same person, picture and landmarks, as the effect will meet them; each time anew.

        Without ``rng`` everybody in the one way that the effect is made for: to measure on, since people
        who are met in different ways cannot be compared."""


REQUIRED = ("name", "version", "title", "description", "space", "licence")
"""What every recipe says of its effect, as it will stand in ``effect.toml``."""

_SECTIONS = {
    "crop": Crop,
    "tensor": Tensor,
    "mask": Mask,
    "colour": Colour,
    "detail": Detail,
    "warp": Warp,
    "screen": Screen,
    "temporal": Temporal,
    "limits": Limits,
    "strength": Strength,
}
_STUDENT = (
    "size",
    "minutes",
    "net",
    "teacher",
    "emphasis",
    "soften",
    "mirror",
    "upright",
    "one_ink",
    "losses",
)

BUNDLED = Path(__file__).with_name("recipes")


@dataclass(frozen=True)
class StudentRecipe:
    """How one student of an effect is made."""

    space: Place
    size: tuple[int, int]
    """(height, width) that the student draws at."""
    net: NetConfig
    teacher: dict[str, Any] = field(default_factory=dict)
    """Arguments for the teacher in this space."""
    minutes: float = 60.0
    """Training time on one thread."""
    emphasis: dict[str, float] = field(default_factory=dict)
    """See `TrainConfig.emphasis`."""
    soften: float = 0.0
    """Pixels of a pair, 0 (off) to 2, by which the teacher's change of the picture is smoothed, see
    `SoftenedTeacher`. 0.7 takes away what no student of this size holds; from 1 on lines look soft."""
    mirror: bool = True
    """Whether training may mirror its pictures, which doubles the people. False for a teacher that draws
    a mirrored picture otherwise, as networks do: the student would learn the mean of both."""
    upright: bool = False
    """Whether the teacher of frames draws a picture that lies on its side otherwise than the same one
    upright, as networks do: a fifth of training's batches lie then, and not half."""
    one_ink: bool = False
    """Whether the look has no colours of its own, such as a pencil's: training then sees rooms in all colours
    with the same drawing, or a green wall leaves a breath of green round the head."""
    losses: Weights = field(default_factory=Weights)
    """What the student is told, from ``[students.SPACE.losses]``."""

    @property
    def lying(self) -> float:
        """Share of training's batches that lie on their side, as upright frames are drawn: half of a frame's,
        and a fifth where a teacher draws those otherwise, too."""
        return 0.0 if self.space == "face" else 0.5 if self.mirror and not self.upright else 0.2

    @property
    def scale(self) -> float:
        """Pixels that it draws over those of its pairs, which show a face 256 across and what a frame of
        512 shows."""
        return self.size[1] / (256 if self.space == "face" else 512)


@dataclass(frozen=True)
class Recipe:
    """One effect to be distilled."""

    name: str
    teacher: str
    """``module:callable`` that makes the teacher."""
    manifest: dict[str, Any]
    """What goes into the package's ``effect.toml`` as it is."""
    students: dict[str, StudentRecipe]
    weaknesses: str = ""
    """What the effect does badly, for its card."""
    folder: Path = Path()
    """Where the recipe lies; a teacher's module may lie beside it."""

    @property
    def margin(self) -> float:
        return float(self.manifest.get("crop", {}).get("margin", Crop().margin))

    @property
    def shift(self) -> tuple[float, float]:
        right, down = self.manifest.get("crop", {}).get("shift", Crop().shift)
        return float(right), float(down)

    @property
    def eyes(self) -> float:
        return float(self.manifest.get("warp", {}).get("eyes", 1.0))

    def shows(self, space: str) -> dict[str, object]:
        """What pairs of ``space`` hang on besides the teacher's code and the people, as JSON holds it."""
        student = self.students[space]
        crop = {"[crop] margin": self.margin, "[crop] shift": list(self.shift), "[warp] eyes": self.eyes}
        return (crop if space == "face" else {}) | {
            "teacher": self.teacher,
            "what it is made with": {key: str(value) for key, value in student.teacher.items()},
            "soften": student.soften,
            "alpha": student.net.alpha,
            # People then come mirrored as well.
            "position of any student": any(each.net.position > 0 for each in self.students.values()),
        }

    def make_teacher(self, space: str) -> Teacher:
        """The teacher for ``space``. Raises UsageError when it cannot be imported."""
        return import_teacher(self.teacher, [self.folder, Path.cwd()], **self.students[space].teacher)

    def described(self, tiers: Mapping[TierName, Tier], data: str) -> Manifest:
        """What ``effect.toml`` is to say; ``data``: where the pictures came from, and under what rights."""
        values = self.manifest

        def section(name: str, kind: type[Any]) -> Any:
            given = values.get(name, {})
            if not isinstance(given, dict):
                raise TypeError(f"{name} is {given!r}; it has to be a table")
            return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in given.items()})

        sections = {name: section(name, kind) for name, kind in _SECTIONS.items()}
        if "temporal" not in values:
            # Students flicker; a recipe says so if its own does not.
            sections["temporal"] = Temporal("motion-blend")
        return Manifest(
            **{key: values[key] for key in REQUIRED},
            looks_real=values.get("looks_real", False),
            **sections,
            tiers=tiers,
            provenance=Provenance(self.teacher, data, datetime.date.today().isoformat()),
        )

    def check(self, data: str) -> None:
        """Raises PackageError for a package that would be refused: better before the training."""
        if set(self.manifest["space"].split("+")) != set(self.students):
            raise PackageError(
                f"the space is {self.manifest['space']!r}, the students are for: {', '.join(self.students)}"
            )
        models = {space: Model(f"{space}.tflite", student.size) for space, student in self.students.items()}
        manifest = self.described({"standard": Tier(**models)}, data)
        parse_manifest(toml_text(manifest), origin=self.name, with_files=False)
        if "frame" in self.students and manifest.tensor.channels == 4:
            raise PackageError(
                "tensor.output is 'rgba', and there is nothing behind a frame; set it to 'rgb', with "
                "students that draw no alpha, or the space to 'face'"
            )
        for space, student in self.students.items():
            if student.net.channels != manifest.tensor.channels:
                raise PackageError(
                    f"tensor.output is {manifest.tensor.output!r}, but the {space} student draws "
                    f"{'an' if student.net.alpha else 'no'} alpha; let [students.{space}.net] agree"
                )
            height, width = student.size
            if space == "frame" and 2 * height < width:
                raise PackageError(
                    f"the frame student's size is {height}, {width}, more than twice as wide as high, "
                    "and what it is judged by is square; give it more height"
                )
            if space == "face" and height != width:
                raise PackageError(
                    f"the face student's size is {height}, {width}, but a crop is square: give it equal sides"
                )
            if space == "frame" and student.net.recurrent:
                raise PackageError(
                    "recurrent is for the face's student, whose crop keeps its last drawing in place; take it"
                    " out of [students.frame.net]"
                )


def import_teacher(name: str, folders: Sequence[Path], /, **arguments: Any) -> Teacher:
    """The teacher called ``module:name``, where ``module`` is installed or lies in one of ``folders``.

    The name is that of a function (image, landmarks), which is the teacher, or of anything that makes
    one when it is called with ``arguments``. Raises UsageError when it cannot be imported or made, whatever
    its author's code throws.
    """
    module, _, attribute = name.partition(":")
    sys.path.extend(str(folder) for folder in folders if str(folder) not in sys.path)
    try:
        imported = importlib.import_module(module)
        _refuse_namesake(imported, module, folders)
        found = getattr(imported, attribute)
    except EffectcamError:
        raise
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"teacher {name!r} cannot be imported ({error}); write it as module:callable"
        ) from error
    except Exception as error:
        raise UsageError(_thrown(name, error, "imported")) from error
    if inspect.isfunction(found) and list(inspect.signature(found).parameters)[:2] == ["image", "landmarks"]:
        found = functools.partial(found, **arguments)
        return cast(Teacher, found)
    try:
        return cast(Teacher, found(**arguments))
    except EffectcamError:
        raise
    except TypeError as error:
        raise UsageError(
            f"teacher {name!r} cannot be made ({error}); what it takes stands under [students.face.teacher] "
            "and [students.frame.teacher] of a recipe, for 'distill new' in --teacher-option, and a function "
            "that draws takes (image, landmarks)"
        ) from error
    except Exception as error:
        raise UsageError(_thrown(name, error, "made")) from error


def _refuse_namesake(imported: ModuleType, name: str, folders: Sequence[Path]) -> None:
    """One of Python's own, as test or code, hides a file of the author's."""
    if name.partition(".")[0] not in sys.stdlib_module_names:
        return
    meant, got = module_file(name, folders), getattr(imported, "__file__", None)
    if meant is not None and got is not None and not meant.samefile(got):
        raise UsageError(f"{name} is also a module at {got}, and that is found; call {meant} otherwise")


def _thrown(name: str, error: Exception, when: str) -> str:
    said = " ".join(str(error).split())
    return f"teacher {name!r} threw {type(error).__name__} when it was {when}: {said}"


def load_recipe(name_or_path: str) -> Recipe:
    """A bundled recipe by name, or any TOML file. Raises UsageError with the nearest known name."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = BUNDLED / f"{name_or_path}.toml"
    if not path.is_file():
        known = [file.stem for file in BUNDLED.glob("*.toml")]
        if name_or_path.endswith(".toml"):
            raise UsageError(f"no recipe {name_or_path}: there is no such file; check the path")
        raise UsageError(
            f"no recipe {name_or_path!r}: {nearest(name_or_path, known)}; a file of your own ends in .toml"
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        students = {space: _student(space, values) for space, values in content.pop("students").items()}
        for key in REQUIRED:
            _ = content[key]  # missed here, not after an hour of training
        teacher, weaknesses = content.pop("teacher"), content.pop("weaknesses", "")
        _refuse_unknown(content, (*REQUIRED, "looks_real", *_SECTIONS))
        recipe = Recipe(content["name"], teacher, content, students, weaknesses, path.absolute().parent)
        recipe.check("portraits")
        return recipe
    except KeyError as error:
        raise UsageError(f"{path}: {error} is missing; compare with {BUNDLED / 'toon.toml'}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: {error}; compare with {BUNDLED / 'toon.toml'}") from error


def _student(space: str, values: dict[str, Any]) -> StudentRecipe:
    if space not in ("face", "frame"):
        raise ValueError(f"a student is for the face or the frame, not for {space!r}")
    _refuse_unknown(values, _STUDENT)
    height, width = values["size"]
    if not all(isinstance(side, int) and side > 0 and side % 32 == 0 for side in (height, width)):
        raise ValueError(f"the {space} student's size is {height}, {width}: choose sides that 32 divides")
    shape = dict(values.get("net", {}))
    if "widths" in shape:
        shape["widths"] = tuple(shape["widths"])
    net = NetConfig(**shape)
    if space == "face" and "upright" in values:
        raise ValueError("upright is for the frame's student: faces come upright")
    if net.position and (net.position, net.position) != (height, width):
        raise ValueError(f"position is {net.position} and the size {height}, {width}: they must be the same")
    minutes = float(values.get("minutes", 60.0))
    if not 0 < minutes < math.inf:
        raise ValueError(f"the {space} student's minutes are {minutes:g}: choose more than 0")
    return StudentRecipe(
        "face" if space == "face" else "frame",
        (height, width),
        net,
        values.get("teacher", {}),
        minutes,
        _emphasis(values.get("emphasis", {})),
        _soften(values.get("soften", 0.0)),
        _flag(values, "mirror", default=True),
        _flag(values, "upright", default=False),
        _flag(values, "one_ink", default=False),
        Weights.of(values.get("losses", {})),
    )


def _refuse_unknown(values: dict[str, Any], known: Sequence[str]) -> None:
    for key in values:
        if key not in known:
            raise ValueError(f"{key!r} is not known; {nearest(key, known)}")


def _emphasis(values: dict[str, Any]) -> dict[str, float]:
    for tone, factor in values.items():
        if tone not in TONES:
            raise ValueError(f"emphasis on {tone!r}: {nearest(tone, list(TONES))}")
        if not 0 < float(factor) <= 10:
            raise ValueError(f"emphasis on {tone!r} is {factor}: choose above 0 and up to 10")
    return {tone: float(factor) for tone, factor in values.items()}


def _soften(sigma: Any) -> float:
    if isinstance(sigma, bool) or not isinstance(sigma, int | float) or not 0 <= sigma <= 2:
        raise ValueError(f"soften is {sigma!r}: choose a number of pixels from 0 (off) to 2")
    return float(sigma)


def _flag(values: dict[str, Any], key: str, *, default: bool) -> bool:
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise ValueError(f"{key} is {value!r}: choose true or false")
    return value
