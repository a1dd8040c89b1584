"""How long a fresh process takes from its start to the first finished frame, part by part."""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from effectcam.bench.report import ColdStart, ColdStarts
from effectcam.errors import BenchError, EffectcamError
from effectcam.frame import Pixels

_PROGRAM = (
    "import time; begun = time.perf_counter_ns()\n"
    "from effectcam.bench.cold_start import start_cold; start_cold(begun)"
)

_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Job:
    """What the fresh process shall start."""

    effect: str
    """Path of the package."""
    tier: str
    accelerator: str
    threads: int | None
    faces: int
    cores: int | None = None
    """As in `effectcam run`, which chooses its threads by them; None: half of those there are."""
    raised: bool = False
    """Before others, where the system lets this user go there."""


def measure_cold_starts(job: Job, picture: Pixels, runs: int) -> ColdStarts | None:
    """``runs`` fresh processes one after another; None for 0. ``picture`` is their first frame, handed over
    decoded. Raises BenchError when one fails."""
    if runs == 0:
        return None
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frame.npy"
        np.save(file, picture)
        found = [_in_a_process(job, file) for _ in range(runs)]
    names = [field.name for field in fields(ColdStart)]
    median = {name: statistics.median(getattr(run, name) for run in found) for name in names}
    return ColdStarts(runs=found, median=ColdStart(**median))


def _in_a_process(job: Job, picture: Path) -> ColdStart:
    asked = json.dumps({**asdict(job), "picture": str(picture)})
    # perf_counter is one clock for all processes of a machine on Linux, macOS and Windows alike.
    begun = time.perf_counter_ns()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            input=asked,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(
            f"a fresh start did not end within {_TIMEOUT:g} s; leave it out with --cold-starts 0"
        ) from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise BenchError(f"a fresh start failed ({lines[-1]}); leave it out with --cold-starts 0")
    told = json.loads(done.stdout)
    if "error" in told:
        raise BenchError(f"a fresh start failed: {told['error']}")
    moments = [begun, *told["moments"]]
    parts = [round((after - before) / 1e6, 3) for before, after in itertools.pairwise(moments)]
    interpreter, imports, effect, graph, compiled, first_frame = parts
    return ColdStart(
        interpreter_ms=interpreter,
        imports_ms=imports,
        effect_ms=effect,
        graph_ms=graph,
        compile_ms=compiled,
        first_frame_ms=first_frame,
        total_ms=round((moments[-1] - moments[0]) / 1e6, 3),
    )


def start_cold(begun: int) -> None:
    """The fresh process's side: the job from standard input, the moments of its parts to standard output.
    ``begun``: when Python ran its first line."""
    try:
        answer: dict[str, Any] = {"moments": [begun, *_moments(json.load(sys.stdin))]}
    except EffectcamError as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout)


def _moments(job: dict[str, Any]) -> list[int]:
    moments = []
    from effectcam.live.cores import keep_to
    from effectcam.live.priority import raise_priority

    keep_to(job["cores"])
    if job["raised"]:
        raise_priority()
    import ai_edge_litert.compiled_model  # noqa: F401
    import numpy as np

    from effectcam.effect.package import load_effect
    from effectcam.face.mesh import FaceMesh
    from effectcam.frame import Frame
    from effectcam.pipeline import Pipeline

    moments.append(time.perf_counter_ns())
    effect = load_effect(Path(job["effect"]))
    moments.append(time.perf_counter_ns())
    mesh = FaceMesh(job["faces"]) if "face" in effect.places else None
    moments.append(time.perf_counter_ns())
    with Pipeline(
        effect,
        tier=job["tier"],
        accelerator=job["accelerator"],
        threads=job["threads"],
        max_faces=job["faces"],
        mesh=mesh,
    ) as pipeline:
        moments.append(time.perf_counter_ns())
        frame = Frame(np.load(job["picture"]), 0, 0)
        loaded = time.perf_counter_ns()
        pipeline.process(frame)
        # Without the time that the picture took to be read, which a camera does not cost.
        reading = loaded - moments[-1]
        moments.append(time.perf_counter_ns() - reading)
    return moments
