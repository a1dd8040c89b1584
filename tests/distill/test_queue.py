"""Several effects in a queue: in order, apart from each other, and ended when it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.cli import main
from effectcam.distill import queue
from effectcam.distill.queue import Event, Job, Stage, work_through

PYTHON = (sys.executable, "-c")


def job(folder: Path, name: str, *programs: str) -> Job:
    stages = tuple(Stage(f"stage {number}", (program,)) for number, program in enumerate(programs))
    return Job(name, stages, folder / name / "log.txt")


def told(event: Event) -> tuple[str, str, str]:
    return event.job.name, event.kind, event.stage


def test_one_that_fails_holds_up_no_other_and_says_why(tmp_path: Path) -> None:
    bad = job(
        tmp_path, "bad", "print('x'); raise SystemExit('effectcam: no faces in here')", "print('never')"
    )
    good = job(tmp_path, "good", "import os; print(os.environ['OMP_NUM_THREADS'])", "print('two')")
    events = list(work_through([bad, good], at_once=1, command=PYTHON))
    assert [told(event) for event in events] == [
        ("bad", "begins", "stage 0"),
        ("bad", "failed", "stage 0"),
        ("good", "begins", "stage 0"),
        ("good", "begins", "stage 1"),
        ("good", "done", ""),
    ]
    assert events[1].message == "no faces in here"
    assert (tmp_path / "good" / "log.txt").read_text() == "1\ntwo\n"


def test_a_silent_failure_tells_its_exit_code(tmp_path: Path) -> None:
    old = tmp_path / "a" / "log.txt"
    old.parent.mkdir()
    old.write_text("what the last run said\n")
    failed = list(work_through([job(tmp_path, "a", "raise SystemExit(3)")], command=PYTHON))[-1]
    assert failed.message == "ended with exit code 3 and said nothing"


def test_some_run_side_by_side(tmp_path: Path) -> None:
    # Each waits for the other's file: alone, neither would end.
    wait = (
        "import pathlib, time; pathlib.Path(r'{0}').touch()\n"
        "while not pathlib.Path(r'{1}').exists(): time.sleep(0.02)"
    )
    a, b = tmp_path / "1", tmp_path / "2"
    jobs = [job(tmp_path, "a", wait.format(a, b)), job(tmp_path, "b", wait.format(b, a))]
    events = list(work_through(jobs, at_once=2, command=PYTHON))
    assert [event.kind for event in events] == ["begins", "begins", "done", "done"]


def test_an_interrupted_queue_leaves_nothing_running(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    program = (
        "import time, pathlib\n"
        f"while True: pathlib.Path(r'{mark}').write_text(str(time.time())); time.sleep(0.02)"
    )
    events = work_through([job(tmp_path, "a", program)], command=PYTHON)
    next(events)
    deadline = time.monotonic() + 20
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    events.close()
    last = mark.read_text()
    time.sleep(0.2)
    assert mark.read_text() == last


def test_all_is_checked_before_anything_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["distill", "all", "toon", "zombi", "--work", str(tmp_path)]) == 2
    assert "did you mean 'zombie'" in capsys.readouterr().err
    assert main(["distill", "all", "toon", "zombie", "--work", str(tmp_path)]) == 2
    assert "no finished pairs of toon, zombie" in capsys.readouterr().err
    assert main(["distill", "all", "toon", "--work", str(tmp_path), "--out", "x"]) == 2
    assert "--out needs --source" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_all_tells_the_failures_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("zombie/face", "toon/face"):
        (tmp_path / folder / "pairs").mkdir(parents=True)
        (tmp_path / folder / "pairs" / "pairs.json").write_text("[]")
    # Damaged: for its own training to tell, and no reason not to begin.
    (tmp_path / "zombie" / "face" / "run").mkdir()
    (tmp_path / "zombie" / "face" / "run" / "student.pt").write_bytes(b"cut short")

    def through(jobs: list[Job], *, at_once: int) -> Iterator[Event]:
        assert at_once == 2
        zombie, toon = jobs
        assert [stage.arguments[:3] for stage in zombie.stages] == [("distill", "train", "zombie")]
        assert [stage.name for stage in toon.stages] == ["pairs", "train"], "its frame has none yet"
        yield Event(zombie, "begins", "train")
        yield Event(toon, "begins", "pairs")
        yield Event(zombie, "failed", "train", "the loss became nan")
        yield Event(toon, "done")

    monkeypatch.setattr(queue, "work_through", through)
    arguments = ["zombie", "toon", "--work", str(tmp_path), "--jobs", "2", "--data", str(tmp_path)]
    assert main(["distill", "all", *arguments]) == 1
    out, err = capsys.readouterr()
    assert (
        out.splitlines()[-1].split(maxsplit=1)[1].startswith("toon: done; 1 of 2 done, training ends about")
    )
    assert err == "effectcam: 1 of 2 failed: zombie (train): the loss became nan\n"
