"""The first frame and stage at which two traces part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from effectcam.replay.parting import CROP_TOLERANCE, Partings, Stage, same_bytes, unlike
from effectcam.replay.trace import (
    Header,
    MachineType,
    TracedClip,
    TracedCrop,
    TracedEffect,
    TracedFace,
    TracedFrame,
    TracedStudent,
)

A, B = "a" * 32, "b" * 32

HEADER = Header(
    schema="effectcam.trace/1",
    effectcam="1.0.0",
    clip=TracedClip(name="clip.mp4", sha256="0" * 64, width=64, height=48),
    effect=TracedEffect(
        name="toon",
        version="1.0.0",
        tier="standard",
        strength=1.0,
        faces=1,
        students={
            "face": TracedStudent(file="face.tflite", sha256="0" * 64, accelerator="cpu", device="CPU")
        },
    ),
    libraries={"python": "3.11.1", "numpy": "1.26.4"},
    machine=MachineType(id="0" * 12, cpu="x", architecture="x86_64", flags=[], system="y"),
)
FACE = TracedFace(identity=0, landmarks=A, crop=TracedCrop(cx=100, cy=100, side=200, angle=0.1), drawing=A)


def frame(number: int = 0, **values: Any) -> TracedFrame:
    usual: dict[str, Any] = {"faces": [FACE], "canvas": A, "output": A, "tier": "standard", "input": A}
    usual |= {"decisions": {"detect": True, "eased": 1.0}, "at": 40 * number, "frame": number}
    return TracedFrame(**(usual | values))


def face(**values: Any) -> list[TracedFace]:
    return [msgspec.structs.replace(FACE, **values)]


def crop(**values: Any) -> list[TracedFace]:
    return face(crop=msgspec.structs.replace(FACE.crop, **values))


CHANGES: dict[str, tuple[dict[str, Any], list[Stage]]] = {
    "another picture": ({"input": B}, ["input"]),
    "another time": ({"at": 41}, ["input"]),
    "the mesh rested": (
        {"decisions": {"detect": False, "eased": 1.0}, "faces": face(landmarks=B)},
        ["decisions", "mesh"],
    ),
    "other landmarks": ({"faces": face(landmarks=B)}, ["mesh"]),
    "another person": ({"faces": face(identity=1)}, ["mesh"]),
    "no face": ({"faces": []}, ["mesh"]),
    "landmarks, and what hangs on them": (
        {"faces": face(landmarks=B), "decisions": {"detect": True, "eased": 0.5}},
        ["mesh", "decisions"],
    ),
    "a steadiness that rests on another crop": (
        {"faces": crop(cx=130), "decisions": {"detect": True, "eased": 1.0, "face_blend": [0.5]}},
        ["crop", "blend"],
    ),
    "a policy": ({"decisions": {"detect": True}}, ["decisions"]),
    "a tier": ({"tier": "lite"}, ["tier"]),
    "a crop's last digit": ({"faces": crop(cx=100 + 1e-9)}, ["crop"]),
    "a drawing": ({"faces": face(drawing=B), "output": B}, ["drawing", "output"]),
    "a canvas": ({"canvas": None}, ["canvas"]),
    "the output": ({"output": B}, ["output"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_stage_is_told_and_the_first_one_first(change: str) -> None:
    values, stages = CHANGES[change]
    partings = Partings(HEADER, HEADER)
    assert partings.see(frame(0), frame(0)) == []
    assert partings.see(frame(1), frame(1, **({"at": 40} | values))) == stages
    assert partings.see(frame(2), frame(2, output=B)) == ["output"]
    found = partings.found
    assert found.first is not None and (found.first.frame, found.first.stage) == (1, stages[0])
    assert (found.frames, found.differing, found.exact) == ((3, 3), 2, True)
    assert sum(found.stages.values()) == len(stages) + 1


def test_a_difference_in_the_last_digit_is_shown_with_all_of_them() -> None:
    partings = Partings(HEADER, HEADER)
    partings.see(frame(0), frame(0, faces=crop(cx=100.5)))
    assert str(partings.found.first).endswith("cx of face 0 100, now 100.5")
    partings = Partings(HEADER, HEADER)
    partings.see(frame(0), frame(0, faces=crop(cx=100 + 1e-9)))
    assert str(partings.found.first).endswith("cx of face 0 100, now 100.000000001")


def test_a_trace_that_ends_earlier() -> None:
    partings = Partings(HEADER, HEADER)
    partings.see(frame(0), frame(0))
    for number in (1, 2):
        partings.see(None, frame(number))
    found = partings.found
    assert str(found.first) == "frame 1, length: the first ends after 1 frames"
    assert (found.frames, found.differing, found.stages) == ((1, 3), 2, {"length": 2})


@pytest.mark.parametrize(
    ("values", "differs"),
    [
        ({"input": B, "output": B, "canvas": B, "faces": face(landmarks=B, drawing=B)}, False),
        ({"faces": crop(cx=100 + 0.9 * CROP_TOLERANCE * 200)}, False),
        ({"faces": crop(cx=100 + 1.1 * CROP_TOLERANCE * 200)}, True),
        ({"faces": crop(angle=0.1 + 1.1 * CROP_TOLERANCE)}, True),
        ({"faces": []}, True),
        ({"decisions": {"detect": True, "eased": 0.99}}, False),
        ({"decisions": {"detect": True, "eased": 0.97}}, True),
        ({"decisions": {"detect": False, "eased": 1.0}}, True),
        ({"canvas": None}, True),
        ({"tier": "lite"}, True),
    ],
)
def test_on_another_machine_digests_do_not_count(values: dict[str, Any], differs: bool) -> None:
    other = msgspec.structs.replace(HEADER, machine=msgspec.structs.replace(HEADER.machine, id="1" * 12))
    partings = Partings(HEADER, other)
    assert bool(partings.see(frame(), frame(**values))) == differs
    assert not partings.found.exact


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda head: head["libraries"].update(python="3.12.0"), True),
        (lambda head: head.update(effectcam="2.0.0"), True),
        (lambda head: head["libraries"].update(numpy="2.0.0"), False),
        (lambda head: head["machine"].update(id="1" * 12), False),
        (lambda head: head["effect"]["students"]["face"].update(accelerator="gpu", device="x"), False),
    ],
)
def test_which_runs_owe_each_other_the_same_bytes(change: Callable[[Any], None], same: bool) -> None:
    told = msgspec.to_builtins(HEADER)
    change(told)
    assert same_bytes(HEADER, msgspec.convert(told, Header)) == same


def test_what_was_asked_for_otherwise_is_told() -> None:
    told = msgspec.to_builtins(HEADER)
    told["clip"]["sha256"] = "1" * 64
    told["effect"] |= {"version": "1.1.0", "strength": 0.5}
    told["effect"]["students"]["face"]["sha256"] = "2" * 64
    assert unlike(HEADER, HEADER) == []
    assert unlike(HEADER, msgspec.convert(told, Header)) == [
        "clip's SHA-256: 000000000000, now 111111111111",
        "version of toon: 1.0.0, now 1.1.0",
        "strength: 1.0, now 0.5",
        "face student's SHA-256: 000000000000, now 222222222222",
    ]


@pytest.mark.parametrize(
    ("shares", "alike"),
    [
        (([0.5, 0.62], 0.4), True),
        (([0.5, 0.63], 0.39), True),
        (([0.5, 0.65], 0.4), False),
        (([0.5], 0.4), False),
        (None, False),
    ],
)
def test_shares_of_the_results_before_may_differ_a_little_across_machines(
    shares: tuple[list[float], float] | None, alike: bool
) -> None:
    def decided(faces: list[float], canvas: float) -> TracedFrame:
        return frame(decisions={"detect": True, "face_blend": faces, "frame_blend": canvas})

    partings = Partings(HEADER, HEADER, exact=False)
    now = frame(decisions={"detect": True}) if shares is None else decided(*shares)
    assert (partings.see(decided([0.5, 0.61], 0.41), now) == []) is alike


@pytest.mark.parametrize(
    ("was", "now", "alike"),
    [(None, [1.0, 0.98], True), ([0.98], None, True), (None, [0.96], False), ([1.0], [0.98, 1.0], False)],
)
def test_where_no_share_is_told_every_face_has_the_whole_effect(
    was: list[float] | None, now: list[float] | None, alike: bool
) -> None:
    lines = [frame(decisions={} if shares is None else {"shown": shares}) for shares in (was, now)]
    assert (Partings(HEADER, HEADER, exact=False).see(*lines) == []) is alike
