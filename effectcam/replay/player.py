"""Plays a clip through a pipeline: every frame, each at its own time, into a file with the clip's sound, into
a trace, under metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from effectcam.errors import SinkError, StudentError, UsageError
from effectcam.frame import Frame
from effectcam.pipeline import Pipeline
from effectcam.replay.bundle_clip import BundleClip
from effectcam.replay.faulty_clip import FaultyClip
from effectcam.replay.footage import Footage
from effectcam.replay.metrics.meters import Meters
from effectcam.replay.onlooker import Onlooker
from effectcam.replay.report import ClipReport, FaceCount
from effectcam.replay.trace import TraceFile
from effectcam.replay.tracer import header, traced
from effectcam.sink.part_file import why_unwritable
from effectcam.sink.video_file import VideoFile
from effectcam.source.clip import Clip

Watcher = Callable[[Frame, Frame, Footage], None]
"""Called for each frame with the input, the output and what they belong to."""


def play(
    path: str,
    pipeline: Pipeline,
    output: Path | None = None,
    *,
    trace: Path | None = None,
    meters: Meters | None = None,
    onlookers: Sequence[Onlooker] = (),
    watch: Watcher | None = None,
    footage: Callable[[str], Clip | FaultyClip | BundleClip] = Clip,
) -> ClipReport:
    """Run the clip at ``path`` through ``pipeline``: into ``output``, an .mp4, with its ``trace``, and under
    the eyes of ``meters`` and ``onlookers``, each where it is given. ``footage`` opens what is at ``path``,
    if that is no clip or has faults planted; where a planted fault fails a student, the picture stands still.

    The pipeline starts afresh, its ledger emptied, so that neither result nor figures depend on what
    it did before. Its time is the clip's own. All but its work happens between frames, in this thread, and
    is not in the ledger. Raises SourceError, SinkError, StudentError, FaceMeshError and what an onlooker
    raises; ``output`` and ``trace`` then are as they were.
    """
    pipeline.reset()
    pipeline.ledger.clear()
    with_face = frames = 0
    identities: set[int] = set()
    with ExitStack() as stack:
        source = footage(path)
        stack.callback(source.close)
        planted = source if isinstance(source, FaultyClip) else None
        clip = planted.clip if planted is not None else source if isinstance(source, Clip) else None
        # Closed last, when the clip has been written as well.
        if trace is not None:
            onlookers = [*onlookers, stack.enter_context(TraceFile(trace))]
        file = None
        if output is not None:
            file = VideoFile(output, source.width, source.height, rate=source.fps, source=clip)
            stack.enter_context(file)
        if onlookers:
            head = header(source, pipeline, faults=planted.script if planted is not None else None)
            for onlooker in onlookers:
                onlooker.begin(head)
        result = None
        for frame in source:
            result = _drawn(pipeline, frame, planted, result)
            if file is not None:
                # Under faults, frames come with any stamp; they are shown in the order in which they came.
                file.write(result if planted is None else replace(result, captured_at=planted.shown_at))
            if onlookers:
                line = traced(pipeline, frame, result, faults=planted.faults if planted is not None else ())
                for onlooker in onlookers:
                    onlooker.see(line, result)
            if meters is not None:
                meters.look(pipeline, frame, result)
            frames += 1
            with_face += bool(pipeline.faces)
            identities.update(face.identity for face in pipeline.faces)
            if watch is not None:
                watch(frame, result, source)
        for onlooker in onlookers:
            onlooker.end()
    # Some warnings come only as the file is closed.
    warnings = (*source.warnings, *(file.warnings if file is not None else ()))
    return ClipReport(
        path,
        frames,
        source.width,
        source.height,
        round(source.fps, 3),
        FaceCount(with_face, len(identities)),
        pipeline.ledger.summary(),
        None if output is None else str(output),
        None if trace is None else str(trace),
        None if meters is None else meters.summaries,
        warnings=warnings,
    )


def _drawn(pipeline: Pipeline, frame: Frame, planted: FaultyClip | None, last: Frame | None) -> Frame:
    """The output; the ``last`` one again where a planted fault keeps the pipeline from it, as a live run
    would show it, or black at the start. Then no face has the effect."""
    try:
        return pipeline.process(frame)
    except StudentError:
        if planted is None or "nan" not in planted.faults:
            raise
    pipeline.ledger.skip()
    pipeline.faces, pipeline.drawings, pipeline.decisions = [], {}, {"held": True}
    return frame.with_pixels(np.zeros_like(frame.pixels) if last is None else last.pixels)


def plan_outputs(clips: Sequence[str], folder: Path, *, suffix: str = ".mp4") -> list[Path]:
    """Where each clip's result goes: ``folder``/<stem><suffix>.

    Raises UsageError, before any work, if two clips would share a name (in any case of letters, so
    that a plan holds on every file system) or a result would take the place of one of the clips.
    """
    outputs: list[Path] = []
    taken: dict[str, str] = {}
    for clip in clips:
        output = folder / f"{Path(clip).stem}{suffix}"
        key = output.name.casefold()
        if taken.get(key) == clip:
            raise UsageError(f"{clip} is given twice; name each clip once")
        if key in taken:
            raise UsageError(
                f"{taken[key]} and {clip} would both become {output}; rename one, or replay each into a "
                "folder of its own"
            )
        taken[key] = clip
        outputs.append(output)
    for output in outputs:
        refuse_to_replace(output, clips)
    return outputs


def refuse_to_replace(output: Path, clips: Sequence[str]) -> None:
    """UsageError if writing ``output`` would destroy one of ``clips``, or whatever else is read. SinkError
    for a name that cannot be one."""
    try:
        if not output.exists():
            return
    except OSError as error:
        raise SinkError(why_unwritable(output, error)) from None
    for clip in clips:
        try:
            same = Path(clip).exists() and output.samefile(clip)
        except OSError:
            # A clip that cannot be looked at is its own failure.
            continue
        if same:
            raise UsageError(f"{output} is the input {clip} itself; choose another folder or name")


def make_folder(folder: Path) -> None:
    """Create ``folder`` where it is missing. SinkError if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        # The reason belongs to the last folder that does exist.
        raise SinkError(why_unwritable(folder, error)) from None
