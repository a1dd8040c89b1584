from __future__ import annotations

import os
from pathlib import Path

import pytest

from effectcam.errors import UsageError
from effectcam.live.presets import TAKEN, Preset, load_presets, presets_path

SOUND = """
[[preset]]
name = "Late show"
key = "1"
effect = "toon"
strength = 1
mirror = false
faces = "largest"

[[preset]]
name = "Nur halb"
strength = 0.5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "presets.toml"


def refusal(file: Path, text: str | bytes) -> str:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(UsageError) as caught:
        load_presets(file)
    message = str(caught.value)
    assert message.startswith(str(file)) and "\n" not in message
    return message.removeprefix(str(file)).lstrip(": ")


def test_a_sound_file(file: Path) -> None:
    file.write_text(SOUND)
    assert load_presets(file) == [
        Preset("Late show", key="1", effect="toon", strength=1.0, mirror=False, faces="largest"),
        Preset("Nur halb", strength=0.5),
    ]


def test_a_file_as_windows_saves_it(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert [preset.name for preset in load_presets(file)] == ["Late show", "Nur halb"]


def test_an_empty_file_has_none(file: Path) -> None:
    file.write_text("")
    assert load_presets(file) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has its folder in APPDATA")
def test_the_usual_file_may_be_missing_and_a_named_one_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert presets_path() == tmp_path / "effectcam" / "presets.toml"
    assert load_presets() == []
    assert load_presets(presets_path(), missing_ok=True) == []
    with pytest.raises(
        UsageError, match=r"presets\.toml: there is no such file; check the path of --presets"
    ):
        load_presets(presets_path())
    presets_path().parent.mkdir()
    presets_path().write_text(SOUND)
    assert len(load_presets()) == 2


def one(line: str) -> str:
    return f'[[preset]]\nname = "A"\n{line}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (one("strength = 1.5"), "preset 'A', strength is 1.5; give a number from 0 to 1"),
        (one("strength = nan"), "preset 'A', strength is nan; give a number from 0 to 1"),
        (one('strength = "much"'), "preset 'A', strength is 'much'; give a number from 0 to 1"),
        (one("strengt = 0.5"), "preset 'A', strengt is not a known key; did you mean 'strength'?"),
        (one('mirror = "yes"'), "preset 'A', mirror is 'yes'; give true or false"),
        (one('faces = "rightmos"'), "preset 'A', faces is 'rightmos'; did you mean 'rightmost'?"),
        (one("effect = 3"), "preset 'A', effect is 3; give a text of 1 to 500 characters"),
        (one('effect = "a\\nb"'), "preset 'A', effect is 'a\\nb'; give one line of printable characters"),
        (one('key = "12"'), "preset 'A', key is '12'; give one character such as '1' or 'z'"),
        (one('key = "ä"'), "preset 'A', key is 'ä'; give one character such as '1' or 'z'"),
        (one('key = ""'), "preset 'A', key is ''; give a text of 1 to 60 characters"),
        (one('key = "1"'), "preset 'A' changes nothing; give it an effect, strength, mirror or faces"),
        ("[[preset]]\nmirror = true", "preset 1, name is missing; give a text of 1 to 60 characters"),
        (one("mirror = true") * 2, "two presets have the name 'A'; give one another name"),
        (
            one('key = "x"\nstrength = 1') + one('key = "x"\nstrength = 0').replace("A", "B"),
            "presets 'A' and 'B' both have the key 'x'; give one another key",
        ),
        ("[[presets]]\nname = 1", "presets is not a known key; did you mean 'preset'?"),
        ("preset = 3", "preset is no list of tables; begin each preset with [[preset]]"),
        ("preset = [1]", "preset is no list of tables; begin each preset with [[preset]]"),
        ("[preset]\nname = 'A'", "preset is no list of tables; begin each preset with [[preset]]"),
        (b"name = '\xff'", "is not UTF-8 at byte 8; save it as UTF-8"),
        ("#" * 64_001, "is larger than 64 kB, which presets never are; check the file"),
    ],
)
def test_nonsense_is_named_with_the_way_out(file: Path, text: str | bytes, message: str) -> None:
    assert refusal(file, text) == message


@pytest.mark.parametrize("text", ["not toml", "[[preset]", "a = " + "[" * 20_000, "a = " + "9" * 20_000])
def test_what_is_not_toml(file: Path, text: str) -> None:
    message = refusal(file, text)
    assert message.startswith("is not TOML: ") and message.endswith("; correct it there")


def test_too_many(file: Path) -> None:
    text = "".join(f'[[preset]]\nname = "{number}"\nmirror = true\n' for number in range(65))
    assert refusal(file, text) == "has 65 presets; keep at most 64"


@pytest.mark.parametrize("key", [*sorted(TAKEN), "space", "Escape"])
def test_keys_of_the_program_stay_its_own(file: Path, key: str) -> None:
    message = refusal(file, one(f'key = "{key}"\nmirror = true'))
    assert (
        message == f"preset 'A', key is {key!r}, which effectcam itself uses; take a digit or another letter"
    )


def test_a_folder_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no file; name a TOML file with \[\[preset\]\] tables"):
        load_presets(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UsageError, match="is no file"):
            load_presets(tmp_path / "pipe")


def test_a_path_that_no_system_knows() -> None:
    with pytest.raises(UsageError, match="cannot be read: "):
        load_presets(Path("a\0b"))
