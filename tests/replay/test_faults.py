"""Fault scripts: what is none is refused with its line, and what is one does the same thing each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from effectcam.errors import StudentError, UsageError
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels
from effectcam.pipeline import Pipeline
from effectcam.replay.fault_pictures import FaultyPictures, covering, darkened, moved_off
from effectcam.replay.faults import Fault, FaultScript, find_script, read_faults
from effectcam.replay.faulty_clip import PlantedFaults
from effectcam.replay.player import play
from effectcam.replay.trace import TraceReader
from effectcam.source.clip import Clip
from tests import media
from tests.face.clips import DEMO, demo_pixels
from tests.tiny_effect import tiny_effect

COUNT = 12
STEP = 40
"""Milliseconds from frame to frame."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames; what is in the middle of each tells which it is."""
    return media.write_clip(tmp_path_factory.mktemp("faults") / "clip.mp4", count=COUNT)


def script(folder: Path, *faults: str) -> FaultScript:
    path = folder / "faults.toml"
    path.write_text("\n".join(f"[[fault]]\n{fault}" for fault in faults))
    return read_faults(path)


def which(pixels: Pixels) -> int:
    """The frame of ``clip`` that a picture is of."""
    return round((int(pixels[24, 32, 0]) - 64) / 8)


def arrivals(clip: Path, told: FaultScript) -> list[tuple[int, float, float, tuple[str, ...]]]:
    """Of each frame that comes: which it is of, its stamp and its place in milliseconds, its faults."""
    with PlantedFaults(told).over(Clip(clip)) as source:
        found = [
            (which(frame.pixels), frame.captured_at / 1e6, source.shown_at / 1e6, source.faults)
            for frame in source
        ]
        assert source.frames == len(found)
    return found


def test_frames_come_as_the_script_says(clip: Path, tmp_path: Path) -> None:
    told = script(
        tmp_path,
        'kind = "dropped"\nframes = [1, 2]',
        'kind = "late"\nframe = 4\nms = 90',
        'kind = "repeated"\nframe = 7',
        'kind = "out-of-order"\nframes = [8, 10]',
        'kind = "duplicate-stamp"\nframe = 11',
    )
    assert arrivals(clip, told) == [
        (0, 0, 0, ()),
        (3, 120, 120, ("dropped",)),
        (4, 250, 160, ("late",)),
        # What waited behind it comes in a burst.
        (5, 251, 200, ()),
        (6, 252, 240, ()),
        (6, 280, 280, ("repeated",)),
        (10, 400, 320, ("out-of-order",)),
        (9, 360, 360, ("out-of-order",)),
        (8, 320, 400, ("out-of-order",)),
        (11, 320, 440, ("duplicate-stamp",)),
    ]


def test_what_came_before_is_the_latest_that_came(clip: Path, tmp_path: Path) -> None:
    told = script(
        tmp_path,
        'kind = "out-of-order"\nframes = [1, 3]',
        'kind = "repeated"\nframes = [4, 5]',
        'kind = "out-of-order"\nframes = [6, 7]',
        'kind = "duplicate-stamp"\nframe = 8',
    )
    came = [(frame, stamp) for frame, stamp, *_ in arrivals(clip, told)]
    assert came[1:6] == [(3, 120), (2, 80), (1, 40), (1, 160), (1, 200)]
    assert came[6:10] == [(7, 280), (6, 240), (8, 240), (9, 360)]


def test_a_stage_with_nothing_to_do_has_no_fault(clip: Path, tmp_path: Path) -> None:
    """Nobody is in the clip, and the student draws faces."""
    told = script(
        tmp_path,
        'kind = "nan"\nframes = [0, 3]',
        'kind = "slow-stage"\nframes = [5, 6]\nms = 1',
        'kind = "slow-stage"\nstage = "mesh"\nframe = 8\nms = 1',
    )
    planted = PlantedFaults(told)
    with planted.pipeline(tiny_effect(tmp_path / "effect", face="identity"), threads=1) as pipeline:
        play(
            *(str(clip), pipeline),
            trace=tmp_path / "trace.jsonl",
            footage=lambda path: planted.over(Clip(path)),
        )
    with TraceReader(tmp_path / "trace.jsonl") as reader:
        assert [(line.frame, line.faults) for line in reader if line.faults] == [(8, ["slow-stage"])]


def test_a_frame_that_failed_has_no_times(clip: Path, tmp_path: Path) -> None:
    planted = PlantedFaults(script(tmp_path, NAN))
    ran = []
    with planted.pipeline(tiny_effect(tmp_path / "effect", frame="negative"), threads=1) as pipeline:
        play(
            *(str(clip), pipeline),
            watch=lambda *_: ran.append(pipeline.ledger.last("chain") > 0),
            footage=lambda path: planted.over(Clip(path)),
        )
    assert [frame for frame, timed in enumerate(ran) if not timed] == [3]


def test_a_cut_goes_to_another_frame_or_clip_and_back(clip: Path, tmp_path: Path) -> None:
    other = media.write_clip(tmp_path / "other.mp4", width=96, height=48, count=3)
    told = script(
        tmp_path,
        'kind = "cut"\nframes = [1, 2]\nto = 9',
        f'kind = "cut"\nframes = [5, 6]\nclip = "{other.name}"',
    )
    assert [frame for frame, *_ in arrivals(clip, told)] == [0, 9, 10, 3, 4, 0, 1, 7, 8, 9, 10, 11]


def test_a_cut_beyond_the_other_clips_end_is_refused(clip: Path, tmp_path: Path) -> None:
    told = script(tmp_path, 'kind = "cut"\nframes = [1, 5]\nto = 10')
    with pytest.raises(
        UsageError, match=r"line 1: .*clip\.mp4 ends after 12 frames, and the cut does not; cut"
    ):
        arrivals(clip, told)


def test_the_same_script_gives_the_same_bytes(clip: Path, tmp_path: Path) -> None:
    """Through a pipeline that fails and tarries on the way; the file shows what came when it came."""
    told = script(
        tmp_path,
        'kind = "nan"\nframes = [0, 6]\nevery = 3',
        'kind = "slow-stage"\nframe = 1\nms = 5',
        'kind = "low-light"\nframes = [0, 11]',
        'kind = "leaves"\nframes = [0, 11]\nedge = "top"',
        'kind = "dropped"\nframe = 2',
        'kind = "out-of-order"\nframes = [8, 9]',
        'kind = "duplicate-stamp"\nframe = 10',
    )
    effect = tiny_effect(tmp_path / "effect", frame="negative")
    planted = PlantedFaults(told)
    files = []
    with planted.pipeline(effect, threads=1) as pipeline:
        for name in ("one", "two"):
            trace, output = tmp_path / f"{name}.jsonl", tmp_path / f"{name}.mp4"
            report = play(
                str(clip), pipeline, output, trace=trace, footage=lambda path: planted.over(Clip(path))
            )
            files.append((trace.read_bytes(), output.read_bytes()))
    assert files[0] == files[1] and report.frames == COUNT - 1
    with TraceReader(trace) as reader:
        assert reader.header.faults == told.sha256
        lines = list(reader)
    held = [line.frame for line in lines if line.decisions == {"held": True}]
    assert held == [0, 2, 5] == [line.frame for line in lines if "nan" in line.faults]
    assert lines[1].output == lines[2].output != lines[3].output
    # Every place that is taken is one of the clip's.
    times = media.times(clip)
    assert media.times(output) == [*times[:2], *times[3:]]
    assert report.stages_ms["student"]["p99"] >= 5, "a slow stage is in the ledger"


def test_a_failure_that_was_not_planted_still_fails(clip: Path, tmp_path: Path) -> None:
    effect = tiny_effect(tmp_path / "effect", frame="nan_where_black")
    planted = PlantedFaults(script(tmp_path, 'kind = "low-light"\nframes = [0, 11]\ngamma = 10\nnoise = 0'))
    black = media.write_clip(tmp_path / "black.mp4", pictures=[np.zeros((48, 64, 3), np.uint8)] * 12)
    with planted.pipeline(effect, threads=1) as pipeline, pytest.raises(StudentError):
        play(str(black), pipeline, footage=lambda path: planted.over(Clip(path)))


def test_a_trace_without_faults_says_nothing_of_them(clip: Path, tmp_path: Path) -> None:
    with Pipeline(tiny_effect(tmp_path / "effect", frame="negative"), threads=1) as pipeline:
        play(str(clip), pipeline, trace=tmp_path / "clean.jsonl")
    assert b"faults" not in (tmp_path / "clean.jsonl").read_bytes()


def test_a_second_face_is_found_and_nobody_where_the_head_has_left() -> None:
    fault = Fault("second-face", 0, 3)
    told = FaultScript(Path("faults.toml"), "", 0, (fault,))
    whole = np.ascontiguousarray(demo_pixels(1)[0][::2, ::2])
    with Clip(DEMO) as clip, FaceMesh(2) as mesh:
        pictures = FaultyPictures(clip, told)
        second = pictures(Frame(whole, 1, 0), (fault,))
        pictures.close()
        faces = mesh.process(Frame(second, 0, 0))
        assert len(faces) == 2
        mesh.reset()
        assert mesh.process(Frame(moved_off(whole, "left", 0.9), 0, 0)) == []


def test_low_light_is_dark_and_noisy_by_its_seed_alone() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    one, again = (darkened(grey, 2.0, 5, np.random.default_rng([4, 1, 7])) for _ in range(2))
    other = darkened(grey, 2.0, 5, np.random.default_rng([4, 1, 8]))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert one.mean() == pytest.approx(255 * (128 / 255) ** 2, abs=0.5)
    assert one.std() == pytest.approx(5, rel=0.1)


def test_what_is_cut_to_keeps_its_shape() -> None:
    circle = np.zeros((100, 300, 3), np.uint8)
    circle[40:60, 140:160] = 255
    shown = covering(circle, 50, 50)
    rows, columns = np.nonzero(shown[..., 0] > 127)
    assert np.ptp(rows) == np.ptp(columns) == 9 and rows.mean() == columns.mean() == 24.5


@pytest.mark.parametrize("name", ["capture", "cuts", "scene", "student"])
def test_scripts_that_come_along_fit_the_demo_clip(name: str) -> None:
    told = read_faults(find_script(name))
    with Clip(DEMO) as clip:
        told.check_length(clip.frames, "demo.mp4")
    assert told.faults


def test_an_unknown_script_is_told_with_the_near_one() -> None:
    with pytest.raises(
        UsageError, match=r"no fault script 'captur'; did you mean 'capture'\?, or give a path"
    ):
        find_script("captur")
    assert find_script("./captur.toml") == Path("captur.toml")


NAN = 'kind = "nan"\nframe = 3'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no [[fault]]; write a table"),
        ("[[fault]", "is no TOML ("),
        ("seeed = 3\n", "seeed is not a known key"),
        ("seed = -1\n[[fault]]\n" + NAN, "seed is -1; give a whole number from 0"),
        ('schema = "effectcam.faults/2"\n[[fault]]\n' + NAN, "did you mean 'effectcam.faults/1'?"),
        ("fault = 3", "has no [[fault]]"),
        ('[[fault]]\nkind = "dropt"\nframe = 1', "line 1: kind is 'dropt'; did you mean 'dropped'?"),
        ("[[fault]]\nframe = 1", "line 1: kind is missing; give one of 'dropped'"),
        ('[[fault]]\nkind = "nan"', "line 1: frames is missing; give [first, last]"),
        ('[[fault]]\nkind = "nan"\nframes = [5, 3]', "frames is [5, 3]; give [first, last]"),
        ('[[fault]]\nkind = "nan"\nframe = 1.5', "frame is 1.5; give a whole number"),
        ('[[fault]]\nkind = "nan"\nframe = 1\nframes = [1, 2]', "frame and frames are both there"),
        ('[[fault]]\nkind = "repeated"\nframe = 0', "frame is 0; give a whole number from 1"),
        ('[[fault]]\nkind = "late"\nframe = 1', "ms is missing; give a number"),
        (
            '[[fault]]\nkind = "nan"\nframe = 1\nms = 3',
            "ms is not a known key (of a nan fault); known: every",
        ),
        ('[[fault]]\nkind = "out-of-order"\nframes = [1, 40]', "holds 40 to come out of order; give 2 to 16"),
        (
            '[[fault]]\nkind = "leaves"\nframes = [4, 5]',
            "line 1: frames holds 2, and leaves shows only between its first and its last; give 3 or more",
        ),
        ('[[fault]]\nkind = "second-face"\nframe = 4', "frame holds 1, and second-face shows only"),
        ('[[fault]]\nkind = "cut"\nframe = 1', "a cut needs to = N"),
        (
            '[[fault]]\nkind = "cut"\nframe = 1\nclip = "gone.mp4"',
            "which is no file; paths begin at the script",
        ),
        (
            '# two\n[[fault]]\nkind = "dropped"\nframes = [2, 9]\n\n'
            '[[fault]]\nkind = "late"\nframe = 9\nms = 1',
            "line 6: fault 2 (late) is at work in frame 9, and so is fault 1 (dropped); give them frames",
        ),
        (
            '[[fault]]\nkind = "nan"\nframes = [0, 90]\nevery = 7\n'
            '[[fault]]\nkind = "nan"\nframes = [5, 90]\nevery = 4',
            "line 5: fault 2 (nan) is at work in frame 21, and so is fault 1 (nan)",
        ),
        (
            f'[[fault]]\nkind = "dropped"\nframes = [2, 9]\n[[fault]]\n{NAN}',
            "line 4: fault 2 (nan) has only frames that are dropped, from 3 on",
        ),
    ],
)
def test_nonsense_is_refused_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_faults(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and words in message and "\n" not in message


def test_faults_beyond_a_clip_of_unknown_length_are_told_at_its_end(tmp_path: Path) -> None:
    matroska = media.write_clip(tmp_path / "clip.mkv", codec="ffv1", count=4)
    told = script(tmp_path, NAN, 'kind = "late"\nframe = 4\nms = 1', 'kind = "low-light"\nframes = [2, 4]')
    with Clip(matroska) as source:
        assert source.frames is None
        assert len(list(PlantedFaults(told).over(source))) == 4
        assert source.warnings == [
            f"{matroska}: has 4 frames, so this never came: late in frame 4",
            f"{matroska}: has 4 frames, so this was not done to its end: low-light in frames 2 to 4",
        ]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ('kind = "nan"\nframe = 12', "(nan) begins at frame 12"),
        ('kind = "leaves"\nframes = [8, 12]', "(leaves) runs to frame 12"),
        ('kind = "cut"\nframe = 8\nto = 12', "(cut) cuts to frame 12"),
    ],
)
def test_faults_beyond_the_clip_are_refused(fault: str, words: str, clip: Path, tmp_path: Path) -> None:
    told = script(tmp_path, NAN, fault)
    with Clip(clip) as source, pytest.raises(UsageError) as caught:
        PlantedFaults(told).over(source)
    assert f"line 4: fault 2 {words}, but clip.mp4 has 12 frames; choose 0 to 11" in str(caught.value)
