"""``python -m effectcam.student.worker``: one student on an accelerator, in a process of its own.

A driver that crashes, hangs or swamps standard error does so here. It speaks through its standard
input and output, see `effectcam.student.wire`:

- ``{"accelerator", "exact", "threads", "name", "channels", "input_range", "output_range"}`` and the model
  come in first; ``{"operators", "whole"}`` goes out when it is compiled;
- from then on each message that comes is a picture, and each that goes its answer;
- ``{"error"}`` goes out instead of either when it cannot be. After a picture it can be asked again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import BinaryIO, Protocol

import numpy as np

from effectcam.errors import EffectcamError
from effectcam.student.accelerated import AcceleratedEngine, accelerated
from effectcam.student.accelerator import Accelerator
from effectcam.student.engine import Engine, EngineFactory, open_engine
from effectcam.student.litert import LiteRtStudent
from effectcam.student.model_file import ModelFile
from effectcam.student.network import Network
from effectcam.student.wire import Message, receive, send


class Compiler(Protocol):
    def __call__(self, accelerator: Accelerator, *, exact: bool) -> EngineFactory: ...


def main(compiler: Compiler = accelerated) -> None:
    """Serve until standard input ends."""
    # Ctrl-C reaches every process of a terminal; it is the run that ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source = sys.stdin.buffer
    # What a driver prints must not get between the messages.
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(EOFError, OSError):
        _serve(source, target, compiler)
    # Not the usual way out: drivers are torn down there, which some do not survive.
    os._exit(0)


def _serve(source: BinaryIO, target: BinaryIO, compiler: Compiler) -> None:
    """Open what is asked for and draw picture after picture. Raises EOFError or OSError at the end."""
    message, model = receive(source)
    try:
        student, answer = _open(message, model, compiler)
    except EffectcamError as error:
        send(target, {"error": str(error)})
        return
    send(target, answer)
    # Nobody reads it from here on, and some drivers write a line a frame.
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 2)
    os.dup2(void, 1)
    image = np.empty((*student.size, student.inputs), np.uint8)
    memory = image.data.cast("B")
    while True:
        receive(source, memory)
        try:
            drawing = student.run(image)
        except EffectcamError as error:
            send(target, {"error": str(error)})
        else:
            send(target, {}, drawing.data.cast("B"))


def _open(message: Message, model: bytes, compiler: Compiler) -> tuple[LiteRtStudent, Message]:
    engines: list[Engine] = []

    def load(model: bytes, holds: ModelFile, threads: int) -> Engine:
        kind = message["accelerator"]
        make = open_engine if kind == "cpu" else compiler(kind, exact=message["exact"])
        engines.append(make(model, holds, threads))
        return engines[-1]

    network = Network(
        model,
        message["name"],
        channels=message["channels"],
        input_range=tuple(message["input_range"]),
        output_range=tuple(message["output_range"]),
    )
    student = network.open(message["threads"], engine=load)
    (engine,) = engines
    if isinstance(engine, AcceleratedEngine):
        return student, {"operators": engine.operators, "whole": engine.whole}
    return student, {}


if __name__ == "__main__":
    main()
