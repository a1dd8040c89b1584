"""A training's state on disk: written whole or not at all, and taken up only by the same training."""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from effectcam.distill.criterion import Criterion
from effectcam.distill.losses import Weights
from effectcam.distill.net import NetConfig, Student
from effectcam.distill.optimiser import Optimiser
from effectcam.errors import StudentError, UsageError

AveragedModel = torch.optim.swa_utils.AveragedModel

_KEYS = ("student", "averaged", "optimiser", "step", "seconds", "origin")


@dataclass
class Training:
    """All that changes while a student learns."""

    student: nn.Module
    """A `Student`, or several that share most of themselves; its ``config`` is their shape."""
    averaged: AveragedModel
    optimiser: Optimiser
    criterion: Criterion
    step: int = 0
    seconds: float = 0.0
    """Spent so far, over all restarts."""
    origin: str = ""
    """The effect that it went on from, or empty."""
    looks: str = ""
    """Names of the looks that students which share most of themselves are taught; empty for one student."""
    lesson: dict[str, Any] = field(default_factory=dict)
    """The pairs, and how they are shown, as plain values."""

    @property
    def shape(self) -> dict[str, Any]:
        """That of the students, as plain values."""
        return asdict(cast(NetConfig, self.student.config))

    def save(self, path: Path) -> None:
        """Raises StudentError when it cannot be written; what was there before is then still there."""
        state = {
            "student": self.student.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "criterion": self.criterion.state_dict(),
            "net": self.shape,
            "losses": self.criterion.identity(),
            "step": self.step,
            "seconds": self.seconds,
            "origin": self.origin,
            "looks": self.looks,
            "lesson": self.lesson,
        }
        part = path.with_suffix(".tmp")
        try:
            torch.save(state, part)
            part.replace(path)
        except (OSError, RuntimeError) as error:  # torch's writer raises the latter on a full disk
            part.unlink(missing_ok=True)
            raise StudentError(
                f"{path} cannot be written ({str(error).splitlines()[0]}); free some space and start again: "
                f"it goes on from the last checkpoint"
            ) from error

    def resume(self, path: Path) -> None:
        """Go on from ``path``. Raises UsageError when that was another net's training, had other losses,
        other pairs or another optimiser, was taught other looks, or went on from something else than is asked
        for now."""
        state = read_checkpoint(path)
        # What a checkpoint does not name, because it is older, was as the defaults are.
        _refuse_other(path, "another net", asdict(NetConfig()) | state.get("net", self.shape), self.shape)
        usual = asdict(Weights()) | {"features": ""}
        _refuse_other(path, "other losses", usual | state.get("losses", {}), self.criterion.identity())
        _refuse_other(path, "other looks", {"looks": state.get("looks", "")}, {"looks": self.looks})
        # Of an older one it cannot be told.
        lesson = state.get("lesson") or self.lesson
        _refuse_other(path, "other pairs, or others shown more often", lesson, self.lesson)
        if self.origin and state["origin"] != self.origin:
            raise UsageError(
                f"{path} was begun from {state['origin'] or 'nothing'}, not from {self.origin}; leave --from "
                "out to go on, or delete it to begin anew"
            )
        if "muon" not in state["optimiser"]:
            raise UsageError(
                f"{path} was begun with another optimiser; export it and go on from that effect with --from, "
                "or delete it to begin anew"
            )
        _load(path, self.student, state["student"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.criterion.load_state_dict(state.get("criterion", {}))
        self.step, self.seconds, self.origin = state["step"], state["seconds"], state["origin"]


def load_student(folder: Path, net: NetConfig) -> Student:
    """The averaged student of a training folder, ready to draw. Raises UsageError for another shape."""
    path = folder / "student.pt"
    state = read_checkpoint(path)
    student = Student(net)
    weights = {k.removeprefix("module."): v for k, v in state["averaged"].items() if k.startswith("module.")}
    _load(path, student, weights)
    return student.eval()


def minutes_spent(folder: Path) -> float:
    """What the training in ``folder`` has taken so far; 0 where none has begun."""
    path = folder / "student.pt"
    return float(read_checkpoint(path)["seconds"]) / 60 if path.is_file() else 0.0


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What `Training.save` wrote. Raises UsageError for anything else."""
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
        for key in _KEYS:
            _ = state[key]
    except (RuntimeError, EOFError, pickle.UnpicklingError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no checkpoint, or a damaged one; delete it to begin anew") from error
    return state


def _refuse_other(path: Path, what: str, was: dict[str, Any], wanted: dict[str, Any]) -> None:
    others = [f"{key} {was.get(key)}, now {value}" for key, value in wanted.items() if was.get(key) != value]
    if others:
        raise UsageError(
            f"{path} was trained with {what} ({'; '.join(others)}); put that back to go on or to export "
            "it, or delete it to begin anew"
        )


def _load(path: Path, student: nn.Module, weights: dict[str, Any]) -> None:
    try:
        student.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"{path} holds a student of another shape than the recipe's; give the recipe its shape, use "
            "another folder, or delete it to begin anew"
        ) from error
