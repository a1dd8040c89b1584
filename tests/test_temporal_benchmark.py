"""``benchmarks.temporal`` on a few small frames of the bundled clip."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
from click.testing import CliRunner

from benchmarks.temporal import temporal
from effectcam.effect import manifest as parts
from tests.face.clips import demo_pixels
from tests.media import write_clip
from tests.tiny_effect import tiny_effect


def test_it_tells_of_both_sides_and_refuses_an_effect_without_a_policy(tmp_path: Path) -> None:
    plain = tiny_effect(tmp_path / "plain", face="negative")
    effect = tiny_effect(tmp_path / "effect", face="negative", temporal=parts.Temporal("motion-blend"))
    report = tmp_path / "report.json"
    pictures = [cv2.resize(each, (320, 180), interpolation=cv2.INTER_AREA) for each in demo_pixels(12)]
    clip = write_clip(tmp_path / "demo.mp4", width=320, height=180, count=12, pictures=pictures)  # type: ignore[arg-type]
    arguments = [str(clip), "--json", str(report), "--effect"]
    refused = CliRunner().invoke(temporal, [*arguments, str(plain.path)])
    assert "has no temporal policy; give --weight" in str(refused.exception)
    done = CliRunner().invoke(temporal, [*arguments, str(effect.path)])
    assert done.exit_code == 0, done.exception
    without, with_it = json.loads(report.read_text())["clips"]["demo"]
    assert len(without["times"]["chain"]) == len(with_it["times"]["processor"]) == 2
    assert set(without["figures"]) >= {"warping_ratio", "face_warping_ratio", "own", "drift", "drift_floor"}
    assert with_it["figures"]["warping_floor"] == without["figures"]["warping_floor"]
    assert with_it["figures"]["face_warping"] != without["figures"]["face_warping"]
    # What the policy kept of one clip is not in the next one.
    again = shutil.copy(clip, tmp_path / "again.mp4")
    done = CliRunner().invoke(temporal, [str(again), *arguments, str(plain.path), "--weight", "0.6"])
    assert done.exit_code == 0, done.exception
    first, second = (clip[1]["figures"] for clip in json.loads(report.read_text())["clips"].values())
    assert first == second
