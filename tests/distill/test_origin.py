"""Weights read back from a .tflite file draw what it draws, and training goes on from them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill.net import NetConfig  # noqa: E402
from effectcam.distill.origin import has_base, origin_in, start_from  # noqa: E402
from effectcam.distill.recipe import StudentRecipe, load_recipe  # noqa: E402
from effectcam.effect.package import load_effect  # noqa: E402
from effectcam.errors import UsageError  # noqa: E402
from effectcam.student.litert import LiteRtStudent  # noqa: E402

BUNDLED = [(name, place) for name in ("toon", "zombie") for place in load_effect(name).places]


@pytest.mark.parametrize(("name", "place"), BUNDLED)
def test_a_bundled_student_is_read_back_to_the_last_bit_that_shows(name: str, place: str) -> None:
    recipe = load_recipe(name).students[place]
    student = origin_in(name, recipe).student.eval()
    image = np.random.default_rng(0).integers(0, 256, (*recipe.size, 3), np.uint8)
    with torch.inference_mode():
        drawn = student(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
    effect = load_effect(name)
    model = effect.read(effect.model(recipe.space, "standard").file)
    with LiteRtStudent(model, channels=recipe.net.channels, threads=1) as exported:
        shown = exported.run(image)
    assert np.abs(drawn[0].permute(1, 2, 0).numpy() * 255 - shown).max() < 0.51


def test_a_shallower_student_keeps_the_blocks_that_it_has_and_a_deeper_one_begins_as_it_was() -> None:
    recipe = load_recipe("zombie").students["face"]
    effect = load_effect("zombie")
    model = effect.read(effect.model("face", "standard").file)
    source = start_from(model, recipe.net, name="zombie")
    expected = source.state_dict()

    shallow = start_from(model, replace(recipe.net, fine_depth=1), name="zombie")
    for name, weights in shallow.state_dict().items():
        assert torch.equal(weights, expected[name]), name
    assert len(shallow.state_dict()) < len(expected)

    grown = start_from(model, replace(recipe.net, coarse_depth=6), name="zombie")
    assert len(grown.state_dict()) > len(expected)
    picture = torch.rand(1, 3, *recipe.size)
    with torch.inference_mode():
        # New blocks begin by adding nothing.
        assert torch.equal(grown.eval()(picture), source.eval()(picture))

    wider = replace(recipe.net, widths=(*recipe.net.widths[:-1], 128))
    with pytest.raises(UsageError, match="zombie holds no student of the recipe's shape"):
        start_from(model, wider, name="zombie")


def test_places_are_learnt_on_top_of_a_student_that_knows_none() -> None:
    recipe = load_recipe("pastel").students["face"]
    assert not recipe.net.position
    source = origin_in("pastel", recipe).student.eval()
    placed = origin_in("pastel", replace(recipe, net=replace(recipe.net, position=256))).student.eval()
    picture = torch.rand(1, 3, *recipe.size)
    with torch.inference_mode():
        assert torch.equal(placed(picture), source(picture))
    placed(picture).sum().backward()
    assert all(place.grad.abs().max() > 0 for place in placed.place)


def test_the_bundled_base_fits_what_draws_alpha_at_the_usual_shape() -> None:
    zombie, toon = load_recipe("zombie").students["face"], load_recipe("toon").students["face"]
    assert has_base(zombie)
    assert not has_base(replace(zombie, net=replace(zombie.net, widths=(8, 8, 8, 8, 8))))
    assert not has_base(toon)
    base = origin_in("base", zombie)
    assert base.name == "the base face-rgba"
    # Its head knows no look.
    assert not base.student.head.weight.any()
    with pytest.raises(UsageError, match=r"no base at .*face-rgb\.tflite; bundled are: face-rgba"):
        origin_in("base", toon)


def test_an_effect_without_that_student_is_refused() -> None:
    frame = StudentRecipe("frame", (288, 512), NetConfig())
    with pytest.raises(UsageError, match="zombie has no frame student; it has: face"):
        origin_in("zombie", frame)


def test_an_effect_pruned_further_than_the_recipe_is_told_by_its_expansion() -> None:
    recipe = load_recipe("zombie").students["face"]
    wider = replace(recipe, net=replace(recipe.net, expansion=3))
    with pytest.raises(UsageError, match=r"zombie .*, face\.tflite has an expansion of 2, .* one of 3; put"):
        origin_in("zombie", wider)


def test_the_guide_goes_on_only_from_what_can_be_gone_on_from() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "authors.md").read_text(encoding="utf-8")
    alpha, without = (load_recipe(name).students for name in ("marble", "watercolour"))
    named = set(re.findall(r"--from ([a-z]+)`", guide)) - {"base"}
    assert len(named) >= 2
    for name in named:
        for student in (alpha if load_effect(name).tensor.channels == 4 else without).values():
            origin_in(name, student)
    (taught,) = re.findall(r"^effectcam distill base (.*?) --work", guide, re.MULTILINE)
    assert len({load_recipe(name).students["face"].net for name in taught.split()}) == 1
