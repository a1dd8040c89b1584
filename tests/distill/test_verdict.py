"""What a verdict says of its tone bands, and the card after it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage", reason="scikit-image comes with effectcam[distill]")

from effectcam.distill.behaviour import Behaviour
from effectcam.distill.card import _behind, _on_a_clip
from effectcam.distill.pairs import PairStore
from effectcam.distill.verify import Quality, Verdict, verify
from effectcam.effect.catalogue import bundled_folder


def alike(people: int, before: float, after: float) -> Quality:
    return Quality(((before, after),) * people)


def verdict(**people: int) -> Verdict:
    """Bands of so many people, each five points behind the one before."""
    tones = {
        name.replace("_", " "): alike(count, 0.5, 0.9 - 0.025 * number)
        for number, (name, count) in enumerate(people.items())
    }
    return Verdict(alike(sum(people.values()), 0.5, 0.9), tones, [])


def test_bands_of_enough_people_are_judged_by_themselves() -> None:
    judged = verdict(light=8, tan=3).judged
    assert {tone: quality.people for tone, quality in judged.items()} == {"light": 8, "tan": 3}
    assert _behind(verdict(light=8, tan=3))[14:] == "tan is furthest behind all, by 5.0 points."


@pytest.mark.parametrize(
    ("people", "judged"),
    [
        ({"tan": 8, "brown": 7, "dark": 1}, {"tan": 8, "brown and dark": 8}),
        ({"very_light": 2, "light": 8, "tan": 5}, {"very light and light": 10, "tan": 5}),
        ({"light": 1, "tan": 1, "dark": 1}, {"light and tan and dark": 3}),
        ({"light": 8, "intermediate": 2, "tan": 8}, {"light and intermediate": 10, "tan": 8}),
        ({"dark": 1}, {"dark": 1}),
    ],
)
def test_a_band_of_very_few_is_judged_with_its_neighbour(
    people: dict[str, int], judged: dict[str, int]
) -> None:
    assert {tone: quality.people for tone, quality in verdict(**people).judged.items()} == judged


def test_joined_bands_weigh_by_people() -> None:
    both = alike(3, 0.5, 0.9).joined(alike(1, 0.6, 0.7))
    assert both.people == 4
    assert [both.input_ssim, both.student_ssim] == pytest.approx([0.525, 0.85])


def test_the_interval_is_as_wide_as_people_differ() -> None:
    assert alike(8, 0.5, 0.9).interval == pytest.approx((80, 80))
    unlike = Quality(tuple((0.5, after) for after in np.linspace(0.7, 0.9, 8)))
    low, high = unlike.interval or (0, 0)
    # The mean of eight that are spread evenly over 40 to 80 % has a standard error of 4.6 points.
    assert low == pytest.approx(60 - 2 * 4.6, abs=1.5) and high == pytest.approx(60 + 2 * 4.6, abs=1.5)
    assert Quality(unlike.measured * 16).interval == pytest.approx((60 - 2.2, 60 + 2.2), abs=0.6)
    assert alike(2, 0.5, 0.9).interval is None


def test_the_card_tells_skin_from_all_else_that_bands_differ_in() -> None:
    tones = {"light": alike(6, 0.5, 0.9), "tan": alike(2, 0.5, 0.7), "brown": alike(4, 0.5, 0.6)}
    text = _behind(Verdict(alike(12, 0.5, 0.8), tones, [], darkened=alike(8, 0.5, 0.84)))
    assert text.endswith("are 2.0 points behind themselves.")


def test_the_card_says_which_bands_were_joined_and_why() -> None:
    text = _behind(verdict(tan=8, brown=7, dark=1))
    assert text.startswith("Of the bands, brown and dark are furthest behind all, by 5.6 points.")
    assert text.endswith("A band of fewer than 3 people is judged together with the one beside it: dark (1).")


def test_whom_the_teacher_leaves_alone_is_not_counted() -> None:
    """There is no gap to close: of a band of one such person it was nought by nought."""
    inputs = np.random.default_rng(0).integers(0, 256, (2, 320, 320, 3), np.uint8)
    targets = np.stack((inputs[0], 255 - inputs[1]))
    store = PairStore(inputs, targets, ["a", "b"], ["light", "dark"], [True, True])
    measured = verify(store, bundled_folder() / "toon" / "face.tflite")
    assert (measured.names, list(measured.tones), measured.overall.people) == (["b"], ["dark"], 1)


def test_the_mirrored_border_of_a_portrait_is_not_judged() -> None:
    """There the student may draw what it likes: nobody has a room of their own heads upside down."""
    inputs = np.random.default_rng(0).integers(0, 256, (1, 320, 320, 3), np.uint8)
    targets = (255 - inputs).astype(np.uint8)
    model = bundled_folder() / "toon" / "face.tflite"
    area = [60.0, 80.0, 200.0, 280.0]
    judged, border = targets.copy(), targets.copy()
    judged[:, 100:180, 80:180] = 0
    # SSIM looks three pixels further.
    border[:, :77], border[:, 284:], border[:, :, :57], border[:, :, 204:] = 0, 0, 0, 0

    def overall(drawn: NDArray[np.uint8]) -> Quality:
        return verify(PairStore(inputs, drawn, ["a"], ["light"], [True], photographed=[area]), model).overall

    assert overall(border).student_ssim == pytest.approx(overall(targets).student_ssim)
    assert overall(judged).student_ssim != pytest.approx(overall(targets).student_ssim)


def test_the_card_claims_nothing_that_was_not_measured() -> None:
    few = _on_a_clip(Behaviour(2, 1.0, 0.5, None, 3.0, "a machine"))
    assert "On 2 frames" in few and "restless" not in few and "demo" not in few
    none = _on_a_clip(Behaviour(0, 0.0, None, None, 0.0, "a machine"))
    assert none.startswith("Not measured") and "ms" not in none
