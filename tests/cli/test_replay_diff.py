"""``effectcam replay diff``: its exit codes, and what it says when it cannot tell."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.cli.conftest import Run, one_line
from tests.replay.test_parting import HEADER, B
from tests.replay.test_recordings import ELSEWHERE, GREY, keep, recorded


def test_what_was_not_compared_is_not_alike(cli: Run, tmp_path: Path) -> None:
    here, there = recorded(tmp_path / "here"), recorded(tmp_path / "there", ELSEWHERE, output=B)
    result = cli("replay", "diff", here.parent, there.parent)
    assert result.returncode == 2
    note, told = result.stderr.splitlines()
    assert "of two kinds: digests are not compared" in note
    assert told.startswith("effectcam: clip: no picture was compared") and "; record one" in told
    assert "untold" in result.stdout and "alike" not in result.stdout
    for path in (here, there):
        keep(path, last=GREY)
    result = cli("replay", "diff", here.parent, there.parent)
    assert result.returncode == 0 and "alike" in result.stdout


def test_a_difference_outweighs_what_cannot_be_told(cli: Run, tmp_path: Path) -> None:
    recorded(tmp_path / "here").with_name("also.jsonl").write_bytes(
        (tmp_path / "here" / "clip.jsonl").read_bytes()
    )
    there = recorded(tmp_path / "there", ELSEWHERE, tier="lite")
    recorded(tmp_path / "more", ELSEWHERE).rename(there.with_name("also.jsonl"))
    result = cli("replay", "diff", tmp_path / "here", tmp_path / "there")
    assert result.returncode == 1
    assert "clip parts at frame 0, tier" in result.stderr and "also: no picture was" in result.stderr


def test_another_clip_is_refused(cli: Run, tmp_path: Path) -> None:
    other = msgspec.structs.replace(HEADER, clip=msgspec.structs.replace(HEADER.clip, sha256="1" * 64))
    one, two = recorded(tmp_path / "one"), recorded(tmp_path / "two", other)
    result = cli("replay", "diff", one, two)
    assert result.returncode == 2 and "compare runs of one clip and effect" in one_line(result)
    assert result.stdout == ""
