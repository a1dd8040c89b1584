"""Writes pictures and sound as one MP4."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from .sound import RATE


def write_clip(
    path: Path, frames: Iterable[NDArray[np.uint8]], sound: NDArray[np.float32], *, fps: int, quality: int
) -> None:
    """H.264 (yuv420p, BT.709) with AAC. ``quality`` is the rate factor: lower looks better and grows.

    One encoder thread, so that the same frames give the same bytes. Written beside ``path`` and moved there
    at the end; nothing is left behind on failure.
    """
    part = path.with_suffix(".part.mp4")
    try:
        with av.open(str(part), "w", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
            video = container.add_stream("libx264", rate=fps)
            video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
            video.options = {"crf": str(quality), "preset": "slow", "threads": "1", "flags": "+bitexact"}
            video.codec_context.color_range = 1
            video.codec_context.colorspace = video.codec_context.color_primaries = (
                video.codec_context.color_trc
            ) = 1
            audio = container.add_stream("aac", rate=RATE, layout="mono")
            audio.bit_rate = 64000
            for pixels in frames:
                picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                container.mux(video.encode(picture.reformat(format="yuv420p", dst_colorspace="ITU709")))
            container.mux(video.encode(None))
            samples = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
            samples.sample_rate, samples.pts, samples.time_base = RATE, 0, Fraction(1, RATE)
            container.mux(audio.encode(samples))
            container.mux(audio.encode(None))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
