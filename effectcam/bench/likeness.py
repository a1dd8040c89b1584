"""What two reports must have in common before their times may be compared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from effectcam.bench import words
from effectcam.bench.report import Report
from effectcam.errors import UsageError


def _accelerator(report: Report) -> str:
    """Where it ran, whatever was asked for."""
    places = report.device.accelerators
    return ", ".join(
        place.name if place.name == "cpu" else f"{place.name} ({place.device})" for place in places
    )


def _threads(report: Report) -> str:
    threads = report.settings.threads
    return "as measured" if threads is None else str(threads)


def _pace(report: Report) -> str:
    fps = report.settings.pace_fps
    return "full speed" if fps is None else f"{fps:g} frames a second"


def _turn(report: Report) -> str:
    turn = report.settings.turn
    return "alone" if turn is None else f"{turn} frames in turn with others"


TRAITS: dict[str, Callable[[Report], str]] = {
    "effect": lambda report: f"{report.settings.effect.name} {report.settings.effect.version}",
    "tier": lambda report: report.settings.effect.tier,
    "accelerator": _accelerator,
    "threads": _threads,
    "cores": lambda report: str(report.settings.cores),
    "priority": lambda report: report.settings.priority,
    "size": lambda report: f"{report.settings.width}x{report.settings.height}",
    "faces": lambda report: str(report.settings.faces),
    "clip": lambda report: f"{report.settings.clip.name} ({report.settings.clip.sha256[:8]})",
    "pace": _pace,
    "load": lambda report: words.counted(report.settings.under_load, "encoder"),
    "turn": _turn,
    "overlap": lambda report: "frames overlapped" if report.settings.overlap else "one frame at a time",
    "device": lambda report: f"{report.device.cpu} ({report.device.id})",
}
"""By name, in words: what times hang on. The number of frames is none of it, nor are the versions of the
software, which are what one compares."""


def check_alike(
    sides: Sequence[Sequence[Report]], across: Collection[str]
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """UsageError, naming the difference, unless all reports of a side are of one kind, and the two sides of
    kinds that differ in no trait beside those named in ``across``. Returns the traits in which they do, and
    lines about software that differs."""
    differing = {}
    for name, trait in TRAITS.items():
        values = [dict.fromkeys(trait(report) for report in side) for side in sides]
        for side, found in zip("AB", values, strict=True):
            if len(found) > 1:
                raise UsageError(
                    f"the reports of {side} differ in {name}: {' and '.join([*found][:2])}; give "
                    "each side reports of one kind"
                )
        (a,), (b,) = values
        if a != b:
            differing[name] = a, b
    unlike = {name: both for name, both in differing.items() if name not in across}
    if unlike:
        told = ", ".join(f"{name} ({a} and {b})" for name, (a, b) in unlike.items())
        asked = " ".join(f"--across {name}" for name in unlike)
        raise UsageError(f"A and B differ in {told}; to compare them all the same: {asked}")
    return differing, [*_software(sides)]


def _software(sides: Sequence[Sequence[Report]]) -> Iterator[str]:
    versions = [
        [
            {"effectcam": report.effectcam, "kernel": report.device.kernel, **report.device.libraries}
            for report in side
        ]
        for side in sides
    ]
    for name in dict.fromkeys(name for side in versions for found in side for name in found):
        told = [", ".join(sorted({found.get(name, "none") for found in side})) for side in versions]
        if told[0] != told[1] or any("," in each for each in told):
            yield f"{name} is {told[0]} in A and {told[1]} in B"
