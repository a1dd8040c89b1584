"""What vouches for a browser, and the addresses that it may name."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from effectcam.panel.access import Access
from tests.panel.conftest import TOKEN, Desk
from tests.panel.test_server import BEARER, ask

# As in test_server.py.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def test_the_cookie_is_not_the_token(desk: Desk) -> None:
    """Cookies know no ports: any other server on this machine is sent it by the browser."""
    name, _, value = ask(desk, f"/?token={TOKEN}")[2]["Set-Cookie"].partition(";")[0].partition("=")
    assert TOKEN not in value
    assert ask(desk, "/api/status", headers={"Authorization": f"Bearer {value}"})[0] == 401
    assert ask(desk, f"/api/status?token={value}")[0] == 401
    assert ask(desk, "/api/status", headers={"Cookie": f"{name}={TOKEN}"})[0] == 401
    assert ask(desk, "/", headers={"Cookie": f"{name}={TOKEN}"})[0] == 401
    assert ask(desk, "/", headers={"Cookie": f"{name}={value}"})[0] == 200


@pytest.mark.parametrize(
    ("port", "host", "origin", "status"),
    [
        (80, "127.0.0.1", "http://127.0.0.1", None),
        (80, "localhost", "http://localhost", None),
        (80, "[::1]:80", "http://[::1]:80", None),
        (80, "evil.example", "http://127.0.0.1", 403),
        (80, "127.0.0.1", "http://evil.example", 403),
        (8787, "127.0.0.1", "http://127.0.0.1:8787", 403),
        (8787, "127.0.0.1:8787", "http://127.0.0.1", 403),
    ],
)
def test_the_port_that_browsers_leave_out(port: int, host: str, origin: str, status: int | None) -> None:
    request = make_mocked_request("GET", "/", headers={"Host": host, "Origin": origin, **BEARER})
    refusal = Access(TOKEN, port).refusal(request, page=False)
    assert (refusal and refusal.status) == status


def test_a_proof_is_of_the_token_the_port_and_the_question() -> None:
    proof = Access("secret", 8787).proof("one")
    assert proof == Access("secret", 8787).proof("one")
    others = [Access("other", 8787).proof("one"), Access("secret", 8788).proof("one")]
    assert proof not in (*others, Access("secret", 8787).proof("two"))
