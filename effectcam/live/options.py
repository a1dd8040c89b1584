"""What a live run begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from effectcam.student.accelerator import Wish

Panic = Literal["freeze", "placeholder", "blur"]
"""What goes out instead of the live picture: the last picture that was sent, a card that says that the
camera pauses, or the live picture blurred beyond recognition."""


@dataclass(frozen=True, slots=True)
class Options:
    """For `Controls`, where most of it can be changed later."""

    tier: str | None = "standard"
    """The best to be used. None: any, beginning with what the `StartTier` policy chooses."""
    strength: float | None = None
    """None: each effect's own."""
    faces: str = "one"
    """See `choose_face`."""
    threads: int | None = None
    accelerator: Wish = "cpu"
    mirror: bool = False
    panic: Panic = "freeze"
    """What the panic key does."""
    label: bool | None = None
    """The corner label; None: as the effect's package says."""
    bare: bool = False
    """Whether a face may be seen as it is. Else soft limits hold for effects that draw the frame as well, for
    there a drawing is below the face's, and for no others: these cover it, however badly it is seen."""
