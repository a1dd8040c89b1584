"""What people may change during a live run, from any thread: keys, panel, presets, MIDI."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import cast, get_args

from effectcam.effect.manifest import Place
from effectcam.effect.package import Effect, load_effect
from effectcam.errors import EffectcamError, UsageError, nearest, reason
from effectcam.face.choice import choose_face
from effectcam.face.limits import NoLimits
from effectcam.live.ladder import tiers_of
from effectcam.live.options import Options, Panic
from effectcam.live.presets import Preset
from effectcam.live.start_tier import StartTier, best_tier
from effectcam.live.tier_change import TierChange
from effectcam.pipeline import Pipeline
from effectcam.student.wrapped import Placed

_STRENGTH_STEP = 0.1
_NEWS = 20
_RECENT = 120


class Controls:
    """The state that people set, and the pipeline that follows it.

    Any thread may call any method but `settle`, `take_up`, `change_tier` and `close`, which belong to the
    loop's thread. Another effect is loaded in a thread of its own while the present one goes on, and takes
    its place between two frames. One that does not load is told and left out.

    Raises what `Pipeline` raises. Closes the pipelines it opens.
    """

    def __init__(
        self,
        effect: Effect,
        options: Options | None = None,
        *,
        known: Sequence[str] = (),
        presets: Sequence[Preset] = (),
        start_tier: StartTier = best_tier,
        on_quit: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        """``known``: the names that n and p walk through, round and round. ``tell`` gets one line
        for people when something changes or fails; it is called from whichever thread did it.
        ``start_tier`` is asked for each effect when the options leave the tier open."""
        self._options = options or Options()
        self._known, self.presets = list(known), list(presets)
        self._start_tier = start_tier
        self._on_quit, self._tell = on_quit, tell
        self.size: tuple[int, int] | None = None  # of the frames, for what is made while an effect is loaded
        self._lock = threading.RLock()
        self._strength = self._options.strength
        self._faces = self._faces_in_use = self._coming_faces = self._options.faces
        self._mirror = self._options.mirror
        self._panic: Panic | None = None
        self._label = self._options.label
        self._reset = False
        self._wanted = self._coming = effect.name
        self._failed: set[str] = set()
        self._news: deque[str] = deque(maxlen=_NEWS)
        self._pipeline = self._open(effect, self._faces)
        self._used = {(effect.name, effect.version): None}
        self._loader = ThreadPoolExecutor(1, "effect loader")
        self._loading: Future[Pipeline] | None = None
        self._tier_change = TierChange(self._loader, self.tell)
        self._again = False

    @property
    def effect(self) -> Effect:
        """The effect in use."""
        return self._pipeline.effect

    @property
    def used(self) -> list[tuple[str, str]]:
        """Name and version of each effect that was in use so far, in the order of their first use."""
        return list(self._used)

    @property
    def known(self) -> list[str]:
        """Names of the effects to choose from."""
        return list(self._known)

    @property
    def tier(self) -> str:
        """Of the students at work."""
        return self._pipeline.tier

    @property
    def tiers(self) -> tuple[str, ...]:
        """Of the effect in use, best first: those that the options allow and that have not failed to open, or
        not the last time."""
        pipeline, refused = self._pipeline, self._tier_change.refused
        name, tiers = pipeline.effect.name, tiers_of(pipeline.effect, self._options.tier)
        return tuple(tier for tier in tiers if tier == pipeline.tier or (name, tier) not in refused)

    @property
    def accelerators(self) -> tuple[str, ...]:
        """What the students at work run on."""
        students = cast("Mapping[Place, Placed]", self._pipeline.students)
        return tuple(dict.fromkeys(student.placement.accelerator for student in students.values()))

    @property
    def face_count(self) -> int:
        """Faces under the effect in the latest frame."""
        return len(self._pipeline.faces)

    @property
    def loading(self) -> str | None:
        """The effect that is on its way, or None."""
        return self._wanted if self._loading is not None else None

    @property
    def strength(self) -> float:
        """0 (the input) to 1."""
        return self._pipeline.effect.strength.default if self._strength is None else self._strength

    @property
    def mirror(self) -> bool:
        return self._mirror

    @property
    def faces(self) -> str:
        return self._faces

    @property
    def faces_in_use(self) -> str:
        """What the pipeline goes by, until the one for other `faces` has come."""
        return self._faces_in_use

    @property
    def panic(self) -> Panic | None:
        """None while the live picture goes out."""
        return self._panic

    @property
    def panic_mode(self) -> Panic:
        """What the panic key does."""
        return self._options.panic

    @property
    def label(self) -> bool:
        """Whether the corner says that an effect is at work."""
        return self.effect.looks_real if self._label is None else self._label

    @property
    def news(self) -> list[str]:
        """The last lines told, oldest first."""
        with self._lock:
            return list(self._news)

    def stages(self) -> dict[str, dict[str, float]]:
        """Milliseconds of each stage since the effect was taken up: p50, p95, p99."""
        return self._pipeline.ledger.summary()

    def recent_stages(self) -> dict[str, dict[str, float]]:
        """Milliseconds of each stage over the last frames: p50, p95, p99."""
        return self._pipeline.ledger.summary(last=_RECENT)

    def tell(self, line: str) -> None:
        """One line for people, here and wherever the run shows its own."""
        with self._lock:
            self._news.append(line)
        self._tell(line)

    def choose_effect(self, name: str) -> None:
        """Load the effect called ``name``, or the one at that path, and change to it. Raises UsageError
        for a name that is unknown; what is wrong with a package is told when it has been read."""
        is_path = any(sign in name for sign in "/\\.")
        if self._known and name not in self._known and not is_path:
            raise UsageError(f"no effect {name!r}; {nearest(name, self._known)}")
        with self._lock:
            if name == self._wanted:
                return
            self._wanted = name
            self._load()

    def step_effect(self, by: int) -> None:
        """The next (1) or previous (-1) effect, past those that did not load the last time; nothing while one
        is on its way."""
        with self._lock:
            if self._loading is not None:
                return
            names = [name for name in self._known if name == self._wanted or name not in self._failed]
            here = names.index(self._wanted) if self._wanted in names else -1 if by > 0 else 0
            name = names[(here + by) % len(names)] if names else self._wanted
            if name == self._wanted:
                self.tell("there is no other effect")
            else:
                self.choose_effect(name)

    def set_strength(self, value: float) -> None:
        """0 to 1; stays when the effect changes. Raises UsageError."""
        if not (math.isfinite(value) and 0 <= value <= 1):
            raise UsageError(f"strength is {value}: choose 0 (the input) to 1 (the whole effect)")
        self._strength = value

    def set_mirror(self, on: bool) -> None:
        with self._lock:
            if on == self._mirror:
                return
            self._mirror = on
            # The face jumps to the other side: nothing that was tracked holds any more.
            self._reset = True
        self.tell(f"mirror {'on' if on else 'off'}")

    def set_faces(self, choice: str) -> None:
        """Which faces get the effect, see `choose_face`. Raises UsageError."""
        choose_face(choice)
        with self._lock:
            if choice != self._faces:
                self._faces = choice
                self._load()

    def set_panic(self, mode: Panic | None) -> None:
        """From the next frame on. Raises UsageError for a mode that is not one."""
        if mode is not None and mode not in get_args(Panic):
            raise UsageError(f"no panic mode {mode!r}; {nearest(str(mode), get_args(Panic))}")
        with self._lock:
            if mode == self._panic:
                return
            self._panic = mode
            # The loop draws nothing meanwhile; what it tracked is old when it goes on.
            self._reset = True
        self.tell(f"PANIC: {mode}; the same key ends it" if mode else "live again")

    def toggle_panic(self) -> None:
        self.set_panic(None if self._panic else self._options.panic)

    def set_label(self, on: bool) -> None:
        self._label = on

    def apply(self, preset: Preset) -> None:
        """Everything that ``preset`` names. What it cannot do is told, the rest is done."""
        self.tell(f"preset {preset.name}")
        steps: list[Callable[[], None]] = []
        if preset.strength is not None:
            steps.append(lambda: self.set_strength(cast(float, preset.strength)))
        if preset.mirror is not None:
            steps.append(lambda: self.set_mirror(bool(preset.mirror)))
        if preset.faces is not None:
            steps.append(lambda: self.set_faces(cast(str, preset.faces)))
        if preset.effect is not None:
            steps.append(lambda: self.choose_effect(cast(str, preset.effect)))
        for step in steps:
            try:
                step()
            except EffectcamError as error:
                self.tell(f"preset {preset.name}: {error}")

    def apply_number(self, number: int) -> None:
        """The preset at ``number``, from 0, in the order of their file; nothing beyond the last."""
        if 0 <= number < len(self.presets):
            self.apply(self.presets[number])

    def press(self, key: str) -> None:
        """Do what ``key`` stands for; other keys do nothing."""
        for preset in self.presets:
            if preset.key == key:
                self.apply(preset)
                return
        match key:
            case "q" | "Q" | "escape":
                self._on_quit()
            case " " | "space":
                self.toggle_panic()
            case "n" | "N":
                self.step_effect(1)
            case "p" | "P":
                self.step_effect(-1)
            case "+" | "=":
                self._change_strength(_STRENGTH_STEP)
            case "-" | "_":
                self._change_strength(-_STRENGTH_STEP)
            case "m" | "M":
                self.set_mirror(not self._mirror)

    def quit(self) -> None:
        """End the run; files are finished."""
        self._on_quit()

    def settle(self) -> Pipeline:
        """The pipeline for the next frame, set as people want it. For the loop's thread."""
        with self._lock:
            self.take_up()
            if self._reset:
                self._reset = False
                self._pipeline.reset()
            self._pipeline.strength = self.strength
            return self._pipeline

    def take_up(self) -> None:
        """Put to work what has been loaded by now. For a moment in which nothing is drawn: without it what
        people choose meanwhile would stay on its way, and they could not step on from there."""
        with self._lock:
            if self._loading is not None and self._loading.done():
                self._take_over()
            self._tier_change.settle(self._pipeline)

    def change_tier(self, tier: str) -> None:
        """Have the effect in use drawn by another of its `tiers` as soon as that is loaded; the present one
        goes on meanwhile. One that does not load is told, and no more among `tiers`."""
        with self._lock:
            if self._loading is None and tier != self._pipeline.tier:
                self._tier_change.start(self._pipeline, tier)

    def reset_tracking(self) -> None:
        """Before the next frame forget the ones so far: what follows is another moment."""
        self._reset = True

    def renew(self) -> None:
        """Open the effect in use anew: for one whose student or graph keeps failing."""
        with self._lock:
            self._load()

    def close(self) -> None:
        self._loader.shutdown()
        if self._loading is not None and self._loading.exception() is None:
            self._loading.result().close()
        self._loading = None
        self._tier_change.close()
        self._pipeline.close()

    def _open(self, effect: Effect, faces: str, tier: str | None = None) -> Pipeline:
        """With ``tier``, or what options and policy choose."""
        options = self._options
        tiers = tiers_of(effect, options.tier)
        choice, count = choose_face(faces)
        pipeline = Pipeline(
            effect,
            tier=tier or tiers[0],
            max_faces=count,
            choice=choice,
            limits=None if options.bare or "frame" in effect.places else NoLimits(),
            threads=options.threads,
            accelerator=options.accelerator,
            beside=True,
            tell=self.tell,
        )
        try:
            if tier is None and options.tier is None:
                self._start_tier(pipeline, tiers)
            if self.size is not None:
                pipeline.screen.prepare(*self.size)
        except BaseException:
            pipeline.close()
            raise
        return pipeline

    def _load(self) -> None:
        """Start loading what is wanted now, or as soon as what is being loaded has come."""
        if self._loading is not None:
            self._again = True
            return
        name, faces = self._wanted, self._faces
        self._coming, self._coming_faces = name, faces
        here, tier = self._pipeline.effect, self._pipeline.tier

        def load() -> Pipeline:
            return (
                self._open(here, faces, tier) if name == here.name else self._open(load_effect(name), faces)
            )

        self._loading = self._loader.submit(load)

    def _take_over(self) -> None:
        loading, self._loading = cast("Future[Pipeline]", self._loading), None
        before = self._pipeline.effect.name
        try:
            pipeline = loading.result()
        except Exception as error:
            self.tell(f"{self._coming}: {reason(error)}")
            if self._coming != before:
                self._failed.add(self._coming)
            if self._wanted == self._coming:
                self._wanted = before
            if self._coming == before and self._faces == self._coming_faces:
                self._faces = self._faces_in_use
        else:
            self._failed.discard(self._coming)
            self._pipeline.close()
            self._pipeline, self._faces_in_use = pipeline, self._coming_faces
            self._used[pipeline.effect.name, pipeline.effect.version] = None
            if pipeline.effect.name != before:
                self.tell(f"effect {pipeline.effect.name}")
        # Faces may have been wished for along with an effect that does not load.
        if self._again or self._faces != self._faces_in_use:
            self._again = False
            self._load()

    def _change_strength(self, by: float) -> None:
        self.set_strength(round(min(1.0, max(0.0, self.strength + by)), 2))
        self.tell(f"strength {self.strength:.0%}")
