"""Real encoders beside a bench: they encode in time where they can, and they end whatever happens."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from effectcam.bench.load import Competitors
from effectcam.errors import BenchError
from tests.face.clips import DEMO


def test_an_encoder_encodes_and_counts_from_when_it_is_told_to() -> None:
    with Competitors(1, DEMO) as competitors:
        competitors.wait()
        before = competitors.cpu_seconds()
        competitors.measure()
        time.sleep(1.5)
        taken = competitors.cpu_seconds() - before
        (found,) = competitors.finish()
    assert (found.width, found.height, found.fps) == (1920, 1080, 30)
    assert found.frames > 0 and found.megabits_per_s > 0
    assert found.frames + found.skipped < 100
    assert 0 < found.encode_p50_ms <= found.encode_p95_ms
    assert found.cpu_seconds > 0 and taken > 0
    assert not any(psutil.pid_exists(pid) for pid in competitors.pids)


def test_encoders_end_with_a_block_that_fails() -> None:
    competitors = Competitors(2, DEMO)
    with pytest.raises(RuntimeError, match="the bench failed"), competitors:
        raise RuntimeError("the bench failed")
    assert not any(psutil.pid_exists(pid) for pid in competitors.pids)


def test_an_encoder_ends_when_its_parent_is_killed() -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom effectcam.bench.load import Competitors\n"
        "with Competitors(1, Path(sys.argv[1])) as competitors:\n"
        "    print(competitors.pids[0], flush=True)\n    competitors.wait()\n    print('on', flush=True)\n"
        "    time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(DEMO)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        encoder = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "on\n"
    parent.kill()
    parent.wait()
    encoder.wait(timeout=20)


def test_an_encoder_that_ends_early_is_told() -> None:
    with Competitors(1, DEMO) as competitors:
        competitors.wait()
        psutil.Process(competitors.pids[0]).kill()
        with pytest.raises(BenchError, match="a competing encoder ended early"):
            competitors.finish()


def test_an_encoder_that_takes_too_long_is_not_said_to_have_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("effectcam.bench.load._READY_WITHIN", 0.05)
    with (
        Competitors(1, DEMO) as competitors,
        pytest.raises(BenchError, match=r"did not answer within 0\.05 s; ask for fewer"),
    ):
        competitors.wait()


def test_a_clip_that_no_encoder_can_read_is_told() -> None:
    competitors = Competitors(1, DEMO.with_name("nothing.mp4"))
    with competitors, pytest.raises(BenchError, match="no such file"):
        competitors.wait()
