"""A clip in the place of a camera: its frames come at a camera's pace and bear the time they came at."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from effectcam.errors import SourceError, UsageError
from effectcam.frame import Clock, Frame, Pixels, RealClock
from effectcam.latency import stamp
from effectcam.latency.passage import Passage
from effectcam.source import Clip
from effectcam.source.clip import MAX_PIXELS, MAX_SIDE
from effectcam.source.fill import filled

_MOST_FRAMES = 60
_MOST_BYTES = 250_000_000


def load_frames(path: str | Path, size: tuple[int, int]) -> list[Pixels]:
    """The first frames of a clip, two seconds at most, filling ``size`` (width, height).

    Decoded beforehand, so that decoding takes nothing from the loop's time. Raises what `Clip` raises,
    and UsageError for a size too small for a stamp, or larger than any camera's.
    """
    width, height = size
    if width < stamp.LEAST_WIDTH or height < stamp.LEAST_HEIGHT:
        raise UsageError(
            f"{width}x{height} is too small for the stamps; give at least "
            f"{stamp.LEAST_WIDTH}x{stamp.LEAST_HEIGHT}"
        )
    if max(size) > MAX_SIDE or width * height > MAX_PIXELS:
        raise UsageError(
            f"frames of {width}x{height} are too large; give at most {MAX_SIDE} pixels a side and "
            f"{MAX_PIXELS // 1_000_000} megapixels, such as 1280x720"
        )
    most = min(_MOST_FRAMES, max(2, _MOST_BYTES // (width * height * 3)))
    with Clip(path) as clip:
        return [filled(frame.pixels, width, height) for frame in islice(clip, most)]


class ClipCamera:
    """Does what `Camera` does for the camera's supervisor: each `next` is the next picture in time.

    The frames are played forwards and backwards, so that no cut makes a tracker start anew. One that
    is asked for late is left out, as a camera does.
    """

    def __init__(self, frames: list[Pixels], *, fps: float, clock: Clock | None = None) -> None:
        """``frames``: at least one, all of one size; they are only read."""
        if not frames:
            raise SourceError("the clip has no frame")
        self.height, self.width = frames[0].shape[:2]
        self.fps = fps
        self.passages: dict[int, Passage] = {}
        """Of each frame handed out, by its stamp, in order."""
        self._frames = frames + frames[-2:0:-1]
        self._period = int(1e9 / fps)
        self._clock = clock or RealClock()
        self._due = self._clock.now()

    def __next__(self) -> Frame:
        late = max(0, self._clock.now() - self._due) // self._period
        self._due += late * self._period
        self._clock.sleep_until(self._due)
        self._due += self._period
        index = len(self.passages)
        pixels = self._frames[index % len(self._frames)].copy()
        now = self._clock.now()
        stamp.write(pixels, stamp.code_at(now))
        self.passages[now] = Passage(now)
        return Frame(pixels, index, now)

    def close(self) -> None:
        pass
