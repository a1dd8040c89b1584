"""The diffusion teacher: image-to-image by a pipeline that lies in a local folder.

After C. Meng et al., "SDEdit: Guided Image Synthesis and Editing with Stochastic Differential Equations"
(ICLR 2022): the picture is drowned in noise in part, and the model finds its way out to what the prompt says.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.ground import Pixels, check
from effectcam.distill.teachers.head.face_parts import Landmarks
from effectcam.errors import UsageError
from effectcam.installing import install_extra


@dataclass(frozen=True, kw_only=True)
class Diffusion:
    """Redraws a picture, face crop or whole frame, as the prompt says. Nothing is downloaded.

    folder: where the pipeline lies, as diffusers' ``save_pretrained`` writes it, with ``model_index.json``.
    prompt, negative: what the picture should be, and what it should not; name the technique and the light,
        not the person, or all people become one.
    strength: how much of the picture is drowned in noise, above 0 to 1. Below 0.3 hardly anything changes;
        above 0.6 eyes, glasses and who it is are invented anew for each picture, which no student can learn.
    steps: of the way out of the noise; the pipeline takes ``steps`` x ``strength`` of them. Fewer than about
        10 leave blotches, more than 30 only take time.
    guidance: how strictly the prompt is followed. 1 hardly at all, and in half the time; above 10 colours
        burn out.
    side: of the picture as the model sees it, the shorter one, in pixels: 512 for most, 1024 for large ones.
        Another than it was trained for gives two faces, or crumbs.
    seed: None seeds the noise by the picture, so that the same picture gives the same drawing and what the
        noise adds is not learnt. A number gives all pictures the same noise: steadier, but its marks stay on
        the screen while people move.
    """

    folder: str
    prompt: str = ""
    negative: str = ""
    strength: float = 0.45
    steps: int = 20
    guidance: float = 5.0
    side: int = 512
    seed: int | None = None
    _pipeline: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.strength <= 1:
            raise UsageError(f"diffusion's strength is {self.strength}; choose above 0 and up to 1")
        if int(self.steps * self.strength) < 1:
            raise UsageError(
                f"{self.steps} steps at strength {self.strength} are none;"
                f" take at least {int(1 / self.strength) + 1} steps"
            )
        if self.side < 32:
            raise UsageError(f"diffusion's side is {self.side}; choose at least 32")
        object.__setattr__(self, "_pipeline", _load(Path(self.folder).expanduser()))

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Redraw one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks are not used. Returns uint8 (H, W, 3),
        RGB; the same input gives the same bytes on the same machine. Raises UsageError for another shape or
        type.
        """
        import torch

        check(image, landmarks, look="diffusion")
        height, width = image.shape[:2]
        scale = self.side / min(height, width)
        inner = (round(width * scale), round(height * scale))
        seen = np.asarray(
            cv2.resize(image, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        )
        # Three halvings of the latents, which most models have, want to come out even.
        step = 8 * int(getattr(self._pipeline, "vae_scale_factor", 8))
        right, below = (-length % step for length in inner)
        seen = cv2.copyMakeBorder(seen, 0, below, 0, right, cv2.BORDER_REFLECT_101)
        threads = torch.get_num_threads()
        # The order in which several threads add up is chance.
        torch.set_num_threads(1)
        try:
            out = self._pipeline(
                prompt=self.prompt,
                negative_prompt=self.negative,
                image=torch.from_numpy(
                    np.ascontiguousarray(seen.transpose(2, 0, 1))[None].astype(np.float32) / 255
                ),
                strength=self.strength,
                num_inference_steps=self.steps,
                guidance_scale=self.guidance,
                generator=torch.Generator("cpu").manual_seed(self._seed(image)),
                output_type="np",
            ).images[0]
        finally:
            torch.set_num_threads(threads)
        drawn = np.asarray(out, np.float32)[: inner[1], : inner[0]]
        back = np.asarray(
            cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC)
        )
        return np.ascontiguousarray(np.clip(back * 255 + 0.5, 0, 255).astype(np.uint8))

    def _seed(self, image: Pixels) -> int:
        if self.seed is not None:
            return self.seed
        return int.from_bytes(hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest()[:6], "big")


def _load(folder: Path) -> Any:
    if not (folder / "model_index.json").is_file():
        raise UsageError(
            f"no diffusion pipeline in {folder}: model_index.json is missing; give a pipeline's folder"
        )
    try:
        from diffusers import AutoPipelineForImage2Image
    except ImportError as error:
        raise UsageError(f"diffusion needs diffusers ({error}); run: {install_extra('diffusion')}") from error
    try:
        pipelines: Any = AutoPipelineForImage2Image
        pipeline = pipelines.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # whatever a broken file raises, its way out is the same
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"{folder} holds no image-to-image pipeline ({reason}); save it anew with diffusers"
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
