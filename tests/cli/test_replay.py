"""``effectcam replay`` on real clips: the same frames, times and sound out, and the report."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from effectcam.errors import UsageError
from effectcam.replay.player import plan_outputs
from tests import media
from tests.cli.conftest import ROOT, Run

CLIPS = ROOT.parent / "shared" / "data" / "clips"


def size_of(path: Path) -> tuple[int, int]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.width, stream.height


def test_frames_times_and_sound_stay(cli: Run, tmp_path: Path) -> None:
    clips = [
        media.vfr(tmp_path / "phone.mp4", audio="aac"),
        media.write_clip(tmp_path / "odd.mp4", pix_fmt="yuv444p", width=63, height=47),
    ]
    out, report = tmp_path / "new" / "out", tmp_path / "new" / "out" / "report.json"
    result = cli(
        *("replay", *clips, "--effect", "negative-frame", "--strength", "0.5"),
        *("--out", out, "--json", report, "--threads", "1"),
    )
    assert (result.returncode, result.stderr) == (0, "")
    told = json.loads(report.read_text(encoding="utf-8"))
    assert list(told) == ["schema", "effect", "accelerator", "clips", "failures"]
    assert told["schema"] == "effectcam.replay/1"
    assert told["effect"] == {"name": "negative-frame", "version": "1.2.0", "tier": "standard"}
    assert told["accelerator"] == "cpu"
    assert len(told["clips"]) == 2
    for clip, entry in zip(clips, told["clips"], strict=True):
        output = out / clip.name
        keys = ["path", "frames", "width", "height", "fps", "faces", "stages_ms", "output", "warnings"]
        assert list(entry) == keys
        assert (entry["path"], entry["output"]) == (str(clip), str(output))
        assert (entry["width"], entry["height"]) == size_of(clip) == size_of(output)
        assert entry["frames"] == len(media.times(clip))
        assert entry["faces"] == {"frames_with_face": 0, "identities": 0}
        assert list(entry["stages_ms"]) == ["mesh", "crop", "student", "composite", "chain"]
        for stage in ("mesh", "student", "composite", "chain"):
            times = entry["stages_ms"][stage]
            assert 0 < times["p50"] <= times["p95"] <= times["p99"]
        assert entry["stages_ms"]["chain"]["p50"] >= entry["stages_ms"]["mesh"]["p50"]
        assert media.times(output) == media.times(clip)
    assert media.packets(out / "phone.mp4", "audio") == media.packets(clips[0], "audio")
    assert sorted(path.name for path in out.iterdir()) == ["odd.mp4", "phone.mp4", "report.json"]


def test_a_face_is_found_and_two_replays_agree(cli: Run, tmp_path: Path) -> None:
    """The clip twice in one run: the second starts as afresh as the first."""
    if not CLIPS.is_dir():
        pytest.skip(f"no clips at {CLIPS}")
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    with av.open(str(CLIPS / "d9.mp4")) as container:
        frames = islice(container.decode(video=0), 12)
        pictures = [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in frames]
    media.write_clip(first, width=512, height=480, pictures=pictures, count=12)
    second.write_bytes(first.read_bytes())
    result = cli(
        *("replay", first, second, "--effect", "negative-face", "--out", tmp_path / "out"),
        *("--json", "-", "--threads", "1"),
    )
    assert (result.returncode, result.stderr) == (0, "")
    for entry in json.loads(result.stdout)["clips"]:
        assert entry["faces"] == {"frames_with_face": 12, "identities": 1}
        assert entry["stages_ms"]["crop"]["p50"] > 0
    assert (tmp_path / "out" / "first.mp4").read_bytes() == (tmp_path / "out" / "second.mp4").read_bytes()


def test_plan_outputs_in_the_order_of_the_clips(tmp_path: Path) -> None:
    assert plan_outputs(["x/b.mov", "a.tar.mkv"], tmp_path) == [tmp_path / "b.mp4", tmp_path / "a.tar.mp4"]


def test_plan_outputs_sees_an_input_behind_a_link(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"video")
    out = tmp_path / "out"
    out.mkdir()
    (out / "clip.mp4").hardlink_to(clip)
    with pytest.raises(UsageError, match="is the input"):
        plan_outputs([str(clip)], out)
