"""``effectcam distill new``: said again, it does what was asked or says why not."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.cli.app import main
from effectcam.cli.distill_train import train
from effectcam.distill.pairs import PairStore
from effectcam.distill.recipe import load_recipe
from effectcam.errors import UsageError
from tests.distill.demo_face import demo_face

_LOOKS = """
import numpy as np
def draw(image, landmarks):
    return np.dstack((255 - image, np.full(image.shape[:2], 200, np.uint8)))
def other(image, landmarks):
    return draw(image, landmarks)
class Tinted:
    def __init__(self, tint, note=""):
        self.alpha = int(255 * tint)
    def __call__(self, image, landmarks):
        return np.dstack((255 - image, np.full(image.shape[:2], self.alpha, np.uint8)))
def afraid(image, landmarks):
    if image[..., 2].mean() > 2 * image[..., 0].mean():
        raise RuntimeError("blue in the face")
    return draw(image, landmarks)
"""


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of four portraits; the current folder has a module of teachers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "looks_of_mine.py").write_text(_LOOKS)
    folder = tmp_path / "people"
    folder.mkdir()
    picture = cv2.cvtColor(demo_face()[0], cv2.COLOR_RGB2BGR)
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), cv2.convertScaleAbs(picture, alpha=1 - 0.05 * number))
    return folder


@pytest.fixture(autouse=True)
def _ends_where_training_would_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def begins(**_: object) -> None:
        raise UsageError("training would begin")

    monkeypatch.setattr(train, "callback", begins)
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(tmp_path / "installed"))


def _new(data: Path, *more: str, name: str = "my-look", teacher: str = "looks_of_mine:draw") -> int:
    said = ["distill", "new", name, "--teacher", teacher, "--data", str(data), "--source", "drawn"]
    return main([*said, *more])


def test_what_changed_after_the_pairs_were_made_is_not_passed_over(
    people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told() -> str:
        return capsys.readouterr().err

    assert _new(people) != 0
    assert "training would begin" in told()
    folder = Path("my-look")
    assert cv2.imread(str(folder / "teacher.png")).shape == (640, 4 * 320, 3)
    pairs = PairStore.load(folder / "work/face/pairs")
    assert len({name for name, out in zip(pairs.names, pairs.held_out, strict=True) if out}) == 2

    (people / ".DS_Store").touch()
    assert _new(people) != 0
    assert "training would begin" in told(), "nothing changed, so it goes on"

    made_of = folder / "work/made-of.json"
    written = made_of.read_text()
    older = {what: now for what, now in json.loads(written).items() if "data" in what and "txt" not in what}
    made_of.write_text(json.dumps({**older, "the teacher": "as an older version told it"}))
    assert _new(people) != 0
    assert "training would begin" in told(), "nothing changed but effectcam"
    made_of.write_text(written)

    assert _new(people, teacher="looks_of_mine:other") == 2
    assert "has the teacher 'looks_of_mine:draw', not 'looks_of_mine:other'" in told()

    (people / "3.png").unlink()
    Path("looks_of_mine.py").write_text(_LOOKS.replace("200", "100"))
    assert _new(people) == 2
    assert "the teacher or what it draws with and the pictures in --data changed since" in told()


def test_stopped_right_after_the_pairs_it_still_knows_what_they_are_of(
    people: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as stopped:
        # The last thing that pairs do.
        stopped.setattr("effectcam.distill.pairs.forget_drawings", _stop)
        assert _new(people) == 130
    assert Path("my-look", "work", "face", "pairs", "pairs.json").is_file()
    Path("looks_of_mine.py").write_text(_LOOKS.replace("200", "100"))
    assert _new(people) == 2
    assert "the teacher or what it draws with changed since the pairs" in capsys.readouterr().err


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_licence_that_no_package_may_have_leaves_no_recipe(
    people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _new(people, "--licence", 101 * "x") != 0
    assert "licence is 'xxx" in capsys.readouterr().err
    assert {file.name for file in Path("my-look").iterdir()} == {"teacher.png"}
    assert _new(people, "--licence", "MIT") != 0
    assert "training would begin" in capsys.readouterr().err
    assert _new(people) != 0
    assert "training would begin" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            ["--licence", "MIT"],
            'recipe.toml has licence = "all rights reserved", which counts; change it there',
        ),
        (["--looks-real"], "recipe.toml has looks_real = false, which counts"),
        (["--teacher-option", "share=0.5"], "recipe.toml has {} under [students.face.teacher], which counts"),
    ],
)
def test_a_recipe_that_is_there_counts_and_that_is_told(
    people: Path, capsys: pytest.CaptureFixture[str], more: list[str], says: str
) -> None:
    assert _new(people) != 0
    assert says not in capsys.readouterr().err
    assert _new(people, *more) != 0
    told = capsys.readouterr().err
    assert says in told and "training would begin" in told


def test_a_teacher_is_made_with_what_the_command_says(
    people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = capsys.readouterr
    assert _new(people, teacher="looks_of_mine:Tinted") == 2
    assert "'tint'" in (said := told().err) and "--teacher-option" in said
    options = ["--teacher-option", "tint=0.5", "--teacher-option", "note=as it is"]
    assert _new(people, *options, teacher="looks_of_mine:Tinted") != 0
    assert "training would begin" in told().err
    student = load_recipe("my-look/recipe.toml").students["face"]
    assert student.teacher == {"tint": 0.5, "note": "as it is"}
    assert _new(people, "--teacher-option", "tint", teacher="looks_of_mine:Tinted") == 2
    assert "write KEY=VALUE" in told().err


def test_it_does_not_learn_from_its_own_drawings(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _new(people, "--out", str(people / "my-look")) == 2
    assert "give another --out" in capsys.readouterr().err
    assert not (people / "my-look").exists()


def test_a_module_that_does_not_run_is_told_in_a_line(
    people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("looks_of_theirs.py").write_text("def draw(image, landmarks) return image\n")
    assert _new(people, teacher="looks_of_theirs:draw") == 2
    told = capsys.readouterr().err
    assert "threw SyntaxError when it was imported" in told
    assert len(told.splitlines()) == 1


def test_a_teacher_that_fails_over_one_picture_is_told_which(
    people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Further back than those it is asked about first.
    picture = cv2.imread(str(people / "0.png"))
    cv2.imwrite(str(people / "4.png"), picture)
    picture[..., 2] = picture[..., 2] // 4
    cv2.imwrite(str(people / "5.png"), picture)
    assert _new(people, teacher="looks_of_mine:afraid") == 1
    assert "RuntimeError: blue in the face (at 5.png)" in capsys.readouterr().err


def test_an_effect_that_nothing_can_go_on_from_is_told_before_the_pairs_are_made(
    people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _new(people, "--from", "no-such-effect") == 2
    assert "no effect 'no-such-effect'" in capsys.readouterr().err
    assert _new(people, "--from", "zombie") == 2
    assert "has an expansion of 2, and the recipe's student one of 3" in capsys.readouterr().err
    assert not Path("my-look", "work").exists()
    assert _new(people, "--from", "clown") == 2
    assert "training would begin" in capsys.readouterr().err


def test_an_effect_of_that_name_that_it_did_not_make_is_left_alone(
    people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed = Path("installed", "my-look")
    installed.mkdir(parents=True)
    (installed / "effect.toml").touch()
    assert _new(people) == 2
    assert "an effect 'my-look' is installed that was not made in my-look" in capsys.readouterr().err
    assert not Path("my-look").exists()

    made = Path("my-look", "effect", "my-look")
    made.mkdir(parents=True)
    (made / "effect.toml").touch()
    assert _new(people) == 2
    assert "training would begin" in capsys.readouterr().err, "one of its own is made anew"

    assert _new(people, "--out", "my-look", name="other-look") == 2
    assert "has the name 'my-look', not 'other-look'" in capsys.readouterr().err
