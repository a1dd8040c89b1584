"""The LiteRT runtimes behind one small face: float32 tensor in, float32 tensor out."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from effectcam.errors import StudentError
from effectcam.installing import LITERT, pip
from effectcam.native_log import mute_native_log_at_exit, without_native_log
from effectcam.student.model_file import ModelFile

Tensor = NDArray[np.float32]
"""NHWC, C-contiguous, batch of 1."""


class Engine(Protocol):
    """A loaded model. Any exception from ``invoke`` means that this picture has no answer."""

    def invoke(self, tensor: Tensor) -> Tensor:
        """(1, H, W, 3 or more) to (1, H, W, C); the answer holds until the next call and may be changed."""
        ...

    def close(self) -> None: ...


EngineFactory = Callable[[bytes, ModelFile, int], Engine]
"""(bytes of the ``.tflite`` file, what it holds, CPU threads) to a loaded model. Raises ImportError
when its runtime is not installed, anything else when the runtime refuses the model."""


class CompiledBase:
    """LiteRT's ``CompiledModel`` on what ``options`` name, with the memory it takes and gives."""

    def __init__(self, model: bytes, holds: ModelFile, environment: Any, options: Any) -> None:
        litert = import_module("ai_edge_litert.compiled_model")
        height, width = holds.size
        self._shape = (1, height, width, holds.channels)
        self._length = height * width * holds.channels
        self._model = litert.CompiledModel.from_buffer(model, environment=environment, options=options)
        self._inputs = self._model.create_input_buffers(0)
        self._outputs = self._model.create_output_buffers(0)
        # The runtime reads the weights where they lie, so the bytes must outlive the model. A
        # finalizer, because freeing the model logs too, and Python frees what is left at exit.
        self.close = weakref.finalize(self, _free, [*self._inputs, *self._outputs], self._model, model)

    def invoke(self, tensor: Tensor) -> Tensor:
        # LiteRT 2.3 refuses 4-D tensors that share memory with numpy. Copying in and out costs 0.1 ms
        # together for 256 x 256 x 4; reading into an array of our own gains 3 us of that and needs a
        # private function.
        self._inputs[0].write(tensor)
        self._model.run_by_index(0, self._inputs, self._outputs)
        answer: Tensor = self._outputs[0].read(self._length, np.float32)
        return answer.reshape(self._shape)


class CompiledEngine(CompiledBase):
    """LiteRT's ``CompiledModel`` on the CPU (XNNPACK)."""

    def __init__(self, model: bytes, holds: ModelFile, threads: int) -> None:
        litert = import_module("ai_edge_litert.compiled_model")
        options = litert.Options(
            hardware_accelerators=litert.HardwareAccelerator.CPU,
            cpu_options=litert.CpuOptions(num_threads=threads),
        )
        mute_native_log_at_exit()
        with without_native_log():
            super().__init__(model, holds, environment(), options)
            # The runtime allocates, and complains, at the first run: better now than at a frame.
            self._inputs[0].write(np.zeros((1, *holds.size, holds.inputs), np.float32))
            self._model.run_by_index(0, self._inputs, self._outputs)


def _free(buffers: list[Any], model: Any, _data: bytes) -> None:
    with without_native_log():
        for buffer in buffers:
            buffer.destroy()
        model.close()


@cache
def environment(compiler: str = "", dispatch: str = "") -> Any:
    """One LiteRT environment for all students of the process that use the same plug-ins: the folders of
    an NPU's compiler and driver, none when empty."""
    package = import_module("ai_edge_litert.environment")
    # LiteRT searches for, and loads, plug-ins for other chips at every model unless it is sent to a
    # folder that has none, such as this one.
    bare = os.path.dirname(os.path.abspath(__file__))
    made = package.Environment.create(
        runtime_path=os.path.dirname(os.path.abspath(package.__file__ or "")),
        compiler_plugin_path=compiler or bare,
        dispatch_library_path=dispatch or bare,
    )
    weakref.finalize(made, _close_environment, made.close)
    return made


def _close_environment(close: Callable[[], None]) -> None:
    with without_native_log():
        close()


class InterpreterEngine:
    """The older TensorFlow Lite interpreter, for machines without a ``CompiledModel``."""

    def __init__(self, model: bytes, holds: ModelFile, threads: int) -> None:
        with without_native_log():
            self._interpreter = _interpreter_module().Interpreter(model_content=model, num_threads=threads)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def invoke(self, tensor: Tensor) -> Tensor:
        if self._interpreter is None:
            raise RuntimeError("the model is closed")
        self._interpreter.set_tensor(self._input, tensor)
        self._interpreter.invoke()
        answer: Tensor = self._interpreter.get_tensor(self._output)
        return answer

    def close(self) -> None:
        self._interpreter = None


def _interpreter_module() -> Any:
    missing = []
    for name in ("ai_edge_litert.interpreter", "tflite_runtime.interpreter"):
        try:
            return import_module(name)
        except ImportError as error:
            missing.append(str(error))
    raise ImportError("; ".join(missing))


def check_shapes(model: bytes, holds: ModelFile) -> None:
    """ValueError unless the runtime computes the very shapes that the file declares.

    Asked of the plain interpreter, which reserves address space and touches none of it, so that a
    model of 400 bytes cannot take all memory by growing to a size that it does not declare. Takes a
    millisecond.
    """
    with without_native_log():
        module = _interpreter_module()
        plain = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = module.Interpreter(model_content=model, experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
        details = interpreter.get_tensor_details()
    for detail in details:
        index, found = detail["index"], tuple(int(side) for side in detail["shape"])
        # Behind the graph's own tensors come those that kernels set up for themselves.
        declared = holds.shapes[index] if index < len(holds.shapes) else found
        if found != declared:
            raise ValueError(f"tensor {index} declares the shape {declared} and has {found}")


def open_engine(model: bytes, holds: ModelFile, threads: int) -> Engine:
    """The best runtime that is installed, its shapes checked. StudentError when there is none."""
    return _open(model, holds, threads, (CompiledEngine, InterpreterEngine))


def open_yielding_engine(model: bytes, holds: ModelFile, threads: int) -> Engine:
    """As ``open_engine``, for a student that runs in a thread of its own beside other Python work.

    ``CompiledModel.run_by_index`` of LiteRT 2.3 keeps Python's global lock while it runs, and with it
    every other stage waits; the interpreter lets go of it and gives the same bytes.
    """
    return _open(model, holds, threads, (InterpreterEngine, CompiledEngine))


def _open(model: bytes, holds: ModelFile, threads: int, choice: Sequence[EngineFactory]) -> Engine:
    try:
        check_shapes(model, holds)
        for engine in choice[:-1]:
            with suppress(ImportError):
                return engine(model, holds, threads)
        return choice[-1](model, holds, threads)
    except ImportError as error:
        raise StudentError(
            f"no LiteRT runtime ({error}); run: {pip(f'install ai-edge-litert~={LITERT}.0')}"
        ) from None
