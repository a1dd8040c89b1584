"""The page in a real browser: what it shows, and what mouse and keyboard do to the run."""

from __future__ import annotations

import pytest

from effectcam.live.presets import Preset
from tests.panel.browser import Browser
from tests.panel.conftest import GREY, HEIGHT, LIVE, PICTURE, WIDTH, Desk, until

# As in test_server.py.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def grey_at(page: Browser, across: float) -> int:
    """Of the preview's canvas, ``across`` 0 (left) to 1."""
    read = f"""(() => {{
        const shown = document.querySelector("#picture"), copy = document.createElement("canvas");
        [copy.width, copy.height] = [shown.width, shown.height];
        const context = copy.getContext("2d", {{ willReadFrequently: true }});
        context.drawImage(shown, 0, 0);
        return context.getImageData({across} * (copy.width - 1), copy.height / 2, 1, 1).data[1];
    }})()"""
    return int(page.evaluate(read))


def test_it_asks_nobody_but_its_own_server(page: Browser, desk: Desk) -> None:
    assert len(page.requests) >= 6
    own = (desk.base, desk.base.replace("http", "ws"), "blob:", "data:")
    assert [url for url in page.requests if not url.startswith(own)] == []
    # The token does not stay where a screenshot would show it.
    assert "token" not in page.evaluate("location.href")


def test_a_tap_on_a_picture_changes_the_effect(page: Browser, desk: Desk) -> None:
    page.click("#effects button[data-name=two]")
    until(lambda: desk.controls.effect.name == "two")
    page.wait(
        "document.querySelector('#effects button[data-name=two]').getAttribute('aria-pressed') === 'true'"
    )
    page.wait("document.querySelector('#effect-now').textContent === 'Two'")


def test_the_divider_parts_before_and_after(page: Browser) -> None:
    page.wait(PICTURE)
    assert grey_at(page, 0.2) == pytest.approx(GREY, abs=6)
    assert grey_at(page, 0.8) == pytest.approx(255 - GREY, abs=6)
    width = page.evaluate("document.querySelector('#stage').getBoundingClientRect().width")
    page.drag("#divider", 0.4 * width)
    assert int(
        page.evaluate("document.querySelector('#divider').getAttribute('aria-valuenow')")
    ) == pytest.approx(90, abs=2)
    assert grey_at(page, 0.8) == pytest.approx(GREY, abs=6)
    page.evaluate("document.querySelector('#divider').focus()")
    page.press("Home")
    assert grey_at(page, 0.2) == pytest.approx(255 - GREY, abs=6)
    page.click("#divider", times=2)
    assert int(page.evaluate("document.querySelector('#divider').getAttribute('aria-valuenow')")) == 50


def test_the_picture_goes_on_after_one_that_cannot_be_shown(page: Browser) -> None:
    page.evaluate(
        """(() => {
            const real = window.createImageBitmap;
            window.asked = 0;
            window.createImageBitmap = (...of) =>
                window.asked++ < 2 ? Promise.reject(new Error("broken")) : real(...of);
        })()"""
    )
    page.wait("window.asked > 6")
    assert grey_at(page, 0.8) == pytest.approx(255 - GREY, abs=6)


def test_panic_by_button_hides_the_preview_too(page: Browser, desk: Desk) -> None:
    page.click("#panic-modes button[data-mode=blur]")
    page.click("#panic")
    until(lambda: desk.controls.panic == "blur")
    page.wait("document.querySelector('#showing').textContent === 'PANIC'")
    page.wait("document.querySelector('#panic').getAttribute('aria-pressed') === 'true'")
    page.click("#panic")
    until(lambda: desk.controls.panic is None)
    page.wait(LIVE)


def test_strength_by_the_slider(page: Browser, desk: Desk) -> None:
    page.evaluate("document.querySelector('#strength').focus()")
    page.press("Home")
    until(lambda: desk.controls.strength == 0)
    page.press("ArrowRight", times=5)
    until(lambda: desk.controls.strength == pytest.approx(0.05))
    page.wait("document.querySelector('#strength-shown').textContent.startsWith('5')")


def test_everything_by_keys_alone(page: Browser, desk: Desk) -> None:
    page.press(" ")
    until(lambda: desk.controls.panic == "placeholder")
    page.wait("document.querySelector('#showing').textContent === 'PANIC'")
    page.press(" ")
    until(lambda: desk.controls.panic is None)
    page.press("n")
    until(lambda: desk.controls.effect.name == "two" or desk.controls.loading is not None)
    page.press("m")
    until(lambda: desk.controls.mirror)
    page.press("-")
    until(lambda: desk.controls.strength < 1)
    page.press("?")
    page.wait("document.querySelector('#help').open")
    page.press("Escape")
    page.wait("!document.querySelector('#help').open")
    reached = set()
    for _ in range(40):
        page.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.dataset.name || ''"))
    assert {"divider", "panic", "strength", "mirror", "label", "one", "two"} <= reached


def test_after_the_list_of_keys_was_opened_by_mouse_space_is_panic(page: Browser, desk: Desk) -> None:
    page.click("#help-open")
    page.wait("document.querySelector('#help').open")
    page.click("#help button")
    page.wait("!document.querySelector('#help').open && document.activeElement === document.body")
    page.press(" ")
    until(lambda: desk.controls.panic == "placeholder")
    assert not page.evaluate("document.querySelector('#help').open")


def test_who_opened_the_list_by_keyboard_goes_on_from_the_button(page: Browser) -> None:
    page.evaluate("document.querySelector('#help-open').focus()")
    page.press("Enter")
    page.wait("document.querySelector('#help').open")
    page.press("Escape")
    page.wait("!document.querySelector('#help').open")
    page.evaluate("new Promise((resolve) => setTimeout(resolve))")
    assert page.evaluate("document.activeElement.id") == "help-open"


def test_sliders_keep_the_arrows_after_a_click(page: Browser, desk: Desk) -> None:
    page.click("#divider")
    page.press("ArrowRight")
    assert int(page.evaluate("document.querySelector('#divider').getAttribute('aria-valuenow')")) == 52
    page.click("#strength")
    until(lambda: 0.4 < desk.controls.strength < 0.6)
    page.press("Home")
    until(lambda: desk.controls.strength == 0)
    # And the space bar is not theirs.
    page.press(" ")
    until(lambda: desk.controls.panic == "placeholder")


def test_a_preset_has_any_key_and_the_browser_does_not_take_it(page: Browser, desk: Desk) -> None:
    assert isinstance(desk.controls.presets, list)
    desk.controls.presets += [Preset("quiet", key="?", strength=0.25), Preset("loud", key="/", strength=0.75)]
    page.wait("document.querySelectorAll('#presets button').length === 3")
    page.evaluate("addEventListener('keydown', (event) => (window.taken = event.defaultPrevented))")
    for key, strength in (("?", 0.25), ("/", 0.75)):
        page.press(key)
        until(lambda strength=strength: desk.controls.strength == strength)  # type: ignore[misc]
        assert page.evaluate("window.taken")
    assert not page.evaluate("document.querySelector('#help').open")


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_cut_off(page: Browser, width: int) -> None:
    page.resize(width, 900)
    page.wait(f"innerWidth === {width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut_off = """[...document.querySelectorAll("button, output, h2, td")]
        .filter((it) => it.offsetParent && it.scrollWidth > it.clientWidth + 1)
        .filter((it) => getComputedStyle(it).overflow === "visible").map((it) => it.textContent)"""
    assert page.evaluate(cut_off) == []


def test_the_picture_keeps_its_shape(page: Browser) -> None:
    page.wait(f"document.querySelector('#picture').width === {WIDTH}")
    box = "document.querySelector('#picture').getBoundingClientRect()"
    shape = page.evaluate(f"{box}.width") / page.evaluate(f"{box}.height")
    assert shape == pytest.approx(WIDTH / HEIGHT, rel=0.02)
