"""The card that travels with an effect: what it is, how good it is, and where it gives up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from effectcam.distill.behaviour import Behaviour
from effectcam.distill.export import Parity
from effectcam.distill.net import NetConfig
from effectcam.distill.recipe import Recipe, StudentRecipe
from effectcam.distill.tones import TONES
from effectcam.distill.verify import FEWEST, Quality, Verdict
from effectcam.effect.manifest import TierName


@dataclass(frozen=True)
class Measured:
    """What is known of one trained student."""

    verdict: Verdict
    parity: Parity
    steps: int
    """Of training."""
    origin: str
    """The effect and version whose weights training went on from; empty when it began from nothing."""
    staged: bool = False
    """See `PairStore.staged`."""
    bordered: bool = False
    """See `PairStore.bordered`."""


def write_card(
    plans: Mapping[TierName, Recipe],
    students: Mapping[TierName, Mapping[str, Measured]],
    behaviours: Mapping[TierName, Behaviour],
    *,
    data: str,
) -> str:
    """The text of CARD.md. ``plans`` has the recipe as it is in each tier, ``students`` what was measured by
    tier and space, ``behaviours`` what the whole effect does; ``data`` says where the pictures came from and
    under what rights."""
    recipe = plans["standard"]
    parts = [
        f"# {recipe.manifest['title']}\n\n{recipe.manifest['description']}\n",
        f"Teacher: `{recipe.teacher}`, slow and deterministic; licence {recipe.manifest['licence']}.\n",
        f"## Data\n\n{data}\n",
    ]
    for space, measured in students["standard"].items():
        parts.append(_student(space, recipe.students[space], measured))
    if len(plans) > 1:
        parts.append(f"## Tiers\n\n{_tiers(plans, students, behaviours)}\n")
    parts.append(f"## On a clip\n\n{_on_a_clip(behaviours['standard'])}\n")
    names = sorted({name for measured in students["standard"].values() for name in measured.verdict.names})
    parts.append(f"## Limits\n\n{recipe.weaknesses}\n")
    parts.append(
        "## Held out\n\nMeasured on, never trained on:\n\n" + ", ".join(f"`{name}`" for name in names) + "\n"
    )
    return "\n".join(parts)


def _tiers(
    plans: Mapping[TierName, Recipe],
    students: Mapping[TierName, Mapping[str, Measured]],
    behaviours: Mapping[TierName, Behaviour],
) -> str:
    """Each tier's students beside the standard ones."""
    lines = [
        "| tier | student | size | blocks a level | gap closed | furthest band | parity | all students |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for tier, plan in plans.items():
        for space, student in plan.students.items():
            measured, (height, width) = students[tier][space], student.size
            overall = measured.verdict.overall.gap_closed
            worst = min(quality.gap_closed for quality in measured.verdict.judged.values())
            ms = f"{behaviours[tier].student_ms:.1f} ms" if behaviours[tier].frames else "not measured"
            lines.append(
                f"| {tier} | {space} | {height}×{width} | {_depth(student.net)} | {overall:.1f} % "
                f"| {overall - worst:.1f} points behind | {measured.parity.mean:.3f}/255 "
                f"| {ms} |"
            )
    return "\n".join(lines)


def _depth(net: NetConfig) -> str:
    text = str(net.depth)
    if net.fine_depth:
        text += f", {net.fine_depth} at half size"
    if net.coarse_depth:
        text += f", {net.coarse_depth} at 1/16 and 1/32"
    return text


def _student(space: str, student: StudentRecipe, measured: Measured) -> str:
    verdict, parity, net = measured.verdict, measured.parity, student.net
    judged = [("all", verdict.overall), *verdict.tones.items()]
    judged += [
        (f"{tone} together", both) for tone, both in verdict.judged.items() if tone not in verdict.tones
    ]
    if verdict.darkened is not None:
        judged.append(("the light ones, skin darkened", verdict.darkened))
    if verdict.covered is not None:
        judged.append(("all, with something before the face", verdict.covered))
    rows = "\n".join(
        f"| {tone} | {quality.people} | {quality.input_ssim:.3f} | {quality.student_ssim:.3f} "
        f"| {quality.gap_closed:.1f} % | {_interval(quality)} |"
        for tone, quality in judged
    )
    height, width = student.size
    shape = (
        f"{height}×{width}, widths {', '.join(map(str, net.widths))}, "
        f"expansion {net.expansion}, depth {_depth(net)}"
    )
    farthest = max(parity.layers, key=lambda layer: layer.difference)
    softened = (
        f"The teacher's change of the picture is smoothed by {student.soften:g} pixels, finer than which "
        "a student cannot place a line.\n\n"
        if student.soften
        else ""
    )
    begun = f", going on from {measured.origin}" if measured.origin else ""
    return (
        f"## The {space} student\n\n"
        f"{shape}; {measured.steps} training steps{begun}. The .tflite "
        "draws the same as the trained network, rounding to 8 bits included, within "
        f"{parity.mean:.3f}/255 on average (largest single value {parity.largest:.2f}); "
        f"of its {len(parity.layers)} convolutions `{farthest.name}` is farthest off, by "
        f"{100 * farthest.difference:.3f} % of its range.\n\n"
        f"{softened}Structural similarity to the teacher on portraits never trained on"
        f"{', all met in the one way that the effect is made for' if measured.staged else ''}"
        f"{', inside its alpha' if net.alpha else ''}"
        f"{', without the mirrored border round them' if measured.bordered else ''}"
        ", and how much of the gap between the bare input and the teacher is closed, with its 95 % interval "
        "over people (bootstrap); tone is the individual typology angle of the cheeks:\n\n"
        "| tone | people | input | student | gap closed | 95 % |\n|---|---|---|---|---|---|\n" + rows + "\n\n"
        f"{_behind(verdict)}\n"
    )


def _on_a_clip(behaviour: Behaviour) -> str:
    """What `behave` measured, in words."""
    if not behaviour.frames:
        return "Not measured: no face was found in the clip that the preview is from."
    text = f"On {behaviour.frames} frames of the clip that the preview is from, at full strength: "
    if behaviour.flicker is not None:
        text += (
            f"the face is {behaviour.flicker:.2f} times as restless as in the input (each frame against the "
            "mean of its neighbours, over the picture's contrast). "
        )
    text += f"Face Mesh finds a face again in {100 * behaviour.found:.0f} % of the results"
    if behaviour.landmark_error is not None:
        text += (
            f", with landmarks {behaviour.landmark_error:.1f} % of the distance between the eyes' outer "
            "corners from the input's"
        )
    return text + (
        f". All students of a frame together take {behaviour.student_ms:.1f} ms (median, one thread each, "
        f"{behaviour.machine})."
    )


def _interval(quality: Quality) -> str:
    return "{:.0f} to {:.0f} %".format(*quality.interval) if quality.interval else ""


def _behind(verdict: Verdict) -> str:
    """Which band is furthest behind, and by how much; what of that is skin, by the same people with other
    skin. A band of very few is judged with its neighbour, and said to be."""
    tone, worst = min(verdict.judged.items(), key=lambda item: item[1].gap_closed)
    text = (
        f"Of the bands, {tone} {'are' if ' and ' in tone else 'is'} furthest behind all, "
        f"by {verdict.overall.gap_closed - worst.gap_closed:.1f} points."
    )
    few = [f"{tone} ({quality.people})" for tone, quality in verdict.tones.items() if quality.people < FEWEST]
    if few:
        text += (
            f" A band of fewer than {FEWEST} people is judged together with the one beside it: "
            f"{', '.join(few)}."
        )
    lighter = [quality for tone, quality in verdict.tones.items() if tone in TONES[:4]]
    if verdict.darkened is not None and lighter:
        behind = lighter[0].joined(*lighter[1:]).gap_closed - verdict.darkened.gap_closed
        text += (
            " Bands differ in more than skin, as rooms and hair do; the same light people with darker skin, "
            f"and all else as it was, are {abs(behind):.1f} points "
            f"{'behind' if behind >= 0 else 'ahead of'} themselves."
        )
    return text
