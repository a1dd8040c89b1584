"""Moves the still: eyelids, lips, brows, then the whole head as a relief that turns, nods and tilts."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .cloth import MARGIN
from .picture import Image, blur, polygon, rgb, sample, smoothstep
from .regions import FACE_OVAL, LEFT_EYE, RIGHT_EYE
from .still import SCALE, Still

# Upper and lower edges, outer corner to inner or right to left as the picture shows them.
LIDS = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)),
)
INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
CHIN, NOSE_TIP, FOREHEAD = 152, 4, 10
ZOOM = 1.05  # on top of SCALE: how large the person stands in the frame
COARSE = 8  # the pose field is smooth: one value per 8 canvas pixels


@dataclass(frozen=True)
class Pose:
    """One frame of performance. Angles in degrees, positive to the viewer's right, down, and clockwise.

    ``blink`` 0 open, 1 shut. ``mouth`` is the height of the opening relative to the still's smile: 0 closes
    the lips, 1 leaves them, 2 doubles it. ``width`` scales the mouth about its middle. ``brow`` and ``shift``
    (x, y) are in frame pixels.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    blink: float = 0.0
    mouth: float = 1.0
    width: float = 1.0
    brow: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)


def curve(points: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    return np.asarray(np.polyfit(points[:, 0] - points[:, 0].mean(), points[:, 1], degree))


def at(coefficients: NDArray[np.float64], points: NDArray[np.float64], x: NDArray[np.float32]) -> Image:
    """The fitted curve over columns ``x``, held at its ends' height beyond the corners."""
    inside = np.clip(x, points[0, 0], points[-1, 0]) - points[:, 0].mean()
    return np.polyval(coefficients, inside).astype(np.float32)


class Rig:
    """Bends one still. ``render`` gives RGBA in frame pixels; the still is never changed."""

    def __init__(self, still: Still) -> None:
        self._still = still
        self._points = still.landmarks
        oval = self._points[list(FACE_OVAL), :2]
        reach = 120  # the jaw's drop ends within it, below the chin
        self._left, self._top = (int(v) - reach for v in oval.min(0))
        right, bottom = (int(v) + reach for v in oval.max(0))
        self._face = still.image[self._top : bottom, self._left : right].copy()
        y, x = np.mgrid[self._top : bottom, self._left : right].astype(np.float32)
        self._x, self._y = x, y
        corner = np.array([self._left, self._top])
        eyes = [self._points[list(ring), :2] - corner for ring in (RIGHT_EYE, LEFT_EYE)]
        self._opening = blur(np.maximum(polygon(y.shape, eyes[0]), polygon(y.shape, eyes[1])), 2.5)
        self._irises = []
        for first in (468, 473):
            centre = self._points[first, :2]
            rim = self._points[first + 1 : first + 5, :2]
            self._irises.append((centre, float(np.linalg.norm(rim - centre, axis=1).mean())))
        self._relief, self._turn = self._measure_relief()

    def _measure_relief(self) -> tuple[Image, Image]:
        """How far each point stands before the neck's axis, and how much it follows the head (0 to 1)."""
        height, width = self._still.alpha.shape
        rows, columns = height // COARSE, width // COARSE
        points = self._points[:468] / COARSE
        oval = points[list(FACE_OVAL)]
        axis = float(np.percentile(points[list(FACE_OVAL), 2], 85)) + 0.10 * float(np.ptp(oval[:, 0]))
        known = np.zeros((rows, columns), np.float32)
        values = np.zeros((rows, columns), np.float32)
        for (px, py), z in zip(points[:, :2], points[:, 2], strict=True):
            r, c = round(py), round(px)
            values[r, c] += axis - z
            known[r, c] += 1
        values = np.where(known > 0, values / np.maximum(known, 1), 0).astype(np.float32)
        outside = cv2.resize(self._still.alpha, (columns, rows), interpolation=cv2.INTER_AREA) < 0.3
        fixed = (known > 0) | outside
        relief = values.copy()
        # Diffusion: a membrane through the landmarks, pinned to zero where the silhouette begins.
        for _ in range(1500):
            relief = np.where(fixed, values, cv2.blur(relief, (3, 3), borderType=cv2.BORDER_REPLICATE))
        relief = blur(relief.astype(np.float32), 2.2) * COARSE
        row = np.arange(rows, dtype=np.float32)[:, None] * COARSE
        chin = float(self._points[CHIN, 1])
        turn = smoothstep(height - 10.0, chin - 130.0, row) * np.ones((rows, columns), np.float32)
        return relief, turn

    def render(self, pose: Pose, width: int = 1280, height: int = 720) -> Image:
        """RGBA float32 (height, width, 4), colour not multiplied by alpha."""
        image = self._still.image.copy()
        face = self._express(pose)
        image[self._top : self._top + face.shape[0], self._left : self._left + face.shape[1]] = face
        mx, my = self._canvas_map(pose, width, height)
        soft = blur(image, 0.55)
        colour = cv2.remap(soft, mx, my, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.remap(
            blur(self._still.alpha, 0.8),
            mx,
            my,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
        )
        return np.dstack([np.clip(colour, 0, 1), np.clip(alpha, 0, 1)]).astype(np.float32)

    def _canvas_map(self, pose: Pose, width: int, height: int) -> tuple[Image, Image]:
        """For each frame pixel, the canvas pixel seen there: the pose's displacement, inverted."""
        rows, columns = self._relief.shape
        tall = self._still.alpha.shape[0]
        yaw, pitch, roll = (np.radians(a) for a in (pose.yaw, pose.pitch, pose.roll))
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * COARSE
        pivot_x, pivot_y = float(self._points[CHIN, 0]), float(self._points[CHIN, 1]) + 90
        rx, ry = x - pivot_x, y - pivot_y
        turn = self._turn
        dx = turn * (self._relief * np.sin(yaw) + rx * (np.cos(yaw) - 1) * 0.6)
        dy = turn * (self._relief * np.sin(pitch) + (y - pivot_y + 300) * (np.cos(pitch) - 1))
        dx = dx + turn * (rx * (np.cos(roll) - 1) - ry * np.sin(roll))
        dy = dy + turn * (rx * np.sin(roll) + ry * (np.cos(roll) - 1))
        dx, dy = (blur(d.astype(np.float32), 1.0) for d in (dx, dy))
        # From frame to canvas: twice the size, centred, standing a little below the frame's lower edge.
        step = 4
        fy, fx = np.mgrid[0 : height + step : step, 0 : width + step : step].astype(np.float32)
        cx = (fx - pose.shift[0] - width / 2) * (SCALE / ZOOM) + (MARGIN + 318) * SCALE
        cy = (fy - pose.shift[1] - height) * (SCALE / ZOOM) + tall - 50
        sx, sy = cx.copy(), cy.copy()
        for _ in range(6):
            gx, gy = sx / COARSE, sy / COARSE
            sx = cx - cv2.remap(dx, gx, gy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            sy = cy - cv2.remap(dy, gx, gy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        oy, ox = np.mgrid[0:height, 0:width].astype(np.float32) / step
        return (
            cv2.remap(sx, ox, oy, cv2.INTER_LINEAR),
            cv2.remap(sy, ox, oy, cv2.INTER_LINEAR),
        )

    def _express(self, pose: Pose) -> Image:
        """The face's part of the canvas with lids, lips and brows moved."""
        sx, sy = self._x.copy(), self._y.copy()
        sx = self._widen(sx, sy, pose.width)
        sy = self._raise_brows(sx, sy, pose.brow)
        sy, gap, below = self._part_lips(sx, sy, pose.mouth)
        sy = self._close_lids(sx, sy, pose.blink)
        sx = self._look(sx, sy, pose.yaw)
        face = cv2.remap(
            self._face, sx - self._left, sy - self._top, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        if pose.mouth != 1.0:
            face = face + (self._interior(sx, self._y, below) - face) * gap[..., None]
        return np.clip(face, 0, 1).astype(np.float32)

    def _look(self, x: Image, y: Image, yaw: float) -> Image:
        """Keep the eyes near the camera while the head turns: each iris slides part of the way back."""
        opening = sample(self._opening, x - self._left, y - self._top)
        for centre, radius in self._irises:
            distance = ((x - centre[0]) / (1.9 * radius)) ** 2 + ((y - centre[1]) / (1.9 * radius)) ** 2
            x = x + radius * 1.3 * float(np.sin(np.radians(yaw))) * np.exp(-(distance**2)) * opening
        return np.asarray(x, np.float32)

    def _widen(self, x: Image, y: Image, scale: float) -> Image:
        left, right = self._points[61, :2], self._points[291, :2]
        middle = (left + right) / 2
        half = float(right[0] - left[0]) / 2
        fall = np.exp(-(((x - middle[0]) / (1.35 * half)) ** 2) - ((y - middle[1]) / (1.1 * half)) ** 2)
        return np.asarray(x + (x - middle[0]) * (1 / scale - 1) * fall, np.float32)

    def _raise_brows(self, x: Image, y: Image, lift: float) -> Image:
        for brow in (105, 334):
            centre = self._points[brow, :2]
            fall = np.exp(-(((x - centre[0]) / 110) ** 2) - ((y - centre[1] + 8) / 46) ** 2)
            y = y + lift * SCALE * fall
        return np.asarray(y, np.float32)

    def _close_lids(self, x: Image, y: Image, closure: float) -> Image:
        """Pull the skin above each eye down over it: the lid stretches, its lashes go along."""
        if closure <= 0:
            return y
        result = y.copy()
        for upper_ids, lower_ids in LIDS:
            upper_points, lower_points = self._points[list(upper_ids), :2], self._points[list(lower_ids), :2]
            upper = at(curve(upper_points, 4), upper_points, x) - 2.0
            lower = at(curve(lower_points, 4), lower_points, x) + 1.0
            opening = np.maximum(lower - upper, 0)
            ends = smoothstep(-4, 10, x - upper_points[0, 0]) * smoothstep(-4, 10, upper_points[-1, 0] - x)
            opening = opening * ends
            drop = 0.99 * closure * opening
            rise = 0.10 * closure * opening
            stretch, give = 46.0, 40.0
            new_upper, new_lower = upper + drop, lower - rise
            top = upper - stretch
            t = np.clip((y - top) / np.maximum(new_upper - top, 1), 0, 1)
            lid = top + stretch * t
            bottom = lower + give
            u = np.clip((y - new_lower) / np.maximum(bottom - new_lower, 1), 0, 1)
            below = lower + give * u
            result = np.where((ends > 0) & (y > new_lower) & (y < bottom), below, result)
            result = np.where((ends > 0) & (y > top) & (y < new_upper), lid, result)
        return np.asarray(result, np.float32)

    def _part_lips(self, x: Image, y: Image, amount: float) -> tuple[Image, Image, Image]:
        """Move lips and jaw: the rows to read, the share of mouth interior, the distance below its teeth."""
        upper_points, lower_points = self._points[list(INNER_UPPER), :2], self._points[list(INNER_LOWER), :2]
        upper = at(curve(upper_points, 4), upper_points, x)
        lower = at(curve(lower_points, 4), lower_points, x)
        gap = np.maximum(lower - upper, 0)
        if amount == 1.0:
            return y, np.zeros_like(y), y - lower
        change = (amount - 1) * gap
        # Opening is the jaw's work; closing is shared, the upper lip coming down a third of the way.
        lip_down = np.where(amount < 1, -0.36 * change, 0.0)
        jaw_down = np.where(amount < 1, 0.64 * change, change)
        chin = float(self._points[CHIN, 1])
        jaw = float((amount - 1) * gap.max()) * (1.0 if amount > 1 else 0.64)
        middle = float(self._points[14, 0])
        half = float(self._points[291, 0] - self._points[61, 0]) / 2
        sides = np.exp(-(((x - middle) / (1.25 * half)) ** 4))
        lip_room = float(self._points[17, 1] - self._points[14, 1])
        near = smoothstep(1.0, 0.0, (y - lower) / (2.2 * lip_room))
        spread = near * jaw_down + (1 - near) * jaw * sides * 0.9
        fade = smoothstep(chin + 90, chin - 10, y)
        nose = float(self._points[2, 1])
        rise = smoothstep(nose, nose + 0.75 * float(upper_points[5, 1] - nose), y)
        new_upper, new_lower = upper + lip_down, lower + jaw_down
        above = y - lip_down * rise
        under = y - spread * fade
        for _ in range(4):
            near = smoothstep(1.0, 0.0, (under - lower) / (2.2 * lip_room))
            spread = near * jaw_down + (1 - near) * jaw * sides * 0.9
            fade = smoothstep(chin + 90, chin - 10, under)
            rise = smoothstep(nose, nose + 0.75 * float(upper_points[5, 1] - nose), above)
            above = y - lip_down * rise
            under = y - spread * fade
        middle_line = (new_upper + new_lower) / 2
        rows = np.where(y < middle_line, np.minimum(above, upper), np.maximum(under, lower))
        corner = smoothstep(-2, 8, x - upper_points[0, 0]) * smoothstep(-2, 8, upper_points[-1, 0] - x)
        inside = smoothstep(-1.2, 1.2, y - new_upper) * smoothstep(-1.2, 1.2, new_lower - y) * corner
        inside = inside * smoothstep(0.5, 4.0, new_lower - new_upper)
        return rows.astype(np.float32), inside, y - lower

    def _interior(self, x: Image, y: Image, below: Image) -> Image:
        """Teeth where they are in the still, fixed to the skull; darkness and a hint of tongue below them."""
        teeth = cv2.remap(
            self._face, x - self._left, y - self._top, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        depth = smoothstep(-8.0, -2.0, below)
        tongue = smoothstep(0, 34, below)[..., None]
        dark = rgb(0.10, 0.035, 0.035) + rgb(0.42, 0.17, 0.17) * tongue
        return np.asarray(teeth + (dark - teeth) * depth[..., None], np.float32)
