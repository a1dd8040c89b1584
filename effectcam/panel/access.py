"""Who may ask the panel for something: people and programs of this machine that know the token."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from aiohttp import web

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Another page of this machine is of the same site, and could show the pictures as its own.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Server": "effectcam",
}
"""What every answer carries."""


class Refusal(NamedTuple):
    """Why a request is not heard."""

    status: int
    error: str
    """One line with the way out."""


class Access:
    """Judges requests by their Host, their Origin and their token.

    The token comes in the header ``Authorization: Bearer`` or as ``token`` in the address. The page itself
    may be loaded again without it, for the cookie that it got with its address: a browser asks for a page's
    files and pictures on its own. Whoever else learns of the cookie can neither see the run nor change it.
    """

    def __init__(self, token: str, port: int) -> None:
        """``port``: the one that the panel listens at; a Host with another is refused."""
        self._token = token
        # Cookies are shared by all ports of a host, and two runs may have a panel each.
        self._cookie = f"effectcam-{port}"
        # Browsers send the cookie to every other server of this machine, which must not learn the token, and
        # can write any Origin beside the cookie.
        self._port = port
        self._vouches = self._signed(f"panel cookie {port}")
        names = ("127.0.0.1", "localhost", "[::1]")
        self._hosts = {f"{name}:{port}" for name in names}
        if port == 80:
            # Browsers leave out the port that goes without saying.
            self._hosts.update(names)
        self._here = f"http://127.0.0.1:{port}"

    def refusal(self, request: web.Request, *, page: bool) -> Refusal | None:
        """Why ``request`` may not be answered, or None. ``page``: it asks for what the page consists of, for
        which the cookie is enough."""
        # A page whose name an attacker makes resolve to this machine sends that name.
        host = request.headers.getall("Host", [])
        if len(host) != 1 or host[0].lower() not in self._hosts:
            return Refusal(403, f"the panel answers to its own address alone; use {self._here}")
        origin = request.headers.get("Origin")
        if origin is not None and origin.lower() not in {f"http://{name}" for name in self._hosts}:
            return Refusal(403, "another page may not use the panel; open the panel's own address")
        if self._known(_bearer(request)) or self._known(request.query.get("token", "")):
            return None
        if page and _same(request.cookies.get(self._cookie, ""), self._vouches):
            return None
        return Refusal(401, "the token is missing or wrong; use the address that effectcam run shows")

    def remember(self, response: web.StreamResponse) -> None:
        """Let the browser that gets ``response`` load the page again without the token in its address."""
        response.set_cookie(self._cookie, self._vouches, path="/", httponly=True, samesite="Strict")

    def proof(self, nonce: str) -> str:
        """That this panel knows the token, for a page that does: whatever holds the port after a run must not
        be told it. The port is in it, or another panel's answer would do."""
        return self._signed(f"panel hello {self._port} {nonce}")

    def _signed(self, words: str) -> str:
        return hmac.new(_bytes(self._token), words.encode(), hashlib.sha256).hexdigest()

    def _known(self, token: str) -> bool:
        return _same(token, self._token)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(_bytes(given), _bytes(known))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _bearer(request: web.Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
