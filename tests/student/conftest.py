from __future__ import annotations

import sys
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[1] / "data"


def standing_in(how: str) -> list[str]:
    """The command of a worker with the fault ``how``, see `stand_in.py`."""
    return [sys.executable, "-P", str(Path(__file__).with_name("stand_in.py")), how]


@pytest.fixture
def data() -> Path:
    """The folder of small models; `make_models.py` in it says what each one does."""
    return DATA
