"""A model on the GPU or the NPU. Only the worker uses it: drivers may crash, hang, and hold Python's lock."""

from __future__ import annotations

from importlib import import_module

from effectcam.student.accelerator import Accelerator
from effectcam.student.device import npu_folders
from effectcam.student.engine import CompiledBase, EngineFactory, environment
from effectcam.student.gpu_model import count_operators, for_gpu
from effectcam.student.model_file import ModelFile


class AcceleratedEngine(CompiledBase):
    """LiteRT's ``CompiledModel`` on a GPU as far as it goes, on an NPU whole or not at all.

    ``exact`` has a GPU compute in float32 throughout; otherwise it may use float16, which is faster
    and, in a deep network, may be seen.
    """

    def __init__(
        self, model: bytes, holds: ModelFile, threads: int, *, accelerator: Accelerator, exact: bool
    ) -> None:
        litert = import_module("ai_edge_litert.compiled_model")
        kinds = litert.HardwareAccelerator
        plugins = npu_folders() if accelerator == "npu" else None
        around = environment(*plugins or ("", ""))
        if accelerator == "gpu":
            model = for_gpu(model, holds)
        wanted = kinds.GPU if accelerator == "gpu" else kinds.NPU

        def load(where: object) -> None:
            options = litert.Options(
                hardware_accelerators=where,
                cpu_options=litert.CpuOptions(num_threads=threads),
                gpu_options=litert.GpuOptions(enforce_f32=exact),
            )
            CompiledBase.__init__(self, model, holds, around, options)

        try:
            # Alone first: with the CPU beside it LiteRT gives up operators that the GPU does have.
            load(wanted)
        except RuntimeError:
            if accelerator == "npu":
                # With the CPU beside it LiteRT runs the model there when the NPU's plug-in fails, and says
                # that it did not.
                raise
            load(wanted | kinds.CPU)
        self.operators = count_operators(model)
        self.whole = bool(self._model.is_fully_accelerated())


def accelerated(accelerator: Accelerator, *, exact: bool) -> EngineFactory:
    """The factory for a student on ``accelerator``."""

    def make(model: bytes, holds: ModelFile, threads: int) -> AcceleratedEngine:
        return AcceleratedEngine(model, holds, threads, accelerator=accelerator, exact=exact)

    return make
