"""A file takes its place whole, and only where a file may be."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from effectcam.errors import SinkError, UsageError
from effectcam.sink.part_file import PartFile


def write(target: Path, text: str) -> None:
    part = PartFile(target)
    part.path.write_text(text)
    part.commit()


def test_a_file_is_replaced_at_the_end_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write(target, "old")
    part = PartFile(target)
    part.path.write_text("half")
    assert target.read_text() == "old"
    part.discard()
    assert os.listdir(tmp_path) == ["a.txt"]
    write(target, "new")
    assert target.read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as other systems have them")
def test_a_link_is_followed_and_a_pipe_refused(tmp_path: Path) -> None:
    real, link, pipe = tmp_path / "real.txt", tmp_path / "link.txt", tmp_path / "pipe"
    real.write_text("old")
    link.symlink_to(real)
    write(link, "new")
    assert link.is_symlink() and real.read_text() == "new"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="device or a pipe"):
        PartFile(pipe)
    with pytest.raises(UsageError, match="device or a pipe"):
        PartFile(Path(os.devnull))
    assert pipe.is_fifo()


def test_names_may_be_as_long_as_the_disk_allows(tmp_path: Path) -> None:
    target = tmp_path / ("a" * 251 + ".mp4")
    write(target, "x")
    assert target.read_text() == "x"
    with pytest.raises(SinkError, match="folder"):
        PartFile(tmp_path)
