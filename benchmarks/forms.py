"""What a student's file gains by fewer bits: its size, its time and how far its drawing moves.

    python -m benchmarks.forms zombie clip.mp4 --work work

float32 is what training ends with, float16 what packages hold, int8 a static quantisation of weights and
activations that is calibrated on crops of the clip. The three take turns on the same crops, one thread each.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.command import run
from effectcam.distill.export import export
from effectcam.distill.half import halved
from effectcam.distill.origin import origin_in
from effectcam.distill.recipe import load_recipe
from effectcam.distill.train import load_student
from effectcam.face.crop import cut, fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.source.clip import Clip

Values = NDArray[np.float32]


def crops(clip: Path, margin: float, side: int, most: int = 60) -> list[Values]:
    """Face crops spread over ``clip``, (1, side, side, 3), 0 to 1."""
    found = []
    with FaceMesh() as mesh, Clip(clip) as source:
        for frame in source:
            for face in mesh.process(frame)[:1]:
                found.append(cut(frame.pixels, fit_head(face.landmarks).scaled(margin), side))
    chosen = found[:: max(1, len(found) // most)]
    return [picture[None].astype(np.float32) / 255 for picture in chosen]


def to_int8(model: bytes, pictures: list[Values]) -> bytes:
    """Weights and activations in 8 bits, their ranges those that ``pictures`` reach."""
    worker = quantizer.Quantizer(bytearray(model))
    worker.load_quantization_recipe(recipe.static_wi8_ai8())
    signatures: dict[str, Any] = Interpreter(model_content=model).get_signature_list()
    ((signature, tensors),) = signatures.items()
    calibration = worker.calibrate({signature: [{tensors["inputs"][0]: one} for one in pictures]})
    return bytes(worker.quantize(calibration).quantized_model)


class Form:
    """One file of a student, run as it is."""

    def __init__(self, model: bytes) -> None:
        self.size = len(model)
        self._interpreter = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self.seconds: list[float] = []

    def run(self, picture: Values) -> Values:
        """(1, H, W, C), 0 to 1; what converting to 8 bits and back takes is left out of the time."""
        if self._input["dtype"] == np.int8:
            scale, zero = self._input["quantization"]
            picture = np.clip(np.rint(picture / scale + zero), -128, 127).astype(np.int8)
        self._interpreter.set_tensor(self._input["index"], picture)
        begun = time.perf_counter()
        self._interpreter.invoke()
        self.seconds.append(time.perf_counter() - begun)
        drawn = self._interpreter.get_tensor(self._output["index"])
        if drawn.dtype == np.int8:
            scale, zero = self._output["quantization"]
            drawn = (drawn.astype(np.float32) - zero) * scale
        return np.asarray(drawn, np.float32)


@click.command()
@click.argument("effect")
@click.argument("clip", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--work",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder where it was trained; without it, its package, whose weights are halves already.",
)
def main(effect: str, clip: Path, work: Path | None) -> None:
    """Compare the forms of EFFECT's face student on the faces of CLIP."""
    plan = load_recipe(effect)
    student = plan.students["face"]
    trained = load_student(work / "face" / "run", student.net) if work else origin_in(effect, student).student
    pictures = crops(clip, plan.margin, student.size[0])
    with (
        tempfile.TemporaryDirectory() as folder,
        # The quantiser tells of every tensor.
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        path = Path(folder) / "student.tflite"
        export(trained, student.size, path, half=False)
        model = path.read_bytes()
        forms = {
            "float32": Form(model),
            "float16": Form(halved(model)),
            "int8": Form(to_int8(model, pictures)),
        }
    drawn = [{name: form.run(picture) for name, form in forms.items()} for picture in pictures]
    table = Table("form", "KB", "ms", "mean", "p99", "largest", box=box.SIMPLE)
    for name, form in forms.items():
        moved = np.abs(np.stack([one[name] - one["float32"] for one in drawn])) * 255
        figures = (moved.mean(), np.percentile(moved, 99), moved.max())
        median = float(np.median(form.seconds)) * 1000
        table.add_row(name, f"{form.size / 1000:.0f}", f"{median:.1f}", *(f"{one:.2f}" for one in figures))
    Console(width=100).print(table, f"{len(pictures)} crops; the last three in steps of 1/255")


if __name__ == "__main__":
    sys.exit(run(main, "forms"))
