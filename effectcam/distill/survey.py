"""Look at every picture and frame of the sources once, and keep what was found, so that a second run goes on.

What is measured is written to ``measured.jsonl`` picture by picture; a picture is looked at again only when
its file's bytes, or the limits, have changed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from effectcam.distill import dataset
from effectcam.distill.data import CLIPS, cut_out, read_picture
from effectcam.distill.fitness import Fitness, Limits, Refusal, fitness
from effectcam.distill.likeness import fingerprint, thumbnail
from effectcam.distill.monk import monk_tone
from effectcam.distill.sources import Source
from effectcam.distill.tones import tone, typology_angle
from effectcam.errors import FaceMeshError, SourceError
from effectcam.face.crop import fit_head
from effectcam.face.mesh import FaceMesh, FaceObservation
from effectcam.frame import Frame, Pixels

METHOD = 1
"""Of measuring; another number makes every picture be looked at anew."""


@dataclass(frozen=True)
class Face:
    """What a picture with one face was measured to be."""

    key: str
    fitness: Fitness
    tone: str
    angle: float
    monk: int
    skin: tuple[int, int, int]
    fingerprint: str
    """Hexadecimal."""


@dataclass(frozen=True)
class Sighting:
    """What became of one picture, or one frame of a clip."""

    name: str
    digest: str
    """SHA-256 of the file."""
    source: str
    face: Face | None = None
    refusal: Refusal | None = None
    """A picture may have a face and be refused all the same."""

    @property
    def usable(self) -> bool:
        return self.face is not None and self.refusal is None


@dataclass(frozen=True)
class _ClipEnd:
    """All of a clip has been looked at, every ``every``th frame."""

    clip: str
    digest: str
    every: int


class Survey:
    """Looks at sources, and remembers in ``folder``, which is made when it is missing.

    Raises OSError when the folder cannot be written. Use it as a context manager.
    """

    def __init__(self, folder: Path, *, limits: Limits, every: int) -> None:
        """``every``: one frame in so many is taken of a clip; neighbours teach almost nothing new."""
        (folder / dataset.PICTURES).mkdir(parents=True, exist_ok=True)
        self._folder, self._limits, self._every = folder, limits, every
        self._header = json.dumps({"method": METHOD, "limits": dataclasses.asdict(limits)})
        self._known: dict[str, Sighting] = {}
        self._ends: set[_ClipEnd] = set()
        self._mesh: FaceMesh | None = None
        self._recall()

    def _recall(self) -> None:
        path = self._folder / dataset.LOG
        text = path.read_bytes() if path.is_file() else b""
        # The last line may have been cut short, by an interruption or a full disk.
        whole = text[: text.rfind(b"\n") + 1]
        header, *rows = whole.decode("utf-8", errors="replace").splitlines() or [""]
        if header != self._header:
            dataset.put(path, (self._header + "\n").encode())
            return
        if whole != text:
            dataset.put(path, whole)
        try:
            for row in rows:
                self._remember(json.loads(row))
        except (ValueError, TypeError, KeyError, AttributeError):
            # Not what was written here: better look again than trust it.
            self._known.clear()
            self._ends.clear()
            dataset.put(path, (self._header + "\n").encode())

    def _remember(self, row: dict[str, Any]) -> None:
        if "clip" in row:
            self._ends.add(_ClipEnd(**row))
            return
        face, refusal = row.pop("face"), row.pop("refusal")
        if face is not None:
            face = Face(**(face | {"fitness": Fitness(**face["fitness"]), "skin": tuple(face["skin"])}))
        self._known[row["name"]] = Sighting(**row, face=face, refusal=refusal and Refusal(**refusal))

    def look(self, source: Source, name: str) -> Iterator[Sighting]:
        """What is in the file called ``name``: one sighting, or one a frame for a clip."""
        path = source.files[name]
        try:
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            yield Sighting(name, "", source.name, refusal=Refusal("unreadable", str(error.strerror or error)))
            return
        if path.suffix.lower() in CLIPS:
            yield from self._look_at_clip(source, name, digest)
        elif known := self._recalled(source, name, digest):
            yield known
        else:
            yield self._note(read_picture(path), Sighting(name, digest, source.name))

    def _look_at_clip(self, source: Source, name: str, digest: str) -> Iterator[Sighting]:
        from effectcam.source.clip import Clip

        if _ClipEnd(name, digest, self._every) in self._ends:
            frames = [sighting for sighting in self._known.values() if sighting.name.startswith(f"{name}#")]
            known = [self._recalled(source, sighting.name, digest) for sighting in frames]
            if known and all(known):
                taken = [s for s in known if s and _number(s) % self._every == 0]
                # Those that another run looked at first are not in the clip's order.
                yield from sorted(taken, key=_number)
                return
        try:
            with Clip(source.files[name]) as clip:
                for frame in clip:
                    if frame.index % self._every == 0:
                        blank = Sighting(f"{name}#{frame.index}", digest, source.name)
                        known_one = self._recalled(source, blank.name, digest)
                        yield known_one or self._note(frame.pixels, blank)
        except SourceError as error:
            yield Sighting(name, digest, source.name, refusal=Refusal("unreadable", _line(error)))
            return
        end = _ClipEnd(name, digest, self._every)
        # Or tidying up would forget it, and the clip be read again each time.
        self._ends.add(end)
        self._write(end)

    def _recalled(self, source: Source, name: str, digest: str) -> Sighting | None:
        known = self._known.get(name)
        if known is None or known.digest != digest:
            return None
        if known.usable and known.face and not dataset.has_picture(self._folder, known.face.key):
            return None
        # The file may have got another notice since.
        return dataclasses.replace(known, source=source.name)

    def _note(self, image: Pixels | None, blank: Sighting) -> Sighting:
        """Look at ``image``, keep its picture if it is good enough, and write down what was seen."""
        sighting = self._seen(image, blank)
        self._known[sighting.name] = sighting
        self._write(sighting)
        return sighting

    def _seen(self, image: Pixels | None, blank: Sighting) -> Sighting:
        def refused(reason: str, detail: str) -> Sighting:
            return dataclasses.replace(blank, refusal=Refusal(reason, detail))

        if image is None:
            return refused("unreadable", "no picture that can be read")
        try:
            found = self._faces(image)
        except FaceMeshError as error:
            return refused("unreadable", _line(error))
        if not found:
            return refused("no face", "no face was found")
        landmarks = found[0].landmarks
        if len(found) > 1:
            share = fit_head(found[1].landmarks).side / fit_head(landmarks).side
            if share >= self._limits.other_face:
                return refused("several faces", f"another face is {share:.0%} as large")
        measured = fitness(image, landmarks)
        cut_image, cut_landmarks = cut_out(image, landmarks)
        monk = monk_tone(cut_image, cut_landmarks)
        face = Face(
            # A file that was replaced is another picture: the old one stays as long as the old index does.
            dataset.key_of(f"{blank.name} {blank.digest}"),
            measured,
            tone(cut_image, cut_landmarks),
            round(typology_angle(cut_image, cut_landmarks), 1),
            monk.band,
            monk.srgb,
            fingerprint(cut_image, cut_landmarks).hex(),
        )
        refusal = self._limits.refusal(measured)
        if refusal is None:
            small = thumbnail(cut_image, cut_landmarks)
            dataset.save_picture(self._folder, face.key, cut_image, cut_landmarks, small)
        return dataclasses.replace(blank, face=face, refusal=refusal)

    def _faces(self, image: Pixels) -> list[FaceObservation]:
        """The faces in ``image``, the largest first, the same face not twice."""
        if self._mesh is None:
            self._mesh = FaceMesh(2, irises=True)
        self._mesh.reset()
        # The second look starts from the first one's rects, which fit better than the detector's.
        for moment in range(2):
            found = self._mesh.process(Frame(image, moment, moment * 33_000_000))
        found.sort(key=lambda face: -fit_head(face.landmarks).side)
        return [
            face
            for index, face in enumerate(found)
            if all(
                np.hypot(face.rect.cx - other.rect.cx, face.rect.cy - other.rect.cy) > 0.4 * other.rect.side
                for other in found[:index]
            )
        ]

    def _write(self, row: Sighting | _ClipEnd) -> None:
        path = self._folder / dataset.LOG
        try:
            with open(path, "ab", buffering=0) as log:
                log.write(dataset.lines([row]))
        except OSError as error:
            # A full disk does not say by itself what could not be written.
            error.filename = str(path)
            raise

    def tidy(self, sightings: Sequence[Sighting]) -> None:
        """Forget what is not among ``sightings``, and delete its pictures: files that were taken out of
        the sources are gone from the dataset too."""
        names = {sighting.name for sighting in sightings}
        kept = [row for row in self._known.values() if row.name in names]
        clips = {(row.name.rpartition("#")[0], row.digest) for row in kept}
        # Of another distance between frames not all are kept now.
        ends = [
            end
            for end in sorted(self._ends, key=repr)
            if (end.clip, end.digest) in clips and end.every == self._every
        ]
        rows = dataset.lines([*kept, *ends])
        dataset.put(self._folder / dataset.LOG, f"{self._header}\n".encode() + rows)
        keys = {row.face.key for row in kept if row.usable and row.face}
        for file in (self._folder / dataset.PICTURES).iterdir():
            if file.stem not in keys:
                file.unlink(missing_ok=True)

    def __enter__(self) -> Survey:
        return self

    def __exit__(self, *_: object) -> None:
        if self._mesh is not None:
            self._mesh.close()


def _number(sighting: Sighting) -> int:
    """Of a clip's frame."""
    return int(sighting.name.rpartition("#")[2])


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
