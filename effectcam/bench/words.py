"""How a report is told in words, on the terminal and on the page alike."""

from __future__ import annotations

from effectcam.bench.report import (
    ColdStart,
    Conditions,
    Cpu,
    Drops,
    Encoder,
    Energy,
    Memory,
    Percentiles,
    Rates,
    Report,
    StudentSpeed,
)


def settings_line(report: Report) -> str:
    """What was measured, in one line."""
    settings = report.settings
    pace = "at full speed" if settings.pace_fps is None else f"offered at {settings.pace_fps:g} fps"
    load = f", beside {counted(settings.under_load, 'x264 encode')}" if settings.under_load else ""
    size = f"{settings.width}x{settings.height}"
    where = ", ".join(accelerator.name for accelerator in report.device.accelerators)
    return (
        f"{settings.effect.tier} tier on {where}, {size}, {counted(settings.faces, 'face')}: "
        f"{report.frames.measured} frames in {report.seconds:.1f} s, {pace}{load}"
    )


def counted(number: int, thing: str) -> str:
    """
    >>> counted(1, "face"), counted(2, "face")
    ('1 face', '2 faces')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def rates_line(rates: Rates) -> str:
    return f"{rates.throughput:.1f} frames a second, 1 % low {rates.low_1_percent:.1f}"


def deadlines_line(report: Report) -> str:
    """How many frames missed each, and how many at most in a row."""
    told = []
    for deadline in report.deadlines:
        row = f", {deadline.longest} in a row" if deadline.longest > 1 else ""
        told.append(f"{deadline.missed} over {deadline.ms:g} ms ({100 * deadline.share:.1f} %{row})")
    return "; ".join(told)


def delay_line(delay: Percentiles, drops: Drops) -> str:
    """How late frames were that were offered at a rate."""
    return (
        f"p50 {delay.p50:.1f} ms, p95 {delay.p95:.1f}, p99 {delay.p99:.1f}, max {delay.max:.1f}; "
        f"{drops.late} left out as late"
    )


def cold_start_line(start: ColdStart) -> str:
    parts = ", ".join(f"{name} {ms:.0f}" for _, name, ms in cold_parts(start))
    return f"{start.total_ms:.0f} ms: {parts}"


def cpu_line(cpu: Cpu) -> str:
    return f"{1000 * cpu.seconds_per_frame:.1f} ms a frame, {cpu.cores:.2f} cores on average"


def memory_line(memory: Memory) -> str:
    """Apart from the clip's frames, which a live run does not hold."""
    growth = memory.growth_mb_per_minute
    told = (
        f"{memory.end_mb - memory.clip_mb:.0f} MB beside {memory.clip_mb:.0f} MB of decoded clip, "
        f"peak {memory.peak_mb:.0f}"
    )
    return told if growth is None else f"{told}; {growth:+.2f} MB a minute"


def cold_parts(start: ColdStart) -> list[tuple[str, str, float]]:
    """(key, name, milliseconds) in the order in which they come."""
    return [
        ("interpreter", "Python", start.interpreter_ms),
        ("imports", "imports", start.imports_ms),
        ("effect", "package", start.effect_ms),
        ("graph", "face graph", start.graph_ms),
        ("compile", "students", start.compile_ms),
        ("first-frame", "first frame", start.first_frame_ms),
    ]


def student_line(student: StudentSpeed) -> str:
    """How fast one network is by itself, and how near to the ideal."""
    on_cpu = student.accelerator == "cpu"
    where = counted(student.threads, "thread") if on_cpu else f"the {student.accelerator}"
    told = f"{student.p50_ms:.2f} ms on {where}, {student.multiply_adds / 1e6:.0f} M multiply-adds: "
    if student.peak_gflops is None or student.share is None:
        told += f"{student.gflops:.0f} GFLOP/s"
    else:
        told += f"{student.gflops:.0f} of {student.peak_gflops:.0f} GFLOP/s ({100 * student.share:.0f} %)"
    if student.delegation is None:
        return told
    return f"{told}; {student.delegation.delegated} of {student.delegation.operators} operators delegated"


def energy_line(energy: Energy) -> str:
    if energy.joules is None or energy.joules_per_frame is None or energy.watts is None:
        return f"not read: {energy.unread}"
    return (
        f"{energy.watts:.1f} W, {1000 * energy.joules_per_frame:.0f} mJ a frame, of the whole machine "
        f"({', '.join(energy.domains)})"
    )


def conditions_line(conditions: Conditions) -> str:
    """What others did meanwhile."""
    load = "" if conditions.load_1m is None else f", load {conditions.load_1m:.1f} before"
    stolen = f"{100 * conditions.steal_share:.1f} % stolen"
    return f"{conditions.others_cores:.2f} cores busy with others, {stolen}{load}"


def encoder_line(encoder: Encoder, seconds: float) -> str:
    """What a competitor achieved in the ``seconds`` of the steady state."""
    offered = encoder.frames + encoder.skipped
    share = 100 * encoder.frames / offered if offered else 0.0
    return (
        f"x264 {encoder.width}x{encoder.height} at {encoder.fps:g} fps: {share:.0f} % encoded in time, "
        f"{encoder.encode_p50_ms:.0f} ms a frame, {encoder.cpu_seconds / seconds:.1f} cores"
    )
