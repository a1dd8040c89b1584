"""The page of a replay: what it shows is what was worst, it needs nobody else, and it works by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from effectcam.ledger import STAGES, FrameTimes, Ledger
from effectcam.replay.evidence import AT, Evidence, Findings, HeatMap, Room
from effectcam.replay.gates import Verdict
from effectcam.replay.metrics import FIGURES, Meters, metrics_for
from effectcam.replay.page import ShownClip, replay_page
from effectcam.replay.pictures import kept
from effectcam.replay.report import ClipReport, FaceCount
from effectcam.replay.timeline import Timeline
from effectcam.replay.timeline_plot import Line, plot
from tests.panel.browser import PROGRAM, Browser
from tests.replay.scenes import EFFECT, Scene, changed

FAULT = 7
"""The frame in which the drawing is another."""


def gathered(scene: Scene, *, room: Room | None = None) -> tuple[Findings, ClipReport]:
    """What a report finds in ``scene``, whose golden is the scene without its fault."""
    ledger, sound = Ledger(), Scene().moments()
    golden = {moment.after.index: kept(moment.after.pixels) for moment in sound if moment.after.index % 2}
    evidence = Evidence(ledger, room=room or Room.shared(1), golden=golden.get)
    with Meters([*metrics_for(EFFECT), evidence], each=evidence.note) as meters:
        for moment in scene.moments():
            times = FrameTimes()
            times.note("chain", 7_000_000 + moment.before.index)
            ledger.add(times)
            meters.see(moment)
        metrics = meters.summaries
    report = ClipReport(
        "clip.mp4", 11, 256, 256, 25.0, FaceCount(11, 1), ledger.summary(), None, metrics=metrics, gates=()
    )
    return evidence.findings(), report


@pytest.fixture(scope="module")
def found() -> tuple[Findings, ClipReport]:
    return gathered(Scene(tint=lambda frame: 3.0 if frame == FAULT else 1.0, feather=0.05))


def test_the_worst_frames_are_those_with_the_fault(found: tuple[Findings, ClipReport]) -> None:
    worst = {each.figure: each for each in reversed(found[0].worst)}
    assert set(worst) == {"face_warping", "flicker", "seam", "landmark_error", "psnr"}
    # Frames move from the fifth on: what rests is not there any more, and flicker has nothing to say.
    assert worst["seam"].frame == worst["psnr"].frame == FAULT
    assert worst["face_warping"].frame in (FAULT, FAULT + 1)
    for each in found[0].worst:
        picture = cv2.imdecode(np.frombuffer(each.pictures, np.uint8), cv2.IMREAD_COLOR)
        height, width = picture.shape[:2]
        assert width / height > 2.5, "three pictures side by side"


def test_worst_frames_stand_apart_from_each_other() -> None:
    evidence = Evidence(Ledger(), room=Room.shared(1))
    first = next(iter(Scene().moments()))
    # The third is near both of those before it, the last near none, by their stamps.
    for frame, milliseconds, value in ((10, 100, 1.0), (16, 640, 2.0), (13, 380, 3.0), (19, 900, 0.5)):
        stamp = milliseconds * 1_000_000
        before, after = (
            replace(each, index=frame, captured_at=stamp) for each in (first.before, first.after)
        )
        evidence.see(replace(first, before=before, after=after))
        evidence.note(frame, {"seam": value})
    assert [(each.frame, each.value) for each in evidence.findings().worst] == [(13, 3.0), (19, 0.5)]


def test_a_worst_frame_shows_all_faces() -> None:
    (first, *_) = Scene().moments()
    black = first.before.with_pixels(np.zeros_like(first.before.pixels))
    pixels = black.pixels.copy()
    pixels[190:210, 190:210] = 255
    faces = [changed(first.faces[0], cx=place, cy=place, side=40) for place in (50.0, 200.0)]
    evidence = Evidence(Ledger(), room=Room.shared(1))
    evidence.see(replace(first, before=black, after=black.with_pixels(pixels), faces=faces))
    evidence.note(0, {"seam": 2.0})
    (worst,) = evidence.findings().worst
    assert cv2.imdecode(np.frombuffer(worst.pictures, np.uint8), cv2.IMREAD_COLOR).max() > 200


@pytest.mark.parametrize(
    ("whole", "names", "shown"),
    [
        (True, ("warping", "face_warping"), ["face_warping"]),
        # Nobody in the frame, which is drawn all the same; and one that is left as it was.
        (True, ("warping",), ["warping"]),
        (False, ("warping",), []),
    ],
)
def test_of_the_two_of_warping_that_where_something_is_drawn(
    whole: bool, names: tuple[str, ...], shown: list[str]
) -> None:
    (first, *_) = Scene().moments()
    evidence = Evidence(Ledger(), room=Room.shared(1))
    evidence.see(replace(first, whole=whole))
    evidence.note(0, dict.fromkeys(names, 1.0))
    assert [each.figure for each in evidence.findings().worst] == shown


def test_likeness_to_the_golden_has_timelines_and_so_have_stamps() -> None:
    moments = Scene().moments()
    golden = {moment.after.index: kept(moment.after.pixels) for moment in moments[::4]}
    evidence = Evidence(Ledger(), room=Room.shared(1), golden=golden.get)
    for moment in moments:
        evidence.see(moment)
    lines = evidence.findings().timelines
    assert [(each.first, each.mean) for each in lines["psnr"]] == [(0, 100), (4, 100), (8, 100)]
    assert [each.mean for each in lines["ssim"]] == [1, 1, 1]
    drawn = plot("psnr", [Line("psnr", "figure", lines["psnr"])], frames=len(moments))
    assert drawn.count("<circle") == 3 and "<polyline" not in drawn, "points that stand alone are seen"
    assert [each.mean for each in lines[AT]] == [moment.before.captured_at / 1e9 for moment in moments]


def test_all_is_kept_of_a_short_clip_and_where_it_was(found: tuple[Findings, ClipReport]) -> None:
    findings, report = found
    assert {stretch.first: stretch.mean for stretch in findings.timelines["stage chain"]}[10] == 7.00001
    assert len(findings.timelines["seam"]) == 11
    assert findings.pairs[0].frame == 0 and len(findings.pairs) == 6
    assert findings.difference is not None and findings.golden_difference is not None
    assert report.metrics is not None
    seam = max(findings.timelines["seam"], key=lambda each: each.high)
    assert (seam.high, seam.first) == (report.metrics["seam"].worst, report.metrics["seam"].worst_frame)


def test_pictures_stay_within_their_room() -> None:
    room = Room(stretches=4, pictures=60_000)
    findings, _ = gathered(Scene(), room=room)
    assert findings.difference is not None and findings.golden_difference is not None
    maps = len(findings.difference.picture) + len(findings.golden_difference.picture)
    size = (
        maps + sum(pair.size for pair in findings.pairs) + sum(len(each.pictures) for each in findings.worst)
    )
    assert 30_000 < size <= room.pictures
    assert len(findings.timelines["seam"]) <= 4


def test_maps_stay_within_it_as_well() -> None:
    moments = Scene().moments()[:2]
    golden = {moment.after.index: kept(moment.before.pixels) for moment in moments}

    def found(most: int) -> list[HeatMap | None]:
        evidence = Evidence(Ledger(), room=Room(stretches=0, pictures=most), golden=golden.get)
        for moment in moments:
            evidence.see(moment)
        findings = evidence.findings()
        maps = [findings.difference, findings.golden_difference]
        size = sum(len(each.picture) for each in maps if each) + sum(pair.size for pair in findings.pairs)
        assert size + sum(len(each.pictures) for each in findings.worst) <= most
        return maps

    ample, *_ = found(1_000_000)
    assert ample is not None and width(ample) == 256
    less, *_ = found(2 * len(ample.picture) - 1)
    assert less is not None and width(less) == 128
    assert found(300) == [None, None]


def width(shown: HeatMap) -> int:
    return int(cv2.imdecode(np.frombuffer(shown.picture, np.uint8), cv2.IMREAD_COLOR).shape[1])


def test_what_is_too_large_leaves_its_room_to_the_next() -> None:
    ample, _ = gathered(Scene(), room=Room(stretches=4, pictures=10_000_000))
    assert ample.difference is not None and ample.golden_difference is not None
    maps = len(ample.difference.picture) + len(ample.golden_difference.picture)
    sizes = [*(len(each.pictures) for each in ample.worst), *(pair.size for pair in ample.pairs)]
    assert min(sizes) < max(sizes)
    for size in sorted(set(sizes)):
        some, _ = gathered(Scene(), room=Room(stretches=4, pictures=maps + size))
        assert some.worst or some.pairs, size


@pytest.mark.parametrize("clips", [1, 6, 50, 51, 700])
def test_a_page_of_long_clips_stays_below_ten_megabytes(
    clips: int, found: tuple[Findings, ClipReport]
) -> None:
    room = Room.shared(clips)
    names = [AT, *(name for name in FIGURES if "ratio" not in name), *(f"stage {stage}" for stage in STAGES)]
    lines = {}
    for name, values in zip(names, np.random.default_rng(8).lognormal(0, 1, (len(names), 2000)), strict=True):
        if room.stretches:
            lines[name] = Timeline(most=room.stretches)
            for frame, value in enumerate(values):
                lines[name].add(frame, frame / 30 if name == AT else float(value))
    clip = ShownClip(found[1], Findings(timelines=lines))
    one, two = (len(replay_page(EFFECT, [clip] * count, tier="standard")) for count in (1, 2))
    # As text a picture is a third larger.
    assert clips * (two - one + 4 / 3 * room.pictures) < 9_900_000


def test_an_hour_is_as_large_as_a_minute() -> None:
    line = Timeline()
    for frame in range(108_000):
        line.add(frame, 1000.0 if frame == 70_001 else float(frame % 10))
    assert len(line) <= 480 and line.frames == 108_000
    (peak,) = [stretch for stretch in line if stretch.high == 1000]
    assert peak.first <= 70_001 < peak.first + line.every
    assert sum(stretch.frames for stretch in line) == 108_000
    assert np.average([s.mean for s in line], weights=[s.frames for s in line]) == pytest.approx(
        4.51, abs=0.01
    )


def thinned() -> dict[str, Timeline]:
    """Eight frames at 50 a second in stretches of two, a second missing in the middle."""
    lines = {name: Timeline(most=4) for name in (AT, "coverage")}
    for frame in range(8):
        lines[AT].add(frame, frame / 50 + (frame >= 4))
        lines["coverage"].add(frame, 90 + frame)
    return lines


def page_of(found: tuple[Findings, ClipReport], **more: object) -> str:
    findings, report = found
    verdicts = (
        Verdict("seam p95", False, 1.4, 1.2, "seam p95 is 1.4, at most 1.2 is asked for"),
        Verdict("coverage value", True, 100, 98, "coverage value is 100, at least 98 is asked for"),
    )
    clips = [
        ShownClip(replace(report, gates=verdicts), findings),
        ShownClip(replace(report, path='"><script>alert(1)<script>.mp4')),
        ShownClip(replace(report, path="long.mp4"), Findings(timelines=thinned())),
    ]
    return replay_page(EFFECT, clips, tier="standard", failures=["gone.mp4: no such file"], told=["<b>"])


def test_it_needs_nothing_from_elsewhere_and_a_name_stays_text(found: tuple[Findings, ClipReport]) -> None:
    page = page_of(found)
    assert len(page) < 3_000_000 and page.startswith("<!doctype html>")
    assert page.count("<script") == 1 and "&lt;script&gt;" in page and "&lt;b&gt;" in page
    assert not re.search(r"<link|@import|url\(|https?://", page)
    assert set(re.findall(r'src="(.{11})', page)) == {"data:image/"}
    assert "prefers-color-scheme: dark" in page
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(drawing)


def test_gates_stand_before_the_rest_the_failed_ones_first(found: tuple[Findings, ClipReport]) -> None:
    page = page_of(found)
    order = ["Failed", "gone.mp4: no such file", "clip.mp4: seam p95 is 1.4", "Clips", ">failed<", ">passed<"]
    places = [page.index(each) for each in order]
    assert places == sorted(places)
    bare = replay_page(EFFECT, [ShownClip(replace(found[1], gates=None))], tier="standard")
    assert "Gates" not in bare and "Failed" not in bare and "Passed" not in bare


@pytest.fixture(scope="module")
def browser(
    found: tuple[Findings, ClipReport], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("needs Chromium")
    folder = tmp_path_factory.mktemp("page")
    path = folder / "page.html"
    path.write_text(page_of(found), encoding="utf-8")
    with Browser(folder / "profile", width=1000) as browser:
        browser.open(path.as_uri())
        yield browser
        assert browser.complaints == []
        assert [url for url in browser.requests if not url.startswith("data:")] == [path.as_uri()]


def test_it_works_by_keyboard_in_a_browser(browser: Browser) -> None:
    def value(code: str) -> object:
        return browser.evaluate(code)

    stage, slider = ".stage.on", ".stage.on input"
    assert value("document.querySelectorAll('.stage').length") == 6
    assert value("[...document.querySelectorAll('.stage')].filter(one => one.offsetParent).length") == 1
    at = f"getComputedStyle(document.querySelector('{stage}')).getPropertyValue('--at')"
    value(f"document.querySelector('{slider}').focus()")
    browser.press("ArrowRight", times=3)
    assert value(at) == "53%"
    assert (
        value(f"document.querySelector('{slider}').getAttribute('aria-valuetext')")
        == "53 % before the effect"
    )
    browser.press("Home")
    clipped = f"getComputedStyle(document.querySelector('{stage} .after')).clipPath"
    assert value(at) == "0%" and value(clipped) == "inset(0px 0px 0px 0%)"
    # Another frame keeps the divider's place.
    value("document.querySelectorAll('.choices input[type=radio]')[0].focus()")
    browser.press("ArrowRight")
    assert value(f"document.querySelector('{stage} img').alt") == "frame 2 before the effect"
    assert value(at) == "0%"
    # Each frame's numbers, in all timelines at once.
    browser.click(f"button[data-frame='{FAULT}']")
    assert value("document.activeElement.className") == "reading"
    assert value("document.querySelector('output').textContent") == f"frame {FAULT}, 0.23 s"
    browser.press("ArrowRight")
    assert str(value("document.querySelector('output').textContent")).startswith(f"frame {FAULT + 1},")
    rows = value(
        "[...document.querySelectorAll('#clip-0 .timeline')].map(row => [row.querySelector('h4').textContent,"
        " row.querySelector('.value').textContent])"
    )
    assert isinstance(rows, list)
    told = {name.split(",")[0].split("  ")[0].strip(): text for name, text in rows}
    assert told["coverage"] == "100" and told["stage times"] == "7"


def test_the_time_told_is_that_of_the_stamps(browser: Browser) -> None:
    told = [
        browser.evaluate(
            "(() => { const clip = document.querySelector('#clip-2');"
            " const slider = clip.querySelector('.reading');"
            f" slider.value = {frame}; slider.dispatchEvent(new Event('input'));"
            " return clip.querySelector('output').textContent; })()"
        )
        for frame in (0, 3, 4, 7)
    ]
    # Between two stamps that are known, as the third frame here, time runs evenly.
    assert told == ["frame 0, 0.00 s", "frame 3, 0.56 s", "frame 4, 1.08 s", "frame 7, 1.14 s"]


def test_it_fits_a_phone_and_a_wide_screen(browser: Browser) -> None:
    for width in (400, 1600):
        browser.resize(width, 900)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
    names = browser.evaluate(
        "[...document.querySelectorAll('img, svg, input[type=range]')].filter(one =>"
        " !(one.alt || one.getAttribute('aria-label') || one.closest('label'))).length"
    )
    assert names == 0, "everything that is no text has a name"
