"""Recurrent students: trained on their own past, begun as students that have none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill import recurrence  # noqa: E402
from effectcam.distill.net import NetConfig, Student  # noqa: E402
from effectcam.distill.origin import origin_in, reshaped  # noqa: E402
from effectcam.distill.recipe import load_recipe  # noqa: E402
from effectcam.distill.temporal import Step  # noqa: E402

SMALL = NetConfig(widths=(8, 8, 8, 8, 8), alpha=True, position=64, recurrent=True)
STEPS = [Step(3, -2), Step(0, 5)]


def small(*, blind: bool = False) -> Student:
    torch.manual_seed(0)
    student = Student(SMALL)
    torch.nn.init.normal_(student.head.weight, std=0.1)
    if blind:
        with torch.no_grad():
            student.stem.weight[:, 3:] = 0
    return student


def test_it_begins_as_the_student_that_it_is_made_of_whatever_it_is_told_of_its_past() -> None:
    recipe = load_recipe("zombie").students["face"]
    recurrent = replace(recipe, net=replace(recipe.net, recurrent=True))
    plain, student = (origin_in("zombie", one).student.eval() for one in (recipe, recurrent))
    picture, past = torch.rand(1, 3, *recipe.size), torch.rand(1, 4, *recipe.size)
    with torch.inference_mode():
        expected = plain(picture)
        assert torch.equal(student(picture), expected)
        assert torch.allclose(student(torch.cat((picture, past), 1)), expected, atol=1e-5)
        shallow = reshaped(student, replace(recurrent.net, fine_depth=1)).eval()
        assert shallow(picture).shape == expected.shape


def test_what_was_drawn_moves_along_and_what_came_into_view_is_unknown() -> None:
    torch.manual_seed(0)
    drawing = torch.zeros(4, 64, 64)
    drawing[:, 30, 20] = 1.0
    seen = set()
    for _ in range(60):
        moved = recurrence.moved(drawing, Step(10, -4))
        ((row, column),) = moved[3].nonzero().tolist()
        assert abs(row - 26) <= recurrence.STRAY and abs(column - 30) <= recurrence.STRAY
        seen.add((row, column))
    assert len(seen) > 15
    entered = recurrence.moved(torch.ones(4, 64, 64), Step(10, 0))
    assert not entered[:, :, : 10 - recurrence.STRAY].any()


def test_only_the_second_half_of_a_batch_has_a_past() -> None:
    pictures = torch.rand(4, 3, 64, 64)
    drawn = {}
    for blind in (False, True):
        student = small(blind=blind)
        torch.manual_seed(1)
        drawn[blind] = recurrence.draw_in_turn(student, pictures, STEPS)
        with torch.no_grad():
            assert torch.allclose(drawn[blind][:2], student(pictures[:2]), atol=1e-6)
            alone = student(pictures[2:])
        assert torch.allclose(drawn[blind][2:], alone, atol=1e-5) == blind


def test_its_use_of_the_past_is_what_is_learnt() -> None:
    student = small()
    recurrence.draw_in_turn(student, torch.rand(4, 3, 64, 64), STEPS)[2:].mean().backward()  # type: ignore[no-untyped-call]
    gradient = student.stem.weight.grad
    assert gradient is not None and gradient[:, 3:].abs().sum() > 0


def test_chance_is_pytorchs_so_that_a_seed_repeats_it() -> None:
    pictures, student = torch.from_numpy(np.random.default_rng(0).random((4, 3, 64, 64), np.float32)), small()
    runs = []
    for _ in range(2):
        torch.manual_seed(7)
        runs.append(recurrence.draw_in_turn(student, pictures, STEPS))
    assert torch.equal(*runs)
