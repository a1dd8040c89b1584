"""Finding people: on the bundled clip of a synthetic person."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import effectcam
from effectcam.distill.data import Person, held_out, hold_out, people
from effectcam.distill.tones import TONES, tone, typology_angle
from effectcam.errors import SourceError, UsageError
from tests.media import write_clip

MEDIA = Path(effectcam.__file__).parent / "media"


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one picture of the synthetic person and one without a face."""
    folder = tmp_path_factory.mktemp("people")
    video = cv2.VideoCapture(str(MEDIA / "demo.mp4"))
    _, picture = video.read()
    video.release()
    cv2.imwrite(str(folder / "b.png"), picture)
    cv2.imwrite(str(folder / "a.png"), np.full((240, 320, 3), 90, np.uint8))
    return folder


def test_pictures_without_a_face_are_passed_over(portrait: Path) -> None:
    found = list(people(portrait))
    assert [person.name for person in found] == ["b.png"]
    assert found[0].landmarks.shape == (478, 3)
    assert not found[0].from_clip


def test_a_clip_gives_one_frame_in_so_many() -> None:
    found = list(people(MEDIA, every=50))
    assert [person.name for person in found] == [f"demo.mp4#{number}" for number in (0, 50, 100)]
    assert all(person.from_clip for person in found)


def test_mirrored_people_come_second_with_landmarks_of_their_own(portrait: Path) -> None:
    plain, mirrored = people(portrait, mirrored=True)
    assert (plain.name, plain.mirrored, mirrored.name, mirrored.mirrored) == ("b.png", False, "b.png", True)
    assert np.array_equal(mirrored.image, plain.image[:, ::-1])
    eyes = [33, 263]
    width = plain.image.shape[1]
    # The mesh calls the eye on the left of the picture by the same number in both.
    seen_in_mirror = width - 1 - plain.landmarks[eyes[::-1], 0]
    assert np.abs(mirrored.landmarks[eyes, 0] - seen_in_mirror).max() < 0.01 * width
    assert [person.mirrored for person in people(MEDIA, every=100, mirrored=True)] == [
        False,
        False,
        True,
        True,
    ]


def test_of_a_clips_frames_only_what_pairs_are_made_from_is_kept(tmp_path: Path) -> None:
    video = cv2.VideoCapture(str(MEDIA / "demo.mp4"))
    _, stored = video.read()
    video.release()
    picture = np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGR2RGB), np.uint8)
    large = np.asarray(cv2.resize(picture, (3840, 2160), interpolation=cv2.INTER_CUBIC), np.uint8)
    clip = write_clip(tmp_path / "large.mp4", width=3840, height=2160, pictures=[large, large], count=2)
    found = list(people(clip.parent, every=1))
    assert len(found) == 2
    for person in found:
        eyes = np.linalg.norm(person.landmarks[33, :2] - person.landmarks[263, :2])
        assert person.image.nbytes < 12_000_000 and 100 < eyes < 140


def test_kinds_of_files_that_are_not_read_are_told(portrait: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(portrait, tmp_path / "all")
    for name in ("1.HEIC", "2.heic", "clip.avi", "notes.txt", ".DS_Store"):
        (folder / name).touch()
    told: list[str] = []
    assert len(list(people(folder, tell=told.append))) == 1
    assert [line for line in told if "heic" in line] == [
        f"passed over in {folder}: 1 .avi, 2 .heic; make .jpg or .png of those to be learnt from"
    ]


def test_a_large_picture_is_kept_small_and_a_small_one_as_it_is(portrait: Path, tmp_path: Path) -> None:
    (small,) = people(portrait)
    stored = cv2.imread(str(portrait / "b.png"))
    assert np.array_equal(small.image, stored[..., ::-1])
    large = cv2.resize(stored, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(tmp_path / "b.png"), large)
    found = list(people(tmp_path, mirrored=True))
    assert [person.image.shape for person in found] == [(1440, 2560, 3)] * 2
    # They are of this picture, and not of the one that was read.
    assert found[0].image.base is None or found[0].image.base.nbytes <= 2560 * 1440 * 3
    apart = found[0].landmarks[:, :2] / 2 - small.landmarks[:, :2]
    assert np.abs(apart).max() < 8


def test_an_empty_folder_and_a_broken_picture_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pictures or clips"):
        list(people(tmp_path))
    (tmp_path / "x.jpg").write_bytes(b"nothing")
    with pytest.raises(SourceError, match=r"x\.jpg"):
        list(people(tmp_path))


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(portrait: Path, tmp_path: Path) -> None:
    shutil.copytree(portrait, tmp_path / "all")
    (tmp_path / "all" / "a.mp4").write_bytes(b"nothing")
    (tmp_path / "all" / "aa.jpg").write_bytes(b"nothing")
    told: list[str] = []
    assert [person.name for person in people(tmp_path / "all", tell=told.append)] == ["b.png"]
    assert ["a.mp4" in told[0], "aa.jpg" in told[1], len(told)] == [True, True, 2]
    assert all(line.startswith("passed over: ") and "\n" not in line for line in told)


def test_files_of_one_name_in_two_folders_are_two_people(portrait: Path, tmp_path: Path) -> None:
    """A folder a person, as phones and archives give them: else all of one name are held out together."""
    for name in ("anna/photo.png", "bob/photo.png", "no #1.png", os.fsdecode(b"Jos\xe9.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(portrait / "b.png", tmp_path / name)
    crowd = list(people(tmp_path))
    names = sorted(person.name for person in crowd)
    assert names == ["Jos\\udce9.png", "anna/photo.png", "bob/photo.png", "no %231.png"]
    assert not any(person.from_clip for person in crowd)
    assert len(held_out(crowd, 2, tmp_path)) == 2
    # Lists of before, without the folders, still say who it is.
    (tmp_path / "held-out.txt").write_text("photo.png\n", encoding="utf-8")
    assert held_out(crowd, 2, tmp_path) == {"anna/photo.png", "bob/photo.png"}


@pytest.mark.parametrize(
    ("colour", "band"),
    [((246, 226, 210), "very light"), ((198, 152, 120), "intermediate"), ((92, 58, 40), "dark")],
)
def test_tone_follows_the_skin(colour: tuple[int, int, int], band: str) -> None:
    image = np.full((100, 100, 3), colour, np.uint8)
    landmarks = np.full((478, 3), 50, np.float32)
    landmarks[0] = (10, 10, 0)
    landmarks[1] = (90, 90, 0)
    assert tone(image, landmarks) == band, typology_angle(image, landmarks)


def test_held_out_people_are_spread_over_the_tones_and_stay_the_same() -> None:
    crowd = [(f"{number:03}.jpg", "light" if number < 90 else "brown") for number in range(100)]
    chosen = hold_out(crowd, 12)
    assert len(chosen) == 12
    assert sum(name >= "090.jpg" for name in chosen) == 6
    assert hold_out(list(reversed(crowd)), 12) == chosen
    assert set(TONES) >= {"light", "brown"}


def test_a_plain_folder_holds_out_half_at_most_and_no_clips() -> None:
    image, landmarks = np.zeros((8, 8, 3), np.uint8), np.zeros((478, 3), np.float32)
    crowd = [Person(f"{number}.jpg", image, landmarks, "light") for number in range(6)]
    clip = [Person(f"c.mp4#{number}", image, landmarks, "light") for number in range(9)]
    assert held_out([*crowd, *clip], 40, Path("x")) == hold_out([(p.name, p.tone) for p in crowd], 3)
    with pytest.raises(UsageError, match="portraits with a face in x: 3;"):
        held_out([*crowd[:3], *clip], 40, Path("x"))
    with pytest.raises(UsageError, match="no face"):
        held_out([], 40, Path("x"))


def test_a_list_in_the_folder_says_who_is_held_out(tmp_path: Path) -> None:
    face = np.zeros((8, 8, 3), np.uint8), np.zeros((478, 3), np.float32)
    crowd = [Person(f"{name}.jpg", *face, "light") for name in "abcde"]
    told: list[str] = []
    # As Windows' editor would.
    (tmp_path / "held-out.txt").write_text("b.jpg\r\nd.jpg \r\ngone.jpg\r\n", encoding="utf-8-sig")
    assert held_out(crowd, 40, tmp_path, tell=told.append) == {"b.jpg", "d.jpg"}
    assert told == [f"{tmp_path / 'held-out.txt'}: no picture with a face is called gone.jpg"]
    for names in ("gone.jpg", "\n".join(person.name for person in crowd)):
        (tmp_path / "held-out.txt").write_text(names)
        with pytest.raises(UsageError, match=r"held-out\.txt names [05] of 5 pictures"):
            held_out(crowd, 40, tmp_path)
    (tmp_path / "held-out.txt").write_text("b.jpg", encoding="utf-16")
    with pytest.raises(UsageError, match=r"held-out\.txt is not UTF-8 at byte 0; save it as UTF-8"):
        held_out(crowd, 1, tmp_path)
