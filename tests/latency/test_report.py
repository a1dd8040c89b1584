"""What a measurement comes to, from moments that are known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from effectcam.errors import SinkError
from effectcam.latency import stamp
from effectcam.latency.passage import Passage, Reading
from effectcam.latency.probe import Run
from effectcam.latency.report import histogram, latency_report

MS = 1_000_000
EFFECT = ("negative", "1.2.0")


def passage(captured: int, *, wait: int = 4, chain: int = 20, loop: int = 1, hand_over: int = 2) -> Passage:
    """A frame handed out at ``captured``; all in milliseconds."""
    taken = captured + wait
    handed = taken + chain + loop
    return Passage(
        captured * MS,
        taken=taken * MS,
        chain=chain * MS,
        shown=True,
        handed=handed * MS,
        written=(handed + hand_over) * MS,
    )


def read(each: Passage, *, after: int = 5) -> Reading:
    """``each`` as it is read ``after`` milliseconds in the device."""
    assert each.written is not None
    return Reading(each.written + after * MS, stamp.code_at(each.captured))


def run(passages: list[Passage], readings: list[Reading], *, device: str | None = "/dev/video10") -> Run:
    return Run(320, 180, 25.0, device, passages, readings, stages_ms={"chain": {"p50": 20.0}})


def test_parts_add_up_to_the_whole() -> None:
    passages = [passage(40 * number, wait=number) for number in range(1, 12)]
    report = latency_report(run(passages, [read(each) for each in passages]), EFFECT)
    medians = {part: times["p50"] for part, times in report["parts_ms"].items()}
    assert medians == {"queue": 6, "chain": 20, "loop": 1, "hand_over": 2, "device": 5}
    assert report["latency_ms"] == {"p50": 34, "p95": 38.5, "p99": 38.9, "max": 39}
    assert report["added_ms"]["p50"] == 9
    assert report["added_frames"] == pytest.approx(9 / 40, abs=1e-3)
    assert report["within_one_frame"] is True
    assert report["frames"]["lost"] == report["frames"]["repeated"] == report["frames"]["unreadable"] == 0
    assert json.loads(json.dumps(report)) == report


def test_more_than_a_frame_is_told() -> None:
    passages = [passage(100, wait=38)]
    report = latency_report(run(passages, [read(passages[0])]), EFFECT)
    assert report["added_ms"]["p50"] == 41
    assert report["within_one_frame"] is False


def test_memory_has_no_device() -> None:
    passages = [passage(100)]
    report = latency_report(run(passages, [read(passages[0])], device=None), EFFECT)
    assert report["through"] == "memory" and report["device"] is None
    assert "device" not in report["parts_ms"]


def test_every_frame_is_accounted_for() -> None:
    good = passage(0)
    skipped = Passage(40 * MS)
    hidden = replace(passage(80), shown=False, chain=None)
    replaced = replace(passage(120), written=None)
    swallowed = passage(160)
    readings = [Reading(1, stamp.code_at(999_999 * MS)), read(good), read(good, after=9), Reading(2, None)]
    report = latency_report(run([good, skipped, hidden, replaced, swallowed], readings), EFFECT)
    assert report["frames"] == {
        "sent": 5,
        "read": 1,
        "repeated": 1,
        "unreadable": 1,
        "lost": 4,
        "lost_where": {"before_chain": 1, "hidden": 1, "before_sink": 1, "on_the_way": 1},
    }
    # The first time counts, not the repetition.
    assert report["latency_ms"]["max"] == 32


def test_nothing_read_is_an_error() -> None:
    with pytest.raises(SinkError, match="none of 1 frames came back; give --seconds more"):
        latency_report(run([passage(0)], []), EFFECT)


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_every_time_is_in_the_bar_that_says_so(scale: float) -> None:
    times = np.random.default_rng(1).gamma(3, scale, 500) + 7
    bars = histogram(times)
    edges, counts = np.array(bars["edges"]), np.array(bars["counts"])
    assert len(edges) == len(counts) + 1 and len(counts) <= 16
    assert (np.diff(edges) > 0).all()
    # Edges are rounded, the last time is not.
    assert (np.histogram(np.minimum(times, edges[-1]), edges)[0] == counts).all()


def test_equal_times_are_one_bar() -> None:
    assert histogram(np.full(9, 33.3))["counts"] == [9]
