"""The text of the face mesh graph, put together for so many faces.

``face_mesh.pbtxt`` has what all share, ``face_landmarks.pbtxt`` comes once for each that is found at once,
and ``face_crowd.pbtxt`` for frames with more of them.
"""

from __future__ import annotations

from pathlib import Path
from string import Template

MOST_AT_ONCE = 4
"""Faces with a landmark model of their own, which is what lets the graph's threads share them out. Each takes
9 MB and 20 ms at the start, twice that with irises."""

_HERE = Path(__file__).parent


def face_mesh_graph(max_faces: int) -> str:
    """A ``CalculatorGraphConfig`` that tracks up to ``max_faces`` faces, 1 or more."""
    at_once = min(max_faces, MOST_AT_ONCE)
    parts = [_text("face_mesh")]
    found = [f"landmarks_{place}" for place in range(at_once)]
    expected = "expected"
    # One face that is tracked is enough: the detector sleeps, and no second one can be expected.
    if max_faces > 1:
        parts.append(Template(_text("face_crowd")).substitute(count=at_once + 1))
        found.append("landmarks_of_many")
        expected = "few"
    one = Template(_text("face_landmarks"))
    parts += [one.substitute(expected=expected, place=place, count=place + 1) for place in range(at_once)]
    return "\n".join((*parts, _gathered(found)))


def _text(name: str) -> str:
    return (_HERE / f"{name}.pbtxt").read_text(encoding="utf-8")


def _gathered(streams: list[str]) -> str:
    """All faces that were found, one after another."""
    inputs = "".join(f'  input_stream: "{stream}"\n' for stream in streams)
    return (
        'node {\n  calculator: "ConcatenateNormalizedLandmarkListVectorCalculator"\n'
        f'{inputs}  output_stream: "landmarks"\n}}\n'
    )
