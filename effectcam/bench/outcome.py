"""What became of the frames of a bench."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from effectcam.errors import EffectcamError
from effectcam.frame import Frame
from effectcam.overlap import overlapped
from effectcam.pipeline import Pipeline


class Outcome(NamedTuple):
    frame: Frame
    failure: str
    """Why it was not drawn, or an empty text."""


def outcomes(pipeline: Pipeline, frames: Iterable[Frame], *, overlap: bool) -> Iterator[Outcome]:
    """Of each frame as soon as it is done. A frame that fails is an outcome too, unless frames overlap: then
    its EffectcamError is raised, and no more come."""
    if overlap:
        yield from (Outcome(frame, "") for frame in overlapped(pipeline, frames))
        return
    for frame in frames:
        try:
            pipeline.process(frame)
        except EffectcamError as error:
            yield Outcome(frame, str(error))
        else:
            yield Outcome(frame, "")
