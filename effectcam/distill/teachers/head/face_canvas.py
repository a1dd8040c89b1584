"""One face of one picture, ready to be painted on: where the texture lies, the skin, and the cover."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur, step
from effectcam.distill.teachers.head.complexion import Complexion
from effectcam.distill.teachers.head.layer import Pixels, read_face
from effectcam.distill.teachers.head.uv import FaceSpace, sample
from effectcam.distill.teachers.head.zones import Zones


class FaceCanvas:
    """What every effect that paints on the mesh needs first.

    ``picture`` float32 (H, W, 3) RGB, 0 to 1; ``face`` (478, 3) and ``mesh`` (504, 3) pixels; ``uv`` where
    each sample lies in the flat space and ``covered`` whether a pixel is on the mesh
    (:meth:`FaceSpace.warp_map`); ``extent`` the mesh's size and ``wide`` what the whole texture measures,
    both in pixels; ``complexion`` the person's skin.
    """

    def __init__(
        self, image: Pixels, landmarks: Floats | None, space: FaceSpace, zones: Zones, *, finer: int = 1
    ) -> None:
        """``image`` RGB uint8 (H, W, 3), upright or not; ``landmarks`` float32 (478, 3), pixels of that
        picture, z in the same scale. ``finer``: samples of the texture across each pixel; 1 leaves thin dark
        lines ragged where triangles are small, 2 takes half as long again. UsageError for other shapes.
        """
        self.picture, self.face = read_face(image, landmarks)
        self.height, self.width = image.shape[:2]
        self.mesh = space.extend(self.face)
        self._finer = finer
        points = self.mesh if finer == 1 else (self.mesh + 0.5) * np.float32(finer) - np.float32(0.5)
        self.uv, covered = space.warp_map(points, finer * self.height, finer * self.width)
        self.covered = np.round(self._fit(covered))
        self.extent = float(np.linalg.norm(np.ptp(self.mesh[:, :2], axis=0))) / np.sqrt(2)
        self.wide = float(np.linalg.norm(self.face[263, :3] - self.face[33, :3])) / 0.32
        self._cover, bare, self._wary, beyond = (
            self.lay(zone) for zone in (zones.cover, zones.bare, zones.wary, zones.beyond)
        )
        self.complexion = Complexion(
            self.picture, bare * self.covered, np.where(self.covered > 0, beyond, 0), self.extent
        )

    def lay(self, texture: Floats) -> Floats:
        """A texture of the flat space as the picture sees it: (S, S[, C]) in, (H, W[, C]) out."""
        return self._fit(sample(texture, self.uv, self._finer * self.wide))

    def _fit(self, fine: Floats) -> Floats:
        """From the samples' size to the picture's."""
        if self._finer == 1:
            return fine
        size = (self.width, self.height)
        return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), np.float32)

    def cover(self) -> Floats:
        """How much of the paint shows, 0 to 1, (H, W): whole on skin, nothing on hair over the forehead and
        beside the cheeks, in one piece."""
        inward = cv2.distanceTransform(self.covered.astype(np.uint8), cv2.DIST_L2, 5)
        cover = self._cover * step(0.0, self.extent * 0.03, inward.astype(np.float32))
        alpha = cover * (1 - self._wary * (1 - self.complexion.likeness()))
        alpha = np.clip(blur(_largest_piece(np.clip(alpha, 0, 1)), self.extent * 0.006), 0, 1)
        return np.asarray(np.clip((alpha - 0.02) / 0.96, 0, 1), np.float32)

    def finish(self, painted: Floats, alpha: Floats) -> Pixels:
        """RGBA uint8 (H, W, 4), straight alpha: ``painted`` (H, W, 3) where ``alpha`` (H, W) is high, running
        out into the untouched picture where it is 0."""
        near = step(0.0, 0.25, np.maximum(alpha, blur(alpha, self.extent * 0.03)))[:, :, None]
        rgb = self.picture + (np.clip(painted, 0, 1) - self.picture) * near
        rgba = np.concatenate([rgb, alpha[:, :, None]], axis=2)
        return np.asarray(np.round(np.clip(rgba, 0, 1) * 255), np.uint8)


def _largest_piece(alpha: Floats) -> Floats:
    """Without the islands: a wall of the skin's colour seen through a fringe."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.3).astype(np.uint8), connectivity=4)
    if len(stats) < 3:
        return alpha
    main = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    near = cv2.dilate((labels == main).astype(np.uint8), np.ones((9, 9), np.uint8))
    return alpha * near.astype(np.float32)
