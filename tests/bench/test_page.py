"""The page of a report: one file, and nothing in it that a report could smuggle in."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from effectcam.bench import plots
from effectcam.bench.page import report_page
from effectcam.bench.report import Percentiles, Window
from tests.bench.reports import made_report, percentiles


def drawings(page: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(found) for found in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def test_it_needs_nothing_from_elsewhere() -> None:
    page = report_page(made_report())
    assert page.startswith("<!doctype html>")
    assert not re.search(r"<script|<link|<img|@import|url\(|https?://", page)
    assert "prefers-color-scheme: dark" in page


def test_it_tells_the_figures() -> None:
    made = made_report()
    page = report_page(made)
    assert f"{made.stages_ms['chain'].p99:.1f} <small>ms</small>" in page
    for part in ("zombie 1.0.0 on Example CPU", "demo.mp4", "there is no RAPL here", "Cold start: 1.90 s"):
        assert part in page
    # Stages, frames, spread and cold start; a single window is no course of the run.
    assert len(drawings(page)) == 4


def test_notes_stand_before_the_figures() -> None:
    conditions = replace(made_report().conditions, notes=["somebody else was <busy>"])
    page = report_page(made_report(conditions=conditions))
    assert page.index("somebody else was &lt;busy&gt;") < page.index("Stages")


def test_what_a_stranger_wrote_stays_text() -> None:
    evil = '"><script>alert(1)</script>'
    made = made_report()
    made = replace(
        made,
        device=replace(made.device, cpu=evil, system=evil),
        settings=replace(made.settings, clip=replace(made.settings.clip, name=evil)),
        stages_ms={evil: made.stages_ms["mesh"], **made.stages_ms},
    )
    page = report_page(made)
    assert "<script" not in page and "&lt;script&gt;" in page
    assert drawings(page)


def test_every_frame_is_one_point_of_a_short_run() -> None:
    chain = np.full(100, 10.0)
    drawing = ElementTree.fromstring(plots.over_time(np.arange(1, 101) / 10, chain))
    (trace,) = drawing.iter("polyline")
    assert len(trace.attrib["points"].split()) == 100


@pytest.mark.parametrize("count", [100, 5000])
def test_a_frame_far_beyond_the_rest_is_marked_and_does_not_press_them_flat(count: int) -> None:
    chain = np.random.default_rng(0).uniform(9, 11, count)
    chain[count // 2] = 900
    drawing = ElementTree.fromstring(plots.over_time(np.arange(1, count + 1) / 100, chain))
    (mark,) = [path for path in drawing.iter("path") if path.attrib["class"] == "beyond"]
    title = mark.find("title")
    assert title is not None and title.text is not None and title.text.startswith("900.0 ms")


def test_the_histogram_counts_every_frame_once() -> None:
    chain = np.random.default_rng(0).gamma(3, 5, 700) + 4
    drawing = ElementTree.fromstring(plots.histogram(chain))
    bins = [rect for rect in drawing.iter("rect") if rect.attrib["class"].startswith("bin")]
    titles = [title.text or "" for rect in bins for title in rect.iter("title")]
    assert sum(int(text.rpartition(" ")[2]) for text in titles) == 700
    kinds = [rect.attrib["class"] for rect in bins]
    assert kinds == sorted(kinds, key=["bin in", "bin near", "bin out"].index)


def test_windows_are_points_and_an_empty_one_is_left_out() -> None:
    times = percentiles([10.0, 12.0, 20.0])

    def window(start: float, chain: Percentiles | None) -> Window:
        return Window(
            start_s=start,
            seconds=1,
            frames=3,
            chain_ms=chain,
            fps=3,
            missed=0,
            memory_mb=300,
            mhz=None,
            temperature_c=None,
        )

    drawing = ElementTree.fromstring(
        plots.over_windows([window(0, times), window(1, None), window(2, times)])
    )
    assert len(list(drawing.iter("circle"))) == 2 * 3
