"""Two sides of reports of runs that never were: what is planted is found, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from effectcam.bench.comparison import Comparison, compare, comparison_json, design_line
from effectcam.bench.figures import _ratio
from effectcam.bench.groups import Group, read_group
from effectcam.bench.pairs import pairs_of
from effectcam.bench.report_file import report_json
from effectcam.errors import ReportError, UsageError
from tests.bench.reports import made_report

BUSY = replace(made_report().conditions, others_cores=1.3)


def runs(
    count: int,
    *,
    seed: int,
    begin: int = 0,
    busy: bool = False,
    noise: float = 0.0,
    slower: float = 1.0,
    frames: int = 120,
) -> Group:
    """A group of ``count`` runs, one a minute; ``noise`` slows each as a whole, the same in every group."""
    made = {}
    hits = np.exp(noise * np.random.default_rng(99).standard_normal(count))
    for number in range(count):
        report = made_report(seed=100 * seed + number, frames=frames, slower=slower * float(hits[number]))
        report = replace(report, made_at=f"2026-11-26T06:{begin + number:02}:{seed:02}Z")
        made[f"{number + 1:02}.json"] = replace(report, conditions=BUSY) if busy else report
    return Group(Path(f"side-{seed}"), made)


def verdicts(found: Comparison) -> set[str]:
    return {row.verdict for row in found.rows}


def test_a_matrix_gives_no_ratio_to_a_cell_that_was_added_on_a_busy_day() -> None:
    """It never took turns with the first, so nothing tells its own time from the neighbours'."""
    first, beside = (runs(12, seed=seed, busy=True, noise=0.3) for seed in (1, 2))
    later, quiet = (runs(12, seed=4, begin=30, busy=busy) for busy in (True, False))
    assert _ratio(first, beside)[0] == pytest.approx(1, abs=0.05)
    alone = runs(12, seed=1)
    assert _ratio(first, later) == _ratio(alone, later) == (None, None, None)
    assert _ratio(alone, quiet)[0] == pytest.approx(1, abs=0.05)


def test_runs_in_turn_tell_through_any_noise() -> None:
    a, again, b = (
        runs(12, seed=seed, busy=True, noise=0.3, slower=slower)
        for seed, slower in ((1, 1), (2, 1), (3, 1.1))
    )
    found = compare(a, b)
    assert found.design == "in turn" and found.units == (12, 12)
    assert [(row.stage, row.quantile) for row in found.rows] == [
        ("mesh", "p50"),
        ("crop", "p50"),
        ("student", "p50"),
        ("composite", "p50"),
        ("chain", "p50"),
        ("chain", "p99"),
    ]
    assert {row.verdict for row in found.rows if row.quantile == "p50"} == {"slower"}
    chain = found.rows[-2]
    assert chain.low < 1.1 < chain.high and chain.ratio == pytest.approx(1.1, abs=0.02)
    assert verdicts(compare(a, again)) == {"no difference seen"}
    faster = compare(b, a)
    assert faster.rows[-2].verdict == "faster"
    assert faster.rows[-2].ratio == pytest.approx(1 / chain.ratio, rel=1e-3)


def test_what_is_certain_and_small_does_not_count() -> None:
    a, b = runs(10, seed=1), runs(10, seed=2, slower=1.03)
    assert compare(a, b, stages=["chain"]).rows[0].verdict == "below the threshold"
    assert compare(a, b, stages=["chain"], threshold=0.01).rows[0].verdict == "slower"


def test_groups_that_took_no_turns_tell_on_a_quiet_machine_alone() -> None:
    a, b = runs(6, seed=1), runs(7, seed=2, begin=20, slower=1.1)
    found = compare(a, b)
    assert found.design == "groups" and found.units == (6, 7)
    assert found.rows[-2].verdict == "slower"
    assert "6 and 7 runs, not in turn" in design_line(found)
    found = compare(a, runs(7, seed=2, begin=20, slower=1.1, busy=True))
    assert verdicts(found) == {"cannot be told"}
    assert found.unsure is not None and "did not take turns" in found.unsure


def test_single_runs_are_cut_into_pieces() -> None:
    a, again, b = (
        runs(1, seed=seed, frames=300, slower=slower) for seed, slower in ((1, 1), (2, 1), (3, 1.1))
    )
    found = compare(a, b)
    assert found.design == "single runs" and found.units == (20, 20)
    assert {row.verdict for row in found.rows} == {"slower"}
    assert verdicts(compare(a, again)) == {"no difference seen"}


def wandering(seed: int) -> Group:
    """One run, whose times wander slowly to and fro, as on a machine where somebody works now and then."""
    made = made_report(frames=600, seed=seed)
    drift = np.exp(np.cumsum(0.03 * np.random.default_rng(seed).standard_normal(600)))
    stages: dict[str, list[float | None]] = {
        stage: [time * by for time, by in zip(times, drift, strict=True) if time is not None]
        for stage, times in made.series.stages_ms.items()
    }
    made = replace(made, series=replace(made.series, stages_ms=stages))
    return Group(Path(f"{seed}.json"), {f"{seed}.json": made})


def test_single_runs_whose_frames_hang_together_tell_nothing() -> None:
    found = compare(wandering(1), wandering(2))
    assert verdicts(found) == {"cannot be told"}
    assert found.unsure is not None and "too short or too unsteady" in found.unsure


def test_too_few_runs_tell_nothing() -> None:
    found = compare(runs(7, seed=1), runs(7, seed=2, slower=2))
    assert verdicts(found) == {"cannot be told"}
    assert found.unsure is not None and "7 and 7 runs are too few for 6 rows" in found.unsure
    assert compare(runs(8, seed=1), runs(8, seed=2, slower=2), stages=["student"]).rows[0].verdict == "slower"


def test_noise_that_could_hide_a_difference_is_told() -> None:
    a, b = runs(12, seed=1), runs(12, seed=2)
    jumpy = {
        name: made_report(seed=number, frames=120, slower=1 + 0.2 * (number % 2), made_at=report.made_at)
        for number, (name, report) in enumerate(b.runs.items())
    }
    (note,) = compare(a, Group(b.path, jumpy)).notes
    assert "of the chain could hide in the noise" in note
    assert compare(a, b).notes == []


def test_stages_that_did_not_run_have_no_row_and_are_not_to_be_had() -> None:
    def without(group: Group) -> Group:
        made = {}
        for name, report in group.runs.items():
            stages = {stage: times for stage, times in report.series.stages_ms.items() if stage != "mesh"}
            made[name] = replace(report, series=replace(report.series, stages_ms=stages))
        return Group(group.path, made)

    a, b = runs(6, seed=1), without(runs(6, seed=2))
    assert "mesh" not in {row.stage for row in compare(a, b).rows}
    with pytest.raises(UsageError, match="no stage 'mesh' ran in all reports"):
        compare(a, b, stages=["mesh"])


def test_it_is_read_back_as_it_was_written() -> None:
    found = compare(runs(6, seed=1), runs(6, seed=2))
    assert msgspec.json.decode(comparison_json(found), type=Comparison) == found


def test_pairs_are_of_one_name_and_one_time() -> None:
    a, b = runs(5, seed=1), runs(5, seed=2)
    assert [pair[1].made_at for pair in pairs_of(a, b)] == [report.made_at for report in b.reports]
    later = runs(5, seed=2, begin=30)
    assert pairs_of(a, later) == []
    del b.runs["02.json"]
    assert len(pairs_of(a, b)) == 4
    assert "1 runs have no partner" in compare(a, b).notes[0]
    assert pairs_of(runs(1, seed=1), runs(1, seed=2)) == []
    renamed = Group(b.path, {f"x{name}": report for name, report in b.runs.items()})
    assert pairs_of(a, renamed) == []


def write(folder: Path, group: Group) -> Path:
    folder.mkdir(parents=True)
    for name, report in group.runs.items():
        (folder / name).write_bytes(report_json(report))
    return folder


def test_a_group_is_a_file_or_a_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "matrix" / "cell", runs(2, seed=1, frames=20))
    (folder / "notes.txt").write_text("not a report")
    assert list(read_group(folder).runs) == ["01.json", "02.json"]
    assert list(read_group(folder / "01.json").runs) == ["01.json"]
    with pytest.raises(ReportError, match=r"has no report .* name one of its cells, such as .*matrix/cell"):
        read_group(tmp_path / "matrix")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReportError, match="make them with: effectcam bench"):
        read_group(tmp_path / "empty")
    made = made_report(frames=20)
    bare = replace(made, series=replace(made.series, stages_ms={}))
    (folder / "03.json").write_bytes(report_json(bare))
    with pytest.raises(ReportError, match=r"03.json: has no time of the chain"):
        read_group(folder)
    (folder / "03.json").write_text("{}")
    with pytest.raises(ReportError, match=r"03.json: has no schema"):
        read_group(folder)
