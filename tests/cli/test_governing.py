"""The governor's options of ``effectcam run``."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from effectcam.cli.governing import Governing
from effectcam.cli.run_wishes import Wishes
from effectcam.errors import UsageError
from effectcam.live.governor_trace import read_trace, replay
from tests import media
from tests.cli.conftest import Run, one_line
from tests.cli.test_run import read_until, start
from tests.live.test_governor import effect


@pytest.mark.parametrize(
    ("wishes", "on", "tier"),
    [
        (Wishes(), True, None),
        (Wishes("0"), True, None),
        (Wishes("0", tier="lite"), True, "lite"),
        (Wishes("0", governor="off"), False, "standard"),
        (Wishes("0", governor="off", tier="high"), False, "high"),
        (Wishes("0", record=Path("a.mp4")), True, None),
        (Wishes("a.mp4", window=True, record=Path("b.mp4")), True, None),
        (Wishes("a.mp4", loop=True, record=Path("b.mp4")), True, None),
        (Wishes("a.mp4", record=Path("b.mp4")), False, "standard"),
        (Wishes("a.mp4", stills=Path("b")), False, "standard"),
    ],
)
def test_what_is_watched_is_governed_and_a_clip_that_is_only_written_is_not(
    wishes: Wishes, on: bool, tier: str | None
) -> None:
    governing = Governing(wishes)
    assert governing.on == on and governing.tier == tier


@pytest.mark.parametrize(("source", "budget"), [("0", 33.3), ("a.mp4", 66.7)])
def test_the_budget_goes_by_the_rate_at_which_a_camera_gives_frames_now(source: str, budget: float) -> None:
    pictures = SimpleNamespace(width=64, height=48, fps=15.0)
    with ExitStack() as stack:
        governor = Governing(Wishes(source, loop=source != "0")).open(pictures, stack, print)
        governor.begin(effect("standard"), ["standard"], "standard")
        # Less than what --fps is by default is sent, however much comes.
        pictures.fps = 60.0
        for number in range(200):
            governor.plan(number, number * 33_333_333, None)
            governor.account(None)
    assert governor.state["budget_ms"] == budget


@pytest.mark.parametrize(
    ("wishes", "wanted"),
    [
        (Wishes("0", governor="off", budget=20), "--budget is for the governor; leave out --governor off"),
        (Wishes("0", governor="off", skip_still=True), "--skip-still"),
        (
            Wishes("a.mp4", record=Path("b.mp4"), governor_trace=Path("t")),
            "--governor-trace is for the governor; a clip that is only recorded has none",
        ),
    ],
)
def test_options_of_a_governor_that_there_is_none_of(wishes: Wishes, wanted: str) -> None:
    with pytest.raises(UsageError, match=wanted):
        Governing(wishes)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--governor", "of"), "'of'"),
        (("--budget", "0"), "0"),
        (("--budget", "nan"), "nan"),
        (("--tier", "turbo"), "no tier 'turbo'"),
        (("--governor", "off", "--skip-still"), "leave out --governor off"),
    ],
)
def test_nonsense_is_told_before_anything_is_opened(
    cli: Run, tmp_path: Path, arguments: tuple[str, ...], wanted: str
) -> None:
    result = cli(
        "run", "61", "--no-wait", "--effect", "plain-face", "--record", tmp_path / "o.mp4", *arguments
    )
    assert result.returncode == 2
    assert wanted in one_line(result)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_run_leaves_a_trace_that_replays(environment: dict[str, str], tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "a.mp4", count=5)
    trace = tmp_path / "trace.jsonl"
    process = start(
        environment,
        *("run", clip, "--loop", "--effect", "negative-frame", "--threads", "1", "--accelerator", "cpu"),
        *("--record", tmp_path / "out.mp4", "--skip-still", "--governor-trace", trace),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    read_until(process.stdout.fileno(), b" fps, chain p50")
    process.send_signal(signal.SIGINT)
    _, wrong = process.communicate(timeout=300)
    assert (process.returncode, wrong) == (0, b"")
    records = read_trace(trace)
    assert replay(records) == records
    assert sum("frame" in record for record in records) > 10
    assert records[1]["ladder"][0] == {"tier": "standard", "skip": True, "predict": False, "every": 1}


def test_there_must_be_a_place_for_the_trace(cli: Run, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "a.mp4", count=3)
    out = tmp_path / "o.mp4"
    result = cli(
        *("run", clip, "--loop", "--effect", "plain-face", "--record", out, "--threads", "1"),
        *("--governor-trace", tmp_path / "none" / "t.jsonl"),
    )
    assert result.returncode == 1
    assert "there is no folder" in one_line(result)
    assert not out.exists()
