"""Structured pruning: the same student with fewer hidden channels in every block.

Each block widens its channels by an *expansion*, looks around in each and narrows them again. Those hidden
channels stay that carry most into the sum that leaves the block: their mean activation times the length of
their column (after P. Molchanov et al., "Pruning Convolutional Neural Networks for Resource Efficient
Inference", ICLR 2017, without the gradient). All of a block's arithmetic shrinks with them, and a minute or
two of training makes up for most of what is lost; see ``benchmarks/pruning.py``.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from effectcam.distill.net import Block, Student


def carried(student: Student, pictures: Tensor) -> list[Tensor]:
    """For each block, in the order of ``student.modules()``: (hidden,), what each hidden channel carries
    when it draws the ``pictures``, (N, 3, H, W), 0 to 1; two dozen are enough."""
    found: list[Tensor] = []
    hooks = []
    for block in _blocks(student):
        place = len(found)
        found.append(torch.zeros(block.narrow.in_channels))

        def note(_module: object, seen: tuple[Tensor, ...], place: int = place) -> None:
            found[place] += seen[0].mean(dim=(0, 2, 3))

        hooks.append(block.narrow.register_forward_pre_hook(note))
    training = student.training
    with torch.inference_mode():
        for index in range(len(pictures)):
            student.eval()(pictures[index : index + 1])
    student.train(training)
    for hook in hooks:
        hook.remove()
    lengths = [block.narrow.weight.detach().flatten(1).norm(dim=0) for block in _blocks(student)]
    return [activation * length for activation, length in zip(found, lengths, strict=True)]


def pruned(student: Student, expansion: int, worth: list[Tensor]) -> Student:
    """A student of that ``expansion``, at most the old one, made of the hidden channels that are ``worth``
    most, block by block; see `carried`."""
    smaller = Student(replace(student.config, expansion=expansion))
    shapes = {name: value.shape for name, value in smaller.state_dict().items()}
    alike = {name: value for name, value in student.state_dict().items() if value.shape == shapes[name]}
    smaller.load_state_dict(alike, strict=False)
    for source, goal, each in zip(_blocks(student), _blocks(smaller), worth, strict=True):
        kept = each.topk(goal.widen.out_channels).indices.sort().values
        with torch.no_grad():
            for had, gets in ((source.widen, goal.widen), (source.look, goal.look)):
                gets.weight.copy_(had.weight[kept])
                assert gets.bias is not None and had.bias is not None
                gets.bias.copy_(had.bias[kept])
            goal.narrow.weight.copy_(source.narrow.weight[:, kept])
    return smaller


def _blocks(student: Student) -> list[Block]:
    return [module for module in student.modules() if isinstance(module, Block)]
