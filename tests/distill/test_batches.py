"""What a student learns from in one step, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill.augment import NoAugmentation  # noqa: E402
from effectcam.distill.batches import Batch, batches, photograph  # noqa: E402
from effectcam.distill.criterion import Criterion  # noqa: E402
from effectcam.distill.losses import Weights  # noqa: E402
from effectcam.distill.pairs import BASE, PairStore  # noqa: E402

WHOLE = NoAugmentation(side=BASE, shown=1.0)


@pytest.fixture
def store() -> PairStore:
    """Two pairs, of which the second is a photograph from row 100 and to column 219."""
    pictures = np.random.default_rng(3).integers(0, 256, (2, BASE, BASE, 3)).astype(np.uint8)
    corners = [None, [0.0, 100.0, 219.0, 319.0]]
    return PairStore(pictures, ~pictures, ["a", "b"], ["light"] * 2, [False] * 2, photographed=[*corners])


def first(store: PairStore, **wishes: bool | float) -> Batch:
    return next(batches(store, WHOLE, np.random.default_rng(0), size=8, **wishes))  # type: ignore[arg-type]


def test_the_mask_is_where_the_photograph_is(store: PairStore) -> None:
    batch = first(store)
    assert batch.photographed is not None and batch.photographed.shape == (8, 1, BASE, BASE)
    shares = {round(float(mask.float().mean()), 3) for mask in batch.photographed}
    assert shares == {1.0, round(220 / 320 * 220 / 320, 3)}
    assert photograph(store, 1)[100, 219] == 255 and not photograph(store, 1)[99].any()
    assert first(replace(store, photographed=[])).photographed is None
    assert first(replace(store, photographed=[None, None])).photographed is None


def test_what_is_mirrored_teaches_nothing(store: PairStore) -> None:
    batch = first(store)
    assert batch.photographed is not None
    drawn = torch.rand(batch.target.shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
    wanted = batch.wanted(drawn)
    outside = ~batch.photographed.expand_as(wanted)
    assert outside.any() and torch.equal(wanted[outside], drawn[outside])
    assert torch.equal(wanted[~outside], batch.target[~outside])
    loss = Criterion(Weights(structure=0, edge=0))(drawn, wanted, batch.image, [], progress=0.5)
    (slope,) = torch.autograd.grad(loss, drawn)
    assert not slope[outside].any() and slope[~outside].any()


def test_the_mask_moves_and_lies_with_its_picture(store: PairStore) -> None:
    """Upright it is the lower left part; lying, with rows and columns exchanged, the upper right one."""
    for lying in (0.0, 1.0):
        batch = first(store, frames=True, lying=lying)
        assert batch.photographed is not None and len(batch.steps) == 4
        earlier, later = batch.photographed.chunk(2)
        for step, before, after in zip(batch.steps, earlier, later, strict=True):
            assert torch.equal(*step.overlap(before, after))
        bordered = earlier[earlier.flatten(1).float().mean(1) < 1][0, 0]
        assert bool(bordered[-1, 0]) == (not lying) and bool(bordered[0, -1]) == bool(lying)
