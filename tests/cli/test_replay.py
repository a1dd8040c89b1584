"""``effectcam replay`` on real clips: the same frames, times and sound out, and the report."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from effectcam.errors import UsageError
from effectcam.replay.player import plan_outputs
from effectcam.replay.trace import TraceReader
from tests import media
from tests.cli.conftest import Run, one_line
from tests.face.clips import face_clip


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
    assert list(told) == ["schema", "effect", "accelerator", "clips", "skipped", "missing", "failures"]
    assert told["schema"] == "effectcam.replay/1"
    assert told["effect"] == {"name": "negative-frame", "version": "1.2.0", "tier": "standard"}
    assert told["accelerator"] == "cpu"
    assert len(told["clips"]) == 2
    for clip, entry in zip(clips, told["clips"], strict=True):
        output = out / clip.name
        keys = ["path", "frames", "width", "height", "fps", "faces", "stages_ms"]
        assert list(entry) == [*keys, "output", "trace", "metrics", "check", "gates", "faithful", "warnings"]
        assert entry["trace"] is entry["metrics"] is None
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
    first, second = face_clip(tmp_path / "first.mp4"), tmp_path / "second.mp4"
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


def test_traces_and_metrics_need_no_results(cli: Run, tmp_path: Path) -> None:
    clip, folder = face_clip(tmp_path / "clip.mp4"), tmp_path / "new" / "traces"
    result = cli(
        *("replay", clip, "--effect", "plain-face", "--trace", folder, "--metrics"),
        *("--json", tmp_path / "report.json"),
    )
    assert (result.returncode, result.stderr) == (0, "")
    (entry,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["clips"]
    assert (entry["output"], entry["trace"]) == (None, str(folder / "clip.jsonl"))
    assert list(entry["metrics"]["seam"]) == ["value", "p50", "p95", "worst", "worst_frame", "frames"]
    assert entry["metrics"]["coverage"]["value"] > 90 and entry["metrics"]["warping_ratio"]["value"] > 0
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.strip()}
    assert rows["coverage"] == ["%", "high", f"{entry['metrics']['coverage']['value']:.4g}"]
    assert rows["identity_switches"] == ["low", "0"]
    assert "psnr" not in rows, "there is no golden"
    with TraceReader(folder / "clip.jsonl") as reader:
        assert reader.header.effect.name == "plain-face"
        assert [len(frame.faces) for frame in reader] == [1] * 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "new", "report.json"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "nothing would come of it; give --out, --trace, --metrics or --json"),
        (["--trace", "HERE/t", "--accelerator", "auto"], "hangs on a measurement; name cpu, gpu or npu"),
        (
            ["--trace", "HERE/t", "--json", "HERE/t/clip.jsonl"],
            "would be both the report and a trace; give the report",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(
    options: list[str], words: str, cli: Run, tmp_path: Path
) -> None:
    clip = media.write_clip(tmp_path / "clip.mp4")
    arguments = [each.replace("HERE", str(tmp_path)) for each in options]
    result = cli("replay", clip, "--effect", "plain-face", *arguments)
    assert result.returncode == 2 and words in one_line(result)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_file_of_ones_own_beside_a_trace_is_not_replaced(cli: Run, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "clip.mp4", count=4)
    mine = tmp_path / "clip.json"
    mine.write_text('{"my": "notes"}')
    command = ("replay", clip, "--effect", "plain-face", "--threads", "1", "--trace", tmp_path)
    result = cli(*command)
    assert result.returncode == 2
    assert "clip.json is there already" in result.stderr
    assert mine.read_text() == '{"my": "notes"}'
    mine.unlink()
    assert cli(*command).returncode == cli(*command).returncode == 0, "its own it replaces"


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
