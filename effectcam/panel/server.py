"""The panel's server: a page, an HTTP API and two WebSockets, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

from aiohttp import WSCloseCode, WSMsgType, web

from effectcam.errors import EffectcamError, SinkError, UsageError, reason
from effectcam.live.controls import Controls
from effectcam.live.preview import Preview
from effectcam.panel.access import HEADERS, Access
from effectcam.panel.commands import Commands
from effectcam.panel.door import Door, abort_all, leave, queue_little
from effectcam.panel.gallery import Gallery
from effectcam.panel.stream import PreviewStream

_STATIC = Path(__file__).parent / "static"
_PAGE = {
    "/": ("index.html", "text/html"),
    "/panel.css": ("panel.css", "text/css"),
    "/panel.js": ("panel.js", "text/javascript"),
    "/run.js": ("run.js", "text/javascript"),
    "/chart.js": ("chart.js", "text/javascript"),
    "/preview.js": ("preview.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}

_STATUS_EVERY = 0.25
_LARGEST = 4096
"""Bytes of a command."""

_BODY_WITHIN = 5.0
"""Seconds for a client to send its command whole."""

_BACKLOG = 64
"""Connections that are accepted in one go, before any is turned away."""

_SOCKETS = 24
_VIEWERS = 8

_WORDS = {
    400: "that is no request the panel can read",
    404: "there is nothing here; see docs/panel.md",
    405: "not with this method; see docs/panel.md",
    408: f"the command did not come whole within {_BODY_WITHIN:g} s; send it again",
    413: f"a command has at most {_LARGEST} bytes; send one at a time",
}

# aiohttp reports malformed requests with a traceback; no client may write on a streamer's terminal.
_log = logging.getLogger("effectcam.panel")
_log.addHandler(logging.NullHandler())


class Panel:
    """Serves the control page of a run on this machine alone.

    ``start`` opens the port and returns; a thread with a loop of its own does the rest, so that no
    client can hold up a frame. What the page may do is in docs/panel.md.

    >>> Panel.address(8787, "secret")
    'http://127.0.0.1:8787/?token=secret'
    """

    def __init__(
        self,
        controls: Controls,
        status: Callable[[], dict[str, Any]],
        preview: Preview,
        *,
        port: int = 0,
        token: str | None = None,
        may_quit: bool = False,
    ) -> None:
        """``status`` gives what JSON can hold, four times a second for each client; see `Status`.
        ``port`` 0 takes any that is free. ``token`` None makes a new one: a dock that keeps its address
        from run to run needs one that stays. ``may_quit`` lets clients end the run.

        Raises UsageError for a port or token that cannot be one."""
        if not 0 <= port <= 65535:
            raise UsageError(f"port is {port}: choose 1024 to 65535, or 0 for any that is free")
        if token is not None and len(token) < 16:
            raise UsageError(f"a token of {len(token)} characters is soon guessed; give at least 16")
        self._controls = controls
        self._status = status
        self._preview = preview
        self._port = port
        self._token = token or secrets.token_urlsafe(24)
        self._commands = Commands(controls, may_quit=may_quit)
        self._gallery = Gallery(controls.known)
        self._sockets: set[web.WebSocketResponse] = set()
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    @staticmethod
    def address(port: int, token: str) -> str:
        """Where the page of a panel at ``port`` is, for a browser that has not been there."""
        return f"http://127.0.0.1:{port}/?token={token}"

    @property
    def url(self) -> str:
        """The page's address with the token; with the right port once started."""
        return self.address(self._port, self._token)

    def start(self) -> None:
        """Open the port and serve. Raises SinkError when the port cannot be had, or anything else that a
        panel needs."""
        try:
            listener = socket.create_server(("127.0.0.1", self._port), backlog=_BACKLOG)
        except OSError as error:
            raise SinkError(
                f"the panel cannot have port {self._port} ({error.strerror or error}); choose another with "
                "--panel PORT, or any that is free with --panel 0"
            ) from None
        self._port = listener.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listener, ready), name="panel", daemon=True)
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            self._thread.join()
            self._thread = None
            why = " ".join(reason(self._failure).split())
            raise SinkError(f"the panel cannot start ({why}); mend that, or run without --panel") from None

    def close(self) -> None:
        """Say goodbye to every client and end the threads; a second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is not None and self._loop is not None and self._end is not None:
            # Its loop is closed if it has failed meanwhile.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._end.set)
            thread.join()

    def __enter__(self) -> Panel:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, listener: socket.socket, ready: threading.Event) -> None:
        """The thread: ``ready`` is set once it serves, or once it has failed and says why."""
        try:
            # Opened before there is a coroutine, which would complain that nobody has awaited it.
            with asyncio.Runner() as runner:
                runner.run(self._serve(listener, ready))
        except Exception as error:
            if not ready.is_set():
                self._failure = error
            elif self._thread is not None:  # and not being closed
                self._controls.tell(f"panel: failed ({reason(error)}); the run goes on without it")
        finally:
            listener.close()
            ready.set()

    async def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda _, context: _log.error("%s", context))
        self._access = Access(self._token, self._port)
        self._stream = PreviewStream(self._preview)
        runner = web.AppRunner(
            self._application(),
            access_log=None,
            logger=_log,
            keepalive_timeout=30.0,
            lingering_time=1.0,
            # A small body can hold a large one.
            auto_decompress=False,
            shutdown_timeout=0.5,
        )
        transports = WeakSet[asyncio.Transport]()
        await runner.setup()
        try:
            inner = runner.server
            assert inner is not None
            server = await self._loop.create_server(
                lambda: Door(inner, transports), sock=listener, backlog=_BACKLOG
            )
            ready.set()
            await self._end.wait()
            server.close()
        finally:
            # Whatever a goodbye comes to, the rest is done.
            await asyncio.gather(*map(leave, list(self._sockets)), return_exceptions=True)
            try:
                await runner.cleanup()
            finally:
                await asyncio.to_thread(self._stream.close)
                await abort_all(transports)

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=_LARGEST, logger=_log)
        app.on_response_prepare.append(_add_headers)
        for path, (file, kind) in _PAGE.items():
            app.router.add_get(path, _file((_STATIC / file).read_text(encoding="utf-8"), kind))
        app.router.add_get("/hello", self._get_proof)
        app.router.add_get("/api/status", self._get_status)
        app.router.add_get("/api/effects", self._get_effects)
        app.router.add_get("/api/effects/{name}/preview", self._get_picture)
        app.router.add_post("/api/command", self._post_command)
        app.router.add_get("/ws", self._talk, allow_head=False)
        app.router.add_get("/preview.ws", self._show, allow_head=False)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Lets in who may come in, and answers every failure in one line of JSON."""
        refusal = self._access.refusal(request, page=_is_of_page(request))
        if refusal is not None:
            return _error(refusal.status, refusal.error)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            answer = _error(error.status, _WORDS.get(error.status, error.reason))
            if "Allow" in error.headers:
                answer.headers["Allow"] = error.headers["Allow"]
            return answer
        except EffectcamError as error:
            return _error(400, str(error))
        except ConnectionError:
            raise
        except Exception as error:
            self._controls.tell(f"panel: {request.path} failed ({type(error).__name__}: {error})")
            return _error(500, "the panel failed; the run goes on")
        if request.path == "/" and not response.prepared:
            self._access.remember(response)
        return response

    async def _get_proof(self, request: web.Request) -> web.Response:
        return web.json_response({"proof": self._access.proof(request.query.get("nonce", ""))})

    async def _get_status(self, request: web.Request) -> web.Response:
        return web.json_response(self._status())

    async def _get_effects(self, request: web.Request) -> web.Response:
        return web.json_response({"effects": await asyncio.to_thread(self._gallery.entries)})

    async def _get_picture(self, request: web.Request) -> web.Response:
        picture = await asyncio.to_thread(self._gallery.picture, request.match_info["name"])
        if picture is None:
            raise web.HTTPNotFound
        return web.Response(body=picture, content_type="image/webp")

    async def _post_command(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_BODY_WITHIN):
                body = await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        return web.json_response({"done": self._commands.run(body)})

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        """The status four times a second and after each command; commands."""
        if len(self._sockets) >= _SOCKETS:
            return _error(503, f"{_SOCKETS} clients are connected, and no more can be; close one")

        async def push(ws: web.WebSocketResponse) -> None:
            while True:
                await ws.send_json({"type": "status", "status": self._status()})
                await asyncio.sleep(_STATUS_EVERY)

        async with self._socket(request, push) as ws:
            async for message in ws:
                if message.type is WSMsgType.ERROR:  # too long, or no text; the socket is closed
                    break
                try:
                    # Bytes are as good as text: both are JSON or are not.
                    done = self._commands.run(message.data)
                except EffectcamError as error:
                    await ws.send_json({"type": "error", "error": str(error)})
                else:
                    await ws.send_json({"type": "done", "done": done, "status": self._status()})
        return ws

    async def _show(self, request: web.Request) -> web.StreamResponse:
        """Pairs of pictures, as fast as the client takes them and no faster than the stream makes them: the
        next one is chosen once the system has taken the last."""
        if self._stream.viewers >= _VIEWERS:
            return _error(503, f"{_VIEWERS} previews are open, and no more can be; close one")

        async def push(ws: web.WebSocketResponse) -> None:
            number = self._stream.number
            while True:
                number, pair = await self._stream.next(number)
                await ws.send_bytes(pair)

        with self._stream:
            async with self._socket(request, push) as ws:
                async for _ in ws:
                    pass
        return ws

    @contextlib.asynccontextmanager
    async def _socket(
        self, request: web.Request, push: Callable[[web.WebSocketResponse], Awaitable[None]]
    ) -> AsyncIterator[web.WebSocketResponse]:
        """An open WebSocket, with ``push`` at work beside whoever reads it."""
        # With a limit of 0 whoever sends waits after each message, see `queue_little`.
        ws = web.WebSocketResponse(
            timeout=0.5, heartbeat=15.0, compress=False, max_msg_size=_LARGEST, writer_limit=0
        )
        await ws.prepare(request)
        queue_little(request.transport)
        self._sockets.add(ws)
        pushing = asyncio.create_task(self._push(push, ws))
        try:
            yield ws
        finally:
            self._sockets.discard(ws)
            pushing.cancel()
            await asyncio.gather(pushing, return_exceptions=True)

    async def _push(
        self, push: Callable[[web.WebSocketResponse], Awaitable[None]], ws: web.WebSocketResponse
    ) -> None:
        try:
            await push(ws)
        except ConnectionError:  # the client has left, which its reader notices too
            pass
        except Exception as error:
            self._controls.tell(f"panel: failed ({type(error).__name__}: {error})")
            await ws.close(code=WSCloseCode.INTERNAL_ERROR)


def _is_of_page(request: web.Request) -> bool:
    """Whether it asks for what the page consists of, which tells nothing of the run."""
    is_picture = request.path.startswith("/api/effects/") and request.path.endswith("/preview")
    return request.method in ("GET", "HEAD") and (is_picture or request.path in (*_PAGE, "/hello"))


def _file(content: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def send(request: web.Request) -> web.Response:
        return web.Response(text=content, content_type=kind)

    return send


def _error(status: int, line: str) -> web.Response:
    return web.json_response({"error": line}, status=status)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
