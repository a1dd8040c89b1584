"""Pairs of two spaces that are stopped between them, and what stands before a face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.cli.app import main
from effectcam.distill import pairs
from effectcam.distill.pairs import BASE, PairStore
from effectcam.distill.recipe import BUNDLED, load_recipe
from effectcam.frame import Pixels
from tests.distill.demo_face import demo_face

_ASKED = """
from pathlib import Path
def draw(image, landmarks):
    with Path(__file__).with_name("asked").open("a") as file:
        file.write("x")
    return 255 - image
"""


def test_pairs_stopped_in_the_second_space_go_on_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, work, asked = tmp_path / "people", tmp_path / "work", tmp_path / "asked"
    data.mkdir()
    picture = cv2.cvtColor(demo_face()[0], cv2.COLOR_RGB2BGR)
    for number in range(4):
        cv2.imwrite(str(data / f"{number}.png"), cv2.convertScaleAbs(picture, alpha=1 - 0.05 * number))
    (tmp_path / "counted_looks.py").write_text(_ASKED)
    toon = (BUNDLED / "toon.toml").read_text(encoding="utf-8")
    text = toon.replace("effectcam.distill.teachers.toon:Toon", "counted_looks:draw")
    # Such a function takes no arguments.
    for argument in ("flatness", "line_width"):
        text = "\n".join(line for line in text.splitlines() if not line.startswith(argument))
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    call = ["distill", "pairs", str(tmp_path / "x.toml"), "--data", str(data), "--work", str(work)]

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pairs, "_frame_pairs", stopped)
        assert main(call) == 130
    faces = PairStore.load(work / "face" / "pairs")
    # The frames are not asked about here either, so that every new drawing would be of a face.
    of_faces = len(asked.read_text())
    assert main(call) == 0
    of_frames = len(PairStore.load(work / "frame" / "pairs").inputs)
    assert 0 < len(asked.read_text()) - of_faces <= of_frames
    assert PairStore.load(work / "face" / "pairs").fingerprint() == faces.fingerprint()
    assert not list(work.rglob("drawings"))


@pytest.mark.parametrize("alpha", [True, False])
def test_what_covers_an_eye_is_left_alone_where_it_is_seen(
    monkeypatch: pytest.MonkeyPatch, alpha: bool
) -> None:
    """The picture's eyes are enlarged, and with them what is before them."""
    zombie = load_recipe("zombie")
    recipe = replace(zombie, manifest={**zombie.manifest, "warp": {"eyes": 1.5}})
    landmarks = demo_face()[1]
    x, y = landmarks[[33, 133], :2].mean(axis=0).round().astype(int)

    def lens(image: Pixels, *_: object) -> tuple[Pixels, NDArray[np.uint8]]:
        covered, coverage = image.copy(), np.zeros(image.shape[:2], np.uint8)
        covered[y - 14 : y + 14, x - 6 : x + 6] = 255
        coverage[y - 14 : y + 14, x - 6 : x + 6] = 255
        return covered, coverage

    def white(image: Pixels, points: NDArray[np.float32] | None) -> Pixels:
        # Asked without a face, by an effect that draws everything, it draws black.
        return np.full((*image.shape[:2], 4 if alpha else 3), 0 if points is None else 255, np.uint8)

    monkeypatch.setattr(pairs, "add_occluder", lens)
    monkeypatch.setattr(pairs, "relight", lambda image, *_, **__: image)
    base = np.full((BASE, BASE, 3), 100, np.uint8)
    base[..., 1] = 0
    pair = pairs._covered(recipe, white, base, landmarks, np.random.default_rng(0))
    seen = pair.image[..., 1].astype(float) / 255
    assert (seen > 0.5).sum() > 1.3 * 12 * 28, "the lens grew"
    left_alone = 1 - pair.target[..., -1].astype(float) / 255
    assert np.abs(left_alone - seen).max() < 0.02
