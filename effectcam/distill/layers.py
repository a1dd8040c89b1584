"""Where a trained student and its .tflite file begin to part: every convolution's output, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray
from torch import Tensor, nn

from effectcam.distill.net import Student
from effectcam.errors import StudentError

ROUNDING = 0.002
"""Differences up to here come from rounding alone: to 16 bits, and of sums in another order."""

_CONVOLUTIONS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D)
_RELU = schema.ActivationFunctionType.RELU


@dataclass(frozen=True)
class LayerParity:
    """How far one convolution's output in the file is from the trained network's."""

    name: str
    """As in ``Student.named_modules()``."""
    difference: float
    """Mean absolute difference over the largest absolute value of the trained layer's output: above
    ``ROUNDING`` the layer was converted to another."""


def layer_parity(student: Student, model: bytes, picture: NDArray[np.uint8]) -> list[LayerParity]:
    """Draw ``picture`` uint8 (H, W, 3), of the file's size, with both, and compare what comes out of each
    convolution, in the order in which they compute. Raises StudentError when the file has others."""
    trained = _trained(student, picture)
    exported = _exported(model, picture)
    if len(trained) != len(exported):
        raise StudentError(
            f"the file has {len(exported)} convolutions, the trained network {len(trained)}; export it again"
        )
    found = []
    for (name, ours), (theirs, rectified) in zip(trained, exported, strict=True):
        expected = np.maximum(ours, 0) if rectified else ours
        if expected.shape != theirs.shape:
            raise StudentError(
                f"{name} gives {theirs.shape} in the file, not {expected.shape}; export it again"
            )
        largest = max(float(np.abs(expected).max()), 1e-6)
        found.append(LayerParity(name, float(np.abs(expected - theirs).mean()) / largest))
    return found


def _trained(student: Student, picture: NDArray[np.uint8]) -> list[tuple[str, NDArray[np.float32]]]:
    """Each convolution's output, (H, W, C), by the layer's name."""
    outputs: list[tuple[str, NDArray[np.float32]]] = []

    def keep(name: str, output: Tensor) -> None:
        outputs.append((name, output[0].permute(1, 2, 0).numpy().copy()))

    hooks = [
        module.register_forward_hook(lambda _m, _i, output, name=name: keep(name, output))
        for name, module in student.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    with torch.inference_mode():
        student.eval()(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)
    for hook in hooks:
        hook.remove()
    return outputs


def _exported(model: bytes, picture: NDArray[np.uint8]) -> list[tuple[NDArray[np.float32], bool]]:
    """Each convolution's output, (H, W, C), and whether its negative values were cut off on the way."""
    # Without the delegate, which fuses layers and keeps nothing between them.
    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    (taken,) = interpreter.get_input_details()
    # A recurrent student has drawn nothing before.
    values = np.zeros(taken["shape"], np.float32)
    values[0, ..., :3] = picture.astype(np.float32) / 255
    interpreter.set_tensor(taken["index"], values)
    interpreter.invoke()
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = root.subgraphs[0]
    outputs = []
    for operator in graph.operators:
        code = root.operatorCodes[operator.opcodeIndex]
        if max(code.deprecatedBuiltinCode, code.builtinCode) not in _CONVOLUTIONS:
            continue
        # The picture's own way past the network is the only 2 x 2 kernel, and no layer.
        if list(graph.tensors[operator.inputs[1]].shape[1:3]) == [2, 2]:
            continue
        values = np.asarray(interpreter.get_tensor(operator.outputs[0])[0], np.float32)
        outputs.append((values, operator.builtinOptions.fusedActivationFunction == _RELU))
    return outputs
