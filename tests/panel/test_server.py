"""The panel's API, asked by a real client over a real socket."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import cv2
import numpy as np
import pytest

from effectcam.panel.server import Panel
from tests.panel.conftest import GREY, HEIGHT, TOKEN, WIDTH, Desk, until

BEARER = {"Authorization": f"Bearer {TOKEN}"}

Talk = Callable[[aiohttp.ClientSession], Awaitable[None]]

# asyncio leaves a connection open that is accepted in the very moment in which its server ends.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def talk(desk: Desk, what: Talk, *, headers: dict[str, str] | None = None) -> None:
    """Let a client that sends the token do ``what``."""

    async def all_of_it() -> None:
        async with aiohttp.ClientSession(desk.base, headers=BEARER if headers is None else headers) as client:
            await asyncio.wait_for(what(client), 60)

    asyncio.run(all_of_it())


def ask(
    desk: Desk,
    path: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    data: bytes | None = None,
) -> tuple[int, Any, dict[str, str]]:
    """One request with exactly these headers: status, JSON or bytes, headers of the answer."""
    found: list[tuple[int, Any, dict[str, str]]] = []

    async def once(client: aiohttp.ClientSession) -> None:
        async with client.request(method, path, data=data) as answer:
            body = await answer.read()
            is_json = answer.content_type == "application/json" and body
            found.append((answer.status, json.loads(body) if is_json else body, dict(answer.headers)))

    talk(desk, once, headers=headers or {})
    return found[0]


def command(desk: Desk, **what: Any) -> tuple[int, Any]:
    status, said, _ = ask(desk, "/api/command", method="POST", headers=BEARER, data=json.dumps(what).encode())
    return status, said


def test_the_status_is_what_the_run_says_of_itself(desk: Desk) -> None:
    status, said, headers = ask(desk, "/api/status", headers=BEARER)
    assert status == 200
    assert said["schema"] == "effectcam.status/1"
    assert said["effect"]["name"] == "one"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'self'" in headers["Content-Security-Policy"]


def test_the_gallery_has_titles_and_names_what_is_damaged(desk: Desk) -> None:
    status, said, _ = ask(desk, "/api/effects", headers=BEARER)
    assert status == 200
    one, two, wrong = said["effects"]
    assert (one["name"], one["title"], one["damaged"]) == ("one", "One", None)
    assert two["description"] == "For tests."
    assert "SHA-256" in wrong["damaged"]


@pytest.mark.parametrize("name", ["one", "three", "..%2f..%2fone", "%00"])
def test_a_picture_that_is_not_there_is_not_found(lasting_desk: Desk, name: str) -> None:
    assert ask(lasting_desk, f"/api/effects/{name}/preview", headers=BEARER)[0] == 404


def test_commands_change_the_run(desk: Desk) -> None:
    assert command(desk, do="effect", name="two") == (200, {"done": "effect"})
    until(lambda: desk.controls.effect.name == "two")
    command(desk, do="strength", value=0.25)
    command(desk, do="mirror", on=True)
    command(desk, do="label", on=True)
    command(desk, do="panic", mode="blur")
    assert desk.settings() == ("two", None, 0.25, True, "one", "blur", True)
    command(desk, do="panic", mode=None)
    command(desk, do="press", key="m")
    command(desk, do="faces", who="largest")
    until(lambda: desk.controls.loading is None)
    assert desk.settings() == ("two", None, 0.25, False, "largest", None, True)


def test_a_preset_is_applied_by_its_name_and_by_its_key(desk: Desk) -> None:
    for what in ({"do": "preset", "name": "party"}, {"do": "press", "key": "1"}):
        desk.controls.set_strength(1)
        assert command(desk, **what)[0] == 200
        assert desk.controls.strength == 0.5
    until(lambda: desk.controls.effect.name == "two")


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 4000, "not JSON"),
        (b'{"do":' * 500 + b"1" + b"}" * 500, "no command"),
        (b"[1]", "no object"),
        (b"NaN", "not JSON"),
        (b"{}", "no command None"),
        (b'{"do": "efect"}', "did you mean 'effect'?"),
        (b'{"do": "effect"}', 'takes exactly {"do": "effect", "name": "..."}'),
        (b'{"do": "effect", "name": "onee"}', "did you mean 'one'?"),
        (b'{"do": "effect", "name": "../one"}', "no effect"),
        (b'{"do": "effect", "name": "/etc"}', "no effect"),
        (b'{"do": "effect", "name": ["one"]}', "give a text"),
        (b'{"do": "effect", "name": "\\ud800"}', "no effect"),
        (b'{"do": "effect", "name": "one", "more": 1}', "takes exactly"),
        (b'{"do": "strength", "value": NaN}', "not JSON"),
        (b'{"do": "strength", "value": Infinity}', "not JSON"),
        (b'{"do": "strength", "value": 1e999}', "choose 0"),
        (b'{"do": "strength", "value": -1}', "choose 0"),
        (b'{"do": "strength", "value": true}', "choose 0"),
        (b'{"do": "strength", "value": "1"}', "choose 0"),
        (b'{"do": "strength", "value": ' + b"9" * 4000 + b"}", "choose 0"),
        (b'{"do": "mirror", "on": 1}', "true or false"),
        (b'{"do": "faces", "who": "nobody"}', "no choice of faces"),
        (b'{"do": "panic", "mode": "hide"}', "no panic mode"),
        (b'{"do": "panic", "mode": false}', "give a text"),
        (b'{"do": "preset", "name": "none"}', "known: party"),
        (b'{"do": "press", "key": "q"}', "no key"),
        (b'{"do": "quit"}', "no command 'quit'"),
    ],
)
def test_what_is_no_command_is_told_in_one_line_and_changes_nothing(
    lasting_desk: Desk, what: bytes, says: str
) -> None:
    before = lasting_desk.settings()
    status, said, _ = ask(lasting_desk, "/api/command", method="POST", headers=BEARER, data=what)
    assert status == 400
    assert says in said["error"]
    assert "\n" not in said["error"] and len(said["error"]) < 300
    assert lasting_desk.settings() == before and not lasting_desk.ended.is_set()


def test_only_a_panel_that_may_ends_the_run(desk: Desk) -> None:
    with desk.new_panel(may_quit=True) as other:
        base = other.url.partition("/?")[0]

        async def end(client: aiohttp.ClientSession) -> None:
            async with client.post(f"{base}/api/command", json={"do": "quit"}) as answer:
                assert answer.status == 200

        talk(desk, end)
    assert desk.ended.is_set()


@pytest.mark.parametrize(
    "path", ["/", "/panel.js", "/api/status", "/api/effects", "/ws", "/preview.ws", "/no"]
)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": "Bearer grün"}, 401),
        ({"Cookie": "effectcam-1=wrong"}, 401),
        (BEARER | {"Host": "evil.example"}, 403),
        (BEARER | {"Host": "127.0.0.1:1"}, 403),
        (BEARER | {"Host": "127.0.0.1"}, 403),
        (BEARER | {"Origin": "http://evil.example"}, 403),
        (BEARER | {"Origin": "null"}, 403),
        (BEARER | {"Origin": "http://127.0.0.1:1"}, 403),
    ],
)
def test_strangers_get_nothing(lasting_desk: Desk, path: str, headers: dict[str, str], status: int) -> None:
    before = lasting_desk.settings()
    found, said, _ = ask(lasting_desk, path, headers=headers)
    assert found == status
    assert said["error"]
    assert lasting_desk.settings() == before


def test_the_page_gives_a_cookie_for_its_own_files_and_nothing_of_the_run(desk: Desk) -> None:
    status, page, headers = ask(desk, f"/?token={TOKEN}")
    assert status == 200 and b"<!doctype html>" in page
    cookie, *flags = headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(flags)
    # Whoever is sent the cookie, as all servers of this machine are, can write the panel's Origin too.
    told = {"Cookie": cookie, "Origin": desk.base}
    for path in ("/", "/panel.css", "/panel.js", "/run.js", "/icon.svg"):
        assert ask(desk, path, headers=told)[0] == 200
    assert ask(desk, "/api/effects/one/preview", headers=told)[0] == 404
    for path in ("/api/status", "/api/effects", "/ws", "/preview.ws", "/no", "/api/status/preview"):
        assert ask(desk, path, headers=told)[0] == 401
    mirror = b'{"do": "mirror", "on": true}'
    for path in ("/api/command", "/"):
        assert ask(desk, path, method="POST", headers=told, data=mirror)[0] == 401
    assert not desk.controls.mirror


def test_paths_methods_and_sizes_that_are_not_ours(desk: Desk) -> None:
    assert ask(desk, "/no", headers=BEARER)[0] == 404
    assert ask(desk, "/static/../server.py", headers=BEARER)[0] == 404
    status, said, headers = ask(desk, "/api/command", headers=BEARER)
    assert (status, headers["Allow"]) == (405, "POST")
    assert said["error"]
    status, said, _ = ask(desk, "/api/command", method="POST", headers=BEARER, data=b"x" * 5000)
    assert status == 413
    assert "4096" in said["error"]


def test_the_socket_pushes_the_status_and_takes_commands(desk: Desk) -> None:
    async def use(client: aiohttp.ClientSession) -> None:
        async with client.ws_connect("/ws") as ws:
            first, second = await ws.receive_json(), await ws.receive_json()
            assert first["type"] == second["type"] == "status"
            assert second["status"]["uptime_s"] > first["status"]["uptime_s"]
            await ws.send_json({"do": "strength", "value": 0.5})
            assert (await answer(ws))["status"]["strength"] == 0.5
            await ws.send_str("nonsense")
            assert "not JSON" in (await answer(ws))["error"]
            await ws.send_bytes(b"\xff")
            assert "not JSON" in (await answer(ws))["error"]
            await ws.send_str("x" * 5000)
            while (message := await ws.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert ws.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG, message
        assert (await client.get("/api/status")).status == 200
        assert desk.told == []

    async def answer(ws: aiohttp.ClientWebSocketResponse) -> Any:
        while (said := await ws.receive_json())["type"] == "status":
            pass
        return said

    talk(desk, use)


def test_the_preview_has_the_picture_before_and_after_and_is_made_only_for_viewers(desk: Desk) -> None:
    async def look(client: aiohttp.ClientSession) -> None:
        async with client.ws_connect("/preview.ws") as ws:
            pair = await ws.receive_bytes()
            assert desk.preview.watched
        length = int.from_bytes(pair[:4], "big")
        for jpeg, level in ((pair[4 : 4 + length], GREY), (pair[4 + length :], 255 - GREY)):
            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert picture.shape == (HEIGHT, WIDTH, 3)
            assert picture.mean() == pytest.approx(level, abs=3)

    assert not desk.preview.watched
    talk(desk, look)
    until(lambda: not desk.preview.watched)


def test_a_viewer_that_reads_nothing_holds_up_nobody(desk: Desk) -> None:
    async def look(client: aiohttp.ClientSession) -> None:
        async with client.ws_connect("/preview.ws"), client.ws_connect("/preview.ws") as ws:
            for _ in range(20):
                await ws.receive_bytes()

    before = desk.loop.frames
    talk(desk, look)
    assert desk.loop.frames > before


def test_there_are_eight_previews_and_no_more(desk: Desk) -> None:
    async def look(client: aiohttp.ClientSession) -> None:
        viewers = [await client.ws_connect("/preview.ws") for _ in range(8)]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await client.ws_connect("/preview.ws")
        await asyncio.gather(*(viewer.close() for viewer in viewers))

    talk(desk, look)
    until(lambda: not desk.preview.watched)
    talk(desk, lambda client: _one_pair(client))


async def _one_pair(client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/preview.ws") as ws:
        await ws.receive_bytes()


def test_connections_beyond_the_limit_are_turned_away_and_the_panel_stays(desk: Desk) -> None:
    host, port = "127.0.0.1", int(desk.base.rpartition(":")[2])
    many = [socket.create_connection((host, port)) for _ in range(300)]
    try:
        many[-1].settimeout(30)
        assert many[-1].recv(64).startswith(b"HTTP/1.1 503")
    finally:
        for one in many:
            one.close()

    def answers() -> bool:
        return ask(desk, "/api/status", headers=BEARER)[0] == 200

    until(answers)


def test_closing_says_goodbye_and_leaves_no_thread(desk: Desk) -> None:
    before = set(threading.enumerate())

    panel = desk.new_panel()
    panel.start()
    base = panel.url.partition("/?")[0]

    async def watch(client: aiohttp.ClientSession) -> None:
        async with client.ws_connect(f"{base}/ws") as ws, client.ws_connect(f"{base}/preview.ws") as pictures:
            await ws.receive_json()
            await pictures.receive_bytes()
            closing = asyncio.get_running_loop().run_in_executor(None, panel.close)
            while (await ws.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert ws.close_code == aiohttp.WSCloseCode.GOING_AWAY
            while (await pictures.receive()).type is aiohttp.WSMsgType.BINARY:
                pass
            await closing

    talk(desk, watch)
    left = set(threading.enumerate()) - before
    assert not [thread.name for thread in left if thread.name.startswith(("panel", "asyncio"))]
    panel.close()


def test_a_panel_with_silent_clients_closes_too(desk: Desk) -> None:
    panel = desk.new_panel()
    panel.start()
    port = int(panel.url.partition("/?")[0].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(
            b"POST /api/command?token=%b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % (TOKEN.encode(), port)
        )
        silent.sendall(b"Content-Length: 10\r\n\r\n")
        begun = time.monotonic()
        panel.close()
        # Far below the time for a body to come, far above what closing takes.
        assert time.monotonic() - begun < 30


def test_a_status_that_fails_is_told_in_one_line(desk: Desk) -> None:
    def broken() -> dict[str, Any]:
        raise RuntimeError("no figures")

    with Panel(desk.controls, broken, desk.preview, token=TOKEN) as panel:
        base = panel.url.partition("/?")[0]

        async def look(client: aiohttp.ClientSession) -> None:
            async with client.get(f"{base}/api/status") as answer:
                assert answer.status == 500
            async with client.ws_connect(f"{base}/ws") as ws:
                assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE

        talk(desk, look)
    assert [line for line in desk.told if "no figures" in line]
