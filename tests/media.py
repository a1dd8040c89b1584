"""Small real clips for tests, made with PyAV: each kind that a camera, phone or editor may produce."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from effectcam.frame import Pixels
from effectcam.source.colour import ColourTags

RED, GREEN, BLUE, WHITE = (224, 32, 32), (32, 208, 32), (32, 32, 224), (224, 224, 224)


def corners(width: int, height: int, index: int = 0) -> Pixels:
    """A picture whose corners tell which way up it is: red, green / blue, white; greyer with index."""
    pixels = np.full((height, width, 3), 64 + 8 * (index % 16), np.uint8)
    y, x = max(1, height // 3), max(1, width // 3)
    pixels[:y, :x], pixels[:y, -x:] = RED, GREEN
    pixels[-y:, :x], pixels[-y:, -x:] = BLUE, WHITE
    return pixels


def write_clip(
    path: Path,
    *,
    width: int = 64,
    height: int = 48,
    count: int = 12,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    time_base: Fraction = Fraction(1, 25),
    stamps: Sequence[int] | None = None,
    pictures: Sequence[NDArray[np.uint8]] | None = None,
    rotation: int = 0,
    hflip: bool = False,
    tags: ColourTags | None = None,
    color_range: int = 0,
    aspect: Fraction | None = None,
    audio: str | None = None,
    audio_start: Fraction = Fraction(0),
    audio_rate: int = 44100,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip of `corners`, or of the RGB or RGBA ``pictures`` given.

    ``stamps`` are in ticks of ``time_base`` and default to one frame a tick. ``audio`` is the codec
    of a second of stereo tone for each second of picture.
    """
    stamps = range(count) if stamps is None else stamps
    scale = {"video_track_timescale": str(time_base.denominator)} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", options=scale) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=Fraction(25), options=options or {}))
        coder = stream.codec_context
        coder.width, coder.height, coder.pix_fmt = width, height, pix_fmt
        coder.time_base = time_base
        if color_range:
            coder.color_range = color_range
        if tags is not None:
            coder.colorspace, coder.color_primaries, coder.color_trc = (
                tags.matrix,
                tags.primaries,
                tags.transfer,
            )
        if aspect is not None:
            coder.sample_aspect_ratio = aspect
        if rotation or hflip:
            stream.set_display_rotation(rotation, hflip=hflip)
        sound = None if audio is None else _add_tone(container, audio, audio_rate)
        for index, stamp in enumerate(stamps):
            source = corners(width, height, index) if pictures is None else pictures[index]
            rgb = av.VideoFrame.from_ndarray(source, format="rgba" if source.shape[2] == 4 else "rgb24")
            frame = rgb.reformat(
                format=pix_fmt,
                dst_colorspace=None if tags is None else tags.sws_matrix,
                dst_color_range=color_range or None,
            )
            frame.pts, frame.time_base = stamp, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            seconds = (stamps[-1] + 1 - stamps[0]) * time_base
            _write_tone(container, sound, start=stamps[0] * time_base + audio_start, seconds=seconds)
    return path


def _add_tone(container: OutputContainer, codec: str, rate: int) -> AudioStream:
    stream = cast(AudioStream, container.add_stream(codec, rate=rate))
    stream.codec_context.layout = "stereo"
    return stream


def _write_tone(
    container: OutputContainer, stream: AudioStream, *, start: Fraction, seconds: Fraction
) -> None:
    rate = stream.codec_context.sample_rate
    total = round(seconds * rate)
    wave = np.sin(np.arange(total) * 2 * np.pi * 440 / rate) * np.linspace(0.1, 0.5, total)
    samples = np.repeat((wave * 32767).astype(np.int16), 2).reshape(1, -1)
    for begin in range(0, total, 1024):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[:, 2 * begin : 2 * (begin + 1024)]), format="s16", layout="stereo"
        )
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = begin + round(start * rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def vfr(path: Path, *, audio: str | None = None) -> Path:
    """Variable frame rate, on a phone's clock, with a pause of half a second."""
    stamps = [0, 3003, 6006, 9009, 10511, 12012, 57012, 60000, 60001, 66000]
    return write_clip(path, stamps=stamps, time_base=Fraction(1, 90_000), audio=audio)


def rotated(path: Path, degrees: int, *, hflip: bool = False) -> Path:
    """Upright 48x64 `corners`, stored lying on its side with the rotation as metadata."""
    upright = corners(48, 64)
    stored = np.rot90(upright[:, ::-1] if hflip else upright, -degrees // 90)
    height, width = stored.shape[:2]
    pictures = [np.ascontiguousarray(stored)] * 3
    return write_clip(
        path, width=width, height=height, pictures=pictures, count=3, rotation=degrees, hflip=hflip
    )


def ten_bit(path: Path) -> Path:
    return write_clip(path, pix_fmt="yuv420p10le", tags=ColourTags(1, 1, 1), color_range=1)


def grey(path: Path, *, color_range: int = 2) -> Path:
    """Grey pixels alone, in Matroska and FFV1, which keep them as such."""
    return write_clip(path, codec="ffv1", pix_fmt="gray", color_range=color_range)


def grey_ramp_limited(path: Path) -> Path:
    """Grey from black to white written in the 16 to 235 of television, and marked so."""
    ramp = np.rint(16 + np.arange(256) * 219 / 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        coder = stream.codec_context
        coder.width, coder.height, coder.pix_fmt, coder.color_range = 256, 8, "gray", 1
        frame = av.VideoFrame.from_ndarray(np.tile(ramp, (8, 1)), format="gray")
        frame.color_range = 1
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def alpha(path: Path) -> Path:
    """Left half opaque, right half transparent, over `corners`."""
    picture = np.dstack([corners(64, 48), np.full((48, 64), 255, np.uint8)])
    picture[:, 32:, 3] = 0
    return write_clip(path, codec="qtrle", pix_fmt="argb", pictures=[picture] * 3, count=3)


def audio_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        _write_tone(container, _add_tone(container, "aac", 44100), start=Fraction(0), seconds=Fraction(1))
    return path


def no_frames(path: Path) -> Path:
    """A video track with nothing in it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.codec_context.width, stream.codec_context.height = 64, 48
        container.start_encoding()
    return path


def truncated(path: Path, *, keep: float, index_first: bool, count: int = 60) -> Path:
    """A clip of which the last part is missing; with its index at the end, nothing of it can be read."""
    noise = np.random.default_rng(5)
    pictures = [noise.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(count)]
    whole = path.with_name(f"whole-{path.name}")
    with av.open(str(whole), "w", options={"movflags": "+faststart"} if index_first else {}) as container:
        stream: VideoStream = container.add_stream("libx264", rate=25)
        stream.codec_context.width, stream.codec_context.height = 64, 48
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    whole.unlink()
    return path


def packets(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """(time in seconds, coded bytes) of every packet of the first 'video' or 'audio' stream."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0] if kind == "video" else container.streams.audio[0]
        return [
            (Fraction(packet.pts or 0) * (packet.time_base or 0), bytes(packet))
            for packet in container.demux(stream)
            if packet.size
        ]


def times(path: Path) -> list[Fraction]:
    """The presentation time of every picture, in seconds, as FFmpeg tells it."""
    with av.open(str(path)) as container:
        return [
            Fraction(frame.pts or 0) * (frame.time_base or 0)
            for frame in container.decode(container.streams.video[0])
        ]
