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
