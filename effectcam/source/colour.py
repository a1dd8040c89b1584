"""From a decoder's picture, in whatever pixel format, to RGB: matrix, range, grey and alpha.

The numbers in `ColourTags` are those of ITU-T H.273, which FFmpeg and the containers share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from effectcam.frame import Pixels

UNSPECIFIED = 2
BT709 = 1
BT601 = 6
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}

# swscale's default chroma path is off by one to two levels in every channel, always to the dark
# side; these flags cost 4 ms at 1280x720 and bring a decoded and re-encoded picture back the same.
EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT

_SWS_MATRIX = {
    BT709: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    BT601: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}

_LIMITED_TO_FULL = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class ColourTags:
    """What the numbers of a video mean. Never 'unspecified': see `resolve`."""

    matrix: int
    primaries: int
    transfer: int

    @classmethod
    def for_size(cls, width: int, height: int) -> ColourTags:
        """What untagged video is taken for: BT.709 from 720 lines up, BT.601 below.

        Players guess the same way, so that even one that ignores tags shows the right colours.

        >>> ColourTags.for_size(1280, 720).matrix, ColourTags.for_size(640, 480).matrix
        (1, 6)
        """
        standard = BT709 if min(width, height) >= 720 else BT601
        return cls(standard, standard, standard)

    @classmethod
    def resolve(cls, frame: VideoFrame) -> ColourTags:
        """The frame's own tags, and `for_size` for each that is missing or unknown."""
        guess = cls.for_size(frame.width, frame.height)
        return cls(
            frame.colorspace if frame.colorspace in _SWS_MATRIX else guess.matrix,
            frame.color_primaries if frame.color_primaries not in (0, UNSPECIFIED, 3) else guess.primaries,
            frame.color_trc if frame.color_trc not in (0, UNSPECIFIED, 3) else guess.transfer,
        )

    @property
    def sws_matrix(self) -> Colorspace:
        """The matrix as swscale names it."""
        return _SWS_MATRIX[self.matrix]

    @property
    def hdr(self) -> str | None:
        """'PQ' or 'HLG' for high dynamic range, else None."""
        return HDR_TRANSFERS.get(self.transfer)


class RgbConverter:
    """Converts every frame of one clip to RGB of one size.

    The primaries and the transfer curve stay as they are: nothing is tone-mapped, so writing the
    picture with the clip's own `ColourTags` shows what the clip showed. Transparent pixels are laid
    over black, as players show them. A frame of another size than (``width``, ``height``), which
    some streams change to half-way, is scaled.
    """

    def __init__(self, width: int, height: int, tags: ColourTags) -> None:
        self._size = width, height
        self._tags = tags
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> Pixels:
        """The frame as uint8 RGB of shape (height, width, 3), C-contiguous and writable."""
        name = frame.format.name
        if frame.format.has_palette or any(part.is_alpha for part in frame.format.components):
            return _over_black(self._scaled(frame, "rgba"))
        pixels = self._scaled(frame, "rgb24")
        if name.startswith("gray") and frame.color_range == ColorRange.MPEG:
            # swscale takes grey for full range whatever the frame says.
            return cast(Pixels, _LIMITED_TO_FULL[pixels])
        return pixels

    def _scaled(self, frame: VideoFrame, target: str) -> Pixels:
        width, height = self._size
        name = frame.format.name
        if frame.format.is_rgb or frame.format.has_palette or name.startswith(("gray", "ya", "mono")):
            converted = self._reformatter.reformat(
                frame, width, height, target, interpolation=EXACT, threads=1
            )
        else:
            full = name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
            converted = self._reformatter.reformat(
                frame,
                width,
                height,
                target,
                src_colorspace=self._tags.sws_matrix,
                src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
                dst_color_range=ColorRange.JPEG,
                interpolation=EXACT,
                threads=1,
            )
        return np.require(converted.to_ndarray(), np.uint8, ["C", "W"])


def _over_black(rgba: Pixels) -> Pixels:
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8)
