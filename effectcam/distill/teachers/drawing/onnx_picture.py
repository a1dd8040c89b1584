"""An ONNX network that makes a picture out of a picture, of any size, on one thread."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.drawing.leaves import dead_leaves
from effectcam.distill.teachers.head.face_parts import Picture
from effectcam.errors import UsageError
from effectcam.installing import install_extra

_MIRRORED = 16
"""Pixels of mirrored picture round the picture: what networks do at their own border is not seen."""


@functools.lru_cache(maxsize=8)
def session(path: Path, /) -> Any:
    """An ``onnxruntime.InferenceSession`` on one thread of the CPU, so that the same input gives the same
    bytes. Raises UsageError when onnxruntime is missing, or the file is, or it is no ONNX model."""
    try:
        import onnxruntime  # for authors alone: effects run without it
    except ImportError as error:
        raise UsageError(
            f"ONNX models need onnxruntime ({error}); run: {install_extra('distill')}"
        ) from error
    if not path.is_file():
        raise UsageError(f"no ONNX model {path}: there is no such file; check the path")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no base of their own
        reason = str(error).splitlines()[0]
        raise UsageError(f"{path} is no ONNX model that can be run: {reason}; export it anew") from error


class OnnxPicture:
    """Runs an image-to-image model: RGB, float32, channels first (1, 3, H, W) or last (1, H, W, 3).

    input_range, output_range: numbers for black and white, such as (0, 255) or (-1, 1); the wrong ones give
        a grey or burnt-out picture.
    multiple: what the sides have to be divisible by for the model, if it takes any size. Too small, and it
        fails or answers a few pixels more or less, which is refused.
    surround: width of the strip of dead leaves beside the picture, in widths of the picture. Models that
        normalise by the whole picture draw a face the darker the lighter its background is; the strip holds
        them back, 1 by about a half. It takes time by its area. A model of fixed size has it where there
        is room.
    feeds: the model's further inputs.
    """

    def __init__(
        self,
        path: Path,
        *,
        input_range: tuple[float, float] = (0.0, 1.0),
        output_range: tuple[float, float] = (0.0, 1.0),
        multiple: int = 4,
        surround: float = 0.4,
        feeds: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        for name, (black, white) in (("input_range", input_range), ("output_range", output_range)):
            if black == white:
                raise UsageError(f"{name} ({black}, {white}) is empty; give the numbers for black and white")
        if multiple < 1 or surround < 0:
            raise UsageError(
                f"multiple {multiple} and surround {surround} cannot be; give at least 1 and at least 0"
            )
        self._session = session(path)
        self._feeds = dict(feeds or {})
        self._path, self._in, self._out = path, input_range, output_range
        self._multiple, self._surround = multiple, surround
        pictures = [i for i in self._session.get_inputs() if i.name not in self._feeds]
        if len(pictures) != 1 or len(pictures[0].shape) != 4 or pictures[0].type != "tensor(float)":
            seen = ", ".join(f"{i.name} {i.type} {i.shape}" for i in pictures)
            raise UsageError(f"{path} takes {seen}, not one float picture (1, 3, H, W) or (1, H, W, 3)")
        self._name, shape = pictures[0].name, pictures[0].shape
        self._first = shape[1] == 3 or shape[3] != 3
        sides = shape[2:] if self._first else shape[1:3]
        self._fixed = (sides[0], sides[1]) if all(isinstance(side, int) for side in sides) else None

    def __call__(self, rgb: Picture, scale: float, /) -> Picture:
        """``rgb``, float32 (H, W, 3), 0 to 1, as the model draws it, of the same size and kind.

        scale: pixels that the model sees for one of the picture: more makes its marks finer and takes time
            by the square. A model of fixed size sees no more than it has room for.
        """
        height, width = rgb.shape[:2]
        if self._fixed:
            scale = min(
                scale, *((f - 2 * _MIRRORED) / s for f, s in zip(self._fixed, (height, width), strict=True))
            )
        inner = (max(round(width * scale), 8), max(round(height * scale), 8))
        enlarged = np.asarray(
            cv2.resize(rgb, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        )
        seen = self._answer(self._canvas(np.clip(enlarged, 0, 1)))
        drawn = seen[_MIRRORED : _MIRRORED + inner[1], _MIRRORED : _MIRRORED + inner[0]]
        back = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
        return np.clip(np.asarray(cv2.resize(drawn, (width, height), interpolation=back), np.float32), 0, 1)

    def _canvas(self, picture: Picture) -> Picture:
        """The picture with mirrored borders, and leaves to its right and below where there is room."""
        height, width = picture.shape[:2]
        if self._fixed:
            rows, columns = self._fixed
        else:
            step = self._multiple
            rows = -(-(height + 2 * _MIRRORED) // step) * step
            columns = -(-(round(width * (1 + self._surround)) + 2 * _MIRRORED) // step) * step
        canvas = dead_leaves(rows, columns).copy()
        # A small picture is mirrored again and again, up to the nearest border.
        right = min(columns - width - _MIRRORED, _MIRRORED + self._multiple)
        below = min(rows - height - _MIRRORED, _MIRRORED + self._multiple)
        framed = cv2.copyMakeBorder(picture, _MIRRORED, below, _MIRRORED, right, cv2.BORDER_REFLECT_101)
        canvas[: framed.shape[0], : framed.shape[1]] = framed
        return canvas

    def _answer(self, canvas: Picture) -> Picture:
        black, white = self._in
        fed = (canvas * np.float32(white - black) + np.float32(black))[None]
        if self._first:
            fed = np.ascontiguousarray(fed.transpose(0, 3, 1, 2))
        try:
            out = np.asarray(self._session.run(None, {self._name: fed, **self._feeds})[0], np.float32)
        except Exception as error:  # onnxruntime's exceptions have no base of their own
            reason = str(error).splitlines()[0]
            raise UsageError(
                f"{self._path} fails on {fed.shape}: {reason}; try another 'multiple'"
            ) from error
        if out.ndim == 4 and out.shape[1] == 3 and out.shape[3] != 3:
            out = out.transpose(0, 2, 3, 1)
        if out.shape != (1, *canvas.shape):
            raise UsageError(
                f"{self._path} makes {out.shape} out of {fed.shape}, not a picture of the same size;"
                " try 'multiple' 32, or another model"
            )
        black, white = self._out
        return np.asarray((out[0] - np.float32(black)) / np.float32(white - black), np.float32)
