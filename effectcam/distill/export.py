"""From a trained student to a .tflite file, and the proof that both draw the same."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from effectcam.distill.layers import ROUNDING, LayerParity, layer_parity
from effectcam.distill.net import Student
from effectcam.errors import StudentError
from effectcam.native_log import without_native_log
from effectcam.student.litert import LiteRtStudent
from effectcam.student.past import with_past

TOLERANCE = 0.5
"""Mean difference allowed between the two, in steps of 1/255: half of what 8 bits can show."""


@dataclass(frozen=True)
class Parity:
    """How far the exported student is from the trained one, in steps of 1/255."""

    mean: float
    largest: float
    """Of a single value; rounding to 8 bits alone makes it 0.5."""
    layers: Sequence[LayerParity]
    """Every convolution's, in the order in which they compute, on the first picture."""


def export(student: Student, size: tuple[int, int], path: Path, *, half: bool = True) -> None:
    """Write ``student`` to ``path`` for pictures of ``size`` (height, width): float32 NHWC in and out,
    0 to 1. ``half`` keeps the weights in 16 bits. Replaces ``path`` only when the conversion is done."""
    with _quiet():
        _convert(student, size, path, half=half)


def _convert(student: Student, size: tuple[int, int], path: Path, *, half: bool) -> None:
    # Takes seconds to import; only an author who exports pays for it.
    import litert_torch

    from effectcam.distill.half import halved

    sample = torch.zeros(1, *size, student.config.inputs)
    channels_last = litert_torch.to_channel_last_io(student.eval(), args=[0], outputs=[0])
    draft = path.with_suffix(".draft.tflite")
    litert_torch.convert(channels_last, (sample,)).export(str(draft))
    if half:
        draft.write_bytes(halved(draft.read_bytes()))
    draft.replace(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the converter's running commentary and PyTorch's warnings to its developers, among which
    an error of ours would not be seen. Errors are raised all the same."""
    with (
        without_native_log(),
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def check_parity(student: Student, path: Path, pictures: NDArray[np.uint8]) -> Parity:
    """Draw ``pictures`` uint8 (N, H, W, 3), of the student's size, with both.

    Raises StudentError when they differ by more than ``TOLERANCE`` on average.
    """
    differences = []
    with LiteRtStudent(path, channels=student.config.channels, threads=1) as exported, torch.inference_mode():
        for picture in pictures:
            batch = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
            trained = student.eval()(batch)[0].permute(1, 2, 0).numpy() * 255
            shown = exported.run(with_past(picture, None, exported.inputs))
            differences.append(np.abs(shown.astype(np.float32) - trained))
    every = np.stack(differences)
    layers = layer_parity(student, path.read_bytes(), pictures[0])
    parity = Parity(float(every.mean()), float(every.max()), layers)
    if parity.mean > TOLERANCE:
        first = next((layer for layer in layers if layer.difference > ROUNDING), layers[-1])
        raise StudentError(
            f"{path.name} draws {parity.mean:.2f}/255 away from the trained student, {TOLERANCE} is allowed; "
            f"they part at the layer {first.name}; export it again with litert-torch 0.10.0"
        )
    return parity
