"""Several frames on their way at once: more of them a second, each one frame later."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from effectcam.frame import Frame
from effectcam.passage import Passage
from effectcam.pipeline import Pipeline


def overlapped(pipeline: Pipeline, frames: Iterable[Frame]) -> Iterator[Frame]:
    """The frames with the effect on them, in order and to the byte what ``Pipeline.process`` gives.

    While one frame is with the student, the next one's faces are found and the one before is composited,
    each on a core of its own; what a stage leaves idle the others use. A frame comes out when the one after
    it has been begun, so it suits what counts frames a second, such as clips, and not a conversation: the
    ``chain`` of the pipeline's ledger then has a wait in it. Make the pipeline with ``beside=True`` and
    with ``threads`` of half the cores: more would take turns with the stages beside them.

    >>> from effectcam import Clip, Pipeline
    >>> with Pipeline("toon", threads=1, beside=True) as pipeline, Clip("me.mp4") as clip:  # doctest: +SKIP
    ...     for frame in overlapped(pipeline, clip):
    ...         show(frame.pixels)

    Raises what ``Pipeline.process`` does, after the frames before, and then no more come. Until the last one
    has come, or the iterator is closed, the pipeline must be left alone; its strength may be set, for frames
    not begun.
    """
    on_the_way: deque[Passage] = deque(maxlen=2)
    asked: Future[None] | None = None
    coming = iter(frames)
    with ThreadPoolExecutor(1, "effectcam-face") as student:
        try:
            while True:
                failure: Exception | None = None
                passage: Passage | None = None
                try:
                    if (frame := next(coming, None)) is not None:
                        passage = Passage(frame, pipeline.strength)
                        on_the_way.append(passage)
                        pipeline.begin(passage)
                except Exception as error:
                    # The frame before is sound, and comes out first.
                    failure = error
                before, asked = asked, None
                if passage is not None and failure is None:
                    asked = student.submit(pipeline.draw, passage, help=False)
                if before is not None:
                    before.result()
                    yield _finished(pipeline, on_the_way[0 if passage is not None else -1])
                if failure is not None:
                    raise failure
                if passage is None:
                    return
        finally:
            for passage in on_the_way:
                pipeline.release(passage)


def _finished(pipeline: Pipeline, passage: Passage) -> Frame:
    done = pipeline.finish(passage)
    pipeline.release(passage)
    return done
