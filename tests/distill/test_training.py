"""Training with every loss on: its checkpoints, its clock, and what it refuses."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.cli import main  # noqa: E402
from effectcam.distill.augment import NoAugmentation  # noqa: E402
from effectcam.distill.batches import chances  # noqa: E402
from effectcam.distill.checkpoint import minutes_spent  # noqa: E402
from effectcam.distill.losses import Weights  # noqa: E402
from effectcam.distill.net import NetConfig  # noqa: E402
from effectcam.distill.origin import Origin  # noqa: E402
from effectcam.distill.package import build  # noqa: E402
from effectcam.distill.pairs import PairStore  # noqa: E402
from effectcam.distill.perceptual import perceptual_loss  # noqa: E402
from effectcam.distill.recipe import BUNDLED, load_recipe  # noqa: E402
from effectcam.distill.tiers import tier_run  # noqa: E402
from effectcam.distill.train import Progress, TrainConfig, load_student, train  # noqa: E402
from effectcam.errors import StudentError, UsageError  # noqa: E402

TINY = NetConfig(widths=(8, 8, 8, 8, 8), depth=1, expansion=2, alpha=True)
EVERY = Weights(adaptive=0.02, perceptual=0.1, critic=0.03, shift=1.0, flicker=1.0)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PairStore:
    """Smooth pictures whose negatives cover their left halves."""
    folder = tmp_path_factory.mktemp("pairs")
    coarse = np.random.default_rng(7).integers(0, 256, (6, 8, 8, 3))
    inputs = np.kron(coarse, np.ones((1, 40, 40, 1))).astype(np.uint8)
    alpha = np.zeros((6, 320, 320, 1), np.uint8)
    alpha[:, :, :160] = 255
    np.save(folder / "inputs.npy", inputs)
    np.save(folder / "targets.npy", np.concatenate((255 - inputs, alpha), axis=3))
    rows = [{"name": f"{i}.png", "tone": "light", "held_out": i < 2} for i in range(6)]
    (folder / "pairs.json").write_text(json.dumps(rows))
    return PairStore.load(folder)


def run(
    store: PairStore,
    folder: Path,
    steps: int,
    *,
    net: NetConfig = TINY,
    weights: Weights = EVERY,
    origin: Origin | None = None,
    **more: Any,
) -> list[Progress]:
    config = TrainConfig(steps=steps, batch=2, average=0.5, bfloat16=False, **more)
    small = NoAugmentation(side=64, shown=0.8)
    return list(train(store, net, folder, config=config, augmentation=small, weights=weights, origin=origin))


def test_every_loss_goes_on_from_the_checkpoint(store: PairStore, tmp_path: Path) -> None:
    first = run(store, tmp_path, 8)
    assert [at.step for at in first] == [8]
    assert first[-1].left == 0
    had = torch.load(tmp_path / "student.pt", weights_only=True)
    assert float(had["criterion"]["adaptive"]["log_scale"].std()) > 0, "learnt along"
    again = run(store, tmp_path, 12)
    assert again[-1].step == 12
    has = torch.load(tmp_path / "student.pt", weights_only=True)
    counts = [
        int(next(iter(state["criterion"]["adversarial"]["optimiser"]["state"].values()))["step"])
        for state in (had, has)
    ]
    # Of 8 the critic looks on from the third; all of the last four come after its beginning.
    assert counts == [6, 10]
    assert minutes_spent(tmp_path) == has["seconds"] / 60 > had["seconds"] / 60
    assert minutes_spent(tmp_path / "nowhere") == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"net": replace(TINY, depth=2)}, r"trained with another net \(depth 1, now 2\)"),
        ({"weights": replace(EVERY, critic=0.0)}, r"trained with other losses \(critic 0.03, now 0.0\)"),
        ({"emphasis": {"dark": 2.0}}, r"with other pairs, or others shown more often \(emphasis \{\}, now"),
    ],
)
def test_another_trainings_checkpoint_is_refused(
    store: PairStore, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    run(store, tmp_path, 1)
    before = (tmp_path / "student.pt").read_bytes()
    with pytest.raises(UsageError, match=says) as caught:
        run(store, tmp_path, 2, **change)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "student.pt").read_bytes() == before


def test_pairs_that_were_made_anew_are_not_learnt_on_top_of_the_old(store: PairStore, tmp_path: Path) -> None:
    """A teacher was mended, and its pairs made again: the student of the old ones must not be exported as if
    it were theirs, which a training whose minutes are spent would have led to without a word."""
    run(store, tmp_path, 1)
    other = store.targets.copy()
    other[-1, 7, 7, 0] ^= 1
    with pytest.raises(UsageError, match="trained with other pairs") as caught:
        run(replace(store, targets=other), tmp_path, 1)
    assert "delete it to begin anew" in str(caught.value)
    assert run(replace(store, targets=store.targets.copy()), tmp_path, 2)[-1].step == 2


def test_a_student_is_not_measured_on_pairs_that_it_did_not_learn_from(
    store: PairStore, tmp_path: Path
) -> None:
    zombie = load_recipe("zombie")
    face = replace(zombie.students["face"], net=TINY, size=(64, 64))
    plan = replace(zombie, students={"face": face})
    work = tmp_path / "work"
    (work / "face").mkdir(parents=True)
    run(store, tier_run(work, "face", "standard"), 2)
    pairs = work / "face" / "pairs"
    pairs.mkdir()
    rows = [{"name": f"{i}.png", "tone": "light", "held_out": i > 3} for i in range(6)]
    for name, array in (("inputs", store.inputs), ("targets", store.targets)):
        np.save(pairs / f"{name}.npy", array)
    (pairs / "pairs.json").write_text(json.dumps(rows))
    with pytest.raises(UsageError, match="was trained with other pairs than those in"):
        build(plan, work, tmp_path / "out", data="drawn", preview=tmp_path / "none.mp4")
    assert not (tmp_path / "out").exists()


def test_another_beginning_is_told(store: PairStore, tmp_path: Path) -> None:
    run(store, tmp_path, 1)
    begun = Origin("known 1.0.0", load_student(tmp_path, TINY))
    with pytest.raises(UsageError, match=r"begun from nothing, not from known 1\.0\.0; leave --from out"):
        run(store, tmp_path, 2, origin=begun)
    other = tmp_path / "other"
    run(store, other, 1, origin=begun)
    assert run(store, other, 2, origin=begun)[-1].step == 2
    assert run(store, other, 3)[-1].step == 3


def test_checkpoints_from_before_their_losses_were_kept_are_still_good(
    store: PairStore, tmp_path: Path
) -> None:
    run(store, tmp_path, 1, weights=Weights())
    path = tmp_path / "student.pt"
    state = torch.load(path, weights_only=True)
    for key in ("net", "losses", "criterion", "lesson"):
        del state[key]
    torch.save(state, path)
    assert run(store, tmp_path, 2, weights=Weights())[-1].step == 2
    del state["optimiser"]
    torch.save(state, path)
    with pytest.raises(UsageError, match="no checkpoint, or a damaged one"):
        load_student(tmp_path, TINY)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UsageError, match="no checkpoint, or a damaged one"):
        run(store, tmp_path, 3)


def test_a_student_of_another_shape_is_not_loaded(store: PairStore, tmp_path: Path) -> None:
    run(store, tmp_path, 1)
    with pytest.raises(UsageError, match="of another shape than the recipe's"):
        load_student(tmp_path, replace(TINY, depth=2))


def test_a_full_disk_leaves_the_last_checkpoint(
    store: PairStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(store, tmp_path, 1)
    before = (tmp_path / "student.pt").read_bytes()

    def full(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed\nmore")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(StudentError, match="free some space and start again") as caught:
        run(store, tmp_path, 2)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "student.pt").read_bytes() == before
    assert not (tmp_path / "student.tmp").exists()


def test_a_student_that_runs_away_is_stopped_before_it_is_saved(store: PairStore, tmp_path: Path) -> None:
    with pytest.raises(StudentError, match=r"the loss became (nan|inf|-inf) in step"):
        run(store, tmp_path, 40, rate=1e30)
    assert not (tmp_path / "student.pt").exists()


def test_only_its_own_time_counts(store: PairStore, tmp_path: Path) -> None:
    ticks = itertools.count()
    away = 0.0

    def clock() -> float:
        return next(ticks) + away

    config = TrainConfig(minutes=0.1, batch=1, save_every=2.0, bfloat16=False)
    turns = train(
        store, TINY, tmp_path, config=config, augmentation=NoAugmentation(side=64, shown=0.8), clock=clock
    )
    seen = []
    for at in turns:
        away += 1000
        seen.append((at.step, round(at.minutes * 60), round(6 * at.share)))
        assert 0 <= at.left < 1
    assert seen == [(2, 2, 2), (4, 4, 4), (6, 6, 6)]


def _tiny_recipe(path: Path, losses: str) -> str:
    zombie = (BUNDLED / "zombie.toml").read_text(encoding="utf-8")
    before, _, _ = zombie.partition("[students.face]")
    path.write_text(
        before + "[students.face]\nsize = [256, 256]\n"
        "[students.face.net]\nwidths = [8, 8, 8, 8, 8]\ndepth = 1\nexpansion = 2\nalpha = true\n"
        f"[students.face.losses]\n{losses}\n",
        encoding="utf-8",
    )
    return str(path)


def test_a_recipe_weighs_the_losses(tmp_path: Path) -> None:
    recipe = load_recipe(_tiny_recipe(tmp_path / "a.toml", "shift = 1\nalpha = 0.25"))
    assert recipe.students["face"].losses == Weights(shift=1.0, alpha=0.25)
    with pytest.raises(UsageError, match=r"b\.toml: no loss 'shft': did you mean 'shift'\?"):
        load_recipe(_tiny_recipe(tmp_path / "b.toml", "shft = 1"))


def test_the_command_tells_when_it_ends_and_leaves_losses_out(
    store: PairStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = _tiny_recipe(tmp_path / "a.toml", "perceptual = 0.1\nshift = 1")
    folder = tmp_path / "face" / "pairs"
    folder.mkdir(parents=True)
    np.save(folder / "inputs.npy", store.inputs)
    np.save(folder / "targets.npy", store.targets)
    rows = [{"name": str(i), "tone": "light", "held_out": out} for i, out in enumerate(store.held_out)]
    (folder / "pairs.json").write_text(json.dumps(rows))
    call = ["distill", "train", recipe, "--work", str(tmp_path), "--minutes", "0.01"]
    assert main([*call, "--without", "critic"]) == 2
    assert "'critic' is off in" in capsys.readouterr().err
    assert main([*call, "--without", "shift"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"face: perceptual loss by {perceptual_loss().name}"
    assert main([*call, "--without", "shift"]) == 0
    assert "face: its 0.01 minutes are spent; give more --minutes" in capsys.readouterr().out
    assert re.match(r"face: step \d+, [\d.]+ of 0.01 min, ends about \d\d:\d\d; loss", out[1])
    assert main(call) == 2
    assert "trained with other losses (shift 0.0, now 1.0)" in capsys.readouterr().err


def test_rare_tones_and_weighty_pictures_come_more_often() -> None:
    empty = np.empty((4, 1, 1, 3), np.uint8)
    tones = ["light", "light", "light", "dark"]
    usable = np.arange(4)

    def of(weights: list[float], emphasis: dict[str, float]) -> list[float]:
        store = PairStore(empty, empty, list("abcd"), tones, [False] * 4, weights)
        return [float(chance) for chance in chances(store, usable, emphasis)]

    even = of([], {})
    assert sum(even) == pytest.approx(1)
    assert even[0] == even[1] == even[2] < even[3] < sum(even[:3])
    assert of([1.0] * 4, {}) == pytest.approx(even)
    assert of([], {"dark": 2.0})[3] > even[3]
    heavy = of([2.0, 1.0, 1.0, 1.0], {})
    assert heavy[0] == pytest.approx(2 * heavy[1])
