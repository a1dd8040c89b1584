from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect.package import load_effect
from effectcam.errors import SinkError
from effectcam.frame import Frame, Pixels
from effectcam.live.controls import Controls
from effectcam.live.loop import LiveLoop, Pace
from effectcam.live.options import Options
from effectcam.live.preview import Preview
from effectcam.live.privacy import FaceGuard, blurred
from effectcam.pipeline import Pipeline
from effectcam.sink.base import Sink
from effectcam.sink.video_file import VideoFile
from effectcam.source.clip import Clip
from tests.face.clips import demo_pixels

WIDTH, HEIGHT = 64, 48


class Kept(Sink):
    """Keeps what it gets; fails at frame ``fails_at``."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.frames: list[Frame] = []
        self._fails_at = fails_at

    @property
    def name(self) -> str:
        return "kept"

    def write(self, frame: Frame) -> None:
        if len(self.frames) == self._fails_at:
            raise SinkError("kept: full")
        self.frames.append(frame)

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


def grey(value: int) -> Pixels:
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


def now_frame(pixels: Pixels, index: int = 0) -> Frame:
    return Frame(pixels, index, time.perf_counter_ns())


@pytest.fixture
def sink() -> Kept:
    return Kept()


def make(controls: Controls, sink: Sink, **options: object) -> LiveLoop:
    return LiveLoop(controls, sink, size=(WIDTH, HEIGHT), **options)  # type: ignore[arg-type]


def test_every_frame_comes_out_drawn_with_its_stamp(controls: Controls, sink: Kept) -> None:
    loop = make(controls, sink)
    frames = [Frame(grey(20 * index), index, index * 40_000_000) for index in range(10)]
    loop.run(iter(frames))
    assert [frame.captured_at for frame in sink.frames] == [frame.captured_at for frame in frames]
    assert [frame.index for frame in sink.frames] == list(range(10))
    assert [int(frame.pixels.mean()) for frame in sink.frames] == pytest.approx(
        [255 - 20 * index for index in range(10)], abs=2
    )
    assert loop.frames == 10 and loop.showing == "live"


def test_mirror_turns_the_picture_round(controls: Controls, sink: Kept) -> None:
    picture = grey(0)
    picture[:, : WIDTH // 2] = 255
    controls.set_mirror(True)
    make(controls, sink).run(iter([Frame(picture, 0, 0)]))
    assert sink.frames[0].pixels[20, 10, 0] > 200 > 50 > sink.frames[0].pixels[20, -10, 0]


def silence(seconds: float) -> Iterator[None]:
    """A camera that sends nothing for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.02)
        yield None


def test_while_the_camera_is_silent_the_last_picture_stands_and_then_a_card(
    controls: Controls, sink: Kept
) -> None:
    loop = make(controls, sink, waiting_for=lambda: "camera 3")

    def frames() -> Iterator[Frame | None]:
        yield now_frame(grey(40))
        yield from silence(1.6)
        assert loop.showing == "no camera"
        yield now_frame(grey(90))

    loop.run(frames())
    means = [int(frame.pixels.mean()) for frame in sink.frames]
    first = [frame for frame in sink.frames if np.array_equal(frame.pixels, sink.frames[0].pixels)]
    assert 2 <= len(first) < len(sink.frames) - 1
    assert means[-1] == pytest.approx(165, abs=2)
    assert loop.showing == "live"
    # No more than ten a second of what stands still: the loop must not spin.
    assert len(sink.frames) <= 20
    stamps = [frame.captured_at for frame in sink.frames]
    assert stamps == sorted(set(stamps))


def test_a_recording_outlasts_a_frame_that_was_under_way_while_another_picture_stood_in(
    controls: Controls, tmp_path: Path
) -> None:
    file = VideoFile(tmp_path / "a.mp4", WIDTH, HEIGHT)

    def frames() -> Iterator[Frame | None]:
        yield now_frame(grey(40))
        captured = time.perf_counter_ns() + 150_000_000
        yield from silence(0.2)
        yield Frame(grey(90), 1, captured)
        # Captured before that picture too.
        yield Frame(grey(90), 2, captured + 1_000_000)
        yield now_frame(grey(90))

    make(controls, file).run(frames())
    file.close()
    with Clip(file.path) as recorded:
        stamps = [frame.captured_at for frame in recorded]
    assert len(stamps) >= 4 and stamps == sorted(set(stamps))


def test_a_card_goes_out_before_the_first_frame(controls: Controls, sink: Kept) -> None:
    make(controls, sink).run(silence(1.5))
    assert sink.frames
    assert sink.frames[0].pixels.shape == (HEIGHT, WIDTH, 3)


def test_a_failing_effect_is_hidden_told_once_and_opened_anew(home: Path, sink: Kept) -> None:
    news: list[str] = []
    controls = Controls(
        load_effect("fails"), Options(threads=1, label=False), known=[], on_quit=print, tell=news.append
    )
    loop = make(controls, sink, guard=FaceGuard())
    seen: list[str] = []

    def frames() -> Iterator[Frame]:
        first = controls.settle()
        yield now_frame(grey(200))
        for _ in range(35):
            yield now_frame(grey(0))
            seen.append(loop.failure)
        end = time.monotonic() + 60
        while controls.settle() is first:
            assert time.monotonic() < end
            time.sleep(0.01)
        yield now_frame(grey(200))

    try:
        loop.run(frames())
    finally:
        controls.close()
    assert len(sink.frames) == 37
    assert all("NaN" in failure or "not a number" in failure for failure in seen), seen[0]
    assert sum("fails" in line for line in news) <= 3
    assert loop.failure == ""
    assert news[-1] == "effect fails works again"


def test_no_failure_of_any_kind_ends_a_run(home: Path, sink: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    news: list[str] = []
    controls = Controls(
        load_effect("one"), Options(threads=1), known=["one", "two"], on_quit=print, tell=news.append
    )
    loop = make(controls, sink, guard=FaceGuard())

    def out_of_memory(*_: object, **__: object) -> None:
        raise MemoryError

    def frames() -> Iterator[Frame]:
        yield now_frame(grey(200))
        with monkeypatch.context() as short:
            short.setattr(Pipeline, "process", out_of_memory)
            yield now_frame(grey(100))
            assert loop.failure == "MemoryError"
        with monkeypatch.context() as short:
            short.setattr("effectcam.pipeline.open_students", out_of_memory)
            controls.choose_effect("two")
            end = time.monotonic() + 60
            while controls.loading is not None:
                assert time.monotonic() < end
                yield now_frame(grey(200))
        yield now_frame(grey(200))

    try:
        loop.run(frames())
    finally:
        controls.close()
    assert loop.showing == "live" and loop.failure == "" and controls.effect.name == "one"
    assert {"MemoryError", "two: MemoryError"} <= set(news)


@pytest.mark.parametrize("mode", ["freeze", "placeholder", "blur"])
def test_panic_hides_the_live_picture_from_the_next_frame_on(
    controls: Controls, sink: Kept, mode: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, HEIGHT, WIDTH, 3), np.uint8)
    loop = make(controls, sink)

    def frames() -> Iterator[Frame]:
        for index in range(5):
            yield now_frame(noise[index])
        controls.set_panic(mode)  # type: ignore[arg-type]
        for index in range(5, 15):
            yield now_frame(noise[index])
            assert loop.showing == "panic"
        controls.set_panic(None)
        yield now_frame(noise[15])

    loop.run(frames())
    shown = [frame.pixels for frame in sink.frames]
    assert len(shown) == 16
    for index in range(5, 15):
        if mode == "freeze":
            assert np.array_equal(shown[index], shown[4])
        elif mode == "blur":
            assert np.array_equal(shown[index], blurred(noise[index]))
        else:
            assert np.array_equal(shown[index], shown[5])
            assert not np.array_equal(shown[index], shown[4])
    assert np.abs(shown[15].astype(int) - (255 - noise[15].astype(int))).mean() < 60


def test_panic_before_the_first_picture_shows_a_card(controls: Controls, sink: Kept) -> None:
    controls.set_panic("freeze")
    bare = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    make(controls, sink).run(iter([now_frame(bare)]))
    assert not np.array_equal(sink.frames[0].pixels, bare)


def test_a_panic_outlasts_a_silent_camera(controls: Controls, sink: Kept) -> None:
    loop = make(controls, sink)

    def frames() -> Iterator[Frame | None]:
        yield now_frame(grey(10))
        controls.set_panic("freeze")
        yield now_frame(grey(200))
        yield from silence(1.5)

    loop.run(frames())
    assert all(np.array_equal(frame.pixels, sink.frames[0].pixels) for frame in sink.frames)


def test_a_face_effect_without_a_face_never_lets_the_picture_out(home: Path, sink: Kept) -> None:
    bare = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    controls = Controls(
        load_effect("face"), Options(threads=1, label=False), on_quit=print, tell=lambda _: None
    )
    try:
        make(controls, sink, guard=FaceGuard()).run(Frame(bare, i, i * 40_000_000) for i in range(30))
        assert all(np.array_equal(frame.pixels, blurred(bare)) for frame in sink.frames)
        # A strength of 0 is the wish for the bare picture.
        controls.set_strength(0)
        make(controls, sink, guard=FaceGuard()).run(Frame(bare, i, i * 40_000_000) for i in range(30))
        assert np.array_equal(sink.frames[-1].pixels, bare)
    finally:
        controls.close()


def test_the_label_lies_in_its_corner_and_nowhere_else(home: Path, sink: Kept) -> None:
    pixels = demo_pixels()[0]
    height, width = pixels.shape[:2]
    for label in (False, True):
        controls = Controls(
            load_effect("two"), Options(threads=1, label=label), on_quit=print, tell=lambda _: None
        )
        LiveLoop(controls, sink, size=(width, height)).run(iter([Frame(pixels, 0, 0)]))
        controls.close()
    plain, labelled = (frame.pixels for frame in sink.frames)
    rows, columns = np.nonzero((plain != labelled).any(axis=2))
    assert rows.size
    assert np.ptp(rows) < 0.15 * height and np.ptp(columns) < 0.35 * width


def test_nothing_is_drawn_while_nobody_watches(controls: Controls, sink: Kept) -> None:
    watched = True
    loop = make(controls, sink, watched=lambda: watched)

    def frames() -> Iterator[Frame]:
        nonlocal watched
        yield now_frame(grey(10))
        watched = False
        for _ in range(40):
            time.sleep(0.01)
            yield now_frame(grey(200))
        assert loop.showing == "paused" and loop.frames == 1
        watched = True
        yield now_frame(grey(200))

    loop.run(frames())
    assert loop.frames == 2
    assert len(sink.frames) < 10
    assert int(sink.frames[-1].pixels.mean()) == pytest.approx(55, abs=2)


@pytest.mark.parametrize("state", ["nobody watches", "no frame comes"])
def test_effects_are_changed_also_while_none_is_drawn(
    home: Path, sink: Kept, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """And the stream is forgotten once, with the next frame: it costs 20 ms for each face."""
    resets: list[Pipeline] = []
    monkeypatch.setattr(Pipeline, "reset", lambda pipeline: resets.append(pipeline))
    controls = Controls(
        load_effect("one"), Options(threads=1), known=["one", "two", "face"], on_quit=print, tell=print
    )
    watched = state != "nobody watches"
    loop = make(controls, sink, watched=lambda: watched)

    def frames() -> Iterator[Frame | None]:
        nonlocal watched
        for wanted in ("two", "face"):
            controls.press("n")
            end = time.monotonic() + 60
            while controls.loading is not None:
                assert time.monotonic() < end
                yield now_frame(grey(10)) if state == "nobody watches" else None
                time.sleep(0.01)
            assert controls.effect.name == wanted
        if state == "no frame comes":
            yield from silence(1.5)
        assert loop.frames == 0 and not resets
        watched = True
        yield now_frame(grey(10))

    try:
        loop.run(frames())
    finally:
        controls.close()
    assert len(resets) == (state == "no frame comes")


def test_the_preview_shows_both_sides_while_somebody_watches(controls: Controls, sink: Kept) -> None:
    preview = Preview()
    loop = make(controls, sink, preview=preview)
    loop.run(iter([now_frame(grey(10))]))
    with preview:
        assert preview.take(timeout=0) is None
        loop.run(iter([now_frame(grey(10))]))
        view = preview.take(timeout=0)
        assert view is not None
        assert int(view.before.mean()) == 10 and int(view.after.mean()) == pytest.approx(245, abs=2)
        assert preview.take(view.number, timeout=0) is None
    assert not preview.watched


def test_the_end_of_the_sinks_ends_the_loop(controls: Controls) -> None:
    with pytest.raises(SinkError, match="full"):
        make(controls, Kept(fails_at=3)).run(now_frame(grey(10)) for _ in range(10))


def test_pace_tells_rate_and_delay(controls: Controls, sink: Kept) -> None:
    loop = make(controls, sink)
    assert loop.pace.delay_ms is None and loop.pace.fps == 0

    def frames() -> Iterator[Frame]:
        for _ in range(5):
            yield Frame(grey(10), 0, time.perf_counter_ns() - 500_000_000)

    loop.run(frames())
    assert loop.pace.fps > 0
    assert loop.pace.delay_ms is not None and loop.pace.delay_ms >= 500
    assert make(controls, sink, stamped=False).pace.delay_ms is None


def test_frames_from_before_a_gap_tell_no_pace(
    controls: Controls, sink: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = make(controls, sink)
    loop.run(now_frame(grey(10)) for _ in range(5))
    monkeypatch.setattr("effectcam.live.loop._RECENT", 0)
    assert loop.pace == Pace(0.0, None)
