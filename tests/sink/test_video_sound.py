"""The sound of a clip in the file that is made of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

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


def test_all_sound_tracks_are_copied(tmp_path: Path) -> None:
    single = media.write_clip(tmp_path / "single.mp4", audio="aac", count=25)
    source = tmp_path / "double.mp4"
    with av.open(str(single)) as inside, av.open(str(source), "w") as outside:
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
    copy(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(container.streams.audio) == 2


def test_sound_ends_where_an_early_end_cuts_the_picture(tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "in.mp4", audio="aac", count=50)
    copy(source, tmp_path / "out.mp4", frames=25)
    assert len(media.times(tmp_path / "out.mp4")) == 25
    last, _ = media.packets(tmp_path / "out.mp4", "audio")[-1]
    assert 0.95 < last < 1.0


@pytest.mark.parametrize("codec", ["aac", "mp2", "pcm_s16le"])
def test_sound_whose_clock_is_set_back_does_not_cost_the_picture(tmp_path: Path, codec: str) -> None:
    """Two takes joined end to end without new timestamps, as splices are."""
    suffix = ".ts" if codec != "pcm_s16le" else ".mkv"
    take = media.write_clip(tmp_path / f"take{suffix}", audio=codec, count=25)
    spliced = tmp_path / f"spliced{suffix}"
    spliced.write_bytes(take.read_bytes() * 2 if suffix == ".ts" else take.read_bytes())
    with copy(spliced, tmp_path / "out.mp4") as file:
        pass
    frames = sum(1 for _ in media.times(tmp_path / "out.mp4"))
    assert frames == (50 if suffix == ".ts" else 25)
    told = any("steps back in time" in warning for warning in file.warnings)
    assert told == (suffix == ".ts")
    assert media.packets(tmp_path / "out.mp4", "audio")
