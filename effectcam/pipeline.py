"""One frame in, one frame out: the whole product on one page."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.composite import blend
from effectcam.composite.canvas import DrawnFrame, FrameCanvas
from effectcam.composite.colour import ColourPolicy, NoColourMatch, colour_matching
from effectcam.composite.mask import feathered
from effectcam.composite.screen import screen
from effectcam.composite.temporal import FRAME, Steadied, TemporalPolicy, blending
from effectcam.effect.manifest import Place
from effectcam.effect.package import Effect, load_effect
from effectcam.effect.students import open_students, stay_on_cpu
from effectcam.errors import UsageError
from effectcam.face.choice import AllFaces, FaceChoice
from effectcam.face.crop import cut, fit_pose
from effectcam.face.identity import IdentityTracker
from effectcam.face.limits import LimitPolicy, soft_limits, view
from effectcam.face.mesh import FaceMesh, FaceObservation, FaceTracker
from effectcam.face.motion import ConstantVelocity, look
from effectcam.face.scene import Scene
from effectcam.face.stabiliser import OneEuroSmoothing, Smoothing
from effectcam.face.warp import enlarge_eyes, eyes
from effectcam.frame import Frame, Pixels
from effectcam.helper import Helper, T
from effectcam.ledger import Ledger
from effectcam.passage import Face, Passage
from effectcam.redrawing import Redrawing
from effectcam.student.accelerator import Wish
from effectcam.student.protocol import Student

_COLOUR_SIZE = 64
"""Pixels along the sample of the canvas that a drawing's colour is matched to: colour has no detail."""


class Pipeline:
    """An effect at work on a stream of frames.

    >>> from effectcam import Clip, Pipeline
    >>> with Pipeline("toon") as pipeline, Clip("me.mp4") as clip:  # doctest: +SKIP
    ...     for frame in clip:
    ...         show(pipeline.process(frame).pixels)
    """

    def __init__(
        self,
        effect: Effect | str,
        *,
        tier: str = "standard",
        strength: float | None = None,
        max_faces: int = 1,
        threads: int | None = None,
        accelerator: Wish = "cpu",
        mesh: FaceTracker | None = None,
        choice: FaceChoice | None = None,
        smoothing: Smoothing | None = None,
        colour: ColourPolicy | None = None,
        temporal: TemporalPolicy | None = None,
        limits: LimitPolicy | None = None,
        ledger: Ledger | None = None,
        beside: bool = False,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """``effect``: a loaded one, or what ``load_effect`` takes. ``strength`` 0 to 1, the effect's
        own default when None; 0 hands frames through untouched. ``max_faces`` 1 to 16: faces beyond it stay
        as they are. ``threads``, 1 or more, for each student; None measures. ``choice`` picks among the faces
        in view; None takes all. ``mesh``, ``smoothing``, ``colour``, ``temporal`` and ``limits`` replace the
        usual policies, which are partly the effect's choice, e.g. with ``NoSmoothing()``,
        ``NoColourMatch()``, ``NoBlending()`` and ``NoLimits()``.
        ``accelerator``: see `open_placed`; with another than ``cpu`` pictures may differ by 2/255 from those
        of another machine. ``tell`` gets a line when one is chosen and when one fails. ``beside`` True: for a
        pipeline among other Python threads, such as a camera's: they go on while a student runs.

        Raises UsageError for a wrong value or an unknown effect, PackageError, StudentError or
        FaceMeshError when a part does not start; what was started is closed again.
        """
        self.effect = load_effect(effect) if isinstance(effect, str) else effect
        self.strength = self.effect.strength.default if strength is None else strength
        self.ledger = ledger or Ledger()
        self.max_faces = max_faces
        self.faces: list[Face] = []
        self.drawings: dict[Place, list[NDArray[np.uint8]]] = {}
        """What the students made of the latest frame, blended with what was before and not yet laid: for
        "face" one a face, RGB or RGBA under the mask, in the order of ``faces``; for "frame" a single one.
        Only to be read, for they go into the next frame's."""
        self.decisions: dict[str, object] = {}
        """What policies decided about the latest frame, by name, in values that JSON can hold."""
        self.tier = tier
        self.students: Mapping[Place, Student] = {}
        """At work, by what they draw. Only the pipeline closes them."""
        self._threads, self._helper = dict[Place, int](), Helper()
        self._closed = False
        self._mesh: FaceTracker | None = None
        self._canvas: FrameCanvas | None = None
        self.screen = screen(self.effect.screen.pattern, self.effect.screen.cell, self.effect.screen.gain)
        self._beside, self._choice = beside, choice or AllFaces()
        self._several = max_faces if isinstance(self._choice, AllFaces) and threads != 1 else 1
        self._own_colour, self._colour = colour, colour or NoColourMatch()
        steady, at = self.effect.temporal, self.effect.limits
        self._temporal = temporal or blending(steady.policy, steady.weight, steady.tolerance, steady.flow)
        self._limits = limits or soft_limits(at.policy, at.yaw)
        self._wishes: dict[Place, Wish] = dict.fromkeys(self.effect.places, accelerator)
        self._tell = tell
        try:
            self._take_up(tier, self._open(tier, dict.fromkeys(self.effect.places, threads)))
            if "face" in self.effect.places:
                self._mesh = mesh or FaceMesh(max_faces)
        except BaseException:
            self.close()
            raise
        self._smoothing = smoothing or OneEuroSmoothing()
        self._scene, self._identities = Scene(), IdentityTracker()
        # With room for another face, one that comes in must be looked for in every frame.
        self._motion = ConstantVelocity() if max_faces == 1 else None

    @property
    def strength(self) -> float:
        """How much of the effect shows, 0 to 1; may be set between frames."""
        return self._strength

    @strength.setter
    def strength(self, value: float) -> None:
        if not (math.isfinite(value) and 0 <= value <= 1):
            raise UsageError(f"strength is {value}: choose 0 (the input) to 1 (the whole effect)")
        self._strength = value

    def process(self, frame: Frame, *, detect: bool = True) -> Frame:
        """The frame with the effect on it: new pixels, the same index and stamp. The input, uint8 RGB (H, W,
        3) as in `Frame`, is only read; a strength of 0 returns it as it is. Frames must come in order.

        ``detect`` False places the face where its motion leads it, instead of running the mesh: for every
        other frame on a slow machine. The mesh runs all the same where there is nothing to go by, and
        where more faces than one are wanted.

        Raises StudentError when the network's answer is no picture, FaceMeshError when the graph
        stops; the pipeline can go on with the next frame. UsageError for pixels that are no picture, or
        views that are not C-contiguous, and once it is closed.
        """
        passage = Passage(frame, self._strength)
        try:
            self.begin(passage, detect=detect)
            self.draw(passage)
            return self.finish(passage)
        finally:
            self.release(passage)

    # The parts of ``process``. `overlapped` has them at work on different frames.

    def begin(self, passage: Passage, *, detect: bool = True) -> None:
        """Set the frame's student to work; find the faces, tell who is who, steady and cut their crops."""
        if self._closed:
            raise UsageError("the pipeline is closed; make another")
        if passage.strength == 0:
            return
        if self._canvas is not None:
            passage.canvas = self._helper.submit(self._draw_canvas, self._canvas, passage.frame)
        else:
            passage.ground = self._helper.submit(passage.frame.pixels.copy)  # while the mesh is at work
        if self._mesh is not None:
            cut = self._scene.changes(passage.frame.pixels)
            with passage.times.time("mesh"):
                observations, passage.decisions["detect"] = look(
                    self._mesh, self._motion, passage.frame, detect=detect, cut=cut
                )
            with passage.times.time("crop"):
                passage.faces = self._steadied(observations, passage, cut)
                for seen, crop in self._each(passage, self._cut):
                    passage.seen.append(seen)
                    passage.crops.append(crop)

    def draw(self, passage: Passage, *, help: bool = True) -> None:
        """Have the faces redrawn; ``help`` False leaves the helper to other frames."""
        for stranger in passage.lost | passage.anew:
            self._redraw.forget(stranger)
        if passage.faces:
            with passage.times.time("student"):
                passage.drawings = self._redraw(passage.faces, passage.crops, self._helper if help else None)

    def finish(self, passage: Passage) -> Frame:
        """Lay what was drawn on the frame."""
        self.faces, self.decisions = passage.faces, passage.decisions
        self.drawings = {}
        if passage.strength == 0:
            self.ledger.skip()
            return passage.frame
        while passage.anew:
            self._colour.forget(passage.anew.pop())
        drawn = self._drawn(passage) if self._is_new(passage) else None
        with passage.times.time("composite"):
            layers = self._layers(passage, drawn)
        drawn = self._drawn(passage)
        if drawn is not None and drawn.share is not None:
            passage.decisions["frame_blend"] = round(drawn.share, 3)
        with passage.times.time("composite"):
            pixels = self._compose(passage, drawn, layers)
        passage.times.note("chain", time.perf_counter_ns() - passage.begun)
        self.ledger.add(passage.times)
        return passage.frame.with_pixels(pixels)

    def release(self, passage: Passage) -> None:
        """Whatever came of it: wait until no student is at work on it, since students may be changed between
        two frames, and forget whom it lost."""
        passage.wait()
        for stranger in passage.lost | passage.anew:  # the latter on a frame that failed
            self._colour.forget(stranger)
            self._temporal.forget(stranger)

    def _draw_canvas(self, canvas: FrameCanvas, frame: Frame) -> DrawnFrame:
        """In the helper's thread, which has one frame after another."""
        drawn = canvas.draw(frame.pixels)
        drawing, share = self._temporal.blend(FRAME, drawn.drawing, drawn.seen, frame.captured_at)
        return DrawnFrame(drawing, drawn.seen, share)

    def _steadied(self, observations: list[FaceObservation], passage: Passage, cut: bool) -> list[Face]:
        frame, now = passage.frame, passage.frame.captured_at
        poses = [fit_pose(observation.landmarks) for observation in observations]
        heads = [pose.crop for pose in poses]
        known = self._identities.known
        identities = self._identities.assign(heads, now)
        passage.lost = known - self._identities.known
        passage.anew = self._identities.known if cut else set()
        for stranger in passage.lost | passage.anew:
            self._smoothing.forget(stranger)
            self._limits.forget(stranger)
        spec = self.effect.crop
        faces = []
        for place in self._choice(identities, heads):
            identity, landmarks = identities[place], observations[place].landmarks
            crop = self._smoothing(identity, heads[place], now).scaled(spec.margin).shifted(*spec.shift)
            seen = view(poses[place], landmarks, (frame.width, frame.height))
            faces.append(Face(identity, landmarks, crop, now, self._limits(identity, seen, now)))
        return faces

    def _each(self, passage: Passage, do: Callable[..., T], *more: object) -> list[T]:
        """``do(face's place, passage, *more)`` for all faces: each is a stream of its own."""
        free = passage.canvas is None
        return self._helper.each(lambda place: do(place, passage, *more), len(passage.faces), help=free)

    def _cut(self, place: int, passage: Passage) -> tuple[Pixels, Pixels]:
        face, size = passage.faces[place], self._redraw.side
        seen = crop = cut(passage.frame.pixels, face.crop, size)
        if self.effect.warp.eyes > 1:
            points = eyes(face.landmarks, face.crop.to_crop(size)) / size
            points = self._smoothing.points(face.identity, points, face.seen_at) * size
            crop = enlarge_eyes(seen, points, self.effect.warp.eyes)
        return seen, crop

    def _layers(self, passage: Passage, drawn: DrawnFrame | None) -> list[blend.Layer | None]:
        """Of each face, and note what became of its drawing on the way."""
        placed = self._each(passage, self._layer, drawn)
        self.drawings["face"] = passage.drawings
        shares = [round(steadied.share, 3) for steadied, _ in placed if steadied.share is not None]
        if shares:
            passage.decisions["face_blend"] = shares
        if any(face.shown < 1 for face in passage.faces):
            passage.decisions["shown"] = [round(face.shown, 3) for face in passage.faces]
        return [layer for _, layer in placed]

    def _layer(
        self, place: int, passage: Passage, drawn: DrawnFrame | None
    ) -> tuple[Steadied, blend.Layer | None]:
        """A face's drawing mixed with those before; and with its colours in line, at its place in the frame,
        None outside it."""
        face, seen, crop = passage.faces[place], passage.seen[place], passage.crops[place]
        steadied = self._temporal.blend(face.identity, passage.drawings[place], crop, face.seen_at)
        drawing = passage.drawings[place] = steadied.drawing
        if passage.canvas is None or self.effect.colour.policy != "match-frame":
            self._colour.learn(face.identity, drawing, seen)
        elif drawn is not None and not self._colour.knows(face.identity):
            self._learn_from_canvas(place, passage, drawn)
        # On the canvas everything is mixed with the input at the end; without, the mask does it.
        on_canvas = passage.canvas is not None
        mask, strength = self._mask, face.shown * (1 if on_canvas else passage.strength)
        if strength < 1:
            mask = np.asarray(cv2.convertScaleAbs(mask, alpha=strength), np.uint8)
        drawing = self._colour.apply(face.identity, drawing)
        prepared = blend.prepare(drawing, seen, mask, detail=self.effect.detail.gain, keep=not on_canvas)
        return steadied, blend.place(prepared, face.crop, passage.frame.width, passage.frame.height)

    def _is_new(self, passage: Passage) -> bool:
        """Whether a face has to wait for its drawn frame, to take its colours from it."""
        known = [self._colour.knows(face.identity) for face in passage.faces]
        return self.effect.colour.policy == "match-frame" and not all(known)

    def _drawn(self, passage: Passage) -> DrawnFrame | None:
        if passage.canvas is None:
            return None
        with passage.times.time("student"):
            drawn = passage.canvas.result()
        self.drawings["frame"] = [drawn.drawing]
        return drawn

    def _learn_from_canvas(self, place: int, passage: Passage, drawn: DrawnFrame) -> None:
        """What colours a face's drawing should have, from the drawn frame round it. It serves the next
        frame's face: so no face waits for its whole frame, except an identity's first."""
        if self.effect.colour.policy == "match-frame":
            face, (height, width) = passage.faces[place], passage.frame.pixels.shape[:2]
            reference = drawn.sample(face.crop, _COLOUR_SIZE, (width, height))
            self._colour.learn(face.identity, passage.drawings[place], reference)

    def _compose(
        self, passage: Passage, drawn: DrawnFrame | None, layers: list[blend.Layer | None]
    ) -> Pixels:
        """Lay the faces on the drawn frame, or on the frame itself."""
        pixels = passage.frame.pixels
        canvas, (height, width) = self._canvas, pixels.shape[:2]
        if canvas is None or drawn is None:
            assert passage.ground is not None
            ground = passage.ground.result()
        else:
            ground = canvas.ground(drawn, width, height)
            for place in range(len(layers)):
                self._learn_from_canvas(place, passage, drawn)
        for layer in layers:
            if layer is not None:
                blend.lay(ground, layer)
        if canvas is None or drawn is None:
            return ground
        self.screen.lay(ground)
        return canvas.finish(ground, pixels, passage.strength)

    def open_tier(self, tier: str) -> Mapping[Place, Student]:
        """Students of another tier of the effect, for ``change_tier``; the caller closes them otherwise.
        Any thread may call it, also while frames are processed. They get as many threads as those at
        work: to measure would take the cores that are short when a tier is changed.

        Raises UsageError for a tier that the effect does not have, PackageError or StudentError.
        """
        stay_on_cpu(self._wishes, self.students)
        return self._open(tier, self._threads)

    def change_tier(self, tier: str, students: Mapping[Place, Student]) -> None:
        """Draw with these ``students`` of ``tier`` from the next frame on, and close those before. Faces
        stay tracked and keep their crops, so that only the drawing changes. Between two frames only."""
        for student in self.students.values():
            student.close()
        self._take_up(tier, students)
        self._temporal.forget(FRAME)
        for identity in self._identities.known:
            # What was learnt of another student's colours, and what it drew.
            self._colour.forget(identity)
            self._temporal.forget(identity)

    def reset(self) -> None:
        """Forget the stream so far: for a cut or another clip. The next frame starts identity 0."""
        self.faces = []
        self._temporal.forget(FRAME)
        for identity in self._identities.known:
            for policy in (self._smoothing, self._colour, self._limits, self._redraw, self._temporal):
                policy.forget(identity)
        self._identities.reset()
        self._choice.forget()
        self._scene.forget()
        if self._motion is not None:
            self._motion.forget()
        if self._mesh is not None:
            self._mesh.reset()

    def close(self) -> None:
        """Free the graph, the students and the helper thread; a second call does nothing."""
        self._closed = True
        self._helper.shutdown()
        if self._mesh is not None:
            self._mesh.close()
        for student in self.students.values():
            student.close()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()

    def _open(self, tier: str, threads: Mapping[Place, int | None]) -> Mapping[Place, Student]:
        students = open_students(
            self.effect, tier, threads=threads, wishes=self._wishes, beside=self._beside, tell=self._tell,
            faces=self._several,
        )  # fmt: skip
        for place, student in students.items():
            self._threads[place] = student.threads
        stay_on_cpu(self._wishes, students)
        return students

    def _take_up(self, tier: str, students: Mapping[Place, Student]) -> None:
        self.tier, self.students = tier, students
        if "frame" in students:
            self._canvas = FrameCanvas(students["frame"], detail=self.effect.detail.gain)
        if "face" in students:
            mask = feathered(students["face"].size[0], self.effect.mask.feather)
            self._redraw = Redrawing(students["face"], mask)
            self._mask = mask if self.effect.tensor.channels == 3 else np.full_like(mask, 255)  # alpha has it
            self._colour = self._own_colour or colour_matching(self.effect.colour.policy, mask)
