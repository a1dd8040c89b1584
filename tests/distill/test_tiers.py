"""Tiers: smaller and deeper students that begin as what the standard one knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill.net import NetConfig, Student  # noqa: E402
from effectcam.distill.origin import reshaped  # noqa: E402
from effectcam.distill.recipe import load_recipe  # noqa: E402
from effectcam.distill.shapes import own_shape  # noqa: E402
from effectcam.distill.tiers import at_tier, tier_run, trained_tiers  # noqa: E402
from effectcam.effect.manifest import TierName  # noqa: E402

SMALL = NetConfig(widths=(8, 8, 8, 8, 8), alpha=True, position=64)


@pytest.mark.parametrize("name", ["zombie", "toon"])
def test_lite_computes_a_third_and_high_more_than_standard(name: str) -> None:
    recipe = load_recipe(name)
    for space, standard in recipe.students.items():
        lite, high = (own_shape(at_tier(recipe, tier).students[space]) for tier in ("lite", "high"))
        work = own_shape(standard).multiply_adds()
        assert 0.25 < lite.multiply_adds() / work < 0.45
        assert lite.weights() < (0.6 if standard.net.coarse_depth else 1.01) * own_shape(standard).weights()
        assert 1.2 < high.multiply_adds() / work < 2
        assert all(side % 32 == 0 for side in lite.size)
        assert lite.net.position == (lite.size[0] if standard.net.position else 0)
    assert at_tier(recipe, "standard") == recipe


def test_a_deeper_student_begins_by_drawing_the_same() -> None:
    torch.manual_seed(0)
    source, picture = Student(SMALL).eval(), torch.rand(1, 3, 64, 64)
    torch.nn.init.normal_(source.head.weight)
    deeper = reshaped(source, replace(SMALL, depth=3, fine_depth=3, coarse_depth=4)).eval()
    with torch.inference_mode():
        assert torch.allclose(deeper(picture), source(picture), atol=1e-6)


def test_places_on_the_face_are_kept_at_another_size() -> None:
    source = Student(replace(SMALL, position=128))
    with torch.no_grad():
        for place in source.place:
            # Brighter to the right: so it must be when it is smaller.
            place.copy_(torch.linspace(0, 1, place.shape[-1]).expand_as(place))
    smaller = reshaped(source, SMALL)
    for place in smaller.place:
        assert place.shape[-1] in (16, 4)
        assert torch.allclose(place.mean(), torch.tensor(0.5), atol=1e-3)
        assert (place[..., 1:] > place[..., :-1]).all()


def test_only_tiers_that_are_whole_are_exported(tmp_path: Path) -> None:
    toon = load_recipe("toon")
    assert trained_tiers(toon, tmp_path) == []
    runs: list[tuple[TierName, str]] = [("standard", "frame"), ("standard", "face"), ("lite", "face")]
    for tier, space in runs:
        run = tier_run(tmp_path, space, tier)
        run.mkdir(parents=True)
        (run / "student.pt").touch()
    assert trained_tiers(toon, tmp_path) == ["standard"]
