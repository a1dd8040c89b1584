"""The contract that every student keeps."""

from __future__ import annotations

from typing import Protocol

from effectcam.frame import Pixels


class Student(Protocol):
    """A picture function with a fixed size: no state, the same answer for the same picture. A recurrent one
    gets its last drawing with the picture, from its caller, who keeps it.

    A student belongs to one thread at a time. Whoever opens it closes it.
    """

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of the picture it takes and of the one it gives."""
        ...

    @property
    def channels(self) -> int:
        """3: RGB. 4: RGB and alpha, straight (not premultiplied), 255 where the effect is opaque."""
        ...

    @property
    def inputs(self) -> int:
        """Channels that it takes: 3, the picture's; a recurrent one ``channels`` more, behind them: what it
        drew of the frame before, moved to where the face is now, 0 throughout where there is nothing yet."""
        ...

    def run(self, image: Pixels) -> Pixels:
        """Redraw ``image``: uint8 (H, W, ``inputs``), RGB first, to uint8 (H, W, ``channels``).

        The returned array is the student's own buffer and holds this answer until the next call:
        copy what must live longer. Raises UsageError for a picture of another size or type and
        StudentError when the network fails or its numbers are no picture; the student can be run
        again after either.
        """
        ...

    def close(self) -> None:
        """Free the network. Closing twice is fine; running a closed student is a StudentError."""
        ...
