from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.face.crop import fit_pose
from effectcam.face.limits import LimitPolicy, NoLimits, SoftLimits, View, soft_limits, view
from tests.face.clips import demo_landmarks

STEP = 33_333_333
FRONT = View(5.0, 0.0, 0.03)


def seen(yaw: float) -> View:
    return FRONT._replace(yaw=yaw)


def rotated(yaw: float, roll: float) -> NDArray[np.float32]:
    """The demo's face as it would be seen after a turn about its own axis, and then in the picture."""
    points = demo_landmarks().astype(np.float64)
    # First to the front as the mesh sees it, so that what is left is what was asked for.
    points = (points - points.mean(axis=0)) @ fit_pose(demo_landmarks()).rotation
    for angle, (one, other) in ((yaw, (0, 2)), (roll, (0, 1))):
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        points[:, [one, other]] = points[:, [one, other]] @ np.array([[cosine, sine], [-sine, cosine]])
    return np.asarray(points + np.array((640, 360, 0)), np.float32)


@pytest.mark.parametrize("roll", [0, 40, -100])
@pytest.mark.parametrize("yaw", [0, 35, -70, 88])
def test_yaw_is_told_whatever_the_roll(yaw: float, roll: float) -> None:
    points = rotated(yaw, roll)
    assert view(fit_pose(points), points, (1280, 720)).yaw == pytest.approx(abs(yaw), abs=1.0)


def test_what_lies_outside_the_frame_is_counted_and_a_lost_mesh_told() -> None:
    points = rotated(0, 0)
    assert view(fit_pose(points), points, (1280, 720)).outside == 0
    left = points.copy()
    left[:, 0] -= points[:, 0].mean()
    assert view(fit_pose(left), left, (1280, 720)).outside == pytest.approx(0.5, abs=0.1)
    good = view(fit_pose(points), points, (1280, 720)).misfit
    noise = np.random.default_rng(0).normal(0, 0.1 * fit_pose(points).crop.side, points.shape)
    torn = np.asarray(points + noise, np.float32)
    assert good < 0.06
    assert view(fit_pose(torn), torn, (1280, 720)).misfit > 2 * good


def walk(policy: LimitPolicy, yaws: list[float], step: int = STEP) -> list[float]:
    return [policy(0, seen(yaw), frame * step) for frame, yaw in enumerate(yaws)]


@pytest.mark.parametrize("rate", [10, 24, 30, 60, 144])
def test_no_frame_differs_from_the_one_before_by_more_than_two_per_cent(rate: int) -> None:
    """Whatever the head does, at any rate, with late frames and repeated stamps among them."""
    policy, random = SoftLimits(yaw=60), np.random.default_rng(rate)
    shown, now = [], 0
    for _ in range(600):
        now += int(1e9 / rate * random.choice([0, 1, 1, 1, 1, 6]))
        shown.append(policy(0, View(float(random.choice([0, 59, 61, 90])), random.random() / 2, 0.05), now))
    assert max(abs(b - a) for a, b in itertools.pairwise(shown)) <= 0.02 + 1e-9
    assert min(shown) < 0.9


def test_it_goes_all_the_way_and_comes_back() -> None:
    shown = walk(SoftLimits(yaw=60), [0.0] * 5 + [75.0] * 60 + [10.0] * 60)
    assert shown[4] == 1
    assert shown[54] == pytest.approx(0, abs=1e-6)
    assert shown[64] == 0
    assert shown[-1] == 1
    # In time and not in frames: a second takes away as much at 60 frames a second as at 30.
    quick = walk(SoftLimits(yaw=60), [0.0] + [75.0] * 60, STEP // 2)
    assert quick[60] == pytest.approx(walk(SoftLimits(yaw=60), [0.0] + [75.0] * 30)[30], abs=1e-6)


def test_a_head_at_the_very_limit_does_not_go_to_and_fro() -> None:
    shown = walk(SoftLimits(yaw=60, back=0.85), [0.0] + [58.0, 62.0] * 100)
    assert all(b <= a for a, b in itertools.pairwise(shown))
    assert shown[-1] == 0


@pytest.mark.parametrize("beyond", [View(0, 0.6, 0.03), View(0, 0, 0.4), View(70, 0, 0.03)])
def test_each_limit_counts(beyond: View) -> None:
    policy = SoftLimits()
    assert policy(0, FRONT, 0) == 1
    assert policy(0, beyond, STEP) < 1
    # And one that is first seen there begins there.
    assert policy(1, beyond, STEP) == 0
    policy.forget(0)
    assert policy(0, FRONT, 2 * STEP) == 1


def test_the_null_policy_and_the_one_of_a_manifest() -> None:
    assert walk(NoLimits(), [0.0, 90.0, 180.0]) == [1, 1, 1]
    assert isinstance(soft_limits("none", 60), NoLimits)
    assert walk(soft_limits("soft", 30), [0.0, 31.0])[1] < 1
