from __future__ import annotations

import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from effectcam.errors import SourceError
from effectcam.frame import Frame
from effectcam.source import Clip, is_camera, open_source
from effectcam.source.colour import ColourTags
from tests import media


def read(path: Path, *, mirror: bool = False) -> tuple[list[Frame], list[str]]:
    with Clip(path, mirror=mirror) as clip:
        return list(clip), clip.warnings


def assert_upright(frame: Frame, tolerance: int = 4) -> None:
    """The corners of `media.corners` are where they belong, in their colours."""
    pixels = frame.pixels.astype(int)
    for (y, x), colour in {
        (1, 1): media.RED,
        (1, -2): media.GREEN,
        (-2, 1): media.BLUE,
        (-2, -2): media.WHITE,
    }.items():
        assert np.abs(pixels[y, x] - colour).max() <= tolerance, (y, x, pixels[y, x], colour)


def test_frames_are_rgb_contiguous_and_counted(tmp_path: Path) -> None:
    with Clip(media.write_clip(tmp_path / "a.mp4")) as clip:
        assert (clip.width, clip.height, clip.fps, clip.frames) == (64, 48, 25.0, 12)
        assert clip.duration == pytest.approx(0.48)
        assert not clip.has_audio
        assert not clip.finished
        frames = list(clip)
        assert clip.finished
        assert clip.warnings == []
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.captured_at for frame in frames] == [40_000_000 * index for index in range(12)]
    for frame in frames:
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape == (48, 64, 3)
        assert frame.pixels.flags.c_contiguous
        assert frame.pixels.flags.writeable
        assert_upright(frame)
    frames[0].pixels[:] = 0
    assert_upright(frames[1])


def test_variable_rate_keeps_every_timestamp(tmp_path: Path) -> None:
    path = media.vfr(tmp_path / "vfr.mp4")
    expected = media.times(path)
    with Clip(path) as clip:
        frames = list(clip)
        assert [clip.pts_of(frame.captured_at) * clip.time_base for frame in frames] == expected
        assert clip.fps == pytest.approx(9 / float(expected[-1] - expected[0]))
    assert [frame.captured_at for frame in frames[:3]] == [0, 33_366_667, 66_733_333]


def test_a_late_first_frame_counts_as_zero_and_is_remembered(tmp_path: Path) -> None:
    path = media.write_clip(
        tmp_path / "late.mp4", stamps=[4500, 9000, 13_000], time_base=Fraction(1, 90_000), audio="aac"
    )
    with Clip(path) as clip:
        frames = list(clip)
        assert frames[0].captured_at == 0
        assert [clip.pts_of(frame.captured_at) * clip.time_base for frame in frames] == media.times(path)
        assert clip.has_audio


def test_repeated_timestamps_are_spread(tmp_path: Path) -> None:
    """Matroska counts milliseconds: two frames a hundredth of one apart get the same stamp."""
    frames, warnings = read(media.vfr(tmp_path / "vfr.mkv"))
    stamps = [frame.captured_at for frame in frames]
    assert stamps == sorted(set(stamps))
    assert len(stamps) == 10
    assert len(warnings) == 1
    assert "timestamp" in warnings[0]


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("degrees", [-90, 90, 180, 270])
def test_rotation_is_carried_out(tmp_path: Path, degrees: int, hflip: bool) -> None:
    with Clip(media.rotated(tmp_path / "r.mp4", degrees, hflip=hflip)) as clip:
        assert (clip.width, clip.height) == (48, 64)
        for frame in clip:
            assert frame.pixels.shape == (64, 48, 3)
            assert frame.pixels.flags.c_contiguous
            assert_upright(frame)


@pytest.mark.parametrize("tag", range(1, 9))
def test_a_photograph_is_turned_as_its_exif_says(tmp_path: Path, tag: int) -> None:
    """The eight orientations of EXIF, which FFmpeg attaches to the picture as such."""
    upright = media.corners(64, 48)
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.transpose(1, 0, 2), 6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(upright, -1),
    }[tag]  # fmt: skip
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(stored[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 98])
    assert done
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + bytes([tag, 0, 0, 0])
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00" + entry + bytes(4)
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    jpeg = data.tobytes()
    path = tmp_path / "photograph.jpg"
    path.write_bytes(jpeg[:2] + segment + jpeg[2:])
    frames, _ = read(path)
    assert frames[0].pixels.shape == (48, 64, 3)
    assert_upright(frames[0], tolerance=24)


def test_mirror_swaps_sides_after_rotation(tmp_path: Path) -> None:
    path = media.rotated(tmp_path / "r.mp4", 90)
    straight, _ = read(path)
    mirrored, _ = read(path, mirror=True)
    assert np.array_equal(mirrored[0].pixels, straight[0].pixels[:, ::-1])


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("color_range", [1, 2])
def test_matrix_and_range_are_honoured(tmp_path: Path, matrix: int, color_range: int) -> None:
    tags = ColourTags(matrix, matrix, matrix)
    path = media.write_clip(
        tmp_path / "c.mkv", codec="ffv1", pix_fmt="yuv444p", tags=tags, color_range=color_range, count=2
    )
    frames, _ = read(path)
    assert_upright(frames[0])


def test_untagged_colours_go_by_size(tmp_path: Path) -> None:
    small = media.write_clip(tmp_path / "s.mp4", count=1)
    large = media.write_clip(tmp_path / "l.mp4", width=1280, height=720, count=1, tags=None)
    with Clip(small) as sd, Clip(large) as hd:
        assert sd.colour_tags == ColourTags(6, 6, 6)
        assert hd.colour_tags == ColourTags(1, 1, 1)


def test_conversion_neither_darkens_nor_tints(tmp_path: Path) -> None:
    grey = np.full((48, 64, 3), 128, np.uint8)
    path = media.write_clip(tmp_path / "g.mkv", codec="ffv1", pictures=[grey], count=1)
    frames, _ = read(path)
    assert np.abs(frames[0].pixels.astype(int) - 128).max() <= 1


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "tolerance"),
    [
        ("ten.mkv", "ffv1", "yuv420p10le", 3),
        ("sixteen.mkv", "ffv1", "yuv444p16le", 2),
        ("full.avi", "mjpeg", "yuvj420p", 8),
        ("rgb.mkv", "ffv1", "bgra", 0),
        ("half.mkv", "ffv1", "yuv422p", 3),
        ("palette.gif", "gif", "rgb8", 60),
    ],
)
def test_pixel_formats(tmp_path: Path, name: str, codec: str, pix_fmt: str, tolerance: int) -> None:
    frames, warnings = read(media.write_clip(tmp_path / name, codec=codec, pix_fmt=pix_fmt, count=3))
    assert len(frames) == 3
    assert warnings == []
    assert_upright(frames[0], tolerance)


def test_ten_bit_h264(tmp_path: Path) -> None:
    frames, _ = read(media.ten_bit(tmp_path / "ten.mp4"))
    assert_upright(frames[0])


def test_grey_gives_three_equal_channels(tmp_path: Path) -> None:
    frames, _ = read(media.grey(tmp_path / "grey.mkv"))
    pixels = frames[0].pixels
    assert pixels.shape == (48, 64, 3)
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    assert pixels[-2, -2, 0] == 224


def test_grey_of_limited_range_reaches_black_and_white(tmp_path: Path) -> None:
    frames, _ = read(media.grey_ramp_limited(tmp_path / "ramp.mkv"))
    assert np.abs(frames[0].pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_transparent_pixels_lie_over_black(tmp_path: Path) -> None:
    frames, _ = read(media.alpha(tmp_path / "alpha.mov"))
    assert frames[0].pixels[0, 0].tolist() == list(media.RED)
    assert not frames[0].pixels[:, 32:].any()


@pytest.mark.parametrize(("width", "height"), [(63, 47), (1, 1), (2, 33), (37, 1)])
def test_odd_and_tiny_sizes(tmp_path: Path, width: int, height: int) -> None:
    path = media.write_clip(tmp_path / "odd.mp4", width=width, height=height, pix_fmt="yuv444p", count=3)
    frames, _ = read(path)
    assert [frame.pixels.shape for frame in frames] == [(height, width, 3)] * 3


def test_pixel_shape_is_told_upright(tmp_path: Path) -> None:
    path = media.write_clip(tmp_path / "a.mp4", aspect=Fraction(15, 16), rotation=90)
    with Clip(path) as clip:
        assert clip.sample_aspect_ratio == Fraction(16, 15)
    with Clip(media.write_clip(tmp_path / "b.mp4")) as clip:
        assert clip.sample_aspect_ratio is None


def test_frames_that_change_size_are_scaled_to_the_first(tmp_path: Path) -> None:
    """Two streams glued together, as a webcam recording that was restarted."""
    first = media.write_clip(tmp_path / "a.ts", codec="mpeg2video", count=5)
    second = media.write_clip(
        tmp_path / "b.ts", codec="mpeg2video", width=96, height=64, stamps=range(5, 10), count=5
    )
    glued = tmp_path / "glued.ts"
    glued.write_bytes(first.read_bytes() + second.read_bytes())
    frames, warnings = read(glued)
    # The MPEG-2 decoder keeps the picture it was about to reorder when the size changes.
    assert len(frames) >= 9
    assert {frame.pixels.shape for frame in frames} == {(48, 64, 3)}
    assert_upright(frames[-1], 24)
    assert any("64x48 to 96x64" in line for line in warnings)


def test_high_dynamic_range_is_told(tmp_path: Path) -> None:
    path = media.write_clip(
        tmp_path / "hdr.mkv", codec="ffv1", pix_fmt="yuv420p10le", tags=ColourTags(9, 9, 18), color_range=1
    )
    _, warnings = read(path)
    assert len(warnings) == 1
    assert "HLG" in warnings[0]


def test_broadcast_clock_has_an_origin(tmp_path: Path) -> None:
    stamps = [8_100_000 + 3600 * index for index in range(8)]
    path = media.write_clip(tmp_path / "tv.ts", stamps=stamps, time_base=Fraction(1, 90_000), audio="aac")
    with Clip(path) as clip:
        # The stream's own delay comes on top of the hour at which it was cut.
        assert 89 < clip.origin < 93
        assert clip.first_pts * clip.time_base - clip.origin < 1


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv"])
def test_truncated_clip_yields_what_is_left_and_says_so(tmp_path: Path, name: str) -> None:
    path = media.truncated(tmp_path / name, keep=0.5, index_first=name.endswith("mp4"))
    frames, warnings = read(path)
    assert 20 <= len(frames) <= 40
    assert any("cut short" in line for line in warnings)


def test_cut_within_the_first_frame_is_refused(tmp_path: Path) -> None:
    path = media.truncated(tmp_path / "cut.mp4", keep=0.03, index_first=True)
    with pytest.raises(SourceError, match="not one frame"):
        Clip(path)


def test_damage_in_the_middle_costs_only_its_frames(tmp_path: Path) -> None:
    path = media.write_clip(tmp_path / "a.mov", codec="png", pix_fmt="rgb24", count=20)
    with av.open(str(path)) as container:
        spoilt = [packet for packet in container.demux() if packet.size][9]
        start, size = spoilt.pos, spoilt.size
    assert start is not None
    data = bytearray(path.read_bytes())
    data[start : start + size] = bytes(size)
    path.write_bytes(data)
    frames, warnings = read(path)
    assert len(frames) == 19
    assert any("damaged packets: 1" in line for line in warnings)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_each_bad_file_is_refused_in_one_line_with_the_way_out(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(5000)
    song = media.audio_only(tmp_path / "song.m4a")
    vast = media.write_clip(
        tmp_path / "vast.avi", width=8000, height=5100, codec="mjpeg", pix_fmt="yuvj420p", count=1
    )
    bad = {
        tmp_path / "missing.mp4": "no such file",
        tmp_path: "is a folder",
        write(tmp_path / "empty.mp4", b""): "empty",
        write(tmp_path / "noise.mp4", noise): "not a video",
        write(tmp_path / "notes.txt", b"hello\n" * 99): "text",
        write(tmp_path / "list.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n"): "not a video",
        song: "sound alone",
        media.no_frames(tmp_path / "none.mp4"): "no video stream",
        media.truncated(tmp_path / "late-index.mp4", keep=0.9, index_first=False): "moov",
        media.write_clip(tmp_path / "wide.mkv", width=8200, height=16, codec="ffv1", count=1): "8200x16",
        vast: "megapixels",
    }
    for path, reason in bad.items():
        with pytest.raises(SourceError, match=reason) as caught:
            Clip(path)
        message = str(caught.value)
        assert "\n" not in message
        assert str(path) in message
        assert ";" in message or "," in message


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "cover.mkv"
    media.write_clip(path, codec="mjpeg", pix_fmt="yuvj420p", count=1, audio="aac")
    covered = tmp_path / "cover.mp4"
    with av.open(str(path)) as source, av.open(str(covered), "w") as target:
        streams = {
            stream.index: target.add_stream_from_template(stream, opaque=True)
            for stream in (source.streams.video[0], source.streams.audio[0])
        }
        streams[0].disposition = av.stream.Disposition.attached_pic
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    with pytest.raises(SourceError, match="sound alone"):
        Clip(covered)


def test_names_that_look_like_addresses_stay_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = media.write_clip(tmp_path / "http:a.mp4")
    monkeypatch.chdir(tmp_path)
    frames, _ = read(Path(path.name))
    assert len(frames) == 12


def test_closed_clip_gives_the_file_free(tmp_path: Path) -> None:
    path = media.write_clip(tmp_path / "a.mp4")
    clip = Clip(path)
    next(clip)
    clip.close()
    clip.close()
    shutil.move(path, tmp_path / "b.mp4")


def test_open_source_tells_clips_from_cameras(tmp_path: Path) -> None:
    with open_source(media.write_clip(tmp_path / "a.mp4")) as source:
        assert isinstance(source, Clip)
    with pytest.raises(SourceError, match="no such file"):
        open_source(str(tmp_path / "missing.mp4"))
    with pytest.raises(SourceError, match="no such file"):
        open_source("holiday.mp4")
    with pytest.raises(SourceError, match="camera 'no such camera'"):
        open_source("no such camera")
    for camera in ("USB2.0 HD UVC WebCam", "usb2.0", "Cam v1.2", "0", "/dev/video7"):
        assert is_camera(camera), camera
    for clip in ("a.mp4", "a.3gp", "a.m2ts", "a.TS", "my.clip/a", Path("a")):
        assert not is_camera(clip), clip


def test_a_picture_that_was_closed_still_tells_its_rate(tmp_path: Path) -> None:
    # The panel asks while a clip goes round and round. A crash would take the tests down, hence a process.
    path = tmp_path / "a.png"
    assert cv2.imwrite(str(path), media.corners(64, 48))
    program = f"""
from effectcam.source.clip import Clip
clip = Clip({str(path)!r})
list(clip)
clip.close()
for _ in range(30):
    with Clip({str(path)!r}) as other:
        list(other)
    freed = [bytes([255]) * size for size in range(100, 1600, 100)]
    assert clip.fps == 25, clip.fps
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
