from __future__ import annotations

import os
import resource
from pathlib import Path

import av
import numpy as np
import pytest

from effectcam.errors import SinkError, UsageError
from effectcam.frame import Pixels
from effectcam.sink import Stills
from effectcam.sink.stills import older_picture
from tests.sink.frames import moving


def picture(path: Path) -> Pixels:
    with av.open(str(path)) as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)


def test_a_folder_gets_one_exact_picture_a_frame(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "shots"
    frames = list(moving(3))
    with Stills(folder) as sink:
        for frame in frames:
            sink.write(frame)
    assert sink.written == 3
    assert sorted(os.listdir(folder)) == ["000000.png", "000001.png", "000002.png"]
    for frame, path in zip(frames, sorted(folder.iterdir()), strict=True):
        assert np.array_equal(picture(path), frame.pixels)


def test_a_pattern_decides_name_and_format_and_every_thins(tmp_path: Path) -> None:
    with Stills(tmp_path / "face-%03d.JPG", every=2) as sink:
        for frame in moving(5):
            sink.write(frame)
    assert sorted(os.listdir(tmp_path)) == ["face-000.JPG", "face-002.JPG", "face-004.JPG"]
    assert (tmp_path / "face-000.JPG").read_bytes()[:2] == b"\xff\xd8"
    first = next(moving(1)).pixels
    assert np.abs(picture(tmp_path / "face-000.JPG").astype(int) - first)[4:12, 4:12].max() < 12


@pytest.mark.parametrize("name", ["face.png", "a%d-%d.png", "100%-%d.jpg", "%s.png"])
def test_patterns_without_exactly_one_number_are_a_wrong_call(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="needs one number"):
        Stills(tmp_path / name)


def test_pictures_of_an_earlier_run_are_found_by_their_names(tmp_path: Path) -> None:
    assert older_picture(tmp_path) is None and older_picture(tmp_path / "none") is None
    (tmp_path / "000000.png").mkdir()
    for name in ("cover.png", "000001.jpg", "face-0012.jpg"):
        (tmp_path / name).touch()
    assert older_picture(tmp_path) is None and older_picture(tmp_path / "face.x-%d.jpg") is None
    assert older_picture(tmp_path / "cover.png" / "shots") is None
    assert older_picture(tmp_path / "face-%02d.jpg") == tmp_path / "face-0012.jpg"
    for name in ("000120.png", "000119.png"):
        (tmp_path / name).touch()
    assert older_picture(tmp_path) == tmp_path / "000119.png"
    with pytest.raises(UsageError, match="needs one number"):
        older_picture(tmp_path / "face.png")


def test_every_zero_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="every 0"):
        Stills(tmp_path, every=0)


def test_a_file_in_the_way_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="file"):
        Stills(tmp_path / "file")
    with pytest.raises(SinkError, match="file"):
        Stills(tmp_path / "file" / "shots")


def test_a_full_disk_keeps_the_old_picture_and_no_half_one(tmp_path: Path) -> None:
    target = tmp_path / "000000.png"
    target.write_text("good")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        with pytest.raises(SinkError, match="nothing was kept"), Stills(tmp_path) as sink:
            sink.write(next(moving(1)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == ["000000.png"]
    assert target.read_text() == "good"
