"""Who may import whom: the rooms of the house, read from the imports themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import effectcam

HOME = Path(effectcam.__file__).parent

BASE = {"errors", "folders", "frame", "installing", "native_log", "ledger"}
MAY_IMPORT = {
    "errors": set[str](),
    "folders": set[str](),
    "installing": set[str](),
    "frame": {"errors"},
    "native_log": set[str](),
    "ledger": {"errors"},
    "source": BASE,
    "sink": BASE | {"source"},
    "student": BASE,
    "effect": BASE | {"student"},
    "face": BASE,
    "composite": BASE | {"face", "student"},
    "helper": set(),
    "passage": BASE | {"composite", "face"},
    "pipeline": BASE | {"composite", "effect", "face", "helper", "passage", "redrawing", "student"},
    "redrawing": BASE | {"composite", "face", "helper", "passage", "student"},
    "overlap": {"frame", "passage", "pipeline"},
    "live": BASE | {"composite", "effect", "face", "pipeline", "sink", "source", "student"},
    "latency": BASE | {"effect", "live", "sink", "source"},
    "bench": BASE | {"doctor", "effect", "face", "live", "overlap", "pipeline", "source", "student"},
    "panel": BASE | {"effect", "live"},
    "replay": BASE
    | {"composite", "doctor", "effect", "face", "passage", "pipeline", "sink", "source", "student"},
    "doctor": BASE | {"effect", "sink", "source", "student"},
    "distill": BASE | {"pipeline", "effect", "face", "source", "student"},
}


def imports(file: Path) -> set[str]:
    """The rooms that ``file`` imports, inside functions too, without its own."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: says where from by dots, which are not read here"
            names = [node.module or ""]
            if node.module == "effectcam":
                # Its names are those of rooms; the version is nobody's.
                names = [f"effectcam.{effectcam._HOMES.get(each.name, each.name)}" for each in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("effectcam.")}
    return found - {"__version__"}


def test_all_ways_to_import_are_seen(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text(
        "import effectcam.live.loop\nfrom effectcam import Pipeline, panel\ndef f():\n"
        "    from effectcam.sink.base import Sink\n"
    )
    assert imports(file) == {"live", "pipeline", "panel", "sink"}
    file.write_text("from ..pipeline import Pipeline\n")
    with pytest.raises(AssertionError, match="by dots"):
        imports(file)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_follow_the_arrows(room: str) -> None:
    files = sorted((HOME / room).rglob("*.py")) or [HOME / f"{room}.py"]
    for file in files:
        strangers = imports(file) - MAY_IMPORT[room] - {room}
        assert not strangers, f"{file.relative_to(HOME)} imports {', '.join(sorted(strangers))}"


def test_every_room_is_on_the_plan() -> None:
    rooms = {path.stem for path in HOME.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert rooms - {"__init__", "__main__", "cli"} == set(MAY_IMPORT)
