"""A real Chromium, driven over its DevTools protocol: what a page shows, real keys, a real mouse."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import time
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import aiohttp

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")

_PATIENCE = 60.0
"""Seconds for a busy machine; nothing here takes more than two on an idle one."""

_KEYS = {" ": ("Space", 32), "Enter": ("Enter", 13), "Tab": ("Tab", 9), "ArrowLeft": ("ArrowLeft", 37)}
_KEYS |= {
    "ArrowRight": ("ArrowRight", 39),
    "Home": ("Home", 36),
    "End": ("End", 35),
    "Escape": ("Escape", 27),
}

_T = TypeVar("_T")


class Browser:
    """One page of a headless Chromium with a profile of its own."""

    def __init__(self, folder: Path, *, width: int = 1280, height: int = 900) -> None:
        """``folder`` gets the profile. ``width`` and ``height`` of the page in pixels."""
        self._size = (width, height)
        self._folder = folder
        self._runner = asyncio.Runner()
        self._number = 0
        self._loads = 0
        self.requests: list[str] = []
        """Addresses that the page asked for, in order."""
        self.complaints: list[str] = []
        """Exceptions in the page's code, and what the browser refused."""

    def __enter__(self) -> Browser:
        assert PROGRAM is not None
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--remote-debugging-port=0",
            f"--user-data-dir={self._folder}",
            f"--window-size={self._size[0]},{self._size[1]}",
        ]
        self._process = subprocess.Popen(
            [PROGRAM, *flags, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self._run(self._connect())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._run(self._disconnect())
        finally:
            self._end()

    def open(self, url: str) -> None:
        """Go there, and return once the page has loaded."""
        self._run(self._navigate(url))

    def resize(self, width: int, height: int) -> None:
        """In CSS pixels."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def evaluate(self, code: str) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise."""
        answer = self._call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{code}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until the JavaScript ``condition`` holds."""
        self.evaluate(
            f"new Promise((resolve, reject) => {{ const end = Date.now() + {_PATIENCE * 1000};"
            f" (function look() {{ if ({condition}) resolve(true);"
            " else if (Date.now() > end) reject(new Error('waited in vain'));"
            " else setTimeout(look, 20); })(); })"
        )

    def press(self, key: str, *, times: int = 1) -> None:
        """A key of the keyboard, down and up: a character, or a name such as ``ArrowLeft``."""
        code, number = _KEYS.get(key, (f"Key{key.upper()}", ord(key.upper()) if len(key) == 1 else 0))
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        common = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        for _ in range(times):
            self._call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
            self._call("Input.dispatchKeyEvent", type="keyUp", **common)

    def middle(self, selector: str) -> tuple[float, float]:
        """Of the element, in CSS pixels, once it has been scrolled into view."""
        x, y = self.evaluate(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            " it.scrollIntoView({block: 'center'}); const box = it.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        return float(x), float(y)

    def click(self, selector: str, *, times: int = 1) -> None:
        x, y = self.middle(selector)
        self._mouse("mouseMoved", x, y)
        for count in range(1, times + 1):
            self._mouse("mousePressed", x, y, clickCount=count)
            self._mouse("mouseReleased", x, y, clickCount=count)

    def drag(self, selector: str, by: float) -> None:
        """With the mouse, from the element's middle ``by`` pixels to the right."""
        x, y = self.middle(selector)
        self._mouse("mouseMoved", x, y)
        self._mouse("mousePressed", x, y, clickCount=1)
        for part in (0.3, 0.7, 1.0):
            self._mouse("mouseMoved", x + by * part, y, buttons=1)
        self._mouse("mouseReleased", x + by, y, clickCount=1)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """A PNG of the page, all of it or what fits into the window."""
        picture = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(picture["data"]))

    def _mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", **more)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._run(self._ask(method, **parameters))

    def _run(self, what: Coroutine[Any, Any, _T]) -> _T:
        return self._runner.run(asyncio.wait_for(what, 2 * _PATIENCE))

    async def _connect(self) -> None:
        port = self._folder / "DevToolsActivePort"
        end = time.monotonic() + _PATIENCE
        while not port.exists() or len(port.read_text().splitlines()) < 2:
            assert self._process.poll() is None, "Chromium ended at once"
            assert time.monotonic() < end, "Chromium did not start"
            await asyncio.sleep(0.02)
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port.read_text().splitlines()[0]}/json") as answer:
            [page] = [one for one in await answer.json() if one["type"] == "page"]
        self._socket = await self._session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self._ask(f"{domain}.enable")

    async def _disconnect(self) -> None:
        await self._ask("Browser.close")
        await self._socket.close()
        await self._session.close()

    async def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while (message := await self._receive()).get("id") != number:
            pass
        assert "error" not in message, f"{method}: {message['error']}"
        return dict(message["result"])

    async def _navigate(self, url: str) -> None:
        before = self._loads
        await self._ask("Page.navigate", url=url)
        while self._loads == before:
            await self._receive()

    async def _receive(self) -> dict[str, Any]:
        message = dict(await self._socket.receive_json())
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, event: str | None, said: dict[str, Any]) -> None:
        match event:
            case "Page.loadEventFired":
                self._loads += 1
            case "Network.requestWillBeSent":
                self.requests.append(said["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(said["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(said["exceptionDetails"]))
            case "Log.entryAdded":
                self.complaints.append(said["entry"]["text"])

    def _end(self) -> None:
        self._runner.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
