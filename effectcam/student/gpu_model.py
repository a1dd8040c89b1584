"""A model in the operators that LiteRT's GPU kernels have."""

from __future__ import annotations

import numpy as np

from effectcam.student.model_file import ModelFile


def for_gpu(model: bytes, holds: ModelFile) -> bytes:
    """The same function as ``model``, with each clamp to 0 ... 1 as a RELU and a MINIMUM.

    LiteRT 2.3 has no GPU kernel for RELU_0_TO_1, which is how the converter writes a student's last
    clamp: all that follows it would go back to the CPU. The two operators give the same numbers.
    """
    if "RELU_0_TO_1" not in holds.operators:
        return model
    # Here, because only a GPU needs them.
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    kinds = schema.BuiltinOperator
    whole = schema.ModelT.InitFromPackedBuf(model, 0)
    (graph,) = whole.subgraphs
    clamps = set()
    for index, code in enumerate(whole.operatorCodes):
        if code.builtinCode == kinds.RELU_0_TO_1:
            code.builtinCode = code.deprecatedBuiltinCode = kinds.RELU
            clamps.add(index)
    minimum = schema.OperatorCodeT()
    minimum.builtinCode = minimum.deprecatedBuiltinCode = kinds.MINIMUM
    minimum.version = 1
    whole.operatorCodes.append(minimum)

    def tensor(shape: list[int], buffer: int, name: bytes) -> int:
        made = schema.TensorT()
        made.shape, made.buffer, made.name = shape, buffer, name
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    one = schema.BufferT()
    one.data = np.frombuffer(np.float32(1).tobytes(), np.uint8)
    whole.buffers.append(one)
    upper = tensor([1], len(whole.buffers) - 1, b"one")
    operators = []
    for operator in graph.operators:
        operators.append(operator)
        if operator.opcodeIndex in clamps:
            # Buffer 0 is the empty one, by the format.
            between = tensor(list(graph.tensors[operator.outputs[0]].shape), 0, b"not below zero")
            second = schema.OperatorT()
            second.opcodeIndex = len(whole.operatorCodes) - 1
            second.inputs, second.outputs = [between, upper], operator.outputs
            second.builtinOptionsType = schema.BuiltinOptions.MaximumMinimumOptions
            second.builtinOptions = schema.MaximumMinimumOptionsT()
            operator.outputs = [between]
            operators.append(second)
    graph.operators = operators
    builder = flatbuffers.Builder(len(model) + 1024)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def count_operators(model: bytes) -> int:
    """How many operators the graph of a ``.tflite`` file with one subgraph has."""
    from ai_edge_litert import schema_py_generated as schema

    return int(schema.Model.GetRootAs(model, 0).Subgraphs(0).OperatorsLength())
