"""From training folders to an installed, documented effect."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from effectcam.distill.batches import plain
from effectcam.distill.behaviour import behave
from effectcam.distill.card import Measured, write_card
from effectcam.distill.checkpoint import read_checkpoint
from effectcam.distill.export import check_parity, export
from effectcam.distill.pairs import PairStore
from effectcam.distill.recipe import Recipe
from effectcam.distill.tiers import at_tier, tier_run, trained_tiers
from effectcam.distill.train import load_student
from effectcam.distill.verify import padded, scaled, verify
from effectcam.effect.archive import MANIFEST, FolderArchive
from effectcam.effect.catalogue import swap_in
from effectcam.effect.manifest import Model, Tier, TierName
from effectcam.effect.package import Effect, read_package
from effectcam.effect.writer import write_package
from effectcam.errors import SourceError, UsageError
from effectcam.frame import Pixels

_PREVIEW, _CARD = "preview.webp", "CARD.md"
_FACES = 24
"""Held-out pictures that parity is measured on."""


def build(recipe: Recipe, work: Path, folder: Path, *, data: str, preview: Path) -> Effect:
    """Export all students trained in ``work``, measure them, and write the package to ``folder``.

    ``work`` holds ``<space>/pairs`` and ``<space>/run`` for each space of the recipe, and what
    `effectcam.distill.tiers` says of the other tiers. ``data`` says
    where the pictures came from and under what rights: it goes into card and provenance. ``preview``
    is a clip that may be shown to everybody; one of its frames becomes the preview picture, and the card
    says how the effect behaves on it.

    A package that is in ``folder`` stays as it is until the new one is whole, which then has its place.
    Only what the author put beside models, preview and card, such as a licence's text, goes over into
    the new one. Raises PackageError, before anything is measured, for a file there that no package may have.
    """
    recipe.check(data)
    tiers = trained_tiers(recipe, work)
    if "standard" not in tiers:
        missing = [tier_run(work, space, "standard") for space in recipe.students]
        raise UsageError(
            f"{' or '.join(map(str, missing))} holds no trained student; run 'effectcam distill train' first"
        )
    plans = {tier: at_tier(recipe, tier) for tier in tiers}
    models = {
        tier: Tier(**{space: Model(_file(space, tier), one.size) for space, one in plan.students.items()})
        for tier, plan in plans.items()
    }
    manifest = recipe.described(models, data)
    # A link's goal is what changes places, since both have to be in one file system.
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=".effectcam-", dir=folder.parent, ignore_cleanup_errors=True
    ) as place:
        # Its name stands in messages.
        staged = Path(place) / folder.name
        staged.mkdir()
        _carry_over(folder, staged)
        measured = {
            tier: {space: _export(plan, space, tier, work, staged) for space in plan.students}
            for tier, plan in plans.items()
        }
        effect = write_package(staged, manifest)
        write_preview(effect, preview, staged / _PREVIEW)
        behaviours = {tier: behave(effect, preview, tier=tier) for tier in tiers}
        card = write_card(plans, measured, behaviours, data=data)
        (staged / _CARD).write_text(card, encoding="utf-8")
        write_package(staged, manifest)
        swap_in(staged, folder, Path(place) / "old")
    return read_package(folder)


def _carry_over(folder: Path, staged: Path) -> None:
    """What the author of the package in ``folder`` added to it. Models of a tier that is no more are not."""
    if not folder.exists():
        return
    archive = FolderArchive(folder, draft=True)
    for name in archive.sizes:
        if name not in (MANIFEST, _PREVIEW, _CARD) and not name.endswith(".tflite"):
            (staged / name).write_bytes(archive.read(name))


def _export(plan: Recipe, space: str, tier: TierName, work: Path, folder: Path) -> Measured:
    store, run = PairStore.load(work / space / "pairs"), tier_run(work, space, tier)
    store.check(plan, space, work / space / "pairs")
    student = plan.students[space]
    state = read_checkpoint(run / "student.pt")
    learnt = state.get("lesson", {}).get("pairs")
    if learnt is not None and learnt != store.fingerprint():
        # Who is measured on now may have been trained on.
        raise UsageError(
            f"{run} was trained with other pairs than those in {work / space / 'pairs'} now; put those back, "
            f"or delete {run} and train anew"
        )
    trained = load_student(run, student.net)
    path = folder / _file(space, tier)
    export(trained, student.size, path)
    held_out = np.flatnonzero(np.array(store.held_out))[:_FACES]
    seen = [scaled(plain(store, int(index))[0], student.scale) for index in held_out]
    pictures = np.stack([padded(picture, student.size) for picture in seen])
    parity = check_parity(trained, path, pictures)
    verdict = verify(store, path, student.scale)
    return Measured(verdict, parity, state["step"], state["origin"], store.staged, store.bordered)


def _file(space: str, tier: TierName) -> str:
    return f"{space}.tflite" if tier == "standard" else f"{space}-{tier}.tflite"


def write_preview(effect: Effect, clip: Path, path: Path, *, frame: int = 40, width: int = 960) -> None:
    """Before on the left, after on the right of one frame of ``clip``, as WebP.

    Halves of one face in frame ``frame``; for an effect that looks real, whose halves would pass for one
    face, two whole faces in the frame up to three times as far on that it changes most.
    """
    from effectcam.pipeline import Pipeline
    from effectcam.source.clip import Clip

    real = effect.looks_real
    before = after = None
    most = -1.0
    with Pipeline(effect) as pipeline, Clip(clip) as source:
        for shown in source:
            drawn = pipeline.process(shown).pixels
            change = cv2.norm(shown.pixels, drawn, cv2.NORM_L1) if real else shown.index
            if change > most:
                before, after, most = shown.pixels, drawn, change
            if shown.index >= (3 * frame if real else frame):
                break
    if before is None or after is None:
        raise SourceError(f"{clip} has no frames; choose another preview clip")
    picture = side_by_side(before, after) if real else split(before, after)
    height = round(width * picture.shape[0] / picture.shape[1])
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".webp", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, 85])
    if not done:
        raise SourceError(f"cannot encode {path}; OpenCV was built without WebP")
    path.write_bytes(data.tobytes())


def split(before: Pixels, after: Pixels) -> Pixels:
    """The left half of ``before`` beside the right half of ``after``, with a thin light line between."""
    middle = before.shape[1] // 2
    return _lined(np.hstack((before[:, :middle], after[:, middle:])))


def side_by_side(before: Pixels, after: Pixels) -> Pixels:
    """The middle half of ``before`` beside that of ``after``, with a thin light line between."""
    width = before.shape[1]
    middle = slice(width // 4, width // 4 + width // 2)
    return _lined(np.hstack((before[:, middle], after[:, middle])))


def _lined(picture: Pixels) -> Pixels:
    middle = picture.shape[1] // 2
    picture[:, middle - 1 : middle + 2] = 240
    return picture
