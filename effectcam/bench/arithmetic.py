"""How much arithmetic a student is, and how much of it the CPU's delegate takes over; read from its file."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

from effectcam.bench.report import Delegation
from effectcam.native_log import without_native_log


def multiply_adds(model: bytes) -> int:
    """Multiply-adds of one run of a ``.tflite`` model: its convolutions and dense layers. What is left
    out (activations, sums, resizing) comes to a few per cent of a UNet."""
    schema = import_module("ai_edge_litert.schema_py_generated")
    kinds = schema.BuiltinOperator
    root = schema.Model.GetRootAs(model, 0)
    graph = root.Subgraphs(0)
    total = 0
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = root.OperatorCodes(operator.OpcodeIndex())
        kind = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
        output = _shape(graph, operator.Outputs(0))
        if kind == kinds.CONV_2D or kind == kinds.FULLY_CONNECTED:
            # Weights (out, height, width, in): each output number is a sum over all but the first.
            total += math.prod(output) * math.prod(_shape(graph, operator.Inputs(1))[1:])
        elif kind == kinds.DEPTHWISE_CONV_2D:
            # Weights (1, height, width, out): each output number sees one channel.
            total += math.prod(output) * math.prod(_shape(graph, operator.Inputs(1))[1:3])
        elif kind == kinds.TRANSPOSE_CONV:
            # Weights (out, height, width, in): each input number goes to all but the last.
            weights = _shape(graph, operator.Inputs(1))
            total += math.prod(_shape(graph, operator.Inputs(2))) * math.prod(weights[:-1])
    return total


def _shape(graph: Any, tensor: int) -> list[int]:
    return [int(side) for side in graph.Tensors(tensor).ShapeAsNumpy()]


def delegation(model: bytes) -> Delegation | None:
    """How many operators of ``model`` XNNPACK runs; the others fall back to LiteRT's plain kernels, at a
    copy in and out each time. None where the runtime does not tell.

    Asked of the interpreter, which lists each operator and, behind them, the delegate's parts with the
    tensors that they take and give: what lies between the two is delegated.
    """
    try:
        module = import_module("ai_edge_litert.interpreter")
        with without_native_log():
            interpreter = module.Interpreter(model_content=model, num_threads=1)
            interpreter.allocate_tensors()
            operators = interpreter._get_ops_details()
    except (ImportError, AttributeError):
        # Intel Macs and older systems have an interpreter without a list.
        return None
    own = [operator for operator in operators if operator["op_name"] != "DELEGATE"]
    maker = {int(tensor): place for place, operator in enumerate(own) for tensor in operator["outputs"]}
    delegated: set[int] = set()
    for part in operators[len(own) :]:
        taken = {int(tensor) for tensor in part["inputs"]}
        ahead = [int(tensor) for tensor in part["outputs"]]
        while ahead:
            place = maker.get(ahead.pop())
            if place is not None and place not in delegated:
                delegated.add(place)
                ahead += [int(tensor) for tensor in own[place]["inputs"] if int(tensor) not in taken]
    return Delegation(operators=len(own), delegated=len(delegated))
