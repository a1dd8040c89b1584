from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from effectcam.effect.package import load_effect
from effectcam.live.controls import Controls
from effectcam.live.options import Options
from tests.cli.conftest import write_effect


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of effects: a negative and a plain one for the frame, one for the face that
    answers NaN to black, one whose files were changed."""
    folder = tmp_path / "effects"
    for name, model in (("one", "negative"), ("two", "identity"), ("wrong", "negative")):
        write_effect(folder, name, model=model, space="frame")
    write_effect(folder, "fails", model="nan_where_black", space="frame")
    write_effect(folder, "face", model="negative", space="face")
    (folder / "wrong" / "CARD.md").write_text("changed")
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(folder))
    return folder


@pytest.fixture
def controls(home: Path) -> Iterator[Controls]:
    made = Controls(
        load_effect("one"), Options(threads=1, label=False), known=["one"], on_quit=print, tell=lambda _: None
    )
    yield made
    made.close()
