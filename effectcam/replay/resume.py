"""Whether a clip of an interrupted batch is done already."""

from __future__ import annotations

from pathlib import Path

from effectcam.errors import ReportError
from effectcam.pipeline import Pipeline
from effectcam.replay.trace import TraceReader
from effectcam.replay.tracer import header
from effectcam.source.clip import Clip


def is_done(clip: str, pipeline: Pipeline, output: Path | None, trace: Path | None) -> bool:
    """Whether ``trace`` is whole and of this very clip, effect, settings, version and machine, and ``output``
    is of the same run: a trace is written after the clip, so an output that is younger is another's.

    Raises SourceError for a clip that cannot be read.
    """
    if trace is None or not trace.is_file():
        return False
    if output is not None and not (
        output.is_file() and output.stat().st_mtime_ns <= trace.stat().st_mtime_ns
    ):
        return False
    try:
        with TraceReader(trace) as reader, Clip(clip) as source:
            if reader.header != header(source, pipeline):
                return False
            for _ in reader:
                pass
    except ReportError:
        return False
    return True
