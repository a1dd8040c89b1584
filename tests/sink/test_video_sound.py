"""The sound of a clip in the file that is made of it."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from effectcam.source.clip import Clip
from tests import media
from tests.sink.video import copy


def test_sound_that_starts_late_or_early_keeps_its_distance(tmp_path: Path) -> None:
    for number, offset in enumerate([Fraction(1, 5), Fraction(-1, 10)]):
        source = media.write_clip(
            tmp_path / f"in{number}.mp4",
            stamps=range(50_000, 80_000, 3000),
            time_base=Fraction(1, 90_000),
            audio="aac",
            audio_start=offset,
        )
        target = tmp_path / f"out{number}.mp4"
        copy(source, target)
        assert media.times(target) == media.times(source)
        assert media.packets(target, "audio") == media.packets(source, "audio")


@pytest.mark.parametrize("codec", ["mp3", "libopus", "flac", "ac3"])
def test_sound_that_mp4_knows_is_copied(tmp_path: Path, codec: str) -> None:
    source = media.write_clip(tmp_path / "in.mkv", audio=codec, audio_rate=48_000, count=25)
    sink = copy(source, tmp_path / "out.mp4")
    assert sink.warnings == []
    copied = [data for _, data in media.packets(tmp_path / "out.mp4", "audio")]
    assert copied == [data for _, data in media.packets(source, "audio")]


@pytest.mark.parametrize("codec", ["pcm_s16le", "wavpack"])
def test_sound_that_mp4_does_not_know_is_coded_anew_and_told(tmp_path: Path, codec: str) -> None:
    source = media.write_clip(tmp_path / "in.mkv", audio=codec, count=25)
    sink = copy(source, tmp_path / "out.mp4")
    assert len(sink.warnings) == 1
    assert "AAC" in sink.warnings[0]
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name == "aac"
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(stream)], axis=1)
    assert sound.shape[1] == pytest.approx(44_100, abs=3000)
    assert 0.1 < np.abs(sound).max() < 0.7


def two_tracks(path: Path) -> Path:
    """A second of picture with the same sound twice."""
    single = media.write_clip(path.with_stem("single"), audio="aac", count=25)
    with av.open(str(single)) as inside, av.open(str(path), "w") as outside:
        video = outside.add_stream_from_template(inside.streams.video[0], opaque=True)
        tracks = [outside.add_stream_from_template(inside.streams.audio[0]) for _ in range(2)]
        for packet in inside.demux():
            if packet.size and packet.stream.type == "video":
                packet.stream = video
                outside.mux(packet)
        for track in tracks:
            with av.open(str(single)) as again:
                for sound in again.demux(again.streams.audio[0]):
                    if sound.size:
                        sound.stream = track
                        outside.mux(sound)
    return path


def test_all_sound_tracks_are_copied(tmp_path: Path) -> None:
    source = two_tracks(tmp_path / "double.mp4")
    copy(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(container.streams.audio) == 2


def test_sound_ends_where_an_early_end_cuts_the_picture(tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "in.mp4", audio="aac", count=50)
    copy(source, tmp_path / "out.mp4", frames=25)
    assert len(media.times(tmp_path / "out.mp4")) == 25
    last, _ = media.packets(tmp_path / "out.mp4", "audio")[-1]
    assert 0.95 < last < 1.0


@pytest.mark.parametrize(("codec", "suffix"), [("aac", ".ts"), ("mp2", ".ts"), ("pcm_dvd", ".vob")])
def test_joined_recordings_follow_each_other(tmp_path: Path, codec: str, suffix: str) -> None:
    """Two takes joined end to end without new timestamps, as dashcams' and splices are."""
    video = "libx264" if suffix == ".ts" else "mpeg2video"
    take = media.write_clip(tmp_path / f"take{suffix}", codec=video, audio=codec, audio_rate=48_000, count=50)
    spliced = tmp_path / f"spliced{suffix}"
    spliced.write_bytes(take.read_bytes() * 2)
    file = copy(spliced, tmp_path / "out.mp4")
    times = [float(time) for time in media.times(tmp_path / "out.mp4")]
    assert len(times) == 100
    assert np.diff(times) == pytest.approx(np.full(99, 0.04), abs=0.02)
    sound = [float(time) for time, _ in media.packets(tmp_path / "out.mp4", "audio")]
    assert sound[-1] > 3.7 and (np.diff(sound) > 0).all()
    assert np.diff(sound).max() < 0.15, "a hole"
    # Sound that is a little longer than its picture overlaps the next one's.
    assert sum(int(count) for count in re.findall(r"(\d+) (?:packets|pieces)", " ".join(file.warnings))) <= 3
    with Clip(spliced) as clip:
        assert sum(1 for _ in clip) == 100
        assert [line for line in clip.warnings if "its clock is set back" in line and "1 joint," in line]
        assert clip.fps == pytest.approx(25, abs=0.5)


@pytest.mark.parametrize("early", [True, False])
def test_sound_that_is_shorter_than_the_picture_stays_with_it_behind_each_joint(
    tmp_path: Path, early: bool
) -> None:
    take = tmp_path / "take.ts"
    media.write_clip(take, audio="aac", audio_rate=48_000, count=50)
    cut = tmp_path / "cut.ts"
    with av.open(str(take)) as inside, av.open(str(cut), "w") as outside:
        streams = {stream.index: outside.add_stream_from_template(stream) for stream in inside.streams}
        begin = min(float((s.start_time or 0) * (s.time_base or 0)) for s in inside.streams)
        for packet in inside.demux():
            at = float((packet.dts or 0) * (packet.time_base or 0)) - begin
            if packet.size and (packet.stream.type == "video" or (at < 1.6 if early else at > 0.4)):
                packet.stream = streams[packet.stream.index]
                outside.mux(packet)
    spliced = tmp_path / "spliced.ts"
    spliced.write_bytes(cut.read_bytes() * 5)
    copy(spliced, tmp_path / "out.mp4")
    whole = [float(time) for time in media.times(tmp_path / "out.mp4")]
    assert len(whole) == 250 and whole[-1] == pytest.approx(9.96, abs=0.3)
    sound = np.array([float(time) for time, _ in media.packets(tmp_path / "out.mp4", "audio")])
    # In each take of two seconds the same part has sound, to within two packets.
    inside_takes = (sound - whole[0]) % 2.0
    silent = (
        (inside_takes > 1.75) & (inside_takes < 1.9) if early else (inside_takes > 0.1) & (inside_takes < 0.3)
    )
    assert silent.mean() < 0.02
    assert sound[-1] > 9.3


@pytest.mark.parametrize(
    ("codec", "rate", "suffix"),
    [("libopus", 48_000, ".mov"), ("flac", 48_000, ".mov"), ("mp3", 11_025, ".mp4")],
)
def test_sound_that_one_container_alone_refuses_is_coded_anew(
    tmp_path: Path, codec: str, rate: int, suffix: str
) -> None:
    source = media.write_clip(tmp_path / "in.mkv", audio=codec, audio_rate=rate, count=25)
    sink = copy(source, tmp_path / f"out{suffix}")
    assert len(sink.warnings) == 1
    assert f"does not go into {'QuickTime' if suffix == '.mov' else 'MP4'}" in sink.warnings[0]
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"


@pytest.mark.parametrize(
    ("layout", "channels"), [("quad", 4), ("5.1", 6), ("1 channels (FL)", 1), ("downmix", 2)]
)
def test_raw_sound_of_many_channels_is_kept(tmp_path: Path, layout: str, channels: int) -> None:
    single = media.write_clip(tmp_path / "single.mkv", count=25)
    source = tmp_path / "in.mkv"
    with av.open(str(single)) as inside, av.open(str(source), "w") as outside:
        video = outside.add_stream_from_template(inside.streams.video[0])
        sound = outside.add_stream("pcm_s16le", rate=48_000)
        sound.codec_context.layout = layout
        for packet in inside.demux(inside.streams.video[0]):
            if packet.size:
                packet.stream = video
                outside.mux(packet)
        for at in range(0, 48_000, 1000):
            frame = av.AudioFrame.from_ndarray(np.full((1, 1000 * channels), 900, np.int16), "s16", layout)
            frame.sample_rate, frame.pts, frame.time_base = 48_000, at, Fraction(1, 48_000)
            outside.mux(sound.encode(frame))
        outside.mux(sound.encode(None))
    copy(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio[0].codec_context.layout.nb_channels == channels


def test_a_track_of_an_unknown_codec_costs_neither_picture_nor_the_other_sound(tmp_path: Path) -> None:
    """As telephones write their spatial sound beside the plain one."""
    source = two_tracks(tmp_path / "two.mov")
    data = source.read_bytes()
    second = data.index(b"mp4a", data.index(b"esds") + 4)
    changed = data[second:].replace(b"mp4a", b"apac").replace(b"esds", b"dapa")
    source.write_bytes(data[:second] + changed)
    file = copy(source, tmp_path / "out.mp4")
    assert [line for line in file.warnings if "of an unknown codec is left out" in line]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(container.streams.audio) == 1
    assert media.packets(tmp_path / "out.mp4", "audio")
    assert len(media.times(tmp_path / "out.mp4")) == 25
