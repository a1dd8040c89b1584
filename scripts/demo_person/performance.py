"""What the demo person does in five seconds, as curves over time; the last frame leads back to the first."""

from __future__ import annotations

import numpy as np

from .rig import Pose

SECONDS = 5.0

# Seconds and value; between them a smooth step, so that every movement starts and ends at rest.
YAW = (
    (0.0, -3.0),
    (0.7, -4.0),
    (1.35, 10.0),
    (1.9, 8.5),
    (2.75, -13.0),
    (3.35, -11.0),
    (4.0, 4.0),
    (5.0, -3.0),
)
PITCH = (
    (0.0, 0.0),
    (0.30, 4.5),
    (0.62, -1.0),
    (1.6, 1.5),
    (2.3, -2.0),
    (3.0, 1.0),
    (3.55, -1.5),
    (3.85, 5.0),
    (4.25, -0.5),
    (5.0, 0.0),
)
ROLL = ((0.0, -1.0), (0.9, -1.8), (1.6, 2.4), (2.3, 0.5), (3.0, -2.8), (3.9, -0.5), (4.4, 1.2), (5.0, -1.0))
BROW = (
    (0.0, 0.0),
    (0.5, 0.0),
    (0.75, 2.6),
    (1.2, 0.3),
    (2.1, 0.0),
    (2.4, 3.0),
    (2.9, 0.6),
    (4.0, 0.0),
    (5.0, 0.0),
)
# Seconds, opening relative to the smile, width: syllables of no language, between two smiles.
SPEECH = (
    (0.00, 0.95, 1.00), (0.55, 0.95, 1.00), (0.68, 0.15, 0.96), (0.80, 1.75, 0.97), (0.93, 0.80, 0.92),
    (1.05, 1.35, 0.86), (1.16, 0.30, 0.88), (1.28, 1.60, 0.95), (1.40, 0.70, 1.00), (1.50, 1.15, 1.00),
    (1.62, 0.05, 0.94), (1.76, 0.25, 0.95), (1.92, 0.20, 0.95), (2.04, 1.45, 0.90), (2.15, 0.85, 0.84),
    (2.26, 1.25, 0.86), (2.38, 0.10, 0.92), (2.50, 1.85, 0.96), (2.66, 0.90, 0.98), (2.78, 1.30, 0.94),
    (2.90, 0.35, 0.90), (3.02, 1.20, 0.88), (3.14, 0.60, 0.95), (3.28, 1.40, 1.00), (3.44, 0.45, 0.99),
    (3.75, 0.85, 1.00), (4.20, 1.05, 1.02), (5.00, 0.95, 1.00),
)  # fmt: skip
BLINKS = (0.98, 2.46, 3.92)


def follow(keys: tuple[tuple[float, ...], ...], time: float, column: int = 1) -> float:
    """The value of ``column`` at ``time``, eased between its keys."""
    times = [key[0] for key in keys]
    after = int(np.clip(np.searchsorted(times, time, side="right"), 1, len(keys) - 1))
    start, end = keys[after - 1], keys[after]
    share = float(np.clip((time - start[0]) / (end[0] - start[0]), 0, 1))
    eased = share * share * (3 - 2 * share)
    return start[column] + (end[column] - start[column]) * eased


def blink(time: float) -> float:
    """0 to 1: shut within 80 ms, open again within 160 ms, as people do."""
    closure = 0.0
    for middle in BLINKS:
        since = time - middle
        span = 0.085 if since < 0 else 0.165
        share = max(0.0, 1 - abs(since) / span)
        closure = max(closure, min(1.0, 1.25 * share * share * (3 - 2 * share)))
    return closure


def pose_at(time: float) -> Pose:
    """The pose ``time`` seconds into the clip; breathing and sway have whole periods, so that it loops."""
    turn = 2 * np.pi * time / SECONDS
    sway = (3.0 * float(np.sin(turn)) + 0.35 * follow(YAW, time), 1.4 * float(np.sin(2 * turn + 0.6)) + 1.0)
    return Pose(
        yaw=follow(YAW, time),
        pitch=follow(PITCH, time),
        roll=follow(ROLL, time),
        blink=blink(time),
        mouth=follow(SPEECH, time),
        width=follow(SPEECH, time, 2),
        brow=follow(BROW, time),
        shift=sway,
    )
