"""The steady state of a bench: the frames that count, after the burn-in."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator

from effectcam.bench.energy import EnergyMeter
from effectcam.bench.neighbours import Neighbours
from effectcam.bench.outcome import outcomes
from effectcam.bench.own import OwnProcesses
from effectcam.bench.plan import Plan, Tell
from effectcam.bench.sample import sample
from effectcam.bench.turns import Turns
from effectcam.frame import Frame
from effectcam.live.loop import short_collections
from effectcam.pipeline import Pipeline

_SAMPLE_EVERY = 1.0
"""Seconds. The time of a sample counts for nothing."""


class Steady:
    """What is noted of it while it lasts."""

    def __init__(self, plan: Plan, tell: Tell, turns: Turns, own: OwnProcesses) -> None:
        self._plan, self._tell, self._turns, self._own = plan, tell, turns, own
        self.done = array("q")
        """Nanoseconds from its start until each frame was finished, without what was apart from the frames:
        the samples, and the turns of others."""
        self.delay = array("q")
        """Nanoseconds from when each frame was due until it was finished; empty where none was ever due."""
        self.faces = array("q")
        """Of each frame."""
        self.samples = [sample(0.0, own)]
        self.late = 0
        """Frames left out."""
        self.failed = 0
        self.failure = ""
        """The last one's."""
        self.seconds = 0.0
        """From its start until the last frame, without what was apart."""
        self.cpu_seconds = 0.0

    def run(
        self, pipeline: Pipeline, frames: Iterator[Frame], neighbours: Neighbours, energy: EnergyMeter
    ) -> None:
        """Run ``frames`` until they end or there were as many, or for as long, as was planned."""
        with short_collections():
            cpu = self._own.cpu_seconds()
            begun = time.perf_counter_ns()
            apart, sampled, index = 0, 0.0, None
            for frame, failure in outcomes(pipeline, frames, overlap=self._plan.overlap):
                self.late += 0 if index is None else frame.index - index - 1
                index = frame.index
                now = time.perf_counter_ns()
                if failure:
                    self.failed += 1
                    self.failure = failure
                else:
                    self.done.append(now - begun - apart)
                    self.delay.append(now - frame.captured_at)
                    self.faces.append(len(pipeline.faces))
                self.seconds = (now - begun - apart) / 1e9
                if self.seconds - sampled >= _SAMPLE_EVERY:
                    energy.sample()
                    self.samples.append(sample(self.seconds, self._own))
                    self._tell("measuring", self._share)
                    sampled = self.seconds
                if self._share >= 1:
                    break
                if self._turns.over():
                    neighbours.pause()
                    energy.sample()
                    self._turns.wait()
                    energy.skip()
                    neighbours.resume()
                apart += time.perf_counter_ns() - now
            self.cpu_seconds = self._own.cpu_seconds() - cpu
            if self.seconds > sampled:
                self.samples.append(sample(self.seconds, self._own))
        if self._plan.pace_fps is None:
            del self.delay[:]

    @property
    def _share(self) -> float:
        """That is over, 0 to 1."""
        if self._plan.frames is not None:
            return (len(self.done) + self.failed) / self._plan.frames
        return self.seconds / (self._plan.seconds or 1.0)
