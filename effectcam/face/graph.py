"""The text of the face mesh graph: ``face_mesh.pbtxt``, and ``face_landmarks.pbtxt`` once for each face."""

from __future__ import annotations

from pathlib import Path
from string import Template

GRAPH = Path(__file__).with_name("face_mesh.pbtxt")
LANDMARKS_OF_ONE = Path(__file__).with_name("face_landmarks.pbtxt")


def face_mesh_graph(max_faces: int) -> str:
    """A ``CalculatorGraphConfig`` for up to ``max_faces`` faces. Each has a landmark model of its own (9 MB
    and 20 ms at the start, twice that with irises), which is what lets the graph's threads share them out.
    """
    one = Template(LANDMARKS_OF_ONE.read_text(encoding="utf-8"))
    faces = [one.substitute(place=place, count=place + 1) for place in range(max_faces)]
    return "\n".join((GRAPH.read_text(encoding="utf-8"), *faces, _gathered(max_faces)))


def _gathered(max_faces: int) -> str:
    """Those that were found, one after another."""
    streams = "".join(f'  input_stream: "landmarks_{place}"\n' for place in range(max_faces))
    return (
        'node {\n  calculator: "ConcatenateNormalizedLandmarkListVectorCalculator"\n'
        f'{streams}  output_stream: "landmarks"\n}}\n'
    )
