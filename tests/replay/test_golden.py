"""Goldens: what is planted is caught and named, what is damaged is refused, and nothing good is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect import manifest as parts
from effectcam.effect.package import Effect, read_package
from effectcam.effect.writer import write_package
from effectcam.errors import ReportError, SinkError, SourceError, UsageError
from effectcam.face.stabiliser import OneEuroSmoothing
from effectcam.replay.gates import Gate
from effectcam.replay.golden import EVERY, GoldenFolder, check_files, read_golden
from effectcam.replay.golden_check import GoldenCheck, refuse_other
from effectcam.replay.pictures import compare_pictures, decoded, encoded, kept
from effectcam.replay.recordings import compare_recordings
from effectcam.replay.replayer import ClipPlan, Played, Replayer, ReplaySettings
from effectcam.replay.report import ClipReport
from tests import media
from tests.disk import small_files
from tests.face.clips import face_clip
from tests.tiny_effect import tiny_effect

COUNT = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden")


@pytest.fixture(scope="module")
def clip(folder: Path) -> Path:
    return face_clip(folder / "clip.mp4", COUNT)


@pytest.fixture(scope="module")
def effect(folder: Path) -> Effect:
    return tiny_effect(folder / "effect", face="unet")


@pytest.fixture(scope="module")
def golden(folder: Path, clip: Path, effect: Effect) -> Path:
    return record(clip, effect, folder / "gold")


def play(effect: Effect, plan: ClipPlan) -> Played:
    with Replayer(effect, ReplaySettings(threads=1)) as replayer:
        return replayer.play(plan)


def record(clip: Path, effect: Effect, target: Path) -> Path:
    with GoldenFolder(target, [clip.stem]) as golden:
        recorded = play(effect, ClipPlan(clip=str(clip), record=golden.path)).recorded
        assert recorded is not None
        golden.finish([recorded])
    return target


def checked(clip: Path, effect: Effect, golden: Path) -> GoldenCheck:
    report = play(effect, ClipPlan(clip=str(clip), check=golden)).report
    assert isinstance(report, ClipReport) and report.check is not None
    return report.check


def copied(effect: Effect, folder: Path, **values: object) -> Effect:
    """The package once more in the new ``folder``, with other values in its manifest."""
    folder.mkdir()
    for name in effect.files:
        (folder / name).write_bytes(effect.read(name))
    return written(effect, folder, **values)


def written(effect: Effect, folder: Path, **values: object) -> Effect:
    manifest = {field: getattr(effect, field) for field in parts.Manifest.__dataclass_fields__}
    return write_package(folder, parts.Manifest(**(manifest | values)))


def coarser(effect: Effect, folder: Path) -> Effect:
    """The package with the weights of its student rounded to half as many digits, its version as it was."""
    copied(effect, folder)
    path = folder / "face.tflite"
    data = bytearray(path.read_bytes())
    words = np.frombuffer(data, np.uint32, len(data) // 4)
    floats = words.view(np.float32)
    weights = (np.abs(floats) > 1e-3) & (np.abs(floats) < 1)
    assert np.count_nonzero(weights) > 1000
    words[weights] &= 0xFFFF_F000
    path.write_bytes(bytes(data))
    return written(effect, folder)


def test_an_unchanged_tree_passes_again_and_again(clip: Path, effect: Effect, golden: Path) -> None:
    with Replayer(effect, ReplaySettings(threads=1)) as replayer:
        for _ in range(3):
            report = replayer.play(ClipPlan(clip=str(clip), check=golden)).report
            assert report is not None and report.check is not None
            found = report.check
            assert (found.exact, found.first, found.differing) == (True, None, 0)
            assert (found.frames, found.notes) == ((COUNT, COUNT), ())
            assert str(found.pictures) == "PSNR 100.0 dB, SSIM 1.0000, at most 0 of 255"
            assert report.metrics is not None and report.metrics["psnr"].value == 100


def test_a_golden_is_small_and_the_same_each_time(
    clip: Path, effect: Effect, golden: Path, tmp_path: Path
) -> None:
    again = record(clip, effect, tmp_path / "again")
    files = {path.relative_to(golden): path for path in golden.rglob("*") if path.is_file()}
    assert {str(name) for name in files} == {
        *("golden.json", "clip.jsonl", str(Path("clip/mosaics.gz")), str(Path("clip/000000.webp"))),
    }
    for name, path in files.items():
        assert (again / name).read_bytes() == path.read_bytes()
    assert sum(path.stat().st_size for path in files.values()) < 200_000
    assert [path.name for path in tmp_path.iterdir()] == ["again"], "no folder of half-made files is left"
    assert COUNT < EVERY


PLANTED: dict[str, tuple[Callable[[Effect, Path], Effect], str]] = {
    "mask feather": (partial(copied, mask=parts.Mask(feather=0.21)), "output"),
    "a student re-quantised": (coarser, "drawing"),
    "another look": (lambda effect, folder: tiny_effect(folder, face="negative"), "drawing"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_change_is_caught_and_its_stage_named(
    fault: str, clip: Path, effect: Effect, golden: Path, tmp_path: Path
) -> None:
    plant, stage = PLANTED[fault]
    found = checked(clip, plant(effect, tmp_path / "planted"), golden)
    assert found.exact and found.first is not None
    assert (found.first.frame, found.first.stage) == (0, stage)
    assert found.differing == found.stages["output"] == COUNT
    assert ("drawing" in found.stages) == (stage == "drawing")
    assert found.pictures is not None and found.pictures.psnr < 100
    told = str(found)
    assert told.startswith(f"parts from its golden at frame 0, {stage}: ") and "\n" not in told
    assert f"{COUNT} of {COUNT} frames differ" in told and str(found.pictures) in told
    assert ("face student's SHA-256" in told) == (stage == "drawing")


def test_a_smoothing_constant_is_caught_where_it_first_shows(
    clip: Path, effect: Effect, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("effectcam.pipeline.OneEuroSmoothing", partial(OneEuroSmoothing, beta=0.31))
    found = checked(clip, effect, golden)
    assert found.first is not None and found.first.stage == "crop"
    assert found.first.frame > 0, "a filter's first value is its input"
    assert "mesh" not in found.stages and found.stages["crop"] == found.differing < COUNT


def elsewhere(golden: Path, copy: Path) -> Path:
    """The golden as another type of machine would have recorded it: every digest is another."""
    copy.mkdir()
    (copy / "clip").mkdir()
    for path in (golden / "clip").iterdir():
        (copy / "clip" / path.name).write_bytes(path.read_bytes())
    head, *lines = [json.loads(line) for line in (golden / "clip.jsonl").read_text().splitlines()]
    head["machine"]["id"] = "0" * 12
    for line in lines[:-1]:
        line["input"] = line["output"] = "0" * 32
        for face in line["faces"]:
            face["landmarks"] = face["drawing"] = "0" * 32
            face["crop"]["cx"] += 0.001
    text = "".join(json.dumps(line) + "\n" for line in (head, *lines))
    (copy / "clip.jsonl").write_text(text)
    reseal(golden, copy)
    return copy


def reseal(golden: Path, copy: Path) -> None:
    """Write the copy's index, with the hashes that its files have now."""
    import hashlib

    index = json.loads((golden / "golden.json").read_text())
    for name in index["clips"]["clip"]["files"]:
        index["clips"]["clip"]["files"][name] = hashlib.sha256((copy / name).read_bytes()).hexdigest()
    (copy / "golden.json").write_text(json.dumps(index))


def test_across_types_of_machines_a_tolerance_counts(
    clip: Path, effect: Effect, golden: Path, tmp_path: Path
) -> None:
    foreign = elsewhere(golden, tmp_path / "foreign")
    found = checked(clip, effect, foreign)
    assert (found.exact, found.first, found.differing) == (False, None, 0)
    assert "within the tolerance" in str(found)
    assert compare_recordings("clip", golden / "clip.jsonl", foreign / "clip.jsonl").same
    found = checked(clip, tiny_effect(tmp_path / "other", face="negative"), foreign)
    assert found.first is not None
    assert (found.first.frame, found.first.stage) == (0, "output")
    assert found.first.what.startswith("PSNR ")
    assert found.stages == {"output": COUNT}, "mosaics tell of frames without a picture"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"tier": "lite"}, "was recorded with the tier standard, not lite"),
        ({"strength": 0.5}, "a strength of 1.0, not 0.5"),
        ({"faces": 2}, "--faces 1, not 2"),
    ],
)
def test_a_golden_of_something_else_is_refused(
    asked: dict[str, object], words: str, effect: Effect, golden: Path
) -> None:
    usual: dict[str, object] = {"tier": "standard", "strength": None, "faces": 1}
    index = read_golden(golden)
    refuse_other(index, golden, effect, **usual)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=words):
        refuse_other(index, golden, effect, **(usual | asked))  # type: ignore[arg-type]
    for change in ({"version": "1.1.0"}, {"name": "huge"}):
        with pytest.raises(UsageError, match=f"not {next(iter(change.values()))}"):
            refuse_other(index, golden, replace(effect, **change), **usual)  # type: ignore[arg-type]


def test_a_clip_that_has_changed_is_not_compared(effect: Effect, golden: Path, tmp_path: Path) -> None:
    shorter = media.write_clip(tmp_path / "clip.mp4", width=640, height=360, count=3)
    with pytest.raises(SourceError, match=r"is another file than .* \(SHA-256 .*; restore it"):
        checked(shorter, effect, golden)
    other = media.write_clip(tmp_path / "stranger.mp4", count=3)
    with pytest.raises(ReportError, match="no golden of a clip called stranger; it has: clip"):
        checked(other, effect, golden)


def test_a_clip_of_another_length_parts_where_it_ends(
    clip: Path, effect: Effect, golden: Path, tmp_path: Path
) -> None:
    """As another decoder would have it, that loses the last frames."""
    foreign = elsewhere(golden, tmp_path / "longer")
    lines = (golden / "clip.jsonl").read_text().splitlines()
    more = json.loads(lines[-2]) | {"frame": COUNT}
    end = json.loads(lines[-1]) | {"frames": COUNT + 1}
    (foreign / "clip.jsonl").write_text("\n".join([*lines[:-1], json.dumps(more), json.dumps(end)]) + "\n")
    reseal(golden, foreign)
    found = checked(clip, effect, foreign)
    assert (found.frames, found.differing) == ((COUNT + 1, COUNT), 1)
    assert str(found.first) == f"frame {COUNT}, length: the second ends after {COUNT} frames"


@pytest.mark.parametrize("more", [1, 2])
def test_a_clip_with_more_frames_than_its_golden_parts_at_its_end(
    more: int, clip: Path, effect: Effect, golden: Path, tmp_path: Path
) -> None:
    foreign = elsewhere(golden, tmp_path / "shorter")
    lines, left = (golden / "clip.jsonl").read_text().splitlines(), COUNT - more
    end = json.loads(lines[-1]) | {"frames": left}
    (foreign / "clip.jsonl").write_text("\n".join([*lines[: left + 1], json.dumps(end)]) + "\n")
    reseal(golden, foreign)
    gate = Gate(figure="psnr", part="worst", limit=50)
    report = play(effect, ClipPlan(clip=str(clip), check=foreign, gates=(gate,))).report
    assert report.check is not None and (report.check.frames, report.check.differing) == ((left, COUNT), more)
    assert str(report.check.first) == f"frame {left}, length: the first ends after {left} frames"
    assert report.gates is not None and [verdict.passed for verdict in report.gates] == [True]


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("golden.json", lambda data: data[:-20], "golden.json: is damaged"),
        (
            "golden.json",
            lambda data: data.replace(b"golden/1", b"golden/9"),
            "has the schema 'effectcam.golden/9'",
        ),
        ("golden.json", lambda data: data.replace(b'"clip/m', b'"../m'), "outside of the golden"),
        ("golden.json", lambda data: data.replace(b'"clip/m', b'"\\u0000m'), "outside of the golden"),
        ("golden.json", None, "is no golden, it has no golden.json"),
        ("clip.jsonl", lambda data: data[:-40], "is not the file that was recorded"),
        ("clip/000000.webp", lambda data: b"", "is not the file that was recorded"),
        ("clip/mosaics.gz", None, "is missing"),
    ],
)
def test_a_damaged_golden_is_refused_and_left_alone(
    name: str, damage: Callable[[bytes], bytes] | None, words: str, golden: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    (copy / "clip").mkdir(parents=True)
    for path in golden.rglob("*"):
        if path.is_file():
            (copy / path.relative_to(golden)).write_bytes(path.read_bytes())
    if damage is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(damage((copy / name).read_bytes()))
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    with pytest.raises(ReportError) as caught:
        check_files(copy, read_golden(copy).clips["clip"])
    assert words in str(caught.value) and "; " in str(caught.value) and "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_a_damaged_stream_with_a_fitting_hash_is_refused_too(
    clip: Path, effect: Effect, golden: Path, tmp_path: Path
) -> None:
    foreign = elsewhere(golden, tmp_path / "foreign")
    path = foreign / "clip" / "mosaics.gz"
    path.write_bytes(path.read_bytes()[:300])
    reseal(golden, foreign)
    with pytest.raises(ReportError, match=r"mosaics.gz: is (damaged|cut short)"):
        checked(clip, effect, foreign)


def test_what_would_be_lost_is_not_replaced(golden: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"no golden's \(thesis.txt\)"):
        GoldenFolder(tmp_path / "notes", ["clip"])
    with pytest.raises(UsageError, match="names of clips as text; rename"):
        GoldenFolder(tmp_path / "new", ["\udcff"])
    with pytest.raises(UsageError, match="golden of clip would be lost"):
        GoldenFolder(golden, ["other"])
    stray = golden / "README.md"
    stray.write_text("mine")
    try:
        with pytest.raises(UsageError, match=r"README.md is not the golden's"):
            GoldenFolder(golden, ["clip"])
    finally:
        stray.unlink()


def test_an_interrupted_recording_leaves_the_old_golden(golden: Path, effect: Effect, clip: Path) -> None:
    before = {path: path.read_bytes() for path in golden.rglob("*") if path.is_file()}
    with GoldenFolder(golden, ["clip"]) as folder:
        play(effect, ClipPlan(clip=str(clip), record=folder.path))
        # It ends here, before its ``finish``.
        assert (folder.path / "clip.jsonl").exists()
    assert {path: path.read_bytes() for path in golden.rglob("*") if path.is_file()} == before
    assert not list(golden.parent.glob(".gold.*"))


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX's")
@pytest.mark.parametrize("size", [100, 2000])
def test_a_recording_on_a_full_disk_is_one_failure(
    size: int, clip: Path, effect: Effect, tmp_path: Path
) -> None:
    """Whichever file is refused first, and whatever the others say as they are closed."""
    with (
        GoldenFolder(tmp_path / "gold", ["clip"]) as folder,
        small_files(size),
        pytest.raises(SinkError, match="nothing was kept"),
    ):
        play(effect, ClipPlan(clip=str(clip), record=folder.path))
    assert not list(tmp_path.iterdir())


def test_what_a_killed_recording_has_left_is_cleared_away(golden: Path, tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    target = tmp_path / "gold"
    for name in (f".gold.{gone.pid}.part", f".gold.{os.getppid()}.part", f".gold.{gone.pid}.x.part"):
        (tmp_path / name / "clip").mkdir(parents=True)
    # Killed in between, when the old one had been taken out of its place and the new one was not there yet.
    shutil.copytree(golden, tmp_path / f".gold.{gone.pid}.old")
    with pytest.raises(UsageError, match="golden of clip would be lost"):
        GoldenFolder(target, ["other"])
    check_files(target, read_golden(target).clips["clip"])
    shutil.copytree(golden, tmp_path / f".gold.{gone.pid}.old")
    with GoldenFolder(target, ["clip"]) as folder:
        assert folder.path.is_dir()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"gold", f".gold.{os.getppid()}.part", f".gold.{gone.pid}.x.part"}


def test_kept_pictures_are_those_that_were_seen() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (90, 160, 3), np.uint8)
    assert np.array_equal(decoded(encoded(kept(picture)), "here"), picture)
    off = picture.copy()
    off[3, 5, 1] ^= 64
    assert compare_pictures(picture, off).most == 64
    with pytest.raises(ReportError, match="here: is no picture"):
        decoded(b"RIFF", "here")


def test_the_package_can_be_read_by_another_process(effect: Effect) -> None:
    assert read_package(effect.path) == effect
