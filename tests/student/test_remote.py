"""A worker that draws, and every way in which one can stop doing so."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from effectcam.errors import StudentError, UsageError
from effectcam.student.device import npu_folders
from effectcam.student.network import Network
from effectcam.student.remote import RemoteStudent
from tests.student.conftest import standing_in
from tests.student.test_litert import picture


@pytest.fixture
def network(data: Path) -> Network:
    return Network((data / "unet.tflite").read_bytes(), "unet.tflite")


@pytest.fixture
def remote(network: Network) -> Iterator[RemoteStudent]:
    with RemoteStudent(network, "cpu") as student:
        yield student


def test_it_draws_what_the_student_here_draws(network: Network, remote: RemoteStudent) -> None:
    with network.open(1) as here:
        assert (remote.size, remote.channels) == (here.size, here.channels)
        for seed in range(3):
            image = picture(128, 128, seed=seed)
            assert np.array_equal(remote.run(image), here.run(image))
        view = picture(128, 256)[:, ::2]
        assert np.array_equal(remote.run(view), here.run(view)), "a picture with gaps in memory"


def test_ranges_and_alpha_go_along(data: Path) -> None:
    network = Network(
        (data / "rgba.tflite").read_bytes(), "rgba.tflite", channels=4, output_range=(-1.0, 1.0)
    )
    image = picture()
    with network.open(1) as here, RemoteStudent(network, "cpu") as there:
        assert np.array_equal(there.run(image), here.run(image))


def test_a_picture_without_an_answer_is_told_and_the_next_is_drawn(data: Path) -> None:
    network = Network((data / "nan_where_black.tflite").read_bytes(), "ghost.tflite")
    bright = np.full((32, 32, 3), 200, np.uint8)
    with RemoteStudent(network, "cpu") as student:
        with pytest.raises(StudentError, match="returned NaN"):
            student.run(np.zeros((32, 32, 3), np.uint8))
        assert student.run(bright).min() == 255


def test_another_picture_is_a_usage_error(remote: RemoteStudent) -> None:
    with pytest.raises(UsageError, match=r"takes uint8 of shape \(128, 128, 3\)"):
        remote.run(picture(64, 128))


def test_closed_is_closed(remote: RemoteStudent) -> None:
    remote.close()
    remote.close()
    with pytest.raises(ProcessLookupError):
        os.kill(remote.pid, 0)
    with pytest.raises(StudentError, match="is closed"):
        remote.run(picture(128, 128))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_worker_that_dies_between_pictures_is_told(remote: RemoteStudent) -> None:
    os.kill(remote.pid, signal.SIGSEGV)
    with pytest.raises(StudentError, match=r"^its driver crashed \(SIGSEGV\)$"):
        remote.run(picture(128, 128))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c_is_for_the_run(remote: RemoteStudent) -> None:
    os.kill(remote.pid, signal.SIGINT)
    assert remote.run(picture(128, 128)).std() > 0


def test_a_driver_that_refuses_gives_its_reason(network: Network) -> None:
    with pytest.raises(StudentError, match=r"^No adapter found$"):
        RemoteStudent(network, "gpu", command=standing_in("refuses"))


def test_a_driver_that_crashes_at_compile_harms_nobody(network: Network) -> None:
    with pytest.raises(StudentError, match=r"^its driver crashed \(SIGABRT\)$|ended with code"):
        RemoteStudent(network, "gpu", command=standing_in("crashes at compile"))


def test_a_driver_that_hangs_at_compile_is_given_up(network: Network) -> None:
    begun = time.monotonic()
    with pytest.raises(StudentError, match=r"^it gave no answer within 1\.5 s$"):
        RemoteStudent(network, "gpu", command=standing_in("hangs at compile"), patience=1.5)
    assert time.monotonic() - begun < 30


def test_a_driver_that_hangs_later_is_given_up(network: Network) -> None:
    with RemoteStudent(network, "gpu", command=standing_in("hangs after 1")) as student:
        student.run(picture(128, 128))
        student.patience = 0.3
        with pytest.raises(StudentError, match=r"no answer within 0\.3 s"):
            student.run(picture(128, 128))


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["/nonexistent/python"], "its process does not start: No such file"),
        ([sys.executable, "-c", "print('hello')"], "its process answers nonsense|ended with code 0"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "its process ended with code 3$"),
        ([sys.executable, "-c", "import no_such_module"], r"code 1 \(No module named 'no_such_module'\)"),
    ],
)
def test_a_worker_that_is_none_is_told(network: Network, command: list[str], told: str) -> None:
    with pytest.raises(StudentError, match=told):
        RemoteStudent(network, "gpu", command=command)


def test_a_full_disk_is_told_as_a_student_that_does_not_start(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(StudentError, match="nowhere to write: No space left on device"):
        RemoteStudent(network, "gpu")


def test_it_leaves_python_to_the_others(network: Network) -> None:
    """While it draws, a thread beside it goes on, which no student in this process allows."""
    with RemoteStudent(network, "gpu", command=standing_in("is slow")) as student:
        counted = 0
        done = threading.Event()

        def count() -> None:
            nonlocal counted
            while not done.is_set():
                counted += 1
                time.sleep(0.001)

        beside = threading.Thread(target=count)
        beside.start()
        student.run(picture(128, 128))
        done.set()
        beside.join()
    assert counted > 5


@pytest.mark.skipif(sys.platform != "linux", reason="LiteRT's plug-in is looked for in its Linux wheel")
def test_an_npu_without_its_library_says_which_is_missing(network: Network) -> None:
    if npu_folders() is None:
        pytest.skip("this LiteRT has no plug-in for an NPU")
    if importlib.util.find_spec("openvino") is not None:
        pytest.skip("OpenVINO is installed")
    with pytest.raises(StudentError, match=r"^libopenvino\.so\.\d+ is missing$"):
        RemoteStudent(network, "npu")
