"""The student: a UNet of MobileNetV2 blocks (Sandler et al. 2018), small enough for every frame.

Stem at half size, inverted residuals down to 1/32, bilinear steps up with added skips, and a head
that writes each 2x2 block of pixels from one place (pixel shuffle, Shi et al. 2016). The head gives
the *change* of the picture, so that what an effect leaves alone passes at full sharpness although
the network itself never works at full size.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class NetConfig:
    """The shape of a student."""

    widths: tuple[int, ...] = (16, 24, 40, 64, 96)
    """Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size. Cost grows with the first ones, since
    they work on the most pixels; what can be remembered grows with the last ones."""
    expansion: int = 3
    """Channels inside a block over those between blocks: more sees more and costs in proportion; MobileNetV2
    has 6. A student with 2, pruned from one with 3, takes three quarters of its time."""
    depth: int = 2
    """Blocks a level. More makes longer chains of small steps, such as smoothing needs."""
    fine_depth: int | None = None
    """Blocks on the way up at half size, the dearest level of all; None: ``depth``. In a student of
    288 x 512, one instead of three saves a quarter of the time."""
    coarse_depth: int | None = None
    """Blocks a level at 1/16 and 1/32, where a place costs next to nothing and sees the whole face;
    None: ``depth``. More help a drawing that must know where on the face it is."""
    alpha: bool = False
    """A fourth channel: how much of the drawing covers the picture."""
    position: int = 0
    """Side of a square crop whose places the student may learn by heart (0: none). It lets veins
    and scars keep their place on the face, and ties the student to this one size; without it the
    student is fully convolutional and draws frames of any size that 32 divides."""

    recurrent: bool = False
    """It also takes its own drawing of the frame before, moved along with the head: steadier, because it
    can go on with what it drew, and tied to frames that come in order. Nothing there yet is all 0."""

    @property
    def channels(self) -> int:
        return 4 if self.alpha else 3

    @property
    def inputs(self) -> int:
        """Channels that it takes."""
        return 3 + self.channels if self.recurrent else 3


class Block(nn.Module):
    """Inverted residual: widen, look around in each channel, narrow. No normalisation: the network
    is shallow enough to train without, and exports to three plain convolutions."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.widen = nn.Conv2d(inputs, hidden, 1)
        self.look = nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden)
        self.narrow = nn.Conv2d(hidden, outputs, 1)
        self.keeps_shape = stride == 1 and inputs == outputs
        for layer in (self.widen, self.look, self.narrow):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(cast(Tensor, layer.bias))
        if self.keeps_shape:
            # A residual branch that starts small keeps the variance of a deep stack in hand.
            with torch.no_grad():
                self.narrow.weight.mul_(0.2)

    def forward(self, x: Tensor) -> Tensor:
        wide = F.relu(self.widen(x))
        if self.training and self.look.stride[0] == 2:
            # oneDNN's bfloat16 backward pass of a strided depthwise convolution is twelve times
            # slower than the float one, and was a third of a training step.
            with torch.autocast("cpu", enabled=False):
                seen = self.look(wide.float())
        else:
            seen = self.look(wide)
        y: Tensor = self.narrow(F.relu(seen))
        return x + y if self.keeps_shape else y


class Student(nn.Module):
    """RGB in, RGB or RGBA out: (N, 3, H, W) to (N, 3 or 4, H, W), values 0 to 1, sides that 32 divides.

    A recurrent one takes (N, ``config.inputs``, H, W), the picture first and then the drawing before; without
    the latter it draws as for a first frame."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths

        def level(inputs: int, outputs: int, stride: int, depth: int) -> nn.Sequential:
            first = Block(inputs, outputs, stride=stride, expansion=config.expansion)
            more = (Block(outputs, outputs, stride=1, expansion=config.expansion) for _ in range(depth - 1))
            return nn.Sequential(first, *more)

        self.stem = nn.Conv2d(config.inputs, widths[0], 3, 2, 1)
        depth = [config.depth] * len(widths)
        depth[-2:] = [config.coarse_depth or config.depth] * 2
        self.down = nn.ModuleList(
            level(a, b, 2, n) for (a, b), n in zip(pairwise(widths), depth[1:], strict=True)
        )
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        depth[0] = config.fine_depth or config.depth
        self.up = nn.ModuleList(level(a, a, 1, n) for a, n in zip(widths[:-1], depth[:-1], strict=True))
        self.head = nn.Conv2d(widths[0], 4 * config.channels, 3, 1, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(cast(Tensor, self.head.bias))
        self.gather: Tensor
        self.register_buffer("gather", _gathering(config), persistent=False)
        if config.alpha:
            # Alpha starts at a half and is a plain clamp: a sigmoid never quite reaches 0 or 1,
            # which would leave a veil over the whole crop.
            with torch.no_grad():
                cast(Tensor, self.head.bias)[3::4] = 0.5
        if config.position:
            sides = (config.position // 4, config.position // 16)
            self.place = nn.ParameterList(
                nn.Parameter(0.02 * torch.randn(1, width, side, side))
                for width, side in zip((widths[1], widths[3]), sides, strict=True)
            )

    def forward(self, image: Tensor) -> Tensor:
        if image.shape[1] < self.config.inputs:
            image = F.pad(image, (0, 0, 0, 0, 0, self.config.channels))
        skips = [F.relu(self.stem(image - 0.5))]
        for index, level in enumerate(self.down):
            x = level(skips[-1])
            if self.config.position and index in (0, 2):
                x = x + self.place[index // 2]
            skips.append(x)
        x = skips.pop()
        for narrow, level in zip(reversed(self.narrow), reversed(self.up), strict=True):
            x = F.interpolate(narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False) + skips.pop()
            x = level(x)
        drawing = self._blocks(image) + self.head(x)
        # While training, what shoots over keeps its gradient.
        return _shuffled(drawing if self.training else drawing.clamp(0, 1))

    def _blocks(self, image: Tensor) -> Tensor:
        """The picture as the head writes its change, (N, 4 C, H / 2, W / 2): see ``_shuffled``."""
        if self.training:
            # The picture itself must not be rounded to bfloat16.
            with torch.autocast("cpu", enabled=False):
                return F.conv2d(image.float(), self.gather, stride=2)
        return F.conv2d(image, self.gather, stride=2)


def _gathering(config: NetConfig) -> Tensor:
    """A kernel that collects the red, green and blue of 2 x 2 pixels, (4 C, inputs, 2, 2); a fourth channel
    stays 0. A convolution for what is a mere move, because LiteRT has it in no other single step."""
    kernel = torch.zeros(2, 2, config.channels, config.inputs, 2, 2)
    for row, column, colour in itertools.product(range(2), range(2), range(3)):
        kernel[row, column, colour, colour, row, column] = 1
    return kernel.flatten(0, 2)


def _shuffled(blocks: Tensor) -> Tensor:
    """Pixels out of their 2 x 2 blocks: (N, 4 C, H, W), in the order row, column, colour, to
    (N, C, 2 H, 2 W).

    With the colours last, as LiteRT lays out everything, this is one transposition of short runs.
    PyTorch's own shuffle, colours first, becomes five of single numbers there.
    """
    count, channels, height, width = blocks.shape
    rows = blocks.permute(0, 2, 3, 1).reshape(count * height, width, 2, channels // 2)
    pixels = rows.transpose(1, 2).reshape(count, 2 * height, 2 * width, channels // 4)
    return pixels.permute(0, 3, 1, 2)
