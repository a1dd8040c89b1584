"""A face that is badly seen fades out of the effect only where nothing bare comes to light by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect import manifest as parts
from effectcam.face.limits import View
from effectcam.frame import Frame, Pixels
from effectcam.live.controls import Controls
from effectcam.live.loop import LiveLoop
from effectcam.live.options import Options
from effectcam.live.privacy import FaceGuard, blurred
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


def test_after_a_cut_a_face_begins_where_it_belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faded out before it, and not faded in over a second and a half after it, nor in the colours before."""
    effect = tiny_effect(
        tmp_path / "effect", face="echo", limits=parts.Limits("soft"), colour=parts.Colour("match-input")
    )
    bright = demo_pixels()[0]
    elsewhere = np.roll(bright // 2, 110, axis=1)
    with Pipeline(effect, threads=1) as pipeline:
        pipeline.process(Frame(bright, 0, 0))
        identity = pipeline.faces[0].identity
        assert pipeline.faces[0].shown == 0
        monkeypatch.setattr("effectcam.pipeline.view", lambda *_: View(yaw=5.0, outside=0.0, misfit=0.03))
        pipeline.process(Frame(bright, 1, 33_000_000))
        assert 0 < pipeline.faces[0].shown < 0.05
        pipeline.process(Frame(elsewhere, 2, 66_000_000))
        # The same number, since nobody's face is measured.
        assert [(face.identity, face.shown) for face in pipeline.faces] == [(identity, 1.0)]
