"""The diffusion teacher with a pipeline of random weights, small enough for a test."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.distill.teachers.diffusion import Diffusion
from effectcam.errors import UsageError
from effectcam.installing import install_extra

torch = pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

# diffusers and transformers warn of their own deprecations, and of each other's.
pytestmark = pytest.mark.filterwarnings("ignore")

Pixels = NDArray[np.uint8]


def picture(value: int = 0) -> Pixels:
    ramp = np.linspace(20, 220, 44)[:, None, None] + np.linspace(0, 30, 52)[None, :, None]
    return np.asarray((ramp + np.array([value, 0, 5])).clip(0, 255), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of Stable Diffusion's parts, each of a few thousand weights."""
    diffusers = pytest.importorskip("diffusers", reason="diffusers comes with effectcam[diffusion]")
    transformers = pytest.importorskip("transformers", reason="it comes with effectcam[diffusion]")
    home = tmp_path_factory.mktemp("pipeline")
    torch.manual_seed(0)
    words = ["<|startoftext|>", "<|endoftext|>", "a</w>", "b</w>", "a", "b"]
    (home / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (home / "merges.txt").write_text("#version: 0.2\n")
    text = transformers.CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=16,
        bos_token_id=0,
        eos_token_id=1,
    )
    pipeline = diffusers.StableDiffusionImg2ImgPipeline(
        vae=diffusers.AutoencoderKL(
            block_out_channels=(8, 8),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            norm_num_groups=4,
        ),
        text_encoder=transformers.CLIPTextModel(text),
        tokenizer=transformers.CLIPTokenizer(
            str(home / "vocab.json"), str(home / "merges.txt"), model_max_length=16
        ),
        unet=diffusers.UNet2DConditionModel(
            sample_size=64,
            block_out_channels=(8, 8),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=2,
            norm_num_groups=4,
        ),
        scheduler=diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(home / "model")
    return home / "model"


def test_the_same_picture_gives_the_same_bytes_and_another_other_noise(folder: Path) -> None:
    teacher = Diffusion(folder=str(folder), prompt="a", steps=4, strength=0.5, side=32)
    before = torch.get_num_threads()
    first = teacher(picture(), None)
    assert first.shape == (44, 52, 3) and first.dtype == np.uint8
    torch.manual_seed(7)
    np.testing.assert_array_equal(teacher(picture(), None), first)
    assert torch.get_num_threads() == before
    # One step of grey changes a picture by one, but its noise by all.
    other = teacher(picture(1), None)
    assert np.abs(other.astype(int) - first).max() > 2


def test_a_seed_and_a_strength_are_heeded(folder: Path) -> None:
    def drawn(**arguments: float | int) -> Pixels:
        made = {"steps": 4, "strength": 0.5, "side": 32, **arguments}
        return Diffusion(folder=str(folder), prompt="a", **made)(picture(), None)  # type: ignore[arg-type]

    np.testing.assert_array_equal(drawn(seed=1), drawn(seed=1))
    assert (drawn(seed=1) != drawn(seed=2)).any()
    assert (drawn(seed=1, strength=1.0) != drawn(seed=1)).any()
    assert (drawn(seed=1, guidance=9.0) != drawn(seed=1, guidance=1.0)).any()


def test_a_folder_that_is_no_pipeline_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"model_index\.json is missing"):
        Diffusion(folder=str(tmp_path))
    pytest.importorskip("diffusers", reason="diffusers comes with effectcam[diffusion]")
    (tmp_path / "model_index.json").write_text('{"_class_name": "Nothing"}')
    with pytest.raises(UsageError, match="no image-to-image pipeline") as refusal:
        Diffusion(folder=str(tmp_path))
    assert "\n" not in str(refusal.value)


def test_without_diffusers_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(UsageError, match=re.escape(install_extra("diffusion"))):
        Diffusion(folder=str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"strength": 0.0}, "above 0"),
        ({"strength": 0.1, "steps": 5}, "take at least 11 steps"),
        ({"side": 8}, "at least 32"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_loaded(arguments: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Diffusion(folder="nowhere", **arguments)  # type: ignore[arg-type]
