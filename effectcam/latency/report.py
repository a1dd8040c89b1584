"""What a measurement comes to: the JSON of ``effectcam latency``, schema ``effectcam.latency/1``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effectcam.errors import SinkError
from effectcam.latency import stamp
from effectcam.latency.passage import Passage
from effectcam.latency.probe import Run

SCHEMA = "effectcam.latency/1"

_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
_MOST_BARS = 16


def latency_report(run: Run, effect: tuple[str, str]) -> dict[str, Any]:
    """The whole report as plain values; docs/latency.md tells what each means. ``effect``: name and
    version. Raises SinkError when no frame that counts came back."""
    first_read: dict[int, int] = {}
    repeated = unreadable = 0
    codes = {stamp.code_at(passage.captured) for passage in run.passages}
    for reading in run.readings:
        if reading.code is None:
            unreadable += 1
        elif reading.code in first_read:
            repeated += 1
        elif reading.code in codes:
            first_read[reading.code] = reading.at
    read = [
        (passage, at) for passage in run.passages if (at := first_read.get(stamp.code_at(passage.captured)))
    ]
    if not read:
        raise SinkError(
            f"none of {len(run.passages)} frames came back; give --seconds more, or --fps and --size less"
        )
    parts, added = _parts(read, device=run.device is not None)
    latency = np.array([at - passage.captured for passage, at in read], np.int64) / 1e6
    period = 1000 / run.fps
    median = float(np.median(added)) if added.size else 0.0
    name, version = effect
    return {
        "schema": SCHEMA,
        "effect": {"name": name, "version": version},
        "through": "memory" if run.device is None else "camera",
        "device": run.device,
        "width": run.width,
        "height": run.height,
        "fps": run.fps,
        "frames": {
            "sent": len(run.passages),
            "read": len(read),
            "repeated": repeated,
            "unreadable": unreadable,
            "lost": len(run.passages) - len(read),
            "lost_where": _lost_where(run.passages, first_read),
        },
        "latency_ms": _summary(latency),
        "parts_ms": {part: _summary(times) for part, times in parts.items()},
        "stages_ms": run.stages_ms,
        "added_ms": _summary(added),
        "added_frames": round(median / period, 3),
        "within_one_frame": median <= period,
        "histogram_ms": histogram(latency),
    }


def _parts(
    read: Sequence[tuple[Passage, int]], *, device: bool
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Milliseconds of each part of each frame's way, and of all but the chain up to the device."""
    rows = [
        (
            each.taken - each.captured,
            each.chain,
            each.handed - each.taken - each.chain,
            each.written - each.handed,
            at - each.written,
        )
        for each, at in read
        if not (each.taken is None or each.chain is None or each.handed is None or each.written is None)
    ]
    table = np.array(rows, np.int64).reshape(-1, 5) / 1e6
    names = ("queue", "chain", "loop", "hand_over", "device") if device else (
        "queue", "chain", "loop", "hand_over"
    )  # fmt: skip
    parts = {name: table[:, column] for column, name in enumerate(names)}
    return parts, table[:, [0, 2, 3]].sum(axis=1)


def _lost_where(passages: Iterable[Passage], read: dict[int, int]) -> dict[str, int]:
    where = {"before_chain": 0, "hidden": 0, "before_sink": 0, "on_the_way": 0}
    for passage in passages:
        if stamp.code_at(passage.captured) in read:
            continue
        if passage.taken is None:
            where["before_chain"] += 1
        elif not passage.shown:
            where["hidden"] += 1
        elif passage.written is None:
            where["before_sink"] += 1
        else:
            where["on_the_way"] += 1
    return where


def _summary(times: NDArray[np.float64]) -> dict[str, float]:
    if not times.size:
        return {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
    values = [*np.percentile(times, (50, 95, 99)), times.max()]
    return {
        name: round(float(value), 3) for name, value in zip(("p50", "p95", "p99", "max"), values, strict=True)
    }


def histogram(times: NDArray[np.float64]) -> dict[str, list[float] | list[int]]:
    """``times`` (milliseconds, at least one) counted in bars of one round width.

    ``edges`` has one more than ``counts``; no more than 16 bars, the last of which takes in all that is
    later, so that one hiccup does not squeeze the rest into a single bar.

    >>> histogram(np.array([10.0, 12.0, 18.0]))["counts"]
    [1, 0, 1, 0, 0, 0, 0, 0, 1]
    """
    low, usual = float(times.min()), float(np.percentile(times, 95))
    step = next((step for step in _STEPS if (usual - low) / step <= _MOST_BARS - 2), _STEPS[-1])
    start = np.floor(low / step) * step
    bars = min(_MOST_BARS, int((times.max() - start) // step) + 1)
    places = np.clip(((times - start) // step).astype(int), 0, bars - 1)
    counts = np.bincount(places, minlength=bars)
    edges = start + step * np.arange(bars + 1)
    edges[-1] = max(edges[-1], times.max())
    return {"edges": [round(float(edge), 3) for edge in edges], "counts": [int(count) for count in counts]}
