"""Bug bundles: no face in them, all decisions come out again, and nothing is believed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect.package import Effect
from effectcam.errors import ReportError
from effectcam.face.crop import fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.face.stabiliser import OneEuroSmoothing
from effectcam.frame import Frame
from effectcam.pipeline import Pipeline
from effectcam.replay.bundle import Recording, pack, read_bundle, zipped
from effectcam.replay.bundle_clip import BundleClip, Faithfulness, RecordedFaces
from effectcam.replay.player import play
from effectcam.replay.recorder import record
from effectcam.replay.replayer import ClipPlan, Replayer, ReplaySettings
from effectcam.source.clip import Clip
from tests import media
from tests.face.clips import face_clip
from tests.source.desk import Desk, Webcam
from tests.tiny_effect import tiny_effect

COUNT = 6
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def effect(tmp_path_factory: pytest.TempPathFactory) -> Effect:
    return tiny_effect(tmp_path_factory.mktemp("bundle") / "effect", face="identity")


@pytest.fixture(scope="module")
def recording(effect: Effect, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    clip = face_clip(tmp_path_factory.mktemp("clip") / "me-at-home.mp4")
    with Clip(clip) as source:
        return record(source, effect, frames=COUNT, threads=1)


@pytest.fixture(scope="module")
def files(recording: Recording) -> Files:
    return pack(
        recording, version="0.1.0", environment={"EFFECTCAM_EFFECTS": "~/looks"}, reports={"doctor": []}
    )


def put(folder: Path, files: Files) -> Path:
    path = folder / "report.zip"
    path.write_bytes(zipped(files))
    return path


def test_a_bundle_tells_what_is_in_it_and_has_no_picture(files: Files) -> None:
    assert list(files) == ["README.txt", "bundle.json", "trace.jsonl", "faces.f32", "doctor.json"]
    readme = files["README.txt"].decode()
    assert "6 frames, no picture of a face" in readme and all(name in readme for name in list(files)[1:])
    whole = b"".join(files.values())
    # Neither a picture nor the clip's name, which may be somebody's.
    assert b"\xff\xd8\xff" not in whole and b"me-at-home" not in whole
    assert zipped(files) == zipped(files)


def test_pictures_are_there_only_when_they_are_asked_for(effect: Effect, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "clip.mp4")
    with Clip(clip) as source:
        names = list(record(source, effect, frames=12, pictures=3, threads=1).pictures)
    assert names == [f"{when}-{frame:06}.jpg" for frame in (0, 8, 11) for when in ("before", "after")]


def test_a_camera_is_recorded_until_it_is_enough(effect: Effect, tmp_path: Path) -> None:
    desk, webcam = Desk(), Webcam("Jane Doe's Webcam", face_clip(tmp_path / "me-at-home.mp4"))
    desk.plug(70, webcam)
    with desk.open(desk.cameras()[0], width=640, height=360, fps=30) as camera:
        enough = iter([False, None, False, True])
        recording = record(camera, effect, frames=20, threads=1, watch=lambda: next(enough))
    files = pack(recording, version="0.1.0", environment={}, reports={})
    whole = b"".join(files.values())
    assert b"Jane" not in whole and b"me-at-home" not in whole
    bundle = read_bundle(put(tmp_path, files))
    assert len(bundle.contents.stamps) == 4 and bundle.contents.stamps[0] == 0
    faithful = Faithfulness(bundle)
    with Pipeline(effect, threads=1, mesh=RecordedFaces(bundle)) as pipeline:
        report = play(str(bundle.path), pipeline, onlookers=[faithful], footage=lambda _: BundleClip(bundle))
    assert faithful.exact and report.faces.frames_with_face == 4
    assert json.loads(files["trace.jsonl"].splitlines()[0])["clip"]["name"] == "camera"


def test_all_decisions_come_out_again_on_a_face_that_belongs_to_nobody(
    effect: Effect, files: Files, tmp_path: Path
) -> None:
    bundle = read_bundle(put(tmp_path, files))
    for smoothing, exact in ((None, True), (OneEuroSmoothing(min_cutoff=0.4), False)):
        faithful = Faithfulness(bundle)
        with Pipeline(effect, threads=1, mesh=RecordedFaces(bundle), smoothing=smoothing) as pipeline:
            report = play(
                *(str(bundle.path), pipeline, tmp_path / "out.mp4"),
                onlookers=[faithful],
                footage=lambda _: BundleClip(bundle),
            )
        assert (report.frames, report.faces.frames_with_face) == (COUNT, COUNT)
        assert faithful.notes == []
        assert faithful.exact is exact, str(faithful)
    assert 0 < faithful.centre < 5 and faithful.identities == faithful.landmarks == 0
    assert str(faithful).startswith("6 frames: crops off by up to ")
    assert len(media.times(tmp_path / "out.mp4")) == COUNT


def test_fewer_faces_than_were_recorded_get_the_effect(effect: Effect, files: Files, tmp_path: Path) -> None:
    size = len(files["faces.f32"]) // COUNT
    faces = [files["faces.f32"][place * size :][:size] for place in range(COUNT)]
    two = with_values(files, found=[2] * COUNT) | {"faces.f32": b"".join(2 * each for each in faces)}
    path = put(tmp_path, two)
    identities = []
    for most in (1, 2):
        with Replayer(effect, ReplaySettings(threads=1, bundle=path, max_faces=most)) as replayer:
            report = replayer.play(ClipPlan(clip=str(path))).report
        identities.append(report.faces.identities)
        # The trace is of one.
        assert report.faithful is not None and report.faithful.startswith("6 frames: ")
        assert ("are those that were recorded" in report.faithful) is (most == 1)
    assert identities == [1, 2]


def test_the_stand_in_has_its_face_where_the_points_are(files: Files, tmp_path: Path) -> None:
    """Face Mesh finds it there, though the face in the bundle was turned and moved."""
    bundle = read_bundle(put(tmp_path, files))
    points = bundle.faces[0][0].landmarks
    turn = np.array([[0.95, 0.31, 0], [-0.31, 0.95, 0], [0, 0, 1]], np.float32)
    moved = (points - points.mean(axis=0)) @ turn.T + points.mean(axis=0) + np.array([60, 20, 0], np.float32)
    bundle.faces[0][0] = replace(bundle.faces[0][0], landmarks=moved)
    clip = BundleClip(bundle)
    picture = next(iter(clip))
    assert (clip.width, clip.height, picture.captured_at) == (640, 360, 0)
    with FaceMesh() as mesh:
        (found,) = mesh.process(Frame(picture.pixels, 0, 0))
    there, here = fit_head(moved), fit_head(found.landmarks)
    assert abs(here.angle - there.angle) < 0.05
    assert np.hypot(here.cx - there.cx, here.cy - there.cy) < 0.1 * there.side
    again = BundleClip(bundle)
    assert np.array_equal(next(iter(again)).pixels, picture.pixels)


def changed(files: Files, name: str, edit: Callable[[bytes], bytes]) -> Files:
    return {**files, name: edit(files[name])}


def with_values(files: Files, **values: object) -> Files:
    contents = json.loads(files["bundle.json"])
    return {**files, "bundle.json": json.dumps({**contents, **values}).encode()}


def with_effect(files: Files, name: str) -> Files:
    return with_values(files, settings=json.loads(files["bundle.json"])["settings"] | {"effect": name})


def without(files: Files, name: str) -> Files:
    return {other: data for other, data in files.items() if other != name}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda files: with_values(files, schema="effectcam.bundle/2"),
            "has the schema 'effectcam.bundle/2'",
        ),
        (lambda files: without(files, "bundle.json"), "is no bundle, it has no bundle.json"),
        (lambda files: without(files, "faces.f32"), "faces.f32 is missing"),
        (
            lambda files: {**files, "../../out.txt": b"x"},
            "holds '../../out.txt', which is no file of a bundle",
        ),
        (lambda files: {**files, "/etc/passwd": b"x"}, "which is no file of a bundle"),
        (lambda files: {**files, "run.py": b"x"}, "which is no file of a bundle"),
        (lambda files: {**files, "doctor.json": b" " * 900_000}, "do not trust this zip"),
        (lambda files: {**files, "doctor.json": b" " * 1_000_001}, "would grow from"),
        (
            lambda files: {**files, **{f"before-{n:06}.jpg": b"" for n in range(60)}},
            "entries; a bundle has 54",
        ),
        (lambda files: changed(files, "bundle.json", lambda data: data[:-9]), "bundle.json is damaged"),
        (
            lambda files: with_effect(files, "/tmp/x.zip"),
            "calls its effect '/tmp/x.zip', and a name is 1 to 40",
        ),
        (lambda files: with_effect(files, "..\\x"), "calls its effect '..\\\\x', and a name is 1 to 40"),
        (lambda files: with_effect(files, "toon\n"), "calls its effect 'toon\\n', and a name is 1 to 40"),
        (lambda files: with_values(files, width=100_000), "bundle.json is damaged"),
        (lambda files: with_values(files, width=8000, height=8000), "larger than any clip's"),
        (lambda files: with_values(files, stamps=[0] * COUNT), "do not come one after another"),
        (lambda files: with_values(files, found=[1]), "tells of faces in 1 frames and of times of 6"),
        (lambda files: with_values(files, found=[2] * COUNT), "faces.f32 has 33792 bytes, and 12 faces need"),
        (lambda files: changed(files, "faces.f32", lambda data: data[:-2]), "faces.f32 has 33790 bytes"),
        (
            lambda files: changed(files, "faces.f32", lambda data: b"\x00\x00\xc0\x7f" + data[4:]),
            "holds numbers that are no points",
        ),
        (
            lambda files: changed(files, "trace.jsonl", lambda data: data[99:]),
            "trace.jsonl, line 1, is damaged",
        ),
        (
            lambda files: changed(files, "trace.jsonl", lambda data: b"\n".join(data.splitlines()[:-2])),
            "does not tell of its 6 frames",
        ),
        (lambda files: changed(files, "trace.jsonl", lambda data: b""), "does not tell of its 6 frames"),
    ],
)
def test_what_is_no_bundle_is_refused_in_a_line(
    edit: Callable[[Files], Files], words: str, files: Files, tmp_path: Path
) -> None:
    path = put(tmp_path, edit(files))
    with pytest.raises(ReportError) as caught:
        Faithfulness(read_bundle(path))
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and words in message and "\n" not in message
    assert [file.name for file in tmp_path.iterdir()] == ["report.zip"]


def lying(files: Files) -> bytes:
    """A zip whose directory says that a file is small, and whose stream is not."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        info = archive.getinfo("trace.jsonl")
        info.file_size //= 2
    return whole.getvalue()


@pytest.mark.parametrize(
    "make", [lambda files: b"", lambda files: b"no zip", lying, lambda files: zipped(files)[:-9]]
)
def test_damage_is_told_in_a_line(make: Callable[[Files], bytes], files: Files, tmp_path: Path) -> None:
    path = tmp_path / "report.zip"
    path.write_bytes(make(files))
    with pytest.raises(
        ReportError, match=r"is no bundle of effectcam report, or is damaged|is not of the size"
    ):
        read_bundle(path)
    with pytest.raises(ReportError, match="cannot be read"):
        read_bundle(tmp_path / "gone.zip")
