"""Tells OBS by how much the picture is late, so that it holds the sound back as long.

Speaks obs-websocket 5, which OBS has had since version 28, and of its requests only those that read
and set an input's sync offset.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import math
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp

from effectcam.errors import UsageError, nearest

State = Literal["connecting", "connected", "refused", "left alone", "closed"]
"""``refused``: OBS answers but does not do it, as was told. ``left alone``: somebody set another offset
in OBS meanwhile, which stands."""

PASSWORD_VARIABLE = "EFFECTCAM_OBS_PASSWORD"

_WORTH = 15
"""Milliseconds: nobody hears less, and OBS's sound may click at each change."""

_MOST = 20_000
"""Milliseconds that OBS takes at most."""

_PATIENCE = 5.0
"""Seconds for an answer."""

_LONGEST_WAIT = 30.0
_HELLO, _IDENTIFY, _IDENTIFIED, _REQUEST, _RESPONSE = 0, 1, 2, 6, 7
_WRONG_PASSWORD = 4009
_NOT_FOUND = 600


class ObsSync:
    """Keeps the sync offset of one audio input of OBS at the delay of the picture, in its own thread.

    The offset that the input had is read first and put back by `close`. It is replaced and not added
    to: a run that was killed, and could not put it back, then leaves nothing that adds up. OBS may
    start later, and again; it is looked for until `close`. Nothing here holds up or ends a run.
    """

    def __init__(
        self,
        url: str,
        password: str = "",
        *,
        input_name: str | None = None,
        delay_ms: Callable[[], float | None],
        tell: Callable[[str], None],
        every: float = 10.0,
        retry: float = 1.0,
    ) -> None:
        """``url``: ws://HOST:PORT. ``password``: as OBS shows it; is never told or sent, a hash is.
        ``input_name``: None for OBS's first microphone, *Mic/Aux* in English. ``delay_ms``: how late
        the picture is, None while that is not known; called from the thread. ``tell`` gets one line
        for people when something changes, from the thread too. ``every`` (seconds): more often follows
        sooner. ``retry`` (seconds) until OBS is looked for again, doubled each time up to 30.
        Raises UsageError for what is no such URL."""
        _check_url(url)
        self._url, self._password = url, password
        self._input_name = input_name
        self._delay_ms = delay_ms
        self._tell = tell
        self._every, self._retry, self._wait = every, retry, retry
        self._told = ""
        self._name = ""
        self._former: int | None = None
        self._offset: int | None = None
        self._hands_off = False
        self._loop = asyncio.new_event_loop()
        self._leaving = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="obs sync", daemon=True)
        self.state: State = "connecting"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Put the former offset back and disconnect: takes moments, or five seconds when OBS hangs."""
        if self._thread.is_alive():
            # The loop may close in between.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._leaving.set)
            self._thread.join()
        self._loop.close()
        self.state = "closed"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._keep())

    async def _keep(self) -> None:
        while not self._leaving.is_set():
            try:
                async with aiohttp.ClientSession() as session, _socket(session, self._url) as socket:
                    obs = _Obs(socket)
                    await obs.identify(self._password)
                    await self._follow(obs)
            except _RefusedError as error:
                self.state = "refused"
                self._say(f"OBS {error}")
            except (aiohttp.ClientError, OSError, TimeoutError):
                self.state = "connecting"
                self._say(
                    f"OBS does not answer at {self._url}; start it and enable its Tools, WebSocket Server"
                )
            await self._pause(self._wait)
            self._wait = min(2 * self._wait, _LONGEST_WAIT)
        self._tell_what_stays()

    async def _follow(self, obs: _Obs) -> None:
        """Keep the offset until it is time to leave, then put the former one back."""
        name = self._input_name or await obs.first_microphone()
        if name != self._name:
            self._name, self._former, self._offset = name, None, None
        present = await obs.offset(name)
        # After OBS has crashed it has the offset of its last save, which may be either.
        if self._former is None or present not in (self._former, self._offset):
            self._former = present
        self._offset = present
        self._wait = self._retry
        while not self._leaving.is_set():
            if not self._hands_off:
                await self._keep_up(obs, name)
            self.state = "left alone" if self._hands_off else "connected"
            await self._pause(self._every)
        if not self._hands_off and await obs.offset(name) == self._offset != self._former:
            await obs.set_offset(name, self._former)
            self._offset = self._former

    async def _keep_up(self, obs: _Obs, name: str) -> None:
        present = await obs.offset(name)
        if present != self._offset:
            self._hands_off = True
            self._say(f"OBS: the sync offset of {name!r} was set to {present} ms there and is left at that")
            return
        delay = self._delay_ms()
        if delay is None or not math.isfinite(delay):
            return
        wanted = min(max(0, round(delay)), _MOST)
        if abs(wanted - present) >= _WORTH:
            await obs.set_offset(name, wanted)
            self._offset = wanted
        self._say(f"OBS delays the sound of {name!r} as long as the picture takes")

    def _tell_what_stays(self) -> None:
        if not self._hands_off and self._offset != self._former:
            self._say(
                f"OBS is out of reach: {self._name!r} keeps a sync offset of {self._offset} ms there; "
                f"set it back to {self._former} in Advanced Audio Properties"
            )

    async def _pause(self, seconds: float) -> None:
        """Less when it is time to leave."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._leaving.wait(), seconds)

    def _say(self, line: str) -> None:
        """Once, however often it is tried again."""
        if line != self._told:
            self._told = line
            self._tell(line)


class _RefusedError(Exception):
    """OBS answers, but not with what was asked for; says so and the way out, without *OBS* in front."""


class _Obs:
    """The few requests that are needed, over a connection that is open."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count()

    async def identify(self, password: str) -> None:
        hello = await self._receive(_HELLO)
        answer: dict[str, Any] = {"rpcVersion": 1, "eventSubscriptions": 0}
        if wanted := hello.get("authentication"):
            if not password:
                raise _RefusedError(f"wants a password; put it into {PASSWORD_VARIABLE}")
            try:
                secret = _hashed(password + wanted["salt"])
                answer["authentication"] = _hashed(secret + wanted["challenge"])
            except (KeyError, TypeError):
                raise _not_obs() from None
        await self._send(_IDENTIFY, answer)
        await self._receive(_IDENTIFIED)

    async def first_microphone(self) -> str:
        special = await self.request("GetSpecialInputs")
        for key in ("mic1", "mic2", "mic3", "mic4"):
            if isinstance(name := special.get(key), str):
                return name
        raise _RefusedError(
            "has no microphone among its global audio devices; name an input with --obs-input"
        )

    async def offset(self, name: str) -> int:
        """The sync offset of the input ``name`` in milliseconds."""
        answer = await self.request("GetInputAudioSyncOffset", inputName=name)
        value = answer.get("inputAudioSyncOffset")
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise _not_obs()
        return round(value)

    async def set_offset(self, name: str, milliseconds: int | None) -> None:
        await self.request("SetInputAudioSyncOffset", inputName=name, inputAudioSyncOffset=milliseconds)

    async def request(self, kind: str, **data: Any) -> dict[str, Any]:
        number = str(next(self._numbers))
        await self._send(_REQUEST, {"requestType": kind, "requestId": number, "requestData": data})
        answer = await self._receive(_RESPONSE)
        status = answer.get("requestStatus")
        if answer.get("requestId") != number or not isinstance(status, dict):
            raise _not_obs()
        if status.get("result") is True:
            content = answer.get("responseData") or {}
            return content if isinstance(content, dict) else {}
        if status.get("code") == _NOT_FOUND and kind != "GetInputList":
            name = str(data.get("inputName"))
            raise _RefusedError(
                f"has no input {name!r}; {nearest(name, await self._inputs())}; see --obs-input"
            )
        raise _RefusedError(f"refuses {kind}: {status.get('comment') or status.get('code')}; see --obs-input")

    async def _inputs(self) -> list[str]:
        listed = (await self.request("GetInputList")).get("inputs") or []
        return [str(each.get("inputName")) for each in listed if isinstance(each, dict)]

    async def _send(self, op: int, data: dict[str, Any]) -> None:
        await self._socket.send_json({"op": op, "d": data})

    async def _receive(self, op: int) -> dict[str, Any]:
        """The next message, which must be an ``op``: no events are subscribed to, and requests are made
        one by one. Raises TimeoutError, ConnectionError, _RefusedError."""
        message = await self._socket.receive(timeout=_PATIENCE)
        if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED):
            if self._socket.close_code == _WRONG_PASSWORD:
                raise _RefusedError(
                    f"refuses the password; put the one that it shows into {PASSWORD_VARIABLE}"
                )
            raise ConnectionError("closed by OBS")
        try:
            content = message.json()
            kind, data = content["op"], content["d"]
        except (TypeError, ValueError, KeyError, RecursionError):
            raise _not_obs() from None
        if kind != op or not isinstance(data, dict):
            raise _not_obs()
        return data


def _not_obs() -> _RefusedError:
    return _RefusedError("is not what answers there, or is older than 28; check the address of --obs")


@contextlib.asynccontextmanager
async def _socket(session: aiohttp.ClientSession, url: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with asyncio.timeout(_PATIENCE):
        socket = await session.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=1.0))
    try:
        yield socket
    finally:
        await socket.close()


def _hashed(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _check_url(url: str) -> None:
    if "@" in url:
        raise UsageError(f"the address of OBS takes no name or password; put that into {PASSWORD_VARIABLE}")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise UsageError(f"{url!r} is no address of OBS; give one such as ws://127.0.0.1:4455")
