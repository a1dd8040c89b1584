"""What becomes of a drawing on its way into a pair: its change smoothed, and no colour that is hidden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill.data import Person, people
from effectcam.distill.pairs import PairStore, write_pairs
from effectcam.distill.recipe import load_recipe


@pytest.fixture(scope="module")
def crowd() -> list[Person]:
    return list(people(Path(effectcam.__file__).parent / "media", every=75))


@pytest.mark.parametrize("soften", [0.0, 0.7, 1.0])
def test_black_under_no_alpha_is_no_dark_rim(crowd: list[Person], tmp_path: Path, soften: float) -> None:
    """A disc of light on black that is never seen: between two pixels it must not come through."""
    (tmp_path / f"discs{soften * 10:.0f}.py").write_text(
        "import cv2, numpy as np\n"
        "def draw(image, landmarks):\n"
        "    out = np.zeros((*image.shape[:2], 4), np.uint8)\n"
        "    return cv2.circle(out, (160, 160), 60, (230, 230, 230, 255), -1)\n"
    )
    zombie = load_recipe("zombie")
    faces = {"face": replace(zombie.students["face"], soften=soften)}
    recipe = replace(zombie, teacher=f"discs{soften * 10:.0f}:draw", folder=tmp_path, students=faces)
    wall = replace(crowd[0], image=np.full_like(crowd[0].image, 180))
    list(write_pairs(recipe, "face", [wall], {wall.name}, tmp_path / "pairs", darker=0))
    store = PairStore.load(tmp_path / "pairs")
    drawn = store.targets[0].astype(np.float32)
    between = (drawn[:, 1:] + drawn[:, :-1]) / 2
    alpha = between[..., 3:] / 255
    shown = between[..., :3] * alpha + 180 * (1 - alpha)
    assert 179 < shown.min() < shown.max() < 231
    assert shown[160, 160].min() > 229


def test_a_softened_teacher_smooths_its_change_and_nothing_else(crowd: list[Person], tmp_path: Path) -> None:
    crisp = load_recipe("zombie")
    soft = replace(crisp, students={"face": replace(crisp.students["face"], soften=1.0)})
    stores: list[PairStore] = []
    for recipe in (crisp, soft):
        list(write_pairs(recipe, "face", crowd[:1], set(), tmp_path / str(len(stores)), darker=0))
        stores.append(PairStore.load(tmp_path / str(len(stores))))
    one, other = stores
    assert np.array_equal(one.inputs, other.inputs)
    assert np.array_equal(one.targets[..., 3], other.targets[..., 3])

    def roughness(change: NDArray[Any]) -> float:
        return float(np.abs(np.diff(change.astype(int), axis=1)).mean())

    changes = [store.targets[..., :3].astype(int) - store.inputs for store in stores]
    assert roughness(changes[1]) < 0.8 * roughness(changes[0])
    assert abs(float(changes[0].mean() - changes[1].mean())) < 0.5
    touched = np.any(changes[0][0] != 0, axis=2).astype(np.uint8)
    untouched = cv2.dilate(touched, np.ones((15, 15), np.uint8)) == 0
    assert untouched.any()
    assert not changes[1][0][untouched].any()
