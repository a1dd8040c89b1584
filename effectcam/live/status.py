"""The state of a live run as plain values: for the panel, for scripts, for a line on the terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from effectcam.live.controls import Controls
from effectcam.live.loop import LiveLoop
from effectcam.sink.base import SinkEndedError
from effectcam.sink.fan_out import Delivery
from effectcam.sink.reopening import Reopening
from effectcam.sink.window import Window

SCHEMA = "effectcam.status/1"


class Status:
    """Gathers what a run's parts say of themselves; any thread may ask."""

    def __init__(
        self,
        controls: Controls,
        loop: LiveLoop,
        *,
        camera: Callable[[], dict[str, Any]],
        outputs: Callable[[], Sequence[Delivery]],
        more: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        """``camera`` describes the source, ``outputs`` the sinks; ``more`` adds what else there is."""
        self._controls = controls
        self._loop = loop
        self._camera = camera
        self._outputs = outputs
        self._more = more
        self._usage = ProcessUsage()
        self._begun = time.monotonic()

    def __call__(self) -> dict[str, Any]:
        """A dict that JSON can hold; docs/panel.md tells what each value means."""
        controls, loop = self._controls, self._loop
        effect, pace = controls.effect, loop.pace
        cores, megabytes = self._usage()
        return {
            "schema": SCHEMA,
            "effect": {"name": effect.name, "title": effect.title, "version": effect.version},
            "tier": controls.tier,
            "loading": controls.loading,
            "effects": controls.known,
            "strength": controls.strength,
            "mirror": controls.mirror,
            "faces": controls.faces,
            "panic": controls.panic,
            "panic_mode": controls.panic_mode,
            "label": controls.label,
            "showing": loop.showing,
            "presets": [{"name": preset.name, "key": preset.key} for preset in controls.presets],
            "fps": round(pace.fps, 1),
            "delay_ms": None if pace.delay_ms is None else round(pace.delay_ms, 1),
            "frames": loop.frames,
            "uptime_s": round(time.monotonic() - self._begun, 1),
            "stages_ms": controls.recent_stages(),
            "cpu_cores": round(cores, 2),
            "memory_mb": round(megabytes, 1),
            "camera": self._camera(),
            "accelerator": {"name": ", ".join(controls.accelerators), "failure": loop.failure},
            "governor": loop.governor.state,
            "outputs": [_output(delivery) for delivery in self._outputs()],
            "news": controls.news,
            **self._more(),
        }


def _output(delivery: Delivery) -> dict[str, Any]:
    sink, error = delivery.sink, delivery.error
    status, message = "open", ""
    if error is not None:
        # One that has ended has kept what it was given.
        status, message = "ended" if isinstance(error, SinkEndedError) else "failed", str(error)
    elif isinstance(sink, Reopening):
        status, message = sink.state, sink.message
    elif isinstance(sink, Window) and sink.ended:
        status, message = "ended", sink.ended
    return {
        "name": sink.name,
        "status": status,
        "message": message,
        "written": delivery.written,
        "dropped": delivery.dropped,
    }


class ProcessUsage:
    """What this process takes of the machine."""

    def __init__(self) -> None:
        self._at, self._spent = time.monotonic(), time.process_time()
        self._cores = 0.0

    def __call__(self) -> tuple[float, float]:
        """Cores in use since the last call (at least a second ago, else that call's figure), and
        resident memory in MB."""
        now, spent = time.monotonic(), time.process_time()
        if now - self._at >= 1:
            self._cores = (spent - self._spent) / (now - self._at)
            self._at, self._spent = now, spent
        return self._cores, _resident_mb()


def _resident_mb() -> float:
    if sys.platform == "linux":
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    if sys.platform == "win32":
        return 0.0
    import resource

    # The most so far; macOS counts in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
