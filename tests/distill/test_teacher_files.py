"""What a teacher's drawings hang on: its own file, and those that it draws with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill import teachers
from effectcam.distill.teacher_files import module_file, teacher_digest, teacher_files


@pytest.fixture
def looks(tmp_path: Path) -> Path:
    """A package of an author's, and a module beside it that has nothing to do with it."""
    package = tmp_path / "looks"
    (package / "brushes").mkdir(parents=True)
    texts = {
        "looks/__init__.py": "from .draw import draw\n",
        "looks/draw.py": "import numpy\nfrom looks.brushes import round\nfrom . import paper\n",
        "looks/paper.py": "import palette\n",
        "looks/brushes/__init__.py": "",
        "looks/brushes/round.py": "from ..paper import PAPER\n",
        "looks/unused.py": "",
        "palette.py": "",
        "elsewhere.py": "",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_all_that_is_imported_from_beside_it_counts_and_nothing_else(looks: Path) -> None:
    module = module_file("looks", [looks])
    assert module == looks / "looks" / "__init__.py"
    assert {str(file.relative_to(looks.resolve())) for file in teacher_files(module, {})} == {
        "looks/__init__.py",
        "looks/draw.py",
        "looks/paper.py",
        "looks/brushes/__init__.py",
        "looks/brushes/round.py",
        "palette.py",
    }
    before = teacher_digest(module, {})
    (looks / "elsewhere.py").write_text("1", encoding="utf-8")
    assert teacher_digest(module, {}) == before
    (looks / "palette.py").write_text("1", encoding="utf-8")
    assert teacher_digest(module, {}) != before


def test_a_painting_that_it_is_given_counts(looks: Path) -> None:
    painting = looks / "painting.png"
    painting.write_bytes(b"blue")
    module = looks / "elsewhere.py"
    before = teacher_digest(module, {"style": str(painting), "strength": 0.5})
    painting.write_bytes(b"green")
    assert teacher_digest(module, {"style": str(painting), "strength": 0.5}) != before


def test_a_painting_at_home_and_a_pipelines_folder_count(
    looks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(looks))
    monkeypatch.setenv("USERPROFILE", str(looks))
    monkeypatch.chdir(looks)
    (looks / "painting.png").write_bytes(b"blue")
    (looks / "models/mine").mkdir(parents=True)
    arguments = {"painting": "~/painting.png", "folder": "models/mine", "look": "models"}
    assert teacher_files(None, arguments) == [looks / "painting.png"]
    found = [teacher_digest(None, arguments)]
    (looks / "painting.png").write_bytes(b"green")
    found.append(teacher_digest(None, arguments))
    (looks / "models/mine/weights.bin").write_bytes(b"1")
    found.append(teacher_digest(None, arguments))
    (looks / "models/mine/weights.bin").write_bytes(b"22")
    found.append(teacher_digest(None, arguments))
    assert len(set(found)) == 4
    (looks / "models/other").mkdir()
    assert teacher_digest(None, arguments) == found[-1], "a look's name is no folder"


def test_a_module_is_found_wherever_python_would_find_it(looks: Path) -> None:
    assert module_file("looks.brushes.round", [looks]) == looks / "looks" / "brushes" / "round.py"
    assert module_file("numpy", [looks]) is not None
    assert module_file("no_such_module", [looks]) is module_file("no_such.module", []) is None
    assert module_file("sys", []) is None and teacher_digest(None, {}) == b""


def test_what_names_no_file_says_nothing(looks: Path) -> None:
    painting = looks / "painting.png"
    painting.write_bytes(b"blue")
    arguments = {"style": str(painting), "prompt": "an oil painting " * 40, "steps": 3, "odd": "\0"}
    arguments["wish"] = "~20 years older"
    assert teacher_files(None, arguments) == [painting] and teacher_digest(None, arguments)


def test_a_helper_that_lies_elsewhere_counts(looks: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    shared = tmp_path_factory.mktemp("shared") / "pens.py"
    shared.write_text("import palette", encoding="utf-8")
    (looks / "pens.py").symlink_to(shared)
    (looks / "elsewhere.py").write_text("import pens", encoding="utf-8")
    found = [file.name for file in teacher_files(looks / "elsewhere.py", {})]
    assert found == ["elsewhere.py", "palette.py", "pens.py"]


def test_a_change_anywhere_in_our_own_teachers_is_another_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "teachers"
    shutil.copytree(Path(teachers.__file__).parent, home)
    monkeypatch.setattr(teachers, "__file__", str(home / "__init__.py"))
    before = teacher_digest(home / "zombie.py", {})
    skin = home / "surface" / "zombie_skin.py"
    skin.write_text(skin.read_text(encoding="utf-8") + "# greener", encoding="utf-8")
    assert teacher_digest(home / "zombie.py", {}) != before
