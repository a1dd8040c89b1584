"""A report as one HTML file that needs nothing else: no script, no font, no connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np

from effectcam.bench import plots, words
from effectcam.bench.report import Report

_STYLE = Path(__file__).with_name("page.css")

Cells = Sequence[str]


def report_page(report: Report) -> str:
    """The page. All that a report says is escaped: it may come from a stranger."""
    effect = report.settings.effect
    title = f"{effect.name} {effect.version} on {report.device.cpu}"
    sections = "\n".join(section for section in _sections(report) if section)
    return document(title, words.settings_line(report), sections, report)


def document(title: str, told: str, sections: str, report: Report) -> str:
    """A whole page: ``sections`` is HTML, and what it came from stands below."""
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}: effectcam bench</title>\n"
        f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style></head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1><p>{escape(told)}</p></header>\n"
        f"{sections}\n"
        f"<footer>effectcam {escape(report.effectcam)}, {escape(report.made_at)}, device "
        f"{escape(report.device.id)}. Times are milliseconds of wall time; p99: one frame in a hundred takes "
        "longer.</footer>\n</body></html>\n"
    )


def _sections(report: Report) -> Iterator[str]:
    series = report.series
    done_s = np.array(series.done_ms, np.float64) / 1000
    chain = np.array(series.stages_ms["chain"], np.float64)
    yield _tiles(report)
    if report.conditions.notes:
        lines = "".join(f"<li>{escape(note)}</li>" for note in report.conditions.notes)
        yield f'<section class="card notes"><h2>To know before reading</h2><ul>{lines}</ul></section>'
    yield card(
        "Stages",
        "p50 solid, p95 and p99 behind it; in figures at the right, in ms. The chain is measured by itself.",
        plots.stage_bars(report.stages_ms),
    )
    told = "" if series.every == 1 else f" One frame in {series.every} is shown."
    yield card(
        "Frame by frame",
        f"Chain time over the run.{told} Triangles: far beyond the scale.",
        plots.over_time(done_s, chain),
    )
    yield card(
        "How the chain's times are spread",
        "Share of the frames; dashed: a frame's time at 60 and at 30 frames a second.",
        plots.histogram(chain),
    )
    if len(report.windows) > 2:
        yield card(
            "In the course of the run",
            f"Each point is {report.windows[0].seconds:g} s. Rising lines: the machine grows warm or busy.",
            plots.over_windows(report.windows),
        )
    if report.cold_start is not None:
        median = report.cold_start.median
        yield card(
            f"Cold start: {median.total_ms / 1000:.2f} s",
            f"From the start of a fresh process to its first finished frame; median of "
            f"{len(report.cold_start.runs)}, with its files in the disk's cache.",
            plots.parts_bar((f"cold {kind}", name, ms) for kind, name, ms in words.cold_parts(median)),
        )
    yield f'<div class="pair">{_students(report)}{_resources(report)}</div>'
    yield f'<div class="pair">{_device(report)}{_settings(report)}</div>'


def _tiles(report: Report) -> str:
    chain = report.stages_ms["chain"]
    at_30, at_60 = report.deadlines[0], report.deadlines[-1]
    tiles = [
        ("", f"{chain.p50:.1f} <small>ms</small>", "chain, p50"),
        (_grade(chain.p99), f"{chain.p99:.1f} <small>ms</small>", "chain, p99"),
        ("", f"{report.rates.throughput:.1f} <small>fps</small>", "throughput"),
        (
            _grade(1000 / max(report.rates.low_1_percent, 0.001)),
            f"{report.rates.low_1_percent:.1f} <small>fps</small>",
            "1 % low",
        ),
        (
            "bad" if at_30.missed else "",
            f"{at_30.missed}",
            f"of {report.frames.measured} frames over {at_30.ms:g} ms",
        ),
        ("", f"{100 * at_60.share:.1f} <small>%</small>", f"over {at_60.ms:g} ms"),
        (
            "",
            f"{1000 * report.cpu.seconds_per_frame:.1f} <small>ms</small>",
            f"CPU a frame, {report.cpu.cores:.1f} cores",
        ),
    ]
    tiles.append(("", f"{report.memory.end_mb - report.memory.clip_mb:.0f} <small>MB</small>", "memory"))
    if report.delay_ms is not None:
        tiles.insert(
            2,
            (_grade(report.delay_ms.p99), f"{report.delay_ms.p99:.1f} <small>ms</small>", "due to done, p99"),
        )
    if report.settings.pace_fps is not None:
        late = report.drops.late
        tiles.append(("bad" if late else "", f"{late}", "frames left out as late"))
    cards = "".join(
        f'<div class="card {kind}"><b>{value}</b><span>{escape(name)}</span></div>'
        for kind, value, name in tiles
    )
    return f'<div class="tiles">{cards}</div>'


def _grade(ms: float) -> str:
    return "bad" if ms > 33.3 else "near" if ms > 16.7 else ""


def card(title: str, told: str, drawing: str) -> str:
    head = f"<h2>{escape(title)}</h2><p>{escape(told)}</p>"
    return f'<section class="card">{head}<div class="scroll">{drawing}</div></section>'


def _students(report: Report) -> str:
    rows = [(f"{student.place} student", words.student_line(student)) for student in report.students]
    peak = report.device.peak
    rows.append(
        (
            "a matrix product",
            f"{peak.one_core_gflops:.0f} GFLOP/s on one core, {peak.all_cores_gflops:.0f} on all of them",
        )
    )
    return facts_card("Students, beside the ideal", rows)


def _resources(report: Report) -> str:
    drops = report.drops
    rows = [
        ("CPU", words.cpu_line(report.cpu)),
        ("memory", words.memory_line(report.memory)),
        ("energy", words.energy_line(report.energy)),
        ("left out", f"{drops.late} late, {drops.failed} failed"),
        ("neighbours", words.conditions_line(report.conditions)),
    ]
    rows += [("competitor", words.encoder_line(encoder, report.seconds)) for encoder in report.load]
    return facts_card("What it took", rows)


def _device(report: Report) -> str:
    device = report.device
    cores = f"{device.cores.usable} usable of {device.cores.logical}"
    rows = [
        ("processor", device.cpu + ("" if device.max_mhz is None else f", up to {device.max_mhz:.0f} MHz")),
        ("instructions", f"{device.architecture}: {', '.join(device.flags) or 'not listed by this system'}"),
        ("cores", cores if device.cores.physical is None else f"{cores}, {device.cores.physical} physical"),
        ("memory", f"{device.memory_mb / 1000:.1f} GB"),
        ("system", f"{device.system}, {device.kernel}"),
        ("virtual", device.virtual or "no sign of it"),
        *(
            (
                f"{where.name} in use",
                where.device if where.driver is None else f"{where.device}, {where.driver}",
            )
            for where in device.accelerators
        ),
        ("libraries", ", ".join(f"{name} {version}" for name, version in device.libraries.items())),
    ]
    return facts_card("Device", rows)


def _settings(report: Report) -> str:
    settings, clip, effect = report.settings, report.settings.clip, report.settings.effect
    length = f"{settings.frames} frames" if settings.frames is not None else f"{settings.seconds:g} s"
    rows = [
        ("effect", f"{effect.name} {effect.version}, {effect.tier} tier, for the {effect.space}"),
        ("accelerator", settings.accelerator),
        ("threads", "measured" if settings.threads is None else f"{settings.threads} a student"),
        ("cores kept to", f"{settings.cores}, at {settings.priority} priority"),
        ("frames", f"{settings.width}x{settings.height}, {words.counted(settings.faces, 'face')}"),
        (
            "clip",
            f"{clip.name}: {clip.frames} frames of {clip.width}x{clip.height}, SHA-256 {clip.sha256[:12]}…",
        ),
        ("length", f"{length} after {settings.burn_in} of burn-in"),
        ("pace", "full speed" if settings.pace_fps is None else f"{settings.pace_fps:g} fps"),
        ("under load", words.counted(settings.under_load, "encoder")),
    ]
    return facts_card("What was asked for", rows)


def facts_card(title: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<section class="card"><h2>{escape(title)}</h2><table>{lines}</table></section>'
