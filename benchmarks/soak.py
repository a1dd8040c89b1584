"""A long run as a streamer has it: clip in a loop, panel open, a script that asks: does anything grow?

    python -m benchmarks.soak --minutes 30
    python -m benchmarks.soak --minutes 180 --effect toon --clip me.mp4

The run is a process of its own, told what to do over the panel's interface alone: a preview stays open, the
state is asked for twice a second, and the strength is changed every five seconds. A line a minute tells what
the run says of itself. Memory of the first minute, while caches fill, is shown and not compared.
"""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import click
import numpy as np
from rich.console import Console

import effectcam
from benchmarks.command import run
from effectcam.errors import EffectcamError

_DEMO = Path(effectcam.__file__).with_name("media") / "demo.mp4"


_PANEL = re.compile(r"panel: (http\S+)")


@contextmanager
def _running(effect: str, clip: Path, priority: str) -> Iterator[str]:
    """``effectcam run`` with its panel open, and nowhere to send to; the panel's address."""
    command = [sys.executable, "-m", "effectcam", "run", str(clip), "--loop", "--effect", effect]
    command += ["--priority", priority, "--panel", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = process.stdout
    assert said is not None
    try:
        for line in said:
            if found := _PANEL.search(line):
                # What comes after must be read too, or the run would wait for somebody to hear it.
                Thread(target=deque, args=(said, 0), daemon=True).start()
                yield found[1]
                return
        raise EffectcamError(f"the run ended with exit code {process.wait()} before its panel opened")
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _watch(url: str, minutes: float, console: Console) -> list[dict[str, Any]]:
    """The run's state, twice a second, until the time is up."""
    address = urlsplit(url)
    token = parse_qs(address.query)["token"][0]
    base = f"http://{address.netloc}"
    states: list[dict[str, Any]] = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as client:
        preview = asyncio.create_task(_look(client, f"{base}/preview.ws"))
        end, shown = time.monotonic() + 60 * minutes, 0
        while time.monotonic() < end:
            if preview.done():
                raise EffectcamError("the preview closed before the time was up; the run's own news says why")
            async with client.get(f"{base}/api/status") as answer:
                states.append(await answer.json())
            if len(states) % 10 == 0:
                strength = 1.0 if len(states) % 20 else 0.6
                await client.post(f"{base}/api/command", json={"do": "strength", "value": strength})
            if states[-1]["uptime_s"] >= 60 * (shown + 1):
                shown += 1
                _show(console, shown, states[-120:])
            await asyncio.sleep(0.5)
        preview.cancel()
    return states


async def _look(client: aiohttp.ClientSession, url: str) -> None:
    async with client.ws_connect(url) as socket:
        async for _ in socket:
            pass


def _show(console: Console, minute: int, states: list[dict[str, Any]]) -> None:
    delays = [state["delay_ms"] for state in states if state["delay_ms"] is not None]
    rate = (states[-1]["frames"] - states[0]["frames"]) / (states[-1]["uptime_s"] - states[0]["uptime_s"])
    console.print(
        f"minute {minute:3}: {rate:5.1f} fps, delay {np.median(delays):5.1f} ms (at most {max(delays):.1f}), "
        f"{states[-1]['memory_mb']:6.1f} MB, {np.mean([s['cpu_cores'] for s in states]):4.2f} cores, "
        f"{states[-1]['tier']}, {states[-1]['showing']}"
    )


@click.command()
@click.option("--effect", "-e", default="zombie", show_default=True, help="Name or path.")
@click.option("--clip", default=_DEMO, type=click.Path(path_type=Path), help="Played again and again.")
@click.option("--minutes", default=30.0, show_default=True, type=click.FloatRange(2), help="How long.")
@click.option("--priority", default="normal", type=click.Choice(["normal", "raised"]), help="As in run.")
def soak(effect: str, clip: Path, minutes: float, priority: str) -> None:
    """Run for long, and tell whether memory or delay grow."""
    console = Console(highlight=False, soft_wrap=True)
    with _running(effect, clip, priority) as url:
        states = asyncio.run(_watch(url, minutes, console))
    steady = [state for state in states if state["uptime_s"] > 60]
    hours = np.array([state["uptime_s"] for state in steady]) / 3600
    for name, unit in (("memory_mb", "MB"), ("delay_ms", "ms")):
        values = np.array([state[name] for state in steady], float)
        slope, _ = np.polyfit(hours, values, 1)
        tenth = max(1, len(values) // 10)
        first, last = np.median(values[:tenth]), np.median(values[-tenth:])
        console.print(f"{name}: {first:.1f} at first, {last:.1f} at last, {slope:+.1f} {unit} an hour")
    console.print(f"frames: {states[-1]['frames']}, news: {states[-1]['news']}")


if __name__ == "__main__":
    sys.exit(run(soak, "soak"))
