"""Connections to the panel: how many are let in, how much may wait in one, and how they all end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterable
from weakref import WeakSet

from aiohttp import WSCloseCode, web

CONNECTIONS = 128
"""Each takes a file descriptor, and the run itself needs some when a camera comes back."""

_WAITING = 128 * 1024
"""Bytes that the system may hold for a client: more evens out a client that is slow now and then, and makes
what a slow one gets older. Left alone it holds megabytes, a minute of pictures."""

_GOODBYE = 1.0
"""Seconds for a client to take its leave: a run with one that reads nothing ends so much later."""


class Door(asyncio.Protocol):
    """Hands a connection on to the server, or turns it away when it would be one too many."""

    def __init__(self, server: web.Server, open_: WeakSet[asyncio.Transport]) -> None:
        """``open_`` gets every transport."""
        self._server = server
        self._open = open_

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._open.add(transport)
        if len(self._server.connections) < CONNECTIONS:
            handler = self._server()
            transport.set_protocol(handler)
            handler.connection_made(transport)
            return
        body = json.dumps({"error": f"{CONNECTIONS} connections are open, and no more can be"}).encode()
        transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        transport.close()


def queue_little(transport: asyncio.Transport | None) -> None:
    """Have whoever writes to ``transport`` wait until the system has taken all of it, and the system take
    little: a client that reads slowly gets fewer messages then, and hardly an old one."""
    if transport is None:  # the client has left
        return
    transport.set_write_buffer_limits(high=0)
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WAITING)


async def leave(ws: web.WebSocketResponse) -> None:
    """Say goodbye, as far as the client takes it in time; `abort_all` does the rest."""
    # Closing waits for all that was sent before to be read, without end, and has ended the heartbeat by then.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GOODBYE):
            await ws.close(code=WSCloseCode.GOING_AWAY, message=b"the run has ended")


async def abort_all(transports: Iterable[asyncio.Transport]) -> None:
    """End connections whose client reads nothing, and would wait for ever to be rid of their last bytes."""
    # More than once, since a connection may still have been on its way in when the door was shut.
    for _ in range(5):
        for transport in list(transports):
            # One that was closed with bytes waiting has no loop any more once they are sent, and does not
            # know that it is through. (One that is closing may as well be stuck, and has to be aborted.)
            with contextlib.suppress(AttributeError):
                transport.abort()
        await asyncio.sleep(0.01)
