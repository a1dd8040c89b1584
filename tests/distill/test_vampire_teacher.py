"""The vampire is pale in proportion, with fangs that hang from the upper lip and irises that are red."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from effectcam.distill.skin import darken_skin
from effectcam.distill.teachers.head.uv import INNER_LIPS, OUTER_LIPS, Floats
from effectcam.distill.teachers.vampire import Vampire
from tests.distill.demo_face import Pixels, demo_face, laid
from tests.distill.test_painted_faces import patch


@pytest.fixture(scope="module")
def vampire() -> Vampire:
    return Vampire()


def test_everybody_is_paler_and_the_order_of_skins_is_kept(vampire: Vampire) -> None:
    image, landmarks = demo_face()
    seen: list[tuple[Floats, Floats]] = []
    for melanin in (0.0, 0.7, 1.5):
        skin = darken_skin(image, landmarks, melanin)
        pale = laid(skin, vampire(skin, landmarks))
        seen.append((patch(skin, landmarks, 50, 5), patch(pale, landmarks, 50, 5)))
    for before, after in seen:
        assert after.mean() > before.mean()
        assert np.ptp(after) / after.mean() < 0.75 * np.ptp(before) / before.mean()
    lights = [float(after.mean()) for _, after in seen]
    assert lights[0] > lights[1] + 12 > lights[2] + 24
    dark = seen[-1][1]
    assert dark[0] > dark[2] + 5, "dark skin turns to ash, not to blue"


def test_irises_are_red_and_lips_dark(vampire: Vampire) -> None:
    image, landmarks = demo_face()
    painted = laid(image, vampire(image, landmarks))
    for iris in (468, 473):
        x, y = np.round(landmarks[iris, :2]).astype(int)
        ring = painted[y + 2 : y + 4, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)
        assert ring[0] > 2 * ring[1:].max()
    lip = patch(painted, landmarks, 17, 1)
    assert lip[0] > 1.8 * lip[1] and lip.mean() < 100


def fang_reach(painted: Pixels, bare: Pixels) -> float:
    """Lowest row that the fangs reach."""
    fangs = (painted[:, :, :3].min(axis=2) > 150) & (painted[:, :, 3] > 200) & (bare[:, :, 3] < 120)
    return float(np.nonzero(fangs.any(axis=1))[0].max())


def test_fangs_stay_on_the_upper_lip_when_the_mouth_opens(vampire: Vampire) -> None:
    image, landmarks = demo_face()
    toothless = copy.copy(vampire)
    toothless.fangs = 1e-4
    wide = landmarks.copy()
    lower = [i for i in (*INNER_LIPS[11:], *OUTER_LIPS[11:])]
    wide[lower, 1] += 14
    rows = [fang_reach(vampire(image, points), toothless(image, points)) for points in (landmarks, wide)]
    assert abs(rows[0] - rows[1]) <= 1
    assert rows[0] > landmarks[13, 1]
    lifted = landmarks.copy()
    lifted[[*INNER_LIPS, *OUTER_LIPS], 1] -= 6
    assert fang_reach(vampire(image, lifted), toothless(image, lifted)) == pytest.approx(rows[0] - 6, abs=1.1)


def test_blood_runs_down_on_one_side(vampire: Vampire) -> None:
    image, landmarks = demo_face()
    painted = laid(image, vampire(image, landmarks)).astype(int)
    y = round(float(landmarks[18, 1]))
    red = (painted[y, :, 0] > 70) & (painted[y, :, 0] > 2.5 * painted[y, :, 1])
    where = np.nonzero(red)[0]
    assert 1 <= len(where) <= 8
    assert (where > landmarks[18, 0] + 8).all()
