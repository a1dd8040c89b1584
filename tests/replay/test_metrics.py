"""Every metric against faults that are planted: it rises for its own, and for no other."""

from __future__ import annotations

import weakref
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.errors import UsageError
from effectcam.face.crop import Crop
from effectcam.frame import Frame, Pixels
from effectcam.passage import Face
from effectcam.replay.metrics import FIGURES, Figure, Meters, Moment, Summary, metrics_for
from effectcam.replay.metrics.drift import Drift
from effectcam.replay.metrics.figure import Spread
from effectcam.replay.metrics.flow import find_flow
from effectcam.replay.metrics.jitter import CropJitter
from effectcam.replay.metrics.likeness import psnr, ssim
from effectcam.replay.metrics.presence import IdentitySwitches
from effectcam.replay.metrics.seam import SeamRatio
from effectcam.replay.metrics.warping import WarpingError
from tests.replay.scenes import EFFECT, MOVING, RESTING, SIZE, STUDENT, Scene, changed

RAISED, KEPT = 1.5, 1.25


def turns(frame: int) -> int:
    return 1 - 2 * (frame % 2)


def noisy(after: Pixels) -> Pixels:
    noise = np.random.default_rng(0).normal(0, 6, after.shape)
    return np.asarray(np.clip(after + noise, 0, 255), np.uint8)


WARPING = {f"{place}warping{end}" for place in ("", "face_") for end in ("", "_ratio")} | {"drift"}

FAULTS: dict[str, tuple[Scene, set[str]]] = {
    # The grain stays on the screen while the face moves on.
    "swims": (Scene(grain=lambda frame: (2.0 * max(0, frame - RESTING + 1), 0)), WARPING),
    # What flickers does not move along either, so the warping error has to rise as well.
    "flickers": (Scene(tint=lambda frame: 1 + 0.12 * turns(frame)), {"flicker"} | WARPING),
    "shakes": (
        Scene(told=lambda frame, face: changed(face, cx=face.crop.cx + 0.4 * turns(frame))),
        {"jitter_centre"},
    ),
    "breathes": (
        Scene(told=lambda frame, face: changed(face, side=face.crop.side * (1 + 0.004 * turns(frame)))),
        {"jitter_side"},
    ),
    "rocks": (
        Scene(told=lambda frame, face: changed(face, angle=face.crop.angle + 0.004 * turns(frame))),
        {"jitter_angle"},
    ),
    "hard edge": (Scene(feather=0), {"seam"}),
    "face off its place": (Scene(moved=4), {"landmark_error"}),
    "no face any more": (Scene(blur=25), {"landmarks_lost"}),
    "lost for a while": (Scene(told=lambda frame, face: None if frame in (3, 4) else face), {"coverage"}),
    "renumbered": (
        Scene(told=lambda frame, face: replace(face, identity=int(frame == RESTING + MOVING - 1))),
        {"identity_switches"},
    ),
    "not the golden": (Scene(golden=noisy), {"psnr", "ssim"}),
}


@cache
def sound() -> dict[str, Summary]:
    return Scene().measure()


def badness(figure: Figure, value: float) -> float:
    """0 where it is perfect."""
    return (
        {"coverage": 100, "psnr": 100, "ssim": 1}[figure.name] - value if figure.better == "high" else value
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_raises_its_own_metric_and_no_other(fault: str) -> None:
    scene, own = FAULTS[fault]
    found = scene.measure()
    for name, summary in found.items():
        before, after = (badness(FIGURES[name], each.value) for each in (sound()[name], summary))
        if name in own:
            assert after > RAISED * before, f"{name}: {before} to {after}"
        else:
            assert after <= KEPT * before + 1e-6, f"{name}: {before} to {after}"
    assert own <= found.keys()


def test_every_figure_but_the_floors_is_raised_by_a_fault() -> None:
    raised = set().union(*(own for _, own in FAULTS.values()))
    assert raised == {name for name in FIGURES if "floor" not in name}
    assert sound().keys() == FIGURES.keys()


def test_nothing_is_wrong_where_nothing_is_drawn() -> None:
    """The input as output: at the floor, without a seam."""
    with Meters(metrics_for(EFFECT)) as meters:
        for moment in Scene().moments():
            meters.see(replace(moment, after=moment.before, golden=moment.before.pixels))
        found = {name: summary.value for name, summary in meters.summaries.items()}
    assert found["warping"] == found["warping_floor"] > 0
    assert found["warping_ratio"] == found["face_warping_ratio"] == found["seam"] == 1
    assert found["flicker"] == found["flicker_floor"] > 0
    assert found["landmark_error"] < 1.5, "Face Mesh on two paths to one picture"
    assert (found["psnr"], found["ssim"]) == (100, 1)


def test_only_three_frames_are_held() -> None:
    gone = []
    with Meters(metrics_for(EFFECT)) as meters:
        for moment in Scene().moments():
            meters.see(moment)
            gone.append(weakref.ref(moment))
            del moment
        alive = [each() is not None for each in gone]
    assert alive == [False] * (len(gone) - 3) + [True] * 3


def flat(level: int, *, at: int = 0) -> Frame:
    return Frame(np.full((64, 64, 3), level, np.uint8), at, at * 33_000_000)


def test_the_warping_error_is_the_mean_square_of_colours_from_0_to_1() -> None:
    meters = Meters([WarpingError()])
    for index, level in enumerate((100, 151, 100)):
        meters.see(Moment(flat(80, at=index), flat(level, at=index)))
    found = meters.summaries
    assert found["warping"].value == pytest.approx((51 / 255) ** 2)
    assert found["warping_floor"].value == 0
    assert "warping_ratio" not in found and "face_warping" not in found


def test_the_warping_error_of_a_picture_that_moves_is_its_floor_and_says_nothing_of_a_cut() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (160, 200, 3), np.uint8)
    picture = np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.uint8)
    # As much contrast as a picture has.
    picture = np.asarray(np.clip(6 * (picture.astype(int) - 128) + 128, 0, 255), np.uint8)
    meters = Meters([WarpingError()])
    for index in range(3):
        pixels = np.ascontiguousarray(picture[:128, 3 * index : 3 * index + 128])
        frame = Frame(pixels, index, index)
        meters.see(Moment(frame, frame.with_pixels(np.bitwise_not(pixels))))
    unaligned = np.square((picture[:128, 3:131].astype(float) - picture[:128, :128]) / 255).mean()
    before = meters.summaries["warping"]
    assert before.frames == 2
    assert before.value < 0.02 * unaligned
    cut = Frame(np.ascontiguousarray(picture[::-1, ::-1][:128, :128]), 3, 3)
    meters.see(Moment(cut, cut))
    assert meters.summaries["warping"] == before


def test_the_drift_is_a_way_in_pixels_whatever_the_contrast() -> None:
    noise = np.random.default_rng(3).uniform(-128, 128, (160, 200)).astype(np.float32)
    still = np.asarray(cv2.GaussianBlur(noise, (0, 0), 4), np.float32)
    before = Frame(colours(2 * still[:, :160]), 0, 0)

    def drift(gain: float, way: float) -> float:
        meters = Meters([Drift()])
        for index in range(3):
            place = np.array([[1, 0, -way * (index % 2)], [0, 1, 0]], np.float32)
            moved = np.asarray(cv2.warpAffine(still, place, (200, 160)), np.float32)
            drawn = colours(gain * moved[:, 20:180])
            meters.see(Moment(before, before.with_pixels(drawn), whole=True))
        assert meters.summaries["drift_floor"].value == 0
        return meters.summaries["drift"].value

    assert drift(4, 0) == 0
    # Across one axis only, where the formula reckons with any direction.
    assert drift(4, 0.5) == pytest.approx(0.5, rel=0.05)
    assert drift(10, 0.5) == pytest.approx(0.5, rel=0.05)
    assert drift(10, 1.0) == pytest.approx(1.0, rel=0.05)


def colours(planes: NDArray[np.float32]) -> Pixels:
    return np.repeat(np.clip(planes + 128, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_what_a_thing_in_front_uncovers_is_not_in_view() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (128, 128), np.uint8)
    ground = np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)
    thing = np.asarray(cv2.GaussianBlur(noise[::-1], (0, 0), 2), np.uint8)[:48, :48]
    pictures = []
    for left in (40, 46):
        picture = ground.copy()
        picture[40:88, left : left + 48] = thing
        pictures.append(picture)
    flow = find_flow(pictures[0], pictures[1])
    assert np.median(flow.forward[60:70, 55:75, 0]) == pytest.approx(6, abs=0.2)
    covered = flow.seen[44:84, 88:94]
    assert np.count_nonzero(covered) < 0.2 * covered.size
    assert np.count_nonzero(flow.seen[:, :30]) > 0.95 * flow.seen[:, :30].size


def face(crop: Crop, identity: int = 0) -> Face:
    return Face(identity, np.zeros((468, 3), np.float32), crop, 0)


def test_jitter_is_the_second_difference_over_the_distance_between_the_eyes() -> None:
    """Uneven stamps and an angle that passes half a turn count as steady where they are."""
    jitter = CropJitter(margin=2.0)
    values = {}
    for milliseconds, x, angle in (
        (0, 10.0, 3.13),
        (20, 12.0, 3.15 - 2 * np.pi),
        (60, 16.0, 3.19 - 2 * np.pi),
    ):
        frame = Frame(np.zeros((8, 8, 3), np.uint8), 0, milliseconds * 1_000_000)
        values = dict(jitter.see(Moment(frame, frame, [face(Crop(x, 5, 100, angle))])))
    assert values == pytest.approx({"jitter_centre": 0, "jitter_side": 0, "jitter_angle": 0}, abs=1e-6)
    frame = Frame(np.zeros((8, 8, 3), np.uint8), 0, 80_000_000)
    values = dict(jitter.see(Moment(frame, frame, [face(Crop(20, 5, 100, 3.21 - 2 * np.pi))])))
    # From 12 over 16 to 20 in 40 and 20 ms: 1.33 pixels off the line, twice, over 50 between the eyes.
    assert values["jitter_centre"] == pytest.approx(100 * 2 * (4 / 3) / 50)


def test_a_cut_is_no_jitter() -> None:
    scenes = np.random.default_rng(7).integers(0, 256, (2, 64, 64, 3), np.uint8)
    with Meters([CropJitter(margin=2.0)]) as meters:
        for index in range(8):
            frame = Frame(scenes[index // 4], index, index * 33_000_000)
            meters.see(Moment(frame, frame, [face(Crop(20 + 20 * (index // 4), 30, 30, 0))]))
        found = meters.summaries["jitter_centre"]
    # Of each scene's four frames the two in the middle.
    assert (found.worst, found.frames) == (0, 4)


def test_two_who_swap_numbers_are_two_switches_and_one_who_moves_is_none() -> None:
    switches = IdentitySwitches(margin=2.0)
    seen = []
    for index, (left, right) in enumerate(((0, 1), (0, 1), (1, 0), (1, 0))):
        frame = Frame(np.zeros((8, 8, 3), np.uint8), index, index * 33_000_000)
        faces = [face(Crop(50 + 5 * index, 50, 80, 0), left), face(Crop(200, 50, 80, 0), right)]
        seen.append(switches.see(Moment(frame, frame, faces[:: turns(index)]))["identity_switches"])
    assert seen == [0, 0, 2, 0]


def test_a_look_with_more_contrast_everywhere_is_no_seam() -> None:
    (moment,) = Scene(feather=0.2, tint=lambda frame: 0).moments()[:1]
    pixels = moment.before.pixels.astype(np.float32)
    harder = np.asarray(np.clip(1.6 * (pixels - 70) + 70, 0, 255), np.uint8)
    spotted = harder.copy()
    crop = moment.faces[0].crop
    inside = cv2.warpAffine(moment.alphas[0], crop.to_picture(STUDENT), (SIZE, SIZE)) > 127
    spotted[inside] = np.clip(spotted[inside].astype(int) + 20, 0, 255)
    seam = SeamRatio()
    bare, clean, patched = (
        seam.see(replace(moment, after=moment.before.with_pixels(picture), whole=whole))["seam"]
        for picture, whole in ((harder, False), (harder, True), (spotted, True))
    )
    assert bare > 1.2
    assert clean == pytest.approx(1, abs=0.1)
    assert patched > 1.5 * clean


def test_likeness_is_that_of_the_textbook() -> None:
    one = np.random.default_rng(4).integers(0, 246, (40, 50, 3), np.uint8)
    assert psnr(one, one + np.uint8(10)) == pytest.approx(20 * np.log10(255 / 10))
    assert psnr(one, one) == 100 and ssim(one, one) == 1
    assert 0 <= ssim(one, np.bitwise_not(one)) < 0.1
    with pytest.raises(UsageError, match=r"50x40 and 50x39 cannot be compared; "):
        psnr(one, one[:39])


def test_percentiles_of_a_long_run_are_right_to_a_hundredth() -> None:
    values = np.random.default_rng(6).lognormal(0, 2, 20_000)
    low, high = Spread(Figure("a", "")), Spread(Figure("b", "", better="high"))
    for index, value in enumerate(values):
        low.add(value, index)
        high.add(value, index)
    found = low.summary
    assert found is not None and high.summary is not None
    assert found.p50 == pytest.approx(np.percentile(values, 50), rel=0.011)
    assert found.p95 == pytest.approx(np.percentile(values, 95), rel=0.011)
    assert high.summary.p95 == pytest.approx(np.percentile(values, 5), rel=0.011)
    assert found.value == pytest.approx(values.mean())
    assert found.worst_frame == values.argmax() and high.summary.worst_frame == values.argmin()
    equal = Spread(Figure("coverage", "", better="high"))
    for frame in range(3):
        equal.add(100, frame)
    assert equal.summary is not None and equal.summary.p50 == equal.summary.p95 == 100
    assert Spread(Figure("c", "")).summary is None
