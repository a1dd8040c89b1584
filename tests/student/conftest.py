from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture
def data() -> Path:
    """The folder of small models; `make_models.py` in it says what each one does."""
    return DATA
