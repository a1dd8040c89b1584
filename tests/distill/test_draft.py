"""A first recipe, found out by asking the teacher."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill.data import Person, people
from effectcam.distill.draft import Nature, contact_sheet, examine, recipe_text
from effectcam.distill.pairs import PairStore, write_pairs
from effectcam.distill.recipe import import_teacher, load_recipe
from effectcam.errors import StudentError, UsageError

Picture = NDArray[np.uint8]
Landmarks = NDArray[np.float32] | None


def negative(image: Picture, landmarks: Landmarks, *, share: float = 1.0) -> Picture:
    """A teacher that is a function."""
    return np.asarray(image + share * (255.0 - 2.0 * image), np.uint8)


def leaning(image: Picture, landmarks: Landmarks) -> Picture:
    """Strokes that lean to the right, as a network's do."""
    rows, columns = np.indices(image.shape[:2])
    strokes = np.where((rows + columns) % 16 < 8, 40, -40)[..., None]
    return np.asarray(np.clip(image.astype(int) + strokes, 0, 255), np.uint8)


def etched(image: Picture, landmarks: Landmarks) -> Picture:
    """Dark and light, and no colour."""
    luma = image @ np.array([0.299, 0.587, 0.114])
    return np.asarray(np.where(luma > 100, 240, 20)[..., None].repeat(3, axis=2), np.uint8)


def masked(image: Picture, landmarks: Landmarks) -> Picture:
    assert landmarks is not None
    alpha = np.full((*image.shape[:2], 1), 128, np.uint8)
    return np.concatenate((negative(image, landmarks), alpha), axis=2)


def _half(image: Picture, landmarks: Landmarks) -> Picture:
    """Faces only, and of those the left half: nothing to learn from mirrored pictures."""
    drawn = image.copy()
    if landmarks is not None:
        drawn[:, : image.shape[1] // 2] = 255 - drawn[:, : image.shape[1] // 2]
    return drawn


def _only_etched_faces(image: Picture, landmarks: Landmarks) -> Picture:
    return image if landmarks is None else etched(image, landmarks)


def _only_faces(image: Picture, landmarks: Landmarks) -> Picture:
    return image if landmarks is None else negative(image, landmarks)


@pytest.fixture(scope="module")
def person() -> Person:
    return next(people(Path(effectcam.__file__).parent / "media"))


def test_what_a_teacher_draws_is_found_out(person: Person) -> None:
    assert examine(negative, person) == Nature(alpha=False, frames=True)
    assert examine(masked, person) == Nature(alpha=True, frames=False)
    assert examine(leaning, person) == Nature(alpha=False, frames=True, mirror=False)
    assert examine(etched, person) == Nature(alpha=False, frames=True, one_ink=True)
    # Without landmarks it leaves the picture alone: nothing for a student of whole frames to learn.
    assert examine(_only_faces, person) == Nature(alpha=False, frames=False)
    assert examine(_half, person) == Nature(alpha=False, frames=False, mirror=False)
    assert examine(_only_etched_faces, person).one_ink


def test_the_sheet_shows_what_will_be_learnt(person: Person) -> None:
    sheet = contact_sheet(masked, [person, person], alpha=True)
    assert sheet.shape == (640, 640, 3)
    assert np.array_equal(sheet[:, :320], sheet[:, 320:])
    seen, drawn = sheet[:320].astype(int), sheet[320:].astype(int)
    # Half of the negative over the picture is grey, whatever was there.
    assert np.ptp(seen) > 100
    assert np.abs(drawn - 127.5).max() <= 2
    full = contact_sheet(negative, [person], alpha=False)
    assert np.array_equal(full[320:], 255 - full[:320])


@pytest.mark.parametrize(("name", "alpha"), [("negative", False), ("masked", True)])
def test_the_sheet_shows_faces_as_large_as_pairs_do(
    person: Person, tmp_path: Path, name: str, alpha: bool
) -> None:
    nature = Nature(alpha, frames=False)
    text = recipe_text("x", f"{__name__}:{name}", nature, licence="MIT", looks_real=False, draft=True)
    (tmp_path / "recipe.toml").write_text(text, encoding="utf-8")
    recipe = load_recipe(str(tmp_path / "recipe.toml"))
    list(write_pairs(recipe, "face", [person], {person.name}, tmp_path))
    seen = contact_sheet(globals()[name], [person], alpha=alpha)[:320]
    assert np.array_equal(seen, PairStore.load(tmp_path).inputs[0])


@pytest.mark.parametrize(
    "nature",
    [
        Nature(False, True),
        Nature(True, False),
        Nature(False, False),
        Nature(False, True, mirror=False, one_ink=True),
        Nature(False, True, upright=True),
    ],
)
def test_the_recipe_loads(tmp_path: Path, nature: Nature) -> None:
    file = tmp_path / "recipe.toml"
    teacher = f"{__name__}:negative"
    text = recipe_text(
        "my-look",
        teacher,
        nature,
        licence="© 😀",
        looks_real=True,
        draft=True,
        options={"share": 1.0, "note": 'a "b"'},
    )
    file.write_text(text, encoding="utf-8")
    recipe = load_recipe(str(file))
    assert recipe.manifest["licence"] == "© 😀"
    assert (recipe.name, recipe.manifest["space"]) == ("my-look", nature.space)
    assert set(recipe.students) == set(nature.space.split("+"))
    assert recipe.students["face"].net.alpha == nature.alpha
    assert {student.mirror for student in recipe.students.values()} == {nature.mirror}
    assert any(student.upright for student in recipe.students.values()) == nature.upright
    assert {student.one_ink for student in recipe.students.values()} == {nature.one_ink}
    assert sum(student.minutes for student in recipe.students.values()) == 16
    assert {tuple(student.teacher.items()) for student in recipe.students.values()} == {
        (("share", 1.0), ("note", 'a "b"'))
    }
    plain = recipe_text("my-look", teacher, nature, licence="MIT", looks_real=True, draft=False)
    file.write_text(plain, encoding="utf-8")
    recipe = load_recipe(str(file))
    assert all(not student.teacher for student in recipe.students.values())
    assert recipe.make_teacher("face")(np.zeros((8, 8, 3), np.uint8), None).min() == 255


def test_faulty_teachers_are_told_in_a_line(person: Person) -> None:
    count = itertools.count()

    def moody(image: Picture, landmarks: Landmarks) -> Picture:
        return np.full_like(image, next(count))

    def broken(image: Picture, landmarks: Landmarks) -> Picture:
        raise RuntimeError("no brush")

    def careless(image: Picture, landmarks: Landmarks) -> Picture:
        image[:] = 255 - image
        return image

    def squeamish(image: Picture, landmarks: Landmarks) -> Picture:
        if landmarks is None and next(count) % 2:
            raise RuntimeError("not again")
        return negative(image, landmarks)

    def mixed(image: Picture, landmarks: Landmarks) -> Picture:
        return negative(image, landmarks) if landmarks is not None else np.asarray(255.0 - image)

    faults = {
        "without landmarks threw RuntimeError: not again": squeamish,
        "without landmarks gave no such picture": mixed,
        "in two ways": moody,
        "draws into the picture": careless,
        "without landmarks threw AssertionError": lambda image, landmarks: masked(image, landmarks)[..., :3],
        "threw RuntimeError .* no brush": broken,
        r"of shape \(160, 160, 3\)": lambda image, landmarks: image[::2, ::2],
        "made float64": lambda image, landmarks: image / 255,
        "made NoneType": lambda image, landmarks: None,
    }
    for says, teacher in faults.items():
        with pytest.raises(UsageError, match=says):
            examine(teacher, person)


def test_a_function_is_a_teacher_and_a_class_makes_one(tmp_path: Path) -> None:
    (tmp_path / "my_looks.py").write_text(
        "class Grey:\n    def __init__(self, level=1): self.level = level\n"
        "    def __call__(self, image, landmarks): return image * 0 + self.level\n"
    )
    (tmp_path / "named.py").write_text(
        "class Named:\n    def __init__(self, name, folders): self.level = len(name) + len(folders)\n"
        "    def __call__(self, image, landmarks): return image * 0 + self.level\n"
    )
    image = np.zeros((8, 8, 3), np.uint8)
    assert import_teacher("named:Named", [tmp_path], name="abc", folders="de")(image, None).max() == 5
    assert import_teacher(f"{__name__}:negative", [], share=0.5)(image, None).max() == 127
    assert import_teacher("my_looks:Grey", [tmp_path], level=7)(image, None).max() == 7
    for wrong in ("my_looks:Gray", "no_such_module:Grey", "my_looks", "", "my_looks:Grey:x"):
        with pytest.raises(UsageError, match="cannot be imported"):
            import_teacher(wrong, [tmp_path])
    with pytest.raises(UsageError, match="cannot be made"):
        import_teacher("my_looks:Grey", [tmp_path], colour=7)


def test_a_module_with_the_name_of_one_of_pythons_own_is_told(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("def draw(image, landmarks): return image\n")
    with pytest.raises(
        UsageError, match=r"code is also a module at .*code\.py, .*; call .*code\.py otherwise"
    ):
        import_teacher("code:draw", [tmp_path])


def test_whatever_an_authors_module_throws_is_told_as_theirs(tmp_path: Path) -> None:
    (tmp_path / "my_slips.py").write_text(
        "from effectcam.errors import StudentError\n"
        "class Unnamed:\n    def __init__(self): self.level = levle\n"
        "class Knowing:\n    def __init__(self): raise StudentError('no weights')\n"
    )
    (tmp_path / "my_slip.py").write_text("def draw(image, landmarks) return image\n")
    (tmp_path / "my_typo.py").write_text("levle\n")
    for name, says in {
        "my_slips:Unnamed": "threw NameError when it was made: name 'levle' is not defined",
        "my_slip:draw": "threw SyntaxError when it was imported: ",
        "my_typo:draw": "threw NameError when it was imported: ",
    }.items():
        with pytest.raises(UsageError, match=f"^teacher '{name}' {says}"):
            import_teacher(name, [tmp_path])
    with pytest.raises(StudentError, match=r"^no weights$"):
        import_teacher("my_slips:Knowing", [tmp_path])
