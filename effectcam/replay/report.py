"""What a replay tells: the JSON of ``effectcam replay --json``, schema ``effectcam.replay/1``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from effectcam.effect.manifest import Manifest
from effectcam.replay.gates import Verdict
from effectcam.replay.golden_check import GoldenCheck
from effectcam.replay.metrics.figure import Summary

SCHEMA = "effectcam.replay/1"


@dataclass(frozen=True, slots=True)
class FaceCount:
    """How often a face was seen, and how many different ones."""

    frames_with_face: int
    identities: int
    """Faces told apart by place; one that leaves for more than two seconds counts again."""


@dataclass(frozen=True, slots=True)
class ClipReport:
    """One clip that went through."""

    path: str
    """As it was given."""
    frames: int
    width: int
    height: int
    fps: float
    """Frames a second by the frames' own timestamps."""
    faces: FaceCount
    stages_ms: Mapping[str, Mapping[str, float]]
    """p50, p95 and p99 of every stage in milliseconds, as `Ledger.summary` gives them; ``chain`` runs
    from the decoded frame in memory to the composited frame in memory."""
    output: str | None
    """The clip that was written, if one was wanted."""
    trace: str | None = None
    """The trace that was written, if one was wanted."""
    metrics: Mapping[str, Summary] | None = None
    """By the figure's name, see `effectcam.replay.metrics.FIGURES`; None unless wanted."""
    check: GoldenCheck | None = None
    """What came of it beside its golden, if that was asked for."""
    gates: tuple[Verdict, ...] | None = None
    """What each gate says, if there were any."""
    faithful: str | None = None
    """How near a bug bundle came to what was recorded, in a line; None for a clip."""
    warnings: tuple[str, ...] = ()
    """What was odd about the clip, one line each: frames that were damaged or missing, sound that had to
    be coded anew. A clip cut short went through as far as it goes, and is told here."""


def replay_report(
    effect: Manifest,
    *,
    tier: str,
    clips: Sequence[ClipReport],
    failures: Sequence[str] = (),
    skipped: Sequence[str] = (),
    missing: Sequence[str] = (),
    accelerator: str = "cpu",
) -> dict[str, Any]:
    """The whole report as plain values, ready for JSON. Clips that failed are not among ``clips``;
    ``failures`` has a line for each. ``skipped`` are those of ``clips`` that an earlier run did,
    ``missing`` the names of those that the golden has and the run had not."""
    return {
        "schema": SCHEMA,
        "effect": {"name": effect.name, "version": effect.version, "tier": tier},
        "accelerator": accelerator,
        "clips": [asdict(clip) for clip in clips],
        "skipped": list(skipped),
        "missing": list(missing),
        "failures": list(failures),
    }


def report_json(report: Mapping[str, Any]) -> str:
    """``report`` as the text of a JSON file, in ASCII: names of files need not fit any encoding."""
    return json.dumps(report, indent=2) + "\n"
