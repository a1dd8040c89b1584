"""What the page tells of a run that is not well, has gone, or has made room for another."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.panel.browser import Browser
from tests.panel.conftest import LIVE, PICTURE, TOKEN, Desk, until

# As in test_server.py.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

BANNER = "document.querySelector('#banner').textContent"


def text(selector: str) -> str:
    return f"document.querySelector('{selector}').textContent"


def test_the_end_of_the_run_is_told(page: Browser, desk: Desk) -> None:
    desk.panel.close()
    page.wait("!document.querySelector('#banner').hidden")
    assert "run has ended" in page.evaluate(BANNER)
    page.wait("document.querySelector('#main').inert")
    page.complaints.clear()


def test_a_run_that_stands_still_is_not_live(page: Browser, desk: Desk) -> None:
    goes_on = threading.Event()

    def stand_still() -> dict[str, Any]:
        goes_on.wait(60)
        return {}

    desk.more = stand_still
    try:
        page.wait(f"{BANNER}.includes('does not answer')")
        assert page.evaluate(text("#showing")) == "Not connected"
        assert not page.evaluate(PICTURE)
    finally:
        goes_on.set()
    page.wait(f"{LIVE} && {PICTURE} && document.querySelector('#banner').hidden")
    assert not page.evaluate("document.querySelector('#main').inert")
    page.complaints.clear()


def test_the_next_run_in_its_place_is_shown_as_it_is(page: Browser, desk: Desk) -> None:
    page.click("#panic-modes button[data-mode=freeze]")
    desk.controls.tell("of the first run")
    page.wait(f"{text('#news')}.includes('of the first run')")
    desk.panel.close()
    page.wait("document.querySelector('#main').inert")
    port = int(desk.base.rpartition(":")[2])
    with Desk(port=port, known=("one",), panic="blur") as other:
        page.wait(f"{LIVE} && document.querySelectorAll('#effects button').length === 1")
        page.wait("document.querySelector('#panic-modes [aria-pressed=true]').dataset.mode === 'blur'")
        assert "first run" not in page.evaluate(text("#news"))
        page.press(" ")
        until(lambda: other.controls.panic == "blur")
    page.complaints.clear()


def test_the_page_is_loaded_again_without_its_address(page: Browser, desk: Desk) -> None:
    page.open(desk.base)
    page.wait(f"{LIVE} && {PICTURE} && document.querySelectorAll('#effects button').length === 3")
    page.evaluate("localStorage.clear()")
    page.open(desk.base)
    page.wait(f"{BANNER}.includes('does not know the token. Open the address')")
    page.complaints.clear()


def test_why_there_is_no_connection_and_no_picture(
    page: Browser, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("effectcam.panel.server._VIEWERS", 0)
    page.open(desk.base)
    page.wait(f"{LIVE} && {text('#stage-note')}.startsWith('0 previews are open')")
    monkeypatch.setattr("effectcam.panel.server._SOCKETS", 0)
    page.open(desk.base)
    page.wait(f"{BANNER}.startsWith('0 clients are connected')")
    monkeypatch.undo()
    page.wait(f"{LIVE} && {PICTURE}")
    page.complaints.clear()


def test_without_a_camera_no_figures_are_shown(page: Browser, desk: Desk) -> None:
    figures = "['fps', 'delay'].map((id) => document.getElementById(id).textContent)"
    figures = f"[...{figures}, ...[...document.querySelectorAll('#stages td')].map((it) => it.textContent)]"
    page.wait(f"{figures}.every((it) => /^\\d/.test(it))")
    desk.away = True
    page.wait(f"{text('#showing')} === 'No camera'")
    assert set(page.evaluate(figures)) == {"–"}
    desk.away = False
    page.wait(f"{figures}.every((it) => /^\\d/.test(it))")


@pytest.mark.parametrize(
    ("rung", "start", "words", "kind"),
    [
        (0, 0, "full", "ok"),
        (2, 2, "as begun", "ok"),
        (1, 2, "raised", "ok"),
        (0, 2, "full", "ok"),
        (3, 2, "reduced", "warn"),
    ],
)
def test_quality_is_full_on_the_best_rung_alone(
    page: Browser, desk: Desk, rung: int, start: int, words: str, kind: str
) -> None:
    rungs = ["high", "standard", "lite", "lite, still scenes skipped"]
    state = {"on": True, "rungs": rungs, "rung": rung, "start": start, "load_ms": 40, "budget_ms": 33}
    desk.more = lambda: {"governor": state}
    row = (
        f"[...document.querySelectorAll('#health li')].find((it) => it.textContent.includes('{rungs[rung]}'))"
    )
    page.wait(f"{row}?.querySelector('b').textContent === '{words}'")
    assert page.evaluate(f"{row}.className") == kind


def test_what_is_not_known_is_no_number_and_what_fails_is_the_effect(page: Browser, desk: Desk) -> None:
    failing = {"name": "XNNPACK", "failure": "no memory"}
    desk.more = lambda: {"memory_mb": 0.0, "accelerator": failing}
    page.wait(f"{text('#memory')} === '–'")
    row = page.evaluate(text("#health li.bad"))
    assert row == "effect, on XNNPACKfailingno memory"


def test_only_new_lines_are_put_into_the_news(page: Browser, desk: Desk) -> None:
    shown = "[...document.querySelectorAll('#news li')].map((it) => it.textContent)"
    desk.controls.tell("a")
    page.wait(f"{shown}[0] === 'a'")
    page.evaluate("document.querySelector('#news li').kept = true")
    for line in ("b", "b", "c"):
        desk.controls.tell(line)
    page.wait(f"{shown}[0] === 'c'")
    assert page.evaluate(shown)[:4] == ["c", "b", "b", "a"]
    assert page.evaluate("document.querySelectorAll('#news li')[3].kept")
    # The run forgets its oldest lines, the page still older ones.
    for number in range(30):
        desk.controls.tell(str(number))
    page.wait(f"{shown}[0] === '29'")
    assert page.evaluate(shown) == [str(number) for number in range(29, 21, -1)]


def test_small_letters_stand_out_from_their_ground(page: Browser, desk: Desk) -> None:
    contrast = """(selector) => {
        const light = (colour) => {
            const [red, green, blue] = colour.match(/[\\d.]+/g).map((it) => it / 255)
                .map((it) => (it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4));
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
        };
        const { color, backgroundColor } = getComputedStyle(document.querySelector(selector));
        const [less, more] = [light(color), light(backgroundColor)].sort((a, b) => a - b);
        return more / less;
    }"""

    def of(selector: str) -> float:
        return float(page.evaluate(f"({contrast})('{selector}')"))

    assert of("#panic") >= 4.5
    page.click("#panic")
    page.wait(f"{text('#showing')} === 'PANIC'")
    assert of("#showing") >= 4.5 and of("#panic") >= 4.5
    page.press(" ")
    page.wait(LIVE)
    # The mouse is still over it.
    assert page.evaluate("document.querySelector('#panic').matches(':hover')")
    assert of("#panic") >= 4.5


def test_what_takes_the_port_after_a_run_is_not_told_the_token(page: Browser, desk: Desk) -> None:
    desk.panel.close()
    page.wait("document.querySelector('#main').inert")
    asked: list[str] = []

    class Takes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.requestline + str(self.headers))
            body = b'{"proof": "0123"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    port = int(desk.base.rpartition(":")[2])
    with ThreadingHTTPServer(("127.0.0.1", port), Takes) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            page.wait(f"{BANNER}.includes('Another program has taken this place')")
            until(lambda: len(asked) >= 4)
        finally:
            server.shutdown()
            thread.join()
    assert all("/hello?nonce=" in each for each in asked)
    assert TOKEN not in "".join(asked)
    page.complaints.clear()
