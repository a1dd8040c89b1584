"""The accelerators: there, driven, and drawing what the CPU draws."""

from __future__ import annotations

from collections.abc import Iterable

from effectcam.doctor.finding import Finding, ok, warn
from effectcam.effect.catalogue import catalogue
from effectcam.effect.package import load_effect
from effectcam.errors import EffectcamError
from effectcam.student.accelerator import Accelerator
from effectcam.student.choice import Surroundings, open_placed
from effectcam.student.device import RefusedError
from effectcam.student.network import Network
from effectcam.student.parity import draw_all, parity_pictures
from effectcam.student.timing_cache import TimingCache


def check_accelerator(
    accelerator: Accelerator, network: Network | None, *, around: Surroundings | None = None
) -> Finding:
    """Have ``network`` drawn by it, in a process of its own; None: only look whether it is there."""
    name = accelerator.upper()
    around = around or Surroundings(cache=TimingCache(lambda line: None))
    try:
        around.find(accelerator)
        if network is None:
            return ok(name, "there; no effect to try it with")
        with open_placed(network, accelerator, threads=1, tell=lambda line: None, around=around) as student:
            ms = 1000 * draw_all(student, parity_pictures(student.size)).seconds
            placement = student.placement
    except RefusedError as error:
        if error.fix:
            return warn(name, f"{error.reason}; students run on the CPU", error.fix)
        return ok(name, f"{error.reason}: students run on the CPU")
    if placement.accelerator != accelerator:
        return warn(name, "fails after some pictures", "update its driver or use --accelerator cpu")
    return ok(
        name,
        f"{placement.device} ({placement.driver}) draws {network.name} as the CPU does, "
        f"{placement.delegation}, {ms:.1f} ms a picture",
    )


def check_accelerators() -> Iterable[Finding]:
    """GPU and NPU, with a face's student that is here."""
    network = _some_network()
    yield check_accelerator("gpu", network)
    yield check_accelerator("npu", network)


def _some_network() -> Network | None:
    for name in catalogue():
        try:
            effect = load_effect(name)
        except EffectcamError:
            continue
        if "face" in effect.places:
            return effect.network("face")
    return None
