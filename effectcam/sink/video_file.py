"""A video file as a sink: H.264 in MP4 or QuickTime, with the clip's timestamps and sound."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
from av import VideoFrame
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from effectcam.errors import EffectcamError, SinkError, UsageError
from effectcam.frame import Frame
from effectcam.sink.audio import AudioTracks
from effectcam.sink.base import Sink, check_size
from effectcam.sink.part_file import PartFile, why_unwritable
from effectcam.source.clip import Clip
from effectcam.source.colour import ColourTags
from effectcam.source.timestamps import to_ticks

# Only these keep a clip's clock: Matroska, for one, rounds every timestamp to a millisecond.
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}

LIVE_TIME_BASE = Fraction(1, 90_000)
FINEST_SOUND = 192_000

PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)

Result = TypeVar("Result")


class VideoFile(Sink):
    """Writes frames to ``path``, which appears only once it is complete; see `Sink`.

    Pictures are upright, without rotation metadata, in limited-range YUV tagged with the colours of
    the clip (or what `ColourTags.for_size` says). The pixels are 4:2:0, which every player shows.
    That needs even sides; a picture with an odd side is written as 4:4:4 rather than with a row or
    column more or less. Browsers, VLC and mpv play 4:4:4; QuickTime and most televisions do not.

    Parameters
    ----------
    path
        Ends in .mp4, .m4v or .mov; its folder has to exist. A file of that name is replaced, once the new
        one is complete.
    width, height
        Size of the frames, in pixels; even, for a file that plays anywhere.
    rate
        Frames a second, as a hint for the encoder; the timestamps alone decide what is shown when.
    source
        The clip that the frames come from. Its timestamps are kept to the tick, its sound is
        copied, its pixel shape and colours are passed on. If the run ends before the clip does, the
        sound ends with the last frame. Without it, time starts at the first frame in ticks of
        1/90000 s, without sound.
    crf
        Constant quality, 0 (no loss but that of halved colour, huge) to 51; 18 is hard to tell from
        the input, each 4 to 6 more halve the file. 20 here looks like 18 in a common x264, whose
        macroblock tree is off here so that the same frames give the same bytes.
    preset
        x264's trade of time for size: a slower one makes a smaller file of the same quality, and may
        be too slow for a live run.
    threads
        Threads of the encoder. The same frames give the same bytes only under the same number,
        which is why it does not follow the machine's cores.
    lossless
        Whether feeders wait for the encoder (replay) or drop frames when it is slow (live).

    Raises `SinkError` if the folder cannot be written, the disk fills up, or a frame has another
    size or no later timestamp; `UsageError` for parameters that make no sense.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        width: int,
        height: int,
        *,
        rate: float | Fraction = 30,
        source: Clip | None = None,
        crf: int = 18,
        preset: str = "veryfast",
        threads: int = 1,
        lossless: bool = True,
    ) -> None:
        self.path = Path(path)
        self.lossless = lossless
        self.warnings: list[str] = []
        """What could not be carried over as it was, one line each."""
        _check_options(self.path, rate, crf, preset, source)
        if width < 1 or height < 1:
            raise UsageError(f"{self.path}: a picture of {width}x{height} pixels cannot be written")
        self._width, self._height = width, height
        self._rate = Fraction(rate).limit_denominator(1001)
        self._source = source
        self._time_base = source.time_base if source else LIVE_TIME_BASE
        self._tags = source.colour_tags if source else ColourTags.for_size(width, height)
        self._reformatter = VideoReformatter()
        self._start: int | None = None
        self._last_pts: int | None = None
        self._audio: AudioTracks | None = None
        self._part = PartFile(self.path)
        try:
            self._container = self._guarded(self._create)
        except BaseException:
            self._part.discard()
            raise
        self._open = True
        try:
            self._guarded(lambda: self._begin(crf, preset, threads))
        except BaseException:
            self.abort()
            raise

    @property
    def name(self) -> str:
        return str(self.path)

    def write(self, frame: Frame) -> None:
        check_size(self, frame, self._width, self._height)
        pts = self._pts(frame)
        if self._last_pts is not None and pts <= self._last_pts:
            raise SinkError(
                f"{self.path}: frame {frame.index} at {frame.captured_at} ns is not later than the one before"
            )
        self._last_pts = pts
        self._guarded(lambda: self._encode(frame, pts))

    def close(self) -> None:
        if not self._open:
            return
        try:
            if self._last_pts is None:
                raise SinkError(f"{self.path}: no frame came, so no file was written")
            self._guarded(self._finish)
            self._part.commit()
        except BaseException:
            self.abort()
            raise
        self._open = False

    def abort(self) -> None:
        if not self._open:
            return
        self._open = False
        if self._audio is not None:
            self._audio.close()
        # Deleted first, so that closing does not spend time on arranging a file that goes anyway;
        # and once more for systems that do not delete open files.
        self._part.discard()
        with contextlib.suppress(av.FFmpegError, OSError, ValueError):
            self._container.close()
        self._part.discard()

    def _create(self) -> OutputContainer:
        scale = self._time_base.denominator
        # What starts late is written in ticks of the whole file, a millisecond by default; finer than
        # the samples of any sound, they keep both the picture's and the sound's start exact.
        file_scale = scale
        while file_scale < FINEST_SOUND:
            file_scale *= 2
        return av.open(
            f"file:{self._part.path.absolute()}",
            "w",
            format=FORMATS[self.path.suffix.lower()],
            container_options={
                "movflags": "+faststart",
                "video_track_timescale": str(scale),
                "movie_timescale": str(file_scale),
            },
        )

    def _begin(self, crf: int, preset: str, threads: int) -> None:
        # x264's macroblock tree depends, at some sizes, on what lay in memory before: the same pictures
        # give other bytes on each run. Going without makes a file of equal quality a quarter larger.
        options = {"crf": str(crf), "preset": preset, "x264-params": "mbtree=0"}
        self._stream = self._container.add_stream(
            "libx264", rate=self._rate, options=options, time_base=self._time_base
        )
        self._set_up(self._stream, threads)
        if self._source is not None and self._source.has_audio:
            self._audio = AudioTracks(self._source, self._container)
            self.warnings = self._audio.warnings
        self._container.start_encoding()

    def _set_up(self, stream: VideoStream, threads: int) -> None:
        coder = stream.codec_context
        coder.width, coder.height = self._width, self._height
        even = self._width % 2 == 0 and self._height % 2 == 0
        coder.pix_fmt = "yuv420p" if even else "yuv444p"
        coder.thread_count = threads
        coder.color_range = ColorRange.MPEG
        coder.colorspace = self._tags.matrix
        coder.color_primaries = self._tags.primaries
        coder.color_trc = self._tags.transfer
        if self._source is not None and self._source.sample_aspect_ratio is not None:
            coder.sample_aspect_ratio = self._source.sample_aspect_ratio

    def _pts(self, frame: Frame) -> int:
        """The frame's timestamp in the output, in ticks."""
        if self._source is not None:
            return self._source.pts_of(frame.captured_at) - round(self._source.origin / self._time_base)
        if self._start is None:
            self._start = frame.captured_at
        return to_ticks(frame.captured_at - self._start, self._time_base)

    def _encode(self, frame: Frame, pts: int) -> None:
        if self._audio is not None and self._source is not None:
            self._audio.write_until(pts * self._time_base + self._source.origin)
        # AREA brings colour back without the slight darkening of swscale's default, at its speed.
        picture = self._reformatter.reformat(
            VideoFrame.from_numpy_buffer(frame.pixels, format="rgb24"),
            format=self._stream.codec_context.pix_fmt,
            dst_colorspace=self._tags.sws_matrix,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA,
            threads=1,
        )
        picture.pts = pts
        picture.time_base = self._time_base
        self._container.mux(self._stream.encode(picture))

    def _finish(self) -> None:
        packets = self._stream.encode(None)
        if packets and self._source is not None and self._source.finished and self._source.last_for:
            # Nothing comes after it to say how long it stands.
            packets[-1].duration = round(self._source.last_for / (packets[-1].time_base or self._time_base))
        self._container.mux(packets)
        if self._audio is not None and self._source is not None:
            if self._source.finished:
                self._audio.write_rest()
            else:
                end = (self._last_pts or 0) * self._time_base + self._source.origin + 1 / self._rate
                self._audio.write_until(end)
            self._audio.flush()
            self._audio.close()
        self._container.close()

    def _guarded(self, work: Callable[[], Result]) -> Result:
        """Do ``work``, turning what FFmpeg and the system raise into one clear `SinkError`."""
        try:
            return work()
        except EffectcamError:
            raise
        except OSError as error:
            raise SinkError(why_unwritable(self.path, error)) from None
        except (av.FFmpegError, ValueError) as error:
            raise SinkError(f"{self.path}: cannot be encoded ({error}); report it with the clip") from None


def _check_options(path: Path, rate: float | Fraction, crf: int, preset: str, source: Clip | None) -> None:
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path}: a video file must end in {', '.join(FORMATS)}")
    if not 0 < rate <= 1000:
        raise UsageError(f"rate {rate}: must be above 0 and at most 1000 frames a second")
    if not 0 <= crf <= 51:
        raise UsageError(f"crf {crf}: must be 0 (lossless) to 51 (worst)")
    if preset not in PRESETS:
        raise UsageError(f"preset {preset!r}: known: {', '.join(PRESETS)}")
    if source is not None and path.exists() and path.samefile(source.path):
        raise UsageError(f"{path}: is the input itself; write to another name")
