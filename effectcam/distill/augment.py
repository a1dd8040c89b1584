"""What a webcam and a room do to a picture, at random, so that the student has seen it before.

Three acts with three consequences for the pair:

* ``Geometry`` moves input and target alike: the student learns the look at any tilt and size.
* ``relight`` changes the light of the input only: the target stays drawn from the clean picture,
  so the student learns to balance exposure and white itself.
* ``wear`` blurs, adds noise and compresses the input only: the target stays clean, so the
  student learns to look through it.

Light is handled as lookup tables and one 8-bit multiplication, because these functions run in
the training loop: both together stay under 4 ms for 256² on one thread. All chance comes from
the generator handed in: the same generator state gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.errors import UsageError
from effectcam.frame import Pixels

Range = tuple[float, float]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Geometry:
    """A similarity from a base picture to a square crop, and perhaps a turn of the head in it; apply it
    to input and target alike."""

    affine: NDArray[np.float64]
    """2x3, base pixels to crop pixels, pixel centres at whole numbers."""
    side: int
    """Of the crop, in pixels."""
    turn: tuple[float, float] = (0.0, 0.0)
    """How far the crop's middle moves right and down against its rim, in sides of the crop: what a nose
    does when a head is turned or nods. Up to 0.1 nothing folds over."""

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Warp (H, W), (H, W, 3) or (H, W, 4) uint8 to (side, side, ...), new memory.

        What lies outside the base picture is its mirror image, because a black corner would
        teach the student that corners are black.
        """
        if any(self.turn):
            back = cv2.invertAffineTransform(self.affine)
            drawn_back = back[:, :2] @ (-self.side * np.array(self.turn))
            source = cv2.transform(_places(self.side), np.column_stack((back[:, :2], drawn_back, back[:, 2])))
            turned = cv2.remap(picture, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)  # type: ignore[call-overload]
            return np.asarray(turned, np.uint8)
        warped = cv2.warpAffine(
            picture,
            self.affine,
            (self.side, self.side),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        return np.asarray(warped, np.uint8)

    def points(self, xy: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Move (N, 2) points in base pixels to crop pixels."""
        unturned = np.asarray(xy @ self.affine[:, :2].T + self.affine[:, 2], np.float64)
        moved = unturned
        for _ in range(12 if any(self.turn) else 0):
            # Each round is at least three times nearer.
            moved = unturned + self._turned(moved)
        return moved

    def _turned(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far what is seen at crop pixels ``at`` (..., 2) was moved by the turn."""
        return np.asarray(_nearness(at, self.side) * np.array(self.turn) * self.side, np.float64)


def _nearness(at: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """(..., 1), what arrives of a turn at crop pixels ``at`` (..., 2): all in the middle, nothing from the
    rim's inscribed circle on."""
    away = (at - (side - 1) / 2) / (side / 2)
    return np.asarray(np.clip(1 - (away**2).sum(axis=-1, keepdims=True), 0, 1) ** 2, np.float64)


@lru_cache(maxsize=4)
def _places(side: int) -> Floats:
    """(side, side, 3): x and y of each pixel of a crop, and its nearness. Made once, as it took a tenth of
    a training step."""
    at = np.dstack(np.meshgrid(*[np.arange(side, dtype=np.float64)] * 2))
    return np.asarray(np.concatenate((at, _nearness(at, side)), axis=2), np.float32)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far, and how often, a training picture strays from its base. All ranges inclusive."""

    side: int = 256
    """Of the crops, in pixels: the student's input."""
    shown: float = 1.0
    """Share of the base picture's shorter side that a plain crop shows. Below 1 the base has a
    margin, and turning brings in real picture instead of the mirrored border."""
    tilt: float = 25.0
    """Degrees to either side, evenly. The stable crop takes most tilt out already: more only
    wastes capacity on heads that never arrive."""
    wide_tilt: float = 60.0
    wide_tilt_share: float = 0.1
    """Share of crops tilted up to ``wide_tilt``: heads whose crop is late in a fast turn."""
    zoom: Range = (0.85, 1.25)
    """Above 1 brings the face closer. Wider ranges blur the student's idea of line width."""
    shift: float = 0.08
    """Of the crop's side, each way, both axes: a crop that lags behind a moving head."""
    turn: float = 0.0
    """Of the middle against the rim, each way, both axes, in sides: turned and nodding heads, for
    students whose marks sit on the face. Beyond 0.06 faces look squeezed."""
    flip: float = 0.5
    """Probability of mirroring: doubles the people, forgets which side the light came from."""

    relight_share: float = 0.8
    """The rest of the pictures keeps its light, so that good light stays the main case."""
    exposure: Range = (0.35, 1.6)
    """Gain in linear light; extremes are rare. Below 0.3 skin drowns in 8 bits and the student
    starts to invent it."""
    gamma: Range = (0.8, 1.3)
    """Exponent after exposure: above 1 sinks the shadows, as webcams with strong contrast do."""
    warmth: float = 0.35
    """Log gain of red against blue in linear light, each way: 0.35 takes a neutral wall to
    tungsten or to a cold screen. Larger values make the student paint all faces one colour."""
    cast: float = 0.08
    """Standard deviation of each channel's log gain: tints no lamp has, such as fluorescent green."""
    contrast: Range = (0.8, 1.2)
    saturation: Range = (0.6, 1.35)
    side_light_share: float = 0.5
    side_light: float = 0.55
    """Strongest log gain of the lit side in encoded values (the dark side loses as much): 0.55
    leaves the dark cheek about a third of the lit one."""

    tint: float = 0.0
    """Strongest colour laid over a third of the pictures in a smooth field, in 8-bit values and at the same
    luma: for looks in one ink, where no colour of the room may come through. 0 for all others."""

    defocus_share: float = 0.25
    defocus: Range = (0.5, 2.0)
    """Gaussian sigma in pixels of the crop. Beyond 2 the eyes are gone, and the student answers
    sharp pictures with guesses too."""
    motion_share: float = 0.12
    motion: Range = (3.0, 11.0)
    """Length of the smear in pixels of the crop."""
    resample_share: float = 0.25
    resample: Range = (0.35, 0.8)
    """Scale down and up again: a small face in a wide frame, or a 360p camera."""
    noise_share: float = 0.6
    read_noise: Range = (0.5, 5.0)
    """Standard deviation in 8-bit values, the same at every brightness."""
    shot_noise: Range = (0.0, 0.5)
    """Variance per 8-bit value of brightness: 0.5 gives a standard deviation of 8 at mid grey."""
    compress_share: float = 0.6
    quality: Range = (25, 95)
    """JPEG quality, as MJPG webcams and calls leave it. Below 25 blocks become outlines."""

    def geometry(self, shape: tuple[int, ...], rng: np.random.Generator) -> Geometry:
        """A random similarity from a base picture of ``shape`` (H, W, ...) to a crop."""
        most = self.wide_tilt if rng.random() < self.wide_tilt_share else self.tilt
        degrees = rng.uniform(-most, most)
        zoom = float(np.exp(rng.uniform(np.log(self.zoom[0]), np.log(self.zoom[1]))))
        shift = rng.uniform(-self.shift, self.shift, 2)
        plain = similarity(
            shape,
            side=self.side,
            shown=self.shown,
            degrees=degrees,
            zoom=zoom,
            shift=(float(shift[0]), float(shift[1])),
            flip=bool(rng.random() < self.flip),
        )
        if not self.turn:
            return plain
        right, down = rng.uniform(-self.turn, self.turn, 2)
        return replace(plain, turn=(float(right), float(down)))

    def relight(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        """See the function of the same name."""
        return relight(image, rng, parameters=self)

    def wear(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        """See the function of the same name."""
        return wear(image, rng, parameters=self)


@dataclass(frozen=True, slots=True)
class NoAugmentation(Augmentation):
    """Every picture as it is, centred and upright: shows what augmentation buys, and serves to validate."""

    tilt: float = 0.0
    wide_tilt_share: float = 0.0
    zoom: Range = (1.0, 1.0)
    shift: float = 0.0
    turn: float = 0.0
    flip: float = 0.0
    relight_share: float = 0.0
    defocus_share: float = 0.0
    motion_share: float = 0.0
    resample_share: float = 0.0
    noise_share: float = 0.0
    compress_share: float = 0.0


_DEFAULT = Augmentation()


def similarity(
    shape: tuple[int, ...],
    *,
    side: int = 256,
    shown: float = 1.0,
    degrees: float = 0.0,
    zoom: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
    flip: bool = False,
) -> Geometry:
    """The crop of a base picture of ``shape``, turned by ``degrees`` (clockwise as seen).

    Turning and zooming happen about the base's centre; ``shift`` moves the content right and
    down in units of the crop's side; ``flip`` mirrors the base first.

    Raises:
        UsageError: a side, zoom or share that leaves no picture.
    """
    height, width = shape[:2]
    if side < 1 or zoom <= 0 or shown <= 0 or height < 1 or width < 1:
        raise UsageError(
            f"no crop of side {side} from a {width}x{height} picture at zoom {zoom} showing {shown}: "
            "all must be above 0"
        )
    scale = side / (min(height, width) * shown) * zoom
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.diag([-1.0 if flip else 1.0, 1.0])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    target = (side - 1) / 2 + np.asarray(shift) * side
    return Geometry(np.column_stack([matrix, target - matrix @ centre]), side)


def relight(image: Pixels, rng: np.random.Generator, *, parameters: Augmentation = _DEFAULT) -> Pixels:
    """Other lamps, another exposure: for the input only. (H, W, 3) RGB uint8 in, new memory out.

    Tint and side light, then exposure, white and contrast in one lookup table, then saturation.
    """
    p = parameters
    if p.tint and rng.random() < 1 / 3:
        image = _tinted(image, rng, p.tint)
    if rng.random() >= p.relight_share:
        return image.copy()
    if rng.random() < p.side_light_share:
        image = _side_light(image, rng, p.side_light)
    table = _light_table(rng, p)
    lit = cv2.LUT(image, table)
    saturation = rng.uniform(*p.saturation)
    grey = np.array([0.299, 0.587, 0.114]) * (1 - saturation)
    return np.asarray(cv2.transform(lit, np.eye(3) * saturation + grey), np.uint8)


def wear(image: Pixels, rng: np.random.Generator, *, parameters: Augmentation = _DEFAULT) -> Pixels:
    """What lens, sensor and codec do, in that order: for the input only.

    (H, W, 3) RGB uint8 in, new memory out.
    """
    p = parameters
    worn: NDArray[Any] = image
    if rng.random() < p.defocus_share:
        worn = cv2.GaussianBlur(worn, (0, 0), rng.uniform(*p.defocus))
    if rng.random() < p.motion_share:
        worn = cv2.filter2D(worn, -1, _smear(rng.uniform(*p.motion), rng.uniform(0, np.pi)))
    if rng.random() < p.resample_share:
        worn = _resample(worn, rng.uniform(*p.resample), sharp=bool(rng.random() < 0.5))
    if rng.random() < p.noise_share:
        worn = _sensor_noise(worn, rng, p)
    if rng.random() < p.compress_share:
        worn = _compress(worn, int(rng.integers(int(p.quality[0]), int(p.quality[1]) + 1)))
    return worn.copy() if worn is image else np.asarray(worn, np.uint8)


def degrade(image: Pixels, rng: np.random.Generator, *, parameters: Augmentation = _DEFAULT) -> Pixels:
    """``relight``, then ``wear``: the whole way from the room to the decoded frame. Input only."""
    return wear(relight(image, rng, parameters=parameters), rng, parameters=parameters)


def _light_table(rng: np.random.Generator, p: Augmentation) -> NDArray[np.uint8]:
    """(1, 256, 3) table: sRGB to linear light, gains, back to sRGB, gamma and contrast."""
    # The mean of two draws is a tent: extremes stay possible and rare.
    stops = rng.uniform(np.log(p.exposure[0]), np.log(p.exposure[1]), 2).mean()
    warm = rng.uniform(-p.warmth, p.warmth)
    log_gain = stops + rng.normal(0.0, p.cast, 3) + warm * np.array([1.0, 0.0, -1.0])
    linear = _linear()[:, None] * np.exp(log_gain)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    curved = encoded ** rng.uniform(*p.gamma)
    flat = (curved - 0.45) * rng.uniform(*p.contrast) + 0.45
    return np.asarray(np.rint(np.clip(flat, 0.0, 1.0) * 255), np.uint8)[None]


@lru_cache(maxsize=1)
def _linear() -> NDArray[np.float64]:
    """Linear light of the 256 encoded values: the sRGB transfer function, IEC 61966-2-1."""
    value = np.arange(256) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _side_light(image: Pixels, rng: np.random.Generator, most: float) -> Pixels:
    """Multiply by a smooth field, bright on one side, with a lamp's colour of its own."""
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.linspace(-1.0, 1.0, 6)
    ramp = np.tanh(
        1.3 * (np.cos(angle) * axis[None] + 0.6 * np.sin(angle) * axis[:, None] - rng.uniform(-0.4, 0.4))
    )
    tint = 1 + rng.uniform(-0.3, 0.3) * np.array([1.0, 0.1, -1.0])
    field = 128 * np.exp(rng.uniform(0.15, most) * ramp[..., None] * tint)
    height, width = image.shape[:2]
    small = np.clip(field, 0, 255).astype(np.uint8)
    # 128 stands for 1: steps of 1/128 vanish in the 8 bits of the product.
    smooth = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.multiply(image, smooth, scale=1 / 128), np.uint8)


def _tinted(image: Pixels, rng: np.random.Generator, most: float) -> Pixels:
    """Add a smooth field of colours that have no luma, to ``most`` at the strongest."""
    height, width = image.shape[:2]
    corners = rng.normal(0, 1, (3, 3, 3)) + rng.normal(0, 1, 3)
    corners -= (corners @ np.array([0.299, 0.587, 0.114]))[..., None]
    corners *= most * rng.random() / np.abs(corners).max()
    field = cv2.resize(corners.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.add(image, field, dtype=cv2.CV_8U), np.uint8)


def _smear(length: float, angle: float) -> Floats:
    """A normalised line of ``length`` pixels at ``angle``, as a filter kernel."""
    size = int(np.ceil(length)) | 1
    kernel = np.zeros((size, size), np.float32)
    half = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    start, end = ((np.array([size // 2] * 2) + half * way) * 16 for way in (-1, 1))
    cv2.line(
        kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), (1.0,), 1, cv2.LINE_8, shift=4
    )
    return np.asarray(kernel / kernel.sum(), np.float32)


def _resample(image: Pixels, scale: float, *, sharp: bool) -> Pixels:
    height, width = image.shape[:2]
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    down = cv2.resize(image, small, interpolation=cv2.INTER_LINEAR if sharp else cv2.INTER_AREA)
    up = cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(down, (width, height), interpolation=up), np.uint8)


@lru_cache(maxsize=4)
def _noise_bank(height: int, width: int) -> tuple[Floats, Floats]:
    """Unit noise to cut windows from: drawing 200 000 normals per picture would cost a millisecond.

    Returns fine noise (2H, 2W, 3) and blotches of the same shape, as a webcam's own denoiser and
    chroma subsampling leave them.
    """
    rng = np.random.default_rng(0)
    fine = rng.standard_normal((2 * height, 2 * width, 3), np.float32)
    # Sensor noise is mostly brightness once the camera has halved its colour resolution.
    fine = (0.5 * fine + 0.87 * rng.standard_normal((2 * height, 2 * width, 1), np.float32)).astype(
        np.float32
    )
    coarse = cv2.GaussianBlur(rng.standard_normal((height, width, 3), np.float32), (0, 0), 1.0)
    blotches = cv2.resize(coarse, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    return fine, np.asarray(blotches / blotches.std(), np.float32)


def _sensor_noise(image: Pixels, rng: np.random.Generator, p: Augmentation) -> Pixels:
    """Shot and read noise, partly correlated. Variance = read² + shot · brightness."""
    height, width = image.shape[:2]
    read = rng.uniform(*p.read_noise) * rng.random()
    shot = rng.uniform(*p.shot_noise) * rng.random()
    table = np.sqrt(read**2 + shot * np.arange(256)).astype(np.float32)
    strength = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), table)
    blotchy = float(rng.uniform(0.0, 0.8))
    windows = []
    for bank in _noise_bank(height, width):
        top, left = rng.integers(0, height + 1), rng.integers(0, width + 1)
        windows.append(bank[top : top + height, left : left + width])
    noise = cv2.addWeighted(windows[0], float(np.sqrt(1 - blotchy**2)), windows[1], blotchy, 0.0)
    noise = cv2.multiply(noise, cv2.merge([strength, strength, strength]))
    return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)


def _compress(image: Pixels, quality: int) -> Pixels:
    # JPEG weighs red and blue differently, so the channel order matters even here.
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise UsageError(f"a picture of shape {image.shape} cannot be compressed: give RGB uint8 (H, W, 3)")
    return np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)
