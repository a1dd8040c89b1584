"""Plays a clip through a pipeline into a file: every frame, each at its own time, with the clip's sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from effectcam.errors import SinkError, UsageError
from effectcam.frame import Frame
from effectcam.pipeline import Pipeline
from effectcam.replay.report import ClipReport, FaceCount
from effectcam.sink.part_file import why_unwritable
from effectcam.sink.video_file import VideoFile
from effectcam.source.clip import Clip

Watcher = Callable[[Frame, Frame, Clip], None]
"""Called for each frame with the input, the output and the clip they belong to."""


def play(path: str, pipeline: Pipeline, output: Path, *, watch: Watcher | None = None) -> ClipReport:
    """Run the clip at ``path`` through ``pipeline`` into ``output``, an .mp4.

    The pipeline starts afresh, its ledger emptied, so that neither result nor figures depend on what
    it did before. Decoding and encoding happen between frames, in this thread, and are not in the
    ledger. Raises SourceError, SinkError, StudentError or FaceMeshError; ``output`` then is as it was.
    """
    pipeline.reset()
    pipeline.ledger.clear()
    with_face = 0
    identities: set[int] = set()
    with (
        Clip(path) as clip,
        VideoFile(output, clip.width, clip.height, rate=clip.fps, source=clip) as file,
    ):
        frames = 0
        for frame in clip:
            result = pipeline.process(frame)
            file.write(result)
            frames += 1
            with_face += bool(pipeline.faces)
            identities.update(face.identity for face in pipeline.faces)
            if watch is not None:
                watch(frame, result, clip)
        summary = pipeline.ledger.summary()
    # Some warnings come only as the file is closed.
    return ClipReport(
        path,
        frames,
        clip.width,
        clip.height,
        round(clip.fps, 3),
        FaceCount(with_face, len(identities)),
        summary,
        str(output),
        (*clip.warnings, *file.warnings),
    )


def plan_outputs(clips: Sequence[str], folder: Path) -> list[Path]:
    """Where each clip's result goes: ``folder``/<stem>.mp4.

    Raises UsageError, before any work, if two clips would share a name (in any case of letters, so
    that a plan holds on every file system) or a result would take the place of one of the clips.
    """
    outputs: list[Path] = []
    taken: dict[str, str] = {}
    for clip in clips:
        output = folder / f"{Path(clip).stem}.mp4"
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
    """UsageError if writing ``output`` would destroy one of ``clips``."""
    for clip in clips:
        if output.exists() and Path(clip).exists() and output.samefile(clip):
            raise UsageError(f"{output} is the input {clip} itself; choose another folder or name")


def make_folder(folder: Path) -> None:
    """Create ``folder`` where it is missing. SinkError if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        # The reason belongs to the last folder that does exist.
        raise SinkError(why_unwritable(folder, error)) from None
