"""The processors that a student may run on, and where one of them runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

Accelerator = Literal["cpu", "gpu", "npu"]

Wish = Literal["auto", "cpu", "gpu", "npu"]
"""``auto``: whichever is fastest and draws the same."""

WISHES: Final[tuple[Wish, ...]] = get_args(Wish)


class Delegation(NamedTuple):
    """How much of a model its accelerator took over; the CPU runs the rest, and each change of hands
    costs a copy."""

    operators: int
    delegated: int

    def __str__(self) -> str:
        if self.delegated == self.operators:
            return f"all {self.operators} operators"
        return f"{self.delegated} of {self.operators} operators"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a student runs."""

    accelerator: Accelerator
    device: str
    """As its driver calls it, such as ``SwiftShader Device (Subzero)``."""
    driver: str
    """The interface it is reached by, such as ``Vulkan``; on the CPU the library of kernels."""
    delegation: Delegation | None = None
    """None on the CPU, which runs everything by itself."""

    def __str__(self) -> str:
        return f"{self.accelerator} ({self.device}, {self.driver})"


ON_CPU = Placement("cpu", "CPU", "XNNPACK")
