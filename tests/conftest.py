"""Small effects, and a pipeline of one. Imported as late as can be: most tests do without MediaPipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from effectcam.effect.package import Effect
    from effectcam.pipeline import Pipeline
    from tests.tiny_effect import Make


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`tiny_effect`, each in a folder of its own."""
    from tests.tiny_effect import tiny_effect

    count = iter(range(100))
    return lambda **values: tiny_effect(tmp_path / f"effect-{next(count)}", **values)


@pytest.fixture
def negative(make: Make) -> Effect:
    return make(face="negative")


@pytest.fixture
def pipeline(negative: Effect) -> Iterator[Pipeline]:
    from effectcam.pipeline import Pipeline

    with Pipeline(negative, threads=1) as pipeline:
        yield pipeline
