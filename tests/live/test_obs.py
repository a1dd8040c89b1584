from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from effectcam.errors import UsageError
from effectcam.live.obs import ObsSync
from tests.live.obs_server import ObsServer

PASSWORD = "correct horse"


class Desk:
    """The delay that a run measures, and what it tells."""

    def __init__(self) -> None:
        self.delay: float | None = 120.0
        self.told: list[str] = []

    @contextmanager
    def sync(self, url: str, password: str = PASSWORD, *, input_name: str | None = None) -> Iterator[ObsSync]:
        made = ObsSync(
            url,
            password,
            input_name=input_name,
            delay_ms=lambda: self.delay,
            tell=self.told.append,
            every=0.01,
            retry=0.01,
        )
        made.start()
        try:
            yield made
        finally:
            made.close()
        assert made.state == "closed"
        assert "obs sync" not in [thread.name for thread in threading.enumerate()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def comes_true(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(condition())


def test_the_sound_is_as_late_as_the_picture_and_put_back_at_the_end(desk: Desk) -> None:
    with ObsServer(PASSWORD, Mic_Aux=40, Music=7) as obs:
        with desk.sync(obs.url) as sync:
            assert comes_true(lambda: obs.offsets["Mic/Aux"] == 120 and desk.told)
            assert sync.state == "connected"
        assert obs.offsets == {"Mic/Aux": 40, "Music": 7}
        assert desk.told == ["OBS delays the sound of 'Mic/Aux' as long as the picture takes"]


def test_a_named_input(desk: Desk) -> None:
    with ObsServer(PASSWORD, Mic_Aux=40, Music=7) as obs, desk.sync(obs.url, input_name="Music"):
        assert comes_true(lambda: obs.offsets["Music"] == 120)
        assert obs.offsets["Mic/Aux"] == 40


def test_without_a_password(desk: Desk) -> None:
    with ObsServer(Mic_Aux=0) as obs, desk.sync(obs.url, ""):
        assert comes_true(lambda: obs.offsets["Mic/Aux"] == 120)


def test_only_a_change_that_can_be_heard_is_sent(desk: Desk) -> None:
    with ObsServer(PASSWORD, Mic_Aux=0) as obs, desk.sync(obs.url):
        assert comes_true(lambda: obs.offsets["Mic/Aux"] == 120)
        desk.delay = 128.0
        looks = len(obs.requests)
        assert comes_true(lambda: len(obs.requests) > looks + 5)
        assert obs.offsets["Mic/Aux"] == 120
        desk.delay = 160.4
        assert comes_true(lambda: obs.offsets["Mic/Aux"] == 160)


@pytest.mark.parametrize("delay", [None, float("nan")])
def test_a_delay_that_is_not_known_changes_nothing(desk: Desk, delay: float | None) -> None:
    desk.delay = delay
    with ObsServer(PASSWORD, Mic_Aux=40) as obs, desk.sync(obs.url):
        assert comes_true(lambda: len(obs.requests) > 5)
        assert "SetInputAudioSyncOffset" not in obs.requests


def test_no_more_than_obs_takes(desk: Desk) -> None:
    desk.delay = 1e9
    with ObsServer(PASSWORD, Mic_Aux=40) as obs, desk.sync(obs.url):
        assert comes_true(lambda: obs.offsets["Mic/Aux"] == 20_000)


def test_a_wrong_password_is_told_once_and_nowhere_shown(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with ObsServer("another", Mic_Aux=40) as obs, desk.sync(obs.url) as sync:
        assert comes_true(lambda: len(obs.received) > 3)
        assert sync.state == "refused"
        obs.password = PASSWORD
        assert comes_true(lambda: obs.offsets["Mic/Aux"] == 120)
    assert desk.told[0] == "OBS refuses the password; put the one that it shows into EFFECTCAM_OBS_PASSWORD"
    assert len(desk.told) == 2
    assert PASSWORD not in "".join([*desk.told, *obs.received, caplog.text])


def test_a_password_that_is_missing(desk: Desk) -> None:
    with ObsServer(PASSWORD, Mic_Aux=40) as obs, desk.sync(obs.url, "") as sync:
        assert comes_true(lambda: desk.told and sync.state == "refused")
    assert desk.told == ["OBS wants a password; put it into EFFECTCAM_OBS_PASSWORD"]


def test_an_unknown_input_is_told_once_and_looked_for_again(desk: Desk) -> None:
    with ObsServer(PASSWORD, Mic_Aux=40, Music=0) as obs, desk.sync(obs.url, input_name="Musik"):
        assert comes_true(lambda: obs.identified > 2)
        obs.offsets["Musik"] = 0
        assert comes_true(lambda: obs.offsets["Musik"] == 120)
    unknown = "OBS has no input 'Musik'; did you mean 'Music'?; see --obs-input"
    # Not how many in all: the input may appear between OBS's answer and its list.
    assert desk.told[0] == unknown and desk.told.count(unknown) == 1
    assert desk.told[-1] == "OBS delays the sound of 'Musik' as long as the picture takes"


def test_an_obs_without_a_microphone(desk: Desk) -> None:
    with ObsServer(PASSWORD, Music=0) as obs:
        obs.microphone = None
        with desk.sync(obs.url):
            assert comes_true(lambda: obs.identified > 2)
    assert desk.told == [
        "OBS has no microphone among its global audio devices; name an input with --obs-input"
    ]


def test_obs_starts_later_and_again(desk: Desk) -> None:
    obs = ObsServer(PASSWORD, Mic_Aux=40)
    with obs:
        pass
    with desk.sync(obs.url) as sync:
        assert comes_true(lambda: desk.told)
        for _ in range(2):
            with obs:
                assert comes_true(lambda: obs.offsets["Mic/Aux"] == 120 and sync.state == "connected")
            # Ended without saving.
            obs.offsets["Mic/Aux"] = 40
            assert comes_true(lambda: sync.state == "connecting")
        with obs:
            assert comes_true(lambda: obs.offsets["Mic/Aux"] == 120 and sync.state == "connected")
            sync.close()
            assert obs.offsets["Mic/Aux"] == 40
    away = f"OBS does not answer at {obs.url}; start it and enable its Tools, WebSocket Server"
    there = "OBS delays the sound of 'Mic/Aux' as long as the picture takes"
    assert desk.told == [away, there, away, there, away, there]


def test_an_obs_that_has_gone_keeps_the_offset_and_that_is_told(desk: Desk) -> None:
    obs = ObsServer(PASSWORD, Mic_Aux=40)
    with obs, desk.sync(obs.url) as sync:
        assert comes_true(lambda: obs.offsets["Mic/Aux"] == 120)
        obs.stop()
        assert comes_true(lambda: sync.state == "connecting")
    assert desk.told[-1] == (
        "OBS is out of reach: 'Mic/Aux' keeps a sync offset of 120 ms there; "
        "set it back to 40 in Advanced Audio Properties"
    )


def test_what_somebody_sets_by_hand_stands(desk: Desk) -> None:
    with ObsServer(PASSWORD, Mic_Aux=40) as obs:
        with desk.sync(obs.url) as sync:
            assert comes_true(lambda: obs.offsets["Mic/Aux"] == 120 and desk.told)
            obs.offsets["Mic/Aux"] = 300
            assert comes_true(lambda: sync.state == "left alone")
        assert obs.offsets["Mic/Aux"] == 300
    assert desk.told[-1] == "OBS: the sync offset of 'Mic/Aux' was set to 300 ms there and is left at that"


@pytest.mark.parametrize(
    "hello", [{"op": 0}, {"d": {}}, {"op": 5, "d": {}}, [], {"op": 0, "d": {"authentication": 3}}]
)
def test_something_else_answers(desk: Desk, hello: Any) -> None:
    obs = ObsServer(PASSWORD, Mic_Aux=40)
    obs.wrong_hello = hello
    with obs, desk.sync(obs.url) as sync:
        assert comes_true(lambda: desk.told and sync.state == "refused")
    assert desk.told == ["OBS is not what answers there, or is older than 28; check the address of --obs"]


@pytest.mark.parametrize(
    "url", ["127.0.0.1:4455", "http://127.0.0.1:4455", "ws://", "ws://a:port", "ws://[", ""]
)
def test_an_address_that_is_none(url: str, desk: Desk) -> None:
    with pytest.raises(UsageError) as caught:
        ObsSync(url, delay_ms=lambda: None, tell=desk.told.append)
    assert str(caught.value) == f"{url!r} is no address of OBS; give one such as ws://127.0.0.1:4455"


def test_an_address_with_a_password_is_not_repeated(desk: Desk) -> None:
    with pytest.raises(UsageError) as caught:
        ObsSync(f"ws://me:{PASSWORD}@127.0.0.1:4455", delay_ms=lambda: None, tell=desk.told.append)
    assert PASSWORD not in str(caught.value)


def test_close_without_start(desk: Desk) -> None:
    sync = ObsSync("ws://127.0.0.1:4455", delay_ms=lambda: None, tell=desk.told.append)
    sync.close()
    assert sync.state == "closed"
