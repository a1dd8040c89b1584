"""The card that travels with an effect: what it is, how good it is, and where it gives up."""

from __future__ import annotations

from effectcam.distill.export import Parity
from effectcam.distill.recipe import Recipe, StudentRecipe
from effectcam.distill.verify import Verdict


def write_card(recipe: Recipe, students: dict[str, tuple[Verdict, Parity, int]], *, data: str) -> str:
    """The text of CARD.md. ``students`` has, for each space, the verdict, the parity and the number of
    training steps; ``data`` says where the pictures came from and under what rights."""
    parts = [
        f"# {recipe.manifest['title']}\n\n{recipe.manifest['description']}\n",
        f"Teacher: `{recipe.teacher}`, slow and deterministic; licence {recipe.manifest['licence']}.\n",
        f"## Data\n\n{data}\n",
    ]
    for space, (verdict, parity, steps) in students.items():
        parts.append(_student(space, recipe.students[space], verdict, parity, steps))
    names = sorted({name for verdict, _, _ in students.values() for name in verdict.names})
    parts.append(f"## Limits\n\n{recipe.limits}\n")
    parts.append(
        "## Held out\n\nMeasured on, never trained on:\n\n" + ", ".join(f"`{name}`" for name in names) + "\n"
    )
    return "\n".join(parts)


def _student(space: str, student: StudentRecipe, verdict: Verdict, parity: Parity, steps: int) -> str:
    rows = "\n".join(
        f"| {tone} | {quality.people} | {quality.input_ssim:.3f} | {quality.student_ssim:.3f} "
        f"| {quality.gap_closed:.1f} % |"
        for tone, quality in (("all", verdict.overall), *verdict.tones.items())
    )
    height, width = student.size
    return (
        f"## The {space} student\n\n"
        f"{height}×{width}, widths {', '.join(map(str, student.net.widths))}, "
        f"expansion {student.net.expansion}, depth {student.net.depth}; {steps} training steps. The .tflite "
        "draws the same as the trained network, rounding to 8 bits included, within "
        f"{parity.mean:.3f}/255 on average (largest single value {parity.largest:.2f}).\n\n"
        "Structural similarity to the teacher on portraits never trained on"
        f"{', inside its alpha' if student.net.alpha else ''}, and how much of the gap between the bare "
        "input and the teacher is closed; tone is the individual typology angle of the cheeks:\n\n"
        "| tone | people | input | student | gap closed |\n|---|---|---|---|---|\n" + rows + "\n"
    )
