"""What a recording for a bug bundle keeps: pictures worth a look, and nothing that is then refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect.package import Effect
from effectcam.errors import SourceError, StudentError
from effectcam.frame import Frame
from effectcam.replay.bundle import Bundle, Recording, pack, read_bundle, zipped
from effectcam.replay.kept_pairs import MOST_BYTES, KeptPairs, small_jpeg
from effectcam.replay.pictures import decoded
from effectcam.replay.recorder import record
from effectcam.source.clip import Clip
from tests import media
from tests.tiny_effect import tiny_effect


@pytest.fixture(scope="module")
def effect(tmp_path_factory: pytest.TempPathFactory) -> Effect:
    """One without a face graph: quick to open."""
    return tiny_effect(tmp_path_factory.mktemp("recorder") / "effect", frame="negative")


def packed(recording: Recording, folder: Path) -> Bundle:
    """Written, and read again."""
    path = folder / "report.zip"
    path.write_bytes(zipped(pack(recording, version="0.1.0", environment={}, reports={})))
    return read_bundle(path)


@pytest.mark.parametrize(
    ("count", "most", "kept"),
    [
        (0, 12, []),
        (1, 12, [0]),
        (5, 12, [0, 1, 2, 3, 4]),
        (900, 3, [0, 512, 899]),
        (900, 1, [899]),
        (900, 0, []),
    ],
)
def test_pairs_are_spread_over_what_was_recorded(count: int, most: int, kept: list[int]) -> None:
    pairs = KeptPairs(most)
    for index in range(count):
        frame = Frame(np.full((8, 8, 3), index % 256, np.uint8), index, index)
        pairs.see(frame, frame)
    names = [f"{when}-{frame:06}.jpg" for frame in kept for when in ("before", "after")]
    assert list(pairs.pictures) == names


@pytest.mark.parametrize("count", [12, 23, 24, 25, 47, 100, 900, 3000])
def test_about_twelve_pairs_are_kept_of_a_run_of_any_length(count: int) -> None:
    pairs, picture = KeptPairs(12), np.zeros((8, 8, 3), np.uint8)
    for index in range(count):
        pairs.see(Frame(picture, index, index), Frame(picture, index, index))
    frames = [int(name[-10:-4]) for name in pairs.pictures if name.startswith("before")]
    assert len(frames) == 12 and (frames[0], frames[-1]) == (0, count - 1)
    assert np.diff(frames).max() <= max(2, count / 5), "no stretch of the run is without one"


def test_a_picture_that_no_bundle_may_hold_is_scaled_down() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (2400, 3600, 3), np.uint8)
    data = small_jpeg(noise)
    assert len(data) <= MOST_BYTES
    height, width = decoded(data, "here").shape[:2]
    assert 800 < height < 2400 and width / height == pytest.approx(1.5, abs=0.01)
    assert decoded(small_jpeg(noise[:900, :900]), "here").shape == (900, 900, 3)


def test_a_clip_with_stamps_a_tick_apart_can_be_read_again(effect: Effect, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "clip.mp4", count=4, time_base=Fraction(1, 90_000))
    with Clip(clip) as source:
        recording = record(source, effect, frames=9, threads=1)
        assert source.fps > 1000
    contents = packed(recording, tmp_path).contents
    assert contents.fps == 1000 and contents.stamps == [0, 11_111, 22_222, 33_333]


def dark(folder: Path, *, after: int) -> Path:
    """A clip whose pictures are black from the frame ``after`` on."""
    pictures = [np.full((48, 64, 3), 128 if index < after else 0, np.uint8) for index in range(6)]
    return media.write_clip(folder / "me-at-home.mp4", pictures=pictures, count=6)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Effect:
    """Its student answers NaN to black."""
    return tiny_effect(tmp_path_factory.mktemp("failing") / "effect", frame="nan_where_black")


def test_a_student_that_fails_ends_the_recording_and_is_told_in_it(failing: Effect, tmp_path: Path) -> None:
    with Clip(dark(tmp_path, after=3)) as source:
        recording = record(source, failing, frames=9, pictures=12, threads=1)
    bundle = packed(recording, tmp_path)
    assert len(bundle.contents.stamps) == 3 and len(bundle.trace.splitlines()) == 5
    assert bundle.contents.error is not None and "NaN" in bundle.contents.error
    readme = pack(recording, version="0.1.0", environment={}, reports={})["README.txt"].decode()
    assert f"After the last of them it failed: {bundle.contents.error}\n" in readme
    assert "before-000002.jpg" in recording.pictures
    with Clip(dark(tmp_path, after=0)) as source, pytest.raises(StudentError):
        record(source, failing, frames=9, threads=1)


def test_a_clip_that_cannot_be_read_any_more_costs_nothing_and_is_not_named(
    effect: Effect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = dark(tmp_path, after=9)
    read = Clip.__next__

    def gone(source: Clip) -> Frame:
        frame = read(source)
        if frame.index < 2:
            return frame
        clip.unlink()
        raise SourceError(f"{clip}: the disk of me-at-home.mp4 is gone; look for home.mp4")

    monkeypatch.setattr(Clip, "__next__", gone)
    with Clip(clip) as source:
        recording = record(source, effect, frames=9, threads=1)
    bundle = packed(recording, tmp_path)
    assert bundle.contents.error == "clip: the disk of clip is gone; look for home.mp4"
    assert len(bundle.contents.stamps) == 2


def test_a_bundle_in_which_nothing_failed_says_nothing_of_it(effect: Effect, tmp_path: Path) -> None:
    """As one of an earlier version, which knew no such field."""
    with Clip(media.write_clip(tmp_path / "clip.mp4", count=2)) as source:
        recording = record(source, effect, frames=2, threads=1)
    files = pack(recording, version="0.1.0", environment={}, reports={})
    assert b"error" not in files["bundle.json"] and b"failed: " not in files["README.txt"]
    assert packed(recording, tmp_path).contents.error is None
