"""The search for a student that fits a budget: what it trains, what it chooses, and how it goes on."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.bench.arithmetic import multiply_adds  # noqa: E402
from effectcam.cli import main  # noqa: E402
from effectcam.distill import trial  # noqa: E402
from effectcam.distill.net import NetConfig  # noqa: E402
from effectcam.distill.pairs import PairStore  # noqa: E402
from effectcam.distill.pareto import best_within, front, spread  # noqa: E402
from effectcam.distill.recipe import BUNDLED, StudentRecipe, load_recipe  # noqa: E402
from effectcam.distill.search import BEYOND, Search  # noqa: E402
from effectcam.distill.shapes import Shape, own_shape, shapes  # noqa: E402
from effectcam.distill.train import Progress, usual_augmentation  # noqa: E402
from effectcam.distill.trial import Trials  # noqa: E402
from effectcam.distill.verify import redrawn  # noqa: E402
from effectcam.errors import UsageError  # noqa: E402
from effectcam.student.litert import LiteRtStudent  # noqa: E402
from tests.disk import small_files  # noqa: E402

TINY = StudentRecipe(
    "face",
    (64, 64),
    NetConfig(widths=(8, 8, 8, 8, 8), depth=1, expansion=2, alpha=True, position=64),
)


@dataclass
class Bench:
    """A device that takes 40 ns a multiply-add, more or less, and students that learn the more the larger
    they are, but for every third, which is a failure."""

    trained: list[Shape] = field(default_factory=list)
    prepared: list[Shape] = field(default_factory=list)
    found: dict[Shape, float] = field(default_factory=dict)
    stop_in: int = 10**6
    """Trainings that end well before one that is stopped half-way."""

    def prepare(self, shape: Shape) -> None:
        self.prepared.append(shape)

    def latencies(self, shapes: Sequence[Shape]) -> dict[Shape, float]:
        assert set(shapes) <= set(self.prepared)
        return {shape: shape.multiply_adds() * (4 + len(shape.name) % 3 * 0.2) * 1e-8 for shape in shapes}

    def train(self, shape: Shape) -> Iterator[Progress]:
        self.trained.append(shape)
        if len(self.trained) > self.stop_in:
            raise KeyboardInterrupt
        yield Progress(10, 0.1, 0.5, 20.0, 1.0, 0.0)

    def judge(self, shape: Shape) -> float:
        worth = 30.0 if len(self.found) % 3 == 2 else 10 * float(np.log(shape.multiply_adds()))
        return self.found.setdefault(shape, worth - 100)

    def judged(self, shape: Shape) -> float | None:
        return self.found.get(shape)


def a_search(bench: Bench, folder: Path, **change: Any) -> Search:
    zombie = load_recipe("zombie").students["face"]
    pool = shapes(zombie, (192, 224, 256), seed=0)
    usual: dict[str, Any] = {"budget_ms": 6.0, "trials": 12, "settings": {"minutes": 2, "seed": 0}}
    return Search(pool, bench, folder, **usual | change)


def test_the_front_and_the_best_of_it() -> None:
    rng = np.random.default_rng(3)
    points = {n: (float(a), float(b)) for n, (a, b) in enumerate(rng.integers(0, 12, (40, 2)))}
    line = front(points)
    for name, (cost, worth) in points.items():
        beaten = any(
            c <= cost and w >= worth and (c < cost or w > worth) for c, w in map(points.__getitem__, line)
        )
        assert beaten == (name not in line)
    costs, worths = zip(*(points[name] for name in line), strict=True)
    assert list(costs) == sorted(costs) and list(worths) == sorted(worths)
    for budget in range(12):
        best = best_within(points, budget)
        within = [worth for cost, worth in points.values() if cost <= budget]
        assert (best is None) == (not within)
        assert best is None or (best in line and points[best] == (points[best][0], max(within)))
    assert front({}) == [] and best_within({}, 5) is None


def test_a_spread_goes_on_where_it_was() -> None:
    values = [float(v) for v in np.random.default_rng(1).uniform(0, 10, 50)]
    every = spread(values, 12)
    assert len(set(every)) == 12
    assert spread(values, 12, every[:5]) == every
    gaps = np.diff(sorted(values[index] for index in every))
    assert gaps.max() < 2.5
    assert spread([1.0], 4) == [0] and spread([], 4) == []


def test_shapes_are_spread_and_each_its_own() -> None:
    zombie = load_recipe("zombie").students["face"]
    pool = shapes(zombie, (192, 224), seed=0)
    assert pool[0] == own_shape(zombie) and pool[0].size == (256, 256)
    assert len({shape.name for shape in pool}) == len(pool) > 100
    assert pool == shapes(zombie, (192, 224), seed=0) != shapes(zombie, (192, 224), seed=1)
    for shape in pool[1:]:
        assert shape.net.alpha and shape.net.position == shape.size[0] == shape.size[1]
    assert {shape.size for shape in pool[1:9]} == {(192, 192), (224, 224)}
    toon = load_recipe("toon").students["frame"]
    assert {shape.size for shape in shapes(toon, (224,), seed=0)[1:]} == {(224, 384)}
    for wrong in (200, 32, 0, -64, 2048):
        with pytest.raises(UsageError, match=f"cannot be {wrong} pixels high"):
            shapes(zombie, (192, wrong), seed=0)


def test_its_lines_make_the_same_student_again(tmp_path: Path) -> None:
    before, _, _ = (BUNDLED / "zombie.toml").read_text(encoding="utf-8").partition("[students.face]")
    for shape in shapes(load_recipe("zombie").students["face"], (192,), seed=0)[:3]:
        file = tmp_path / "recipe.toml"
        file.write_text(before + shape.toml("face"), encoding="utf-8")
        assert own_shape(load_recipe(str(file)).students["face"]) == shape
        assert set(tomllib.loads(shape.toml("face"))) == {"students"}


def test_what_is_far_too_slow_is_never_trained(tmp_path: Path) -> None:
    bench = Bench()
    search = a_search(bench, tmp_path)
    events = list(search.run())
    assert [event.kind for event in events].count("done") == 12 == len(set(bench.trained))
    assert bench.trained[0] == search.own, "what the others are compared with, though it is slow"
    ms = bench.latencies(bench.trained[1:])
    assert max(ms.values()) <= BEYOND * 6 < bench.latencies([search.own])[search.own]
    assert len(bench.prepared) == 16
    assert min(ms.values()) < 2 and max(np.diff(sorted(ms.values()))) < 2, "spread over the times"
    candidates = search.candidates()
    assert [one.ms for one in candidates] == sorted(one.ms for one in candidates)
    (chosen,) = (one for one in candidates if one.chosen)
    assert chosen.front and chosen.ms <= 6
    trained = [(one.ms, one.gap_closed) for one in candidates if one.gap_closed is not None]
    assert chosen.gap_closed == max(gap for time, gap in trained if time <= 6)
    assert any(one.gap_closed is not None and not one.front for one in candidates)


def test_a_stopped_search_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    bench = Bench(stop_in=4)
    with pytest.raises(KeyboardInterrupt):
        list(a_search(bench, tmp_path).run())
    assert len(bench.found) == 4
    begun, prepared = list(bench.trained), list(bench.prepared)
    bench.stop_in = 10**6
    list(a_search(bench, tmp_path).run())
    assert bench.trained[5] == begun[4], "the one that was under way goes on first"
    assert len(bench.trained) == 13 and len(set(bench.trained)) == len(bench.found) == 12
    assert bench.prepared == prepared, "nothing is measured twice"
    list(a_search(bench, tmp_path).run())
    assert len(bench.trained) == 13
    list(a_search(bench, tmp_path, trials=14).run())
    assert len(bench.trained) == 15
    list(a_search(bench, tmp_path, trials=14, budget_ms=5.0).run())
    assert len(bench.trained) == 15, "a lower budget is a choice among what is there"
    with pytest.raises(UsageError, match=r"other settings \(budget up to 6 ms, now 7\)"):
        list(a_search(bench, tmp_path, budget_ms=7.0).run())


def test_a_budget_that_nothing_meets_names_the_fastest(tmp_path: Path) -> None:
    bench = Bench()
    with pytest.raises(
        UsageError, match=r"within 0\.2 ms: the fastest, 192-w8-48.*, takes \d\.\d;"
    ) as caught:
        list(a_search(bench, tmp_path, budget_ms=0.2).run())
    assert not bench.trained and "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_does_not_lose_a_search(tmp_path: Path) -> None:
    """Its settings are written each time it goes on: cut short, all that was trained would be refused."""
    bench = Bench()
    list(a_search(bench, tmp_path, trials=2).run())
    with small_files(8), pytest.raises(OSError, match="settings"):
        list(a_search(bench, tmp_path, trials=2).run())
    list(a_search(bench, tmp_path, trials=2).run())
    assert len(bench.trained) == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"budget_ms": float("nan")}, "a budget of nan ms is none"),
        ({"budget_ms": -1.0}, "a budget of -1.0 ms is none"),
        ({"trials": 1}, "1 trial is no choice"),
        ({"settings": {"minutes": 3, "seed": 0}}, r"other settings \(minutes 2, now 3\)"),
    ],
)
def test_nonsense_is_told_in_a_line(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    list(a_search(Bench(), tmp_path, trials=2).run())
    bench = Bench()
    with pytest.raises(UsageError, match=says) as caught:
        list(a_search(bench, tmp_path, **change).run())
    assert not bench.prepared and "\n" not in str(caught.value)


def test_a_damaged_folder_is_told(tmp_path: Path) -> None:
    bench = Bench()
    list(a_search(bench, tmp_path, trials=2).run())
    (tmp_path / "latency.json").write_text("{")
    with pytest.raises(UsageError, match=r"latency\.json is damaged; delete"):
        list(a_search(bench, tmp_path, trials=2).run())
    with pytest.raises(UsageError, match="leave out --threads or --cpu-time"):
        Trials(TINY, _store(tmp_path), tmp_path, 1.0, threads=2, cpu_time=True)
    (tmp_path / own_shape(TINY).name).mkdir()
    (tmp_path / own_shape(TINY).name / "gap.json").write_text("[]")
    with pytest.raises(UsageError, match=r"gap\.json is damaged; delete it"):
        Trials(TINY, _store(tmp_path), tmp_path, 1.0).judged(own_shape(TINY))


def _store(folder: Path, *, held_out: int = 2) -> PairStore:
    """Smooth pictures whose negatives cover their left halves."""
    folder.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(7).integers(0, 256, (6, 8, 8, 3))
    inputs = np.kron(coarse, np.ones((1, 40, 40, 1))).astype(np.uint8)
    alpha = np.zeros((6, 320, 320, 1), np.uint8)
    alpha[:, :, :160] = 255
    np.save(folder / "inputs.npy", inputs)
    np.save(folder / "targets.npy", np.concatenate((255 - inputs, alpha), axis=3))
    rows = [{"name": f"{i}.png", "tone": "light", "held_out": i < held_out} for i in range(6)]
    (folder / "pairs.json").write_text(json.dumps(rows))
    return PairStore.load(folder)


def test_a_small_student_is_measured_trained_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = torch.get_num_threads()
    trials = Trials(TINY, _store(tmp_path / "pairs"), tmp_path, 0.02, cpu_time=True)
    shape = own_shape(TINY)
    trials.prepare(shape)
    assert 0 < trials.latencies([shape], rounds=3)[shape] < 100
    model = tmp_path / shape.name / "untrained.tflite"
    assert multiply_adds(model.read_bytes()) == shape.multiply_adds()
    picture = np.kron(np.random.default_rng(0).integers(0, 256, (8, 8, 3)), np.ones((32, 32, 1)))
    with LiteRtStudent(model, channels=4, threads=1) as student:
        drawn = redrawn(student, picture.astype(np.uint8), scale=0.25)
    assert drawn.shape == (256, 256, 4)
    assert np.abs(drawn[..., :3] - picture).mean() < 12, "untrained, it leaves the picture as it was"

    exported: list[Path] = []

    def copied(student: object, size: tuple[int, int], path: Path) -> None:
        # The real thing takes seconds, and is tested by itself.
        exported.append(path)
        path.write_bytes(model.read_bytes())

    monkeypatch.setattr(trial, "export", copied)
    trials.prepare(shape)
    assert not exported, "once is enough"
    last = list(trials.train(shape))[-1]
    torch.set_num_threads(threads)
    assert last.share == 1 and last.step > 1
    assert trials.judged(shape) is None
    gap = trials.judge(shape)
    assert [path.name for path in exported] == ["student.tflite"]
    assert abs(gap) < 5, "nothing learnt yet, the copy draws the input"
    assert trials.judged(shape) == gap


def test_a_student_with_a_past_is_measured_and_stays_one(tmp_path: Path) -> None:
    recurrent = replace(TINY, net=replace(TINY.net, recurrent=True))
    shape, trials = own_shape(recurrent), Trials(recurrent, _store(tmp_path / "pairs"), tmp_path, 0.02)
    trials.prepare(shape)
    assert trials.latencies([shape], rounds=1)[shape] > 0
    assert tomllib.loads(shape.toml("face"))["students"]["face"]["net"]["recurrent"] is True


def test_training_shows_a_small_student_what_it_will_see() -> None:
    toon = load_recipe("toon").students["frame"]
    assert (TINY.scale, toon.scale, replace(toon, size=(224, 384)).scale) == (0.25, 1.0, 0.75)
    for scale, side in ((1.0, 256), (0.75, 192), (0.875, 224), (0.7, 192)):
        usual = usual_augmentation(toon.net, scale)
        assert usual.side == side
        # Pixels of the crop over those of the base, as 1 is for crops of 256 that show 0.8 of 320.
        assert usual.side / (usual.shown * 320) == pytest.approx(scale)


def test_the_command_reports_a_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench()
    monkeypatch.setattr(trial, "Trials", lambda *_, **__: bench)
    call = ["distill", "search", "zombie", "--work", str(tmp_path)]
    assert main(call) == 2
    assert "no finished pairs in" in capsys.readouterr().err
    _store(tmp_path / "face" / "pairs", held_out=0)
    assert main(call) == 2
    assert "hold nobody out to measure on" in capsys.readouterr().err
    _store(tmp_path / "face" / "pairs")
    for wrong, says in (
        (["--trials", "0"], "0 is not in the range"),
        (["--trials", "many"], "not a valid integer"),
        (["--budget-ms", "nan"], "a budget of nan ms is none"),
        (["--budget-ms", "0.01"], "nothing draws within 0.01 ms: the fastest"),
        (["--sizes", "big"], "write heights with commas"),
        (["--sizes", "192,100"], "cannot be 100 pixels high"),
        (["--space", "frame"], "zombie has no frame student"),
    ):
        assert main([*call, *wrong]) == 2
        err = capsys.readouterr().err
        assert says in err and "Traceback" not in err
    assert main([*call, "--trials", "12"]) == 0
    out = capsys.readouterr().out
    folder = tmp_path / "face" / "search"
    report = json.loads((folder / "search.json").read_text())
    assert report["schema"] == "effectcam.search/1"
    rows = report["students"]
    (chosen,) = (row for row in rows if row["chosen"])
    assert chosen["front"] and chosen["ms_p50"] <= 6
    assert sum(row["gap_closed"] is not None for row in rows) == 12
    toml = out[out.index("[students.face]") :]
    assert tomllib.loads(toml)["students"]["face"]["size"] == chosen["size"]
    assert f"| {chosen['name']} " in out
    assert (folder / "search.png").read_bytes().startswith(b"\x89PNG")
    picture = (folder / "search.svg").read_bytes()
    assert main([*call, "--trials", "12"]) == 0
    assert len(bench.trained) == 12
    assert (folder / "search.svg").read_bytes() == picture
    assert main([*call, "--minutes", "3"]) == 2
    assert "other settings (minutes 2.0, now 3.0)" in capsys.readouterr().err
    assert asdict(NetConfig(**chosen["net"]))["position"] == chosen["size"][0]
