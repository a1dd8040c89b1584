"""Carries a clip's sound over to a new file, packet by packet."""

from __future__ import annotations

import re
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec import Codec
from av.container import OutputContainer
from av.packet import Packet

from effectcam.source.clip import SET_BACK, Clip, open_container

# What players accept inside MP4 and QuickTime; FFmpeg would write more, such as raw PCM in MP4.
COPIED = {"aac", "mp3", "mp2", "ac3", "eac3", "alac", "opus", "flac"}
NOT_IN_QUICKTIME = {"opus", "flac"}
SLOWEST_MP3 = 16_000
"""Samples a second, below which MP4 has no MP3."""
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
"""By the number of channels, for sound that does not say which is which, as raw sound often does not."""

AAC_BITS_PER_CHANNEL = 96_000
FALLBACK_RATE = 48_000


class AudioTracks:
    """Every audio track of ``clip``, added to ``output`` and fed in step with the picture.

    Coded packets are copied as they are. A codec that MP4 players do not understand (PCM, Vorbis)
    is coded anew as AAC, and `warnings` says so. Timestamps keep their distance to the picture's.

    The clip's file is opened a second time, so that sound and picture are read each at its own pace.
    Has to be built before the output's header is written.
    """

    def __init__(self, clip: Clip, output: OutputContainer) -> None:
        self.warnings: list[str] = []
        self._output = output
        self._clip = clip
        self._origin = clip.origin
        self._container = open_container(clip.path)
        try:
            tracks = {
                stream.index: self._track(stream, output, clip) for stream in self._container.streams.audio
            }
            self._tracks = {index: track for index, track in tracks.items() if track is not None}
            self._packets = self._demux()
        except BaseException:
            self._container.close()
            raise
        self._pending: Packet[AudioStream] | None = None
        self._placed = False
        self._last: dict[int, Fraction] = {}
        self._passed: dict[int, int] = {}

    def _track(self, stream: AudioStream, output: OutputContainer, clip: Clip) -> _Copy | _Recode | None:
        # PyAV's annotations do not admit it, but a stream of an unknown codec has no context.
        if not stream.codec_context:
            # As a telephone's spatial sound, which lies beside one that everybody can play.
            self.warnings.append(f"{clip.path}: a sound track of an unknown codec is left out")
            return None
        codec, kind = stream.codec_context.codec.canonical_name, output.format.name
        refused = (kind == "mov" and codec in NOT_IN_QUICKTIME) or (
            kind == "mp4" and codec == "mp3" and stream.codec_context.sample_rate < SLOWEST_MP3
        )
        if codec in COPIED and not refused:
            return _Copy(stream, output, self.warnings, clip.path)
        name = {"mov": "QuickTime"}.get(kind, "MP4")
        self.warnings.append(f"{clip.path}: its sound ({codec}) does not go into {name}; coded anew as AAC")
        return _Recode(stream, output, self.warnings, clip.path)

    def write_until(self, moment: Fraction) -> None:
        """Write all sound that starts before ``moment``, in seconds of the clip's own clock."""
        while (packet := self._next()) is not None and _start(packet) < moment:
            self._write(packet)

    def write_rest(self) -> None:
        """Write all sound that is left."""
        while (packet := self._next()) is not None:
            self._write(packet)

    def flush(self) -> None:
        """Write what encoders still hold; nothing may be written afterwards."""
        for track in self._tracks.values():
            track.flush()

    def close(self) -> None:
        self._packets.close()
        self._container.close()

    def _write(self, packet: Packet[AudioStream]) -> None:
        self._pending, self._placed = None, False
        if self._origin and packet.time_base:
            shift = round(self._origin / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        self._tracks[packet.stream.index].write(packet)

    def _demux(self) -> Generator[Packet[AudioStream], None, None]:
        try:
            kept = tuple(stream for stream in self._container.streams.audio if stream.index in self._tracks)
            for packet in self._container.demux(kept) if kept else ():
                # The demuxer ends with an empty packet a stream, which is no sound.
                if packet.size and packet.dts is not None:
                    yield packet
        except av.FFmpegError as error:
            self.warnings.append(f"{self._container.name}: the sound ends early ({error.strerror})")

    def _next(self) -> Packet[AudioStream] | None:
        """The next packet of sound, in its place; None at the end, and where it lies behind a joint of
        recordings that the picture has not come to."""
        packet = self._pending = self._pending or next(self._packets, None)
        if packet is None or self._placed:
            return packet
        index, time_base = packet.stream.index, packet.time_base or Fraction(0)
        joints, passed, last = self._clip.joints, self._passed.get(index, 0), self._last.get(index)
        if last is not None and last - _start(packet) > SET_BACK:
            if passed == len(joints) and not self._clip.finished:
                return None
            passed = min(passed + 1, len(joints))
        self._last[index], self._passed[index] = _start(packet), passed
        # As far as the picture was moved behind that joint, so that they stay together.
        moved = round(joints[passed - 1] / time_base) if passed and time_base else 0
        packet.pts = None if packet.pts is None else packet.pts + moved
        packet.dts = (packet.dts or 0) + moved
        self._placed = True
        return packet


def _start(packet: Packet[AudioStream]) -> Fraction:
    return Fraction(packet.dts or 0) * (packet.time_base or 0)


class _Copy:
    """One track whose packets are passed on untouched.

    Where a clip's clock was set back, as at the joint of a spliced recording, the sound that would
    come a second time is left out: a file cannot hold it, and the picture must not be lost for it.
    """

    def __init__(self, stream: AudioStream, output: OutputContainer, warnings: list[str], clip: Path) -> None:
        self._output = output
        self._warnings = warnings
        self._clip = clip
        self._latest: int | None = None
        self._left_out = 0
        self._target = output.add_stream_from_template(stream)
        self._target.metadata.update(stream.metadata)

    def write(self, packet: Packet[AudioStream]) -> None:
        if packet.dts is not None and self._latest is not None and packet.dts <= self._latest:
            self._left_out += 1
            return
        self._latest = packet.dts
        packet.stream = self._target
        self._output.mux(packet)

    def flush(self) -> None:
        if self._left_out:
            self._warnings.append(
                f"{self._clip}: its sound steps back in time; {self._left_out} packets of it are left out"
            )


class _Recode:
    """One track that is decoded and coded anew as AAC. What cannot be is left out, as by `_Copy`."""

    def __init__(self, stream: AudioStream, output: OutputContainer, warnings: list[str], clip: Path) -> None:
        self._output = output
        self._warnings = warnings
        self._clip = clip
        self._left_out = 0
        self._latest: int | None = None
        self._source = stream.codec_context
        rates = Codec("aac", "w").audio_rates or []
        rate = self._source.sample_rate if self._source.sample_rate in rates else FALLBACK_RATE
        self._target = output.add_stream("aac", rate=rate)
        channels = self._source.layout.nb_channels
        told = self._source.layout
        standard = channels <= 2 or re.match(r"\d+ channels?\b", told.name)
        self._target.codec_context.layout = _LAYOUTS.get(channels, told) if standard else told
        self._target.codec_context.bit_rate = AAC_BITS_PER_CHANNEL * channels

    def write(self, packet: Packet[AudioStream]) -> None:
        try:
            decoded = packet.decode()
        except av.FFmpegError:
            # A spoilt packet is a click in the sound, not a reason to lose the picture.
            return
        for frame in decoded:
            self._encode(frame)

    def flush(self) -> None:
        for frame in self._source.decode(None):
            self._encode(frame)
        self._output.mux(self._target.encode(None))
        if self._left_out:
            self._warnings.append(
                f"{self._clip}: its sound steps back in time; {self._left_out} pieces of it are left out"
            )

    def _encode(self, frame: AudioFrame) -> None:
        if frame.pts is not None and self._latest is not None and frame.pts <= self._latest:
            self._left_out += 1
            return
        self._latest = frame.pts
        self._output.mux(self._target.encode(frame))
