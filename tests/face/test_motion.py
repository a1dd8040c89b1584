from __future__ import annotations

import numpy as np
import pytest

from effectcam.face.mesh import FaceObservation, Rect
from effectcam.face.motion import ConstantVelocity, look
from effectcam.frame import Frame
from tests.face.clips import DEMO, track

FRAME = 33_333_333


def face(x: float) -> FaceObservation:
    points = np.arange(468 * 3, dtype=np.float32).reshape(468, 3)
    return FaceObservation(points + np.float32(x), Rect(x, 0, 100, 0))


def test_a_face_goes_on_as_it_went() -> None:
    motion = ConstantVelocity()
    motion.see([face(100)], 0)
    motion.see([face(108)], 2 * FRAME)
    expected = motion.expect(3 * FRAME)
    assert expected is not None
    np.testing.assert_allclose(expected[0].landmarks, face(112).landmarks, atol=1e-3)
    assert expected[0].landmarks.dtype == np.float32


@pytest.mark.parametrize("moment", [2 * FRAME, FRAME, 5 * FRAME])
def test_it_is_not_told_of_the_past_nor_far_ahead(moment: int) -> None:
    motion = ConstantVelocity()
    motion.see([face(100)], 0)
    motion.see([face(108)], 2 * FRAME)
    assert motion.expect(moment) is None


def test_two_sightings_close_to_each_other_are_needed() -> None:
    motion = ConstantVelocity()
    assert motion.expect(0) is None
    motion.see([face(100)], 0)
    assert motion.expect(FRAME) is None
    motion.see([face(100)], 10 * FRAME)
    assert motion.expect(11 * FRAME) is None
    motion.see([face(100)], 11 * FRAME)
    assert motion.expect(12 * FRAME) is not None


@pytest.mark.parametrize("observations", [[], [face(100), face(400)]])
def test_no_face_or_two_end_it(observations: list[FaceObservation]) -> None:
    motion = ConstantVelocity()
    motion.see([face(100)], 0)
    motion.see([face(100)], FRAME)
    motion.see(observations, 2 * FRAME)
    assert motion.expect(3 * FRAME) is None


def test_what_was_forgotten_tells_nothing() -> None:
    motion = ConstantVelocity()
    motion.see([face(100)], 0)
    motion.see([face(100)], FRAME)
    motion.forget()
    assert motion.expect(2 * FRAME) is None


def test_a_talking_head_is_foreseen_better_than_it_stands_still() -> None:
    """The head's middle on the demo clip, every other frame seen."""
    tracked = track(DEMO)
    motion = ConstantVelocity()
    off, moved = [], []
    for index, (head, moment) in enumerate(zip(tracked.heads, tracked.moments, strict=True)):
        if index % 2 == 0:
            last = head
            motion.see([FaceObservation(np.full((468, 3), head.cx, np.float32), Rect(0, 0, 1, 0))], moment)
        elif (expected := motion.expect(moment)) is not None:
            off.append(abs(float(expected[0].landmarks[0, 0]) - head.cx))
            moved.append(abs(last.cx - head.cx))
    assert len(off) > 50
    assert np.mean(off) < 0.8 * np.mean(moved)


class Finds:
    """A tracker that finds a face at each of these places in turn."""

    def __init__(self, *places: float) -> None:
        self.left = list(places)

    def process(self, frame: Frame) -> list[FaceObservation]:
        return [face(self.left.pop(0))]

    def reset(self) -> None: ...

    def close(self) -> None: ...


def test_a_cut_is_no_motion() -> None:
    """A face that stands elsewhere after it has not run there."""
    mesh, motion = Finds(100, 104, 190, 191), ConstantVelocity()
    found = []
    for index, (detect, cut) in enumerate(
        [(True, False), (True, False), (False, True), (False, False), (False, False)]
    ):
        observations, looked = look(
            mesh, motion, Frame(np.zeros((8, 8, 3), np.uint8), index, index * FRAME), detect=detect, cut=cut
        )
        found.append((round(float(observations[0].landmarks[0, 0])), looked))
    # The mesh looks at the cut's frame, and at the next for there is nothing to go by; then it need not.
    assert found == [(100, True), (104, True), (190, True), (191, True), (192, False)]
