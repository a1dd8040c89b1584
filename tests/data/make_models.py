"""Builds the small ``.tflite`` models that the tests run, from TensorFlow Lite's schema alone.

    python tests/data/make_models.py

Every model is a few hundred bytes to a few KB, and the same bytes every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

HERE = Path(__file__).parent

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "int8": schema.TensorType.INT8,
    "int32": schema.TensorType.INT32,
}


class Net:
    """A graph under construction. Tensors are plain indices."""

    def __init__(self) -> None:
        self.model = schema.ModelT(version=3, description="effectcam test model")
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT(tensors=[], operators=[], inputs=[], outputs=[], name="main")
        self.model.subgraphs = [self.graph]

    def tensor(
        self, shape: Sequence[int], *, dtype: str = "float32", data: NDArray[Any] | None = None
    ) -> int:
        buffer = 0
        if data is not None:
            self.model.buffers.append(schema.BufferT(data=np.frombuffer(data.tobytes(), np.uint8)))
            buffer = len(self.model.buffers) - 1
        name = f"t{len(self.graph.tensors)}"
        tensor = schema.TensorT(shape=list(shape), type=_TYPES[dtype], buffer=buffer, name=name)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, values: Any, dtype: str = "float32") -> int:
        data = np.asarray(values, dtype)
        return self.tensor(data.shape, dtype=dtype, data=data)

    def input(self, shape: Sequence[int], dtype: str = "float32") -> int:
        index = self.tensor(shape, dtype=dtype)
        self.graph.inputs.append(index)
        return index

    def operator(
        self,
        code: int,
        inputs: Sequence[int],
        shape: Sequence[int],
        *,
        options: tuple[int, Any] | None = None,
        custom: str | None = None,
        dtype: str = "float32",
    ) -> int:
        """Append an operator and give its output tensor."""
        self.model.operatorCodes.append(
            schema.OperatorCodeT(
                builtinCode=code, deprecatedBuiltinCode=min(code, 127), version=1, customCode=custom
            )
        )
        output = self.tensor(shape, dtype=dtype)
        kind, value = options or (schema.BuiltinOptions.NONE, None)
        self.graph.operators.append(
            schema.OperatorT(
                opcodeIndex=len(self.model.operatorCodes) - 1,
                inputs=list(inputs),
                outputs=[output],
                builtinOptionsType=kind,
                builtinOptions=value,
            )
        )
        return output

    def shape(self, index: int) -> list[int]:
        return list(self.graph.tensors[index].shape)

    def conv(self, x: int, weights: Any, bias: Any, *, stride: int = 1, relu6: bool = False) -> int:
        """``weights`` (out, k, k, in)."""
        kernel = np.asarray(weights, np.float32)
        batch, height, width, _ = self.shape(x)
        options = schema.Conv2DOptionsT(
            padding=schema.Padding.SAME,
            strideH=stride,
            strideW=stride,
            fusedActivationFunction=_activation(relu6),
        )
        return self.operator(
            schema.BuiltinOperator.CONV_2D,
            [x, self.constant(kernel), self.constant(bias)],
            [batch, height // stride, width // stride, len(kernel)],
            options=(schema.BuiltinOptions.Conv2DOptions, options),
        )

    def depthwise(self, x: int, weights: Any, bias: Any) -> int:
        """``weights`` (1, k, k, channels)."""
        options = schema.DepthwiseConv2DOptionsT(
            padding=schema.Padding.SAME,
            strideH=1,
            strideW=1,
            depthMultiplier=1,
            fusedActivationFunction=_activation(True),
        )
        return self.operator(
            schema.BuiltinOperator.DEPTHWISE_CONV_2D,
            [x, self.constant(weights), self.constant(bias)],
            self.shape(x),
            options=(schema.BuiltinOptions.DepthwiseConv2DOptions, options),
        )

    def divide(self, a: int, b: int) -> int:
        options = (schema.BuiltinOptions.DivOptions, schema.DivOptionsT())
        return self.operator(schema.BuiltinOperator.DIV, [a, b], self.shape(a), options=options)

    def add(self, a: int, b: int) -> int:
        options = (schema.BuiltinOptions.AddOptions, schema.AddOptionsT())
        return self.operator(schema.BuiltinOperator.ADD, [a, b], self.shape(a), options=options)

    def resize(self, x: int, size: tuple[int, int]) -> int:
        """To ``size`` (height, width), bilinear."""
        batch, _, _, channels = self.shape(x)
        options = schema.ResizeBilinearOptionsT(halfPixelCenters=True)
        return self.operator(
            schema.BuiltinOperator.RESIZE_BILINEAR,
            [x, self.constant(size, "int32")],
            [batch, *size, channels],
            options=(schema.BuiltinOptions.ResizeBilinearOptions, options),
        )

    def upsample(self, x: int) -> int:
        _, height, width, _ = self.shape(x)
        return self.resize(x, (2 * height, 2 * width))

    def sigmoid(self, x: int) -> int:
        return self.operator(schema.BuiltinOperator.LOGISTIC, [x], self.shape(x))

    def finish(self, *outputs: int) -> bytes:
        self.graph.outputs = list(outputs)
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def _activation(relu6: bool) -> int:
    kind = schema.ActivationFunctionType
    return int(kind.RELU6 if relu6 else kind.NONE)


def pointwise(matrix: Any, bias: Sequence[float], *, size: tuple[int, int] = (32, 32)) -> bytes:
    """One 1x1 convolution: out = matrix @ rgb + bias, at each pixel."""
    net = Net()
    weights = np.asarray(matrix, np.float32)[:, None, None, :]
    return net.finish(net.conv(net.input([1, *size, weights.shape[-1]]), weights, bias))


def unet(*, side: int = 128, width: int = 16) -> bytes:
    """A small encoder and decoder with a skip, random weights: work enough for several threads."""
    rng = np.random.default_rng(7)

    def weights(*shape: int) -> NDArray[np.float32]:
        scaled = rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        return np.asarray(scaled, np.float32)

    net = Net()
    picture = net.input([1, side, side, 3])
    stem = net.conv(picture, weights(width, 3, 3, 3), weights(width), stride=2, relu6=True)
    deep = net.conv(stem, weights(2 * width, 3, 3, width), weights(2 * width), stride=2, relu6=True)
    deep = net.depthwise(deep, 3 * weights(1, 3, 3, 2 * width), weights(2 * width))
    deep = net.conv(deep, weights(width, 1, 1, 2 * width), weights(width))
    wide = net.upsample(net.add(net.upsample(deep), stem))
    return net.finish(net.sigmoid(net.conv(wide, 4 * weights(3, 3, 3, width), weights(3))))


def half_size() -> bytes:
    net = Net()
    return net.finish(net.conv(net.input([1, 32, 32, 3]), np.ones((3, 1, 1, 3)) / 3, [0, 0, 0], stride=2))


def nan_where_black() -> bytes:
    """x / x: white, except where the picture is black: 0 / 0."""
    net = Net()
    picture = net.input([1, 32, 32, 3])
    return net.finish(net.divide(picture, picture))


def two_inputs() -> bytes:
    net = Net()
    return net.finish(net.add(net.input([1, 32, 32, 3]), net.input([1, 32, 32, 3])))


def two_outputs() -> bytes:
    net = Net()
    picture = net.input([1, 32, 32, 3])
    return net.finish(net.sigmoid(picture), net.add(picture, picture))


def int8_tensors() -> bytes:
    net = Net()
    picture = net.input([1, 32, 32, 3], "int8")
    kind = schema.BuiltinOperator.RELU
    return net.finish(net.operator(kind, [picture], [1, 32, 32, 3], dtype="int8"))


def custom_operator() -> bytes:
    net = Net()
    picture = net.input([1, 32, 32, 3])
    kind = schema.BuiltinOperator.CUSTOM
    return net.finish(net.operator(kind, [picture], [1, 32, 32, 3], custom="ReadFile"))


def random_operator() -> bytes:
    net = Net()
    net.input([1, 32, 32, 3])
    shape = net.constant([1, 32, 32, 3], "int32")
    options = (schema.BuiltinOptions.RandomOptions, schema.RandomOptionsT(seed=1))
    kind = schema.BuiltinOperator.RANDOM_UNIFORM
    return net.finish(net.operator(kind, [shape], [1, 32, 32, 3], options=options))


def computed_shape() -> bytes:
    """Resizes to a size that is itself a tensor without a value in the file."""
    net = Net()
    picture = net.input([1, 32, 32, 3])
    size = net.tensor([2], dtype="int32")
    options = (schema.BuiltinOptions.ResizeBilinearOptions, schema.ResizeBilinearOptionsT())
    kind = schema.BuiltinOperator.RESIZE_BILINEAR
    return net.finish(net.operator(kind, [picture, size], [1, 32, 32, 3], options=options))


def doubled_constants() -> bytes:
    """Constants laid side by side again and again, twice as many each time, and declared as a picture."""
    net = Net()
    picture = net.input([1, 32, 32, 3])
    grown = net.constant(np.zeros((1, 32, 32, 3)))
    options = (schema.BuiltinOptions.ConcatenationOptions, schema.ConcatenationOptionsT(axis=3))
    for _ in range(3):
        kind = schema.BuiltinOperator.CONCATENATION
        grown = net.operator(kind, [grown, grown], [1, 32, 32, 3], options=options)
    return net.finish(net.add(picture, grown))


def outside_weights() -> bytes:
    net = Net()
    net.model.externalBufferGroups = [schema.ExternalBufferGroupT(name="/etc/hostname")]
    return net.finish(net.sigmoid(net.input([1, 32, 32, 3])))


def placed_weights() -> bytes:
    """Weights that are a place in the file, and here one far behind its end."""
    net = Net()
    picture = net.input([1, 32, 32, 3])
    net.model.buffers.append(schema.BufferT(offset=1 << 40, size=12))
    return net.finish(net.sigmoid(picture))


MODELS = {
    "identity": lambda: pointwise(np.eye(3), [0, 0, 0]),
    "negative": lambda: pointwise(-np.eye(3), [1, 1, 1]),
    # Twice the contrast about middle grey: half of the input range ends beyond the output range.
    "contrast": lambda: pointwise(2 * np.eye(3), [-0.5] * 3),
    # RGB unchanged, alpha the red channel.
    "rgba": lambda: pointwise([*np.eye(3), [1, 0, 0]], [0, 0, 0, 0]),
    # Recurrent: half the picture, half of what it drew before.
    "echo": lambda: pointwise(np.hstack((np.eye(3), np.eye(3))) / 2, [0, 0, 0]),
    "wide_echo": lambda: pointwise(np.hstack((np.eye(3), np.eye(3))) / 2, [0, 0, 0], size=(32, 64)),
    "wide": lambda: pointwise(np.eye(3), [0, 0, 0], size=(32, 64)),
    "grey": lambda: pointwise(np.ones((3, 1)), [0, 0, 0]),
    "unet": unet,
    "half_size": half_size,
    "nan_where_black": nan_where_black,
    "two_inputs": two_inputs,
    "two_outputs": two_outputs,
    "int8": int8_tensors,
    "custom_operator": custom_operator,
    "random_operator": random_operator,
    "computed_shape": computed_shape,
    "doubled_constants": doubled_constants,
    "outside_weights": outside_weights,
    "placed_weights": placed_weights,
}


def main() -> None:
    for name, make in MODELS.items():
        (HERE / f"{name}.tflite").write_bytes(make())


if __name__ == "__main__":
    main()
