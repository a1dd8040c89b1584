"""Goldens, schema ``effectcam.golden/1``: what replays gave when they were good, to compare later ones with.

A folder: ``golden.json``, and for each clip its trace ``STEM.jsonl`` and a folder ``STEM`` with
``mosaics.gz`` (every frame as a `mosaic`, 768 bytes each, one after another) and every `EVERY`-th picture as
it is `kept`, ``000000.webp``, ``000030.webp`` and so on. The lists in ``golden.json`` have every file's hash,
so that what is damaged or was changed by hand is not compared with.

A clip of ten seconds in 720p takes about a megabyte, so goldens can be committed beside the code.
"""

from __future__ import annotations

import contextlib
import glob
import gzip
import hashlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Literal, Self

import msgspec
import psutil

import effectcam
from effectcam.errors import ReportError, SinkError, UsageError
from effectcam.frame import Frame
from effectcam.replay.metrics.figure import Summary
from effectcam.replay.pictures import encoded, kept, mosaic
from effectcam.replay.trace import Count, Header, Sha256, TracedEffect, TracedFrame, TraceFile
from effectcam.sink.part_file import why_unwritable

SCHEMA: Final = "effectcam.golden/1"
INDEX = "golden.json"
MOSAICS = "mosaics.gz"
EVERY = 30
"""Frames from one kept picture to the next. More often: a fault that shows in one place for a moment is seen
in a picture of its own, and the folder grows."""

_LONGEST = 40
"""Characters of a golden's name in that of the folder where it is recorded: the whole may be as long as the
disk allows."""


class GoldenClip(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    """Of the file, without its folder."""
    sha256: Sha256
    frames: Count
    every: Annotated[int, msgspec.Meta(ge=1)]
    """Frames from one kept picture to the next."""
    files: dict[str, Sha256]
    """Hashes by path inside the golden's folder."""
    metrics: dict[str, Summary] | None = None
    """By the figure's name; null where they were not measured."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A clip of a golden that is being recorded."""

    stem: str
    clip: GoldenClip
    effect: TracedEffect
    """Under which it was recorded: the same for all clips."""


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    schema: Literal["effectcam.golden/1"]
    effectcam: str
    """Version."""
    effect: TracedEffect
    clips: dict[str, GoldenClip]
    """By stem: the clip's name without its ending."""


class _Head(msgspec.Struct):
    schema: str = ""


def read_golden(folder: Path) -> Golden:
    """What is in the golden at ``folder``. Raises ReportError for what is none, or is damaged."""
    index = folder / INDEX
    if not folder.exists():
        raise ReportError(f"{folder}: there is no such folder; record a golden with: --record {folder}")
    try:
        data = index.read_bytes()
    except FileNotFoundError:
        raise ReportError(f"{folder}: is no golden, it has no {INDEX}; record one with --record") from None
    except OSError as error:
        raise ReportError(f"{index}: cannot be read ({error.strerror}); check the path") from None
    try:
        schema = msgspec.json.decode(data, type=_Head).schema
        if schema != SCHEMA:
            raise ReportError(
                f"{index}: has the schema {schema[:40]!r} instead of {SCHEMA!r}; record the golden with this "
                "version"
            )
        return msgspec.json.decode(data, type=Golden)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReportError(f"{index}: is damaged ({error}); restore the golden, or record it again") from None


def check_files(folder: Path, clip: GoldenClip) -> None:
    """ReportError if one of the clip's files is not the one that was recorded."""
    for name, sha256 in clip.files.items():
        path = folder / name
        # Names come from a file that anyone may have written.
        if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
            raise ReportError(f"{folder / INDEX}: names {name!r}, outside of the golden; record it again")
        try:
            found = _sha256(path)
        except FileNotFoundError:
            raise ReportError(f"{path}: is missing; restore the golden, or record it again") from None
        except OSError as error:
            raise ReportError(f"{path}: cannot be read ({error.strerror}); copy the golden again") from None
        if found != sha256:
            raise ReportError(
                f"{path}: is not the file that was recorded; restore the golden, or record it again"
            )


class GoldenFolder:
    """A golden that is being recorded, in a hidden folder beside ``target`` until it is whole.

    A context manager: what was at ``target`` is replaced by `finish`, and untouched without it. What a
    recording that was killed has left there is cleared away. Raises SinkError where there is no place for it,
    UsageError where something would be lost: ``target`` holds other files than a golden's, or the golden of a
    clip that is not in ``stems``.
    """

    def __init__(self, target: Path, stems: list[str]) -> None:
        self._target = target
        for stem in stems:
            if not stem.isprintable():
                raise UsageError(f"{stem!r}: a golden keeps the names of clips as text; rename the clip")
        self.replaced: Golden | None = None
        """The golden that is at ``target`` so far."""
        self._place = place = Path(os.path.realpath(target))
        self.path = place.with_name(f".{place.name[:_LONGEST]}.{os.getpid()}.part")
        """Where clips are recorded meanwhile."""
        try:
            _clear_away(place)
            self._refuse_loss(stems)
            place.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir()
        except (SinkError, UsageError, ReportError):
            raise
        except OSError as error:
            raise SinkError(why_unwritable(target, error)) from None

    def finish(self, recorded: Sequence[Recorded]) -> None:
        """All clips, at least one, are recorded: put the folder in its place. Raises SinkError."""
        golden = Golden(
            schema=SCHEMA,
            effectcam=effectcam.__version__,
            effect=recorded[0].effect,
            clips={each.stem: each.clip for each in sorted(recorded, key=lambda each: each.stem)},
        )
        old = self.path.with_suffix(".old")
        try:
            (self.path / INDEX).write_bytes(
                msgspec.json.format(msgspec.json.encode(golden), indent=2) + b"\n"
            )
            if self._place.exists():
                self._place.rename(old)
            try:
                self.path.rename(self._place)
            except BaseException:
                if old.exists():
                    old.rename(self._place)
                raise
        except OSError as error:
            raise SinkError(why_unwritable(self._target, error)) from None
        shutil.rmtree(old, ignore_errors=True)

    def _refuse_loss(self, stems: list[str]) -> None:
        if not self._target.exists():
            return
        if not self._target.is_dir():
            raise UsageError(f"{self._target}: is a file; name a folder for the golden")
        there = {path.name for path in self._target.iterdir()}
        if not there:
            return
        if INDEX not in there:
            raise UsageError(
                f"{self._target}: holds files that are no golden's ({min(there)}); name another folder"
            )
        golden = self.replaced = read_golden(self._target)
        own = {INDEX, *golden.clips, *(f"{stem}.jsonl" for stem in golden.clips)}
        if strangers := sorted(there - own):
            raise UsageError(
                f"{self._target}: {strangers[0]} is not the golden's and would be lost; move it elsewhere"
            )
        if lost := sorted(set(golden.clips) - set(stems)):
            raise UsageError(
                f"{self._target}: the golden of {', '.join(lost[:5])} would be lost; give its clips too, "
                "since it is replaced whole, or another folder"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _clear_away(place: Path) -> None:
    """What recordings that were killed have left beside ``place``: an unfinished folder goes, and a golden
    that had just been taken out of its place comes back."""
    name = place.name[:_LONGEST]
    for left in place.parent.glob(f".{glob.escape(name)}.*.*"):
        found = re.fullmatch(r"\.(\d+)\.(part|old)", left.name[len(name) + 1 :])
        if found is None or (int(found[1]) != os.getpid() and psutil.pid_exists(int(found[1]))):
            continue
        if found[2] == "part" or place.exists():
            shutil.rmtree(left, ignore_errors=True)
        elif name == place.name:
            left.rename(place)


class GoldenRecorder:
    """Records one clip into ``folder``, as ``STEM.jsonl`` and ``STEM/``; an `Onlooker` and a context manager.

    Raises SinkError when the disk does not take it.
    """

    def __init__(self, folder: Path, stem: str, *, every: int = EVERY) -> None:
        self._folder, self._stem, self._every = folder, stem, every
        self._frames = 0
        self._header: Header | None = None
        self._stack = contextlib.ExitStack()
        try:
            (folder / stem).mkdir()
            self._trace = self._stack.enter_context(TraceFile(folder / f"{stem}.jsonl"))
            # Without a time inside, so that the same frames give the same file.
            file = self._stack.enter_context((folder / stem / MOSAICS).open("wb"))
            self._mosaics = self._stack.enter_context(gzip.GzipFile("", "wb", 9, file, mtime=0))
        except OSError as error:
            self._stack.close()
            if isinstance(error, SinkError):
                raise
            raise SinkError(why_unwritable(folder / stem, error)) from None

    def begin(self, header: Header) -> None:
        self._header = header
        self._trace.begin(header)

    def see(self, line: TracedFrame, after: Frame) -> None:
        self._trace.see(line)
        try:
            self._mosaics.write(mosaic(after.pixels).tobytes())
            if line.frame % self._every == 0:
                path = self._folder / self._stem / picture_name(line.frame)
                path.write_bytes(encoded(kept(after.pixels)))
        except OSError as error:
            raise SinkError(why_unwritable(self._folder / self._stem, error)) from None
        self._frames += 1

    def end(self) -> None:
        self._trace.end()

    def recorded(self, metrics: Mapping[str, Summary] | None) -> Recorded:
        """What was recorded, once the block is over."""
        if self._header is None:
            raise ValueError("nothing was recorded yet")
        paths = [self._folder / f"{self._stem}.jsonl", *sorted((self._folder / self._stem).iterdir())]
        clip = GoldenClip(
            name=self._header.clip.name,
            sha256=self._header.clip.sha256,
            frames=self._frames,
            every=self._every,
            files={path.relative_to(self._folder).as_posix(): _sha256(path) for path in paths},
            metrics=None if metrics is None else dict(metrics),
        )
        return Recorded(self._stem, clip, self._header.effect)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stack.__exit__(kind, error, trace)
        except OSError as failure:
            # What has ended the block already tells more: a full disk refuses the last bytes as well.
            if kind is None:
                told = why_unwritable(self._folder / self._stem, failure)
                raise failure if isinstance(failure, SinkError) else SinkError(told) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def picture_name(frame: int) -> str:
    """Of the file that keeps a frame's picture."""
    return f"{frame:06}.webp"
