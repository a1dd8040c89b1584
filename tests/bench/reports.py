"""Reports of runs that never were, to read, show and compare."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from effectcam.bench import report as schema
from effectcam.bench.report import Report


def percentiles(times: list[float]) -> schema.Percentiles:
    p50, p95, p99 = np.percentile(times, (50, 95, 99))
    return schema.Percentiles(
        p50=float(p50), p95=float(p95), p99=float(p99), max=max(times), mean=float(np.mean(times))
    )


def made_report(*, frames: int = 200, seed: int = 0, slower: float = 1.0, **changes: Any) -> Report:
    """A sound report with gamma-distributed times, ``slower`` times as long; ``changes`` replace fields."""
    rng = np.random.default_rng(seed)

    def times(usual: float) -> list[float]:
        drawn = usual * slower * (0.9 + rng.gamma(2, 0.05, frames))
        return [round(float(time), 3) for time in drawn]

    stages = {"mesh": times(5), "crop": times(0.7), "student": times(5.5), "composite": times(3)}
    chain = [round(sum(row), 3) for row in zip(*stages.values(), strict=True)]
    stages["chain"] = chain
    cold = schema.ColdStart(
        interpreter_ms=60,
        imports_ms=1400,
        effect_ms=20,
        graph_ms=80,
        compile_ms=300,
        first_frame_ms=40,
        total_ms=1900,
    )
    seconds = sum(chain) / 1000
    made = Report(
        schema="effectcam.bench/1",
        effectcam="0.1.0",
        made_at="2026-11-26T06:00:00Z",
        device=schema.Device(
            id="0123456789ab",
            cpu="Example CPU",
            architecture="x86_64",
            flags=["avx2", "fma"],
            cores=schema.Cores(usable=2, logical=2, physical=None),
            max_mhz=None,
            memory_mb=16000,
            system="Example OS 1",
            kernel="Linux 6.1",
            virtual=None,
            libraries={"python": "3.11.2", "ai-edge-litert": "2.3.0"},
            accelerators=[schema.Accelerator(name="cpu", device="Example CPU", driver="XNNPACK")],
            peak=schema.Peak(one_core_gflops=70, all_cores_gflops=130),
        ),
        settings=schema.Settings(
            effect=schema.EffectUsed(name="zombie", version="1.0.0", tier="standard", space="face"),
            accelerator="cpu",
            threads=None,
            cores=2,
            priority="normal",
            clip=schema.ClipUsed(name="demo.mp4", sha256="ab" * 32, frames=60, width=1280, height=720),
            width=1280,
            height=720,
            faces=1,
            pace_fps=None,
            burn_in=30,
            frames=frames,
            seconds=None,
            under_load=0,
        ),
        conditions=schema.Conditions(
            load_1m=0.1,
            others_cores=0.02,
            steal_share=0,
            nice=0,
            cpu_governor=None,
            on_battery=None,
            notes=[],
        ),
        cold_start=schema.ColdStarts(runs=[cold], median=cold),
        seconds=seconds,
        frames=schema.FramesSeen(measured=frames, without_face=0, faces_mean=1),
        drops=schema.Drops(late=0, failed=0),
        stages_ms={stage: percentiles(stages[stage]) for stage in stages},
        delay_ms=None,
        rates=schema.Rates(throughput=frames / seconds, low_1_percent=1000 / max(chain)),
        deadlines=[
            schema.Deadline(
                ms=ms,
                missed=sum(time > ms for time in chain),
                share=sum(time > ms for time in chain) / frames,
                longest=0,
            )
            for ms in (33.3, 16.7)
        ],
        cpu=schema.Cpu(seconds=1.7 * seconds, seconds_per_frame=1.7 * seconds / frames, cores=1.7),
        memory=schema.Memory(start_mb=350, end_mb=351, peak_mb=400, clip_mb=166, growth_mb_per_minute=None),
        energy=schema.Energy(
            joules=None, joules_per_frame=None, watts=None, domains=[], unread="there is no RAPL here"
        ),
        students=[
            schema.StudentSpeed(
                place="face",
                file="face.tflite",
                sha256="cd" * 32,
                accelerator="cpu",
                threads=2,
                p50_ms=5.5 * slower,
                multiply_adds=160_000_000,
                gflops=58 / slower,
                peak_gflops=130,
                share=0.45 / slower,
                delegation=None,
            )
        ],
        load=[],
        windows=[
            schema.Window(
                start_s=0,
                seconds=seconds,
                frames=frames,
                chain_ms=percentiles(chain),
                fps=frames / seconds,
                missed=sum(time > 33.3 for time in chain),
                memory_mb=351,
                mhz=None,
                temperature_c=None,
            )
        ],
        series=schema.Series(
            every=1,
            done_ms=[round(float(done), 3) for done in np.cumsum(chain)],
            stages_ms={stage: list(stages[stage]) for stage in stages},
            delay_ms=None,
        ),
    )
    return replace(made, **changes)
