"""The Monk Skin Tone scale: which of its ten bands a face in a picture comes nearest to.

The scale (Monk, "The Monk Skin Tone Scale", 2023, doi:10.31235/osf.io/pdf4c) is ten published sRGB colours,
1 the lightest. A picture gives the colour of skin in its own light, so the light is corrected first:

1. *Skin*: pixels inside the oval of the face that look like its cheeks, without eyes and lips. Of these the
   lit part counts, between the 65th and 90th percentile of luminance: neither shade nor gloss.
2. *Colour of the light*: Shades of Grey (Finlayson and Trezzi, "Shades of Gray and Colour Constancy", 2004,
   p = 6) over what surrounds the face, skin left out; each channel is mended by 30 % at most.
3. *Exposure*: where nothing in the picture is bright (99th percentile of luminance below 0.6 of full), all is
   raised to there, at most by one stop. Bright pictures stay: what was burnt out cannot be brought back.
4. The nearest swatch by CIEDE2000 (Sharma, Wu and Dalal 2005) in CIELAB, D65.

Measured on 71 portraits relit on purpose: half the light moved the band by 0.5 on average (1.2 without the
corrections), a warm or cold lamp by 0.1 (0.4 without).

Limits. It measures a picture, not a person: make-up, a tan, strong side light and coloured lamps count.
Cameras expose light skin far below the scale's first four swatches (CIELAB lightness 88 to 94, which
photographed skin hardly reaches), so most light people come out in bands 5 and 6: on the same portraits two
bands darker on average than one viewer, allowing for the light, had put them. What separates bands 1 to 5 in
photographs is mostly light and camera. Of the ten darkest people nine came out within one band. Compare
folders by it, and the pictures of one folder; do not compare with bands that people chose by eye, and never
tell anybody's origin from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from effectcam.distill.pairs import into_crop
from effectcam.distill.teachers.head.uv import EYES, FACE_OVAL, INNER_LIPS, polygon_mask
from effectcam.face.crop import cut, fit_head
from effectcam.frame import Pixels

SWATCHES: Final = (
    (246, 237, 228),
    (243, 231, 219),
    (247, 234, 208),
    (234, 218, 186),
    (215, 189, 150),
    (160, 126, 86),
    (130, 92, 67),
    (96, 65, 52),
    (58, 49, 42),
    (41, 36, 32),
)
"""sRGB, band 1 first, as published at skintone.google."""

BANDS: Final = range(1, len(SWATCHES) + 1)

_SIDE = 192
_CHEEKS = (50, 101, 280, 330, 117, 346, 205, 425)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_FEWEST_PIXELS = 50

_MINKOWSKI = 6
_MOST_CAST = 1.3
_WHITE = 0.6
_MOST_EXPOSURE = 2.0


@dataclass(frozen=True, slots=True)
class MonkTone:
    """Where a face lies on the scale."""

    band: int
    """1 (lightest) to 10."""
    srgb: tuple[int, int, int]
    """Its lit skin after the light was corrected."""
    distance: float
    """CIEDE2000 from there to the swatch. Above 25 the skin is painted, or the light's colour was not
    understood; 5 to 20 is usual, because swatches are paler than photographed skin."""


def monk_tone(image: Pixels, landmarks: NDArray[np.float32]) -> MonkTone:
    """The band of the face with ``landmarks`` (478, 3), pixels, in ``image`` (H, W, 3) RGB."""
    crop = fit_head(landmarks).scaled(4.0)
    near, points = cut(image, crop, _SIDE), into_crop(landmarks, crop.to_crop(_SIDE))
    oval = points[FACE_OVAL, :2]
    surround = polygon_mask((oval - oval.mean(axis=0)) * np.float32(1.25) + oval.mean(axis=0), _SIDE, _SIDE)
    small = cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA)
    skin = _lit_skin(near, points)
    skin = (
        skin
        * _cast_gain(_linear(near[surround < 0.5]))
        * _exposure_gain(_linear(np.asarray(small, np.uint8).reshape(-1, 3)))
    )
    return nearest_band(_encoded(skin))


def nearest_band(srgb: NDArray[np.float64]) -> MonkTone:
    """The swatch nearest to ``srgb`` (3,), 0 to 255, with no correction of the light.

    >>> nearest_band(np.array([130.0, 92.0, 67.0])).band
    7
    """
    lab = rgb2lab(np.array([srgb, *SWATCHES])[None] / 255)[0]
    distances = deltaE_ciede2000(lab[:1], lab[1:])  # type: ignore[no-untyped-call]
    band = int(distances.argmin())
    red, green, blue = (round(value) for value in np.asarray(srgb).tolist())
    return MonkTone(band + 1, (red, green, blue), round(float(distances[band]), 1))


def _lit_skin(near: Pixels, points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Median colour of the lit skin, linear light, (3,)."""
    inside = polygon_mask(points[FACE_OVAL], _SIDE, _SIDE) > 0.5
    for opening in (*EYES, INNER_LIPS):
        inside &= polygon_mask(points[opening], _SIDE, _SIDE) < 0.2
    lab = cv2.cvtColor(near.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    at = np.clip(np.rint(points[list(_CHEEKS), :2]), 2, _SIDE - 3).astype(int)
    reach = np.arange(-2, 3)
    patches = at[:, 1, None, None] + reach[:, None], at[:, 0, None, None] + reach[None, :]
    usual = np.median(lab[patches].reshape(-1, 3), axis=0)
    # Shade changes lightness far more than hue, beards and brows both.
    alike = (((lab - usual) / np.array([38, 11, 14], np.float32)) ** 2).sum(axis=2) < 1.5
    chosen = near[inside & alike]
    pixels = _linear(chosen if len(chosen) >= _FEWEST_PIXELS else near[patches].reshape(-1, 3))
    luminance = pixels @ _LUMINANCE
    low, high = np.percentile(luminance, [65, 90])
    return np.asarray(np.median(pixels[(luminance >= low) & (luminance <= high)], axis=0))


def _cast_gain(surround: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) gains that make the light neutral; grey keeps its luminance."""
    light = (surround**_MINKOWSKI).mean(axis=0) ** (1 / _MINKOWSKI) if len(surround) else np.ones(3)
    light = np.maximum(light, 1e-4)
    return np.asarray(np.clip((light @ _LUMINANCE) / light, 1 / _MOST_CAST, _MOST_CAST))


def _exposure_gain(picture: NDArray[np.float64]) -> float:
    white = max(float(np.percentile(picture @ _LUMINANCE, 99)), 1e-4)
    return float(np.clip(_WHITE / white, 1.0, _MOST_EXPOSURE))


def _linear(encoded: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Linear light, 0 to 1, of sRGB bytes (IEC 61966-2-1)."""
    value = encoded.astype(np.float64) / 255
    return np.asarray(np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4))


def _encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB, 0 to 255, not rounded."""
    value = np.clip(linear, 0, 1)
    return np.asarray(255 * np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055))
