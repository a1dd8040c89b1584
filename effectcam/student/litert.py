"""A student run by LiteRT on the CPU."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from effectcam.errors import StudentError, UsageError
from effectcam.frame import Pixels
from effectcam.student.accelerator import ON_CPU, Placement
from effectcam.student.engine import Engine, EngineFactory, open_engine
from effectcam.student.model_file import inspect_model
from effectcam.student.threads import ThreadPolicy, choose_threads, fixed_threads

Range = tuple[float, float]


class LiteRtStudent:
    """The `Student` in a ``.tflite`` file: float32 NHWC, one RGB picture in, one RGB or RGBA out.

    ``input_range`` and ``output_range`` are the (low, high) that black and white have in the model's
    tensors: the wrong pair gives a flat, burnt or inverted picture, not an error. Output beyond its
    range is clipped. ``channels`` is what the caller counts on; a model that differs is refused.

    ``threads`` is a count, a policy, or None to measure (`choose_threads`, up to 0.8 s).
    ``name`` stands in the messages; it defaults to the file's name.

    Raises StudentError when the file cannot be read, is no picture function, or is refused by the
    runtime. All buffers are made here; `run` changes no size and opens nothing.
    """

    def __init__(
        self,
        path_or_bytes: str | Path | bytes,
        *,
        input_range: Range = (0.0, 1.0),
        output_range: Range = (0.0, 1.0),
        channels: int = 3,
        threads: int | ThreadPolicy | None = None,
        name: str | None = None,
        engine: EngineFactory = open_engine,
    ) -> None:
        model, self._name = _read(path_or_bytes, name)
        holds = inspect_model(model, name=self._name)
        if holds.channels != channels:
            raise StudentError(
                f"{self._name} gives {holds.channels} channels, not the declared {channels}; "
                "correct the declared output or export it again"
            )
        self._size = (height, width) = holds.size
        self._channels = channels
        low, high = _checked("input", input_range)
        self._input_gain = np.float32((high - low) / 255)
        self._input_low = np.float32(low)
        self._low, self._high = _checked("output", output_range)
        self._output_gain = 255 / (self._high - self._low)
        self._inputs = holds.inputs
        self._tensor = np.empty((1, height, width, holds.inputs), np.float32)
        self._image = np.empty((height, width, channels), np.uint8)
        self._wide_image = self._image.reshape(height, width * channels)

        def load(count: int) -> Engine:
            try:
                return engine(model, holds, count)
            except StudentError:
                raise
            except Exception as error:
                raise StudentError(
                    f"LiteRT refuses {self._name} ({_reason(error)}); export it again"
                ) from None

        def make(count: int) -> LiteRtStudent:
            return LiteRtStudent(
                model,
                input_range=input_range,
                output_range=output_range,
                channels=channels,
                threads=count,
                name=self._name,
                engine=engine,
            )

        policy = fixed_threads(threads) if isinstance(threads, int) else threads or choose_threads
        self._threads = policy(make)
        self._engine: Engine | None = load(self._threads)

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    @property
    def channels(self) -> int:
        return self._channels

    @property
    def inputs(self) -> int:
        return self._inputs

    @property
    def threads(self) -> int:
        """CPU threads in use."""
        return self._threads

    @property
    def placement(self) -> Placement:
        """Where it runs."""
        return ON_CPU

    def run(self, image: Pixels) -> Pixels:
        if image.dtype != np.uint8 or image.shape != (*self._size, self._inputs):
            raise UsageError(
                f"{self._name} takes uint8 of shape {(*self._size, self._inputs)} with RGB first, not "
                f"{image.dtype} of shape {image.shape}; resize the crop to the student's size"
            )
        if self._engine is None:
            raise StudentError(f"{self._name} is closed; open the effect again")
        np.multiply(image, self._input_gain, out=self._tensor[0], dtype=np.float32, casting="unsafe")
        if self._input_low:
            np.add(self._tensor, self._input_low, out=self._tensor)
        try:
            answer = self._engine.invoke(self._tensor)
        except Exception as error:
            raise StudentError(
                f"{self._name} failed to run ({_reason(error)}); choose another effect"
            ) from None

        # The two extremes tell all: NaN and infinities pass through them, and within the range the
        # one-pass conversion, which takes absolute values and wraps huge ones, needs no clipping first.
        lowest, highest = float(answer.min()), float(answer.max())
        if not (math.isfinite(lowest) and math.isfinite(highest)):
            raise StudentError(
                f"{self._name} returned NaN or infinity; install the effect again or choose another"
            )
        if lowest < self._low or highest > self._high:
            np.clip(answer, np.float32(self._low), np.float32(self._high), out=answer)
        wide = answer.reshape(self._wide_image.shape)
        cv2.convertScaleAbs(wide, self._wide_image, self._output_gain, -self._low * self._output_gain)
        return self._image

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def __enter__(self) -> LiteRtStudent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read(path_or_bytes: str | Path | bytes, name: str | None) -> tuple[bytes, str]:
    if isinstance(path_or_bytes, bytes):
        return path_or_bytes, name or "the model"
    path = Path(path_or_bytes)
    try:
        return path.read_bytes(), name or path.name
    except OSError as error:
        raise StudentError(f"cannot read the model {path}: {error.strerror}; check the path") from None


def _reason(error: Exception) -> str:
    """The last of LiteRT's lines, which is the innermost cause."""
    line = (str(error).strip() or "it does not say why").splitlines()[-1].removeprefix("└ ")
    # Some quote their arguments, the whole model among them.
    return line if len(line) <= 200 else line[:200] + "…"


def _checked(role: str, values: Range) -> Range:
    low, high = values
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"{role}_range must be (low, high) with low below high, not {values}")
    return float(low), float(high)
