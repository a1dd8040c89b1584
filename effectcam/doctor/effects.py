"""The effects: each file is the one that was packed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from effectcam.doctor.finding import Finding, fail, ok
from effectcam.effect.catalogue import bundled_folder, catalogue
from effectcam.effect.package import Effect, load_effect
from effectcam.errors import EffectcamError
from effectcam.installing import restore


def check_effect(name: str, folder: Path, *, load: Callable[[str], Effect] = load_effect) -> Finding:
    """Load the effect, which compares every file's SHA-256 and looks into every model."""
    try:
        effect = load(name)
    except EffectcamError as error:
        bundled = folder.parent == bundled_folder()
        fix = (
            restore(folder)
            if bundled
            else f"effectcam effects install --replace PATH, or: effectcam effects remove {name}"
        )
        return fail(f"effect {name}", str(error), fix)
    return ok(f"effect {name}", f"{effect.version}, hashes of {len(effect.files)} files match")


def check_effects(found: Mapping[str, Path] | None = None) -> Iterable[Finding]:
    """Every effect of the catalogue."""
    effects = catalogue() if found is None else found
    if not any(folder.parent == bundled_folder() for folder in effects.values()):
        yield fail(
            "effects",
            f"none came with effectcam: nothing in {bundled_folder()}",
            restore(bundled_folder()),
        )
    for name, folder in effects.items():
        yield check_effect(name, folder)
