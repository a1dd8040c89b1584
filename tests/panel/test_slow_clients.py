"""Clients that read slowly, or nothing at all: what waits for them stays little and recent, and the panel
ends without them."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from effectcam.live.preview import Preview
from effectcam.panel.door import abort_all
from effectcam.panel.server import Panel
from tests.panel.conftest import TOKEN, Desk, until

# As in test_server.py.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

WIDTH, HEIGHT = 640, 360
OLD, NEW = 0, 255
"""In a corner of each picture: whether it is from before a client began to read."""


class Noise:
    """A panel whose pictures are as large as JPEGs get: 300 kB each."""

    def __init__(self, desk: Desk) -> None:
        self.level = OLD
        self.count = 0
        self._preview = Preview()
        self.panel = Panel(desk.controls, desk.status, self._preview, token=TOKEN)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._feed)

    def __enter__(self) -> Noise:
        self._thread.start()
        self.panel.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self.panel.url.partition("/?")[0].rpartition(":")[2])

    def viewer(self) -> socket.socket:
        """A client with little room of its own; it has asked for the preview and read the answer's head."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        client.settimeout(60)
        client.connect(("127.0.0.1", self.port))
        client.sendall(
            b"GET /preview.ws?token=%b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n" % (TOKEN.encode(), self.port)
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        assert head.startswith(b"HTTP/1.1 101")
        return client

    def pass_by(self, count: int) -> None:
        """Wait until so many more pictures have been offered, thirty a second."""
        end = self.count + count
        until(lambda: self.count >= end)

    def _feed(self) -> None:
        rng = np.random.default_rng(1)
        noise = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        while not self._ended.wait(1 / 30):
            pixels = noise.copy()
            pixels[:64, :64] = self.level
            self._preview.offer(pixels, pixels)
            self.count += 1


@pytest.fixture
def noise(desk: Desk) -> Iterator[Noise]:
    with Noise(desk) as made:
        yield made


def receive(client: socket.socket) -> bytes:
    """The next message that is a picture."""
    while True:
        first, length = exactly(client, 2)
        if length == 126:
            (length,) = struct.unpack(">H", exactly(client, 2))
        elif length == 127:
            (length,) = struct.unpack(">Q", exactly(client, 8))
        message = exactly(client, length)
        if first & 0xF == 2:
            return message


def exactly(client: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        more = client.recv(count - len(got))
        assert more, "the panel has closed the connection"
        got += more
    return got


def level(pair: bytes) -> int:
    length = int.from_bytes(pair[:4], "big")
    picture = cv2.imdecode(np.frombuffer(pair[4 : 4 + length], np.uint8), cv2.IMREAD_COLOR)
    return int(picture[16:48, 16:48].mean())


def test_a_viewer_that_reads_nothing_does_not_keep_the_panel_from_closing(noise: Noise) -> None:
    with noise.viewer():
        # Until nothing more goes into any buffer on the way.
        noise.pass_by(90)
        closing = threading.Thread(target=noise.panel.close, daemon=True)
        closing.start()
        closing.join(30)
        assert not closing.is_alive()


def test_a_viewer_that_reads_again_gets_hardly_an_old_picture(noise: Noise) -> None:
    with noise.viewer() as client:
        noise.pass_by(90)
        noise.level = NEW
        noise.pass_by(6)
        old = 0
        while level(receive(client)) < 128:
            old += 1
        # The one on its way and what is in the system's buffers, of the thirty that were made meanwhile.
        assert old <= 3
    noise.panel.close()


def test_all_connections_are_aborted_also_behind_one_that_is_gone() -> None:
    """asyncio has taken one apart that was closed with bytes waiting, once they are sent."""

    class Server(asyncio.Protocol):
        def __init__(self) -> None:
            made.append(self)
            self.lost = asyncio.Event()

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport

        def connection_lost(self, error: Exception | None) -> None:
            self.lost.set()

    made: list[Server] = []

    async def both() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Server, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        gone_reader, gone_writer = await asyncio.open_connection(*address)
        _, other_writer = await asyncio.open_connection(*address)
        while len(made) < 2:
            await asyncio.sleep(0.01)
        gone, other = made
        gone.transport.write(bytes(16_000_000))
        assert gone.transport.get_write_buffer_size()
        gone.transport.close()
        await gone_reader.read()
        await gone.lost.wait()
        await abort_all([gone.transport, other.transport])
        assert other.lost.is_set()
        for writer in (gone_writer, other_writer):
            writer.close()
        server.close()

    asyncio.run(asyncio.wait_for(both(), 60))
