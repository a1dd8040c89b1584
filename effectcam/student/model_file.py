"""What a ``.tflite`` file holds, read without running it.

The file is a FlatBuffer, and it may come from a stranger. This reader follows only the few fields
that decide whether the model is a picture function, checks every offset against the file's end,
and needs no runtime, so that listing effects stays quick and a hostile file meets as little native
code as possible. Field numbers and operator codes are those of TensorFlow Lite's ``schema.fbs``.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from effectcam.errors import StudentError

_FLOAT32 = 0
_WHOLE_NUMBERS = (2, 4)
_DTYPE_NAMES = (
    "float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 resource "
    "variant uint32 uint16 int4 bfloat16 int2"
)
_DTYPES = dict(enumerate(_DTYPE_NAMES.split()))

_CUSTOM = 32

LONGEST_SIDE = 1024
"""Pixels: beyond it no student is live, and its buffers would take the memory of everything else."""

_MOST_ELEMENTS = 128 * 1024 * 1024
"""In all tensors of the graph together: half a GB, were none to share memory."""

_MOST_ENTRIES = 65_536
_MOST_AXES = 8
_MOST_INPUTS = 64
"""In one vector of tables: students have a few hundred, and a hostile file must not cost seconds."""

# Arithmetic on tensors and nothing else. Left out on purpose: custom and delegate operators (code
# from outside the model), control flow (run time without bound), variables and hash tables (an
# answer that depends on the past), random numbers (a replay could not repeat them), shapes that
# depend on the picture.
_OPERATOR_NAMES = """
    0:ADD 1:AVERAGE_POOL_2D 2:CONCATENATION 3:CONV_2D 4:DEPTHWISE_CONV_2D 5:DEPTH_TO_SPACE
    6:DEQUANTIZE 8:FLOOR 9:FULLY_CONNECTED 11:L2_NORMALIZATION 14:LOGISTIC 17:MAX_POOL_2D 18:MUL
    19:RELU 20:RELU_N1_TO_1 21:RELU6 22:RESHAPE 23:RESIZE_BILINEAR 25:SOFTMAX 26:SPACE_TO_DEPTH
    28:TANH 34:PAD 36:GATHER 37:BATCH_TO_SPACE_ND 38:SPACE_TO_BATCH_ND 39:TRANSPOSE 40:MEAN 41:SUB 42:DIV
    43:SQUEEZE 45:STRIDED_SLICE 47:EXP 49:SPLIT 53:CAST 54:PRELU 55:MAXIMUM 57:MINIMUM 58:LESS
    59:NEG 60:PADV2 61:GREATER 62:GREATER_EQUAL 63:LESS_EQUAL 64:SELECT 65:SLICE 66:SIN
    67:TRANSPOSE_CONV 69:TILE 70:EXPAND_DIMS 71:EQUAL 72:NOT_EQUAL 73:LOG 74:SUM 75:SQRT 76:RSQRT
    78:POW 82:REDUCE_MAX 83:PACK 84:LOGICAL_OR 86:LOGICAL_AND 87:LOGICAL_NOT 88:UNPACK
    89:REDUCE_MIN 92:SQUARE 93:ZEROS_LIKE 94:FILL 97:RESIZE_NEAREST_NEIGHBOR 98:LEAKY_RELU
    99:SQUARED_DIFFERENCE 100:MIRROR_PAD 101:ABS 102:SPLIT_V 104:CEIL 105:REVERSE_V2 106:ADD_N 108:COS 111:ELU
    114:QUANTIZE 116:ROUND 117:HARD_SWISH 123:SELECT_V2 126:BATCH_MATMUL 130:BROADCAST_TO 150:GELU
    152:RELU_0_TO_1 158:SIGN
"""
_OPERATORS = {
    int(code): name for code, _, name in (entry.partition(":") for entry in _OPERATOR_NAMES.split())
}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that is a picture function: float32 (1, H, W, 3) to float32 (1, H, W, 3 or 4). A recurrent one
    takes its last drawing behind the picture, (1, H, W, 3 + 3 or 3 + 4)."""

    size: tuple[int, int]
    """(height, width) in pixels."""
    channels: int
    """Of the output: 3 (RGB) or 4 (RGB and alpha)."""
    inputs: int
    """Channels of the input: 3, or ``channels`` more when it is recurrent."""
    operators: tuple[str, ...]
    """The kinds of operator it is built of, each once, sorted."""
    shapes: tuple[tuple[int, ...], ...]
    """Of every tensor of the graph, by index, as the file declares them. The runtime computes its own:
    only when both agree is the memory that the model takes what it says."""


def inspect_model(data: bytes, *, name: str) -> ModelFile:
    """Read ``data``, the bytes of a ``.tflite`` file, and refuse all that is no picture function.

    ``name`` stands in the messages. Raises StudentError when the file is damaged, runs anything but
    plain tensor operators, refers to data outside itself, or has other tensors than one RGB picture
    in and one RGB or RGBA picture of the same size out.
    """
    if data[4:8] != b"TFL3":
        raise StudentError(f"{name} is not a .tflite model (no TFL3 mark); export it again")
    try:
        return _inspect(_Table.root(data), name)
    except (_DamagedError, struct.error, UnicodeDecodeError):
        raise StudentError(f"{name} is a damaged .tflite file; copy or export it again") from None


def _inspect(model: _Table, name: str) -> ModelFile:
    # External buffers, their groups, and buffers that are no more than a place in the file: a runtime
    # would follow the last wherever it leads.
    outside = any(next(model.tables(number), None) is not None for number in (8, 9))
    if outside or any(buffer.uint64(1) > 1 for buffer in model.tables(4)):
        raise StudentError(f"{name} keeps weights outside the file; export it with its weights inside")

    operators = []
    for code in model.tables(1):
        # The old field is one byte; codes that do not fit it stand in the newer one.
        number = max(code.int8(0), code.int32(3))
        if number == _CUSTOM:
            label = code.text(1) or "without a name"
            raise StudentError(f"{name} uses the custom operator {label!r}; export it with builtin operators")
        if number not in _OPERATORS:
            raise StudentError(
                f"{name} uses operator {number}, which a picture function may not (control flow, state, "
                "randomness or unknown); rebuild the model without it"
            )
        operators.append(_OPERATORS[number])

    graphs = list(model.tables(2))
    if len(graphs) != 1:
        raise StudentError(f"{name} has {len(graphs)} subgraphs, not 1; export a single picture function")
    graph = graphs[0]
    tensors = list(graph.tables(0))
    shapes = tuple(tuple(tensor.int32s(0, _MOST_AXES)) for tensor in tensors)
    if any(side < 0 for shape in shapes for side in shape):
        raise StudentError(f"{name} has a tensor of open size; export it with fixed shapes")
    if sum(math.prod(shape) for shape in shapes) > _MOST_ELEMENTS:
        raise StudentError(f"{name} has more than {_MOST_ELEMENTS} numbers in its tensors; build it smaller")
    _refuse_computed_shapes(model, graph, tensors, operators, name)
    taken = _the_one(graph.int32s(1, _MOST_INPUTS), tensors, "input", name)
    given = _the_one(graph.int32s(2, _MOST_INPUTS), tensors, "output", name)

    (batch, height, width, channels), (batch_out, height_out, width_out, channels_out) = taken, given
    if batch != 1 or channels not in (3, 3 + channels_out) or height < 1 or width < 1:
        raise StudentError(
            f"{name} takes a tensor of shape {taken}, not (1, height, width, 3) or, with its last drawing, "
            f"(1, height, width, {3 + channels_out}); export it so"
        )
    if max(height, width) > LONGEST_SIDE:
        raise StudentError(f"{name} takes {width}x{height} pixels; a side may have {LONGEST_SIDE} at most")
    if (batch_out, height_out, width_out) != (1, height, width) or channels_out not in (3, 4):
        expected = f"(1, {height}, {width}, 3 or 4)"
        raise StudentError(f"{name} gives a tensor of shape {given}, not {expected}; export it so")
    return ModelFile((height, width), channels_out, channels, tuple(sorted(set(operators))), shapes)


def _refuse_computed_shapes(
    model: _Table, graph: _Table, tensors: list[_Table], kinds: list[str], name: str
) -> None:
    """StudentError when an operator takes whole numbers that are no constants, or nothing but constants.

    Whole numbers are sizes, axes and paddings. As constants they fix every shape before the first
    run, so that the runtime can be asked for the shapes first. What has only constants is computed while
    it is asked, whatever it grows to; weights stored as half floats are the one use of that.
    """
    filled = [buffer.length(0) > 0 for buffer in model.tables(4)]
    for operator in graph.tables(3):
        constants = []
        for index in operator.int32s(1, _MOST_INPUTS):
            if not 0 <= index < len(tensors):
                continue  # -1 stands for an input that is left out
            tensor = tensors[index]
            buffer = tensor.int32(2)
            constants.append(0 <= buffer < len(filled) and filled[buffer])
            if tensor.int8(1) in _WHOLE_NUMBERS and not constants[-1]:
                raise StudentError(f"{name} computes its shapes as it runs; export it with fixed shapes")
        kind = operator.int32(0)
        if constants and all(constants) and not (0 <= kind < len(kinds) and kinds[kind] == "DEQUANTIZE"):
            raise StudentError(f"{name} computes what never changes; export it with its constants folded")


def _the_one(indices: list[int], tensors: list[_Table], role: str, name: str) -> tuple[int, int, int, int]:
    """Shape of the only input or output, or the reason why it will not do."""
    if len(indices) != 1:
        raise StudentError(
            f"{name} has {len(indices)} {role} tensors, not 1; export a model with one picture"
        )
    if not 0 <= indices[0] < len(tensors):
        raise _DamagedError
    tensor = tensors[indices[0]]
    dtype = tensor.int8(1)
    if dtype != _FLOAT32:
        label = _DTYPES.get(dtype, f"type {dtype}")
        raise StudentError(
            f"{name} has {label} as its {role} type, not float32; export it with float32 tensors"
        )
    shape = tensor.int32s(0, _MOST_AXES)
    if len(shape) != 4 or -1 in tensor.int32s(7, _MOST_AXES):
        raise StudentError(f"{name} has an {role} of shape {tuple(shape)}; export it with a fixed NHWC shape")
    return shape[0], shape[1], shape[2], shape[3]


class _DamagedError(Exception):
    """An offset or a length leads out of the file."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A FlatBuffer table at ``start`` of ``data``: fields by number, absent ones read as default."""

    data: bytes
    start: int

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, _uint32(data, 0))

    def _field(self, number: int) -> int:
        """Position of the field, 0 when it is absent."""
        (back,) = struct.unpack_from("<i", self.data, _within(self.data, self.start, 4))
        vtable = _within(self.data, self.start - back, 4)
        (length,) = struct.unpack_from("<H", self.data, vtable)
        slot = 4 + 2 * number
        if slot + 2 > length:
            return 0
        (offset,) = struct.unpack_from("<H", self.data, _within(self.data, vtable + slot, 2))
        return self.start + offset if offset else 0

    def int8(self, number: int) -> int:
        at = self._field(number)
        return int(struct.unpack_from("<b", self.data, _within(self.data, at, 1))[0]) if at else 0

    def int32(self, number: int) -> int:
        at = self._field(number)
        return int(struct.unpack_from("<i", self.data, _within(self.data, at, 4))[0]) if at else 0

    def uint64(self, number: int) -> int:
        at = self._field(number)
        return int(struct.unpack_from("<Q", self.data, _within(self.data, at, 8))[0]) if at else 0

    def text(self, number: int) -> str:
        at = self._field(number)
        if not at:
            return ""
        start = at + _uint32(self.data, at)
        length = _uint32(self.data, start)
        start = _within(self.data, start + 4, length)
        return self.data[start : start + length].decode("utf-8")

    def _vector(self, number: int, most: int = _MOST_ENTRIES) -> tuple[int, int]:
        """Position and length of a vector of four-byte elements, ``most`` at most: many tables may
        share one vector, so a small file can hold far more than its size."""
        at = self._field(number)
        if not at:
            return 0, 0
        start = at + _uint32(self.data, at)
        length = _uint32(self.data, start)
        if length > most:
            raise _DamagedError
        return _within(self.data, start + 4, 4 * length), length

    def length(self, number: int) -> int:
        """Elements of a vector of any kind."""
        at = self._field(number)
        return _uint32(self.data, at + _uint32(self.data, at)) if at else 0

    def int32s(self, number: int, most: int) -> list[int]:
        start, length = self._vector(number, most)
        return list(struct.unpack_from(f"<{length}i", self.data, start))

    def tables(self, number: int) -> Iterator[_Table]:
        start, length = self._vector(number)
        for at in range(start, start + 4 * length, 4):
            yield _Table(self.data, at + _uint32(self.data, at))


def _within(data: bytes, start: int, length: int) -> int:
    """``start``, once it is sure that ``length`` bytes from there lie in ``data``."""
    if start < 0 or start + length > len(data):
        raise _DamagedError
    return start


def _uint32(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, _within(data, at, 4))[0])
