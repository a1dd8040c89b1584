"""A folder of clips over processes: the same bytes, nothing half done, and only what is missing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from effectcam.effect.package import Effect
from effectcam.errors import UsageError
from effectcam.pipeline import Pipeline
from effectcam.replay.batch import Batch, run_batch
from effectcam.replay.clips import gather
from effectcam.replay.player import play
from effectcam.replay.replayer import ClipPlan, Played, Replayer, ReplaySettings
from effectcam.replay.report import ClipReport
from tests import media
from tests.cli.test_run import start
from tests.tiny_effect import tiny_effect

SETTINGS = ReplaySettings(threads=1)
CLIPS = {"1 short": 2, "2 long": 2000, "3 short": 2}
"""Frames by name; so many that the long one fills the pipe of its news before it ends."""


@pytest.fixture(scope="module")
def effect(tmp_path_factory: pytest.TempPathFactory) -> Effect:
    """One without a face graph: quick to open."""
    return tiny_effect(tmp_path_factory.mktemp("batch") / "effect", frame="negative")


class Seen:
    """A spectator that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def begin(self, place: int, plan: ClipPlan) -> None:
        self.told.append(("begin", place))

    def advance(self, place: int, frames: int, total: int | None) -> None:
        self.told.append((f"{frames} of {total}", place))

    def end(self, place: int, played: Played | None) -> None:
        self.told.append(("end" if played else "failed", place))

    def tell(self, line: str) -> None:
        raise AssertionError(line)


def plans(clips: list[Path], folder: Path) -> list[ClipPlan]:
    folder.mkdir()
    return [
        ClipPlan(clip=str(clip), output=folder / clip.name, trace=folder / f"{clip.stem}.jsonl")
        for clip in clips
    ]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_processes_beside_each_other_write_the_same_bytes(effect: Effect, tmp_path: Path) -> None:
    clips = [media.write_clip(tmp_path / f"{name}.mp4", count=5) for name in "abcd"]
    clips[1].write_bytes(b"no clip")
    found: list[tuple[Batch, Seen, dict[str, bytes]]] = []
    for jobs in (1, 2):
        folder, seen = tmp_path / str(jobs), Seen()
        batch = run_batch(effect, SETTINGS, plans(clips, folder), spectator=seen, jobs=jobs)
        assert [Path(report.path).name for report in batch.reports] == ["a.mp4", "c.mp4", "d.mp4"]
        assert [*batch.failures] == [1] and "is not a video" in batch.lines[0]
        for place in (0, 2, 3):
            steps = [what for what, of in seen.told if of == place]
            assert steps == ["begin", *(f"{done} of 5" for done in range(1, 6)), "end"]
        assert ("failed", 1) in seen.told
        found.append((batch, seen, files(folder)))
    alone, beside = found
    assert len(alone[2]) == 9
    assert all(alone[2][name] == data for name, data in beside[2].items() if not name.endswith(".json"))
    assert alone[1].told[:2] == [("begin", 0), ("1 of 5", 0)]
    assert [what for what, _ in beside[1].told[:2]] == ["begin", "begin"], "two at once"


def test_what_is_wrong_with_all_clips_is_no_clip_s_failure(effect: Effect, tmp_path: Path) -> None:
    clips = [media.write_clip(tmp_path / f"{name}.mp4", count=2) for name in "ab"]
    wanted = plans(clips, tmp_path / "out")
    for jobs in (1, 2):
        with pytest.raises(UsageError, match="strength is 7"):
            run_batch(effect, ReplaySettings(strength=7), wanted, spectator=Seen(), jobs=jobs)
        assert files(tmp_path / "out") == {}


def test_an_unforeseen_fault_costs_its_clip_alone(
    effect: Effect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [media.write_clip(tmp_path / f"{name}.mp4", count=2) for name in "ab"]
    pipelines: list[Pipeline] = []

    def faulty(path: str, pipeline: Pipeline, *arguments: Any, **more: Any) -> ClipReport:
        pipelines.append(pipeline)
        if path == str(clips[0]):
            raise ZeroDivisionError("of ours")
        return play(path, pipeline, *arguments, **more)

    monkeypatch.setattr("effectcam.replay.replayer.play", faulty)
    monkeypatch.delenv("EFFECTCAM_TRACEBACK", raising=False)
    seen = Seen()
    batch = run_batch(effect, SETTINGS, plans(clips, tmp_path / "out"), spectator=seen)
    assert batch.lines[0].startswith(f"{clips[0]}: unexpected ZeroDivisionError: of ours; ")
    assert [report.path for report in batch.reports] == [str(clips[1])] and ("failed", 0) in seen.told
    assert pipelines[0] is not pipelines[1], "what a fault may have left unwell is opened anew"
    monkeypatch.setenv("EFFECTCAM_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        run_batch(effect, SETTINGS, plans(clips, tmp_path / "again"), spectator=Seen())


def test_a_clip_that_cannot_be_looked_at_costs_itself_alone(effect: Effect, tmp_path: Path) -> None:
    clips = [tmp_path / f"{300 * 'x'}.mp4", media.write_clip(tmp_path / "a.mp4", count=2)]
    wanted = [ClipPlan(clip=clip) for clip in gather([*map(str, clips)])[0]]
    batch = run_batch(effect, SETTINGS, wanted, spectator=Seen())
    assert [*batch.failures] == [0] and "xxx.mp4: " in batch.lines[0] and "unexpected" not in batch.lines[0]
    assert len(batch.reports) == 1


def test_only_what_is_missing_or_of_another_run_is_played_again(effect: Effect, tmp_path: Path) -> None:
    clips = [media.write_clip(tmp_path / f"{name}.mp4", count=3) for name in "abcdef"]
    wanted = plans(clips, tmp_path / "out")
    run_batch(effect, SETTINGS, wanted, spectator=Seen())
    before = files(tmp_path / "out")
    folder = tmp_path / "out"
    # One was cut short, one is gone, one was written later by something else, one clip is another now, and of
    # one the report is not there.
    (folder / "b.jsonl").write_bytes(before["b.jsonl"][:-20])
    (folder / "c.mp4").unlink()
    (folder / "f.json").unlink()
    later = (folder / "d.jsonl").stat().st_mtime_ns + 1_000_000_000
    os.utime(folder / "d.mp4", ns=(later, later))
    media.write_clip(clips[4], count=4)
    again = run_batch(effect, ReplaySettings(threads=1, resume=True), wanted, spectator=Seen())
    assert again.skipped(wanted) == [str(clips[0])]
    assert [Path(report.path).stem for report in again.reports] == [*"abcdef"]
    # The reports have times in them.
    after = {name: data for name, data in files(folder).items() if not name.endswith(".json")}
    assert {name for name in after if after[name] != before[name]} == {"e.mp4", "e.jsonl"}
    whole = run_batch(effect, ReplaySettings(threads=2, resume=True), wanted, spectator=Seen())
    assert (whole.reports, len(whole.skipped(wanted))) == (again.reports, 6)
    measured = ReplaySettings(threads=1, metrics=True, resume=True)
    counts = [len(run_batch(effect, measured, wanted[:1], spectator=Seen()).skipped(wanted)) for _ in "12"]
    assert counts == [0, 1], "metrics that were not measured are, once"


def test_a_result_that_lay_there_before_is_not_the_run_s(effect: Effect, tmp_path: Path) -> None:
    (wanted,) = plans([media.write_clip(tmp_path / "a.mp4", count=3)], tmp_path / "out")
    assert wanted.output is not None
    wanted.output.write_bytes(b"of another effect")
    run_batch(effect, SETTINGS, [replace(wanted, output=None)], spectator=Seen())
    resumed = ReplaySettings(threads=1, resume=True)
    skipped = [len(run_batch(effect, resumed, [wanted], spectator=Seen()).skipped([wanted])) for _ in "12"]
    assert skipped == [0, 1] and wanted.output.stat().st_size > 100


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_clip_whose_name_is_no_text_is_not_played_again(effect: Effect, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "a.mp4", count=3).rename(tmp_path / "a\udcff.mp4")
    wanted = plans([clip], tmp_path / "out")
    run_batch(effect, SETTINGS, wanted, spectator=Seen())
    again = run_batch(effect, ReplaySettings(threads=1, resume=True), wanted, spectator=Seen())
    assert again.skipped(wanted) == [str(clip)]


def test_another_setting_is_another_run(effect: Effect, tmp_path: Path) -> None:
    wanted = plans([media.write_clip(tmp_path / "a.mp4", count=3)], tmp_path / "out")
    run_batch(effect, SETTINGS, wanted, spectator=Seen())
    for settings, done in (
        (ReplaySettings(threads=1, strength=0.5, resume=True), False),
        (ReplaySettings(threads=1, strength=0.5, resume=True), True),
        (ReplaySettings(threads=1, resume=False), False),
    ):
        with Replayer(effect, settings) as replayer:
            assert replayer.play(wanted[0]).done_before == done


def test_an_effect_that_its_author_set_otherwise_is_another_run(effect: Effect, tmp_path: Path) -> None:
    """Also where the version stayed the same, as it does while one tries a feather."""
    wanted = plans([media.write_clip(tmp_path / "a.mp4", count=3)], tmp_path / "out")
    run_batch(effect, SETTINGS, wanted, spectator=Seen())
    softer = replace(effect, mask=replace(effect.mask, feather=effect.mask.feather / 2))
    elsewhere = replace(effect, path=shutil.copytree(effect.path, tmp_path / "copy"))
    for chosen, done in ((elsewhere, True), (softer, False), (softer, True), (effect, False)):
        with Replayer(chosen, replace(SETTINGS, resume=True)) as replayer:
            assert replayer.play(wanted[0]).done_before == done


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_ctrl_c_ends_all_and_a_resumed_batch_goes_on(effect: Effect, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    media.write_clip(clips / "1 short.mp4", count=2)
    long = media.write_clip(clips / "2 long.mp4", count=4000)
    shutil.copy(long, clips / "10 long.mp4")
    out = tmp_path / "out"
    call: list[str | Path] = ["replay", clips, "--effect", effect.path, "--jobs", "2", "--threads", "1"]
    call += ["--out", out, "--trace", out, "--resume"]
    process = start(dict(os.environ), *call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        # One long clip under way is enough: on a busy machine the other process comes to its own much later.
        while not (out / "1 short.json").exists() or len(list(out.glob(".* long*.part"))) < 2:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        # To the first process alone, as a supervisor would.
        process.send_signal(signal.SIGINT)
        process.wait(60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert not psutil.wait_procs(children, timeout=30)[1]
    assert sorted(path.name for path in out.iterdir()) == ["1 short.json", "1 short.jsonl", "1 short.mp4"]
    wanted = [
        ClipPlan(clip=str(clip), output=out / clip.name, trace=out / f"{clip.stem}.jsonl")
        for clip in (clips / "1 short.mp4", media.write_clip(clips / "2 long.mp4", count=2))
    ]
    again = run_batch(effect, ReplaySettings(resume=True), wanted, spectator=Seen())
    assert again.skipped(wanted) == [wanted[0].clip] and len(again.reports) == 2


class Killing(Seen):
    """Kills the process that plays the second clip, at its third frame."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def advance(self, place: int, frames: int, total: int | None) -> None:
        super().advance(place, frames, total)
        if place == 1 and frames == 3:
            (pid,) = {int(part.name.split(".")[-3]) for part in self._folder.glob(".2 long*.part")}
            psutil.Process(pid).kill()


def test_a_process_that_is_killed_costs_its_clip_and_leaves_nothing(effect: Effect, tmp_path: Path) -> None:
    clips = [media.write_clip(tmp_path / f"{name}.mp4", count=count) for name, count in CLIPS.items()]
    wanted = plans(clips, tmp_path / "out")
    batch = run_batch(effect, SETTINGS, wanted, spectator=Killing(tmp_path / "out"), jobs=2)
    assert [report.path for report in batch.reports] == [str(clips[0]), str(clips[2])]
    (line,) = batch.lines
    assert line.startswith(f"{clips[1]}: its process ended (exit code ")
    stems = ("1 short", "3 short")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"{stem}{suffix}" for stem in stems for suffix in (".json", ".jsonl", ".mp4")
    ]


def test_a_folder_stands_for_the_clips_in_it(tmp_path: Path) -> None:
    for name in ("s10.mp4", "S9.MOV", "s1.webm", "notes.txt", ".hidden.mp4", "list.csv"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "below.mp4").mkdir()
    clips, notes = gather(["first.mp4", str(tmp_path)])
    assert [Path(clip).name for clip in clips] == ["first.mp4", "s1.webm", "S9.MOV", "s10.mp4"]
    assert notes == [f"{tmp_path}: passed over, no clips by their names: below.mp4, list.csv, notes.txt"]
    # One that a link promises is missed; what cannot be looked at is the clip's own failure.
    (tmp_path / "s2.mp4").symlink_to(tmp_path / "gone.mp4")
    (tmp_path / "s3.mp4").symlink_to("s3.mp4")
    (tmp_path / "s4.mp4").symlink_to(tmp_path / "below.mp4")
    clips, (note,) = gather([str(tmp_path), 300 * "x", "a\0b"])
    names = ["s1.webm", "s2.mp4", "s3.mp4", "S9.MOV", "s10.mp4", 300 * "x", "a\0b"]
    assert [Path(clip).name for clip in clips] == names and "s4.mp4" in note
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty: has no clip in it"):
        gather([str(tmp_path / "empty")])
