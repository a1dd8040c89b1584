"""The plain pipeline that effectcam is measured against: the parts as their documentation joins them.

It is written as a developer would write it who knows the three libraries and has not measured:
MediaPipe's ready-made Face Mesh, a crop by ``getAffineTransform``, the TensorFlow Lite interpreter
with its defaults, which are one thread, and a float blend of the whole frame. It leaves out the steadying
of the crop, the colour match, the detail of the original and the blending with the drawings before, all
of which effectcam has to pay for.
"""

from __future__ import annotations

import math
from types import TracebackType

import cv2
import mediapipe
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from effectcam.composite.mask import feathered
from effectcam.effect import Effect
from effectcam.effect.manifest import Place
from effectcam.errors import UsageError
from effectcam.face.warp import enlarge_eyes, eyes
from effectcam.frame import Frame, Pixels
from effectcam.ledger import FrameTimes, Ledger

Image = NDArray[np.float32]
"""0 to 1."""

_LEFT_CORNER, _RIGHT_CORNER = 33, 263
"""Outer corners of the eyes, left and right in the picture."""


class _Model:
    """A student behind the interpreter, threads and delegates left at their defaults."""

    def __init__(self, effect: Effect, place: Place, tier: str) -> None:
        model = effect.model(place, tier)
        self.height, self.width = model.size
        self._low, high = effect.tensor.input_range
        self._span = high - self._low
        self._output_low, output_high = effect.tensor.output_range
        self._output_span = output_high - self._output_low
        self._interpreter = Interpreter(model_content=effect.read(model.file))
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        if self._interpreter.get_input_details()[0]["shape"][3] != 3:
            raise UsageError(
                f"{effect.name} has a student with a memory, which the plain pipeline has not; leave it out"
            )

    def run(self, image: Pixels) -> Image:
        tensor = image.astype(np.float32) / 255
        if (self._low, self._span) != (0, 1):
            tensor = tensor * self._span + self._low
        self._interpreter.set_tensor(self._input, tensor[None])
        self._interpreter.invoke()
        answer: Image = self._interpreter.get_tensor(self._output)[0]
        if (self._output_low, self._output_span) != (0, 1):
            answer = (answer - self._output_low) / self._output_span
        return np.clip(answer, 0, 1)


class PeerPipeline:
    """Draws the same effect for one face; ``process`` and ``ledger`` as in ``effectcam.Pipeline``."""

    def __init__(self, effect: Effect, *, tier: str = "standard") -> None:
        self.ledger = Ledger()
        self._times = FrameTimes()
        self._effect = effect
        self._frame_model = _Model(effect, "frame", tier) if "frame" in effect.places else None
        self._face_model = _Model(effect, "face", tier) if "face" in effect.places else None
        self._mesh = None
        if self._face_model is not None:
            self._mesh = mediapipe.solutions.face_mesh.FaceMesh(
                static_image_mode=False, max_num_faces=1, refine_landmarks=False
            )
            self._mask = feathered(self._face_model.width, effect.mask.feather).astype(np.float32) / 255

    def process(self, frame: Frame) -> Frame:
        self._times = FrameTimes()
        with self._times.time("chain"):
            result = self._draw(frame.pixels)
        self.ledger.add(self._times)
        return frame.with_pixels(result)

    def _draw(self, pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        strength = self._effect.strength.default
        with self._times.time("composite"):
            canvas = pixels.astype(np.float32) / 255
        if self._frame_model is not None:
            with self._times.time("crop"):
                small = cv2.resize(pixels, (self._frame_model.width, self._frame_model.height))
            with self._times.time("student"):
                drawing = self._frame_model.run(np.asarray(small, np.uint8))
            with self._times.time("composite"):
                large = cv2.resize(drawing[..., :3], (width, height), interpolation=cv2.INTER_CUBIC)
                canvas = canvas * (1 - strength) + large * strength
        if self._face_model is not None:
            with self._times.time("mesh"):
                landmarks = self._landmarks(pixels)
            if landmarks is not None:
                canvas = self._draw_face(pixels, landmarks, canvas, self._face_model, strength)
        with self._times.time("composite"):
            return (np.clip(canvas, 0, 1) * 255).astype(np.uint8)

    def _landmarks(self, pixels: Pixels) -> NDArray[np.float32] | None:
        """(468, 3), pixels, of the first face."""
        if self._mesh is None:
            return None
        found = self._mesh.process(pixels).multi_face_landmarks
        if not found:
            return None
        height, width = pixels.shape[:2]
        points = [(p.x * width, p.y * height, p.z * width) for p in found[0].landmark]
        return np.array(points, np.float32)

    def _draw_face(
        self, pixels: Pixels, landmarks: NDArray[np.float32], canvas: Image, model: _Model, strength: float
    ) -> Image:
        height, width = pixels.shape[:2]
        with self._times.time("crop"):
            affine = self._affine(landmarks, model.width)
            crop = np.asarray(cv2.warpAffine(pixels, affine, (model.width, model.height)), np.uint8)
            if self._effect.warp.eyes > 1:
                crop = enlarge_eyes(crop, eyes(landmarks, affine), self._effect.warp.eyes)
        with self._times.time("student"):
            drawing = model.run(crop)
        with self._times.time("composite"):
            mask = self._mask * strength
            if drawing.shape[2] == 4:
                mask = mask * drawing[..., 3]
            inverse = cv2.invertAffineTransform(affine)
            large = cv2.warpAffine(drawing[..., :3], inverse, (width, height))
            alpha = cv2.warpAffine(mask, inverse, (width, height))[..., None]
            return np.asarray(canvas * (1 - alpha) + large * alpha, np.float32)

    def _affine(self, landmarks: NDArray[np.float32], size: int) -> NDArray[np.float64]:
        """Picture to crop, from the corners of the eyes: the square that the student expects."""
        left, right = landmarks[_LEFT_CORNER, :2], landmarks[_RIGHT_CORNER, :2]
        across = right - left
        down = np.array((-across[1], across[0]), np.float32)
        # A turned head brings the corners together; depth keeps the square's size.
        apart = float(np.linalg.norm(landmarks[_RIGHT_CORNER] - landmarks[_LEFT_CORNER]))
        length = max(math.hypot(*across), 1e-3)
        margin, (shift_x, shift_y) = self._effect.crop.margin, self._effect.crop.shift
        half_across, half_down = across / length * apart * margin / 2, down / length * apart * margin / 2
        centre = (left + right) / 2 + 0.35 * down / length * apart
        centre = centre + 2 * shift_x * half_across + 2 * shift_y * half_down
        corners = [
            centre - half_across - half_down,
            centre + half_across - half_down,
            centre - half_across + half_down,
        ]
        target = np.array([(0, 0), (size, 0), (0, size)], np.float32)
        return np.asarray(cv2.getAffineTransform(np.array(corners, np.float32), target), np.float64)

    def close(self) -> None:
        if self._mesh is not None:
            self._mesh.close()
            self._mesh = None

    def __enter__(self) -> PeerPipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
