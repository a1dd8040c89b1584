"""The effect in use during a live run, and the keys that change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from effectcam.effect.package import Effect, load_effect
from effectcam.errors import EffectcamError
from effectcam.frame import Frame
from effectcam.pipeline import Pipeline

_STRENGTH_STEP = 0.1


@dataclass(frozen=True, slots=True)
class Options:
    """What stays when the effect changes."""

    tier: str = "standard"
    strength: float | None = None
    """None: each effect's own."""
    faces: int = 1
    threads: int | None = None


class Controls:
    """The pipeline in use, and what keys do to it.

    Another effect is loaded in a thread of its own while the present one goes on, and takes its place
    between two frames. One that does not load is told and left out.

    Raises what `Pipeline` raises. Closes the pipelines it opens.
    """

    def __init__(
        self,
        effect: Effect,
        options: Options,
        *,
        known: Sequence[str] = (),
        mirror: bool = False,
        on_quit: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        """``known``: the names that n and p walk through, round and round. ``tell`` gets one line
        for people when something changes or fails."""
        self._options = options
        self._strength = options.strength
        self._known = list(known)
        self.mirror = mirror
        self._on_quit = on_quit
        self._tell = tell
        self._pipeline = self._open(effect)
        self._loader = ThreadPoolExecutor(1, "effect loader")
        self._loading: Future[Pipeline] | None = None
        self._wanted = effect.name

    @property
    def pipeline(self) -> Pipeline:
        return self._pipeline

    def process(self, frame: Frame) -> Frame:
        """The frame, mirrored if so wished, with the effect on it."""
        self._settle()
        if self.mirror:
            import cv2

            frame = frame.with_pixels(cv2.flip(frame.pixels, 1))  # type: ignore[arg-type]
        return self._pipeline.process(frame)

    def press(self, key: str) -> None:
        """Do what ``key`` stands for; other keys do nothing."""
        if key in ("q", "Q", "escape"):
            self._on_quit()
        elif key in ("n", "N"):
            self._step(1)
        elif key in ("p", "P"):
            self._step(-1)
        elif key in ("+", "="):
            self._change_strength(_STRENGTH_STEP)
        elif key in ("-", "_"):
            self._change_strength(-_STRENGTH_STEP)
        elif key in ("m", "M"):
            self.mirror = not self.mirror
            # The face jumps to the other side: nothing that was tracked holds any more.
            self._pipeline.reset()
            self._tell(f"mirror {'on' if self.mirror else 'off'}")

    def close(self) -> None:
        self._loader.shutdown()
        if self._loading is not None and self._loading.exception() is None:
            self._loading.result().close()
        self._loading = None
        self._pipeline.close()

    def _open(self, effect: Effect) -> Pipeline:
        options = self._options
        # Not every effect has every tier, and every one has the standard tier.
        tier = options.tier if options.tier in effect.tiers else "standard"
        return Pipeline(
            effect,
            tier=tier,
            strength=self._strength,
            max_faces=options.faces,
            threads=options.threads,
            beside=True,
        )

    def _step(self, by: int) -> None:
        if self._loading is not None:
            return
        here = self._known.index(self._wanted) if self._wanted in self._known else -1 if by > 0 else 0
        name = self._known[(here + by) % len(self._known)] if self._known else self._wanted
        if name == self._wanted:
            self._tell("there is no other effect")
            return
        self._wanted = name
        self._loading = self._loader.submit(lambda: self._open(load_effect(name)))

    def _settle(self) -> None:
        """Take over the effect that has been loaded, if one has."""
        if self._loading is None or not self._loading.done():
            return
        loading, self._loading = self._loading, None
        try:
            pipeline = loading.result()
        except EffectcamError as error:
            self._tell(f"{self._wanted}: {error}")
            return
        self._pipeline.close()
        self._pipeline = pipeline
        if self._strength is not None:
            pipeline.strength = self._strength
        self._tell(f"effect {pipeline.effect.name}")

    def _change_strength(self, by: float) -> None:
        self._strength = round(min(1.0, max(0.0, self._pipeline.strength + by)), 2)
        self._pipeline.strength = self._strength
        self._tell(f"strength {self._strength:.0%}")
