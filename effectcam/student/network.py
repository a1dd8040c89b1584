"""What a student is opened from, on whatever processor."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from effectcam.student.engine import EngineFactory, open_engine
from effectcam.student.litert import LiteRtStudent, Range
from effectcam.student.threads import ThreadPolicy


@dataclass(frozen=True, slots=True)
class Network:
    """A ``.tflite`` file and what its numbers mean; see `LiteRtStudent`."""

    model: bytes
    name: str
    """For messages."""
    channels: int = 3
    input_range: Range = (0.0, 1.0)
    output_range: Range = (0.0, 1.0)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.model).hexdigest()

    def open(
        self, threads: int | ThreadPolicy | None = None, *, engine: EngineFactory = open_engine
    ) -> LiteRtStudent:
        """In this process, with ``engine``. Raises StudentError."""
        return LiteRtStudent(
            self.model,
            input_range=self.input_range,
            output_range=self.output_range,
            channels=self.channels,
            threads=threads,
            name=self.name,
            engine=engine,
        )
