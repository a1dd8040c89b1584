"""Ten thousand requests that make no sense, or come from where they must not: nothing changes, the panel
answers each in one line, and nothing is written where a streamer would see it."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import aiohttp
import numpy as np
import pytest

from tests.panel.conftest import TOKEN, Desk

COUNT = int(os.environ.get("EFFECTCAM_FUZZ", "10000"))
AT_ONCE = 48

PATHS = (
    "/",
    "/ws",
    "/preview.ws",
    "/panel.js",
    "/api/status",
    "/api/effects",
    "/api/command",
    "/api/effects/one/preview",
)
STRANGE_PATHS = (
    "/../etc/passwd",
    "/%00",
    "/api/effects/%2e%2e%2f/preview",
    "/api/" + "x" * 3000,
    "//evil",
    "/?" + "a=1&" * 400,
)
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW")
COMMANDS: tuple[Any, ...] = (
    {"do": "strength", "value": 0.1}, {"do": "effect", "name": "two"}, {"do": "panic", "mode": "blur"},
    {"do": "mirror", "on": True}, {"do": "faces", "who": "all"}, {"do": "label", "on": True}, {"do": "quit"},
    {"do": "press", "key": "m"}, {"do": "preset", "name": "party"},
)  # fmt: skip
NONSENSE: tuple[Any, ...] = (
    {"do": "strength", "value": 7}, {"do": "strength", "value": True}, {"do": "strength", "value": 10**400},
    {"do": "effect", "name": "../../etc"}, {"do": "effect", "name": ["one"]}, {"do": "panic", "mode": {}},
    {"do": "mirror", "on": 1}, {"do": None}, {"do": "strength"}, {"do": "mirror", "on": True, "x": 1},
    [], 3, None, "text",
)  # fmt: skip
RAW = (
    b"",
    b"{",
    b"\xff\xfe",
    b"[" * 4000,
    b'{"do": "strength", "value": NaN}',
    b"x" * 5000,
    b'{"do":' * 600,
    b"null" * 900,
)


def request(rng: np.random.Generator) -> tuple[str, str, dict[str, str], bytes, bool]:
    """Method, path, headers, body, and whether it knows the token and comes from the right place."""

    def one_of(choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    headers: dict[str, str] = {}
    knows = rng.random() < 0.3
    if knows:
        headers["Authorization"] = f"Bearer {TOKEN}"
        # Nobody who may would get an answer to a command here: these are all nonsense.
        body = json.dumps(one_of(NONSENSE)).encode() if rng.random() < 0.5 else one_of(RAW)
        method, path = one_of(("POST", "PUT", "GET")), one_of(("/api/command", *STRANGE_PATHS))
        return method, path, headers, body, knows
    kind = rng.integers(5)
    if kind == 0:
        headers["Authorization"] = "Bearer " + one_of(
            ("", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é")
        )
    elif kind == 1:
        headers.update(
            {
                "Authorization": f"Bearer {TOKEN}",
                "Host": one_of(("evil.example", "127.0.0.1", "0.0.0.0:1", "")),
            }
        )
    elif kind == 2:
        headers.update(
            {
                "Authorization": f"Bearer {TOKEN}",
                "Origin": one_of(("http://evil.example", "null", "https://127.0.0.1")),
            }
        )
    elif kind == 3:
        headers["Cookie"] = one_of(("effectcam=1", f"effectcam-1={TOKEN}", "a=" + "b" * 2000))
    body = json.dumps(one_of(COMMANDS)).encode() if rng.random() < 0.7 else one_of(RAW)
    return one_of(METHODS), one_of(PATHS + STRANGE_PATHS), headers, body, knows


async def send_all(desk: Desk, count: int) -> dict[int, int]:
    """How often each status was answered."""
    rng = np.random.default_rng(5)
    asked = [request(rng) for _ in range(count)]
    answers: dict[int, int] = {}
    queue = iter(asked)

    async def work(session: aiohttp.ClientSession) -> None:
        for method, path, headers, body, knows in queue:
            async with session.request(
                method,
                desk.base + path,
                headers=headers,
                data=body,
                allow_redirects=False,
                skip_auto_headers=["Accept"],
            ) as answer:
                text = await answer.text()
            answers[answer.status] = answers.get(answer.status, 0) + 1
            assert 400 <= answer.status < 500 or (knows and method == "GET"), (
                method,
                path,
                headers,
                answer.status,
            )
            if answer.status >= 400 and method != "HEAD" and "json" in answer.headers.get("Content-Type", ""):
                assert set(json.loads(text)) == {"error"}
                assert "\n" not in json.loads(text)["error"]
            assert "Traceback" not in text

    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(AT_ONCE)))
    return answers


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_nothing_gets_through(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    before = desk.settings()
    answers = asyncio.run(send_all(desk, COUNT))
    assert sum(answers.values()) == COUNT
    assert {401, 403} <= answers.keys()
    assert not {status for status in answers if status >= 500}, answers
    assert desk.settings() == before
    assert not desk.ended.is_set()
    assert desk.told == []
    assert capfd.readouterr() == ("", "")
    # And whoever may, still can.
    frames = desk.loop.frames
    answer = asyncio.run(command(desk, {"do": "strength", "value": 0.25}))
    assert (answer, desk.controls.strength) == (200, 0.25)
    assert desk.loop.frames >= frames


async def command(desk: Desk, what: dict[str, Any]) -> int:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
        session.post(f"{desk.base}/api/command", json=what) as answer,
    ):
        return answer.status
