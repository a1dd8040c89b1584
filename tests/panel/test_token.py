from __future__ import annotations

import sys
from pathlib import Path

import pytest

from effectcam.panel.token import own_token


def test_it_stays_and_is_nobody_else_s(tmp_path: Path) -> None:
    token = own_token(tmp_path / "new")
    assert len(token) >= 24
    assert own_token(tmp_path / "new") == token
    if sys.platform != "win32":
        assert (tmp_path / "new" / "panel-token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kept", ["", "short", "with spaces in it, and long", "ümlaut-ümlaut-ümlaut"])
def test_what_is_no_token_is_made_anew(tmp_path: Path, kept: str) -> None:
    (tmp_path / "panel-token").write_text(kept, encoding="utf-8")
    token = own_token(tmp_path)
    assert token != kept
    assert own_token(tmp_path) == token


def test_where_none_can_be_kept_there_is_one_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    tokens = {own_token(tmp_path / "file") for _ in range(2)}
    assert len(tokens) == 2
