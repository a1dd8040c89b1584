from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from effectcam.cli import main
from effectcam.cli.demo import demo_clip
from tests import media
from tests.cli.conftest import write_effect


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    write_effect(folder, "ghost", space="frame+face")
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(folder))
    return folder


def test_demo_writes_a_video_and_a_picture(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = media.write_clip(tmp_path / "clip.mp4", audio="aac")

    @contextlib.contextmanager
    def short_clip() -> Iterator[Path]:
        yield clip

    monkeypatch.setattr("effectcam.cli.demo.demo_clip", short_clip)
    out = tmp_path / "new" / "out"
    assert main(["demo", "--effect", "ghost", "--out", str(out)]) == 0
    assert media.times(out / "demo.mp4") == media.times(clip)
    picture = cv2.imread(str(out / "before-after.png"))
    assert picture.shape == (48, 64 + 8 + 64, 3)
    before, after = picture[20:28, 28:36].astype(int), picture[20:28, 100:108].astype(int)
    assert np.abs(before + after - 255).max() < 24
    assert sorted(path.name for path in out.iterdir()) == ["before-after.png", "demo.mp4"]
    told = capsys.readouterr()
    assert told.err == ""
    assert [line.split()[0] for line in told.out.splitlines() if line[1:].startswith(("mesh", "chain"))] == [
        "mesh",
        "chain",
    ]
    assert "next: effectcam run --effect ghost" in told.out


def test_the_bundled_clip_is_there() -> None:
    with demo_clip() as path:
        assert path.stat().st_size > 100_000
