"""Gates and the JUnit file: what is too bad fails, what is misspelt is refused."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from effectcam.errors import UsageError
from effectcam.replay.gates import Gate, judge, read_gates
from effectcam.replay.junit import Case, junit_xml
from effectcam.replay.metrics import FIGURES, Summary
from effectcam.replay.metrics.figure import Spread


def summary(value: float, p95: float | None = None, worst: float | None = None) -> Summary:
    return Summary(value, value, p95, worst, 3, 10)


def gates(tmp_path: Path, text: str) -> list[Gate]:
    path = tmp_path / "gates.toml"
    path.write_text(text, encoding="utf-8")
    return read_gates(path)


def test_gates_are_read_in_both_forms(tmp_path: Path) -> None:
    assert gates(
        tmp_path,
        """
        [warping_ratio]
        value = 1.15
        [seam]
        p95 = { limit = 1.2 }
        worst = { limit = 2, worse = 0.1 }
        value = { worse = 1 }
        """,
    ) == [
        Gate(figure="warping_ratio", part="value", limit=1.15),
        Gate(figure="seam", part="p95", limit=1.2),
        Gate(figure="seam", part="worst", limit=2, worse=0.1),
        # Twice as bad is something, where low is good.
        Gate(figure="seam", part="value", worse=1),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no gate in it"),
        ("[seam", "is no TOML"),
        ("x = " + 9000 * "[", "is no TOML"),
        ("[saem]\nvalue = 1", "there is no metric 'saem'; did you mean 'seam'?"),
        ("seam = 1", "seam: is no table of gates; write [seam]"),
        ("[seam]", "seam: is no table of gates"),
        ("[seam]\nmean = 1", "seam: has no 'mean'; known: p95, value, worst"),
        ("[seam]\nvalue = '1'", "seam.value: limit is '1'; give a number"),
        ("[seam]\nvalue = true", "seam.value: limit is True; give a number"),
        ("[seam]\nvalue = nan", "seam.value: limit is nan; give a number"),
        ("[seam]\nvalue = {}", "seam.value: is empty"),
        ("[seam]\nvalue = { limt = 1 }", "seam.value: has no 'limt'; did you mean 'limit'?"),
        ("[seam]\nvalue = { worse = -0.1 }", "worse is -0.1; give a share"),
        ("[coverage]\nvalue = { worse = 1 }", "coverage.value: worse is 1, by which nothing can fail"),
        ("[coverage]\np95 = { limit = 90, worse = 1.5 }", "coverage.p95: worse is 1.5, by which nothing"),
        ("[warping_ratio]\np95 = 1", "warping_ratio: is a ratio over the clip, without p95; gate its value"),
        ("[psnr]\nvalue = { worse = 0.1 }", "psnr.value: is to the golden already"),
    ],
)
def test_what_is_no_gate_is_refused_with_its_place(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        gates(tmp_path, text)
    message = str(caught.value)
    assert words in message and message.startswith(str(tmp_path / "gates.toml"))
    assert "\n" not in message and "; " in message


def test_a_gates_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_gates(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("gate", "found", "golden", "passes"),
    [
        (Gate(figure="seam", part="p95", limit=1.2), 1.2, None, True),
        (Gate(figure="seam", part="p95", limit=1.2), 1.21, None, False),
        (Gate(figure="coverage", part="p95", limit=95), 94.9, None, False),
        (Gate(figure="coverage", part="p95", limit=95), 95.1, None, True),
        (Gate(figure="seam", part="p95", worse=0.1), 1.1, 1.0, True),
        (Gate(figure="seam", part="p95", worse=0.1), 1.11, 1.0, False),
        (Gate(figure="coverage", part="p95", worse=0.1), 90.1, 100.0, True),
        (Gate(figure="coverage", part="p95", worse=0.1), 89.9, 100.0, False),
        # Nothing is not to become something, by whatever share.
        (Gate(figure="identity_switches", part="p95", worse=0.5), 1.0, 0.0, False),
        (Gate(figure="identity_switches", part="p95", worse=0), 0.0, 0.0, True),
        # The stricter of the two counts.
        (Gate(figure="seam", part="p95", limit=2.0, worse=0.1), 1.5, 1.0, False),
        (Gate(figure="seam", part="p95", limit=1.05, worse=0.1), 1.08, 1.0, False),
        (Gate(figure="coverage", part="p95", limit=95, worse=0.5), 90.0, 100.0, False),
    ],
)
def test_a_gate_passes_what_is_good_enough(
    gate: Gate, found: float, golden: float | None, passes: bool
) -> None:
    before = None if golden is None else {gate.figure: summary(0, golden)}
    (verdict,) = judge([gate], {gate.figure: summary(0, found)}, before)
    assert verdict.passed == passes
    assert verdict.gate == f"{gate.figure} p95" and f"{found:.4g}" in verdict.told


@pytest.mark.parametrize(
    ("figure", "values", "limit", "passes"),
    [
        # A step of one in fifty, by which other figures are told, would be all that there is here.
        ("ssim", [0.981] * 10 + [0.9995] * 90, 0.99, False),
        ("ssim", [0.9999] * 99 + [0.985], 0.995, True),
        ("ssim", [0.981] * 6 + [0.9995] * 94, 0.99, False),
        ("ssim", [0.981] * 5 + [0.9995] * 95, 0.99, True),
        ("coverage", [99.55] * 10 + [99.95] * 90, 99.8, False),
        ("coverage", [99.9] * 99 + [90.0], 99, True),
        ("coverage", [100.0] * 99 + [0.0], 100, True),
    ],
)
def test_a_gate_of_what_19_frames_of_20_reach_near_the_top(
    figure: str, values: list[float], limit: float, passes: bool
) -> None:
    spread = Spread(FIGURES[figure])
    for frame, value in enumerate(values):
        spread.add(value, frame)
    assert spread.summary is not None
    (verdict,) = judge([Gate(figure=figure, part="p95", limit=limit)], {figure: spread.summary})
    assert verdict.passed == passes, verdict.told


def test_what_was_not_measured_does_not_pass() -> None:
    gate = Gate(figure="seam", part="value", worse=0.1)
    (unseen,) = judge([gate], {}, {"seam": summary(1)})
    assert not unseen.passed and unseen.told == "seam value: no frame of the clip had a say"
    (alone,) = judge([gate], {"seam": summary(1)}, {})
    assert not alone.passed and "the golden has no such figure" in alone.told
    (half,) = judge([replace(gate, limit=2.0)], {"seam": summary(1)}, {})
    assert not half.passed, "a limit does not stand in for the golden"


def test_the_junit_file_counts_and_says_why() -> None:
    told = 'a\x1b[31m "b" <c> \udcff é'
    root = ET.fromstring(
        junit_xml(
            "toon 1.0.0",
            [
                Case("one.mp4", "replay"),
                Case("one.mp4", "seam p95", "failed", told),
                Case("\udcfftwo.mp4", "replay", "error", "cut short"),
                Case("three.mp4", "golden", "skipped", "not given"),
            ],
        )
    )
    (suite,) = root
    for each in (root, suite):
        assert [each.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"]
    assert suite.get("name") == "toon 1.0.0"
    passed, failed, error, skipped = suite
    assert (passed.get("classname"), passed.get("name"), len(passed)) == ("one.mp4", "replay", 0)
    assert [(each.tag, each.get("message")) for each in (*failed, *error, *skipped)] == [
        ("failure", "\\x1b".join(["a", '[31m "b" <c> \\udcff é'])),
        ("error", "cut short"),
        ("skipped", "not given"),
    ]
    assert error.get("classname") == "\\udcfftwo.mp4"
