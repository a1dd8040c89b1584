"""A face that is badly seen fades out of the effect only where nothing bare comes to light by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect import manifest as parts
from effectcam.errors import StudentError
from effectcam.face.limits import View
from effectcam.frame import Frame, Pixels
from effectcam.live.controls import Controls
from effectcam.live.loop import LiveLoop
from effectcam.live.options import Options
from effectcam.live.privacy import FaceGuard, blurred
from effectcam.overlap import overlapped
from effectcam.pipeline import Pipeline
from tests.face.clips import demo_pixels, stream
from tests.live.test_loop import Kept
from tests.tiny_effect import tiny_effect


@pytest.fixture(autouse=True)
def turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever face is found, it is seen from the side."""
    monkeypatch.setattr("effectcam.pipeline.view", lambda *_: View(yaw=85.0, outside=0.0, misfit=0.03))


@contextmanager
def controls(folder: Path, *, bare: bool, **models: str) -> Iterator[Controls]:
    effect = tiny_effect(folder / "effect", **models, limits=parts.Limits("soft"))
    made = Controls(effect, Options(threads=1, bare=bare, label=False), on_quit=print, tell=lambda _: None)
    try:
        yield made
    finally:
        made.close()


FACE = {"face": "negative"}
BOTH = {"face": "negative", "frame": "wide"}


@pytest.mark.parametrize(
    ("models", "bare", "shown"), [(FACE, False, 1), (FACE, True, 0), (BOTH, False, 0), (BOTH, True, 0)]
)
def test_an_effect_of_the_face_alone_stays_on_unless_the_face_may_be_seen(
    models: dict[str, str], bare: bool, shown: float, tmp_path: Path
) -> None:
    with controls(tmp_path, bare=bare, **models) as made:
        pipeline = made.settle()
        pipeline.process(stream(demo_pixels(1))[0])
        assert [face.shown for face in pipeline.faces] == [shown]


def test_a_guard_takes_a_face_that_is_partly_bare_for_a_lost_one(tmp_path: Path) -> None:
    """Even where somebody put together what does not belong together."""
    pixels: Pixels = demo_pixels(1)[0]
    height, width = pixels.shape[:2]
    sink = Kept()
    with controls(tmp_path, bare=True, **FACE) as made:
        loop = LiveLoop(made, sink, size=(width, height), guard=FaceGuard("blur"))
        loop.run(iter([Frame(pixels, 0, 0), Frame(pixels, 1, 33_000_000)]))
    assert loop.showing == "blur"
    for frame in sink.frames:
        np.testing.assert_array_equal(frame.pixels, blurred(pixels))


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "overlapped"])
def test_after_a_cut_a_face_begins_where_it_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    """Faded out before it, and not faded in over a second and a half after it, nor in the colours before."""
    effect = tiny_effect(
        tmp_path / "effect", face="negative", limits=parts.Limits("soft"), colour=parts.Colour("match-input")
    )
    bright = demo_pixels()[0]
    # The same face at the same place, in another light: the tracker has no reason to give another number.
    dim = np.ascontiguousarray(bright // 4)
    frames = [Frame(bright, 0, 0), Frame(bright, 1, 33_000_000), Frame(dim, 2, 66_000_000)]
    yaws = iter([85.0, 5.0, 5.0])
    monkeypatch.setattr("effectcam.pipeline.view", lambda *_: View(next(yaws), outside=0.0, misfit=0.03))
    shown: list[tuple[int, float]] = []
    with Pipeline(effect, threads=1, beside=True) as pipeline:
        for frame in overlapped(pipeline, frames) if together else map(pipeline.process, frames):
            shown += [(face.identity, face.shown) for face in pipeline.faces]
            last = frame.pixels
    assert [identity for identity, _ in shown] == [0, 0, 0]
    assert shown[0][1] == 0 and 0 < shown[1][1] < 0.05 and shown[2][1] == 1
    monkeypatch.setattr("effectcam.pipeline.view", lambda *_: View(5.0, outside=0.0, misfit=0.03))
    with Pipeline(effect, threads=1) as pipeline:
        alone = pipeline.process(Frame(dim, 0, 0)).pixels
        crop = pipeline.faces[0].crop
    # The mesh, which tracks, finds the face a fraction of a pixel elsewhere; the colours are the same.
    middle = np.s_[round(crop.cy) - 20 : round(crop.cy) + 20, round(crop.cx) - 20 : round(crop.cx) + 20]
    np.testing.assert_allclose(last[middle].mean(axis=(0, 1)), alone[middle].mean(axis=(0, 1)), atol=1.5)


def test_colours_from_before_a_cut_are_forgotten_also_where_its_frame_fails(tmp_path: Path) -> None:
    effect = tiny_effect(tmp_path / "effect", face="nan_where_black", colour=parts.Colour("match-input"))
    bright = np.maximum(demo_pixels()[0], 8)
    with Pipeline(effect, threads=1) as pipeline:
        pipeline.process(Frame(bright, 0, 0))
        assert pipeline._colour.knows(0)
        with pytest.raises(StudentError):
            pipeline.process(Frame(np.ascontiguousarray(bright // 9), 1, 33_000_000))
        assert not pipeline._colour.knows(0)
