"""A device as slow as one wants it: an effect whose students wait, and a camera that does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from effectcam.effect.manifest import Place
from effectcam.effect.package import Effect
from effectcam.frame import Clock, Frame, Pixels, RealClock
from effectcam.student.choice import PlacedStudent
from effectcam.student.wrapped import WrappedStudent

Delay = Callable[[str], float]
"""Milliseconds that a student of the given tier takes beside its own time."""


class SlowStudent(WrappedStudent[PlacedStudent]):
    """A student, and a wait after each of its pictures."""

    def __init__(self, student: PlacedStudent, wait: Callable[[], None]) -> None:
        super().__init__(student)
        self._wait = wait

    def run(self, image: Pixels) -> Pixels:
        drawn = super().run(image)
        self._wait()
        return drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowEffect(Effect):
    """An effect with such students."""

    clock: Clock
    delay: Delay
    runs: list[str]
    """The tier of each picture that was drawn."""

    def open_student(self, place: Place, *, tier: str = "standard", **options: Any) -> PlacedStudent:
        def wait() -> None:
            self.runs.append(tier)
            self.clock.sleep_until(self.clock.now() + round(1e6 * self.delay(tier)))

        student = Effect.open_student(self, place, tier=tier, **options)
        return SlowStudent(student, wait)  # type: ignore[return-value]


def slowed(effect: Effect, clock: Clock, delay: Delay) -> SlowEffect:
    """``effect`` with students that wait on ``clock``."""
    values = {field.name: getattr(effect, field.name) for field in fields(Effect)}
    return SlowEffect(**values, clock=clock, delay=delay, runs=[])


def camera(
    clock: Clock, seconds: float, picture: Callable[[int], Pixels], *, fps: float = 30, begin: int = 0
) -> Iterator[Frame]:
    """The newest frame each time one is asked for, as a camera's queue of one gives it: ``picture`` of each
    number from ``begin`` on, as if the clock had begun at number 0."""
    number = begin
    while number < begin + seconds * fps:
        due = round(number / fps * 1e9)
        clock.sleep_until(due)
        yield Frame(picture(number), number, due)
        number = max(number + 1, int(clock.now() / 1e9 * fps))


class ClockFromZero:
    """Monotonic time of this machine, from the clock's making on."""

    def __init__(self) -> None:
        self._clock = RealClock()
        self._start = self._clock.now()

    def now(self) -> int:
        return self._clock.now() - self._start

    def sleep_until(self, moment: int) -> None:
        self._clock.sleep_until(moment + self._start)
