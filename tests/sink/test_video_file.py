from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from effectcam.errors import SinkError, UsageError
from effectcam.frame import Frame
from effectcam.sink import VideoFile
from effectcam.source import Clip
from effectcam.source.colour import ColourTags
from tests import media
from tests.sink.frames import feed, moving

CLIPS = Path(__file__).resolve().parents[2] / "../shared/data/clips"


def copy(source: Path, target: Path, *, frames: int | None = None) -> VideoFile:
    """``source`` (or its first ``frames`` frames) through Clip and VideoFile."""
    with Clip(source) as clip:
        rate = clip.fps
        with VideoFile(target, clip.width, clip.height, rate=rate, source=clip, preset="ultrafast") as sink:
            for frame in clip:
                if frames is not None and frame.index >= frames:
                    break
                sink.write(frame)
    return sink


def probe(path: Path) -> tuple[av.VideoFrame, int]:
    """First picture, and how many there are."""
    with av.open(str(path)) as container:
        pictures = list(container.decode(container.streams.video[0]))
    return pictures[0], len(pictures)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_a_copy_keeps_count_size_timestamps_and_sound(tmp_path: Path, suffix: str) -> None:
    source = media.vfr(tmp_path / "in.mp4", audio="aac")
    target = tmp_path / f"out{suffix}"
    sink = copy(source, target)
    assert sink.warnings == []
    assert media.times(target) == media.times(source)
    assert media.packets(target, "audio") == media.packets(source, "audio")
    with Clip(source) as before, Clip(target) as after:
        assert (after.width, after.height) == (before.width, before.height)
        assert after.duration == pytest.approx(before.duration, abs=0.05)
    assert sorted(os.listdir(tmp_path)) == ["in.mp4", target.name]


@pytest.mark.parametrize(
    ("name", "time_base", "stamps"),
    [
        ("ntsc.mp4", Fraction(1001, 30_000), list(range(15))),
        ("film.mkv", Fraction(1001, 24_000), list(range(15))),
        ("late.mp4", Fraction(1, 90_000), [4500, 9000, 13_000, 13_001, 20_000]),
        ("coarse.avi", Fraction(1, 25), list(range(9))),
        ("nanoseconds.mov", Fraction(1, 1_000_000_000), [0, 1_000, 40_000_001, 90_000_000]),
    ],
)
def test_every_clock_survives(tmp_path: Path, name: str, time_base: Fraction, stamps: list[int]) -> None:
    source = media.write_clip(tmp_path / name, time_base=time_base, stamps=stamps)
    copy(source, tmp_path / "out.mp4")
    assert media.times(tmp_path / "out.mp4") == media.times(source)


def test_sound_that_starts_late_or_early_keeps_its_distance(tmp_path: Path) -> None:
    for number, offset in enumerate([Fraction(1, 5), Fraction(-1, 10)]):
        source = media.write_clip(
            tmp_path / f"in{number}.mp4",
            stamps=range(50_000, 80_000, 3000),
            time_base=Fraction(1, 90_000),
            audio="aac",
            audio_start=offset,
        )
        target = tmp_path / f"out{number}.mp4"
        copy(source, target)
        assert media.times(target) == media.times(source)
        assert media.packets(target, "audio") == media.packets(source, "audio")


@pytest.mark.parametrize("codec", ["mp3", "libopus", "flac", "ac3"])
def test_sound_that_mp4_knows_is_copied(tmp_path: Path, codec: str) -> None:
    source = media.write_clip(tmp_path / "in.mkv", audio=codec, audio_rate=48_000, count=25)
    sink = copy(source, tmp_path / "out.mp4")
    assert sink.warnings == []
    copied = [data for _, data in media.packets(tmp_path / "out.mp4", "audio")]
    assert copied == [data for _, data in media.packets(source, "audio")]


@pytest.mark.parametrize("codec", ["pcm_s16le", "wavpack"])
def test_sound_that_mp4_does_not_know_is_coded_anew_and_told(tmp_path: Path, codec: str) -> None:
    source = media.write_clip(tmp_path / "in.mkv", audio=codec, count=25)
    sink = copy(source, tmp_path / "out.mp4")
    assert len(sink.warnings) == 1
    assert "AAC" in sink.warnings[0]
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name == "aac"
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(stream)], axis=1)
    assert sound.shape[1] == pytest.approx(44_100, abs=3000)
    assert 0.1 < np.abs(sound).max() < 0.7


def test_all_sound_tracks_are_copied(tmp_path: Path) -> None:
    single = media.write_clip(tmp_path / "single.mp4", audio="aac", count=25)
    source = tmp_path / "double.mp4"
    with av.open(str(single)) as inside, av.open(str(source), "w") as outside:
        video = outside.add_stream_from_template(inside.streams.video[0], opaque=True)
        tracks = [outside.add_stream_from_template(inside.streams.audio[0]) for _ in range(2)]
        for packet in inside.demux():
            if packet.size and packet.stream.type == "video":
                packet.stream = video
                outside.mux(packet)
        for track in tracks:
            with av.open(str(single)) as again:
                for sound in again.demux(again.streams.audio[0]):
                    if sound.size:
                        sound.stream = track
                        outside.mux(sound)
    copy(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(container.streams.audio) == 2


def test_sound_ends_where_an_early_end_cuts_the_picture(tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "in.mp4", audio="aac", count=50)
    copy(source, tmp_path / "out.mp4", frames=25)
    assert len(media.times(tmp_path / "out.mp4")) == 25
    last, _ = media.packets(tmp_path / "out.mp4", "audio")[-1]
    assert 0.95 < last < 1.0


@pytest.mark.parametrize("codec", ["aac", "mp2", "pcm_s16le"])
def test_sound_whose_clock_is_set_back_does_not_cost_the_picture(tmp_path: Path, codec: str) -> None:
    """Two takes joined end to end without new timestamps, as splices are."""
    suffix = ".ts" if codec != "pcm_s16le" else ".mkv"
    take = media.write_clip(tmp_path / f"take{suffix}", audio=codec, count=25)
    spliced = tmp_path / f"spliced{suffix}"
    spliced.write_bytes(take.read_bytes() * 2 if suffix == ".ts" else take.read_bytes())
    with copy(spliced, tmp_path / "out.mp4") as file:
        pass
    frames = sum(1 for _ in media.times(tmp_path / "out.mp4"))
    assert frames == (50 if suffix == ".ts" else 25)
    told = any("steps back in time" in warning for warning in file.warnings)
    assert told == (suffix == ".ts")
    assert media.packets(tmp_path / "out.mp4", "audio")


def test_a_broadcast_clock_starts_at_zero_in_the_copy(tmp_path: Path) -> None:
    stamps = [8_100_000 + 3600 * index for index in range(20)]
    source = media.write_clip(tmp_path / "in.ts", stamps=stamps, time_base=Fraction(1, 90_000), audio="aac")
    copy(source, tmp_path / "out.mp4")
    before, after = media.times(source), media.times(tmp_path / "out.mp4")
    assert after[0] < 1
    assert [time - after[0] for time in after] == [time - before[0] for time in before]
    lead_before = media.packets(source, "audio")[0][0] - before[0]
    lead_after = media.packets(tmp_path / "out.mp4", "audio")[0][0] - after[0]
    assert abs(lead_before - lead_after) < Fraction(1, 40_000)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_rotation_ends_up_in_the_pixels(tmp_path: Path, degrees: int) -> None:
    copy(media.rotated(tmp_path / "in.mp4", degrees), tmp_path / "out.mp4")
    picture, count = probe(tmp_path / "out.mp4")
    assert (picture.width, picture.height, picture.rotation, count) == (48, 64, 0, 3)
    assert np.abs(picture.to_ndarray(format="rgb24")[2, 2].astype(int) - media.RED).max() < 16


@pytest.mark.parametrize(("width", "height"), [(63, 47), (64, 47), (1, 1), (33, 2)])
def test_odd_sizes_are_kept(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "odd.mp4"
    with VideoFile(path, width, height) as sink:
        for frame in moving(4, width=width, height=height):
            sink.write(frame)
    picture, count = probe(path)
    assert (picture.width, picture.height, count) == (width, height, 4)
    assert picture.format.name == "yuv444p"


def test_even_sizes_play_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "even.mp4"
    with VideoFile(path, 64, 48) as sink:
        for frame in moving(4):
            sink.write(frame)
    picture, _ = probe(path)
    assert picture.format.name == "yuv420p"
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(("width", "height", "standard"), [(64, 48, 6), (1280, 720, 1)])
def test_colours_are_tagged_and_come_back(tmp_path: Path, width: int, height: int, standard: int) -> None:
    path = tmp_path / "c.mp4"
    with VideoFile(path, width, height) as sink:
        for frame in moving(2, width=width, height=height):
            sink.write(frame)
    picture, _ = probe(path)
    assert (picture.colorspace, picture.color_primaries, picture.color_trc) == (standard,) * 3
    assert picture.color_range == 1
    with Clip(path) as clip:
        after = next(clip).pixels.astype(int)
    before = next(moving(1, width=width, height=height)).pixels
    assert np.abs(after[8:-8, 8:-8].mean((0, 1)) - before[8:-8, 8:-8].mean((0, 1))).max() < 1


def test_colours_and_pixel_shape_of_the_clip_are_passed_on(tmp_path: Path) -> None:
    tags = ColourTags(9, 9, 18)
    source = media.write_clip(tmp_path / "in.mp4", tags=tags, color_range=1, aspect=Fraction(15, 16))
    copy(source, tmp_path / "out.mp4")
    with Clip(tmp_path / "out.mp4") as clip:
        assert clip.colour_tags == tags
        assert clip.sample_aspect_ratio == Fraction(15, 16)


def test_a_live_file_starts_at_zero_whatever_the_clock_says(tmp_path: Path) -> None:
    path = tmp_path / "live.mp4"
    with VideoFile(path, 64, 48, rate=29.97) as sink:
        for frame in moving(6, start=987_654_321_000):
            sink.write(frame)
    assert media.times(path) == [Fraction(index, 25) for index in range(6)]


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    """Whatever lay in memory before: some of x264's tools read what they never wrote."""
    random = np.random.default_rng(2)
    results = set()
    for _ in range(12):
        litter = [random.bytes(int(size)) for size in random.integers(1, 200_000, 20)]
        with VideoFile(tmp_path / "a.mp4", 64, 48, preset="medium") as sink:
            for frame in moving(30):
                sink.write(frame)
                litter = litter[1:]
        results.add((tmp_path / "a.mp4").read_bytes())
    assert len(results) == 1


def test_the_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("the good one")
    sink = VideoFile(path, 64, 48)
    for frame in moving(5):
        sink.write(frame)
    assert path.read_text() == "the good one"
    sink.close()
    sink.close()
    sink.abort()
    assert probe(path)[1] == 5
    assert os.listdir(tmp_path) == ["out.mp4"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("the good one")
    with pytest.raises(error), VideoFile(path, 64, 48) as sink:
        feed(sink, moving(5), error=error)
    assert path.read_text() == "the good one"
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_an_interrupt_from_outside_leaves_nothing(tmp_path: Path) -> None:
    program = f"""
        import signal
        from effectcam.sink import VideoFile
        from tests.sink.frames import feed, moving
        # A shell that starts a job in the background has it ignore Ctrl-C, and children inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with VideoFile({str(tmp_path / "out.mp4")!r}, 640, 480) as sink:
            for frame in moving(100_000, width=640, height=480):
                sink.write(frame)
                if frame.index == 3:
                    print("writing", flush=True)
    """
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
        assert os.listdir(tmp_path) != []
        child.send_signal(signal.SIGINT)
        _, complaint = child.communicate(timeout=60)
    assert "KeyboardInterrupt" in complaint
    assert os.listdir(tmp_path) == []


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """The system refuses to let any file grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores SIGXFSZ, so that the write itself fails, as it does on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def noise(count: int) -> Iterator[Frame]:
    random = np.random.default_rng(3)
    for index in range(count):
        yield Frame(random.integers(0, 256, (120, 160, 3), np.uint8), index, index * 40_000_000)


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX's")
@pytest.mark.parametrize("size", [20, 4_000, 200_000])
def test_a_file_that_may_not_grow_leaves_nothing(tmp_path: Path, size: int) -> None:
    """Small enough to fail while frames come, or only when the file is arranged at the end."""
    path = tmp_path / "out.mp4"
    path.write_text("good")
    with (
        small_files(size),
        pytest.raises(SinkError, match="nothing was kept") as caught,
        VideoFile(path, 160, 120) as sink,
    ):
        feed(sink, noise(60))
    assert "\n" not in str(caught.value)
    assert path.read_text() == "good"
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs more rights")
    try:
        with pytest.raises(SinkError, match="disk is full"), VideoFile(tmp_path / "a.mp4", 160, 120) as sink:
            feed(sink, noise(200))
        assert os.listdir(tmp_path) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_places_that_cannot_be_written_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(SinkError, match="create it first"):
        VideoFile(tmp_path / "missing" / "a.mp4", 64, 48)
    with pytest.raises(SinkError, match="is a file and no folder"):
        VideoFile(tmp_path / "file" / "a.mp4", 64, 48)
    with pytest.raises(SinkError, match="is a folder"):
        VideoFile(tmp_path / "folder.mp4", 64, 48)
    with pytest.raises(SinkError, match="too long"):
        VideoFile(tmp_path / ("x" * 300 + ".mp4"), 64, 48)
    if os.path.isdir("/proc/1"):
        with pytest.raises(SinkError):
            VideoFile("/proc/a.mp4", 64, 48)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    root = os.geteuid() == 0
    if root:
        # Root may write anywhere, so be nobody for a moment.
        os.seteuid(65534)
    try:
        with pytest.raises(SinkError, match=r"cannot be written \(Permission denied\); choose another"):
            VideoFile(tmp_path / "a.mp4", 64, 48)
    finally:
        if root:
            os.seteuid(0)
    assert os.listdir(tmp_path) == []


def test_wrong_calls_are_usage_errors(tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "in.mp4")
    with pytest.raises(UsageError, match=r"must end in .mp4"):
        VideoFile(tmp_path / "a.avi", 64, 48)
    with pytest.raises(UsageError, match="crf 52"):
        VideoFile(tmp_path / "a.mp4", 64, 48, crf=52)
    with pytest.raises(UsageError, match="rate 0"):
        VideoFile(tmp_path / "a.mp4", 64, 48, rate=0)
    with pytest.raises(UsageError, match="preset 'quick'"):
        VideoFile(tmp_path / "a.mp4", 64, 48, preset="quick")
    with pytest.raises(UsageError, match="0x48"):
        VideoFile(tmp_path / "a.mp4", 0, 48)
    with Clip(source) as clip, pytest.raises(UsageError, match="input itself"):
        VideoFile(source, 64, 48, source=clip)
    assert os.listdir(tmp_path) == ["in.mp4"]


def test_frames_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    wrong_shape = pytest.raises(SinkError, match=r"shape \(48, 60, 3\), not \(48, 64, 3\)")
    with wrong_shape, VideoFile(tmp_path / "a.mp4", 64, 48) as sink:
        sink.write(next(moving(1, width=60)))
    with pytest.raises(SinkError, match="not later"), VideoFile(tmp_path / "a.mp4", 64, 48) as sink:
        feed(sink, [*moving(1), *moving(1)])
    with pytest.raises(SinkError, match="no frame came"), VideoFile(tmp_path / "a.mp4", 64, 48):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["s18", "s20", "d0"])
def test_shared_clips_come_through(tmp_path: Path, name: str) -> None:
    source = CLIPS / f"{name}.mp4"
    if not source.exists():
        pytest.skip(f"{source} is missing: it is too large for the repository")
    target = tmp_path / "out.mp4"
    copy(source, target)
    assert media.times(target) == media.times(source)
    with Clip(source) as before, Clip(target) as after:
        assert (after.width, after.height, after.frames) == (before.width, before.height, before.frames)
        assert after.sample_aspect_ratio == before.sample_aspect_ratio
        assert after.has_audio == before.has_audio
        if before.has_audio:
            assert media.packets(target, "audio") == media.packets(source, "audio")
