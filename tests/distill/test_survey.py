"""What was looked at once: found again where it is there, and looked for where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill.fitness import Limits
from effectcam.distill.sources import find_sources
from effectcam.distill.survey import Survey
from effectcam.source import clip


def test_frames_left_out_at_a_larger_distance_come_again_at_a_smaller_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(effectcam.__file__).parent / "media"
    (source,) = find_sources([folder], licence="made for tests")
    (name,) = (name for name in source.files if name.endswith("demo.mp4"))

    def frames(every: int) -> list[str]:
        with Survey(tmp_path, limits=Limits(), every=every) as survey:
            sightings = list(survey.look(source, name))
            survey.tidy(sightings)
        return [sighting.name for sighting in sightings]

    first = frames(60)
    assert len(frames(120)) < len(first)
    assert frames(60) == first
    with monkeypatch.context() as patch:
        patch.setattr(clip, "Clip", None)
        assert frames(60) == first, "and then without reading the clip"
