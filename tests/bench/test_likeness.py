"""What may be compared, and what is refused with the difference named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from effectcam.bench.likeness import TRAITS, check_alike
from effectcam.bench.report import Accelerator, Report
from effectcam.errors import UsageError
from tests.bench.reports import made_report


def changed(**changes: Any) -> Report:
    made = made_report(frames=20)
    return replace(made, settings=replace(made.settings, **changes))


MADE = made_report(frames=20)
EFFECT, CLIP = MADE.settings.effect, MADE.settings.clip
UNLIKE = {
    "effect": changed(effect=replace(EFFECT, version="1.0.1")),
    "tier": changed(effect=replace(EFFECT, tier="lite")),
    "accelerator": replace(
        MADE,
        device=replace(
            MADE.device, accelerators=[Accelerator(name="gpu", device="Some GPU", driver="Vulkan")]
        ),
    ),
    "threads": changed(threads=2),
    "cores": changed(cores=4),
    "priority": changed(priority="raised"),
    "size": changed(width=1920, height=1080),
    "faces": changed(faces=2),
    "clip": changed(clip=replace(CLIP, sha256="ef" * 32)),
    "pace": changed(pace_fps=30.0),
    "load": changed(under_load=1),
    "turn": changed(turn=10),
    "overlap": changed(overlap=True),
    "device": replace(MADE, device=replace(MADE.device, id="fedcba987654")),
}


def test_there_is_a_case_for_each_trait() -> None:
    assert UNLIKE.keys() == TRAITS.keys()


@pytest.mark.parametrize("trait", TRAITS)
def test_a_difference_is_named_and_can_be_asked_for(trait: str) -> None:
    made, other = MADE, UNLIKE[trait]
    a, b = TRAITS[trait](made), TRAITS[trait](other)
    with pytest.raises(UsageError) as raised:
        check_alike([[made], [other]], ())
    assert f"differ in {trait} ({a} and {b})" in str(raised.value) and f"--across {trait}" in str(
        raised.value
    )
    assert check_alike([[made], [other]], [trait]) == ({trait: (a, b)}, [])


def test_all_differences_are_named_at_once() -> None:
    other = changed(faces=2, threads=1)
    with pytest.raises(
        UsageError, match=r"threads \(as measured and 1\), faces \(1 and 2\).*--across threads --across faces"
    ):
        check_alike([[MADE], [other]], ())
    with pytest.raises(UsageError, match="differ in faces") as raised:
        check_alike([[MADE], [other]], ["threads"])
    assert "threads" not in str(raised.value)


def test_a_side_must_be_of_one_kind_even_where_the_sides_may_differ() -> None:
    with pytest.raises(UsageError, match="the reports of B differ in tier: standard and lite"):
        check_alike([[MADE], [MADE, UNLIKE["tier"]]], ["tier"])


def test_other_software_is_told_and_not_refused() -> None:
    newer = replace(
        MADE, device=replace(MADE.device, libraries={**MADE.device.libraries, "ai-edge-litert": "2.4.0"})
    )
    assert check_alike([[MADE, MADE], [newer]], ()) == ({}, ["ai-edge-litert is 2.3.0 in A and 2.4.0 in B"])
    longer = changed(frames=500, burn_in=60)
    assert check_alike([[MADE], [longer]], ()) == ({}, [])
