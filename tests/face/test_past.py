"""A face's last drawing, moved to where the face is now."""

from __future__ import annotations

import numpy as np

from effectcam.face.past import LONGEST_GAP, Past, similarity

SIDE = 64
POINTS = np.random.default_rng(0).uniform(20, 44, (468, 2)).astype(np.float32)
FRAME = 33_000_000


def test_a_similarity_is_found_and_one_mouth_that_opens_hardly_turns_it() -> None:
    turn = 1.1 * np.array([[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]])
    moved = (POINTS @ turn.T + (3, -2)).astype(np.float32)
    assert np.allclose(similarity(POINTS, moved), np.column_stack((turn, (3, -2))), atol=1e-4)
    mouth = POINTS.copy()
    mouth[:20, 1] += 6
    assert np.abs(similarity(POINTS, mouth) @ [32, 32, 1] - 32).max() < 1


def test_a_drawing_moves_with_the_landmarks_and_what_comes_into_view_is_unknown() -> None:
    past, drawing = Past(), np.zeros((SIDE, SIDE, 4), np.uint8)
    drawing[30:34, 20:24] = 255
    past.keep(0, drawing, POINTS, 0)
    moved = past.of(0, POINTS + np.array([7, -5], np.float32), FRAME)
    assert moved is not None
    assert (moved[25:29, 27:31] == 255).all() and moved.sum() == drawing.sum()
    past.keep(0, np.full_like(drawing, 255), POINTS, FRAME)
    entered = past.of(0, POINTS + np.array([7, 0], np.float32), 2 * FRAME)
    assert entered is not None and not entered[:, :6].any() and (entered[:, 8:] == 255).all()


def test_a_face_that_is_new_was_away_or_goes_back_in_time_has_none() -> None:
    past, drawing = Past(), np.full((SIDE, SIDE, 3), 9, np.uint8)
    assert past.of(0, POINTS, 0) is None
    past.keep(0, drawing, POINTS, FRAME)
    assert past.of(1, POINTS, 2 * FRAME) is None
    assert past.of(0, POINTS, 0) is None
    assert past.of(0, POINTS, 2 * FRAME + LONGEST_GAP) is None
    kept = past.of(0, POINTS, 2 * FRAME)
    assert kept is not None and np.array_equal(kept, drawing)
    past.forget(0)
    assert past.of(0, POINTS, 2 * FRAME) is None
