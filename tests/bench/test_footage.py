"""The frames of a bench: how many, of what size, with how many faces, and in what order."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from effectcam.bench.footage import EndlessClip, check_size, load_footage
from effectcam.errors import SourceError, UsageError
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels
from effectcam.source.clip import Clip
from tests.face.clips import DEMO, demo_pixels
from tests.media import write_clip


def faces_in(pictures: list[Pixels], most: int) -> list[int]:
    with FaceMesh(most) as mesh:
        return [len(mesh.process(Frame(p, i, i * 33_000_000))) for i, p in enumerate(pictures)]


def test_frames_are_those_of_the_clip_in_the_size_asked_for() -> None:
    footage = load_footage(DEMO, (320, 180), burn_in=30)
    assert {picture.shape for picture in footage.pictures} == {(180, 320, 3)}
    assert len(footage.pictures) == footage.used.frames == 90
    assert (footage.used.name, footage.used.width, footage.used.height) == ("demo.mp4", 1280, 720)
    small = demo_pixels()[0].reshape(180, 4, 320, 4, 3).mean(axis=(1, 3))
    assert np.abs(footage.pictures[0] - small).mean() < 1


def test_large_frames_are_few_enough_for_the_memory() -> None:
    footage = load_footage(DEMO, (3840, 2160), burn_in=30)
    assert 2 <= len(footage.pictures) < 30
    assert footage.megabytes == pytest.approx(len(footage.pictures) * 3840 * 2160 * 3 / 1e6)
    assert footage.megabytes < 300


def test_frames_that_faces_are_cut_out_of_are_few_enough_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("effectcam.bench.footage._MOST_BYTES", 12 * 1280 * 720 * 3)
    assert len(load_footage(DEMO, (320, 180), faces=2).pictures) == 12
    assert len(load_footage(DEMO, (320, 180)).pictures) == 90


@pytest.mark.parametrize("faces", [2, 4])
def test_the_only_face_is_laid_side_by_side_and_all_are_found(faces: int) -> None:
    footage = load_footage(DEMO, (1280, 720), faces=faces)
    pictures = footage.pictures[:12]
    assert pictures[0].shape == (720, 1280, 3) and pictures[0].flags.c_contiguous
    assert faces_in(pictures, faces)[2:] == [faces] * 10
    across = 1280 // faces
    assert np.abs(pictures[0][:, :across].astype(int) - pictures[0][:, across : 2 * across]).mean() > 1


def test_a_clip_with_enough_faces_stays_as_it_is(tmp_path: Path) -> None:
    pictures = load_footage(DEMO, (1280, 720), faces=2).pictures[:12]
    clip = write_clip(tmp_path / "two.mp4", width=1280, height=720, pictures=pictures, count=12)
    with Clip(clip) as opened:
        first = next(iter(opened)).pixels
    found = load_footage(clip, (1280, 720), faces=2)
    assert (found.pictures[0] == first).all()


def test_no_face_to_lay_side_by_side_is_told(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "bare.mp4", width=320, height=180)
    with pytest.raises(SourceError, match=r"bare.mp4: shows no face to lay side by side"):
        load_footage(clip, (320, 180), faces=2)


def test_a_clip_shorter_than_the_burn_in_is_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "short.mp4", count=8)
    with pytest.raises(SourceError, match=r"has 8 frames, fewer than the 30 of the burn-in; .* --burn-in 8"):
        load_footage(clip, (64, 64), burn_in=30)
    assert len(load_footage(clip, (64, 64), burn_in=8).pictures) == 8


@pytest.mark.parametrize("size", [(0, 720), (1280, 0), (63, 64), (8193, 64), (8000, 8000)])
def test_impossible_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=f"frames of {size[0]}x{size[1]} cannot be measured"):
        check_size(*size)


def test_an_endless_clip_runs_to_and_fro_in_rising_time() -> None:
    pictures = [np.full((2, 2, 3), value, np.uint8) for value in range(3)]
    frames = list(islice(EndlessClip(pictures, 50), 7))
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [0, 1, 2, 1, 0, 1, 2]
    assert [frame.captured_at for frame in frames] == [index * 20_000_000 for index in range(7)]
    assert [frame.index for frame in frames] == list(range(7))


def test_a_single_picture_stands_still() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    assert all(frame.pixels is picture for frame in islice(EndlessClip([picture]), 4))
