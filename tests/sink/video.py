"""Video files to look into."""

from __future__ import annotations

from pathlib import Path

import av

from effectcam.sink import VideoFile
from effectcam.source import Clip


def copy(source: Path, target: Path, *, frames: int | None = None) -> VideoFile:
    """``source`` (or its first ``frames`` frames) through Clip and VideoFile."""
    with Clip(source) as clip:
        rate = clip.fps
        with VideoFile(target, clip.width, clip.height, rate=rate, source=clip, preset="ultrafast") as sink:
            for frame in clip:
                if frames is not None and frame.index >= frames:
                    break
                sink.write(frame)
    return sink


def probe(path: Path) -> tuple[av.VideoFrame, int]:
    """First picture, and how many there are."""
    with av.open(str(path)) as container:
        pictures = list(container.decode(container.streams.video[0]))
    return pictures[0], len(pictures)
