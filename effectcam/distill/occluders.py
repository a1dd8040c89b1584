"""Things in front of a face, drawn procedurally: glasses, hands, microphones, hair, headsets, masks.

A student that has only seen bare faces paints its look over whatever covers one. These occluders
are placed by Face Mesh landmarks, shaded, cast a soft contact shadow and come with their
coverage, so that a pair can say what the answer is: an effect with alpha keeps what covers the
face (its alpha times one minus coverage), a drawn look draws the covered picture.

All chance comes from the generator handed in: the same generator state gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from effectcam.distill.occluder_canvas import Covered
from effectcam.distill.occluder_eyewear import eyeglasses, sunglasses
from effectcam.distill.occluder_held import hand, microphone
from effectcam.distill.occluder_worn import face_mask, hair, headset
from effectcam.errors import UsageError, nearest
from effectcam.frame import Pixels

__all__ = [
    "KINDS",
    "USUAL",
    "Covered",
    "Occluder",
    "add_occluder",
    "eyeglasses",
    "face_mask",
    "hair",
    "hand",
    "headset",
    "microphone",
    "sunglasses",
]

Occluder = Callable[[Pixels, NDArray[Any], np.random.Generator], Covered]
"""RGB uint8 (H, W, 3), landmarks (478, 3) in its pixels, generator. Raises UsageError for other shapes."""

KINDS: Mapping[str, Occluder] = MappingProxyType(
    {
        "face_mask": face_mask,
        "eyeglasses": eyeglasses,
        "sunglasses": sunglasses,
        "hair": hair,
        "headset": headset,
        "microphone": microphone,
        "hand": hand,
    }
)
"""Every occluder by name, from the nearest to the skin to the nearest to the camera."""

USUAL: Mapping[str, float] = MappingProxyType(
    {"eyeglasses": 3, "hand": 4, "microphone": 3, "hair": 3, "headset": 2, "sunglasses": 1.5, "face_mask": 1}
)
"""How often each kind comes, relative to the others: what streamers wear and hold comes most."""


def add_occluder(
    image: Pixels,
    landmarks: NDArray[Any],
    rng: np.random.Generator,
    *,
    weights: Mapping[str, float] = USUAL,
    second: float = 0.15,
) -> Covered:
    """Put something in front of the face.

    Args:
        image: RGB uint8 (H, W, 3); left as it is.
        landmarks: (478, 3) in the picture's pixels, refined face mesh; depth is not used.
        weights: relative frequency by kind; a kind left out never comes.
        second: probability of a second thing of another kind over the first, such as a
            microphone before glasses.

    Returns:
        The covered picture and the coverage (H, W) uint8 of all that was added. Shadows and
        clear glass are not coverage: the face still shows there.

    Raises:
        UsageError: wrong shapes, an unknown kind, or weights that choose nothing.
    """
    for name, weight in weights.items():
        if name not in KINDS:
            raise UsageError(f"no occluder is called {name!r}: {nearest(name, KINDS)}")
        if not weight >= 0:
            raise UsageError(f"the weight of {name!r} is {weight}: give 0 or more")
    names = [name for name, weight in weights.items() if weight > 0]
    if not names:
        raise UsageError("no occluder has a weight above 0: leave weights out for the usual mix")
    share = np.array([weights[name] for name in names], np.float64)
    count = 2 if len(names) > 1 and rng.random() < second else 1
    drawn = {names[index] for index in rng.choice(len(names), count, replace=False, p=share / share.sum())}
    if drawn == {"eyeglasses", "sunglasses"}:
        drawn.remove("sunglasses")
    covered, coverage = image, np.zeros(image.shape[:2], np.uint8)
    for name in (name for name in KINDS if name in drawn):
        covered, more = KINDS[name](covered, landmarks, rng)
        bare = (255.0 - coverage) * (255.0 - more) / 255
        coverage = np.rint(255 - bare).astype(np.uint8)
    return covered, coverage
