from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from effectcam.student.timing_cache import Choice, TimingCache, now


@pytest.fixture
def choice() -> Choice:
    return Choice(accelerator="gpu", exact=True, ms=2.3, threads=2, others={"cpu": "7.9 ms"}, at=now())


def test_what_is_kept_is_found_by_the_next_run(tmp_path: Path, choice: Choice) -> None:
    told: list[str] = []
    path = tmp_path / "deep" / "down" / "accelerators.json"
    cache = TimingCache(told.append, path=path)
    assert cache.find("a") is None
    cache.keep("a", choice)
    cache.keep("b", replace(choice, accelerator="cpu"))
    again = TimingCache(told.append, path=path)
    assert again.find("a") == choice
    assert again.find("c") is None
    again.forget("a")
    again.forget("a")
    assert cache.find("a") is None
    assert cache.find("b") is not None
    assert told == []
    assert [file.name for file in path.parent.iterdir()] == ["accelerators.json"]


@pytest.mark.parametrize("age", [timedelta(days=31), timedelta(days=-1)])
def test_an_old_choice_is_made_anew(tmp_path: Path, choice: Choice, age: timedelta) -> None:
    cache = TimingCache(print, path=tmp_path / "a.json")
    cache.keep("a", replace(choice, at=now() - age))
    assert cache.find("a") is None
    cache.keep("a", choice)
    assert cache.find("a") == choice


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        b"[]",
        b'{"schema": "effectcam.accelerators/2", "choices": {}}',
        b'{"schema": "effectcam.accelerators/1", "choices": {"a": {"accelerator": "tpu"}}}',
        b'{"schema": "effectcam.accelerators/1", "choices": {"a": {"accelerator": "gpu", "ms": 1.0, '
        b'"threads": 1, "others": {}, "at": "2026-01-01T00:00:00"}}}',
    ],
)
def test_a_damaged_file_is_told_once_and_made_anew(tmp_path: Path, choice: Choice, content: bytes) -> None:
    told: list[str] = []
    path = tmp_path / "accelerators.json"
    path.write_bytes(content)
    cache = TimingCache(told.append, path=path)
    assert cache.find("a") is None
    cache.keep("a", choice)
    assert cache.find("a") == choice
    assert told == [f"{path} is damaged or of another version: accelerators are measured anew"]


def test_it_does_not_grow_without_end(tmp_path: Path, choice: Choice) -> None:
    path = tmp_path / "accelerators.json"
    cache = TimingCache(print, path=path)
    for number in range(203):
        cache.keep(f"{number}", replace(choice, at=now() - timedelta(hours=300 - number)))
    kept = json.loads(path.read_text())["choices"]
    assert len(kept) == 200
    assert cache.find("2") is None
    assert cache.find("202") is not None


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path, choice: Choice) -> None:
    (tmp_path / "file").write_text("")
    told: list[str] = []
    cache = TimingCache(told.append, path=tmp_path / "file" / "accelerators.json")
    cache.keep("a", choice)
    assert cache.find("a") is None
    assert told == []
