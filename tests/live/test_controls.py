from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from effectcam.composite.screen import hatching
from effectcam.effect.package import Effect, load_effect
from effectcam.errors import StudentError, UsageError
from effectcam.frame import Frame, Pixels, VirtualClock
from effectcam.live.controls import Controls
from effectcam.live.options import Options
from effectcam.live.presets import Preset
from effectcam.pipeline import Pipeline
from effectcam.student.accelerator import Placement
from tests.cli.conftest import write_effect
from tests.live.slow_effect import slow_effect

KNOWN = ["one", "two", "wrong"]


@pytest.fixture
def news() -> list[str]:
    return []


@pytest.fixture
def stopped() -> threading.Event:
    return threading.Event()


@pytest.fixture
def controls(home: Path, news: list[str], stopped: threading.Event) -> Iterator[Controls]:
    presets = [
        Preset("party", key="1", effect="two", strength=0.5, mirror=True, faces="all"),
        Preset("odd", key="2", effect="three", strength=0.25, mirror=None, faces=None),
    ]
    made = Controls(
        load_effect("one"),
        Options(threads=1),
        known=KNOWN,
        presets=presets,
        on_quit=stopped.set,
        tell=news.append,
    )
    yield made
    made.close()


def settle(controls: Controls, done: Callable[[], bool]) -> None:
    """Let frames pass until ``done``."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, controls.news
        controls.settle()
        time.sleep(0.01)


def drawn(controls: Controls, picture: Pixels) -> Pixels:
    return controls.settle().process(Frame(picture, 0, 0)).pixels


def test_a_screen_is_made_while_its_effect_is_loaded(news: list[str]) -> None:
    made = Controls(load_effect("zombie"), Options(threads=1), on_quit=print, tell=news.append)
    try:
        made.size = (160, 96)
        made.choose_effect("pencil")
        hatching.cache_clear()
        settle(made, lambda: made.effect.name == "pencil")
        before = hatching.cache_info().misses
        assert before == 1
        drawn(made, np.full((96, 160, 3), 90, np.uint8))
        assert hatching.cache_info().misses == before, "the first frame had to make it"
    finally:
        made.close()


def test_strength_goes_in_steps_and_stays_within_its_bounds(controls: Controls) -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    assert drawn(controls, picture).mean() > 200
    for _ in range(12):
        controls.press("-")
    assert controls.strength == 0
    assert np.array_equal(drawn(controls, picture), picture)
    controls.press("+")
    assert controls.strength == 0.1
    with pytest.raises(UsageError, match=r"strength is 7.*0 \(the input\) to 1"):
        controls.set_strength(7)
    with pytest.raises(UsageError, match="nan"):
        controls.set_strength(float("nan"))
    assert controls.strength == 0.1


def test_another_effect_takes_its_place_between_two_frames(controls: Controls) -> None:
    before = controls.settle()
    controls.set_strength(0.1)
    controls.press("n")
    assert controls.settle() is before or controls.effect.name == "two"
    settle(controls, lambda: controls.effect.name == "two")
    assert controls.news[-1] == "effect two"
    assert controls.settle().strength == 0.1
    controls.press("p")
    settle(controls, lambda: controls.effect.name == "one")


def test_every_effect_that_was_in_use_is_remembered(controls: Controls) -> None:
    assert controls.used == [("one", "1.2.0")]
    for name in ("wrong", "two", "one"):
        controls.choose_effect(name)
        settle(controls, lambda: controls.loading is None)
    assert controls.used == [("one", "1.2.0"), ("two", "1.2.0")]


def test_an_effect_that_does_not_load_is_told_and_left_out(controls: Controls) -> None:
    controls.choose_effect("wrong")
    assert controls.loading == "wrong"
    settle(controls, lambda: controls.loading is None)
    assert controls.effect.name == "one"
    assert "wrong" in controls.news[-1] and "CARD.md" in controls.news[-1]
    controls.choose_effect("two")
    settle(controls, lambda: controls.effect.name == "two")


def test_what_does_not_load_is_told_by_its_own_name(controls: Controls, news: list[str]) -> None:
    controls.choose_effect("wrong")
    controls.choose_effect("two")
    settle(controls, lambda: controls.effect.name == "two")
    assert [line.split(":")[0] for line in news] == ["wrong", "effect two"]


def test_stepping_goes_past_an_effect_that_does_not_load(controls: Controls, home: Path) -> None:
    def step(key: str) -> str:
        controls.press(key)
        settle(controls, lambda: controls.loading is None)
        return controls.effect.name

    assert [step(key) for key in "nnnpp"] == ["two", "two", "one", "two", "one"]
    sound = write_effect(home / "sound", "wrong", space="frame")
    shutil.copy(sound / "CARD.md", home / "wrong")
    assert step("p") == "two"
    controls.choose_effect("wrong")
    settle(controls, lambda: controls.effect.name == "wrong")
    assert [step(key) for key in "npp"] == ["one", "wrong", "two"]


def test_where_no_other_effect_loads_stepping_says_so(controls: Controls, home: Path) -> None:
    (home / "two" / "CARD.md").write_text("changed")
    for _ in range(3):
        controls.press("n")
        settle(controls, lambda: controls.loading is None)
    assert controls.news[-1] == "there is no other effect" and controls.effect.name == "one"


def test_a_tier_that_failed_once_and_is_at_work_again_is_one_to_choose(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = slow_effect(home / "slow", VirtualClock(), lambda tier: 0.0)
    controls = Controls(
        effect, Options(threads=1, tier=None), known=["one", "slow"], on_quit=print, tell=lambda _: None
    )

    def fail(self: Pipeline, tier: str) -> NoReturn:
        raise StudentError("no memory")

    try:
        controls.change_tier("lite")
        settle(controls, lambda: controls.tier == "lite")
        with monkeypatch.context() as patched:
            patched.setattr(Pipeline, "open_tier", fail)
            controls.change_tier("standard")
            settle(controls, lambda: controls.tiers == ("lite",))
        for name in ("one", "slow"):
            controls.choose_effect(name)
            settle(controls, lambda name=name: controls.effect.name == name)  # type: ignore[misc]
        assert (controls.tier, controls.tiers) == ("standard", ("standard", "lite"))
    finally:
        controls.close()


def test_what_draws_is_told_and_not_taken_for_granted(
    controls: Controls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert controls.accelerators == ("cpu",)
    student = controls.settle().students["frame"]
    monkeypatch.setattr(type(student), "placement", Placement("gpu", "Iris", "Vulkan"))
    assert controls.accelerators == ("gpu",)


def test_the_last_of_several_wishes_wins(controls: Controls) -> None:
    controls.choose_effect("two")
    controls.choose_effect("wrong")
    controls.choose_effect("one")
    controls.choose_effect("two")
    settle(controls, lambda: controls.loading is None)
    assert controls.effect.name == "two"


def test_an_unknown_effect_is_refused_with_the_nearest(controls: Controls) -> None:
    with pytest.raises(UsageError, match="no effect 'tow'; did you mean 'two'"):
        controls.choose_effect("tow")


def test_faces_open_the_effect_anew(controls: Controls) -> None:
    before = controls.settle()
    controls.set_faces("largest")
    settle(controls, lambda: controls.settle() is not before)
    assert controls.faces == "largest" and controls.effect.name == "one"
    with pytest.raises(UsageError, match="did you mean 'leftmost'"):
        controls.set_faces("leftmst")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The effect and the faces of each pipeline that was asked for. There is no memory for six faces."""
    asked: list[tuple[str, str]] = []
    real = Controls._open

    def open_(self: Controls, effect: Effect, faces: str, tier: str | None = None) -> Pipeline:
        asked.append((effect.name, faces))
        if faces == "6":
            raise StudentError("no memory")
        return real(self, effect, faces, tier)

    monkeypatch.setattr(Controls, "_open", open_)
    return asked


def test_faces_that_are_chosen_while_a_bad_effect_loads_are_put_to_work(
    controls: Controls, opened: list[tuple[str, str]]
) -> None:
    controls.choose_effect("wrong")
    controls.set_faces("all")
    settle(controls, lambda: controls.loading is None)
    assert opened == [("one", "all")]
    assert controls.faces == controls.faces_in_use == "all"
    assert [line.split(":")[0] for line in controls.news] == ["wrong"]


def test_faces_that_come_along_with_a_bad_effect_are_put_to_work(
    controls: Controls, opened: list[tuple[str, str]]
) -> None:
    controls.choose_effect("two")
    controls.set_faces("all")
    controls.choose_effect("wrong")
    settle(controls, lambda: controls.loading is None)
    assert opened == [("two", "one"), ("two", "all")]
    assert controls.faces == controls.faces_in_use == "all"


def test_faces_for_which_the_effect_does_not_load_are_not_shown_as_chosen(
    controls: Controls, opened: list[tuple[str, str]]
) -> None:
    before = controls.faces
    controls.set_faces("6")
    assert (controls.faces, controls.faces_in_use) == ("6", before)
    settle(controls, lambda: controls.loading is None)
    assert controls.faces == controls.faces_in_use == before
    assert controls.news == ["one: no memory"] and opened == [("one", "6")]
    controls.set_faces("6")
    controls.set_faces("all")
    settle(controls, lambda: controls.loading is None)
    assert controls.faces == controls.faces_in_use == "all"


def test_panic_goes_on_and_off(controls: Controls, news: list[str]) -> None:
    controls.press("space")
    assert controls.panic == "freeze"
    assert "PANIC" in news[-1]
    controls.press(" ")
    assert controls.panic is None


def test_panic_is_one_of_three(controls: Controls) -> None:
    controls.set_panic("blur")
    assert controls.panic == "blur"
    with pytest.raises(UsageError, match="no panic mode 'blurr'; did you mean 'blur'"):
        controls.set_panic("blurr")  # type: ignore[arg-type]


def test_a_preset_does_all_that_it_names(controls: Controls) -> None:
    controls.press("1")
    assert (controls.strength, controls.mirror, controls.faces) == (0.5, True, "all")
    settle(controls, lambda: controls.effect.name == "two")


def test_what_a_preset_cannot_do_is_told_and_the_rest_is_done(controls: Controls) -> None:
    controls.apply_number(1)
    assert controls.strength == 0.25
    assert "preset odd: no effect 'three'" in controls.news[-1]
    controls.apply_number(99)


def test_other_keys_do_nothing_and_q_ends_it(controls: Controls, stopped: threading.Event) -> None:
    before = (controls.strength, controls.mirror, controls.panic, controls.loading)
    for key in ("x", "9", "", "enter"):
        controls.press(key)
    assert before == (controls.strength, controls.mirror, controls.panic, controls.loading)
    assert not stopped.is_set()
    controls.press("q")
    assert stopped.is_set()


def test_many_threads_at_once_leave_a_sound_state(controls: Controls) -> None:
    def push(seed: int) -> None:
        keys = np.random.default_rng(seed).choice(list("np+-m 1"), 60)
        for key in keys:
            controls.press(str(key))

    threads = [threading.Thread(target=push, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        controls.settle()
    settle(controls, lambda: controls.loading is None)
    assert controls.effect.name in ("one", "two")
    assert 0 <= controls.strength <= 1
    picture = np.zeros((32, 32, 3), np.uint8)
    assert drawn(controls, picture).shape == picture.shape
