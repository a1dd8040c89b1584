"""What a trained network sees in a picture: the first layers of a ``.tflite`` file, rebuilt in PyTorch.

A loss needs gradients with respect to the picture, which LiteRT does not give. The layers that networks
for faces begin with are few in kind, so they are read from the file and run here, with the file's weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from ai_edge_litert import schema_py_generated as schema
from torch import Tensor, nn

from effectcam.errors import UsageError

_OPERATOR = schema.BuiltinOperator
_ACTIVATIONS: dict[int, Callable[[Tensor], Tensor]] = {
    schema.ActivationFunctionType.NONE: lambda x: x,
    schema.ActivationFunctionType.RELU: F.relu,
    schema.ActivationFunctionType.RELU6: F.relu6,
}


@dataclass(frozen=True)
class _Layer:
    """One operator: what it does to the tensors ``inputs``, and the number of what comes out."""

    inputs: tuple[int, ...]
    output: int
    run: Callable[..., Tensor]


class FixedFeatures(nn.Module):
    """The activations of a ``.tflite`` network just before each of its first ``levels`` halvings in size,
    from its half size on. The network must be of convolutions, PReLU, ReLU, sums, padded channels and
    max pooling up to there, and take one picture.

    Pictures (N, 3, H, W) of any size, with the range of values that the network was made for.
    """

    def __init__(self, path: Path, *, levels: int = 4) -> None:
        """Raises UsageError, with the path, for a file that is not of this kind."""
        super().__init__()
        root = schema.Model.GetRootAs(path.read_bytes(), 0)
        graph = root.Subgraphs(0)
        self.entry = int(graph.Inputs(0))
        self.layers: list[_Layer] = []
        self.taps: list[int] = []
        constants = {
            number: value
            for number in range(graph.TensorsLength())
            if (value := _constant(root, graph.Tensors(number))) is not None
        }
        size = int(graph.Tensors(self.entry).ShapeAsNumpy()[1]) // 2
        latest = self.entry
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            code = root.OperatorCodes(operator.OpcodeIndex())
            kind = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
            numbers, output = [int(n) for n in operator.InputsAsNumpy()], int(operator.Outputs(0))
            if kind == _OPERATOR.DEQUANTIZE and numbers[0] in constants:
                # Weights kept as float16; the arithmetic is float32 all the same.
                constants[output] = constants[numbers[0]].float()
                continue
            side = int(graph.Tensors(output).ShapeAsNumpy()[1])
            if side < size:
                self.taps.append(latest)
                size = side
            if len(self.taps) == levels:
                break
            build = _BUILDERS.get(kind)
            if build is None:
                raise UsageError(
                    f"{path}: layer {index} is of kind {kind}, which cannot be rebuilt; choose fewer levels"
                )
            values = [constants[number] for number in numbers if number in constants]
            given = tuple(number for number in numbers if number not in constants)
            self.layers.append(_Layer(given, output, build(operator, values)))
            latest = output
        if len(self.taps) < levels:
            raise UsageError(f"{path} halves its picture {len(self.taps)} times, {levels} are needed")

    def forward(self, picture: Tensor) -> list[Tensor]:
        known, found = {self.entry: picture}, []
        for layer in self.layers:
            known[layer.output] = layer.run(*(known[number] for number in layer.inputs))
            if layer.output in self.taps:
                found.append(known[layer.output])
        return found


def _constant(root: schema.Model, tensor: schema.Tensor) -> Tensor | None:
    """What the file holds for a tensor of floats or 32-bit integers; None for one that is computed, or kept
    with its zeros left out."""
    data = root.Buffers(tensor.Buffer()).DataAsNumpy()
    kinds = {
        schema.TensorType.FLOAT32: np.float32,
        schema.TensorType.FLOAT16: np.float16,
        schema.TensorType.INT32: np.int32,
    }
    if not isinstance(data, np.ndarray) or tensor.Type() not in kinds or tensor.Sparsity() is not None:
        return None
    return torch.from_numpy(data.view(kinds[tensor.Type()]).reshape(tensor.ShapeAsNumpy()).copy())


def _same(x: Tensor, kernel: tuple[int, int], stride: int, *, value: float = 0.0) -> Tensor:
    """TensorFlow's "same" padding, which puts the odd pixel at the end."""
    pads = []
    for length, reach in zip(reversed(x.shape[2:]), reversed(kernel), strict=True):
        total = max((-(-length // stride) - 1) * stride + reach - length, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value) if any(pads) else x


def _convolution(operator: schema.Operator, values: list[Tensor]) -> Callable[[Tensor], Tensor]:
    options = schema.Conv2DOptions()
    options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    return _convolved(values[0].permute(0, 3, 1, 2), values[1], options, groups=1)


def _depthwise(operator: schema.Operator, values: list[Tensor]) -> Callable[[Tensor], Tensor]:
    options = schema.DepthwiseConv2DOptions()
    options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    # Depthwise kernels lie (1, height, width, channels).
    kernel = values[0].permute(3, 0, 1, 2)
    return _convolved(kernel, values[1], options, groups=len(kernel))


def _convolved(
    kernel: Tensor,
    bias: Tensor,
    options: schema.Conv2DOptions | schema.DepthwiseConv2DOptions,
    *,
    groups: int,
) -> Callable[[Tensor], Tensor]:
    stride, same = options.StrideH(), options.Padding() == schema.Padding.SAME
    activate = _ACTIVATIONS[options.FusedActivationFunction()]
    height, width = int(kernel.shape[2]), int(kernel.shape[3])
    kernel = kernel.contiguous(memory_format=torch.channels_last)

    def run(x: Tensor) -> Tensor:
        if same and stride == 1:
            return activate(F.conv2d(x, kernel, bias, padding=(height // 2, width // 2), groups=groups))
        x = _same(x, (height, width), stride) if same else x
        return activate(F.conv2d(x, kernel, bias, stride=stride, groups=groups))

    return run


def _pool(operator: schema.Operator, _: list[Tensor]) -> Callable[[Tensor], Tensor]:
    options = schema.Pool2DOptions()
    options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    kernel, stride = (options.FilterHeight(), options.FilterWidth()), options.StrideH()
    same = options.Padding() == schema.Padding.SAME

    def run(x: Tensor) -> Tensor:
        return F.max_pool2d(_same(x, kernel, stride, value=-torch.inf) if same else x, kernel, stride)

    return run


def _prelu(_: schema.Operator, values: list[Tensor]) -> Callable[[Tensor], Tensor]:
    slope = values[0].flatten()
    return lambda x: F.prelu(x, slope)


def _pad(_: schema.Operator, values: list[Tensor]) -> Callable[[Tensor], Tensor]:
    (_batch, rows, columns, channels) = values[0].tolist()
    return lambda x: F.pad(x, (*columns, *rows, *channels))


def _add(operator: schema.Operator, _: list[Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    options = schema.AddOptions()
    options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    activate = _ACTIVATIONS[options.FusedActivationFunction()]
    return lambda a, b: activate(a + b)


_BUILDERS: dict[int, Callable[[schema.Operator, list[Tensor]], Callable[..., Tensor]]] = {
    _OPERATOR.CONV_2D: _convolution,
    _OPERATOR.DEPTHWISE_CONV_2D: _depthwise,
    _OPERATOR.MAX_POOL_2D: _pool,
    _OPERATOR.PRELU: _prelu,
    _OPERATOR.RELU: lambda _operator, _values: F.relu,
    _OPERATOR.PAD: _pad,
    _OPERATOR.ADD: _add,
}
