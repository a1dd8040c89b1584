"""What an interrupted batch has done already: a clip's report is kept beside its trace."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import msgspec

from effectcam.effect.package import Effect
from effectcam.errors import ReportError
from effectcam.pipeline import Pipeline
from effectcam.replay.report import ClipReport
from effectcam.replay.trace import TraceReader
from effectcam.replay.tracer import header
from effectcam.sink.part_file import PartFile
from effectcam.source.clip import Clip


def report_beside(trace: Path) -> Path:
    """Where the report of the clip with this trace is kept."""
    return trace.with_suffix(".json")


def is_foreign(report: Path) -> bool:
    """Whether a file is there that `keep_report` did not write."""
    try:
        kept = json.loads(report.read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    return not (isinstance(kept, dict) and "manifest" in kept)


def keep_report(report: ClipReport, trace: Path, effect: Effect) -> None:
    """With what the manifest of ``effect`` set, which the trace does not have. Raises SinkError."""
    kept = asdict(report) | {"manifest": _settings(effect)}
    PartFile(report_beside(trace)).fill(json.dumps(kept, indent=2).encode("ascii") + b"\n")


def done_before(
    clip: str, pipeline: Pipeline, output: Path | None, trace: Path | None, *, metrics: bool
) -> ClipReport | None:
    """The report of ``clip`` if it is done: ``trace`` is whole and of this very clip, effect with its
    manifest, settings, version and machine, and ``output`` is of the same run: its report names it, and since
    a trace is written after the clip and its report after that, one that is younger is another run's.
    ``metrics``: whether the report must have them.

    None for a clip that has to be played, also for one that cannot be read: to play it will tell why.
    """
    if trace is None or not _in_order(output, trace, report_beside(trace)):
        return None
    try:
        with TraceReader(trace) as reader, Clip(clip) as source:
            if reader.header != header(source, pipeline):
                return None
            for _ in reader:
                pass
        # By Python's own decoder, since a name of a file that is no text is one in JSON only to that.
        kept = json.loads(report_beside(trace).read_bytes())
        report = msgspec.convert(kept, ClipReport)
    except (ReportError, msgspec.ValidationError, ValueError, OSError):
        return None
    if kept.get("manifest") != _settings(pipeline.effect):
        return None
    if metrics and report.metrics is None:
        return None
    if output is not None and (report.output is None or Path(report.output).absolute() != output.absolute()):
        # What lies there is older than the trace, and of another run.
        return None
    return replace(report, path=clip, output=None if output is None else str(output), trace=str(trace))


def _settings(effect: Effect) -> str:
    """Of all that an author sets and the drawing hangs on, such as a feather or a strength, whether or not
    the version was raised with it. Where the package lies, its pictures and its card say nothing."""
    names = [field.name for field in fields(effect) if field.name not in ("path", "files")]
    return hashlib.sha256(repr([(name, getattr(effect, name)) for name in names]).encode()).hexdigest()


def _in_order(*files: Path | None) -> bool:
    """Whether all are there, each at least as old as the next."""
    try:
        written = [file.stat().st_mtime_ns for file in files if file is not None and file.is_file()]
    except OSError:
        return False
    return len(written) == sum(file is not None for file in files) and written == sorted(written)
