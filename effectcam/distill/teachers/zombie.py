"""``zombie``: risen from the grave, made by a mesh teacher in the face's own flat space.

The skin's own colour is divided out and the hide's put in its place, so the zombie is about equally pale on
everybody while the scene's light, the creases and the expression stay the picture's own.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.uv import (
    EYES,
    INNER_LIPS,
    Floats,
    load_face_space,
    polygon_mask,
    sample,
)
from effectcam.distill.teachers.zombie_skin import blur, paint_hide, step
from effectcam.errors import UsageError

Pixels = NDArray[np.uint8]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SCLERA = (0.70, 0.61, 0.42)
_INFLAMED = (0.50, 0.13, 0.10)
_IRIS = (0.88, 0.93, 0.90)
_IRIS_RIM = (0.13, 0.18, 0.20)
_TOOTH = (0.78, 0.66, 0.36)
_CAVITY = (0.42, 0.10, 0.08)
_IRISES = ((468, slice(469, 473)), (473, slice(474, 478)))


class Zombie:
    """Teacher of the ``zombie`` effect; deterministic, safe to share between calls.

    ``seed`` moves mottling and veins: a student must be trained and judged on one seed. ``crease`` deepens
    the picture's own folds: 0 leaves them, above 1.5 pores and noise turn into dirt. ``size`` of the marks is
    tied to the face, not to the picture: a crop with a larger face shows them larger.
    """

    def __init__(self, *, seed: int = 31, crease: float = 0.9) -> None:
        self.space = load_face_space()
        self.hide = paint_hide(self.space, seed=seed)
        self.crease = crease

    def __call__(self, image: Pixels, landmarks: Floats) -> Pixels:
        """Redraw one face.

        ``image`` RGB uint8 (H, W, 3), upright or not; ``landmarks`` float32 (478, 3), pixels of that
        picture, z in the same scale. Returns RGBA uint8 (H, W, 4), straight alpha: the zombie where alpha is
        high, running out into the untouched picture where it is 0. The marks differ left from right, so a
        mirrored picture needs an answer of its own, not the mirrored answer. UsageError for other shapes.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise UsageError(f"image is {image.dtype} {image.shape}: give RGB uint8 (H, W, 3)")
        if landmarks.shape != (478, 3):
            raise UsageError(f"landmarks are {landmarks.shape}: give (478, 3), irises included")
        height, width = image.shape[:2]
        face = np.asarray(landmarks, np.float32)
        picture = image.astype(np.float32) / np.float32(255)

        mesh = self.space.extend(face)
        uv, covered = self.space.warp_map(mesh, height, width)
        extent = float(np.linalg.norm(np.ptp(mesh[:, :2], axis=0))) / np.sqrt(2)
        wide = float(np.linalg.norm(face[263, :3] - face[33, :3])) / 0.32
        albedo = sample(self.hide.albedo, uv, wide)
        zones = (self.hide.cover, self.hide.bare, self.hide.wary, self.hide.beyond)
        cover, bare, wary, beyond = (sample(zone, uv, wide) for zone in zones)

        skin = _Skin(picture, bare * covered, np.where(covered > 0, beyond, 0), extent)
        light = self._light(picture, skin, extent)
        zombie = albedo * light[:, :, None]
        zombie = self._mouth(zombie, picture, face, skin)
        zombie = self._eyes(zombie, picture, face, skin.exposure)

        inward = cv2.distanceTransform(covered.astype(np.uint8), cv2.DIST_L2, 5)
        cover = cover * step(0.0, extent * 0.03, inward.astype(np.float32))
        alpha = cover * (1 - wary * (1 - skin.likeness()))
        alpha = np.clip(blur(_largest_piece(np.clip(alpha, 0, 1)), extent * 0.006), 0, 1)
        alpha = np.clip((alpha - 0.02) / 0.96, 0, 1)
        near = step(0.0, 0.25, np.maximum(alpha, blur(alpha, extent * 0.03)))[:, :, None]
        rgb = picture + (np.clip(zombie, 0, 1) - picture) * near
        rgba = np.concatenate([rgb, alpha[:, :, None]], axis=2)
        return np.asarray(np.round(np.clip(rgba, 0, 1) * 255), np.uint8)

    def _light(self, picture: Floats, skin: _Skin, extent: float) -> Floats:
        """What the hide is multiplied by: the picture's shading, its folds deepened, (H, W)."""
        luma = picture @ _LUMA
        shading = luma / skin.luma
        # Dark and glossy skin carries stronger relative highlights: a common spread keeps zombies alike.
        shading = np.where(shading > 1, 1 + (shading - 1) * skin.calm, shading**skin.lift).astype(np.float32)
        base = blur(shading, extent * 0.022)
        fold = shading - base
        shading = shading + self.crease * np.where(fold < 0, fold * 1.25, fold * 0.7)
        over = np.clip(shading - 1.15, 0, None)
        held = np.clip(shading, 0.02, 1.15) + 0.45 * over / (0.45 + over)
        return np.asarray(held * skin.exposure, np.float32)

    def _mouth(self, zombie: Floats, picture: Floats, face: Floats, skin: _Skin) -> Floats:
        """Teeth yellow and brown, the cavity dark: only where the lips are apart."""
        height, width = picture.shape[:2]
        inside = blur(polygon_mask(face[INNER_LIPS], height, width), 0.7)
        relative = (picture @ _LUMA) / max(skin.luma, 0.12 * skin.exposure)
        bright = step(0.4, 1.0, relative)
        # Contrast brings out the gaps between the teeth.
        deep = np.clip(0.9 * relative + 3.0 * (relative - blur(relative, 2.0)), 0.05, 1.2)
        drawn = (
            _mix(np.full_like(zombie, _CAVITY), _TOOTH, bright) * (deep * 0.75 * skin.exposure)[:, :, None]
        )
        return _mix(zombie, drawn, inside)

    def _eyes(self, zombie: Floats, picture: Floats, face: Floats, exposure: float) -> Floats:
        """Pale irises and inflamed whites inside the lids; nothing on a closed eye."""
        height, width = picture.shape[:2]
        zombie = zombie.copy()
        for opening, (centre, rim) in zip(EYES, _IRISES, strict=True):
            radius = float(np.linalg.norm(face[rim, :2] - face[centre, :2], axis=1).mean())
            corners = float(np.linalg.norm(face[opening[8]] - face[opening[0]]))
            lids = float(np.linalg.norm(face[opening[4]] - face[opening[12]]))
            openness = step(0.07, 0.17, np.float32(lids / max(corners, 1e-3)))
            low = np.clip(np.floor(face[opening, :2].min(axis=0)) - 3, 0, [width, height]).astype(int)
            high = np.clip(np.ceil(face[opening, :2].max(axis=0)) + 4, 0, [width, height]).astype(int)
            if radius < 0.5 or openness == 0 or (high <= low).any():
                continue
            box = np.s_[low[1] : high[1], low[0] : high[0]]
            mask = polygon_mask(face[opening], height, width)[box]
            luma = picture[box] @ _LUMA
            rows, columns = np.mgrid[box].astype(np.float32)
            away = np.hypot(columns - face[centre, 0], rows - face[centre, 1]) / np.float32(radius)
            eye = _eyeball(away, luma, mask, radius) * np.float32(exposure**0.6)
            zombie[box] += (eye - zombie[box]) * (mask * openness)[:, :, None]
        return zombie


def _eyeball(away: Floats, luma: Floats, mask: Floats, radius: float) -> Floats:
    """One eye's colours, (h, w, 3); ``away`` the distance from the iris's middle in radii of the iris."""
    soft = 0.8 / radius
    local = float(np.median(luma[mask > 0.5])) if (mask > 0.5).any() else 0.5
    # Light on the eyeball: the broad shade of the lids, and the glint itself.
    shade = np.clip(0.55 + 0.5 * blur(luma, radius * 0.8) / max(local, 0.02), 0.6, 1.25)
    glint = step(1.8, 2.8, luma / max(local, 0.02)) * (away < 1)
    ball = _mix(np.full((*away.shape, 3), _SCLERA, np.float32), _INFLAMED, 0.85 * step(1.2, 2.5, away))
    iris = np.array(_IRIS, np.float32) * (1 - np.float32(0.28) * away.clip(0, 1))[:, :, None]
    iris = _mix(iris, _IRIS_RIM, 0.9 * step(0.78, 1.0, away))
    iris *= (step(0.24 - soft / 2, 0.24 + soft / 2, away) * 0.85 + 0.15)[:, :, None]
    ball = _mix(ball, iris, 1 - step(1.0 - soft / 2, 1.05 + soft / 2, away)) * shade[:, :, None]
    return _mix(ball, (1.0, 1.0, 1.0), 0.9 * glint)


def _mix(under: Floats, over: Floats | tuple[float, float, float], amount: Floats) -> Floats:
    return np.asarray(under + (np.asarray(over, np.float32) - under) * amount[:, :, None], np.float32)


class _Skin:
    """The person's own plain skin: its luma, its colours in light and shade, how alike others are."""

    def __init__(self, picture: Floats, bare: Floats, beyond: Floats, extent: float) -> None:
        self.picture, self.extent = picture, extent
        luma = picture @ _LUMA
        sure = (bare > 0.5) & (luma > 0.05)
        if sure.sum() < 16:
            sure = np.ones_like(sure)
        self.luma = float(np.clip(np.percentile(luma[sure], 55), 0.04, 1.0))
        high = float(np.percentile(luma[sure], 95)) / self.luma - 1
        self.calm = float(np.clip(0.22 / max(high, 1e-3), 0.35, 1.0))
        low = float(np.percentile(luma[sure], 10)) / self.luma
        self.lift = float(np.clip(np.log(0.66) / np.log(np.clip(low, 0.02, 0.99)), 0.6, 1.0))
        # A dim room is told from dark skin by the brightest that the picture holds.
        brightest = max(float(np.percentile(luma, 97)), 1.4 * self.luma)
        room = np.clip(brightest / 0.65, 0.15, 1.0) ** 0.5
        self.exposure = float(room * np.clip(self.luma / 0.5, 0.3, 1.2) ** 0.15)
        self.features = _features(picture, extent)
        self.skin = _shades(self.features[sure], 5, drop=0.1)
        around = beyond > 0.5
        others = _shades(self.features[around], 6) if around.sum() > 60 else self.skin[:0]
        # A bald crown is more skin, not the other class: what resembles skin, or is as smooth, is pushed
        # away, by degrees, so that nothing flips from one frame to the next.
        self.others = others
        enough = 1.25 + 0.75 * (1 - step(0.25, 0.5, others[:, 3]))
        self.handicap = np.maximum(0, enough - _gaps(others, self.skin).min(axis=-1)) * 3
        # The side turned from the light lies deeper in the shade than any cheek: on along the same line.
        deeper = self.skin[0] + (self.skin[0] - self.skin[2]) * np.array([[0.8], [1.6]], np.float32)
        deeper[:, 3] = self.skin[:, 3].max()
        self.skin = np.concatenate([deeper, self.skin]).astype(np.float32)

    def likeness(self) -> Floats:
        """1 on skin, 0 on hair, cloth and background; edges follow the picture's, (H, W)."""
        to_skin = _gaps(self.features, self.skin).min(axis=-1)
        alike = 1 - step(3.0, 5.0, to_skin)
        if len(self.others):
            to_others = (_gaps(self.features, self.others) + self.handicap).min(axis=-1)
            alike *= step(-0.5, 0.5, to_others - to_skin)
        smooth = cv2.medianBlur(np.round(alike * 255).astype(np.uint8), 5).astype(np.float32) / 255
        # Up to the first hairs: a strip of plain skin left along the hairline would look like a mask's edge.
        kernel = np.ones((3, 3), np.uint8)
        smooth = cv2.dilate(smooth, kernel, iterations=max(1, round(self.extent * 0.009)))
        radius = max(2, round(self.extent * 0.02))
        refined = cv2.ximgproc.guidedFilter(self.picture @ _LUMA, smooth, radius, 1e-3)
        return step(0.15, 0.85, np.asarray(refined, np.float32))


def _largest_piece(alpha: Floats) -> Floats:
    """Without the islands: a wall of the skin's colour seen through a fringe."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.3).astype(np.uint8), connectivity=4)
    if len(stats) < 3:
        return alpha
    main = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    near = cv2.dilate((labels == main).astype(np.uint8), np.ones((9, 9), np.uint8))
    return alpha * near.astype(np.float32)


def _features(picture: Floats, extent: float) -> Floats:
    """Log luma, two log chroma ratios and the fine texture's strength, in steps that tell skin from hair."""
    logs = np.log(picture + np.float32(0.03))
    luma = np.log(picture @ _LUMA + np.float32(0.03))
    soft = blur(luma, max(1.0, extent * 0.008))
    grain = np.sqrt(blur((luma - soft) ** 2, max(1.2, extent * 0.012)))
    warm, yellow = logs[..., 0] - logs[..., 1], logs[..., 1] - logs[..., 2]
    # A little blur of the colours: compression leaves them coarse.
    warm, yellow = blur(warm, 1.5), blur(yellow, 1.5)
    return np.stack([luma / 0.28, warm / 0.09, yellow / 0.11, np.minimum(grain, 0.3) / 0.06], axis=-1)


def _shades(features: Floats, count: int, *, drop: float = 0.0) -> Floats:
    """Typical features from the darkest part of a sample to its brightest, (count, 4).

    ``drop`` leaves out that share of the darkest: strands of hair among the skin.
    """
    ordered = features[np.argsort(features[:, 0], kind="stable")][int(drop * len(features)) :]
    return np.stack([np.median(part, axis=0) for part in np.array_split(ordered, count)])


def _gaps(features: Floats, shades: Floats) -> Floats:
    """Distance of each of the features (..., 4) to each of the shades (N, 4): (..., N)."""
    squares = (features**2).sum(axis=-1)[..., None] - 2 * features @ shades.T + (shades**2).sum(axis=-1)
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float32)
