"""From training folders to an installed, documented effect."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from effectcam.distill.behaviour import behave
from effectcam.distill.card import Measured, write_card
from effectcam.distill.checkpoint import read_checkpoint
from effectcam.distill.export import check_parity, export
from effectcam.distill.pairs import PairStore
from effectcam.distill.recipe import REQUIRED, Recipe
from effectcam.distill.tiers import at_tier, tier_run, trained_tiers
from effectcam.distill.train import load_student, plain
from effectcam.distill.verify import padded, scaled, verify
from effectcam.effect.manifest import (
    Colour,
    Crop,
    Detail,
    Limits,
    Manifest,
    Mask,
    Model,
    Provenance,
    Screen,
    Strength,
    Temporal,
    Tensor,
    Tier,
    TierName,
    Warp,
)
from effectcam.effect.package import Effect
from effectcam.effect.writer import write_package
from effectcam.errors import SourceError, UsageError
from effectcam.frame import Pixels

Section = TypeVar("Section")

_FACES = 24
"""Held-out pictures that parity is measured on."""


def build(recipe: Recipe, work: Path, folder: Path, *, data: str, preview: Path) -> Effect:
    """Export all students trained in ``work``, measure them, and write the package to ``folder``.

    ``work`` holds ``<space>/pairs`` and ``<space>/run`` for each space of the recipe, and what
    `effectcam.distill.tiers` says of the other tiers. ``data`` says
    where the pictures came from and under what rights: it goes into card and provenance. ``preview``
    is a clip that may be shown to everybody; one of its frames becomes the preview picture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tiers = trained_tiers(recipe, work)
    if "standard" not in tiers:
        missing = [tier_run(work, space, "standard") for space in recipe.students]
        raise UsageError(
            f"{' or '.join(map(str, missing))} holds no trained student; run 'effectcam distill train' first"
        )
    plans = {tier: at_tier(recipe, tier) for tier in tiers}
    measured = {
        tier: {space: _export(plan, space, tier, work, folder) for space in plan.students}
        for tier, plan in plans.items()
    }
    manifest = _manifest(recipe, plans, data)
    effect = write_package(folder, manifest)
    write_preview(effect, preview, folder / "preview.webp")
    behaviours = {tier: behave(effect, preview, tier=tier) for tier in tiers}
    card = write_card(plans, measured, behaviours, data=data)
    (folder / "CARD.md").write_text(card, encoding="utf-8")
    return write_package(folder, manifest)


def _export(plan: Recipe, space: str, tier: TierName, work: Path, folder: Path) -> Measured:
    store, run = PairStore.load(work / space / "pairs"), tier_run(work, space, tier)
    student = plan.students[space]
    trained = load_student(run, student.net)
    path = folder / _file(space, tier)
    export(trained, student.size, path)
    held_out = np.flatnonzero(np.array(store.held_out))[:_FACES]
    seen = [scaled(plain(store, int(index))[0], student.scale) for index in held_out]
    pictures = np.stack([padded(picture, student.size) for picture in seen])
    parity = check_parity(trained, path, pictures)
    state = read_checkpoint(run / "student.pt")
    return Measured(verify(store, path, student.scale), parity, state["step"], state["origin"])


def _file(space: str, tier: TierName) -> str:
    return f"{space}.tflite" if tier == "standard" else f"{space}-{tier}.tflite"


def _manifest(recipe: Recipe, plans: Mapping[TierName, Recipe], data: str) -> Manifest:
    values = recipe.manifest

    def section(kind: type[Section], name: str) -> Section:
        given = values.get(name, {})
        return kind(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        )

    return Manifest(
        **{key: values[key] for key in REQUIRED},
        looks_real=values.get("looks_real", False),
        crop=section(Crop, "crop"),
        tensor=section(Tensor, "tensor"),
        mask=section(Mask, "mask"),
        colour=section(Colour, "colour"),
        detail=section(Detail, "detail"),
        warp=section(Warp, "warp"),
        screen=section(Screen, "screen"),
        # Students flicker; a recipe says so if its own does not.
        temporal=section(Temporal, "temporal") if "temporal" in values else Temporal("motion-blend"),
        limits=section(Limits, "limits"),
        strength=section(Strength, "strength"),
        tiers={
            tier: Tier(**{s: Model(_file(s, tier), student.size) for s, student in plan.students.items()})
            for tier, plan in plans.items()
        },
        provenance=Provenance(recipe.teacher, data, datetime.date.today().isoformat()),
    )


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
