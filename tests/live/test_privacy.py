from __future__ import annotations

import cv2
import numpy as np
import pytest

from effectcam.frame import Frame, Pixels
from effectcam.live.privacy import FaceGuard, NoGuard, OnLost, blurred
from tests.face.clips import demo_pixels

MS = 1_000_000
RAW = np.full((72, 128, 3), 200, np.uint8)
RAW[::2, ::2] = 0
"""Stands for the bare picture: a checker that no other picture here is like."""
DRAWN = np.full((72, 128, 3), 50, np.uint8)


def shows_raw(pixels: Pixels) -> bool:
    """Whether the checker is to be seen in the picture, however faintly: their correlation."""
    seen, checker = (picture[..., 0].astype(float).ravel() for picture in (pixels, RAW))
    if seen.std() == 0:
        return False
    return abs(float(np.corrcoef(seen, checker)[0, 1])) > 0.1


def feed(guard: FaceGuard, faces: list[int | None], *, step: int = 40 * MS, start: int = 0) -> list[Pixels]:
    """One frame for each count; a face under the effect gives ``DRAWN``, none gives the bare picture."""
    return [
        guard(Frame(RAW, index, start + index * step), DRAWN if count or count is None else RAW, count)
        for index, count in enumerate(faces)
    ]


def test_the_checker_is_seen_where_it_is() -> None:
    assert shows_raw(RAW) and not shows_raw(DRAWN)


@pytest.mark.parametrize("on_lost", ["blur", "hold", "placeholder"])
def test_nothing_bare_goes_out_before_a_face_is_found(on_lost: OnLost) -> None:
    assert not any(map(shows_raw, feed(FaceGuard(on_lost), [0] * 60)))


@pytest.mark.parametrize("on_lost", ["blur", "hold", "placeholder"])
@pytest.mark.parametrize("pattern", [[1] * 30 + [0] * 60 + [1] * 30, [1, 0] * 60, [0, 1, 0, 0, 1] * 20])
def test_nothing_bare_goes_out_while_a_face_comes_and_goes(on_lost: OnLost, pattern: list[int]) -> None:
    assert not any(map(shows_raw, feed(FaceGuard(on_lost), [*pattern])))


def test_a_face_lost_for_a_moment_holds_the_last_good_picture() -> None:
    guard = FaceGuard(hold=0.5)
    feed(guard, [1] * 30)
    looks = []
    for pixels in feed(guard, [0] * 12, start=1200 * MS):
        looks.append(guard.look)
        assert np.array_equal(pixels, DRAWN)
    assert set(looks) == {"hold"}
    assert np.array_equal(feed(guard, [1], start=1700 * MS)[0], DRAWN)
    assert guard.look == "live"


def test_a_face_lost_for_long_fades_into_the_blurred_live_picture_and_back() -> None:
    guard = FaceGuard(hold=0.2, fade=0.4)
    feed(guard, [1] * 30)
    gone = feed(guard, [0] * 40, start=1200 * MS)
    away = [float(np.abs(pixels.astype(int) - blurred(RAW)).mean()) for pixels in gone]
    assert away == sorted(away, reverse=True)
    assert away[0] > 5 and away[-1] == 0
    assert sum(0 < a < away[0] for a in away) >= 5
    back = feed(guard, [1] * 20, start=2800 * MS)
    assert not np.array_equal(back[0], DRAWN)
    assert np.array_equal(back[-1], DRAWN)


def test_hold_never_lets_go() -> None:
    guard = FaceGuard("hold")
    feed(guard, [1] * 30)
    assert all(np.array_equal(pixels, DRAWN) for pixels in feed(guard, [0] * 250, start=1200 * MS))


def test_passthrough_shows_the_bare_face_because_it_was_chosen() -> None:
    guard = FaceGuard("passthrough")
    assert all(map(shows_raw, feed(guard, [0] * 10)))
    assert guard.look == "live"


def test_an_effect_that_fails_is_hidden_like_a_lost_face() -> None:
    for guard in (FaceGuard(), FaceGuard("passthrough")):
        shown = [guard(Frame(RAW, index, index * 40 * MS), None, 0) for index in range(60)]
        assert not any(map(shows_raw, shown))


def test_one_of_two_who_is_lost_hides_the_picture_until_she_is_taken_to_have_left() -> None:
    guard = FaceGuard(hold=0.1, fade=0.0, settle=1.0)
    feed(guard, [2] * 30)
    shown = []
    for index in range(60):
        pixels = guard(Frame(RAW, 0, (1200 + 40 * index) * MS), DRAWN, 1)
        shown.append(np.array_equal(pixels, DRAWN))
        if 0.15 < 0.04 * index < 0.8:
            assert guard.look == "blur"
    assert shown[-1]


def test_who_is_no_longer_to_be_under_the_effect_is_not_waited_for() -> None:
    guard = FaceGuard(hold=0.1, fade=0.0)
    feed(guard, [3] * 30)
    guard.recount()
    assert all(np.array_equal(p, DRAWN) for p in feed(guard, [1] * 10, start=1200 * MS))
    # Those of the new choice are.
    feed(guard, [2] * 10, start=1600 * MS)
    assert not any(np.array_equal(p, DRAWN) for p in feed(guard, [1] * 10, start=2120 * MS))


def test_a_picture_that_is_drawn_from_edge_to_edge_needs_no_blur_to_come_out_of() -> None:
    guard = FaceGuard()
    assert all(picture is DRAWN for picture in feed(guard, [None] * 3))
    feed(guard, [0] * 60)
    assert feed(guard, [None], start=10_000 * MS)[0] is DRAWN and guard.look == "live"


def test_what_looked_like_a_second_face_for_a_moment_hides_nothing() -> None:
    guard = FaceGuard(fade=0.0)
    feed(guard, [1] * 30)
    assert all(np.array_equal(p, DRAWN) for p in feed(guard, [2, 2, *[1] * 60], start=1200 * MS))


def test_forget_keeps_the_last_good_picture_from_coming_back() -> None:
    guard = FaceGuard("hold")
    feed(guard, [1] * 30)
    guard.forget()
    assert np.array_equal(feed(guard, [0], start=1200 * MS)[0], blurred(RAW))


def test_a_frame_of_another_size_is_not_answered_with_the_old_one() -> None:
    guard = FaceGuard("hold")
    feed(guard, [1] * 30)
    small = RAW[:36, :64]
    assert guard(Frame(small, 0, 1200 * MS), small, 0).shape == small.shape


def test_no_guard_lets_everything_out() -> None:
    guard = NoGuard()
    assert guard(Frame(RAW, 0, 0), DRAWN, 0) is DRAWN
    assert guard(Frame(RAW, 0, 0), None, 0) is RAW


def test_blurred_leaves_nobody_to_recognise() -> None:
    """What a face needs to be known by are details of a tenth of its size and less; they are gone."""
    from effectcam.face.mesh import FaceMesh

    pixels = demo_pixels()[0]
    cover = blurred(pixels)
    assert cover.shape == pixels.shape
    fine = cover.astype(np.float32) - cv2.GaussianBlur(cover, (0, 0), 8).astype(np.float32)
    before = pixels.astype(np.float32) - cv2.GaussianBlur(pixels, (0, 0), 8).astype(np.float32)
    assert fine.std() < 0.1 * before.std()
    with FaceMesh() as mesh:
        assert mesh.process(Frame(pixels, 0, 0))
        mesh.reset()
        assert not mesh.process(Frame(cover, 0, 0))


@pytest.mark.parametrize("shape", [(1, 1), (2, 90), (720, 1280), (1920, 1080)])
def test_blurred_takes_any_size(shape: tuple[int, int]) -> None:
    assert blurred(np.full((*shape, 3), 90, np.uint8)).shape == (*shape, 3)
