"""The data card: what a dataset holds, what was turned away, and what neither says. No picture of anybody."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from effectcam.distill import dataset
from effectcam.distill.dataset import Entry
from effectcam.distill.fitness import REASONS, Limits
from effectcam.distill.likeness import largest
from effectcam.distill.monk import BANDS, SWATCHES
from effectcam.distill.sources import Source
from effectcam.distill.survey import Sighting
from effectcam.distill.tones import TONES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _FAINT, _ACCENT = "#333333", "#bbbbbb", "#2f6fab"
_FEWEST_TO_JUDGE = 5

_ON_TONES = """\
Bands are of the Monk Skin Tone scale: the nearest swatch by CIEDE2000 to the lit skin, after the colour of
the light (Shades of Grey over the surround) and underexposure were corrected. The typology angle is that
of the cheeks as they are. Both measure a picture in its light, not a person; light skin comes out about two
Monk bands darker than somebody would say who looks at it, since cameras expose it below the scale's first
four swatches; bands 1 to 5 are therefore weighed as one. Nobody's origin follows from either."""

_ON_POSE = """\
Angles are the face mesh's, which flattens turns beyond 45°; a level head has a pitch of about −7°."""

_ON_PEOPLE = """\
No face recognition is used. Pictures count as one person's if they are frames of one clip, if their files'
names differ in a last number only (or their folders say so), or if head, clothes, light and background agree.
A person in other clothes under another name counts as another person, and may then be trained on and
measured on: give such files names that tell."""


def write_card(
    folder: Path,
    entries: Sequence[Entry],
    refused: Sequence[Sighting],
    sources: Sequence[Source],
    limits: Limits,
) -> None:
    """Write ``DATA.md`` and its plots, ``tones.png``, ``pose.png``, ``size.png`` and ``refused.png``."""
    for name, data in plots(entries, refused, limits).items():
        dataset.put(folder / name, data)
    dataset.put(folder / "DATA.md", card_text(entries, refused, sources).encode())


def card_text(entries: Sequence[Entry], refused: Sequence[Sighting], sources: Sequence[Source]) -> str:
    """The text of ``DATA.md``."""
    splits = Counter(entry.split for entry in entries)
    people = len({entry.person for entry in entries})
    counts = (
        f"{len(entries)} pictures of {people} people: {splits['train']} to train on, {splits['held-out']} to "
        f"measure on (one a person), {splits['spare']} spare (more pictures of those people). {len(refused)} "
        "more were refused; `refused.jsonl` has each with its reason."
    )
    parts = ["# Data card", counts]
    parts += ["## Sources", _sources(entries, refused, sources), _credit(entries, sources)]
    parts += ["## Skin", "![Pictures in each band of the Monk scale](tones.png)", _tones(entries, refused)]
    parts += [_judgement(entries, refused), _ON_TONES]
    parts += [
        "## Pose and size",
        "![How heads are turned](pose.png)",
        "![Size of the faces](size.png)",
        _ON_POSE,
    ]
    parts += ["## Refused", "![What was refused and why](refused.png)", _reasons(refused)]
    parts += ["## People", _ON_PEOPLE, _people(entries)]
    return "\n\n".join(part for part in parts if part) + "\n"


def plots(entries: Sequence[Entry], refused: Sequence[Sighting], limits: Limits) -> dict[str, bytes]:
    """PNG files by name."""
    return {
        "tones.png": _png(lambda axes: _draw_tones(axes, entries)),
        "pose.png": _png(lambda axes: _draw_pose(axes, entries, limits)),
        "size.png": _png(lambda axes: _draw_size(axes, entries, refused, limits)),
        "refused.png": _png(lambda axes: _draw_refused(axes, refused)),
    }


def _sources(entries: Sequence[Entry], refused: Sequence[Sighting], sources: Sequence[Source]) -> str:
    kept, gone = Counter(e.source for e in entries), Counter(s.source for s in refused)
    rows = [
        f"| {_cell(source.name)} | {_cell(source.notice.licence)} | {_cell(source.notice.origin or '—')} "
        f"| {kept[source.name]} | {gone[source.name]} |"
        for source in sources
    ]
    return _table("| source | licence | origin | pictures | refused |", rows)


def _credit(entries: Sequence[Entry], sources: Sequence[Source]) -> str:
    kept = Counter(entry.source for entry in entries)
    told = [
        f"{kept[source.name]} pictures from {source.notice.origin or source.name} ({source.notice.licence})"
        for source in sources
        if kept[source.name]
    ]
    return f"In an effect's card (`distill export --source`): {'; '.join(told)}."


def _tones(entries: Sequence[Entry], refused: Sequence[Sighting]) -> str:
    kept, gone = Counter(e.monk for e in entries), Counter(s.face.monk for s in refused if s.face)
    people = {band: len({e.person for e in entries if e.monk == band}) for band in BANDS}
    shown, total = _shown(entries)
    held = Counter(entry.monk for entry in entries if entry.split == "held-out")
    rows = [
        f"| {band} | {kept[band]} | {people[band]} | {held[band]} "
        f"| {100 * shown[band] / total:.0f} % | {gone[band]} |"
        for band in BANDS
    ]
    monk = _table("| Monk band | pictures | people | held out | share of training | refused |", rows)
    angles = Counter(entry.tone for entry in entries)
    by_angle = ", ".join(f"{tone} {angles[tone]}" for tone in TONES)
    return f"{monk}\n\nBy the individual typology angle: {by_angle}."


def _shown(entries: Sequence[Entry]) -> tuple[dict[int, float], float]:
    shown = {band: sum(e.weight for e in entries if e.monk == band and e.split == "train") for band in BANDS}
    return shown, sum(shown.values())


def _judgement(entries: Sequence[Entry], refused: Sequence[Sighting]) -> str:
    """Whether the limits turned one tone away more than others; copies are nobody's loss."""
    kept = Counter(entry.monk for entry in entries)
    gone = Counter(
        s.face.monk for s in refused if s.face and s.refusal and s.refusal.reason != "near duplicate"
    )
    shares = {
        band: gone[band] / (kept[band] + gone[band])
        for band in BANDS
        if kept[band] + gone[band] >= _FEWEST_TO_JUDGE
    }
    missing = [str(band) for band in BANDS if not kept[band]]
    told = f"Nobody is in band {', '.join(missing)}. " if missing else ""
    if len(shares) < 2:
        return told.strip()
    if max(shares.values()) < 0.01:
        return f"{told}No band lost a face in a hundred to the limits, near duplicates aside."
    low, high = min(shares, key=lambda band: shares[band]), max(shares, key=lambda band: shares[band])
    return (
        f"{told}Of the bands with {_FEWEST_TO_JUDGE} faces or more, band {high} lost most to the limits "
        f"({shares[high]:.0%}) and band {low} least ({shares[low]:.0%}), near duplicates aside."
    )


def _reasons(refused: Sequence[Sighting]) -> str:
    counts = Counter(s.refusal.reason for s in refused if s.refusal)
    rows = [f"| {reason} | {counts[reason]} |" for reason in REASONS if counts[reason]]
    return _table("| reason | pictures |", rows) if rows else "Nothing was."


def _people(entries: Sequence[Entry]) -> str:
    groups = largest([entry.person for entry in entries], 10)
    if not groups:
        return "Each picture is of another person."
    rows = [f"| {_cell(person)} | {count} |" for person, count in groups]
    return "Most pictures of one person:\n\n" + _table("| first picture | pictures |", rows)


def _table(head: str, rows: Sequence[str]) -> str:
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _png(draw: Callable[[Axes], None]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    draw(axes)
    data = io.BytesIO()
    # Without its version, so that the same data gives the same file.
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()


def _draw_tones(axes: Axes, entries: Sequence[Entry]) -> None:
    kept = Counter(entry.monk for entry in entries)
    shown, total = _shown(entries)
    for band, (red, green, blue) in zip(BANDS, SWATCHES, strict=True):
        share = 100 * kept[band] / len(entries)
        axes.bar(band - 0.2, share, 0.38, color=(red / 255, green / 255, blue / 255), edgecolor=_INK)
        axes.bar(band + 0.21, 100 * shown[band] / total, 0.38, color="none", edgecolor=_INK, hatch="//")
        axes.annotate(str(kept[band]), (band - 0.2, share), ha="center", va="bottom", fontsize=8)
    axes.set_xticks(list(BANDS))
    axes.set_xlabel("band of the Monk scale (number of pictures above)")
    axes.set_ylabel("percent")
    axes.set_title("Pictures (filled) and how often training shows them (hatched)", fontsize=10)


def _draw_pose(axes: Axes, entries: Sequence[Entry], limits: Limits) -> None:
    for split, colour in (("train", _ACCENT), ("held-out", "#c8553d")):
        chosen = [entry for entry in entries if entry.split == split]
        yaw, pitch = [e.yaw for e in chosen], [e.pitch for e in chosen]
        axes.scatter(yaw, pitch, s=9, alpha=0.5, color=colour, edgecolors="none", label=split)
    axes.set_xlim(-limits.yaw, limits.yaw)
    axes.set_ylim(-limits.pitch, limits.pitch)
    axes.axhline(0, color=_FAINT, lw=0.6, zorder=0)
    axes.axvline(0, color=_FAINT, lw=0.6, zorder=0)
    axes.set_xlabel("yaw, degrees (to the right of the picture)")
    axes.set_ylabel("pitch, degrees (up)")
    axes.legend(frameon=False, fontsize=8)
    axes.set_title("How heads are turned; the edges are the limits", fontsize=10)


def _draw_size(axes: Axes, entries: Sequence[Entry], refused: Sequence[Sighting], limits: Limits) -> None:
    small = [
        s.face.fitness.eye_distance
        for s in refused
        if s.face and s.refusal and s.refusal.reason == "too small"
    ]
    sizes = [entry.eye_distance for entry in entries]
    edges = np.geomspace(
        min([limits.smallest, *small, *sizes]) * 0.9, max([limits.smallest, *sizes]) * 1.1, 32
    )
    axes.hist(
        [sizes, small], edges.tolist(), stacked=True, color=[_ACCENT, _FAINT], label=["kept", "too small"]
    )
    axes.axvline(limits.smallest, color=_INK, lw=1, ls="--")
    axes.set_xscale("log")
    ticks = [size for size in (10, 20, 40, 80, 160, 320, 640, 1280) if edges[0] <= size <= edges[-1]]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("distance between the outer corners of the eyes, pixels")
    axes.set_ylabel("pictures")
    axes.legend(frameon=False, fontsize=8)
    axes.set_title("Size of the faces; dashed: the limit", fontsize=10)


def _draw_refused(axes: Axes, refused: Sequence[Sighting]) -> None:
    from matplotlib.ticker import MaxNLocator

    counts = Counter(s.refusal.reason for s in refused if s.refusal)
    bars = axes.barh(list(REASONS), [counts[reason] for reason in REASONS], color=_FAINT)
    axes.bar_label(bars, padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("pictures")
    axes.set_title(f"Refused: {len(refused)}", fontsize=10)
