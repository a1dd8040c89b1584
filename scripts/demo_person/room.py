"""The room behind the person: drawn in linear light, then put out of focus as a lens would."""

from __future__ import annotations

import cv2
import numpy as np

from .picture import Image, blur, rgb

Colour = tuple[float, float, float]

WIDTH, HEIGHT = 1280, 720
MARGIN = 40  # drawn beyond the frame, so that the blur finds something there


class Room:
    """A canvas in frame coordinates; colours are linear RGB and may exceed 1 where a lamp shines."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        y, x = np.mgrid[-MARGIN : HEIGHT + MARGIN, -MARGIN : WIDTH + MARGIN].astype(np.float32)
        self._x, self._y = x, y
        self.light: Image = np.zeros((*x.shape, 3), np.float32)

    def polygon(self, corners: list[tuple[float, float]], colour: Colour) -> None:
        points = (np.array(corners) + MARGIN).round().astype(np.int32)
        cv2.fillPoly(self.light, [points], colour, lineType=cv2.LINE_AA)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        centre = (round(x + MARGIN), round(y + MARGIN))
        cv2.circle(self.light, centre, round(radius), colour, -1, cv2.LINE_AA)

    def glow(self, x: float, y: float, reach: float, colour: Colour, *, flat: float = 1.0) -> None:
        """Light on the wall round a lamp: falls off with the square of the distance beyond ``reach``."""
        square = ((self._x - x) ** 2 + ((self._y - y) * flat) ** 2) / reach**2
        self.light *= 1 + (1 / (1 + square))[..., None] * rgb(*colour)

    def wall(self) -> None:
        self.light[:] = rgb(0.115, 0.092, 0.074)
        self.light *= (1.15 - 0.55 * self._y / HEIGHT)[..., None]
        rough = self._rng.standard_normal(self._x.shape).astype(np.float32)
        self.light *= 1 + 0.9 * blur(rough, 30)[..., None] * 3

    def window(self) -> None:
        """Evening sky behind four panes, town lights below, a linen curtain in front."""
        left, top, right, bottom = 38, -60, 300, 430
        self.box(left - 14, top, right + 14, bottom + 14, (0.30, 0.26, 0.22))
        for k in range(48):
            share = k / 48
            y0, y1 = top + (bottom - top) * share, top + (bottom - top) * (k + 1) / 48
            self.box(left, y0, right, y1, (0.20 + 0.75 * share, 0.34 + 0.36 * share, 0.62 + 0.05 * share))
        skyline = bottom - 70
        x: float = left
        while x < right:
            wide, tall = float(self._rng.uniform(18, 46)), float(self._rng.uniform(10, 90))
            self.box(x, skyline - tall, min(x + wide, right), bottom, (0.07, 0.075, 0.11))
            for _ in range(3):
                lamp = (3.2, 1.9, 0.8) if self._rng.random() < 0.7 else (1.2, 1.9, 2.6)
                self.disc(x + self._rng.uniform(0, wide), skyline + self._rng.uniform(-tall, 60), 2, lamp)
            x += wide
        self.box((left + right) / 2 - 5, top, (left + right) / 2 + 5, bottom, (0.26, 0.22, 0.18))
        self.box(left, 170, right, 180, (0.26, 0.22, 0.18))
        self.box(left - 26, bottom + 6, right + 30, bottom + 22, (0.36, 0.31, 0.26))
        for k in range(-40, 96, 2):
            fold = 0.5 + 0.5 * np.sin(k / 7.0) * np.cos(k / 19.0)
            tone = 0.20 + 0.30 * float(fold)
            self.box(k, -MARGIN, k + 2, 610, (tone * 0.98, tone * 0.80, tone * 0.62))
        for k in range(284, 362, 2):
            tone = 0.10 + 0.20 * float(0.5 + 0.5 * np.sin(k / 6.0))
            self.box(k, -MARGIN, k + 2, 600, (tone * 0.98, tone * 0.80, tone * 0.62))

    def shelf(self, y: float, left: float, right: float) -> None:
        """A board with books, boxes and a small round thing, the shadow below it."""
        self.box(left - 6, y + 12, right + 6, y + 40, (0.045, 0.033, 0.026))
        x = left + float(self._rng.uniform(4, 20))
        spines: list[Colour] = [
            (0.34, 0.07, 0.045),
            (0.05, 0.15, 0.19),
            (0.40, 0.27, 0.09),
            (0.08, 0.16, 0.09),
            (0.46, 0.40, 0.31),
            (0.10, 0.07, 0.17),
            (0.03, 0.05, 0.08),
        ]
        while x < right - 20:
            if self._rng.random() < 0.12:
                x += float(self._rng.uniform(24, 50))
                continue
            wide, tall = float(self._rng.uniform(9, 22)), float(self._rng.uniform(58, 96))
            tone = spines[int(self._rng.integers(len(spines)))]
            lean = float(self._rng.uniform(-2, 9)) if self._rng.random() < 0.2 else 0.0
            self.polygon([(x + lean, y - tall), (x + wide + lean, y - tall), (x + wide, y), (x, y)], tone)
            self.box(x + wide * 0.25, y - tall * 0.75, x + wide * 0.75, y - tall * 0.6, (0.5, 0.4, 0.22))
            x += wide + 1
        self.box(left, y, right, y + 13, (0.27, 0.155, 0.080))

    def plant(self, x: float, y: float, size: float) -> None:
        """A pot with arching leaves."""
        self.polygon(
            [
                (x - size * 0.2, y - size * 0.28),
                (x + size * 0.2, y - size * 0.28),
                (x + size * 0.15, y),
                (x - size * 0.15, y),
            ],
            (0.42, 0.22, 0.13),
        )
        for angle in np.linspace(-1.25, 1.25, 15):
            reach = size * float(self._rng.uniform(0.6, 1.1))
            bend = float(angle) + float(self._rng.uniform(-0.1, 0.1))
            tip = (
                x + np.sin(bend) * reach,
                y - size * 0.28 - np.cos(bend) * reach * 0.95 + abs(bend) * size * 0.16,
            )
            root = (x + np.sin(bend) * size * 0.08, y - size * 0.28)
            mid = ((tip[0] + root[0]) / 2, (tip[1] + root[1]) / 2 - size * 0.06)
            across = (np.cos(bend) * size * 0.055, np.sin(bend) * size * 0.055)
            tone = float(self._rng.uniform(0.6, 1.5))
            self.polygon(
                [
                    root,
                    (mid[0] - across[0], mid[1] - across[1]),
                    tip,
                    (mid[0] + across[0], mid[1] + across[1]),
                ],
                (0.045 * tone, 0.13 * tone, 0.05 * tone),
            )

    def lamp(self, x: float, y: float) -> None:
        """A standing lamp with a cloth shade."""
        self.box(x - 3, y + 60, x + 3, HEIGHT + MARGIN, (0.06, 0.045, 0.03))
        for k in range(60):
            share = k / 60
            half = 42 + 26 * share
            bright = 2.6 - 1.1 * abs(share - 0.45)
            self.box(
                x - half,
                y + 80 * share - 10,
                x + half,
                y + 80 * (share + 0.02) - 10,
                (bright, bright * 0.62, bright * 0.30),
            )
        self.disc(x, y + 42, 15, (7.0, 4.8, 2.6))

    def fairy_lights(
        self, start: tuple[float, float], end: tuple[float, float], sag: float, count: int
    ) -> None:
        for k in range(count):
            t = k / (count - 1)
            x = start[0] + (end[0] - start[0]) * t
            y = start[1] + (end[1] - start[1]) * t + sag * 4 * t * (1 - t) + float(self._rng.uniform(-5, 5))
            self.disc(x, y, 3, (30.0, 16.0, 6.0))


def disc_kernel(radius: float) -> Image:
    side = int(np.ceil(radius)) * 2 + 1
    axis = np.arange(side) - side // 2
    distance = np.hypot(axis[:, None], axis[None])
    kernel = np.clip(radius + 0.5 - distance, 0, 1) * (0.85 + 0.3 * np.clip(distance / radius, 0, 1) ** 4)
    return np.asarray(kernel / kernel.sum(), np.float32)


def draw_room(seed: int = 3, *, defocus: float = 17.0) -> Image:
    """The room, RGB (720, 1280, 3), gamma applied; ``defocus`` is the radius of the lens's disc in pixels."""
    room = Room(seed)
    room.wall()
    room.window()
    room.shelf(168, 1040, 1330)
    room.shelf(352, 1040, 1330)
    room.shelf(536, 1040, 1330)
    room.plant(1075, 168, 92)
    room.plant(1215, 536, 105)
    room.box(1090, 262, 1180, 352, (0.025, 0.03, 0.04))
    room.box(1096, 268, 1174, 344, (0.10, 0.10, 0.30))
    room.glow(1080, 330, 260, (1.0, 0.58, 0.24))
    room.glow(100, 250, 260, (0.55, 0.65, 0.95))
    room.glow(1290, 640, 300, (0.7, 0.25, 1.3))
    room.glow(640, 760, 420, (0.25, 0.18, 0.5), flat=1.3)
    room.box(-MARGIN, 612, 420, HEIGHT + MARGIN, (0.10, 0.055, 0.05))
    room.polygon([(-MARGIN, 575), (330, 590), (372, 640), (380, 800), (-MARGIN, 800)], (0.085, 0.11, 0.125))
    room.polygon([(30, 590), (170, 560), (215, 680), (70, 710)], (0.42, 0.20, 0.07))
    room.plant(352, 660, 230)
    room.lamp(955, 150)
    room.glow(955, 195, 190, (1.9, 1.05, 0.45))
    room.fairy_lights((318, -6), (1030, 2), 30, 15)
    soft = cv2.filter2D(room.light, -1, disc_kernel(defocus), borderType=cv2.BORDER_REFLECT)
    soft = blur(np.asarray(soft, np.float32), 1.2)
    bloom = blur(soft, 42)
    soft = (0.9 * soft + 0.10 * bloom)[MARGIN:-MARGIN, MARGIN:-MARGIN]
    # A shoulder instead of a clip, so that lamps keep their colour; then display gamma.
    shown = 1 - np.exp(-0.80 * np.maximum(soft, 0) ** 1.2)
    return np.asarray(np.clip(shown ** (1 / 2.2), 0, 1), np.float32)
