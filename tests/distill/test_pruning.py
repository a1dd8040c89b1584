"""The benchmark that asks whether pruning pays prunes what carries nothing first."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from benchmarks.pruning import carried, pruned  # noqa: E402
from effectcam.distill.net import Block, NetConfig, Student  # noqa: E402


def test_channels_that_carry_nothing_go_first_and_are_not_missed() -> None:
    torch.manual_seed(0)
    net = NetConfig(widths=(8, 8, 8, 8, 8), depth=1, expansion=3)
    student = Student(net).eval()
    torch.nn.init.normal_(student.head.weight, std=0.1)
    for block in (module for module in student.modules() if isinstance(module, Block)):
        idle = torch.randperm(24)[:8]
        with torch.no_grad():
            block.narrow.weight[:, idle] = 0
    pictures = torch.rand(3, 3, 64, 64)
    smaller = pruned(student, 2, carried(student, pictures)).eval()
    assert smaller.config == replace(net, expansion=2)
    with torch.inference_mode():
        whole, drawn = student(pictures), smaller(pictures)
        assert float((whole - pictures).abs().mean()) > 0.01
        torch.testing.assert_close(drawn, whole, atol=1e-4, rtol=0)
        by_chance = pruned(student, 2, [torch.rand(24) for _ in carried(student, pictures)]).eval()
        assert float((by_chance(pictures) - whole).abs().max()) > 0.001
