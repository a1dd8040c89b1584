"""Carries a clip's sound over to a new file, packet by packet."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.codec import Codec
from av.container import OutputContainer
from av.packet import Packet

from effectcam.errors import SourceError
from effectcam.source.clip import Clip, open_container

# What players accept inside MP4 and QuickTime; FFmpeg would write more, such as raw PCM in MP4.
COPIED = {"aac", "mp3", "mp2", "ac3", "eac3", "alac", "opus", "flac"}

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
        self._origin = clip.origin
        self._container = open_container(clip.path)
        try:
            self._tracks = {
                stream.index: self._track(stream, output, clip) for stream in self._container.streams.audio
            }
            self._packets = self._demux()
        except BaseException:
            self._container.close()
            raise
        self._pending: Packet[AudioStream] | None = None

    def _track(self, stream: AudioStream, output: OutputContainer, clip: Clip) -> _Copy | _Recode:
        # PyAV's annotations do not admit it, but a stream of an unknown codec has no context.
        if not stream.codec_context:
            raise SourceError(f"{clip.path}: its audio codec is unknown; convert the sound to AAC first")
        codec = stream.codec_context.codec.canonical_name
        if codec in COPIED:
            return _Copy(stream, output, self.warnings, clip.path)
        self.warnings.append(f"{clip.path}: its sound ({codec}) does not go into MP4; coded anew as AAC")
        return _Recode(stream, output)

    def write_until(self, moment: Fraction) -> None:
        """Write all sound that starts before ``moment``, in seconds of the clip's own clock."""
        while True:
            packet = self._pending or next(self._packets, None)
            self._pending = packet
            if packet is None or _start(packet) >= moment:
                return
            self._pending = None
            self._write(packet)

    def write_rest(self) -> None:
        """Write all sound that is left."""
        if self._pending is not None:
            self._write(self._pending)
            self._pending = None
        for packet in self._packets:
            self._write(packet)

    def flush(self) -> None:
        """Write what encoders still hold; nothing may be written afterwards."""
        for track in self._tracks.values():
            track.flush()

    def close(self) -> None:
        self._packets.close()
        self._container.close()

    def _write(self, packet: Packet[AudioStream]) -> None:
        if self._origin and packet.time_base:
            shift = round(self._origin / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        self._tracks[packet.stream.index].write(packet)

    def _demux(self) -> Generator[Packet[AudioStream], None, None]:
        try:
            for packet in self._container.demux(self._container.streams.audio):
                # The demuxer ends with an empty packet a stream, which is no sound.
                if packet.size and packet.dts is not None:
                    yield packet
        except av.FFmpegError as error:
            self.warnings.append(f"{self._container.name}: the sound ends early ({error.strerror})")


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
    """One track that is decoded and coded anew as AAC."""

    def __init__(self, stream: AudioStream, output: OutputContainer) -> None:
        self._output = output
        self._source = stream.codec_context
        rates = Codec("aac", "w").audio_rates or []
        rate = self._source.sample_rate if self._source.sample_rate in rates else FALLBACK_RATE
        self._target = output.add_stream("aac", rate=rate)
        channels = self._source.layout.nb_channels
        # Raw sound often does not say which channel is which; AAC must.
        unnamed = {1: "mono", 2: "stereo"}.get(channels)
        self._target.codec_context.layout = unnamed or self._source.layout
        self._target.codec_context.bit_rate = AAC_BITS_PER_CHANNEL * channels

    def write(self, packet: Packet[AudioStream]) -> None:
        try:
            decoded = packet.decode()
        except av.FFmpegError:
            # A spoilt packet is a click in the sound, not a reason to lose the picture.
            return
        for frame in decoded:
            self._output.mux(self._target.encode(frame))

    def flush(self) -> None:
        for frame in self._source.decode(None):
            self._output.mux(self._target.encode(frame))
        self._output.mux(self._target.encode(None))
