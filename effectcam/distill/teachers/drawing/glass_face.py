"""A face in a stained-glass window: its panes, cut along the mesh, and the lead between them."""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.face_parts import (
    EYES,
    FACE,
    LIPS,
    MOUTH,
    MOUTH_LOWER,
    MOUTH_UPPER,
    EyePoints,
    FaceParts,
    Picture,
    blur,
    smooth_step,
)

_LEFT = (
    "109 67 103 54 21 71 70 63 105 66 107 108",  # forehead
    "21 71 70 46 124 35 111 116 234 127 162",  # temple
    "46 53 52 65 55 193 245 233 232 231 230 229 228 31 35 124",  # round the eye
    "70 63 105 66 107 55 65 52 53 46",  # brow
    "9 168 6 197 195 5 4 1 2 97 98 129 49 198 174 122 245 193 55 107",  # nose
    "245 122 174 198 49 129 203 206 216 207 50 229 230 231 232 233",  # cheek
    "229 50 207 192 172 58 132 93 234 116 111 35 31 228",  # side of the cheek
    "2 97 98 129 203 206 216 61 185 40 39 37 0",  # over the lip
    "61 216 207 192 172 136 150 149 176 32 204 43",  # jaw
)
"""Panes of the picture's left half, as points of the mesh; few corners make straight cuts."""

_RIGHT = (
    "338 297 332 284 251 301 300 293 334 296 336 337",
    "251 301 300 276 353 265 340 345 454 356 389",
    "276 283 282 295 285 417 465 453 452 451 450 449 448 261 265 353",
    "300 293 334 296 336 285 295 282 283 276",
    "9 168 6 197 195 5 4 1 2 326 327 358 279 420 399 351 465 417 285 336",
    "465 351 399 420 279 358 423 426 436 427 280 449 450 451 452 453",
    "449 280 427 416 397 288 361 323 454 345 340 265 261 448",
    "2 326 327 358 423 426 436 291 409 270 269 267 0",
    "291 436 427 416 397 365 379 378 400 262 424 273",
)

_MIDDLE = (
    "109 10 338 337 336 9 107 108",  # forehead
    "61 146 91 181 84 17 314 405 321 375 291 273 424 262 400 377 152 148 176 32 204 43",  # chin
)

PANES = tuple([int(point) for point in pane.split()] for pane in itertools.chain(_MIDDLE, _LEFT, _RIGHT))

_LIP_UPPER = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291]
_LIP_LOWER = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291]

_EYE_WHITE = np.array([88, -2, 4], np.float32)
_TEETH = np.array([88, 0, 8], np.float32)
_THROAT = np.array([20, 20, 5], np.float32)


class GlassFace(FaceParts):
    """The panes and cames of one face."""

    def panes(self, lab: Picture, ground: Picture, /) -> tuple[Picture, Plane]:
        """``ground`` with each pane of the face in the mean colour of ``lab`` under it, both Lab, and where
        the picture kept its own: hair that hangs over the face, spectacles, a hand, (H, W), 0 to 1."""
        flat = ground.copy()
        for pane in PANES:
            mask = self.fill(pane, 0.5)
            weight = float(mask.sum())
            if weight > 4:
                mean = (lab * mask[..., None]).sum(axis=(0, 1)) / weight
                flat += (mean.astype(np.float32) - flat) * mask[..., None]
        gap = np.sqrt((((ground - flat) * np.array([1, 0.7, 0.7], np.float32)) ** 2).sum(axis=2))
        own = smooth_step(blur(gap, 0.012 * self.scale), 24, 40)
        face = self.face() * (1 - own)
        return ground + (flat - ground) * face[..., None], own

    def face(self) -> Plane:
        return self.fill(FACE, 0.02 * self.scale)

    def features(self, lab: Picture, glass: Picture, /) -> Picture:
        """``glass``, Lab, with the eyes, the lips and the teeth set in."""
        out = glass.copy()
        for points in EYES:
            eye = self.eye(points)
            if eye is None:
                continue
            out += (_EYE_WHITE - out) * eye.ball[..., None]
            iris = self.disc(eye.centre, eye.radius, 0.6) * eye.ball
            mean = (lab * iris[..., None]).sum(axis=(0, 1)) / max(float(iris.sum()), 1.0)
            mean = np.array([30 + 0.5 * mean[0], 1.6 * mean[1], 1.6 * mean[2]], np.float32)
            out += (mean - out) * iris[..., None]
        inner = self.fill(MOUTH, 0.5) * np.float32(self.mouth_openness())
        lips = np.clip(self.fill(LIPS, 0.6) - inner, 0, 1)
        mean = (lab * lips[..., None]).sum(axis=(0, 1)) / max(float(lips.sum()), 1.0)
        mean = np.array([14 + 0.85 * mean[0], 1.3 * mean[1] + 20, 1.1 * mean[2] + 4], np.float32)
        out += (mean - out) * lips[..., None]
        out += (_THROAT - out) * inner[..., None]
        teeth = inner * smooth_step(blur(np.ascontiguousarray(lab[..., 0]), 0.01 * self.scale), 40, 62)
        return np.asarray(out + (_TEETH - out) * teeth[..., None], np.float32)

    def cames(self, edges: Plane, own: Plane, worn: Plane, width: float, /) -> Plane:
        """The lead of the face, (H, W), 0 to 1.

        edges: outlines of things, to lead hair in. own: that of `panes`. worn: lines of spectacles. width: of
        a came in pixels, about half.
        """
        drawn = np.zeros(self.shape, np.uint8)
        for pane in PANES:
            corners = np.round(self.points[pane] * 16).astype(np.int32)
            cv2.polylines(drawn, [corners], True, (255,), max(1, round(1.7 * width)), cv2.LINE_AA, 4)
        lead = blur(drawn.astype(np.float32) / 255, 0.5)
        soft = blur(own, 2 * width)
        rim = smooth_step(soft, 0.05, 0.3) * (1 - smooth_step(soft, 0.7, 0.95))
        lead = np.asarray(np.maximum(lead, edges * rim) * np.clip(2 * self.face(), 0, 1), np.float32)
        for points in EYES:
            lead = self._eye(lead, points, width)
        lead = np.maximum(lead, worn) * (1 - self.fill(LIPS, 0.6))
        for path in (_LIP_UPPER, _LIP_LOWER, MOUTH_UPPER):
            lead = np.maximum(lead, self.stroke(self.points[path], 1.9 * width))
        open_ = np.float32(self.mouth_openness())
        return np.maximum(lead, self.stroke(self.points[MOUTH_LOWER], 1.5 * width) * open_)

    def _eye(self, lead: Plane, points: EyePoints, width: float) -> Plane:
        eye = self.eye(points)
        if eye is None:
            return lead
        pupil = self.disc(eye.centre, 0.45 * eye.radius, 0.5) * eye.ball
        lead = np.maximum(lead * (1 - eye.ball), pupil)
        lead = np.maximum(lead, self.stroke(eye.upper, 2.4 * width))
        return np.maximum(lead, self.stroke(eye.lower, 1.5 * width))
