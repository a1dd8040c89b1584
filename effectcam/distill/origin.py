"""Weights read back from an exported student, so that training can go on from a published effect."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from torch import Tensor, nn

from effectcam.distill.net import NetConfig, Student
from effectcam.distill.recipe import StudentRecipe
from effectcam.effect.package import load_effect
from effectcam.errors import UsageError

_OPERATOR = schema.BuiltinOperator
_KEPT = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}


@dataclass(frozen=True)
class Origin:
    """A trained student to go on from."""

    name: str
    """Effect and version, for the card."""
    student: Student


BASES = Path(__file__).with_name("bases")


def base_file(recipe: StudentRecipe) -> Path:
    """Where the base of a student's kind is bundled, if there is one: by its space, and by what it gives."""
    return BASES / f"{recipe.space}-{'rgba' if recipe.net.alpha else 'rgb'}.tflite"


def has_base(recipe: StudentRecipe) -> bool:
    """Whether a base is bundled from which this student can go on."""
    path = base_file(recipe)
    if not path.is_file():
        return False
    try:
        start_from(path.read_bytes(), recipe.net, name=path.stem)
    except UsageError:
        return False
    return True


def origin_in(effect: str, recipe: StudentRecipe) -> Origin:
    """The student to go on from: that of the installed or named ``effect`` which draws what ``recipe`` is
    to draw; "base" for the bundled base; or a ``.tflite`` file.

    Raises UsageError for an unknown effect, a student of another shape or a missing base, PackageError
    for a package that is not what it says.
    """
    if effect == "base" or effect.endswith(".tflite"):
        path = base_file(recipe) if effect == "base" else Path(effect)
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in BASES.glob("*.tflite"))) or "none yet"
            raise UsageError(
                f"no base at {path}; bundled are: {known}; make one with: effectcam distill base"
            )
        return Origin(f"the base {path.stem}", start_from(path.read_bytes(), recipe.net, name=str(path)))
    package = load_effect(effect)
    if recipe.space not in package.places:
        raise UsageError(f"{effect} has no {recipe.space} student; it has: {', '.join(package.places)}")
    file = package.model(recipe.space, "standard").file
    name = f"{package.name} {package.version}"
    return Origin(name, start_from(package.read(file), recipe.net, name=f"{name}, {file}"))


def start_from(model: bytes, net: NetConfig, *, name: str) -> Student:
    """A student shaped as ``net`` with the weights of ``model``, the bytes of a ``.tflite`` file.

    The file must hold a student of the same shape, with five exceptions, since a block adds a change of
    its own. It may have more blocks at half size than ``net``: the first ones go on without the last ones,
    and training makes up for those. It may have fewer at 1/16 and 1/32: new ones begin by adding nothing. A
    recurrent one may begin as one that is not, and one that learns places as one that knows none. And it
    may have a larger expansion, which the student then has too, until training prunes it. Raises
    UsageError, with ``name``, for any other file.
    """
    try:
        arrays = _weights(model)
    except (struct.error, IndexError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{name} is no .tflite file, or a damaged one; name another with --from") from error
    given, wanted = _expansion(arrays), net.expansion
    if (student := _student_of(arrays, replace(net, expansion=max(given, wanted)))) is not None:
        return student
    if 0 < given < wanted and _student_of(arrays, replace(net, expansion=given)) is not None:
        raise UsageError(
            f"{name} has an expansion of {given}, and the recipe's student one of {wanted}; put "
            f"expansion = {given} under the recipe's net, or go on from another effect"
        )
    raise UsageError(
        f"{name} holds no student of the recipe's shape (widths {net.widths}, depth {net.depth}); "
        "give the recipe that shape, or train from nothing"
    )


def _student_of(arrays: list[NDArray[np.float32]], net: NetConfig) -> Student | None:
    """A student shaped as ``net`` with the weights in ``arrays``, None where they are of no such shape."""
    for finest in range(net.fine_depth or net.depth, net.depth + 1):
        for coarsest in range(net.depth, (net.coarse_depth or net.depth) + 1):
            for recurrent, position in itertools.product({False, net.recurrent}, {0, net.position}):
                shape = replace(
                    net, fine_depth=finest, coarse_depth=coarsest, recurrent=recurrent, position=position
                )
                if _fill(source := Student(shape), arrays):
                    return reshaped(source, net)
    return None


def reshaped(source: Student, net: NetConfig) -> Student:
    """A student shaped as ``net`` that begins as ``source``, of the same widths: with its blocks as far as
    ``net`` has them, new ones that change nothing yet, and its places on the face at the new size. It keeps
    a larger expansion, see `start_from`."""
    student = Student(replace(net, expansion=max(net.expansion, source.config.expansion)))
    had = source.state_dict()
    for name, parameter in student.named_parameters():
        if name == "stem.weight" and had[name].shape != parameter.shape:
            # What a recurrent student drew before counts for nothing yet.
            parameter.data.zero_()[:, : had[name].shape[1]].copy_(had[name])
        elif name.startswith("place.") and name in had:
            places = had[name]
            if places.shape != parameter.shape:
                places = F.interpolate(places, parameter.shape[-2:], mode="bilinear", antialias=True)
            parameter.data.copy_(places)
        elif name in had:
            parameter.data.copy_(had[name])
        elif ".narrow." in name or name.startswith("place."):
            nn.init.zeros_(parameter)
    return student


def _weights(model: bytes) -> list[NDArray[np.float32]]:
    """Kernels, biases and learnt places of a ``.tflite`` file, in the order of its operators."""
    root = schema.Model.GetRootAs(model, 0)
    graph = root.Subgraphs(0)
    found: list[NDArray[np.float32]] = []
    halves: dict[int, int] = {}
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = root.OperatorCodes(operator.OpcodeIndex())
        kind = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
        if kind == _OPERATOR.DEQUANTIZE:
            # Weights kept in 16 bits go through one of these.
            halves[operator.Outputs(0)] = operator.Inputs(0)
        if kind not in (_OPERATOR.CONV_2D, _OPERATOR.DEPTHWISE_CONV_2D, _OPERATOR.ADD):
            continue
        inputs = operator.InputsAsNumpy()
        # The picture's own way past the network is the only 2 x 2 kernel, and learns nothing.
        if kind == _OPERATOR.CONV_2D and list(graph.Tensors(inputs[1]).ShapeAsNumpy()[1:3]) == [2, 2]:
            continue
        for number in inputs:
            tensor = graph.Tensors(halves.get(number, number))
            data = root.Buffers(tensor.Buffer()).DataAsNumpy()
            # Numbers that only shift or scale a picture, such as the stem's 0.5, belong to no layer.
            kept = _KEPT.get(tensor.Type())
            if isinstance(data, np.ndarray) and data.size > 4 and kept is not None:
                found.append(data.view(kept).astype(np.float32).reshape(tensor.ShapeAsNumpy()))
    return found


def _expansion(arrays: list[NDArray[np.float32]]) -> int:
    """Of a student's first block, which comes after the stem's kernel and bias; 0 if there is none."""
    if len(arrays) < 3 or arrays[2].ndim != 4:
        return 0
    return arrays[2].shape[0] // arrays[2].shape[3]


def _fill(student: Student, arrays: list[NDArray[np.float32]]) -> bool:
    """Copy ``arrays`` into ``student``, in the order in which it computes; False when they do not fit."""
    slots = _slots(student)
    values = [_as_torch(array, slot) for array, slot in zip(arrays, slots, strict=False)]
    if len(arrays) != len(slots) or any(v.shape != s.shape for v, s in zip(values, slots, strict=True)):
        return False
    with torch.no_grad():
        for value, slot in zip(values, slots, strict=True):
            slot.copy_(value)
    return True


def _slots(student: Student) -> list[Tensor]:
    """The parameters of ``student`` in the order in which a picture meets them."""
    order: list[Tensor] = []
    hooks = []
    for module in student.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(lambda m, _i, _o: order.extend((m.weight, m.bias))))
    for number, level in enumerate(student.down):
        if student.config.position and number in (0, 2):
            place = student.place[number // 2]
            hooks.append(level.register_forward_hook(lambda _m, _i, _o, place=place: order.append(place)))
    side = student.config.position or 64
    with torch.inference_mode():
        student.eval()(torch.zeros(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    return order


def _as_torch(array: NDArray[np.float32], slot: Tensor) -> Tensor:
    """From LiteRT's order of axes, channels last, to PyTorch's."""
    value = torch.from_numpy(array.copy())
    if value.ndim != 4 or slot.ndim != 4:
        return value
    if slot.shape[1] == 1 and value.shape[0] == 1:
        # Depthwise kernels lie (1, height, width, channels).
        return value.permute(3, 0, 1, 2)
    return value.permute(0, 3, 1, 2)
