"""The page in a real browser: what it shows, and what mouse and keyboard do to the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.panel.browser import PROGRAM, Browser
from tests.panel.conftest import GREY, HEIGHT, WIDTH, Desk

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium"),
    # As in test_server.py.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

LIVE = "document.querySelector('#showing').textContent === 'Live'"
PICTURE = "!document.querySelector('#stage').classList.contains('blank')"


@pytest.fixture
def page(desk: Desk, tmp_path: Path) -> Iterator[Browser]:
    """The panel's page, once it shows a picture; at the end nothing must have gone wrong in it."""
    with Browser(tmp_path / "profile") as browser:
        browser.open(desk.panel.url)
        browser.wait(f"{LIVE} && {PICTURE} && document.querySelectorAll('#effects button').length >= 2")
        yield browser
        assert browser.complaints == []


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, "waited a minute in vain"
        time.sleep(0.02)


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


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_cut_off(page: Browser, width: int) -> None:
    page.resize(width, 900)
    page.wait(f"innerWidth === {width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut_off = """[...document.querySelectorAll("button, output, h2, td")]
        .filter((it) => it.offsetParent && it.scrollWidth > it.clientWidth + 1)
        .filter((it) => getComputedStyle(it).overflow === "visible").map((it) => it.textContent)"""
    assert page.evaluate(cut_off) == []


def test_the_end_of_the_run_is_told(page: Browser, desk: Desk) -> None:
    desk.panel.close()
    page.wait("!document.querySelector('#banner').hidden")
    assert "run has ended" in page.evaluate("document.querySelector('#banner').textContent")
    page.wait("document.querySelector('#main').inert")
    page.complaints.clear()


def test_the_picture_keeps_its_shape(page: Browser) -> None:
    page.wait(f"document.querySelector('#picture').width === {WIDTH}")
    box = "document.querySelector('#picture').getBoundingClientRect()"
    shape = page.evaluate(f"{box}.width") / page.evaluate(f"{box}.height")
    assert shape == pytest.approx(WIDTH / HEIGHT, rel=0.02)
