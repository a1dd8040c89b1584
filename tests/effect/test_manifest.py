from __future__ import annotations

import dataclasses
from pathlib import Path
from types import MappingProxyType

import pytest

from effectcam.effect.manifest import (
    Crop,
    Limits,
    Manifest,
    Model,
    Temporal,
    Tier,
    parse_manifest,
    toml_text,
)
from effectcam.errors import PackageError

TEXT = (Path(__file__).parent / "conftest.py").read_text().split('MANIFEST = """\\\n')[1].split('"""')[0]
HASH = "0123456789abcdef" * 4


def parse(*edits: tuple[str, str]) -> Manifest:
    text = TEXT
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return parse_manifest(text, origin="ghost", with_files=False)


def test_values_arrive_typed() -> None:
    manifest = parse()
    assert manifest.name == "ghost"
    assert manifest.crop == Crop(margin=2.0, shift=(0.0, -0.05))
    assert manifest.tiers == {"standard": Tier(face=Model("face.tflite", (32, 32)), frame=None)}
    assert manifest.places == ("face",)
    assert (manifest.tensor.output, manifest.tensor.channels) == ("rgb", 3)
    assert manifest.looks_real is False


def test_whole_sections_may_be_left_to_their_defaults() -> None:
    manifest = parse(
        ('[tensor]\ninput_range = [0.0, 1.0]\noutput_range = [0.0, 1.0]\noutput = "rgb"\n', ""),
        ("[crop]\nmargin = 2.0  # with hair\nshift = [0.0, -0.05]\n", ""),
        ("looks_real = false\n", ""),
    )
    assert manifest.tensor.input_range == (0.0, 1.0)
    assert (manifest.mask.feather, manifest.detail.gain, manifest.warp.eyes) == (0.12, 0.0, 1.0)
    assert (manifest.colour.policy, manifest.strength.default) == ("none", 1.0)


def test_an_effect_of_frame_and_face_has_a_student_for_each() -> None:
    frame = 'frame = { file = "frame.tflite", size = [288, 512] }\n[provenance]'
    manifest = parse(('space = "face"', 'space = "frame+face"'), ("[provenance]", frame))
    assert manifest.places == ("frame", "face")
    assert manifest.tiers["standard"].frame == Model("frame.tflite", (288, 512))


def test_more_tiers_stand_beside_the_standard_one() -> None:
    lite = '[tiers.lite]\nface = { file = "lite.tflite", size = [128, 128] }\n[provenance]'
    assert list(parse(("[provenance]", lite)).tiers) == ["lite", "standard"]


MARGIN = "margin = 2.0"
SHIFT = "shift = [0.0, -0.05]"
SIZE = "size = [32, 32]"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"effectcam.effect/1"', '"effectcam.effect/2"', r"schema is 'effectcam.effect/2', this .* update"),
        ('name = "ghost"', "", r"effect.toml: name is missing; give 1 to 40 of a-z"),
        ('name = "ghost"', 'name = "Ghost"', r"name is 'Ghost'; give 1 to 40 of a-z"),
        ('name = "ghost"', 'name = "../../x"', r"name is '../../x'; give"),
        ('name = "ghost"', 'name = "ghost\\n"', r"name is 'ghost\\n'; give"),
        ('version = "1.0.0"', 'version = "1"', r"version is '1'; give three numbers"),
        ('title = "Ghost"', 'title = ""', r"title is ''; give a text of 1 to 60"),
        ('title = "Ghost"', 'title = "\\u001b[2Jx"', r"title is '\\x1b\[2Jx'; give one line of printable"),
        ('title = "Ghost"', 'title = "\\u202Egnp.x"', r"title is '\\u202egnp.x'; give one line"),
        ('space = "face"', 'space = "fase"', r"space is 'fase'; did you mean 'face'\?$"),
        (
            'space = "face"',
            'space = ["face"]',
            r"space is \['face'\]; give one of 'face', 'frame', 'frame\+face'",
        ),
        ("looks_real = false", "looks_real = 0", r"looks_real is 0; give true or false"),
        (MARGIN, "margin = 0.5", r"crop.margin is 0.5; give a number from 1 to 4"),
        (MARGIN, "margin = nan", r"crop.margin is nan; give a number"),
        (MARGIN, "margin = true", r"crop.margin is True; give a number"),
        (MARGIN, f"margin = 0x{'f' * 20_000}", r"crop.margin is beyond printing; give a number"),
        (MARGIN, "margni = 2.0", r"crop.margni is not a known key; did you mean 'margin'\?"),
        (SHIFT, "shift = [0.0]", r"crop.shift is \[0.0\]; give two numbers from -1 to 1"),
        (SHIFT, "shift = [0.0, inf]", r"crop.shift is \[0.0, inf\]; give two numbers"),
        ("input_range = [0.0, 1.0]", "input_range = [1, 0]", r"tensor.input_range is .*low below high"),
        ('output = "rgb"', 'output = "bgr"', r"tensor.output is 'bgr'; known: rgb, rgba$"),
        (SIZE, "size = [32, 4096]", r"tiers.standard.face.size is \[32, 4096\]; give two numbers from 16"),
        (SIZE, "size = [32.5, 32]", r"tiers.standard.face.size is \(32.5, 32.0\); give \[height, width\]"),
        (
            '"face.tflite"',
            '"../face.tflite"',
            r"tiers.standard.face.file is '../face.tflite'; name a .tflite",
        ),
        ('"face.tflite"', '"/etc/face.tflite"', r"file is '/etc/face.tflite'; name a .tflite file"),
        ('"face.tflite"', '"face.so"', r"file is 'face.so'; name a .tflite file"),
        ("[tiers.standard]", "[tiers.lite]", r"tiers.standard is missing; it is the tier"),
        ("[tiers.standard]", "[tiers.standart]", r"tiers.standart is not a known key; .*'standard'"),
        ("face = {", "frame = {", r"tiers.standard.face is missing; give a table"),
        ("[provenance]", "[provenence]", r"provenance is missing; give a table"),
        ('"2026-11-21"', '"2026-13-21"', r"provenance.trained is '2026-13-21'; write the day as"),
        ('licence = "MIT"', 'license = "MIT"', r"licence is missing"),
        ("[crop]", "[crop", r"ghost/effect.toml is not valid TOML: .*; correct it"),
        ('title = "Ghost"', "title = " + "[" * 5000, r"not valid TOML"),
    ],
)
def test_a_wrong_value_is_named_with_the_way_out(old: str, new: str, reason: str) -> None:
    with pytest.raises(PackageError, match=reason) as caught:
        parse((old, new))
    assert str(caught.value).startswith("ghost/effect.toml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_an_unknown_key_at_the_top_suggests_the_nearest() -> None:
    with pytest.raises(PackageError, match=r"looks_reel is not a known key; did you mean 'looks_real'\?"):
        parse(("looks_real = false", "looks_reel = false"))


def test_a_student_without_a_place_in_the_space_is_refused() -> None:
    frame = 'frame = { file = "frame.tflite", size = [288, 512] }\n[provenance]'
    with pytest.raises(PackageError, match=r"standard.frame is not a known key \(the space is 'face'\)"):
        parse(("[provenance]", frame))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f'"../x.md" = "{HASH}"', r"files.../x.md: not a file name for a package"),
        (f'"effect.toml" = "{HASH}"', r"files.effect.toml: not a file name"),
        (f'"run.py" = "{HASH}"', r"files.run.py: not a file name"),
        (f'"CON.md" = "{HASH}"', r"files.CON.md: not a file name"),
        ('"CARD.md" = "abc"', r"files.CARD.md is 'abc'; give the file's SHA-256"),
        (f'"CARD.md" = "{HASH.upper()}"', r"files.CARD.md is .*; give the file's SHA-256"),
    ],
)
def test_a_wrong_file_entry_is_refused(line: str, reason: str) -> None:
    with pytest.raises(PackageError, match=reason):
        parse_manifest(f"{TEXT}\n[files]\n{line}\n", origin="ghost")


def test_files_are_needed_unless_it_is_a_draft() -> None:
    with pytest.raises(PackageError, match=r"effect.toml: files is missing; give a table"):
        parse_manifest(TEXT, origin="ghost")


def test_what_is_written_reads_back_the_same() -> None:
    frame = 'frame = { file = "frame.tflite", size = [288, 512] }\n[provenance]'
    manifest = dataclasses.replace(
        parse(('space = "face"', 'space = "frame+face"'), ("[provenance]", frame)),
        title='Say "boo" \\ 幽霊',
        files=MappingProxyType({"face.tflite": HASH, "CARD.md": HASH}),
    )
    assert parse_manifest(toml_text(manifest), origin="ghost") == manifest


def test_a_key_that_would_take_all_memory_is_refused() -> None:
    with pytest.raises(PackageError, match="more than 500 dots"):
        parse_manifest(".".join("a" * 30_000) + " = 1", origin="bomb")


def test_a_screen_needs_a_drawn_frame() -> None:
    with pytest.raises(PackageError, match="a screen lies over a drawn frame"):
        parse(("[provenance]", '[screen]\npattern = "halftone"\n[provenance]'))


def test_steadiness_and_limits_are_the_effects_choice() -> None:
    lines = '[temporal]\npolicy = "motion-blend"\nweight = 0.7\n[limits]\npolicy = "soft"\n[provenance]'
    manifest = parse(("[provenance]", lines))
    assert manifest.temporal == Temporal("motion-blend", weight=0.7)
    assert manifest.limits == Limits("soft", yaw=Limits().yaw)
    assert (parse().temporal.policy, parse().limits.policy) == ("none", "none")
    assert parse_manifest(toml_text(manifest), origin="ghost", with_files=False) == manifest


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ('[temporal]\npolicy = "blend"', r"temporal.policy is 'blend'; known: motion-blend, none"),
        ("[temporal]\nweight = 1.0", r"temporal.weight is 1.0; give a number from 0 to 0.95"),
        ("[temporal]\ntolerance = 0", r"temporal.tolerance is 0; give a number from 1 to 64"),
        ("[temporal]\nwieght = 0.5", r"temporal.wieght is not a known key; did you mean 'weight'\?"),
        ("[limits]\nyaw = 120", r"limits.yaw is 120; give a number from 20 to 90"),
        ("[limits]\npolicy = true", r"limits.policy is True; give one of 'none', 'soft'"),
    ],
)
def test_wrong_values_of_steadiness_and_limits(lines: str, reason: str) -> None:
    with pytest.raises(PackageError, match=reason):
        parse(("[provenance]", f"{lines}\n[provenance]"))


def test_limits_need_a_face() -> None:
    with pytest.raises(PackageError, match=r"limits.policy is 'soft', but limits are those of a face"):
        parse(
            ('space = "face"', 'space = "frame"'),
            ("face = {", "frame = {"),
            ("[provenance]", '[limits]\npolicy = "soft"\n[provenance]'),
        )
