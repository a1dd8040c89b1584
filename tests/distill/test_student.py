"""The network, its losses, its training and its way into a .tflite file."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill import losses  # noqa: E402
from effectcam.distill.batches import plain  # noqa: E402
from effectcam.distill.layers import ROUNDING  # noqa: E402
from effectcam.distill.net import NetConfig, Student  # noqa: E402
from effectcam.distill.pairs import PairStore  # noqa: E402
from effectcam.distill.tones import DARKENED  # noqa: E402
from effectcam.distill.train import Progress, TrainConfig, load_student, train  # noqa: E402
from effectcam.errors import StudentError, UsageError  # noqa: E402

TINY = NetConfig(widths=(8, 8, 12, 12, 16), depth=1, expansion=2)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PairStore:
    """Sixteen smooth pictures whose target is the negative: easy, and far from the input."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(7)
    coarse = rng.integers(0, 256, (16, 8, 8, 3))
    inputs = np.kron(coarse, np.ones((1, 40, 40, 1))).astype(np.uint8)
    np.save(folder / "inputs.npy", inputs)
    np.save(folder / "targets.npy", 255 - inputs)
    rows = [{"name": f"{i}.png", "tone": "light" if i % 2 else "dark", "held_out": i < 4} for i in range(16)]
    (folder / "pairs.json").write_text(json.dumps(rows))
    return PairStore.load(folder)


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "config", [TINY, NetConfig(alpha=True, position=64, widths=(8, 8, 8, 8, 8), depth=1)]
)
def test_an_untrained_student_leaves_the_picture_alone(config: NetConfig) -> None:
    picture = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        drawn = Student(config).eval()(picture)
    assert drawn.shape == (2, config.channels, 64, 64)
    assert torch.allclose(drawn[:, :3], picture)


def test_a_student_without_position_draws_any_size() -> None:
    with torch.inference_mode():
        assert Student(TINY).eval()(torch.rand(1, 3, 96, 160)).shape == (1, 3, 96, 160)


def test_each_loss_is_zero_for_equals_and_sees_its_own_fault() -> None:
    torch.manual_seed(0)
    target = torch.rand(2, 3, 64, 64)
    weights = losses.Weights()
    assert float(losses.total(target, target, target, weights)) == pytest.approx(0, abs=1e-5)
    brighter, blurred = target + 0.1, torch.nn.functional.avg_pool2d(target, 3, 1, 1)
    assert float(losses.edges(brighter, target)) == pytest.approx(0, abs=1e-6)
    assert float(losses.edges(blurred, target)) > 0.1
    assert float(losses.dissimilarity(blurred, target)) > 0.3
    assert float(losses.dissimilarity(target, target)) == pytest.approx(0, abs=1e-5)


def test_a_timid_alpha_does_not_hide_bad_colour() -> None:
    image = torch.rand(1, 3, 32, 32)
    target = torch.cat((torch.zeros(1, 3, 32, 32), torch.ones(1, 1, 32, 32)), dim=1)
    hidden = torch.cat((image, torch.zeros(1, 1, 32, 32)), dim=1)
    right_colour = torch.cat((torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)), dim=1)
    weights = losses.Weights()
    assert losses.total(right_colour, target, image, weights) < losses.total(hidden, target, image, weights)


@pytest.mark.usefixtures("one_thread")
def test_training_learns_stops_and_goes_on(store: PairStore, tmp_path: Path) -> None:
    def run(minutes: float) -> list[Progress]:
        # Every step takes a second, however busy the machine is.
        clock = (float(second) for second in itertools.count()).__next__
        config = TrainConfig(minutes=minutes, batch=2, save_every=10, average=0.9, bfloat16=False)
        return list(train(store, TINY, tmp_path, config=config, clock=clock))

    first = run(1 / 3)
    again = run(2 / 3)
    assert [progress.step for progress in first] == [10, 20]
    assert [progress.step for progress in again] == [30, 40]
    assert again[-1].psnr > first[0].psnr
    assert (tmp_path / "preview.png").is_file()
    with torch.inference_mode():
        drawn = load_student(tmp_path, TINY)(torch.zeros(1, 3, 256, 256))
    assert float(drawn.mean()) > 0, "the negative of black is brighter than black"


def test_unfinished_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no finished pairs"):
        PairStore.load(tmp_path)


def test_the_exported_student_draws_what_the_trained_one_does(store: PairStore, tmp_path: Path) -> None:
    pytest.importorskip("litert_torch", reason="litert-torch comes with effectcam[distill]")
    from effectcam.distill.export import check_parity, export
    from effectcam.distill.verify import verify

    torch.manual_seed(1)
    student = Student(TINY).eval()
    torch.nn.init.normal_(student.head.weight, std=0.05)
    path = tmp_path / "face.tflite"
    export(student, (256, 256), path)
    pictures: NDArray[np.uint8] = np.stack([plain(store, index)[0] for index in range(4)])
    parity = check_parity(student, path, pictures)
    assert parity.mean < 0.5
    assert parity.largest < 2
    assert [layer.name for layer in parity.layers][:2] == ["stem", "down.0.0.widen"]
    assert max(layer.difference for layer in parity.layers) < ROUNDING

    verdict = verify(store, path)
    assert verdict.overall.people == 4
    assert set(verdict.tones) == {"light", "dark"}
    assert verdict.overall.gap_closed < 50, "random weights have learnt nothing"
    assert verdict.darkened is None

    store.tones[0] = DARKENED
    again = verify(store, path)
    assert again.darkened is not None
    assert (again.overall.people, again.darkened.people, len(again.names)) == (3, 1, 3)

    torch.nn.init.normal_(student.head.weight, std=0.5)
    with pytest.raises(StudentError, match=r"away from the trained student.* part at the layer head"):
        check_parity(student, path, pictures)
