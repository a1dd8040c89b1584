"""A replay as one HTML file that needs nothing else: pictures, worst frames, timelines, gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import effectcam
from effectcam.effect.manifest import Manifest
from effectcam.ledger import STAGES
from effectcam.replay.evidence import AT, BRIGHTEST, SHOWN, Findings, HeatMap, Pair, WorstFrame, data_uri
from effectcam.replay.metrics import FIGURES
from effectcam.replay.report import ClipReport
from effectcam.replay.timeline import Timeline
from effectcam.replay.timeline_plot import Line, plot

_STYLE = Path(__file__).with_name("page.css")
_SCRIPT = Path(__file__).with_name("page.js")

_KEY_FIGURES = (
    "warping_ratio",
    "face_warping_ratio",
    "flicker",
    "seam",
    "landmark_error",
    "coverage",
    "psnr",
)
"""Of the table of clips."""

_BESIDE = {name: f"{name}_floor" for name in ("warping", "face_warping", "drift", "flicker")}
"""Figures drawn with the input's own below them."""


@dataclass(frozen=True, slots=True)
class ShownClip:
    """What a page shows of a clip."""

    report: ClipReport
    findings: Findings = field(default_factory=Findings)

    @property
    def judged(self) -> list[tuple[bool, str]]:
        """Whether it passed and a line: of its golden, if it has one, and of each gate."""
        check, gates = self.report.check, self.report.gates or ()
        golden = [] if check is None else [(check.first is None, f"golden: {check}")]
        return golden + [(gate.passed, gate.told) for gate in gates]


def replay_page(
    effect: Manifest,
    clips: Sequence[ShownClip],
    *,
    tier: str,
    accelerator: str = "cpu",
    failures: Sequence[str] = (),
    told: Sequence[str] = (),
) -> str:
    """The page. All that comes from files is escaped. ``failures``: a line for each clip that did not go
    through or that the golden has and the run had not; ``told``: lines about the run, such as the faults that
    were planted."""
    title = f"{effect.name} {effect.version}, {_counted(len(clips), 'clip')}"
    sections = [*_overview(clips, failures, told)]
    sections += [_clip(number, clip) for number, clip in enumerate(clips)]
    line = f"{effect.title}, {tier} tier, for the {effect.space}, on the {accelerator.upper()}"
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}: effectcam replay</title>\n"
        f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style></head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1><p>{escape(line)}</p></header>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + f"\n</main>\n<footer>effectcam {escape(effectcam.__version__)}. Every figure is explained in "
        "docs/qa.md; values of one clip may be compared, values of two may not.</footer>\n"
        f"<script>\n{_SCRIPT.read_text(encoding='utf-8')}</script>\n</body></html>\n"
    )


def _overview(clips: Sequence[ShownClip], failures: Sequence[str], told: Sequence[str]) -> Iterator[str]:
    judged = [(passed, f"{clip.report.path}: {line}") for clip in clips for passed, line in clip.judged]
    broken = [*failures, *(line for passed, line in judged if not passed)]
    if broken:
        yield _list("Failed", broken, kind="failed")
    elif judged:
        yield _list("Passed", [f"all that was asked: {_counted(len(judged), 'check')}"], kind="passed")
    warnings = [warning for clip in clips for warning in clip.report.warnings]
    if told or warnings:
        yield _list("To know before reading", [*told, *warnings], kind="notes")
    if clips:
        yield _table(clips)


def _list(title: str, lines: Sequence[str], *, kind: str) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<section class="card {kind}"><h2>{escape(title)}</h2><ul>{items}</ul></section>'


def _table(clips: Sequence[ShownClip]) -> str:
    shown = [name for name in _KEY_FIGURES if any(name in (clip.report.metrics or {}) for clip in clips)]
    heads = ["frames", "with face", "faces", *shown, "chain p95, ms"]
    rows = []
    for number, clip in enumerate(clips):
        report, metrics = clip.report, clip.report.metrics or {}
        cells = [str(report.frames), str(report.faces.frames_with_face), str(report.faces.identities)]
        cells += [f"{metrics[name].value:.4g}" if name in metrics else "" for name in shown]
        cells.append(f"{report.stages_ms['chain']['p95']:.1f}")
        link = f'<a href="#clip-{number}">{escape(Path(report.path).name)}</a>'
        rows.append(
            f'<tr><th scope="row">{link}</th>{"".join(f"<td class=n>{cell}</td>" for cell in cells)}</tr>'
        )
    head = "".join(f'<th scope="col" class="n">{escape(_words(each))}</th>' for each in heads)
    table = f'<table><tr><th scope="col">clip</th>{head}</tr>{"".join(rows)}</table>'
    return f'<section class="card"><h2>Clips</h2><div class="scroll" tabindex="0">{table}</div></section>'


def _clip(number: int, clip: ShownClip) -> str:
    report, findings = clip.report, clip.findings
    seconds = report.frames / report.fps if report.fps else 0.0
    line = (
        f"{report.width}x{report.height}, {report.frames} frames, {seconds:.1f} s at {report.fps:g} fps; "
        f"{report.faces.frames_with_face} frames with a face, {_counted(report.faces.identities, 'identity')}"
    )
    parts = [
        f"<header><h2>{escape(Path(report.path).name)}</h2><p>{escape(line)}</p></header>",
        _gates(clip),
        _compare(number, findings.pairs),
        _worst(findings.worst),
        _timelines(number, clip),
        _maps(findings),
        _figures(clip),
    ]
    inside = "\n".join(part for part in parts if part)
    return f'<article id="clip-{number}" class="clip">\n{inside}\n</article>'


def _compare(number: int, pairs: Sequence[Pair]) -> str:
    if not pairs:
        return ""
    choices, stages = [], []
    for place, pair in enumerate(pairs):
        name = f"frame {pair.frame}"
        checked = " checked" if place == 0 else ""
        choices.append(
            f'<label><input type="radio" name="frame-{number}" value="{place}"{checked}> {name} '
            f"<small>{pair.at / 1e9:.2f} s</small></label>"
        )
        stages.append(
            f'<div class="stage{" on" if place == 0 else ""}">'
            f'<img class="before" alt="{name} before the effect" src="{data_uri(pair.before)}">'
            f'<img class="after" alt="{name} after the effect" src="{data_uri(pair.after)}">'
            f'<img class="difference" alt="{name}: what differs" src="{data_uri(pair.difference)}">'
            '<span class="divider"></span>'
            '<input type="range" min="0" max="100" value="50" step="1" '
            f'aria-label="Divider in {name}: before the effect at its left, after it at its right"></div>'
        )
    return (
        '<section class="card compare"><h3>Before and after</h3>'
        "<p>Drag the divider, or use the arrow keys; at its left the input.</p>"
        f'<div class="choices"><fieldset><legend>Frame</legend>{"".join(choices)}</fieldset>'
        '<label><input type="checkbox" class="heat"> show the difference instead of the output</label></div>'
        f"{''.join(stages)}</section>"
    )


def _worst(worst: Sequence[WorstFrame]) -> str:
    if not worst:
        return ""
    shown = []
    for each in worst:
        figure = FIGURES[each.figure]
        value = f"{each.value:.4g}{' ' + figure.unit if figure.unit else ''}"
        shown_as = f"{SHOWN[each.figure]} (brightest: {BRIGHTEST[each.figure]:g} of 255)"
        told = f"{_words(each.figure)} {value} in frame {each.frame}: {SHOWN[each.figure]}"
        shown.append(
            f'<figure><img alt="{escape(told)}" src="{data_uri(each.pictures)}">'
            f"<figcaption><b>{escape(_words(each.figure))} {escape(value)}</b> "
            f'<button type="button" data-frame="{each.frame}">frame {each.frame}</button>, '
            f"{each.at / 1e9:.2f} s <small>{shown_as}</small></figcaption></figure>"
        )
    return (
        '<section class="card"><h3>Worst frames</h3><p>Of each figure up to three, half a second apart: what '
        "a viewer would stumble over first.</p>"
        f'<div class="worst-frames">{"".join(shown)}</div></section>'
    )


def _maps(findings: Findings) -> str:
    shown = [
        _map("Where the effect draws", "between input and output", findings.difference),
        _map("Where it parts from the golden", "between golden and output", findings.golden_difference),
    ]
    inside = "".join(shown)
    return f'<div class="pair">{inside}</div>' if inside else ""


def _map(title: str, between: str, found: HeatMap | None) -> str:
    if found is None:
        return ""
    told = (
        f"Mean difference {between} over the clip. Black: none; yellow: {found.brightest:.3g} of 255 or more."
    )
    picture = f'<img class="map" alt="heat map" src="{data_uri(found.picture)}">'
    return f'<section class="card"><h3>{title}</h3><p>{escape(told)}</p>{picture}</section>'


def _timelines(number: int, clip: ShownClip) -> str:
    lines, metrics = clip.findings.timelines, clip.report.metrics or {}
    frames = max((line.frames for line in lines.values()), default=0)
    drawn = []
    for name, figure in FIGURES.items():
        if name not in lines or name in _BESIDE.values():
            continue
        shown = [Line("output" if name in _BESIDE else name, "figure", lines[name])]
        if (floor := _BESIDE.get(name)) in lines:
            shown.append(Line("input", "floor", lines[floor]))  # type: ignore[index]
        worst = {each.frame: f"{each.value:.4g}" for each in clip.findings.worst if each.figure == name}
        varies = len({bound for each in lines[name] for bound in (each.low, each.high)}) > 1
        if not worst and name in metrics and varies:
            worst = {metrics[name].worst_frame or 0: f"worst: {metrics[name].worst or 0:.4g}"}
        legend = ' <i class="key figure">output</i> <i class="key floor">input</i>' if len(shown) == 2 else ""
        unit = f", {figure.unit}" if figure.unit else ""
        title = f"<h4>{escape(_words(name))}{escape(unit)}{legend}</h4><p>{escape(figure.means)}</p>"
        drawn.append(_row(title, plot(f"{_words(name)} frame by frame", shown, frames=frames, worst=worst)))
    stages = [
        Line(stage, stage, lines[f"stage {stage}"]) for stage in STAGES[::-1] if f"stage {stage}" in lines
    ]
    if stages:
        legend = " ".join(f'<i class="key {line.kind}">{line.name}</i>' for line in stages)
        title = f"<h4>stage times, ms {legend}</h4><p>wall time; they differ from run to run</p>"
        drawn.append(_row(title, plot("stage times frame by frame", stages, frames=frames, high=150)))
    if not drawn:
        return ""
    every = max(line.every for line in lines.values())
    thinned = f" Stretches of {every} frames: line, their mean; band, lowest to highest." if every > 1 else ""
    return (
        '<section class="card timelines"><h3>Frame by frame</h3>'
        f"<p>Triangles: the worst frames.{thinned} Point at a frame or move the slider to read numbers.</p>"
        f'<div class="reader" {_stamps(lines[AT])}><label>frame <input type="range" class="reading" min="0" '
        f'max="{max(0, frames - 1)}" value="0" aria-describedby="read-{number}"></label>'
        f'<output id="read-{number}"></output></div>{"".join(drawn)}</section>'
    )


def _stamps(line: Timeline) -> str:
    """Attributes for the page's script: seconds at which each stretch begins, and its length in frames."""
    return f'data-every="{line.every}" data-stamps="{[round(each.low, 3) for each in line]}"'


def _row(title: str, drawing: str) -> str:
    told = f'<div>{title}<p class="value"></p></div>'
    return f'<div class="timeline">{told}<div class="scroll">{drawing}</div></div>'


def _figures(clip: ShownClip) -> str:
    metrics = clip.report.metrics
    if not metrics:
        return ""
    rows = []
    for name, summary in metrics.items():
        figure = FIGURES[name]
        cells = [f"{summary.value:.4g}"]
        cells += ["" if each is None else f"{each:.4g}" for each in (summary.p50, summary.p95, summary.worst)]
        cells += ["" if summary.worst_frame is None else str(summary.worst_frame), str(summary.frames)]
        numbers = "".join(f"<td class=n>{cell}</td>" for cell in cells)
        rows.append(
            f'<tr><th scope="row" title="{escape(figure.means)}">{escape(_words(name))}</th>'
            f"<td>{escape(figure.unit)}</td><td>{figure.better}</td>{numbers}</tr>"
        )
    heads = ("value", "p50", "p95", "worst", "worst frame", "frames")
    head = '<th scope="col">figure</th><th scope="col">unit</th><th scope="col">better</th>'
    head += "".join(f'<th scope="col" class="n">{each}</th>' for each in heads)
    table = f"<table><tr>{head}</tr>{''.join(rows)}</table>"
    return (
        f'<section class="card"><h3>All figures</h3><div class="scroll" tabindex="0">{table}</div></section>'
    )


def _gates(clip: ShownClip) -> str:
    if not clip.judged:
        return ""
    rows = "".join(
        f'<tr><td class="{"pass" if passed else "fail"}">{"passed" if passed else "failed"}</td>'
        f"<td>{escape(told)}</td></tr>"
        for passed, told in sorted(clip.judged, key=lambda line: line[0])
    )
    return f'<section class="card"><h3>Gates</h3><table class="gates">{rows}</table></section>'


def _words(name: str) -> str:
    """
    >>> _words("face_warping_ratio")
    'face warping ratio'
    """
    return name.replace("_", " ")


def _counted(count: int, noun: str) -> str:
    """
    >>> _counted(1, "clip"), _counted(2, "identity")
    ('1 clip', '2 identities')
    """
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count} {noun if count == 1 else plural}"
