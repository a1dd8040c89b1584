"""Picks the frame of a clip that shows an effect best."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from effectcam.errors import SinkError
from effectcam.frame import Frame, Pixels
from effectcam.passage import Face
from effectcam.pipeline import Pipeline
from effectcam.sink.part_file import PartFile

# Points of the Face Mesh: lids above and below each eye, the eyes' outer corners, the nose's tip.
_LIDS = ((159, 145), (386, 374))
_CORNERS = (33, 263)
_NOSE = 4

_GAP = 8


class BestFrame:
    """Keeps the pair of before and after in which the face looks ahead with open eyes.

    Without a face in the clip, or with an effect that looks for none, it is the first frame.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        """``pipeline``: the one that draws, asked for the faces of each frame that is offered."""
        self._pipeline = pipeline
        self._score = -np.inf
        self._pair: tuple[Pixels, Pixels] | None = None

    def offer(self, before: Frame, after: Frame) -> None:
        """Consider the latest frame of the pipeline."""
        score = max((_liveliness(face) for face in self._pipeline.faces), default=None)
        if self._pair is None or (score is not None and score > self._score):
            self._pair = before.pixels, after.pixels
            self._score = -np.inf if score is None else score

    def write(self, path: Path) -> None:
        """Write both side by side as a PNG, left before, right after. Raises SinkError."""
        if self._pair is None:
            raise SinkError(f"{path}: no frame came, so there is no picture")
        before, after = self._pair
        gap = np.full((before.shape[0], _GAP, 3), 255, np.uint8)
        picture = np.hstack((before, gap, after))
        encoded, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        if not encoded:
            raise SinkError(f"{path}: the picture cannot be encoded")
        PartFile(path).fill(data.tobytes())


def _liveliness(face: Face) -> float:
    """Higher for wider eyes, lower for a head turned aside; both in distances between the eyes."""
    points = face.landmarks[:, :2]
    left, right = points[_CORNERS[0]], points[_CORNERS[1]]
    across = right - left
    width = float(np.linalg.norm(across)) or 1.0
    nose = float((points[_NOSE] - left) @ across) / width**2
    lids = [float(np.linalg.norm(points[above] - points[below])) / width for above, below in _LIDS]
    return min(lids) - 0.5 * abs(nose - 0.5)
