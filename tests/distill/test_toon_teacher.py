"""The toon teacher draws lines, flat tones and bright eyes, and draws the same under noise."""

import csv
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from effectcam.distill.teachers.drawing.lines import flow_lines, tangent_flow
from effectcam.distill.teachers.toon import Toon
from effectcam.errors import UsageError

Pixels = npt.NDArray[np.uint8]
Landmarks = npt.NDArray[np.float32]
DATA = Path(__file__).resolve().parents[2] / "../shared/data"


def scene(side: int = 256) -> Pixels:
    """A shaded ball before a gradient, with a dark band across."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    picture = np.stack([150 + 40 * x, 160 + 30 * y, 190 - 30 * x], axis=2)
    inside = np.hypot(x - 0.5, y - 0.5) < 0.3
    shade = np.clip(1 - 1.3 * np.hypot(x - 0.42, y - 0.4), 0.3, 1)[..., None]
    picture[inside] = (np.array([190.0, 135.0, 110.0]) * shade)[inside]
    picture[int(0.9 * side) :] = (40, 45, 70)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.0)).clip(0, 255).astype(np.uint8)


def face_points(side: int = 256) -> Landmarks:
    """All points in the middle but the outlines of two open eyes and a closed mouth."""
    points = np.full((478, 3), side / 2, np.float32)
    points[10, :2], points[152, :2] = (128, 50), (128, 206)
    lids = (
        (90.0, (33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133), 468),
        (
            166.0,
            (362, 398, 384, 385, 386, 387, 388, 466, 263),
            (362, 382, 381, 380, 374, 373, 390, 249, 263),
            473,
        ),
    )
    for centre, upper, lower, iris in lids:
        for lid, sign in ((upper, -1), (lower, 1)):
            for step, index in enumerate(lid):
                turn = np.pi * step / 8
                points[index, :2] = (centre - 20 * np.cos(turn), 110 + sign * 9 * np.sin(turn))
        points[iris, :2] = (centre, 110)
        for k in range(4):
            points[iris + 1 + k, :2] = (centre + 8 * np.cos(k * np.pi / 2), 110 + 8 * np.sin(k * np.pi / 2))
    return points


def noisy(image: Pixels, sigma: float) -> Pixels:
    noise = np.random.default_rng(3).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def gap(a: Pixels, b: Pixels) -> float:
    return float(np.abs(a.astype(np.float32) - b).mean())


def test_a_straight_edge_gets_one_stroke_on_its_dark_side() -> None:
    plane = np.full((80, 80), 80, np.float32)
    plane[:, 40:] = 30
    ink = flow_lines(np.asarray(cv2.GaussianBlur(plane, (0, 0), 0.8), dtype=np.float32), width=1.0)
    rows = ink[10:70]
    assert np.all(rows.max(axis=1) > 0.9)
    assert set(rows.argmax(axis=1)) <= {40, 41}
    assert rows[:, :36].max() == 0 and rows[:, 48:].max() == 0


def test_flow_runs_along_the_edge() -> None:
    plane = np.zeros((60, 60), np.float32)
    plane[30:] = 60
    tx, ty, coherence = tangent_flow(plane, sigma=2.0)
    assert abs(tx[30, 30]) > 0.99 and abs(ty[30, 30]) < 0.05
    assert coherence[30, 30] > 0.8 and coherence[5, 5] < 0.01


def test_noise_alone_draws_nothing() -> None:
    grain = (50 + np.random.default_rng(1).normal(0, 3, (128, 128))).astype(np.float32)
    calm = np.asarray(cv2.GaussianBlur(grain, (0, 0), 1.0), dtype=np.float32)
    assert flow_lines(calm, width=0.8, threshold=0.5, softness=0.9).mean() < 0.002


def test_outlines_are_inked_all_round() -> None:
    image = scene()
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)

    def darkest(drawn: Pixels) -> npt.NDArray[np.uint8]:
        ring = [
            drawn[int(128 + r * np.sin(t)), int(128 + r * np.cos(t))] for r in range(70, 82) for t in angles
        ]
        return np.asarray(np.array(ring).max(axis=1).reshape(12, 90).min(axis=0))

    assert np.mean(darkest(Toon()(image, None)) < 80) > 0.95
    assert np.mean(darkest(Toon(ink=0.0)(image, None)) < 80) < 0.1


def test_flatness_makes_tone_steps() -> None:
    ramp = np.repeat(np.linspace(60, 200, 256)[None, :, None], 128, axis=0).repeat(3, axis=2).astype(np.uint8)
    rows = [Toon(ink=0.0, flatness=f)(ramp, None)[64, 8:-8].mean(axis=1) for f in (1.0, 0.0)]
    # Over windows of 8 px the stepped climb is now steep, now nearly nil; the smooth one is even.
    stepped, smooth = (np.abs(row[8:] - row[:-8]) for row in rows)
    assert stepped.max() > 1.8 * smooth.max()
    assert np.percentile(stepped, 20) < 0.4 * np.percentile(smooth, 20)


def test_eyes_are_whitened_and_lids_drawn() -> None:
    image, points = scene(), face_points()
    without, drawn = Toon()(image, None), Toon()(image, points)
    white = (slice(109, 112), slice(76, 79))
    assert drawn[white].mean() > without[white].mean() + 15
    assert np.ptp(drawn[white].mean(axis=(0, 1))) < np.ptp(without[white].mean(axis=(0, 1)))
    assert drawn[100:103, 88:92].mean() < 60


@pytest.mark.parametrize("size", [(144, 256), (256, 256), (300, 200)])
def test_shape_type_determinism_and_untouched_input(size: tuple[int, int]) -> None:
    image = np.asarray(cv2.resize(scene(), size[::-1]), dtype=np.uint8)
    before = image.copy()
    first, second = Toon()(image, None), Toon()(image, None)
    assert first.shape == image.shape and first.dtype == np.uint8 and first.flags.c_contiguous
    assert np.array_equal(first, second) and np.array_equal(image, before)


def test_black_white_and_wild_landmarks_do_not_break_it() -> None:
    wild = (np.random.default_rng(0).random((478, 3)) * 600 - 200).astype(np.float32)
    for value in (0, 255):
        flat = np.full((64, 96, 3), value, np.uint8)
        assert np.ptp(Toon()(flat, None).astype(int), axis=(0, 1)).max() <= 1
        assert Toon()(flat, wild).shape == flat.shape
        assert Toon()(flat, np.zeros((478, 3), np.float32)).shape == flat.shape


def test_refuses_what_is_no_picture() -> None:
    with pytest.raises(UsageError, match="float64"):
        Toon()(np.zeros((64, 64, 3)), None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="468"):
        Toon()(scene(), np.zeros((468, 3), np.float32))
    with pytest.raises(UsageError, match="finite"):
        Toon()(scene(), np.full((478, 3), np.nan, np.float32))


def test_scene_is_drawn_alike_under_noise() -> None:
    image = scene()
    drawn = Toon()(image, None)
    assert gap(Toon()(noisy(image, 4), None), drawn) < 0.12 * gap(drawn, image)


def test_portraits_are_drawn_alike_under_noise() -> None:
    table = DATA / "portraits.csv"
    if not table.is_file():
        pytest.skip("no portraits at ../shared/data")
    with table.open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: float(row["ita_deg"]))
    toon = Toon()
    for row in rows[:: len(rows) // 5]:
        image = np.asarray(cv2.imread(str(DATA / "portraits" / row["file"])), dtype=np.uint8)[
            ..., ::-1
        ].copy()
        drawn = toon(image, None)
        assert gap(toon(noisy(image, 4), None), drawn) < 0.12 * gap(drawn, image), row["file"]
