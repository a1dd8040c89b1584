"""A network trained in PyTorch and exported draws the same picture as a student."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from effectcam.student.litert import LiteRtStudent

torch = pytest.importorskip("torch", reason="needs effectcam[distill]")
litert_torch = pytest.importorskip("litert_torch", reason="needs effectcam[distill]")


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # litert-torch's own
def test_an_exported_network_draws_what_pytorch_draws(tmp_path: Path) -> None:
    channels, height, width = 4, 48, 96
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, stride=2, padding=1),
        torch.nn.Hardswish(),
        torch.nn.Conv2d(16, 16, 3, padding=1, groups=16),
        torch.nn.ReLU6(),
        torch.nn.Upsample(scale_factor=2, mode="bilinear"),
        torch.nn.Conv2d(16, 4 * channels, 3, stride=2, padding=1),
        torch.nn.PixelShuffle(2),
        torch.nn.Sigmoid(),
    ).eval()
    nhwc = litert_torch.to_channel_last_io(network, args=[0], outputs=[0]).eval()
    sample = torch.rand(1, height, width, 3)
    litert_torch.convert(nhwc, (sample,)).export(str(tmp_path / "student.tflite"))

    image = np.random.default_rng(2).integers(0, 256, (height, width, 3), dtype=np.uint8)
    with torch.no_grad():
        drawn = nhwc(torch.from_numpy(image)[None] / 255)[0].numpy() * 255
    with LiteRtStudent(tmp_path / "student.tflite", channels=channels, threads=1) as student:
        answer = student.run(image)
    assert answer.shape == (height, width, channels)
    assert np.abs(answer - drawn).max() < 0.51, "no more than the rounding to whole bytes"
    assert answer.std() > 5
