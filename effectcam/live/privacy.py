"""What goes out when the face is not under the effect: never the bare face, unless that was chosen.

A tracker loses a face for a moment now and then: a hand passes, the head turns away. The last good
picture is held that long, which nobody notices. Then it fades into the live picture blurred beyond
recognition, until the face is found again.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, Protocol

import cv2
import numpy as np

from effectcam.composite.placeholder import placeholder
from effectcam.frame import Frame, Pixels

OnLost = Literal["blur", "hold", "placeholder", "passthrough"]
"""After the hold: fade into a blurred picture, go on holding, show a card, or let the bare face out."""

Look = Literal["live", "hold", "blur", "placeholder"]
"""What the last picture was: under the effect, an old one, blurred, or a card."""

_SEEN = 5
"""Frames that somebody must have been under the effect to count as there."""

_BLUR_ACROSS = 18
"""Pixels that a blurred picture is left with across: a face that fills a third of it has six."""


class Guard(Protocol):
    """Decides what is shown of each frame."""

    look: Look

    def __call__(self, frame: Frame, drawn: Pixels | None, faces: int | None) -> Pixels:
        """The pixels to send for ``frame`` (of any size, RGB uint8), of which the effect made ``drawn``;
        None when it failed. ``faces``: how many got the effect; None when it is not about faces."""
        ...

    def forget(self) -> None:
        """The last good picture must not be shown again: the user has hidden it."""
        ...

    def recount(self) -> None:
        """From now on other faces are to be under the effect, or fewer, because the user chose so."""
        ...


class NoGuard:
    """Lets everything out, the bare frame where the effect failed."""

    look: Look = "live"

    def __call__(self, frame: Frame, drawn: Pixels | None, faces: int | None) -> Pixels:
        return frame.pixels if drawn is None else drawn

    def forget(self) -> None:
        pass

    def recount(self) -> None:
        pass


class FaceGuard:
    """Holds, then hides, while a face is missing that was there, and before the first is found.

    Time is that of the frames' own stamps, so that a replay decides as the live run did.
    """

    def __init__(
        self, on_lost: OnLost = "blur", *, hold: float = 0.5, fade: float = 0.4, settle: float = 3.0
    ) -> None:
        """``hold`` (seconds): shorter shows a blur at each hand that passes, longer a frozen picture.
        ``fade`` (seconds): from the held picture into the blurred one and back.
        ``settle`` (seconds): of several people one who is gone for longer has left; until then the
        picture is hidden, since that person may still be in it."""
        self.look: Look = "hold"
        self._on_lost = on_lost
        self._hold, self._fade, self._settle = (int(seconds * 1e9) for seconds in (hold, fade, settle))
        self._good: Pixels | None = None
        self._good_at = 0
        self._counts: deque[tuple[int, int]] = deque()
        self._hidden = 1.0
        self._last_at: int | None = None

    def __call__(self, frame: Frame, drawn: Pixels | None, faces: int | None) -> Pixels:
        now = frame.captured_at
        step = 0 if self._last_at is None else max(0, now - self._last_at)
        self._last_at = now
        if self._on_lost == "passthrough" and drawn is not None:
            self.look = "live"
            return drawn
        if drawn is not None and faces is None:
            # Nothing in it is bare, or all of it by the user's wish: no reason to come out of a blur.
            # But what is bare is not held, since that wish may end.
            self._good, self._good_at, self._hidden = None if drawn is frame.pixels else drawn, now, 0.0
            self.look = "live"
            return drawn
        if drawn is not None and faces is not None and self._complete(now, faces):
            self._good, self._good_at = drawn, now
            return self._show(frame, drawn, -step)
        held = self._good
        if held is not None and (held.shape != frame.pixels.shape):
            held = None
        if held is not None and (self._on_lost == "hold" or now - self._good_at <= self._hold):
            # What was fading back into view stays as far as it was.
            return self._show(frame, held, 0, look="hold")
        return self._show(frame, held, step)

    def forget(self) -> None:
        self._good = None
        self._hidden = 1.0

    def recount(self) -> None:
        self._counts.clear()

    def _complete(self, now: int, faces: int) -> bool:
        """Whether everybody who was under the effect lately is so now."""
        self._counts.append((now, faces))
        while now - self._counts[0][0] > self._settle:
            self._counts.popleft()
        # What was taken for a face for a moment is nobody who has to be waited for.
        lately = sorted((count for _, count in self._counts), reverse=True)
        return 0 < faces >= lately[min(_SEEN, len(lately)) - 1]

    def _show(self, frame: Frame, clear: Pixels | None, step: int, *, look: Look = "live") -> Pixels:
        """``clear`` as far as it is not hidden; hides it further by the time ``step``, or less."""
        if clear is None or not self._fade:
            self._hidden = 1.0 if clear is None or step > 0 else 0.0 if step < 0 else self._hidden
        else:
            self._hidden = min(1.0, max(0.0, self._hidden + step / self._fade))
        if clear is not None and self._hidden == 0:
            self.look = look
            return clear
        self.look = "placeholder" if self._on_lost == "placeholder" else "blur"
        cover = self._cover(frame.pixels)
        if clear is None or self._hidden == 1:
            return cover
        return np.asarray(cv2.addWeighted(cover, self._hidden, clear, 1 - self._hidden, 0), np.uint8)

    def _cover(self, pixels: Pixels) -> Pixels:
        if self._on_lost == "placeholder":
            return placeholder(
                pixels.shape[1], pixels.shape[0], "One moment, please", "the picture will be back"
            )
        return blurred(pixels)


def blurred(pixels: Pixels) -> Pixels:
    """The picture without anything that tells who is in it, (H, W, 3) RGB uint8; new memory.

    Averaged down to 18 pixels across, which loses the detail for good, unlike a blur that could be
    undone; then drawn smooth.
    """
    height, width = pixels.shape[:2]
    scale = _BLUR_ACROSS / max(width, height)
    small = cv2.resize(
        pixels, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    middle = cv2.GaussianBlur(
        cv2.resize(small, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_CUBIC),
        (0, 0),
        max(1.0, width / 8 / _BLUR_ACROSS / 2),
    )
    return np.asarray(cv2.resize(middle, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
