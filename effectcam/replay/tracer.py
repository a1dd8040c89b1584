"""What a trace says of a run: its header, and each frame as the pipeline has just left it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import effectcam
from effectcam.doctor.device_type import cpu_name, instruction_sets, library_versions, system_name
from effectcam.errors import SourceError
from effectcam.frame import Frame
from effectcam.pipeline import Pipeline
from effectcam.replay.footage import Footage
from effectcam.replay.trace import (
    SCHEMA,
    Header,
    MachineType,
    TracedClip,
    TracedCrop,
    TracedEffect,
    TracedFace,
    TracedFrame,
    TracedStudent,
    digest,
)
from effectcam.student.choice import PlacedStudent


def header(clip: Footage, pipeline: Pipeline, *, faults: str | None = None) -> Header:
    """Of a run of ``clip`` through ``pipeline``; ``faults``: SHA-256 of the script at work. Raises
    SourceError when the clip cannot be read any more."""
    # A name that is no text in any encoding must not keep the trace from being written.
    name = clip.path.name.encode("utf-8", "backslashreplace").decode()
    return header_of(
        TracedClip(name=name, sha256=sha256_of(clip.path), width=clip.width, height=clip.height),
        pipeline,
        faults=faults,
    )


def header_of(clip: TracedClip, pipeline: Pipeline, *, faults: str | None = None) -> Header:
    """The same of what is no file, or must not be told of by its name."""
    effect = pipeline.effect
    students = {}
    for place, student in pipeline.students.items():
        model = effect.model(place, pipeline.tier)
        placement = cast(PlacedStudent, student).placement
        students[str(place)] = TracedStudent(
            file=model.file,
            sha256=effect.files[model.file],
            accelerator=placement.accelerator,
            device=placement.device,
        )
    return Header(
        schema=SCHEMA,
        effectcam=effectcam.__version__,
        clip=clip,
        effect=TracedEffect(
            name=effect.name,
            version=effect.version,
            tier=pipeline.tier,
            strength=pipeline.strength,
            faces=pipeline.max_faces,
            students=students,
        ),
        libraries=library_versions(),
        machine=machine_type(),
        faults=faults,
    )


def machine_type() -> MachineType:
    """This machine's."""
    cpu, flags, system = cpu_name(), instruction_sets(), system_name()
    architecture = platform.machine()
    name = hashlib.sha256("\n".join([cpu, architecture, *flags, system]).encode()).hexdigest()[:12]
    return MachineType(id=name, cpu=cpu, architecture=architecture, flags=flags, system=system)


def traced(pipeline: Pipeline, before: Frame, after: Frame, *, faults: Sequence[str] = ()) -> TracedFrame:
    """``after`` and how ``pipeline``, which has just made it of ``before``, came to it; ``faults``: kinds of
    those that were at work."""
    drawings = pipeline.drawings.get("face", [])
    canvas = pipeline.drawings.get("frame")
    faces = []
    for face, drawing in zip(pipeline.faces, drawings, strict=True):
        crop = face.crop
        faces.append(
            TracedFace(
                identity=face.identity,
                landmarks=digest(face.landmarks),
                crop=TracedCrop(cx=crop.cx, cy=crop.cy, side=crop.side, angle=crop.angle),
                drawing=digest(drawing),
            )
        )
    return TracedFrame(
        frame=before.index,
        at=before.captured_at,
        faults=list(faults),
        input=digest(before.pixels),
        decisions=pipeline.decisions,
        tier=pipeline.tier,
        faces=faces,
        canvas=digest(canvas[0]) if canvas else None,
        output=digest(after.pixels),
    )


def sha256_of(path: Path) -> str:
    """Raises SourceError when the clip cannot be read any more."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read again ({error.strerror}); check the disk") from None
