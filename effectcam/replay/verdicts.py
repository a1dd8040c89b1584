"""What a run comes to: the lines about what is different or too bad, and the cases of its JUnit file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from effectcam.replay.batch import Batch
from effectcam.replay.junit import Case
from effectcam.replay.replayer import ClipPlan
from effectcam.replay.report import ClipReport


def troubles(report: ClipReport) -> list[str]:
    """A line for a clip that parts from its golden, and one for each gate that it does not pass."""
    return [f"{case.clip}: {case.told}" for case in _judged(report) if case.outcome != "passed"]


def cases(plans: Sequence[ClipPlan], batch: Batch, missing: Sequence[str] = ()) -> list[Case]:
    """One for every clip and whatever was asked of it, and one for each of those that are ``missing``."""
    found = []
    for place, plan in enumerate(plans):
        if place in batch.failures:
            found.append(Case(plan.clip, "replay", "error", batch.failures[place]))
        else:
            found += [Case(plan.clip, "replay"), *_judged(batch.played[place].report)]
    lacks = "the golden has it, and it was not given; give its file, or record the golden anew"
    return [*found, *(Case(clip, "golden", "skipped", lacks) for clip in missing)]


def _judged(report: ClipReport) -> Iterator[Case]:
    if report.check is not None:
        same = report.check.first is None
        yield Case(report.path, "golden", "passed" if same else "failed", str(report.check))
    for verdict in report.gates or ():
        yield Case(report.path, verdict.gate, "passed" if verdict.passed else "failed", verdict.told)
