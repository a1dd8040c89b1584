"""One student for two looks: what they share, what they do not, and where training goes on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.cli.app import main  # noqa: E402
from effectcam.distill.base import Looks, finished_base, students_of, train_base  # noqa: E402
from effectcam.distill.net import NetConfig, Student  # noqa: E402
from effectcam.distill.origin import Origin, origin_in  # noqa: E402
from effectcam.distill.pairs import PairStore  # noqa: E402
from effectcam.distill.recipe import load_recipe  # noqa: E402
from effectcam.distill.train import Progress, TrainConfig  # noqa: E402
from effectcam.effect.catalogue import bundled_folder  # noqa: E402
from effectcam.errors import UsageError  # noqa: E402

TINY = NetConfig(widths=(8, 8, 12, 12, 16), depth=1, expansion=2)


@pytest.fixture(scope="module")
def stores() -> dict[str, PairStore]:
    """The same eight pictures, made dark by one look and light by the other."""
    coarse = np.random.default_rng(7).integers(0, 256, (8, 8, 8, 3))
    inputs = np.kron(coarse, np.ones((1, 40, 40, 1))).astype(np.uint8)
    facts = ([f"{i}.png" for i in range(8)], ["light"] * 8, [i < 2 for i in range(8)])
    return {
        "dark": PairStore(inputs, (inputs // 3).astype(np.uint8), *facts),
        "pale": PairStore(inputs, (170 + inputs // 3).astype(np.uint8), *facts),
    }


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def run(
    stores: dict[str, PairStore], folder: Path, steps: int, *, origin: Origin | None = None
) -> list[Progress]:
    clock = (float(second) for second in itertools.count()).__next__
    config = TrainConfig(steps=steps, batch=2, save_every=min(steps, 12), average=0.5, bfloat16=False)
    return list(train_base(stores, TINY, folder, config=config, origin=origin, clock=clock))


def test_looks_share_all_but_their_heads() -> None:
    first, second = students_of(Looks(TINY, ["a", "b"]))
    shared = {id(parameter) for parameter in first.parameters()}
    own = [name for name, parameter in second.named_parameters() if id(parameter) not in shared]
    assert own == ["head.weight", "head.bias"]


@pytest.mark.usefixtures("one_thread")
def test_it_learns_both_looks_stops_and_goes_on(stores: dict[str, PairStore], tmp_path: Path) -> None:
    first = run(stores, tmp_path, 24)
    assert first[-1].step == 24
    again = run(stores, tmp_path, 48)
    assert again[0].step > 24, "from the checkpoint, not from nothing"
    assert again[-1].step == 48

    state = torch.load(tmp_path / "base.pt", weights_only=True)
    looks = Looks(TINY, ["dark", "pale"])
    looks.load_state_dict(state["student"])
    picture = torch.full((1, 3, 64, 64), 0.5)
    with torch.inference_mode():
        dark, pale = (float(student.eval()(picture).mean()) for student in students_of(looks))
    assert dark < 0.5 < pale, "one trunk, two looks"

    student, names = finished_base(tmp_path, TINY)
    assert names == ["dark", "pale"]
    with torch.inference_mode():
        assert torch.allclose(student(picture), picture, atol=1e-6), "its head is as good as new"
    with pytest.raises(UsageError, match="other looks"):
        run({**stores, "third": stores["dark"]}, tmp_path, 60)
    with pytest.raises(UsageError, match="base of another net"):
        finished_base(tmp_path, replace(TINY, depth=2))


@pytest.mark.usefixtures("one_thread")
def test_every_look_begins_with_what_the_origin_knows(stores: dict[str, PairStore], tmp_path: Path) -> None:
    torch.manual_seed(5)
    known = Student(TINY)
    run(stores, tmp_path, 1, origin=Origin("known 1.0.0", known))
    began = students_of(Looks(TINY, ["dark", "pale"]))[0].state_dict()
    student, _ = finished_base(tmp_path, TINY)
    for name, weights in known.state_dict().items():
        if name.startswith("stem") and weights.ndim > 1:
            near = (student.state_dict()[name] - weights).abs().max()
            assert near < 0.1 * (began[name] - weights).abs().max()


@pytest.mark.usefixtures("one_thread")
def test_a_smaller_student_is_taught_at_its_own_size(stores: dict[str, PairStore], tmp_path: Path) -> None:
    net, config = replace(TINY, position=64), TrainConfig(steps=2, batch=2, bfloat16=False)
    assert [at.step for at in train_base(stores, net, tmp_path, config=config, scale=0.25)] == [2]


def test_a_base_is_called_what_training_knows_it_by(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["distill", "base", "zombie", "robot", "--work", str(tmp_path), "--out", str(tmp_path / "base")]
    assert main(call) == 2
    assert "base.tflite" in capsys.readouterr().err


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.tflite"
    for content in (b"", b"a text that is no model, though it is long enough", bytes(64)):
        file.write_bytes(content)
        with pytest.raises(UsageError, match=r"mine\.tflite (is no \.tflite|holds no student)"):
            origin_in(str(file), load_recipe("zombie").students["face"])


def test_one_look_is_no_base(stores: dict[str, PairStore], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two looks or more"):
        run({"dark": stores["dark"]}, tmp_path, 10)
    with pytest.raises(UsageError, match=r"base\.pt is missing; train the base first"):
        finished_base(tmp_path, TINY)


def test_an_effect_goes_on_from_a_file(tmp_path: Path) -> None:
    """Any student of the right shape will do: here a bundled one."""
    plan = load_recipe("zombie").students["face"]
    origin = origin_in(str(bundled_folder() / "zombie" / "face.tflite"), plan)
    assert origin.name == "the base face"
    published = origin_in("zombie", plan).student.state_dict()
    for name, weights in origin.student.state_dict().items():
        assert torch.equal(weights, published[name]), name
    with pytest.raises(UsageError, match=r"no base at .*absent\.tflite; bundled are"):
        origin_in(str(tmp_path / "absent.tflite"), plan)
