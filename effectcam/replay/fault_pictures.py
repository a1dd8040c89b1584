"""Faults that are in the picture: a face that leaves, a cut, a second face, a dark room."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.composite.mask import feathered
from effectcam.errors import UsageError
from effectcam.face.crop import Crop, cut, fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels
from effectcam.replay.faults import Edge, Fault, FaultScript
from effectcam.source.clip import Clip

_HEAD = 2.6
"""Distances between the eyes across a head with its hair."""
_RIM = 0.12
"""Of a pasted head's side, over which it fades."""


class FaultyPictures:
    """Does to the pictures of one clip what a script says. Holds open what it cuts to until ``close``."""

    def __init__(self, clip: Clip, script: FaultScript) -> None:
        self._clip = clip
        self._script = script
        self._others: dict[int, Clip] = {}
        self._mesh: FaceMesh | None = None
        self._head: Crop | None = None

    def __call__(self, frame: Frame, faults: tuple[Fault, ...]) -> Pixels:
        """The picture of ``frame`` under ``faults``; its own pixels where none concerns it.

        Cuts come first and the light last, whatever their order in the script: so a second face is lit as
        the first is. Raises SourceError for a clip that cannot be cut to, UsageError for a frame that it
        does not have, FaceMeshError.
        """
        pixels = frame.pixels
        for fault in sorted(faults, key=lambda each: _ORDER.get(each.kind, 0)):
            progress = fault.progress(frame.index)
            match fault.kind:
                case "cut":
                    pixels = self._cut_to(fault)
                case "second-face":
                    pixels = self._with_second(Frame(pixels, frame.index, frame.captured_at), progress)
                case "leaves":
                    pixels = moved_off(pixels, fault.edge, min(1.0, 3 * min(progress, 1 - progress)))
                case "low-light":
                    noise = np.random.default_rng([self._script.seed, fault.number, frame.index])
                    pixels = darkened(pixels, fault.gamma, fault.noise, noise)
        return pixels

    def close(self) -> None:
        """A second call does nothing."""
        for clip in self._others.values():
            clip.close()
        self._others.clear()
        if self._mesh is not None:
            self._mesh.close()
            self._mesh = None

    def _cut_to(self, fault: Fault) -> Pixels:
        clip = self._others.get(fault.number)
        if clip is None:
            clip = self._others[fault.number] = Clip(fault.clip or self._clip.path)
            for _ in range(fault.to or 0):
                next(clip, None)
        frame = next(clip, None)
        if frame is None:
            raise UsageError(
                f"{self._script.path}, line {fault.line}: {clip.path} ends after {clip.frames} frames, and "
                "the cut does not; cut to an earlier frame, or let it last for fewer"
            )
        return covering(frame.pixels, self._clip.width, self._clip.height)

    def _with_second(self, frame: Frame, progress: float) -> Pixels:
        """The head mirrored, on its way from the left edge to the right at the height that it has."""
        if self._mesh is None:
            self._mesh = FaceMesh()
        for seen in self._mesh.process(frame)[:1]:
            self._head = fit_head(seen.landmarks)
        if self._head is None:
            told = f"{self._clip.path}: there was no face yet that could be shown a second time"
            if told not in self._clip.warnings:
                self._clip.warnings.append(told)
            return frame.pixels
        side = max(2, round(_HEAD * self._head.side))
        head = cut(frame.pixels, Crop(self._head.cx, self._head.cy, side, 0.0), side)[:, ::-1]
        left = round(progress * (frame.width + side)) - side
        return pasted(frame.pixels, np.ascontiguousarray(head), left, round(self._head.cy - side / 2))


_ORDER = {"cut": -1, "second-face": 0, "leaves": 1, "low-light": 2}


def darkened(pixels: Pixels, gamma: float, noise: float, random: np.random.Generator) -> Pixels:
    """RGB in less light: colours from 0 to 1 to the power of ``gamma``, and a sensor's noise of so many steps
    of 255 (standard deviation), of which ``random`` is the source."""
    curve = (255 * (np.arange(256) / 255) ** gamma).astype(np.float32)
    dark = curve[pixels] + noise * random.standard_normal(pixels.shape, np.float32)
    return np.asarray(np.clip(np.rint(dark), 0, 255), np.uint8)


def moved_off(pixels: Pixels, edge: Edge, share: float) -> Pixels:
    """The picture moved over ``edge``, by 0 (not at all) to 1 (out of sight); its last line fills what it
    leaves behind, where a mirrored picture would show the face again."""
    height, width = pixels.shape[:2]
    sign = -1 if edge in ("left", "top") else 1
    right = sign * share * width if edge in ("left", "right") else 0.0
    down = sign * share * height if edge in ("top", "bottom") else 0.0
    move = np.array([[1, 0, round(right)], [0, 1, round(down)]], np.float64)
    moved = cv2.warpAffine(
        pixels, move, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)


def covering(pixels: Pixels, width: int, height: int) -> Pixels:
    """The middle of the picture, scaled so that it fills ``width`` x ``height`` without being stretched."""
    share = min(pixels.shape[1] / width, pixels.shape[0] / height)
    across, down = max(1, round(share * width)), max(1, round(share * height))
    left, top = (pixels.shape[1] - across) // 2, (pixels.shape[0] - down) // 2
    middle = pixels[top : top + down, left : left + across]
    if (across, down) == (width, height):
        return np.ascontiguousarray(middle)
    how = cv2.INTER_AREA if share > 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(middle, (width, height), interpolation=how), np.uint8)


def pasted(pixels: Pixels, patch: Pixels, left: int, top: int) -> Pixels:
    """``pixels`` with a square ``patch`` on them, its rim soft; what is beyond their edge is cut off."""
    height, width = pixels.shape[:2]
    size = patch.shape[0]
    x1, x2 = max(0, left), min(width, left + size)
    y1, y2 = max(0, top), min(height, top + size)
    result = pixels.copy()
    if x1 >= x2 or y1 >= y2:
        return result
    inside = np.s_[y1 - top : y2 - top, x1 - left : x2 - left]
    alpha = feathered(size, _RIM)[inside][..., None].astype(np.float32) / 255
    mixed = patch[inside] * alpha + pixels[y1:y2, x1:x2] * (1 - alpha)
    result[y1:y2, x1:x2] = np.floor(mixed + 0.5)
    return result
