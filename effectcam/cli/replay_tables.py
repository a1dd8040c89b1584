"""What ``effectcam replay`` prints: a table of the clips, and one of their metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from effectcam.replay.report import ClipReport


def clips_table(reports: Sequence[ClipReport]) -> Table:
    """A row a clip."""
    from effectcam.cli import terminal

    numbers = ("frames", "with face", "faces", "chain p50 ms", "p95", "p99")
    made = terminal.table("clip", "size", *numbers, right=numbers)
    for report in reports:
        chain = report.stages_ms["chain"]
        made.add_row(
            *terminal.row(
                report.output or report.path,
                f"{report.width}x{report.height}",
                report.frames,
                report.faces.frames_with_face,
                report.faces.identities,
                *(f"{chain[name]:.1f}" for name in ("p50", "p95", "p99")),
            )
        )
    return made


def metrics_table(reports: Sequence[ClipReport]) -> Table:
    """A row a figure, a column a clip."""
    from effectcam.cli import terminal
    from effectcam.replay.metrics import FIGURES

    names = [Path(report.path).name for report in reports]
    made = terminal.table("figure", "unit", "better", right=())
    for name in names:
        made.add_column(name, justify="right", overflow="fold")
    for figure in FIGURES.values():
        summaries = [(report.metrics or {}).get(figure.name) for report in reports]
        if any(summaries):
            values = (f"{each.value:.4g}" if each else "" for each in summaries)
            made.add_row(*terminal.row(figure.name, figure.unit, figure.better, *values))
    return made


def checks_table(reports: Sequence[ClipReport]) -> Table:
    """A row a clip: the first frame and stage at which it parts from its golden, and by how much."""
    from effectcam.cli import terminal

    numbers = ("frames", "differ", "PSNR dB", "SSIM", "most")
    made = terminal.table("clip", "golden", "parts at", *numbers, right=numbers)
    for report in reports:
        check = report.check
        if check is not None:
            pictures = check.pictures
            told = [f"{pictures.psnr:.1f}", f"{pictures.ssim:.4f}", pictures.most] if pictures else [""] * 3
            made.add_row(
                *terminal.row(
                    report.path,
                    "parts" if check.first else "same" if check.exact else "alike",
                    f"frame {check.first.frame}, {check.first.stage}" if check.first else "",
                    *(check.frames[1], check.differing),
                    *told,
                    style="bold red" if check.first else "",
                )
            )
    return made
