"""A video file as a source of frames, each with the file's own timestamp."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
from av import VideoFrame
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
from av.video.stream import VideoStream

from effectcam.errors import SourceError
from effectcam.frame import Frame
from effectcam.source.colour import ColourTags, RgbConverter
from effectcam.source.orientation import Orientation
from effectcam.source.timestamps import to_nanoseconds, to_ticks

MAX_SIDE = 8192
MAX_PIXELS = 40_000_000

# MPEG streams are cut out of an endless broadcast: their clocks start anywhere.
_FORMATS_WITHOUT_ORIGIN = {"mpegts", "mpeg"}

SET_BACK = Fraction(1, 2)
"""Seconds by which a clock must step back to count as set back, and not as a frame out of order."""


def _of_no_name(kinds: type[SideDataType], value: object) -> SideDataType:
    """FFmpeg knows kinds of side data that PyAV 18 has no name for, as a photograph's EXIF, and reading any
    failed over one of those."""
    return kinds.VIDEO_HINT


SideDataType._missing_ = classmethod(_of_no_name)  # type: ignore[assignment]


def open_container(path: Path) -> InputContainer:
    """Open a local media file for reading, or raise `SourceError` with what is wrong with it.

    Only the file itself is read: a playlist that points elsewhere cannot make a connection.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise SourceError(f"{path}: is a folder; name a clip in it")
        if size == 0:
            raise SourceError(f"{path}: the file is empty (0 bytes); record or copy it again")
        # Titles written in an old 8-bit encoding are common, and no reason to refuse a clip.
        container = av.open(
            f"file:{path.absolute()}", "r", options={"protocol_whitelist": "file"}, metadata_errors="replace"
        )
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file; check the path") from None
    except PermissionError:
        raise SourceError(f"{path}: may not be read; check its permissions") from None
    except (av.FFmpegError, OSError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path}: {_why_unreadable(path, error)}") from None
    if container.format.name == "tty":
        container.close()
        raise SourceError(f"{path}: is text, not a video; give a clip such as .mp4, .mov, .mkv or .webm")
    return container


def _why_unreadable(path: Path, error: Exception) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        # It is gone by now, or is what kept it from being opened: then ``error`` tells why.
        head = b""
    if head[4:8] == b"ftyp":
        return "is cut short, its index (moov) is missing; copy it again or repair it"
    reason = getattr(error, "strerror", None) or str(error)
    return f"is not a video ({reason}); give a clip such as .mp4, .mov, .mkv or .webm"


class Clip:
    """Reads a video file from front to back; see `Source` for what it promises.

    ``captured_at`` counts from the first frame in the file's own time, whatever the rate does in
    between; `pts_of` gives back the exact timestamp for it. Pictures stand upright: rotation and
    mirroring kept as metadata are carried out.

    A damaged clip yields what can be decoded; `warnings` says afterwards what was missing.

    Parameters
    ----------
    path
        A local file.
    mirror
        Swap left and right, as a selfie preview does.
    threads
        Threads that decode; 0 lets the decoder take all cores, which is faster but disturbs
        whatever is being measured beside it.

    Raises `SourceError` when there is no file, no video in it, not one frame that can be decoded, or
    frames larger than 8192 pixels a side or 40 megapixels.
    """

    def __init__(self, path: str | os.PathLike[str], *, mirror: bool = False, threads: int = 1) -> None:
        self.path = Path(path)
        self.warnings: list[str] = []
        """What was wrong with the file, one line each; complete once all frames have been read."""
        self._container = open_container(self.path)
        try:
            self._stream = _video_stream(self._container, self.path)
            self._check_size(self._stream.codec_context.width, self._stream.codec_context.height)
            self._stream.codec_context.thread_count = threads
            self._read = 0
            self._finished = False
            self._damaged = 0
            self._restamped = 0
            self._offset = self._last_for = 0
            self.joints: list[Fraction] = []
            """Where recordings were joined and the clock set back: how far, in seconds, all that comes after
            each joint so far is moved to follow what was before."""
            self._pictures = self._decode()
            first = next(self._pictures, None)
            if first is None:
                raise SourceError(
                    f"{self.path}: not one frame could be decoded; the clip is empty or damaged"
                )
            self._start(first, mirror)
        except BaseException as error:
            self._container.close()
            if isinstance(error, av.FFmpegError):
                raise SourceError(f"{self.path}: cannot be decoded ({error.strerror})") from None
            raise

    def _start(self, first: VideoFrame, mirror: bool) -> None:
        self.time_base: Fraction = self._stream.time_base or Fraction(1, 90_000)
        """Seconds in one tick of the clip's clock."""
        self.first_pts: int = first.pts or 0
        """Timestamp of the first frame, in ticks of `time_base`."""
        self.colour_tags = ColourTags.resolve(first)
        """How the file's numbers become colours, with what is usual where the file does not say."""
        self._pts = self.first_pts
        self._coded_size = first.width, first.height
        self._convert = RgbConverter(first.width, first.height, self.colour_tags)
        self._orientation = self._read_orientation(first)
        # Asked for also after the container is closed, which frees the stream: to ask that would crash.
        rates = (self._stream.average_rate, self._stream.guessed_rate)
        self._told_fps = next((float(rate) for rate in rates if rate and 0 < rate <= 1000), 25.0)
        self._mirror = mirror
        upright = self._orientation.size(first.width, first.height)
        self._width, self._height = upright
        self._pending: VideoFrame | None = first
        if self.colour_tags.hdr:
            self.warnings.append(
                f"{self.path}: high dynamic range ({self.colour_tags.hdr}) is not tone-mapped; "
                "effects were made for standard range, so record in SDR for true colours"
            )

    @property
    def width(self) -> int:
        return self._width

    @property
    def height(self) -> int:
        return self._height

    @property
    def fps(self) -> float:
        """Average rate: as the container tells it, and by the frames themselves once all are read."""
        span = (self._pts - self.first_pts) * self.time_base
        if self._finished and self._read > 1 and span > 0:
            return float((self._read - 1) / span)
        return self._told_fps

    @property
    def frames(self) -> int | None:
        """How many frames there are: as the container tells, or None; exact once all are read."""
        if self._finished:
            return self._read
        return self._stream.frames or None

    @property
    def duration(self) -> float | None:
        """Seconds of picture, or None where the container does not know."""
        end = self._end()
        return None if end is None else float(end - self.first_pts * self.time_base)

    @property
    def has_audio(self) -> bool:
        return bool(self._container.streams.audio)

    @property
    def finished(self) -> bool:
        """True once the last frame has been handed out."""
        return self._finished

    @property
    def sample_aspect_ratio(self) -> Fraction | None:
        """Width of a pixel over its height, upright, or None if square or unknown.

        Frames come as stored, never stretched; a sink passes this on to the player.
        """
        ratio = self._stream.sample_aspect_ratio
        if not ratio or ratio == 1:
            return None
        return 1 / ratio if self._orientation.transpose else ratio

    @property
    def origin(self) -> Fraction:
        """The moment, in seconds of the container's clock, that a copy should call 0.

        It is 0 for files with a clock of their own; MPEG streams start at any time of day.
        """
        if self._container.format.name not in _FORMATS_WITHOUT_ORIGIN:
            return Fraction(0)
        starts = [
            stream.start_time * stream.time_base
            for stream in (self._stream, *self._container.streams.audio)
            if stream.start_time is not None and stream.time_base is not None
        ]
        return min(starts, default=Fraction(0))

    @property
    def last_for(self) -> Fraction:
        """Seconds for which the latest frame is to be shown, 0 where the file does not say."""
        return self._last_for * self.time_base

    def pts_of(self, captured_at: int) -> int:
        """The file's own timestamp, in ticks of `time_base`, of a frame with this ``captured_at``."""
        return self.first_pts + to_ticks(captured_at, self.time_base)

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        picture = self._pending
        self._pending = None
        if picture is None:
            picture = next(self._pictures, None)
        if picture is None:
            if not self._finished:
                self._finished = True
                self._tell_damage()
            raise StopIteration
        try:
            self._check_size(picture.width, picture.height)
            if (picture.width, picture.height) != self._coded_size:
                self._tell_new_size(picture)
            orientation = self._orientation.mirrored() if self._mirror else self._orientation
            pixels = orientation.apply(self._convert(picture))
        except av.FFmpegError as error:
            raise SourceError(
                f"{self.path}: frame {self._read} ({picture.format.name}) cannot be converted "
                f"({error.strerror})"
            ) from None
        self._pts = self._stamp(picture)
        self._last_for = picture.duration or 0
        frame = Frame(pixels, self._read, to_nanoseconds(self._pts - self.first_pts, self.time_base))
        self._read += 1
        return frame

    def close(self) -> None:
        self._pending = None
        self._pictures.close()
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _decode(self) -> Generator[VideoFrame, None, None]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                self._damaged += 1
                break
            self._damaged += packet.is_corrupt
            try:
                pictures = packet.decode()
            except av.FFmpegError:
                self._damaged += 1
                continue
            yield from pictures
        # The demuxer gave up, but the decoder may still hold pictures it was reordering.
        try:
            yield from self._stream.codec_context.decode(None)
        except av.FFmpegError:
            return

    def _stamp(self, picture: VideoFrame) -> int:
        """The picture's timestamp, put right where a broken file repeats, skips back or has none."""
        if self._read == 0:
            return self.first_pts
        usual = max(1, round(1 / (Fraction(self._told_fps) * self.time_base)))
        if picture.pts is not None:
            if picture.pts + self._offset > self._pts:
                return picture.pts + self._offset
            back = self._pts - (picture.pts + self._offset)
            if back * self.time_base > SET_BACK:
                # A joint: what comes follows what was, and keeps its own distances.
                self._offset += back + usual
                self.joints.append(self._offset * self.time_base)
                return self._pts + usual
        self._restamped += 1
        return self._pts + (usual if picture.pts is None else 1)

    def _read_orientation(self, picture: VideoFrame) -> Orientation:
        # PyAV's annotations know only one kind of side data.
        matrix = cast(Mapping[str, SideData], picture.side_data).get("DISPLAYMATRIX")
        if matrix is None:
            return Orientation()
        orientation, off = Orientation.from_display_matrix(bytes(matrix))
        if off > 1:
            self.warnings.append(f"{self.path}: rotated by {off:.0f}° off a right angle; left at the nearest")
        return orientation

    def _check_size(self, width: int, height: int) -> None:
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
            raise SourceError(
                f"{self.path}: frames of {width}x{height} are too large; at most {MAX_SIDE} pixels a side "
                f"and {MAX_PIXELS // 1_000_000} megapixels: scale the clip down first"
            )

    def _tell_new_size(self, picture: VideoFrame) -> None:
        was, now = self._coded_size, (picture.width, picture.height)
        line = f"{self.path}: frames change from {was[0]}x{was[1]} to {now[0]}x{now[1]}; scaled to the former"
        if line not in self.warnings:
            self.warnings.append(line)

    def _end(self) -> Fraction | None:
        """Seconds of the container's clock at which the last frame ends, as the header says."""
        start = (self._stream.start_time or 0) * self.time_base
        if self._stream.duration is not None:
            return start + self._stream.duration * self.time_base
        # Matroska tells it as text, "00:01:02.500000000".
        if told := re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", self._stream.metadata.get("DURATION", "")):
            return start + int(told[1]) * 3600 + int(told[2]) * 60 + Fraction(told[3])
        if self._container.duration is not None:
            return Fraction(self._container.duration + (self._container.start_time or 0), av.time_base)
        return None

    def _tell_damage(self) -> None:
        if self._damaged:
            self.warnings.append(
                f"{self.path}: damaged packets: {self._damaged}; their frames are missing or wrong"
            )
        if self._restamped:
            self.warnings.append(
                f"{self.path}: frames without a usable timestamp: {self._restamped}; given the next one"
            )
        if self.joints:
            count = f"{len(self.joints)} joint{'s' * (len(self.joints) > 1)}"
            self.warnings.append(
                f"{self.path}: its clock is set back, as where recordings are joined; {count}, and what "
                "comes after is shown after"
            )
            return
        end = self._end()
        # Where only the whole file's length is known, it may be that of the sound.
        own_end = self._stream.duration is not None or "DURATION" in self._stream.metadata
        if end is not None and (own_end or not self.has_audio):
            last = max(self._last_for * self.time_base, 1 / Fraction(self.fps))
            missing = float(end - self._pts * self.time_base - last)
            if missing > max(0.1, 2.5 / self.fps):
                told = f" of {self._stream.frames}" if self._stream.frames else ""
                self.warnings.append(
                    f"{self.path}: is cut short, {missing:.1f} s are missing after frame {self._read}{told}"
                )


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise SourceError(f"{path}: its video codec is unknown; convert it to H.264")
            return stream
    holds = "sound alone" if container.streams.audio else "no video stream"
    raise SourceError(f"{path}: holds {holds}, no picture; give a clip with video")
