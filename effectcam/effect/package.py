"""Loading an effect: nothing of a package is believed before it has been checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from effectcam.effect.archive import MANIFEST, Archive, open_archive
from effectcam.effect.manifest import Manifest, Model, Place, Tier, parse_manifest
from effectcam.errors import PackageError, StudentError, UsageError, nearest
from effectcam.student.model_file import inspect_model

if TYPE_CHECKING:
    from effectcam.student.accelerator import Wish
    from effectcam.student.choice import PlacedStudent
    from effectcam.student.network import Network
    from effectcam.student.threads import ThreadPolicy

_PREVIEW, _CARD = "preview.webp", "CARD.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Manifest):
    """A checked package: its manifest, and where its files are."""

    path: Path
    """The folder or zip."""

    def tier(self, name: str = "standard") -> Tier:
        """UsageError for a tier that this effect does not have."""
        for known, tier in self.tiers.items():
            if known == name:
                return tier
        raise UsageError(f"{self.name} has no tier {name!r}; {nearest(name, self.tiers)}")

    def model(self, place: Place, tier: str = "standard") -> Model:
        """The student of the tier for the face or the frame. UsageError when there is none."""
        model: Model | None = getattr(self.tier(tier), place)
        if model is None:
            raise UsageError(f"{self.name} works in the space {self.space!r}, without a {place} student")
        return model

    def read(self, file: str) -> bytes:
        """The bytes of one of the package's files, their hash checked again.

        So what runs is what was checked, whatever happened to the folder since.
        """
        if file not in self.files:
            raise UsageError(f"{self.name} has no file {file!r}; {nearest(file, self.files)}")
        archive = open_archive(self.path)
        if file not in archive.sizes:
            raise PackageError(f"{self.name}/{file} is gone; install the effect again")
        return _read_checked(archive, file, self.files[file])

    def preview(self) -> bytes | None:
        """The WebP before-and-after picture, None when the package has none."""
        return self.read(_PREVIEW) if _PREVIEW in self.files else None

    def card(self) -> str | None:
        """The model card in Markdown, None when the package has none."""
        return self.read(_CARD).decode("utf-8", "replace") if _CARD in self.files else None

    def open_student(
        self,
        place: Place,
        *,
        tier: str = "standard",
        threads: int | ThreadPolicy | None = None,
        beside: bool = False,
        accelerator: Wish = "cpu",
        tell: Callable[[str], None] | None = None,
    ) -> PlacedStudent:
        """Load the student for ``place``; the caller closes it. See `LiteRtStudent` for ``threads``.

        ``beside`` True is for a student that runs in a thread beside other work: it leaves Python to
        the others meanwhile, and is a little slower when alone. ``accelerator`` other than ``cpu``:
        see `open_placed`; ``tell`` gets its lines.
        """
        # Here, because listing effects must not load OpenCV and LiteRT.
        from effectcam.student.choice import open_placed
        from effectcam.student.engine import open_engine, open_yielding_engine

        return open_placed(
            self.network(place, tier=tier),
            accelerator,
            threads=threads,
            engine=open_yielding_engine if beside else open_engine,
            tell=tell or (lambda line: None),
        )

    def network(self, place: Place, *, tier: str = "standard") -> Network:
        """What the student for ``place`` is opened from."""
        from effectcam.student.network import Network

        model = self.model(place, tier)
        return Network(
            self.read(model.file),
            f"{self.name}/{model.file}",
            channels=self.tensor.channels,
            input_range=self.tensor.input_range,
            output_range=self.tensor.output_range,
        )


def load_effect(name_or_path: str | Path) -> Effect:
    """The effect of that name in the catalogue, or the package (folder or zip) at that path.

    A bare name such as ``toon`` is always looked up; a folder beside you is ``./toon``. Every file is
    read and its hash compared, and every model must be a picture function with the declared tensors.
    Raises UsageError for an unknown name, PackageError for a package that is not what it says.
    """
    # Here, because the catalogue loads what it installs.
    from effectcam.effect.catalogue import find_effect

    if not isinstance(name_or_path, str):
        return read_package(name_or_path)
    if any(sign in name_or_path for sign in ("/", "\\", ".")):
        return read_package(Path(name_or_path))
    effect = read_package(find_effect(name_or_path))
    if effect.name != name_or_path:
        raise PackageError(f"the folder {effect.path} holds the effect {effect.name!r}; rename it to that")
    return effect


def read_package(path: Path) -> Effect:
    """Read and check the package at ``path``."""
    archive = open_archive(path)
    manifest = parse_manifest(read_manifest(archive), origin=archive.label)
    check_files(archive, manifest)
    values = {field.name: getattr(manifest, field.name) for field in fields(Manifest)}
    return Effect(**values, path=path.absolute())


def read_manifest(archive: Archive) -> str:
    try:
        return archive.read(MANIFEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PackageError(
            f"{archive.label}/{MANIFEST} is not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from None


def check_files(archive: Archive, manifest: Manifest) -> None:
    """PackageError unless ``archive`` holds exactly the files of ``manifest``, with the declared hashes
    and tensors."""
    present = archive.sizes.keys() - {MANIFEST}
    for name in sorted(manifest.files.keys() - present):
        raise PackageError(f"{archive.label}/{name} is missing; copy or download the package again")
    for name in sorted(present - manifest.files.keys()):
        raise PackageError(
            f"{archive.label}/{name} is not listed in [files]; remove it or pack the effect again"
        )

    models: dict[str, list[Model]] = {}
    for tier_name, tier in manifest.tiers.items():
        if tier.face is not None and tier.face.size[0] != tier.face.size[1]:
            height, width = tier.face.size
            raise PackageError(
                f"{archive.label}: the face student of tier {tier_name} takes {width}x{height} pixels, but a "
                "crop is square; export it again"
            )
        if tier.frame is not None and manifest.tensor.channels == 4:
            raise PackageError(
                f"{archive.label}: the frame student gives an alpha, and there is nothing behind a frame; "
                "set output to rgb and export it again"
            )
        for model in filter(None, (tier.frame, tier.face)):
            if model.file not in manifest.files:
                raise PackageError(
                    f"{archive.label}/{MANIFEST}: tiers.{tier_name} uses {model.file!r}, which is not in "
                    "[files]; add the file and pack the effect again"
                )
            models.setdefault(model.file, []).append(model)

    for name, sha256 in manifest.files.items():
        data = _read_checked(archive, name, sha256)
        if name.endswith(".tflite"):
            _check_model(
                f"{archive.label}/{name}",
                data,
                models.get(name, []),
                manifest.tensor.channels,
                frames=any(tier.frame and tier.frame.file == name for tier in manifest.tiers.values()),
            )


def _check_model(label: str, data: bytes, uses: list[Model], channels: int, *, frames: bool) -> None:
    try:
        holds = inspect_model(data, name=label)
    except StudentError as error:
        raise PackageError(str(error)) from None
    if holds.channels != channels:
        raise PackageError(
            f"{label} gives {holds.channels} channels, but [tensor] output declares {channels}; "
            "correct one of them"
        )
    if holds.inputs > 3 and frames:
        raise PackageError(
            f"{label} takes its last drawing too, which only a face's crop keeps in place; export a student "
            "for frames without it"
        )
    for model in uses:
        if model.size != holds.size:
            raise PackageError(
                f"{label} has size {list(holds.size)}, not the declared {list(model.size)} (height, width); "
                f"correct {MANIFEST}"
            )


def _read_checked(archive: Archive, name: str, sha256: str) -> bytes:
    data = archive.read(name)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise PackageError(
            f"{archive.label}/{name} has SHA-256 {found[:12]}…, not the {sha256[:12]}… in {MANIFEST}; "
            "download it again, or pack the effect again if you changed it"
        )
    return data
