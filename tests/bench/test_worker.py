"""The worker's side of a matrix, in this process: what it answers, and the report that it writes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from effectcam.bench.footage import load_footage
from effectcam.bench.report_file import read_report
from effectcam.bench.worker import Job, serve
from effectcam.effect.package import Effect
from tests.bench.reports import made_report
from tests.cli.conftest import write_effect
from tests.face.clips import DEMO

Ask = Callable[..., list[dict[str, str]]]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    footage = load_footage(DEMO, (320, 180))
    file = tmp_path_factory.mktemp("frames") / "frames.npy"
    np.save(file, np.stack(footage.pictures[:20]))
    return file, footage.used


@pytest.fixture
def ask(tmp_path: Path, pictures: tuple[Path, Any]) -> Ask:
    """Run a worker over a job with so many turns given; its answers."""

    def asked(
        turns: int, prepare: Callable[[Effect], Effect] = lambda e: e, **changes: Any
    ) -> list[dict[str, str]]:
        job = Job(
            effect=str(write_effect(tmp_path, "plain", model="identity")),
            tier="standard",
            accelerator="cpu",
            threads=1,
            cores=None,
            priority="normal",
            pictures=str(pictures[0]),
            clip=pictures[1],
            faces=1,
            frames=25,
            turn=10,
            burn_in=5,
            device=made_report().device,
            report=str(tmp_path / "01.part"),
        )
        line = json.dumps(msgspec.to_builtins(job) | changes).encode()
        answers = io.BytesIO()
        serve(io.BytesIO(line + b"\n" + b"turn\n" * turns), answers, prepare)
        return [json.loads(answer) for answer in answers.getvalue().splitlines()]

    return asked


def test_it_answers_each_turn_and_leaves_a_report(ask: Ask, tmp_path: Path) -> None:
    opened = []

    def prepare(effect: Effect) -> Effect:
        opened.append(effect.name)
        return effect

    answers = ask(3, prepare)
    assert [answer["did"] for answer in answers] == ["ready", "turn", "turn", "report"]
    report = read_report(tmp_path / "01.part")
    assert report.frames.measured == 25 and report.settings.turn == 10
    assert (report.settings.width, report.settings.height) == (320, 180)
    assert report.device.id == made_report().device.id
    assert report.memory.clip_mb == pytest.approx(20 * 320 * 180 * 3 / 1e6, abs=0.1)
    assert opened == ["plain"]


def test_it_ends_when_nobody_gives_turns_any_more(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        ask(1)
    assert not (tmp_path / "01.part").exists()


def test_what_goes_wrong_is_an_answer(ask: Ask, tmp_path: Path) -> None:
    (answer,) = ask(0, tier="ultra")
    assert answer["did"] == "failed" and "has no tier 'ultra'" in answer["error"]


def test_a_report_that_cannot_be_written_is_an_answer(ask: Ask, tmp_path: Path) -> None:
    *_, answer = ask(1, frames=10, report=str(tmp_path / "none" / "01.part"))
    assert answer["did"] == "failed" and "No such file or directory" in answer["error"]
