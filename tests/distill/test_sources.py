"""Licence lines: where they are found, and that nothing goes without."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill.sources import find_sources
from effectcam.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("people/a.jpg", "people/own/b#1.png", "people/clips/c.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path / "people"


def test_the_nearest_notice_above_counts(folder: Path) -> None:
    (folder / "LICENCE").write_text("\n  CC0, portraits of the city archive  \nmore\n")
    (folder / "own" / "source.toml").write_text('licence = "mine"\norigin = "my phone"\npeople = "folders"\n')
    top, own = find_sources([folder])
    assert (top.name, top.notice.licence, sorted(top.files)) == (
        "people",
        "CC0, portraits of the city archive",
        ["a.jpg", "clips/c.mp4"],
    )
    # '#' is for a clip's frames.
    assert (own.name, own.notice.origin, own.notice.people, list(own.files)) == (
        "people/own",
        "my phone",
        "folders",
        ["own/b%231.png"],
    )


def test_the_option_speaks_for_folders_without_a_notice_only(folder: Path) -> None:
    (folder / "own" / "LICENSE.md").write_text("mine")
    assert [source.notice.licence for source in find_sources([folder], licence=" CC BY 4.0 ")] == [
        "CC BY 4.0",
        "mine",
    ]


def test_no_licence_line_is_a_refusal_with_the_way_out(folder: Path) -> None:
    (folder / "own" / "LICENCE").write_text("mine")
    with pytest.raises(UsageError, match=r"people has no licence line; .*LICENCE.* --licence") as told:
        find_sources([folder])
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("LICENCE", " \n", "is empty"),
        ("source.toml", "licence = ", "needs one line"),
        ("source.toml", 'origin = "x"', "has no licence line"),
        ("source.toml", 'licence = "  "', "has no licence line"),
        ("source.toml", "licence = 3", "text in quotes"),
        ("source.toml", 'license = "x"', "did you mean 'licence'"),
        ("source.toml", 'licence = "x"\npeople = "folder"', "did you mean 'folders'"),
    ],
)
def test_a_notice_that_says_nothing_is_told(folder: Path, name: str, text: str, says: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(UsageError, match=says):
        find_sources([folder])


def test_folders_that_are_empty_or_called_alike_are_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no pictures or clips"):
        find_sources([tmp_path / "empty"], licence="x")
    (tmp_path / "other" / "people").mkdir(parents=True)
    with pytest.raises(UsageError, match="called 'people'"):
        find_sources([folder, tmp_path / "other" / "people"], licence="x")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.jpg").touch()
    names = [
        name for source in find_sources([folder, tmp_path / "more"], licence="x") for name in source.files
    ]
    assert "people/a.jpg" in names and "more/a.jpg" in names
