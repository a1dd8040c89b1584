"""The pictures of a video file: their times, size and colours."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from effectcam.sink import VideoFile
from effectcam.source import Clip
from effectcam.source.colour import ColourTags
from tests import media
from tests.sink.frames import moving
from tests.sink.video import copy, probe

CLIPS = Path(__file__).resolve().parents[2] / "../shared/data/clips"


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_a_copy_keeps_count_size_timestamps_and_sound(tmp_path: Path, suffix: str) -> None:
    source = media.vfr(tmp_path / "in.mp4", audio="aac")
    target = tmp_path / f"out{suffix}"
    sink = copy(source, target)
    assert sink.warnings == []
    assert media.times(target) == media.times(source)
    assert media.packets(target, "audio") == media.packets(source, "audio")
    with Clip(source) as before, Clip(target) as after:
        assert (after.width, after.height) == (before.width, before.height)
        assert after.duration == pytest.approx(before.duration, abs=0.05)
    assert sorted(os.listdir(tmp_path)) == ["in.mp4", target.name]


@pytest.mark.parametrize(
    ("name", "time_base", "stamps"),
    [
        ("ntsc.mp4", Fraction(1001, 30_000), list(range(15))),
        ("film.mkv", Fraction(1001, 24_000), list(range(15))),
        ("late.mp4", Fraction(1, 90_000), [4500, 9000, 13_000, 13_001, 20_000]),
        ("coarse.avi", Fraction(1, 25), list(range(9))),
        ("nanoseconds.mov", Fraction(1, 1_000_000_000), [0, 1_000, 40_000_001, 90_000_000]),
    ],
)
def test_every_clock_survives(tmp_path: Path, name: str, time_base: Fraction, stamps: list[int]) -> None:
    source = media.write_clip(tmp_path / name, time_base=time_base, stamps=stamps)
    copy(source, tmp_path / "out.mp4")
    assert media.times(tmp_path / "out.mp4") == media.times(source)


def test_a_broadcast_clock_starts_at_zero_in_the_copy(tmp_path: Path) -> None:
    stamps = [8_100_000 + 3600 * index for index in range(20)]
    source = media.write_clip(tmp_path / "in.ts", stamps=stamps, time_base=Fraction(1, 90_000), audio="aac")
    copy(source, tmp_path / "out.mp4")
    before, after = media.times(source), media.times(tmp_path / "out.mp4")
    assert after[0] < 1
    assert [time - after[0] for time in after] == [time - before[0] for time in before]
    lead_before = media.packets(source, "audio")[0][0] - before[0]
    lead_after = media.packets(tmp_path / "out.mp4", "audio")[0][0] - after[0]
    assert abs(lead_before - lead_after) < Fraction(1, 40_000)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_rotation_ends_up_in_the_pixels(tmp_path: Path, degrees: int) -> None:
    copy(media.rotated(tmp_path / "in.mp4", degrees), tmp_path / "out.mp4")
    picture, count = probe(tmp_path / "out.mp4")
    assert (picture.width, picture.height, picture.rotation, count) == (48, 64, 0, 3)
    assert np.abs(picture.to_ndarray(format="rgb24")[2, 2].astype(int) - media.RED).max() < 16


@pytest.mark.parametrize(("width", "height"), [(63, 47), (64, 47), (1, 1), (33, 2)])
def test_odd_sizes_are_kept(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "odd.mp4"
    with VideoFile(path, width, height) as sink:
        for frame in moving(4, width=width, height=height):
            sink.write(frame)
    picture, count = probe(path)
    assert (picture.width, picture.height, count) == (width, height, 4)
    assert picture.format.name == "yuv444p"


def test_even_sizes_play_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "even.mp4"
    with VideoFile(path, 64, 48) as sink:
        for frame in moving(4):
            sink.write(frame)
    picture, _ = probe(path)
    assert picture.format.name == "yuv420p"
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(("width", "height", "standard"), [(64, 48, 6), (1280, 720, 1)])
def test_colours_are_tagged_and_come_back(tmp_path: Path, width: int, height: int, standard: int) -> None:
    path = tmp_path / "c.mp4"
    with VideoFile(path, width, height) as sink:
        for frame in moving(2, width=width, height=height):
            sink.write(frame)
    picture, _ = probe(path)
    assert (picture.colorspace, picture.color_primaries, picture.color_trc) == (standard,) * 3
    assert picture.color_range == 1
    with Clip(path) as clip:
        after = next(clip).pixels.astype(int)
    before = next(moving(1, width=width, height=height)).pixels
    assert np.abs(after[8:-8, 8:-8].mean((0, 1)) - before[8:-8, 8:-8].mean((0, 1))).max() < 1


def test_colours_and_pixel_shape_of_the_clip_are_passed_on(tmp_path: Path) -> None:
    tags = ColourTags(9, 9, 18)
    source = media.write_clip(tmp_path / "in.mp4", tags=tags, color_range=1, aspect=Fraction(15, 16))
    copy(source, tmp_path / "out.mp4")
    with Clip(tmp_path / "out.mp4") as clip:
        assert clip.colour_tags == tags
        assert clip.sample_aspect_ratio == Fraction(15, 16)


def test_a_live_file_starts_at_zero_whatever_the_clock_says(tmp_path: Path) -> None:
    path = tmp_path / "live.mp4"
    with VideoFile(path, 64, 48, rate=29.97) as sink:
        for frame in moving(6, start=987_654_321_000):
            sink.write(frame)
    assert media.times(path) == [Fraction(index, 25) for index in range(6)]


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    """Whatever lay in memory before: some of x264's tools read what they never wrote."""
    random = np.random.default_rng(2)
    results = set()
    for _ in range(12):
        litter = [random.bytes(int(size)) for size in random.integers(1, 200_000, 20)]
        with VideoFile(tmp_path / "a.mp4", 64, 48, preset="medium") as sink:
            for frame in moving(30):
                sink.write(frame)
                litter = litter[1:]
        results.add((tmp_path / "a.mp4").read_bytes())
    assert len(results) == 1


@pytest.mark.parametrize("name", ["s18", "s20", "d0"])
def test_shared_clips_come_through(tmp_path: Path, name: str) -> None:
    source = CLIPS / f"{name}.mp4"
    if not source.exists():
        pytest.skip(f"{source} is missing: it is too large for the repository")
    target = tmp_path / "out.mp4"
    copy(source, target)
    assert media.times(target) == media.times(source)
    with Clip(source) as before, Clip(target) as after:
        assert (after.width, after.height, after.frames) == (before.width, before.height, before.frames)
        assert after.sample_aspect_ratio == before.sample_aspect_ratio
        assert after.has_audio == before.has_audio
        if before.has_audio:
            assert media.packets(target, "audio") == media.packets(source, "audio")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".gif"])
def test_a_last_frame_that_stands_long_is_no_clip_cut_short(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"held{suffix}"
    with av.open(str(path), "w") as container:
        codec, kind = ("gif", "rgb8") if suffix == ".gif" else ("mpeg4", "yuv420p")
        stream = cast(VideoStream, container.add_stream(codec, rate=10))
        stream.codec_context.width, stream.codec_context.height, stream.codec_context.pix_fmt = 64, 48, kind
        for index in range(10):
            picture = av.VideoFrame.from_ndarray(media.corners(64, 48, index), format="rgb24")
            picture = picture.reformat(format=kind)
            picture.pts, picture.time_base = index, Fraction(1, 10)
            for packet in stream.encode(picture):
                packet.duration = 30 if index == 9 else 1
                container.mux(packet)
        for packet in stream.encode(None):
            packet.duration = 30
            container.mux(packet)
    with Clip(path) as clip:
        frames = list(clip)
        assert (len(frames), clip.warnings) == (10, [])
        assert float(clip.last_for) == pytest.approx(3, abs=0.1)
    copy(path, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as made:
        track = made.streams.video[0]
        assert float((track.duration or 0) * (track.time_base or 0)) == pytest.approx(3.9, abs=0.15)
