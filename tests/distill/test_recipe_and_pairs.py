"""Recipes, and the pairs that a teacher makes of the synthetic person."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.cli.app import main
from effectcam.distill import package, pairs
from effectcam.distill.data import Person, people
from effectcam.distill.pairs import BASE, SHOWN, PairStore, forget_drawings, write_pairs
from effectcam.distill.recipe import BUNDLED, load_recipe
from effectcam.distill.tones import COVERED, DARKENED, TONES
from effectcam.distill.train import usual_augmentation
from effectcam.effect.catalogue import bundled_folder
from effectcam.errors import StudentError, UsageError
from effectcam.face.crop import fit_head
from tests.disk import small_files


@pytest.fixture(scope="module")
def crowd() -> list[Person]:
    return list(people(Path(effectcam.__file__).parent / "media", every=75))


@pytest.mark.parametrize("file", sorted(BUNDLED.glob("*.toml")), ids=lambda file: file.stem)
def test_bundled_recipes_load_and_their_teachers_exist(file: Path) -> None:
    recipe = load_recipe(file.stem)
    assert recipe.name == file.stem
    assert recipe.weaknesses
    for space in recipe.students:
        assert callable(recipe.make_teacher(space))


def test_unknown_and_damaged_recipes_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'toon'"):
        load_recipe("tooon")
    (tmp_path / "x.toml").write_text("name = 'x'")
    with pytest.raises(UsageError, match=r"x\.toml"):
        load_recipe(str(tmp_path / "x.toml"))


@pytest.mark.parametrize(
    ("line", "says"),
    [("emphasis = { darc = 2 }", "did you mean 'dark'"), ("emphasis = { dark = 0 }", "above 0")],
)
def test_a_senseless_emphasis_is_told(tmp_path: Path, line: str, says: str) -> None:
    toon = (BUNDLED / "zombie.toml").read_text()
    before = next(row for row in toon.splitlines() if row.startswith("emphasis"))
    (tmp_path / "x.toml").write_text(toon.replace(before, line))
    with pytest.raises(UsageError, match=says):
        load_recipe(str(tmp_path / "x.toml"))


@pytest.mark.parametrize(
    ("was", "line", "says"),
    [
        ("minutes = ", "minuts = ", "'minuts' is not known; did you mean 'minutes'"),
        ("minutes = ", "minutes = -", "minutes are -.*choose more than 0"),
        ("[detail]", "[detial]", "'detial' is not known; did you mean 'detail'"),
        ("margin = ", "magin = ", "unexpected keyword argument 'magin'"),
        ("margin = ", "margin = 10", r"crop\.margin is 10"),
        ('licence = "', 'licence = "' + 100 * "M", "licence is .*1 to 100 characters"),
        ('space = "', 'space = "frame+', "the space is 'frame.face', the students are for: face"),
        ('output = "rgba"', 'output = "rgb"', "the face student draws an alpha"),
        ("size = [256, 256]", "size = [240, 240]", "size is 240, 240: choose sides that 32 divides"),
        ("position = 256", "position = 224", "position is 224 and the size 256, 256"),
        ("minutes = ", 'mirror = "no"\nminutes = ', "mirror is 'no': choose true or false"),
        ("minutes = ", "soften = -1\nminutes = ", "soften is -1: choose .*0 .off. to 2"),
    ],
)
def test_what_would_fail_or_be_passed_over_after_the_training_is_told_before(
    tmp_path: Path, was: str, line: str, says: str
) -> None:
    zombie = (BUNDLED / "zombie.toml").read_text(encoding="utf-8")
    assert was in zombie
    (tmp_path / "x.toml").write_text(zombie.replace(was, line, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=says) as told:
        load_recipe(str(tmp_path / "x.toml"))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("was", "line", "says"),
    [
        (
            "size = [256, 256]",
            "size = [256, 288]",
            "size is 256, 288, but a crop is square",
        ),
        ('output = "rgb"', 'output = "rgba"', "there is nothing behind a frame"),
        ("size = [288, 512]", "size = [224, 512]", "is 224, 512, more than twice as wide as high"),
        (
            "[students.frame.net]",
            "[students.frame.net]\nrecurrent = true",
            "recurrent is for the face",
        ),
    ],
)
def test_what_no_package_may_have_is_told_before_the_training(
    tmp_path: Path, was: str, line: str, says: str
) -> None:
    toon = (BUNDLED / "toon.toml").read_text(encoding="utf-8")
    assert was in toon
    text = toon.replace(was, line)
    if "rgba" in line:
        text = text.replace(".net]", ".net]\nalpha = true")
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=says) as told:
        load_recipe(str(tmp_path / "x.toml"))
    assert "\n" not in str(told.value)


def test_a_source_too_long_for_the_package_is_told_before_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["distill", "export", "zombie", "--work", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main([*call, "--source", 301 * "x"]) == 1
    assert "provenance.data is 'xxx" in capsys.readouterr().err
    assert main([*call, "--source", "drawn"]) == 2
    assert "holds no trained student" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_student_that_draws_otherwise_leaves_the_package_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zombie, work, folder = load_recipe("zombie"), tmp_path / "work", tmp_path / "zombie"
    shutil.copytree(bundled_folder() / "zombie", folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    (work / "face" / "run").mkdir(parents=True)
    (work / "face" / "run" / "student.pt").touch()

    def fails(plan: object, space: str, tier: str, work: Path, place: Path) -> None:
        (place / "face.tflite").write_bytes(b"another")
        raise StudentError("draws away from the trained student")

    monkeypatch.setattr(package, "_export", fails)
    with pytest.raises(StudentError):
        package.build(zombie, work, folder, data="drawn", preview=tmp_path / "none.mp4")
    with pytest.raises(StudentError):
        package.build(zombie, work, tmp_path / "new", data="drawn", preview=tmp_path / "none.mp4")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert {file.name for file in tmp_path.iterdir()} == {"work", "zombie"}


def test_a_folder_of_work_among_the_pictures_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    assert main(["distill", "pairs", "zombie", "--data", str(tmp_path), "--work", str(work)]) == 2
    assert "its drawings be learnt from as portraits" in capsys.readouterr().err
    assert not work.exists()


def test_an_authors_slips_are_told_before_faces_are_sought(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "slipped.py").write_text("levle\n")
    zombie = (BUNDLED / "zombie.toml").read_text(encoding="utf-8")
    text = zombie.replace("effectcam.distill.teachers.zombie:Zombie", "slipped:Zombie")
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    data, work = tmp_path / "data", tmp_path / "work"
    data.mkdir()
    (data / "held-out.txt").write_text("b.jpg", encoding="utf-16")
    for recipe, says in (
        (str(tmp_path / "x.toml"), "threw NameError when it was imported: name 'levle' is not defined"),
        ("zombie", "save it as UTF-8"),
    ):
        assert main(["distill", "pairs", recipe, "--data", str(data), "--work", str(work)]) == 2
        assert says in capsys.readouterr().err, "and not that there are no pictures"


@pytest.mark.parametrize(
    ("name", "space", "plain", "rich"),
    # The one held out is light, and judged with dark skin as well, a face with something before it too.
    [("toon", "face", 3, 2), ("toon", "frame", 2, 2), ("zombie", "face", 3, 3)],
)
def test_held_out_people_get_plain_pairs_others_more(
    crowd: list[Person], tmp_path: Path, name: str, space: str, plain: int, rich: int
) -> None:
    recipe = load_recipe(name)
    held_out = {crowd[0].name}
    stage = write_pairs(recipe, space, crowd, held_out, tmp_path, darker=0)
    assert list(stage) == [person.name for person in crowd]
    store = PairStore.load(tmp_path)
    channels = recipe.students[space].net.channels
    assert store.inputs.shape == (plain + rich * (len(crowd) - 1), BASE, BASE, 3)
    assert store.targets.shape == (*store.inputs.shape[:3], channels)
    assert store.held_out == [True] * plain + [False] * (rich * (len(crowd) - 1))
    assert store.tones[:plain] == [crowd[0].tone, *([COVERED] if space == "face" else []), DARKENED]
    # The teacher changed the picture, and for a face effect not all of it.
    change = np.abs(store.inputs[0].astype(int) - store.targets[0][..., :3]).mean()
    assert change > 5
    if channels == 4:
        alpha = store.targets[0][..., 3]
        assert 0.1 < (alpha > 127).mean() < 0.6
        assert alpha[0].max() == 0


def test_pairs_are_the_same_each_time(crowd: list[Person], tmp_path: Path) -> None:
    recipe = load_recipe("zombie")
    stores = []
    for run in ("a", "b"):
        list(write_pairs(recipe, "face", crowd[1:2], set(), tmp_path / run))
        stores.append(PairStore.load(tmp_path / run))
    assert np.array_equal(stores[0].inputs, stores[1].inputs)
    assert np.array_equal(stores[0].targets, stores[1].targets)


def test_pictures_of_a_teacher_that_tells_left_from_right_are_not_mirrored() -> None:
    toon, fauve = (load_recipe(name).students for name in ("toon", "fauve"))
    leaning = replace(toon["frame"], mirror=False)
    assert fauve["frame"].mirror and fauve["frame"].upright
    students = (toon["face"], toon["frame"], fauve["frame"], leaning)
    assert [student.lying for student in students] == [0.0, 0.5, 0.2, 0.2]
    net = leaning.net
    assert usual_augmentation(net).flip > 0
    usual = usual_augmentation(net, mirror=leaning.mirror)
    rng = np.random.default_rng(0)
    turns = [usual.geometry((BASE, BASE), rng).affine[:, :2] for _ in range(50)]
    assert min(np.linalg.det(turn) for turn in turns) > 0


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("margin = ", "margin = 3.9 # ", r"\[crop\] margin was .* and is 3.9"),
        ("soften = ", "soften = 2 # ", "soften was .* and is 2"),
    ],
)
def test_pairs_of_a_recipe_that_was_changed_are_told(
    crowd: list[Person], tmp_path: Path, capsys: pytest.CaptureFixture[str], was: str, now: str, says: str
) -> None:
    zombie = (
        (BUNDLED / "zombie.toml").read_text(encoding="utf-8").replace("\nminutes", "\nsoften = 0\nminutes", 1)
    )
    (tmp_path / "x.toml").write_text(zombie, encoding="utf-8")
    recipe, pairs = load_recipe(str(tmp_path / "x.toml")), tmp_path / "work/face/pairs"
    list(write_pairs(recipe, "face", crowd[:2], {crowd[0].name}, pairs, darker=0))
    PairStore.load(pairs).check(recipe, "face", pairs)
    assert was in zombie
    (tmp_path / "x.toml").write_text(zombie.replace(was, now, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        PairStore.load(pairs).check(load_recipe(str(tmp_path / "x.toml")), "face", pairs)
    for command in ("train", "search"):
        extra = ["--space", "face", "--budget-ms", "6"] if command == "search" else []
        assert (
            main(["distill", command, str(tmp_path / "x.toml"), "--work", str(tmp_path / "work"), *extra])
            == 2
        )
        assert "were made by another recipe" in capsys.readouterr().err


def test_a_mirror_image_says_nothing_about_who_is_held_out(crowd: list[Person], tmp_path: Path) -> None:
    one, other = crowd[:2]
    both = [one, replace(one, mirrored=True), other, replace(other, mirrored=True)]
    list(write_pairs(load_recipe("zombie"), "face", both, {one.name}, tmp_path, darker=0))
    store = PairStore.load(tmp_path)
    assert [name for name, out in zip(store.names, store.held_out, strict=True) if out] == [one.name] * 3
    assert [name for name, out in zip(store.names, store.held_out, strict=True) if not out] == [
        other.name
    ] * 6


def test_light_people_come_again_with_darker_skin(crowd: list[Person], tmp_path: Path) -> None:
    light = crowd[0]
    assert light.tone in TONES[:4]
    list(write_pairs(load_recipe("toon"), "frame", [light], set(), tmp_path, darker=1))
    tones = PairStore.load(tmp_path).tones
    assert tones[:2] == [light.tone] * 2
    assert len(tones) > 2
    assert all(TONES.index(tone) > TONES.index(light.tone) for tone in tones[2:])


def test_a_teacher_stages_the_pictures_it_acts_on(crowd: list[Person], tmp_path: Path) -> None:
    """On open eyes never-blink leaves everything alone: a student of plain portraits would learn nothing."""
    recipe = load_recipe("never-blink")
    list(write_pairs(recipe, "face", crowd[1:3], set(), tmp_path, darker=0))
    store = PairStore.load(tmp_path)
    acted = [bool((target[..., 3] > 127).any()) for target in store.targets]
    assert any(acted)
    # Each variant is staged anew: the same person comes with eyes more shut and less.
    first, *_, last = store.inputs[:3].astype(int)
    assert np.abs(first - last).max() > 20
    assert not store.staged


def test_a_frame_tells_where_it_is_a_photograph(crowd: list[Person], tmp_path: Path) -> None:
    """A head in the middle of a narrow picture: mirrored to its left and right."""
    person = crowd[0]
    (x, _), side = person.landmarks[[33, 263], :2].mean(axis=0), fit_head(person.landmarks).side
    left, right = (round(float(x + end * side)) for end in (-1.5, 1.5))
    narrow = replace(
        person,
        image=np.ascontiguousarray(person.image[:, left:right]),
        landmarks=person.landmarks - np.array([left, 0, 0], np.float32),
    )
    list(write_pairs(load_recipe("toon"), "frame", [narrow], {narrow.name}, tmp_path, darker=0))
    store = PairStore.load(tmp_path)
    assert len(store.photographed) >= 1 and store.photographed[0] is not None
    start, top, end, bottom = store.photographed[0]
    assert bottom - top == pytest.approx(60 * len(person.image) / side, abs=2)
    # Three times between the eyes' corners, which are 60 pixels apart.
    assert end - start == pytest.approx(180, abs=2)
    picture, edge = store.inputs[0].astype(int), round(start)
    mirrored = [
        np.abs(picture[:, at + 1 : at + 20] - picture[:, at - 19 : at][:, ::-1]).mean()
        for at in (edge - 4, edge, edge + 4)
    ]
    assert mirrored[1] < 0.5 * min(mirrored[0], mirrored[2])


def test_a_portrait_drawn_small_ends_with_its_shirt(
    crowd: list[Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As before a webcam: no shirt upside down below, but for the margin that students do not see."""
    monkeypatch.setattr(pairs, "cut_out", lambda image, landmarks: None)
    list(write_pairs(load_recipe("toon"), "frame", crowd[:3], set(), tmp_path, darker=0))
    store = PairStore.load(tmp_path)
    seen = BASE * (1 + SHOWN) / 2
    bordered = [corners for corners in store.photographed if corners is not None]
    assert bordered and all(bottom >= seen - 1 for *_, bottom in bordered)
    assert any(top > 0 for _, top, *_ in bordered)


def test_who_is_held_out_is_staged_alike(crowd: list[Person], tmp_path: Path) -> None:
    """Some with shut eyes and some with half-shut ones, tone bands of a few people could not be compared."""
    recipe, names = load_recipe("never-blink"), {person.name for person in crowd}
    met = []
    # Another order is another chance for each of them.
    for order, people_ in enumerate((crowd, crowd[::-1])):
        list(write_pairs(recipe, "face", people_, names, tmp_path / str(order), darker=0))
        store = PairStore.load(tmp_path / str(order))
        assert store.staged
        plain = [index for index, tone in enumerate(store.tones) if tone in TONES]
        assert all((store.targets[index][..., 3] > 127).any() for index in plain)
        met.append({store.names[index]: store.inputs[index].tobytes() for index in plain})
    assert met[0] == met[1] and met[0].keys() == names


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_new_pairs_replace_old_ones_whole_or_not_at_all(crowd: list[Person], tmp_path: Path) -> None:
    """A training may have the old ones mapped, and a list that fits other arrays would be believed."""
    recipe = load_recipe("zombie")
    list(write_pairs(recipe, "face", crowd[:1], set(), tmp_path, darker=0))
    before = PairStore.load(tmp_path)
    was = before.inputs.copy()
    with small_files(1_200_000), pytest.raises(StudentError, match="pairs cannot be written"):
        list(write_pairs(recipe, "face", crowd[:2], set(), tmp_path, darker=0))
    assert np.array_equal(PairStore.load(tmp_path).inputs, was)
    list(write_pairs(recipe, "face", crowd[:2], set(), tmp_path, darker=0))
    assert len(PairStore.load(tmp_path).inputs) == 2 * len(was)
    assert np.array_equal(before.inputs, was), "who reads the old ones goes on reading them"
    forget_drawings(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"inputs.npy", "targets.npy", "pairs.json"}


def test_pairs_of_two_makings_are_refused(crowd: list[Person], tmp_path: Path) -> None:
    list(write_pairs(load_recipe("zombie"), "face", crowd[:1], set(), tmp_path, darker=0))
    np.save(tmp_path / "targets.npy", np.zeros((7, BASE, BASE, 4), np.uint8))
    with pytest.raises(UsageError, match="are damaged; make them again"):
        PairStore.load(tmp_path)


def test_a_teachers_alpha_is_not_dropped_silently(crowd: list[Person], tmp_path: Path) -> None:
    zombie = load_recipe("zombie")
    student = zombie.students["face"]
    opaque = replace(zombie, students={"face": replace(student, net=replace(student.net, alpha=False))})
    with pytest.raises(UsageError, match=r"draws RGBA and the face student is to draw RGB; set alpha under"):
        list(write_pairs(opaque, "face", crowd[:1], set(), tmp_path))
