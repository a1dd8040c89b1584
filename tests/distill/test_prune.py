"""Pruning keeps the hidden channels that carry something, and training prunes what it goes on from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill.net import Block, NetConfig, Student  # noqa: E402
from effectcam.distill.origin import Origin, origin_in  # noqa: E402
from effectcam.distill.pairs import PairStore  # noqa: E402
from effectcam.distill.prune import carried, pruned  # noqa: E402
from effectcam.distill.recipe import load_recipe  # noqa: E402
from effectcam.distill.train import beginning  # noqa: E402

SMALL = NetConfig(widths=(8, 8, 8, 8, 8), alpha=True, position=64)


def test_what_carries_nothing_goes_and_the_drawing_stays() -> None:
    torch.manual_seed(0)
    student = Student(SMALL).eval()
    torch.nn.init.normal_(student.head.weight)
    with torch.no_grad():
        for block in student.modules():
            if isinstance(block, Block):
                # One channel in three leads nowhere, another one each block.
                idle = torch.randperm(block.narrow.in_channels)[: block.narrow.in_channels // 3]
                block.narrow.weight[:, idle] = 0
    pictures = torch.rand(3, 3, 64, 64)
    smaller = pruned(student, 2, carried(student, pictures)).eval()
    assert smaller.config == replace(SMALL, expansion=2)
    with torch.inference_mode():
        assert torch.allclose(smaller(pictures), student(pictures), atol=1e-5)
        # Had chance chosen, it would have been another drawing.
        chance = pruned(student, 2, [torch.rand(24) for block in carried(student, pictures)]).eval()
        assert not torch.allclose(chance(pictures), student(pictures), atol=1e-2)


def test_training_begins_from_a_wider_student_by_pruning_it() -> None:
    recipe = load_recipe("marble").students["face"]
    narrow = replace(recipe, net=replace(recipe.net, expansion=2))
    # Read back it is as wide as it was, since what carries most shows only on pictures.
    base = origin_in("base", narrow)
    assert base.student.config == replace(narrow.net, expansion=3)
    pictures = np.random.default_rng(0).integers(0, 256, (6, 320, 320, 3), np.uint8)
    drawings = np.zeros((6, 320, 320, 4), np.uint8)
    store = PairStore(pictures, drawings, ["a"] * 6, ["light"] * 6, [False] * 5 + [True])
    begun = beginning(base, narrow.net, store, 256)
    assert begun.config == narrow.net
    assert beginning(Origin("narrow", begun), narrow.net, store, 256) is begun
