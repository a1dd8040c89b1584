"""The losses beyond the plain ones: what each sees, what it leaves alone, and what its numbers are."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from torch import Tensor  # noqa: E402

from effectcam.distill import critic, losses, perceptual, temporal  # noqa: E402
from effectcam.distill.adaptive import AdaptiveLoss, log_partition, robust  # noqa: E402
from effectcam.distill.augment import Augmentation  # noqa: E402
from effectcam.distill.criterion import Criterion  # noqa: E402
from effectcam.distill.features import FixedFeatures  # noqa: E402
from effectcam.distill.losses import Weights  # noqa: E402
from effectcam.distill.temporal import Step  # noqa: E402
from effectcam.errors import UsageError  # noqa: E402


def smooth(count: int = 2, side: int = 64) -> Tensor:
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    pictures: Tensor = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    return pictures


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"critc": 1}, "did you mean 'critic'"),
        ({"critic": -1}, "'critic' weighs -1: choose a number from 0"),
        ({"critic": "much"}, "'critic' weighs 'much'"),
        ({"critic": True}, "'critic' weighs True"),
        ({"pixel": math.nan}, "'pixel' weighs nan"),
        ({"pixel": 0, "edge": 0, "structure": 0, "alpha": 0}, "all losses are 0"),
    ],
)
def test_senseless_weights_are_told(table: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Weights.of(table)


def test_losses_can_be_left_out_by_name() -> None:
    weights = Weights.of({"critic": 0.5}).without(["pixel", "critic"])
    assert weights == Weights(pixel=0)
    with pytest.raises(UsageError, match="did you mean 'pixel'"):
        weights.without(["pixl"])
    with pytest.raises(UsageError, match="no loss is left"):
        weights.without(weights.on())


def test_what_is_off_is_neither_made_nor_counted() -> None:
    criterion = Criterion(Weights())
    assert criterion.adaptive is None
    assert criterion.perceptual is None
    assert criterion.adversarial is None
    assert not criterion.parameters
    assert not criterion.pairs_of_frames
    image, target = smooth(), 1 - smooth()
    loss = criterion(image, target, image, [], progress=0.9)
    assert torch.equal(loss, losses.total(image, target, image, Weights()))


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (1.999, lambda x: x**2 / 2),
        (1.0, lambda x: math.sqrt(x**2 + 1) - 1),
        (0.001, lambda x: math.log(x**2 / 2 + 1)),
    ],
)
def test_the_robust_loss_has_the_papers_special_cases(shape: float, value: object) -> None:
    for x in (0.0, 0.3, 2.0):
        got = float(robust(torch.tensor(2 * x), torch.tensor(shape), torch.tensor(2.0)))
        assert got == pytest.approx(value(x), rel=0.01, abs=1e-6)  # type: ignore[operator]


def test_the_partition_is_that_of_a_gaussian_at_one_end_and_of_a_cauchy_at_the_other() -> None:
    shapes = torch.tensor([0.001, 1.999], requires_grad=True)
    got = log_partition(shapes)
    assert got.tolist() == pytest.approx(
        [math.log(math.pi * math.sqrt(2)), math.log(math.sqrt(2 * math.pi))], abs=0.01
    )
    got.sum().backward()  # type: ignore[no-untyped-call]
    assert shapes.grad is not None
    assert (shapes.grad < 0).all(), "heavier tails hold more"


def test_the_adaptive_loss_finds_out_how_robust_to_be() -> None:
    torch.manual_seed(0)
    clean = torch.full((4, 3, 32, 32), 0.5)
    gaussian = clean + 0.02 * torch.randn(clean.shape)
    spiky = clean + 0.02 * torch.randn(clean.shape) / torch.randn(clean.shape).abs().clamp_min(0.01)
    shapes = []
    for drawn in (gaussian, spiky):
        loss = AdaptiveLoss()
        optimiser = torch.optim.Adam(loss.parameters(), lr=0.05)
        first = float(loss(drawn, clean).detach())
        for _ in range(120):
            optimiser.zero_grad()
            told = loss(drawn, clean)
            told.backward()
            optimiser.step()
        assert float(told.detach()) < first
        shapes.append(float(loss.shape[0].mean().detach()))
    assert shapes[0] > 1.5 > shapes[1]


@pytest.mark.parametrize(
    ("model", "side"),
    [("face_landmark/face_landmark.tflite", 192), ("face_detection/face_detection_short_range.tflite", 128)],
)
def test_rebuilt_layers_see_what_litert_sees(model: str, side: int) -> None:
    from ai_edge_litert.interpreter import Interpreter

    path = perceptual.mediapipe_model(model)
    features = FixedFeatures(path, levels=3)
    picture = np.random.default_rng(1).random((1, side, side, 3), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the memory that keeping every tensor takes
        interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    found = features(torch.from_numpy(picture).permute(0, 3, 1, 2))
    assert [x.shape[2] for x in found] == [side // 2, side // 4, side // 8]
    for number, level in zip(features.taps, found, strict=True):
        wanted = interpreter.get_tensor(number)
        assert np.abs(level.permute(0, 2, 3, 1).numpy() - wanted).max() < 1e-4
        assert wanted.std() > 0.1


def test_networks_that_cannot_be_rebuilt_are_told() -> None:
    with pytest.raises(UsageError, match=r"pose_detection\.tflite: layer \d+ is of kind"):
        FixedFeatures(perceptual.mediapipe_model("pose_detection/pose_detection.tflite"))


def _lpips_like(folder: Path) -> tuple[Path, Path]:
    """Weights of LPIPS's shapes, at random, as torchvision and lpips keep them."""
    shapes = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}
    trunk = {}
    for number, (outputs, inputs, side) in shapes.items():
        trunk[f"features.{number}.weight"] = (
            torch.randn(outputs, inputs, side, side) / (inputs * side**2) ** 0.5
        )
        trunk[f"features.{number}.bias"] = torch.zeros(outputs)
    scales = {f"lin{n}.model.1.weight": torch.rand(1, s[0], 1, 1) for n, s in enumerate(shapes.values())}
    torch.save(trunk, folder / "alexnet-owt-0.pth")
    torch.save(scales, folder / "alex.pth")
    return folder / "alexnet-owt-0.pth", folder / "alex.pth"


def test_lpips_is_taken_where_its_weights_are_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    files = _lpips_like(tmp_path)
    monkeypatch.setattr(perceptual, "_lpips_files", lambda: files)
    lpips = perceptual.perceptual_loss()
    assert lpips.name == "LPIPS (AlexNet)"
    target = smooth()
    assert float(lpips(target, target)) == pytest.approx(0, abs=1e-6)
    assert float(lpips(target + 0.2 * torch.randn(target.shape), target)) > 0.1
    files[1].write_bytes(b"no weights")
    with pytest.raises(UsageError, match=r"alex\.pth cannot be read"):
        perceptual.perceptual_loss()


def test_elsewhere_the_face_meshs_features_judge_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perceptual, "_lpips_files", lambda: None)
    faces = perceptual.perceptual_loss()
    assert faces.name == "face mesh features"
    target = smooth()
    drawn = (target + 0.1).requires_grad_()
    brighter = faces(drawn, target)
    brighter.backward()  # type: ignore[no-untyped-call]
    assert drawn.grad is not None and float(drawn.grad.abs().sum()) > 0
    assert float(faces(target, target)) == 0
    noisy = target + 0.1 * torch.sign(torch.randn(target.shape, generator=torch.Generator().manual_seed(0)))
    assert float(faces(noisy, target)) > 2 * float(brighter.detach()), "equal in L1, not to the eye"


def test_the_critic_is_silent_at_first_then_learns_then_is_listened_to() -> None:
    torch.manual_seed(0)
    adversarial = critic.AdversarialLoss(side=32)
    image = smooth()
    target = (image + 0.3 * (torch.arange(64) % 2)).clamp(0, 1)
    drawn = image.clone().requires_grad_()
    before = [p.detach().clone() for p in adversarial.critic.parameters()]

    assert float(adversarial(image, drawn, target, progress=critic.LEARNS_FROM - 0.01)) == 0
    adversarial.learn()
    after = list(adversarial.critic.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))

    for _ in range(60):
        assert float(adversarial(image, drawn, target, progress=critic.COUNTS_FROM)) == 0
        adversarial.learn()
    with torch.no_grad():
        opinions = [float(adversarial.critic(image, x).mean()) for x in (target, drawn)]
    assert opinions[0] > 0.5 > -0.5 > opinions[1]

    loss = adversarial(image, drawn, target, progress=1.0)
    loss.backward()  # type: ignore[no-untyped-call]
    assert drawn.grad is not None and float(drawn.grad.abs().sum()) > 0
    assert all(p.grad is None or p.requires_grad for p in adversarial.critic.parameters())
    assert float(loss.detach()) > 0.5, "an opinion below 0 is to be lowered"


@pytest.mark.parametrize("step", [Step(3, -2), Step(0, 6), Step(-5, -1)])
def test_the_next_frame_shows_the_same_moved_on(step: Step) -> None:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (8, 8, 4), np.uint8)
    base = np.asarray(cv2.resize(coarse, (320, 320), interpolation=cv2.INTER_CUBIC), np.uint8)
    geometry = Augmentation(turn=0.04, shown=0.8).geometry(base.shape, rng)
    first, second = step.frames(geometry, base)
    assert first.shape == second.shape == (256, 256, 4)
    a, b = (torch.from_numpy(np.ascontiguousarray(x)).permute(2, 0, 1) for x in (first, second))
    here, there = step.overlap(a, b)
    assert here.shape == (4, 256 - abs(step.down), 256 - abs(step.right))
    assert torch.equal(here, there)
    turned = [x.transpose(1, 2) for x in (a, b)]
    assert torch.equal(*step.turned_over().overlap(turned[0], turned[1]))
    # As ever but for rounding: the crop itself is where it would have been.
    assert np.abs(first.astype(int) - geometry.apply(base)).mean() < 1


def test_unsteadiness_is_what_does_not_move_along() -> None:
    step = Step(2, 1)
    wide = smooth(1, 80)
    first, second = wide[..., 8:72, 8:72], wide[..., 7:71, 6:70]
    moving = torch.cat((first, second))
    assert float(temporal.unsteadiness(moving, [step])) == pytest.approx(0, abs=1e-6)
    screen = 0.1 * (torch.arange(64) % 3)
    assert float(temporal.unsteadiness(moving + screen, [step])) > 0.05
    # Where nothing is drawn, nothing can be unsteady.
    unseen = torch.cat((moving + screen, torch.zeros(2, 1, 64, 64)), dim=1)
    assert float(temporal.unsteadiness(unseen, [step])) == 0


def test_flicker_is_an_error_that_comes_and_goes() -> None:
    target = smooth(4)
    assert float(temporal.flicker(target + 0.2, target)) == pytest.approx(0, abs=1e-6)
    flashing = target.clone()
    flashing[:2] += 0.2
    assert float(temporal.flicker(flashing, target)) == pytest.approx(0.2, abs=1e-6)
