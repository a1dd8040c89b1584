"""Cells in turns, in a folder that is gone on with: here with workers that measure nothing."""

from __future__ import annotations

import csv
import io
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from effectcam.bench import matrix as module
from effectcam.bench.cells import Cell, cells_of, program_of
from effectcam.bench.figures import as_csv, figures_of
from effectcam.bench.heat_map import matrix_page
from effectcam.bench.matrix import Matrix, Wishes
from effectcam.bench.pairs import pairs_of
from effectcam.bench.report_file import report_json
from effectcam.effect.package import Effect, read_package
from effectcam.errors import ReportError, UsageError
from tests.bench.reports import made_report
from tests.cli.conftest import write_effect
from tests.media import write_clip

STAND_IN = str(Path(__file__).with_name("stand_in.py"))


@pytest.fixture(scope="module")
def effect(tmp_path_factory: pytest.TempPathFactory) -> Effect:
    return read_package(write_effect(tmp_path_factory.mktemp("effects"), "plain", model="identity"))


@pytest.fixture
def wishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wishes:
    device = made_report().device
    monkeypatch.setattr(module, "fingerprint", lambda: device)
    clip = write_clip(tmp_path / "clip.mp4", width=64, height=64, count=6)
    return Wishes(clip=clip, rounds=2, frames=25, turn=10, burn_in=5)


def cells(tmp_path: Path, effect: Effect, count: int = 3, **faults: str) -> list[Cell]:
    """``count`` cells, of 1, 2… threads; ``faults`` by name, such as t2="start"."""
    template = tmp_path / "template.json"
    template.write_bytes(report_json(made_report(frames=25)))
    made = cells_of([effect], ["standard"], ["cpu"], [*range(1, count + 1)], [(64, 64)])
    program = (sys.executable, STAND_IN, str(template), str(tmp_path / "log"))
    return [
        replace(
            cell, program=(*program, *([faults[f"t{cell.threads}"]] if f"t{cell.threads}" in faults else []))
        )
        for cell in made
    ]


def folder(tmp_path: Path) -> Path:
    made = tmp_path / "matrix"
    made.mkdir(exist_ok=True)
    return made


def turns(tmp_path: Path) -> list[tuple[str, str, int]]:
    """(cell, round, turn) of each, in the order in which they were."""
    lines = (tmp_path / "log").read_text().splitlines()
    found = [re.fullmatch(r".*/([^/]+)/(\d+)\.part (\d+)", line) for line in lines]
    return [(match[1], match[2], int(match[3])) for match in found if match is not None]


def test_every_combination_is_a_cell_with_a_name_of_its_own(effect: Effect) -> None:
    made = cells_of(
        [effect, effect], ["lite", "standard"], ["cpu", "gpu"], [None, 2], [(64, 64), (128, 96)], other="p"
    )
    assert len(made) == len({cell.name for cell in made}) == 2 * 2 * 2 * 2 * 2 * 2
    assert made[0].name == "plain-lite-cpu-64x64" and made[1].name == "plain-lite-cpu-64x64-other"
    assert made[-1].name == "plain-2-standard-gpu-128x96-2t-other"
    assert made[-1].program == program_of("p")
    # Another effect may be called what a second one of a name would be.
    numbered = replace(effect, name="plain-2")
    labels = {
        cell.label for cell in cells_of([effect, numbered, effect], ["lite"], ["cpu"], [None], [(64, 64)])
    }
    assert labels == {"plain", "plain-2", "plain-3"}


def test_all_cells_take_turns_and_in_another_order_each_time(
    tmp_path: Path, effect: Effect, wishes: Wishes
) -> None:
    made = cells(tmp_path, effect)
    Matrix(folder(tmp_path), made, replace(wishes, frames=100)).run()
    names = {cell.name for cell in made}
    found = turns(tmp_path)
    assert len(found) == 2 * 10 * 3
    orders = []
    for place in range(0, len(found), 3):
        three = found[place : place + 3]
        assert {cell for cell, _, _ in three} == names
        assert len({(number, turn) for _, number, turn in three}) == 1
        orders.append(tuple(cell for cell, _, _ in three))
    assert len(set(orders)) > 3
    a, b = (Matrix(folder(tmp_path), made, wishes).group(cell) for cell in made[:2])
    assert a is not None and b is not None and len(pairs_of(a, b)) == 2


def test_it_goes_on_where_it_was_stopped(tmp_path: Path, effect: Effect, wishes: Wishes) -> None:
    made = cells(tmp_path, effect)
    place = folder(tmp_path)

    def stop(what: str, share: float) -> None:
        if what == "round 2 of 2: measuring" and share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Matrix(place, made, wishes).run(tell=stop)
    assert sorted(str(file.relative_to(place)) for file in place.glob("*/*")) == [
        f"{cell.name}/01.json" for cell in made
    ]
    first = (place / made[0].name / "01.json").stat()
    Matrix(place, made, wishes).run()
    assert len([*place.glob("*/02.json")]) == 3 and len([*place.glob("*/*")]) == 6
    again = (place / made[0].name / "01.json").stat()
    assert (again.st_ino, again.st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    before = len(turns(tmp_path))
    Matrix(place, made, wishes).run()
    assert len(turns(tmp_path)) == before
    # More rounds and more cells are added to what is there.
    Matrix(place, cells(tmp_path, effect, 4), replace(wishes, rounds=3)).run()
    assert {number for cell, number, _ in turns(tmp_path)[before:] if cell == made[0].name} == {"03"}
    assert len([*place.glob("*/*.json")]) == 12


def test_cells_that_do_not_fit_into_memory_at_once_have_their_turns_later(
    tmp_path: Path, effect: Effect, wishes: Wishes
) -> None:
    made = cells(tmp_path, effect)
    Matrix(folder(tmp_path), made, replace(wishes, together=2)).run()
    rounds = {number: [cell for cell, its, _ in turns(tmp_path) if its == number] for number in ("01", "02")}
    for found in rounds.values():
        assert len(set(found[:6])) == 2 and len(set(found[6:])) == 1


def test_a_cell_that_cannot_run_is_told_and_the_others_go_on(
    tmp_path: Path, effect: Effect, wishes: Wishes
) -> None:
    made = cells(tmp_path, effect, 4, t1="refuse", t2="start", t3="turn")
    made.append(replace(made[3], name="lite", tier="lite"))
    made.append(replace(made[3], name="nowhere", program=(str(tmp_path / "no-python"),)))
    measured = Matrix(folder(tmp_path), made, wishes)
    measured.run()
    refused = [measured.refused.get(cell.name, "") for cell in made]
    assert refused[0] == "gpu refused: there is none"
    assert refused[1] == "its process ended (exit code 1: the driver brought it down)"
    assert refused[2] == "its process ended (exit code 1: it fell over)"
    assert refused[3] == ""
    assert refused[4].startswith("plain has no tier 'lite'")
    assert "cannot be started" in refused[5]
    assert sorted(file.name for file in folder(tmp_path).glob("*/*")) == ["01.json", "02.json"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frames": 30}, "was measured with --frames 25, not 30"),
        ({"turn": 5}, "was measured with --turn 10, not 5"),
        ({"burn_in": 4}, "was measured with --burn-in 5, not 4"),
        ({"priority": "raised"}, "was measured with --priority normal, not raised"),
        ({"cores": 1}, r"was measured with --cores \d+, not 1"),
    ],
)
def test_a_folder_that_was_begun_otherwise_is_refused(
    tmp_path: Path, effect: Effect, wishes: Wishes, change: dict[str, Any], said: str
) -> None:
    made = cells(tmp_path, effect, 1)
    Matrix(folder(tmp_path), made, replace(wishes, rounds=1)).run()
    with pytest.raises(UsageError, match=said):
        Matrix(folder(tmp_path), made, replace(wishes, **change)).run()
    assert len([*folder(tmp_path).glob("*/*")]) == 1


def test_a_folder_of_another_machine_or_clip_is_refused(
    tmp_path: Path, effect: Effect, wishes: Wishes, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = cells(tmp_path, effect, 1)
    Matrix(folder(tmp_path), made, replace(wishes, rounds=1)).run()
    other = write_clip(tmp_path / "other.mp4", width=64, height=64, count=7)
    with pytest.raises(UsageError, match=r"was measured with clip clip.mp4 \(\w+\), not other.mp4"):
        Matrix(folder(tmp_path), made, replace(wishes, clip=other)).run()
    device = replace(made_report().device, id="fedcba987654")
    monkeypatch.setattr(module, "fingerprint", lambda: device)
    with pytest.raises(UsageError, match=r"was measured with device .*0123456789ab.*, not .*fedcba987654"):
        Matrix(folder(tmp_path), made, wishes).run()


def test_a_damaged_report_is_refused(tmp_path: Path, effect: Effect, wishes: Wishes) -> None:
    made = cells(tmp_path, effect, 1)
    Matrix(folder(tmp_path), made, wishes).run()
    (folder(tmp_path) / made[0].name / "02.json").write_bytes(b"{")
    with pytest.raises(ReportError, match=r"02.json: is no report"):
        Matrix(folder(tmp_path), made, wishes).run()


def test_figures_csv_and_page_tell_every_cell(tmp_path: Path, effect: Effect, wishes: Wishes) -> None:
    made = cells(tmp_path, effect, 3, t2="refuse")
    measured = Matrix(folder(tmp_path), made, replace(wishes, rounds=6))
    measured.run()
    groups = [measured.group(cell) for cell in made]
    figures = figures_of(made, groups, measured.refused)
    first, refused, third = figures
    report = made_report(frames=25)
    assert first.p50_ms == third.p50_ms == report.stages_ms["chain"].p50
    assert first.student_ms == report.stages_ms["student"].p50 and first.frames == 6 * 25
    assert (first.ratio, first.ratio_low) == (1, None)
    # The stand-in's reports are all the same.
    assert (third.ratio, third.ratio_low, third.ratio_high) == (1, 1, 1)
    assert refused.p50_ms is None and refused.refused == "gpu refused: there is none"
    lines = [*csv.DictReader(io.StringIO(as_csv(figures)))]
    assert [line["cell"] for line in lines] == [cell.name for cell in made]
    assert float(lines[0]["p50_ms"]) == first.p50_ms and lines[1]["p50_ms"] == ""
    page = matrix_page(figures, report)
    assert not re.search(r"<script|<link|<img|@import|url\(|https?://", page)
    for part in (
        f">{first.p50_ms:.1f}</td>",
        f">{first.p99_ms:.1f}</td>",
        "did not run",
        "<th>64x64<br>cpu<br>3 threads</th>",
    ):
        assert part in page
    assert page.count("gpu refused: there is none") == 3


def test_what_a_stranger_wrote_stays_text(tmp_path: Path, effect: Effect, wishes: Wishes) -> None:
    evil = "<script>alert(1)</script>"
    (cell,) = cells(tmp_path, effect, 1)
    page = matrix_page(figures_of([replace(cell, label=evil)], [None], {cell.name: evil}), made_report())
    assert "<script" not in page and "&lt;script&gt;" in page
