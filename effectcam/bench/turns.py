"""When a run goes on, and when others that it is compared with have their turn."""

from __future__ import annotations

from typing import Protocol


class Turns(Protocol):
    """Asked between two frames of a run. What `wait` takes is left out of every figure."""

    length: int | None
    """Frames of a turn; None for a run that has none."""

    def over(self) -> bool:
        """Called after each frame but the last; whether others shall go on now."""
        ...

    def wait(self) -> None:
        """Return when the next turn begins, the first one too. What it raises ends the run."""
        ...


class Alone:
    """The null policy: no others, never a wait."""

    length: int | None = None

    def over(self) -> bool:
        return False

    def wait(self) -> None:
        pass
