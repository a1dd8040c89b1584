"""How much arithmetic a student is, counted from its file."""

from __future__ import annotations

import math

from ai_edge_litert import schema_py_generated as schema

_BUILTIN = schema.BuiltinOperator


def multiply_adds(model: bytes) -> int:
    """Multiply-adds of one run of a ``.tflite`` model: its convolutions and dense layers. What is left
    out (activations, sums, resizing) comes to a few per cent of a UNet."""
    root = schema.Model.GetRootAs(model, 0)
    graph = root.Subgraphs(0)
    total = 0
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = root.OperatorCodes(operator.OpcodeIndex())
        kind = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
        output = [int(side) for side in graph.Tensors(operator.Outputs(0)).ShapeAsNumpy()]
        if kind == _BUILTIN.CONV_2D or kind == _BUILTIN.FULLY_CONNECTED:
            # Weights (out, height, width, in): each output number is a sum over all but the first.
            weights = [int(side) for side in graph.Tensors(operator.Inputs(1)).ShapeAsNumpy()]
            total += math.prod(output) * math.prod(weights[1:])
        elif kind == _BUILTIN.DEPTHWISE_CONV_2D:
            # Weights (1, height, width, out): each output number sees one channel.
            weights = [int(side) for side in graph.Tensors(operator.Inputs(1)).ShapeAsNumpy()]
            total += math.prod(output) * weights[1] * weights[2]
        elif kind == _BUILTIN.TRANSPOSE_CONV:
            # Weights (out, height, width, in): each input number goes to all but the last.
            weights = [int(side) for side in graph.Tensors(operator.Inputs(1)).ShapeAsNumpy()]
            image = [int(side) for side in graph.Tensors(operator.Inputs(2)).ShapeAsNumpy()]
            total += math.prod(image) * math.prod(weights[:-1])
    return total
