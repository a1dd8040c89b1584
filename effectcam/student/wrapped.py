"""A student before another one: the same to whoever asks it, but for what it does about a picture."""

from __future__ import annotations

from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from effectcam.frame import Pixels
from effectcam.student.accelerator import Placement
from effectcam.student.protocol import Student


class Placed(Student, Protocol):
    """A student that also tells where it runs."""

    @property
    def threads(self) -> int:
        """CPU threads in use."""
        ...

    @property
    def placement(self) -> Placement:
        """Where it runs now."""
        ...


Behind = TypeVar("Behind", bound=Placed)


class WrappedStudent(Generic[Behind]):
    """Tells what the student behind it tells, draws what it draws, closes it. To be overridden: `run`."""

    def __init__(self, student: Behind) -> None:
        self._student = student

    @property
    def size(self) -> tuple[int, int]:
        return self._student.size

    @property
    def channels(self) -> int:
        return self._student.channels

    @property
    def inputs(self) -> int:
        return self._student.inputs

    @property
    def threads(self) -> int:
        return self._student.threads

    @property
    def placement(self) -> Placement:
        return self._student.placement

    def run(self, image: Pixels) -> Pixels:
        return self._student.run(image)

    def close(self) -> None:
        self._student.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
