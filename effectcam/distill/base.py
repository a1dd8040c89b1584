"""A base: one student taught many looks at once, from which each effect is tuned in minutes.

What a face is made of, where its parts end and how light falls on it is the same for every look. All
but the head, which mixes the last features into colours, is therefore shared while each look has a head
of its own, and the sum of all looks decides what is worth knowing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import nn

from effectcam.distill import losses
from effectcam.distill.checkpoint import AveragedModel, read_checkpoint
from effectcam.distill.net import NetConfig, Student
from effectcam.distill.origin import Origin
from effectcam.distill.pairs import PairStore
from effectcam.distill.train import Progress, TrainConfig, beginning, learn, usual_augmentation
from effectcam.errors import UsageError


class Looks(nn.Module):
    """Students, one a look, that have everything but their heads in common."""

    def __init__(self, net: NetConfig, names: Sequence[str]) -> None:
        super().__init__()
        self.config = net
        students = [Student(net) for _ in names]
        for student in students[1:]:
            for part, module in students[0].named_children():
                if part != "head":
                    setattr(student, part, module)
        self.students = nn.ModuleDict(dict(zip(names, students, strict=True)))


def students_of(looks: nn.Module) -> list[Student]:
    """One a look, in the order in which they take turns."""
    return [cast(Student, student) for student in cast(Looks, looks).students.values()]


def train_base(
    stores: Mapping[str, PairStore],
    net: NetConfig,
    folder: Path,
    *,
    config: TrainConfig,
    weights: losses.Weights | None = None,
    scale: float = 1.0,
    origin: Origin | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """Train on all ``stores``, one look a step and each as often as the others; yields the progress after
    each checkpoint. ``folder`` gets ``base.pt`` and ``preview.png``, of the looks in turn.

    ``scale`` is the looks' `StudentRecipe.scale`.
    ``origin`` is a student of one look that already knows faces, and with which each look begins; None:
    from nothing. Stopped, it goes on from the last checkpoint. Raises UsageError when that is of other looks
    or another net or there are fewer than two looks, StudentError when it cannot be written or training runs
    away.
    """
    names = sorted(stores)
    if len(names) < 2:
        raise UsageError("a base is taught two looks or more; name another recipe")
    torch.manual_seed(config.seed)
    looks = Looks(net, names)
    augmentation = usual_augmentation(net, scale)
    if origin is not None:
        begun = beginning(origin, net, stores[names[0]], augmentation.side)
        for student in students_of(looks):
            student.load_state_dict(begun.state_dict())
    yield from learn(
        looks,
        students_of,
        [stores[name] for name in names],
        folder / "base.pt",
        config=config,
        augmentation=augmentation,
        weights=weights or losses.Weights(),
        origin=origin.name if origin else "",
        clock=clock,
        looks=" ".join(names),
    )


def finished_base(folder: Path, net: NetConfig) -> tuple[Student, list[str]]:
    """What a training in ``folder`` made: the averaged student, its head as good as new, and the looks
    that it was taught. Raises UsageError when there is none of that net."""
    path = folder / "base.pt"
    if not path.is_file():
        raise UsageError(f"{path} is missing; train the base first")
    state = read_checkpoint(path)
    names = state["looks"].split()
    averaged = AveragedModel(Looks(net, names))
    try:
        averaged.load_state_dict(state["averaged"])
    except RuntimeError as error:
        raise UsageError(f"{path} is a base of another net; use another folder, or delete it") from error
    student = students_of(averaged.module)[0]
    student.head = Student(net).head
    return student.eval(), names
