"""How far apart two pictures are for something that knows pictures: LPIPS, or the nearest thing at hand.

LPIPS (Zhang et al. 2018, arXiv 1801.03924) weighs the features of a network trained on ImageNet by what
people found alike. Its weights come with no package that effectcam needs and nothing is downloaded for
them, so that they are used where another program has left them. Everywhere else the features are those
of MediaPipe's face mesh, which every installation has: trained on faces, and weighed by nobody.
"""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from effectcam.distill.features import FixedFeatures
from effectcam.errors import UsageError
from effectcam.installing import MEDIAPIPE, pip


class PerceptualLoss(Protocol):
    """Pictures (N, 3, H, W) twice, values 0 to 1, to their mean distance; the gradient goes to the first."""

    name: str
    """Which it is, for the log and the checkpoint: figures of different ones cannot be compared."""

    def __call__(self, drawn: Tensor, target: Tensor) -> Tensor: ...


def perceptual_loss() -> PerceptualLoss:
    """LPIPS if both its parts are on this machine, else the face mesh's features."""
    found = _lpips_files()
    return Lpips(*found) if found else FaceFeatures()


class FaceFeatures(nn.Module):
    """Mean absolute difference of the first layers of MediaPipe's face mesh, each channel in units of its
    own root mean square over the teacher's batch. Four levels, from half size to a sixteenth."""

    name = "face mesh features"

    def __init__(self) -> None:
        super().__init__()
        self.features = FixedFeatures(mediapipe_model("face_landmark/face_landmark.tflite"))

    def forward(self, drawn: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.features(target)
        loss = drawn.new_zeros(())
        for a, b in zip(self.features(drawn), wanted, strict=True):
            # Channels that are nearly always 0 would count most without a floor.
            spread = b.square().mean(dim=(0, 2, 3), keepdim=True).sqrt().clamp_min(0.05)
            loss = loss + ((a - b) / spread).abs().mean() / len(wanted)
        return loss


class Lpips(nn.Module):
    """LPIPS 0.1 on AlexNet: squared differences of unit-length features, weighed channel by channel."""

    name = "LPIPS (AlexNet)"

    def __init__(self, trunk: Path, scales: Path) -> None:
        """``trunk`` is torchvision's AlexNet, ``scales`` the package ``lpips``'s own weights for it.
        Raises UsageError, with the path, for files that hold something else."""
        super().__init__()
        net = _tensors(trunk)
        weights = _tensors(scales)
        shift, scale = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
        try:
            # torchvision numbers layers of all kinds through; these are the convolutions.
            layers = [(net[f"features.{n}.weight"], net[f"features.{n}.bias"]) for n in (0, 3, 6, 8, 10)]
            self.scales = [weights[f"lin{n}.model.1.weight"].float() for n in range(5)]
        except KeyError as error:
            raise UsageError(f"{trunk} and {scales} do not make an LPIPS: {error} is missing") from error
        self.layers = [(kernel.float(), bias.float()) for kernel, bias in layers]
        self.shift = torch.tensor(shift)[:, None, None]
        self.scale = torch.tensor(scale)[:, None, None]

    def forward(self, drawn: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self._features(target)
        loss = drawn.new_zeros(())
        for a, b, scale in zip(self._features(drawn), wanted, self.scales, strict=True):
            loss = loss + F.conv2d((_unit(a) - _unit(b)).square(), scale).mean()
        return loss

    def _features(self, picture: Tensor) -> list[Tensor]:
        x, found = (2 * picture - 1 - self.shift) / self.scale, []
        for number, (kernel, bias) in enumerate(self.layers):
            if number in (1, 2):
                x = F.max_pool2d(x, 3, 2)
            stride, padding = (4, 2) if number == 0 else (1, kernel.shape[-1] // 2)
            x = F.relu(F.conv2d(x, kernel, bias, stride, padding))
            found.append(x)
        return found


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True) + 1e-10).sqrt()


def mediapipe_model(name: str) -> Path:
    """A model in the MediaPipe wheel, such as ``face_landmark/face_landmark.tflite``; found without
    importing MediaPipe, which takes a second."""
    spec = importlib.util.find_spec("mediapipe")
    path = Path(spec.origin or "").parent / "modules" / name if spec else Path(name)
    if not path.is_file():
        raise UsageError(
            f"MediaPipe's {name} is not installed; run: {pip(f'install mediapipe=={MEDIAPIPE}')}"
        )
    return path


def _lpips_files() -> tuple[Path, Path] | None:
    """AlexNet where torchvision keeps what it has downloaded, and the scales in the package ``lpips``."""
    spec = importlib.util.find_spec("lpips")
    scales = Path(spec.origin or "").parent / "weights" / "v0.1" / "alex.pth" if spec else None
    trunks = sorted((Path(torch.hub.get_dir()) / "checkpoints").glob("alexnet-owt-*.pth"))
    if scales is None or not scales.is_file() or not trunks:
        return None
    return trunks[-1], scales


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise UsageError(f"{path} cannot be read as weights; delete or replace it") from error
    return tensors
