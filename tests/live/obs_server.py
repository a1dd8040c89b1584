"""A stand-in for OBS: a server that speaks obs-websocket 5 as its protocol document has it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import threading
from types import TracebackType
from typing import Any

from aiohttp import WSMsgType, web


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


class ObsServer:
    """Inputs with their sync offsets behind a password. ``offsets`` outlives stop and start, like a
    scene collection that OBS saves."""

    def __init__(self, password: str = "", **offsets: int) -> None:
        self.password = password
        self.offsets = {name.replace("_", "/"): offset for name, offset in offsets.items()}
        self.microphone: str | None = "Mic/Aux"
        self.port = 0
        self.requests: list[str] = []
        self.received: list[str] = []
        self.identified = 0
        self.wrong_hello: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def __enter__(self) -> ObsServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """On the port of the last time, if there was one."""
        self._ready.clear()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(20)

    def stop(self) -> None:
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = None

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        application = web.Application()
        application.router.add_get("/", self._talk)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopping.wait()
        for socket in list(self._sockets):
            await socket.close(code=1001)
        await runner.cleanup()

    async def _talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await self._converse(socket)
        finally:
            self._sockets.discard(socket)
        return socket

    async def _converse(self, socket: web.WebSocketResponse) -> None:
        hello: dict[str, Any] = {"obsWebSocketVersion": "5.5.2", "rpcVersion": 1}
        salt, challenge = secrets.token_urlsafe(), secrets.token_urlsafe()
        if self.password:
            hello["authentication"] = {"challenge": challenge, "salt": salt}
        await socket.send_json({"op": 0, "d": hello} if self.wrong_hello is None else self.wrong_hello)
        identified = False
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                return
            self.received.append(message.data)
            content = json.loads(message.data)
            data = content["d"]
            if content["op"] == 1:
                expected = digest(digest(self.password + salt) + challenge)
                if self.password and data.get("authentication") != expected:
                    await socket.close(code=4009, message=b"Authentication failed.")
                    return
                assert data["rpcVersion"] == 1
                identified = True
                self.identified += 1
                await socket.send_json({"op": 2, "d": {"negotiatedRpcVersion": 1}})
            elif content["op"] == 6 and identified:
                await socket.send_json({"op": 7, "d": self._answer(data)})
            else:
                await socket.close(code=4007, message=b"Not identified.")

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        kind, data = request["requestType"], request.get("requestData", {})
        self.requests.append(kind)
        answer: dict[str, Any] = {"requestType": kind, "requestId": request["requestId"]}
        status: dict[str, Any] = {"result": True, "code": 100}
        content: dict[str, Any] | None = None
        name = data.get("inputName")
        if kind == "GetSpecialInputs":
            content = {"desktop1": "Desktop Audio", "desktop2": None, "mic1": self.microphone, "mic2": None}
        elif kind == "GetInputList":
            content = {"inputs": [{"inputName": each, "inputKind": "pulse"} for each in self.offsets]}
        elif name not in self.offsets:
            status = {
                "result": False,
                "code": 600,
                "comment": f"No source was found by the name of `{name}`.",
            }
        elif kind == "GetInputAudioSyncOffset":
            content = {"inputAudioSyncOffset": self.offsets[name]}
        elif kind == "SetInputAudioSyncOffset" and -950 <= data["inputAudioSyncOffset"] <= 20000:
            self.offsets[name] = data["inputAudioSyncOffset"]
        else:
            status = {"result": False, "code": 402, "comment": "Out of range."}
        return answer | {"requestStatus": status} | ({"responseData": content} if content is not None else {})
