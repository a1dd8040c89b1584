"""A student that runs in a process of its own, where its driver can crash or hang without harm."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, cast

import numpy as np

from effectcam.errors import StudentError, UsageError
from effectcam.frame import Pixels
from effectcam.student.accelerator import Accelerator, Delegation, Placement
from effectcam.student.model_file import inspect_model
from effectcam.student.network import Network
from effectcam.student.wire import Message, receive, send

COMMAND = (sys.executable, "-P", "-m", "effectcam.student.worker")

_ENDING = 0.5
"""Seconds that a worker may take to end by itself."""


class RemoteStudent:
    """`Student` on an accelerator, drawn by a worker process.

    A process of its own also leaves Python to the others: LiteRT 2.3 keeps its global lock for as long
    as a GPU draws. The way there and back costs 0.3 ms at 256 x 256 where a core is free.

    ``patience``: seconds that the driver may take to compile, and then to draw a picture, before the worker
    is given up; may be set between pictures. A shorter one gives up slow drivers, a longer one freezes the
    picture for so long when a driver hangs. ``threads`` are for what the accelerator leaves to the CPU.
    ``exact`` has a GPU compute in float32 throughout. ``command`` starts the worker.

    Raises StudentError when it does not come to draw, and when it fails later: the bare reason, for a line
    that says of whom and what to do. It is useless then, and still to be closed.
    """

    def __init__(
        self,
        network: Network,
        accelerator: Accelerator,
        *,
        exact: bool = False,
        threads: int = 1,
        patience: float = 60.0,
        command: Sequence[str] = COMMAND,
    ) -> None:
        holds = inspect_model(network.model, name=network.name)
        self._name, self._size, self._channels = network.name, holds.size, network.channels
        self._inputs = holds.inputs
        self._threads, self._exact = threads, exact
        self._image = np.empty((*holds.size, network.channels), np.uint8)
        self.patience = patience
        self._closed = False
        try:
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        except OSError as error:
            raise StudentError(f"its process has nowhere to write: {error.strerror or error}") from None
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                # A picture at one go; elsewhere than on Linux in pieces.
                pipesize=1 << 20,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                # On Windows a program with a console would open one for it.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            self._log.close()
            raise StudentError(f"its process does not start: {error.strerror}") from None
        self._wishes = cast(BinaryIO, self._process.stdin)
        self._answers = cast(BinaryIO, self._process.stdout)
        self._talk = ThreadPoolExecutor(1, f"student on {accelerator}")
        self._exchanged: Future[Message] | None = None
        request = {
            "accelerator": accelerator,
            "exact": exact,
            "threads": threads,
            "name": network.name,
            "channels": network.channels,
            "input_range": network.input_range,
            "output_range": network.output_range,
        }
        try:
            answer = self._ask(request, network.model)
            if "error" in answer:
                raise StudentError(_cause(self._told()) or answer["error"])
            self._placement = _placement(accelerator, answer, self._told())
            if self._placement.delegation is not None and not self._placement.delegation.delegated:
                raise StudentError("it leaves every operator to the cpu")
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    @property
    def channels(self) -> int:
        return self._channels

    @property
    def inputs(self) -> int:
        return self._inputs

    @property
    def threads(self) -> int:
        return self._threads

    @property
    def placement(self) -> Placement:
        return self._placement

    @property
    def exact(self) -> bool:
        return self._exact

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def pid(self) -> int:
        """Of the worker."""
        return self._process.pid

    def run(self, image: Pixels) -> Pixels:
        if image.dtype != np.uint8 or image.shape != (*self._size, self._inputs):
            raise UsageError(
                f"{self._name} takes uint8 of shape {(*self._size, self._inputs)} with RGB first, not "
                f"{image.dtype} of shape {image.shape}; resize the crop to the student's size"
            )
        if self._closed:
            raise StudentError(f"{self._name} is closed; open the effect again")
        answer = self._ask({}, np.ascontiguousarray(image).data.cast("B"))
        if "error" in answer:
            raise StudentError(answer["error"])
        return self._image

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._exchanged is not None and not self._exchanged.done():
            self._process.kill()
        # A worker in good health ends when nobody asks any more.
        with contextlib.suppress(OSError):
            self._wishes.close()
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._talk.shutdown()
        self._answers.close()
        self._log.close()

    def __enter__(self) -> RemoteStudent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, message: Message, data: bytes | memoryview) -> Message:
        """Send and wait. StudentError when the worker dies or takes too long."""
        self._exchanged = self._talk.submit(self._exchange, message, data)
        try:
            return self._exchanged.result(self.patience)
        except TimeoutError:
            self._process.kill()
            raise StudentError(f"it gave no answer within {self.patience:.1f} s") from None
        except (EOFError, OSError, ValueError):
            raise StudentError(self._cause_of_death()) from None

    def _exchange(self, message: Message, data: bytes | memoryview) -> Message:
        send(self._wishes, message, data)
        return receive(self._answers, self._image.data.cast("B"))[0]

    def _cause_of_death(self) -> str:
        try:
            code = self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return "its process answers nonsense"
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"its driver crashed ({signal.Signals(-code).name})"
        told = _cause(self._told())
        return f"its process ended with code {code}" + (f" ({told})" if told else "")

    def _told(self) -> str:
        """What the worker wrote to standard error until it was ready."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")


def _placement(accelerator: Accelerator, answer: Message, log: str) -> Placement:
    device, driver = accelerator.upper(), "LiteRT"
    found = re.search(r"Selected adapter: (.+?), arch=.*backend=(\w+)", log)
    if found:
        device, driver = found[1], found[2]
    elif found := re.search(r"Using Intel OpenVINO device: (\w+)", log):
        device, driver = f"Intel {found[1]}", "OpenVINO"
    if "operators" not in answer:
        return Placement(accelerator, device, driver)
    operators: int = answer["operators"]
    parts = re.findall(
        r"^(\d+) operations will run on the [GN]PU, and the remaining (\d+)", log, re.MULTILINE
    )
    if answer["whole"] or not parts:
        return Placement(
            accelerator, device, driver, Delegation(operators, operators if answer["whole"] else 0)
        )
    taken, left = map(int, parts[-1])
    return Placement(accelerator, device, driver, Delegation(taken + left, taken))


def _cause(log: str) -> str:
    """The library that is missing, or the last line that is an error, without LiteRT's prefixes; "" when
    there is neither."""
    # LiteRT looks for libraries that it can do without, and says so as information.
    missing = re.search(r"^(?!INFO).* (\S+): cannot open shared object file", log, re.MULTILINE)
    if missing:
        return f"{os.path.basename(missing[1])} is missing"
    errors = re.findall(r"^(?:E\d{4} .*?\] |ERROR: (?:\[\S+\] )?|\w*Error: )(.+)$", log, re.MULTILINE)
    return errors[-1][:200] if errors else ""
