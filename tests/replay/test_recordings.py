"""Two recordings side by side: nothing is called alike that was not compared."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import numpy as np
import pytest

from effectcam.errors import ReportError, UsageError
from effectcam.frame import Pixels
from effectcam.replay.golden import MOSAICS, picture_name
from effectcam.replay.pictures import encoded, mosaic
from effectcam.replay.recordings import compare_recordings
from effectcam.replay.trace import Header, TraceFile
from tests.replay.test_parting import HEADER, B, frame

COUNT = 3
ELSEWHERE = msgspec.structs.replace(HEADER, machine=msgspec.structs.replace(HEADER.machine, id="1" * 12))


def grey(level: int) -> Pixels:
    return np.full((48, 64, 3), level, np.uint8)


GREY = grey(100)


def recorded(folder: Path, header: Header = HEADER, **values: object) -> Path:
    """A trace of `COUNT` frames, each with these ``values``."""
    folder.mkdir()
    path = folder / "clip.jsonl"
    with TraceFile(path) as trace:
        trace.begin(header)
        for number in range(COUNT):
            trace.see(frame(number, **values))
        trace.end()
    return path


def keep(trace: Path, *, pictures: Pixels | None = None, last: Pixels | None = None) -> None:
    """Beside the trace, as a golden has them: the picture of frame 0, and mosaics of which the last is
    another."""
    folder = trace.with_suffix("")
    folder.mkdir(exist_ok=True)
    if pictures is not None:
        (folder / picture_name(0)).write_bytes(encoded(pictures))
    if last is not None:
        data = [mosaic(each).tobytes() for each in (*[GREY] * (COUNT - 1), last)]
        (folder / MOSAICS).write_bytes(gzip.compress(b"".join(data)))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Of two types of machines, so that each digest is another."""
    return recorded(tmp_path / "here"), recorded(tmp_path / "there", ELSEWHERE, input=B, output=B)


def test_on_one_type_of_machine_digests_are_enough(tmp_path: Path) -> None:
    one, same = recorded(tmp_path / "one"), recorded(tmp_path / "same")
    found = compare_recordings("clip", one, same)
    assert found.same and found.compared and found.traces.exact
    found = compare_recordings("clip", one, recorded(tmp_path / "other", output=B))
    assert found.compared and not found.same and found.traces.stages == {"output": COUNT}


def test_across_types_of_machines_without_pictures_nothing_is_alike(pair: tuple[Path, Path]) -> None:
    found = compare_recordings("clip", *pair)
    assert (found.traces.exact, found.traces.first, found.compared, found.same) == (False, None, False, False)
    keep(pair[0], pictures=GREY, last=GREY)
    assert not compare_recordings("clip", *pair).compared, "the other side keeps none"


def test_mosaics_tell_of_frames_without_a_picture(pair: tuple[Path, Path]) -> None:
    keep(pair[0], last=GREY)
    keep(pair[1], last=grey(102))
    found = compare_recordings("clip", *pair)
    assert found.same and (found.mosaics, found.pictures) == (COUNT, None)
    keep(pair[1], last=grey(103))
    found = compare_recordings("clip", *pair)
    assert not found.same and found.compared
    assert str(found.traces.first) == f"frame {COUNT - 1}, output: mean colours are off by 3 of 255"
    assert found.traces.differing == 1
    (pair[1].with_suffix("") / MOSAICS).write_bytes(gzip.compress(mosaic(GREY).tobytes()))
    with pytest.raises(ReportError, match="is cut short"):
        compare_recordings("clip", *pair)


def test_pictures_that_are_too_far_apart_part(pair: tuple[Path, Path]) -> None:
    keep(pair[0], pictures=GREY)
    keep(pair[1], pictures=grey(101))
    found = compare_recordings("clip", *pair)
    assert found.same and found.pictures is not None and found.pictures.most == 1
    keep(pair[1], pictures=grey(141))
    found = compare_recordings("clip", *pair)
    assert found.traces.first is not None and found.traces.first.what.startswith("PSNR ")
    keep(pair[1], pictures=np.zeros((24, 32, 3), np.uint8))
    found = compare_recordings("clip", *pair)
    assert str(found.traces.first) == "frame 0, output: the kept pictures are of 64x48 and 32x24"


@pytest.mark.parametrize(
    ("part", "values", "words"),
    [
        ("clip", {"sha256": "1" * 64}, "a clip.mp4 with the SHA-256 000000000000, and "),
        ("effect", {"name": "comic"}, "the effect toon, and "),
        ("effect", {"version": "1.0.1"}, "toon 1.0.0, and "),
        ("effect", {"tier": "lite"}, "the tier standard, and "),
        ("effect", {"strength": 0.5}, "a strength of 1.0, and "),
        ("effect", {"faces": 2}, "--faces 1, and "),
    ],
)
def test_runs_of_something_else_are_refused(
    part: str, values: dict[str, object], words: str, tmp_path: Path
) -> None:
    changed = msgspec.structs.replace(getattr(HEADER, part), **values)
    one = recorded(tmp_path / "one")
    other = recorded(tmp_path / "other", msgspec.structs.replace(HEADER, **{part: changed}))
    with pytest.raises(UsageError) as caught:
        compare_recordings("clip", one, other)
    message = str(caught.value)
    assert message.startswith(f"{one}: was recorded with {words}{other} with ") and "; " in message
