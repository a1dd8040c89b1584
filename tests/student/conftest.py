from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[1] / "data"


def standing_in(how: str) -> list[str]:
    """The command of a worker with the fault ``how``, see `stand_in.py`."""
    return [sys.executable, "-P", str(Path(__file__).with_name("stand_in.py")), how]


def make_models() -> Any:
    """The module that builds the small models, to build others."""
    spec = importlib.util.spec_from_file_location("make_models", DATA / "make_models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def data() -> Path:
    """The folder of small models; `make_models.py` in it says what each one does."""
    return DATA
