"""Face Mesh: a picture in, the landmarks and rotated rects of its faces out.

The graph is ours (``graph.py``); the calculators and models are those of the MediaPipe
0.10.21 wheel, the last one whose Python package can build a ``CalculatorGraph``.
"""

from __future__ import annotations

import math
import os
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

# MediaPipe and the TensorFlow Lite below it log every start to stderr, which would bury our own
# one-line messages; the variables count only when set before the import, and do not reach all.
os.environ.setdefault("GLOG_minloglevel", "3")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import mediapipe
import numpy as np
from mediapipe.framework.formats import landmark_pb2, rect_pb2
from mediapipe.python._framework_bindings import calculator_graph, resource_util
from numpy.typing import NDArray

from effectcam.errors import FaceMeshError, UsageError
from effectcam.face.graph import face_mesh_graph
from effectcam.frame import Frame
from effectcam.installing import MEDIAPIPE, pip
from effectcam.native_log import without_native_log

_STALE = 1_500_000_000
"""Nanoseconds. Where somebody was so long ago the graph may find a face in a wall, and no other one."""

LANDMARKS = 468
"""Points of the plain mesh; ``irises=True`` adds five for each iris (468 to 477)."""


@dataclass(frozen=True, slots=True)
class Rect:
    """The graph's own rotated square round a face: pixels and radians, x right, y down."""

    cx: float
    cy: float
    side: float
    angle: float


@dataclass(frozen=True, slots=True)
class FaceObservation:
    """One face in one frame, not yet told apart from the others."""

    landmarks: NDArray[np.float32]
    """(468 or 478, 3): x, y in pixels of the frame, z in the same scale, smaller is nearer.
    Points may lie outside the frame when the face does."""
    rect: Rect


class FaceTracker(Protocol):
    """Whatever finds faces in frames that follow one another."""

    def process(self, frame: Frame) -> list[FaceObservation]:
        """The faces of this frame, in no lasting order. The frame's pixels are only read."""
        ...

    def reset(self) -> None:
        """Forget the previous frames: for a cut, or a new clip."""
        ...

    def close(self) -> None: ...


class FaceMesh:
    """MediaPipe Face Mesh behind a detector that sleeps while faces are tracked.

    One graph serves one stream of frames; it is not for several threads at once.
    """

    _warned = False
    """Whether a face was found yet, by any graph of this process."""

    def __init__(self, max_faces: int = 1, *, irises: bool = False) -> None:
        """Build the graph and start it (for one face about 50 ms after the import of mediapipe).

        ``max_faces``: every face in view costs time, though the machine's cores share them out. While fewer
        are in view than asked for, the detector runs on each frame, which took 2 to 3 ms more here. Each of
        the first four that are asked for takes 9 MB, and 20 ms at the start and at each `reset`.
        ``irises`` adds the ten iris points and truer lips and lids, for about a tenth more time a frame; it
        doubles what each face takes beside.

        Raises UsageError for a senseless ``max_faces``, FaceMeshError when the graph does not start.
        """
        if not 1 <= max_faces <= 16:
            raise UsageError(f"max_faces is {max_faces}: choose 1 to 16")
        # The graph loads its models by paths relative to the folder that holds the wheel.
        resource_util.set_resource_dir(str(Path(mediapipe.__file__).parents[1]))
        self._max_faces = max_faces
        self._side_packets = {
            "num_faces": mediapipe.packet_creator.create_int(max_faces),
            "with_attention": mediapipe.packet_creator.create_bool(irises),
        }
        self._landmark_count = LANDMARKS + (10 if irises else 0)
        self._packets: dict[str, Any] = {}
        self._closed = False
        self._last: int | None = None
        self._start()

    def _start(self) -> None:
        self._stamp, self._last = 0, None
        try:
            with without_native_log():
                self._graph = calculator_graph.CalculatorGraph(graph_config=face_mesh_graph(self._max_faces))
                for stream in ("landmarks", "rects"):
                    self._graph.observe_output_stream(stream, self._keep, False)
                self._graph.start_run(self._side_packets)
                self._graph.wait_until_idle()
        except (RuntimeError, ValueError) as error:
            self._graph = None
            raise FaceMeshError(
                f"the face mesh graph does not start ({_line(error)}); run: "
                f"{pip(f'install --force-reinstall --no-deps mediapipe=={MEDIAPIPE}')}"
            ) from error

    def _keep(self, stream: str, packet: Any) -> None:
        self._packets[stream] = packet

    def process(self, frame: Frame) -> list[FaceObservation]:
        """Faces of ``frame``; an empty list when there is none. Frames must come in order; after a gap of
        more than 1.5 s, as after a rest, faces are sought anew and not where they were.

        Raises FaceMeshError when the graph fails; it is started anew, and the next frame may pass.
        UsageError for pixels that are no picture, or lie in memory otherwise than row by row.
        """
        if self._closed:
            raise FaceMeshError("the face mesh is closed; open another")
        shape = frame.pixels.shape
        if len(shape) != 3 or shape[2] != 3 or not frame.pixels.size or frame.pixels.dtype != np.uint8:
            # The graph would not refuse them: it reads beyond their end or takes the process down.
            raise UsageError(
                f"frame {frame.index} has {frame.pixels.dtype} pixels of shape {shape}; "
                "give uint8 RGB, (height, width, 3)"
            )
        if not frame.pixels.flags.c_contiguous:
            raise UsageError(
                f"frame {frame.index} is a view with gaps between its pixels, as of a flipped picture; "
                "give np.ascontiguousarray(pixels)"
            )
        if self._last is not None and frame.captured_at - self._last > _STALE:
            self.reset()
        self._last = frame.captured_at
        if self._graph is None:
            self._start()
        # The graph wants strictly rising microseconds; clips may repeat a stamp.
        self._stamp = max(self._stamp + 1, frame.captured_at // 1000)
        self._packets.clear()
        try:
            # A read-only view is passed by reference; a writable array would be copied.
            pixels = frame.pixels.view()
            pixels.flags.writeable = False
            image = mediapipe.packet_creator.create_image_frame(
                image_format=mediapipe.ImageFormat.SRGB, data=pixels
            )
            # The first face makes the graph warn of what does not concern it, once in a process. What keeps
            # that off the terminal opens a file, which is not for each frame of an empty chair.
            with nullcontext() if self._warned else without_native_log():
                self._graph.add_packet_to_input_stream("image", image.at(self._stamp))
                self._graph.wait_until_idle()
        except (RuntimeError, ValueError) as error:
            # A graph that failed once takes no more frames.
            self.reset()
            raise FaceMeshError(
                f"face mesh failed on frame {frame.index} ({_line(error)}); go on with the next frame"
            ) from error
        landmarks, rects = self._packets.get("landmarks"), self._packets.get("rects")
        if landmarks is None or rects is None:
            return []
        FaceMesh._warned = True
        return [
            FaceObservation(self._points(points, frame), _rect(rect, frame))
            for points, rect in zip(_messages(landmarks), _messages(rects), strict=True)
        ]

    def _points(self, serialized: bytes, frame: Frame) -> NDArray[np.float32]:
        """The list's bytes are records of one fixed shape, (tag, length, 3 x (tag, float32)), so
        they are read in place instead of through 468 Python objects."""
        scale = np.array((frame.width, frame.height, frame.width), np.float32)
        record = np.dtype(
            {"names": ["x", "y", "z"], "formats": ["<f4"] * 3, "offsets": [3, 8, 13], "itemsize": 17}
        )
        if len(serialized) == self._landmark_count * record.itemsize:
            fields = np.frombuffer(serialized, record)
            return np.asarray(np.stack((fields["x"], fields["y"], fields["z"]), axis=1) * scale, np.float32)
        parsed = landmark_pb2.NormalizedLandmarkList.FromString(serialized)
        return np.array([(p.x, p.y, p.z) for p in parsed.landmark], np.float32) * scale

    def reset(self) -> None:
        """Start the graph anew, so that no earlier frame has a say: two replays of a clip agree. Where it
        does not start, it is tried again with the next frame, and told there."""
        if not self._closed:
            self._stop()
            with suppress(FaceMeshError, OSError):
                self._start()

    def close(self) -> None:
        """Stop the graph; a second call does nothing."""
        self._closed = True
        self._stop()

    def _stop(self) -> None:
        if self._graph is not None:
            # A graph that failed says so once more when it is closed.
            with suppress(RuntimeError, ValueError):
                self._graph.close()
            self._graph = None

    def __enter__(self) -> FaceMesh:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _line(error: Exception) -> str:
    """The cause, which MediaPipe puts last, after the calculators on the way to it."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1].rsplit("; ", 1)[-1].strip()


def _messages(packet: Any) -> list[bytes]:
    getter = mediapipe.packet_getter._packet_getter
    return list(getter._get_serialized_proto_list(packet)) if getter._get_proto_vector_size(packet) else []


def _rect(serialized: bytes, frame: Frame) -> Rect:
    rect = rect_pb2.NormalizedRect.FromString(serialized)
    side = max(rect.width * frame.width, rect.height * frame.height)
    angle = math.remainder(rect.rotation, math.tau)
    return Rect(rect.x_center * frame.width, rect.y_center * frame.height, side, angle)
