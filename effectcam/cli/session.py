"""One live run, put together from what the user asked for."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from effectcam.cli import terminal
from effectcam.cli.governing import Governing
from effectcam.cli.keys import ReadKeys, terminal_keys
from effectcam.cli.meter import Meter
from effectcam.cli.outputs import EndlessPictures, Outputs, is_kept, is_live, watched
from effectcam.cli.run_wishes import Wishes
from effectcam.effect import load_effect
from effectcam.effect.catalogue import catalogue
from effectcam.effect.package import Effect
from effectcam.errors import EffectcamError, SinkError
from effectcam.frame import Frame
from effectcam.live.controls import Controls
from effectcam.live.cores import keep_to
from effectcam.live.feed import newest, paced, unpaced
from effectcam.live.governor import BudgetPolicy
from effectcam.live.loop import LiveLoop
from effectcam.live.options import Options
from effectcam.live.presets import Preset, load_presets
from effectcam.live.preview import Preview
from effectcam.live.priority import raise_priority
from effectcam.live.privacy import FaceGuard
from effectcam.live.status import Status
from effectcam.live.stop import StopFlag
from effectcam.sink.fan_out import FanOut
from effectcam.source import Clip
from effectcam.source.supervisor import CameraSupervisor

_OPENING = 3.0
"""Seconds to wait for a camera's first pictures before its outputs are opened for the size asked for."""

_RATE_FRAMES = 15

KEYS = "keys: n/p effect, +/- strength, m mirror, space PANIC, q quit"


class Session:
    """Opens what a live run needs, in the order in which it can fail cheapest, runs it, and closes it."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._stop = StopFlag()
        self._meter = Meter(terminal.out_apart())
        self._tell = self._meter.tell

    def run(self) -> None:
        """Until the source ends or somebody stops it. Raises what its parts raise."""
        wishes = self._wishes
        wishes.refuse_nonsense()
        wishes.refuse_to_lose()
        governing = Governing(wishes)
        keep_to(wishes.cores)
        if wishes.priority == "raised" and not raise_priority():
            terminal.note("this system does not let this user go before others; the run has normal priority")
        effect = load_effect(wishes.effect)
        if wishes.tier is not None:
            effect.tier(wishes.tier)
        presets = load_presets(wishes.presets)
        # Its thread keeps to the cores, and to the priority, from above.
        with self._meter.printer.started():
            self._perform(effect, presets, governing)

    def _perform(self, effect: Effect, presets: Sequence[Preset], governing: Governing) -> None:
        wishes = self._wishes
        with ExitStack() as stack:
            source = self._open_source()
            stack.callback(source.close)
            controls = Controls(
                effect,
                Options(
                    tier=governing.tier,
                    strength=wishes.strength,
                    faces=wishes.faces,
                    threads=wishes.threads,
                    accelerator=wishes.accelerator,
                    mirror=wishes.mirror,
                    panic=wishes.panic,
                    label=wishes.label,
                    bare=wishes.on_lost == "passthrough",
                ),
                known=list(catalogue()),
                presets=presets,
                start_tier=governing.start_tier(source),
                on_quit=self._stop.set,
                tell=self._tell,
            )
            stack.callback(controls.close)
            governor = governing.open(source, stack, controls.tell)
            sinks = self._open_sinks(source, controls)
            # Its part files go if anything goes wrong on the way to the loop, which closes it itself.
            stack.callback(sinks.abort)
            loop, keys = self._put_together(stack, source, controls, sinks, governor)
            self._tell(
                f"{wishes.named} {source.width}x{source.height} to {sinks.name}, "
                f"effect {effect.name} {effect.version}"
            )
            self._tell(KEYS if keys is not None or wishes.window else "Ctrl-C ends it")
            failure: SinkError | None = None
            try:
                with self._meter:
                    self._run(loop, source, sinks)
            except SinkError as error:
                # Perhaps of one sink of several, and the recording is another.
                failure = error
        if failure is None:
            self._tell_end(source, controls, sinks, loop)
        if wishes.credentials and wishes.record is not None and is_kept(wishes.record, sinks):
            try:
                self._sign(wishes.record, controls)
            except SinkError as error:
                if failure is not None:
                    terminal.note(str(error))
                failure = failure or error
        if failure is not None:
            raise failure

    def _open_source(self) -> CameraSupervisor | Clip:
        wishes = self._wishes
        if wishes.clip is not None:
            return Clip(wishes.clip)
        width, height = wishes.size or (1280, 720)
        camera = CameraSupervisor(
            wishes.source,
            width=width,
            height=height,
            fps=wishes.fps,
            tell=self._tell,
            wait=wishes.wait,
        )
        # For the size and the rate that the outputs announce; what the driver claims is often untrue.
        end, frames = time.monotonic() + _OPENING, 0
        while frames < _RATE_FRAMES and time.monotonic() < end:
            frames += camera.take(0.1) is not None
        camera.fix_size()
        return camera

    def _open_sinks(self, source: CameraSupervisor | Clip, controls: Controls) -> FanOut:
        wishes = self._wishes
        outputs = Outputs(
            wishes.virtual_camera,
            wishes.device,
            wishes.record,
            wishes.window,
            wishes.stills,
            wishes.panel is not None,
        )
        pictures = EndlessPictures(source.width, source.height, source.fps) if wishes.loop else source
        return outputs.open(pictures, on_key=controls.press, on_close=self._stop.set, tell=controls.tell)

    def _put_together(
        self,
        stack: ExitStack,
        source: CameraSupervisor | Clip,
        controls: Controls,
        sinks: FanOut,
        governor: BudgetPolicy,
    ) -> tuple[LiveLoop, ReadKeys | None]:
        wishes = self._wishes
        preview = Preview()
        keys = stack.enter_context(terminal_keys())

        def after_frame() -> None:
            for key in keys() if keys is not None else "":
                controls.press(key)
            self._meter.tick(controls, loop)

        live = isinstance(source, CameraSupervisor)
        loop = LiveLoop(
            controls,
            sinks,
            size=(source.width, source.height),
            guard=FaceGuard(wishes.on_lost),
            governor=governor,
            preview=preview,
            watched=watched(sinks, stack) if wishes.rest else lambda: True,
            waiting_for=lambda: wishes.named,
            stamped=live or wishes.loop,
            after=after_frame,
        )
        more: dict[str, Any] = {}
        status = Status(
            controls,
            loop,
            camera=lambda: _describe(source, wishes.named),
            outputs=lambda: sinks.deliveries,
            more=lambda: {name: part.state for name, part in more.items()},
        )
        if wishes.panel is not None:
            from effectcam.panel.server import Panel
            from effectcam.panel.token import own_token

            panel = Panel(controls, status, preview, port=wishes.panel, token=own_token())
            stack.callback(panel.close)
            panel.start()
            self._tell(f"panel: {panel.url}")
        if wishes.midi is not None:
            from effectcam.live.midi import MidiFader

            fader = MidiFader(
                wishes.midi or None,
                on_strength=controls.set_strength,
                on_note=controls.apply_number,
                tell=controls.tell,
            )
            stack.callback(fader.close)
        if wishes.obs is not None:
            import os

            from effectcam.live.obs import ObsSync

            sync = ObsSync(
                wishes.obs,
                os.environ.get("EFFECTCAM_OBS_PASSWORD", ""),
                input_name=wishes.obs_input,
                delay_ms=lambda: loop.pace.delay_ms,
                tell=controls.tell,
            )
            stack.callback(sync.close)
            sync.start()
            more["obs"] = sync
        return loop, keys

    def _run(self, loop: LiveLoop, source: CameraSupervisor | Clip, sinks: FanOut) -> None:
        try:
            with self._stop:
                loop.run(self._frames(source, sinks, loop))
        except BaseException:
            # What a camera has shown cannot be had again, so its recording is kept up to here.
            if isinstance(source, CameraSupervisor):
                with contextlib.suppress(SinkError):
                    self._finish(sinks)
            raise
        self._finish(sinks)

    def _finish(self, sinks: FanOut) -> None:
        """Close them. A recording of hours takes seconds, in which a second Ctrl-C means no harm to it."""
        once_more = "the files are being finished; Ctrl-C once more gives them up"
        with StopFlag(on_signal=lambda: self._tell(once_more)):
            sinks.close()

    def _frames(
        self, source: CameraSupervisor | Clip, sinks: FanOut, loop: LiveLoop
    ) -> Iterator[Frame | None]:
        """The frames in the order and at the pace that fits source and sinks."""

        def idle(left: int) -> None:
            sinks.again()
            loop.idle(left)

        if isinstance(source, CameraSupervisor):
            return newest(source, self._stop, fps=self._wishes.fps)
        if self._wishes.loop:
            return self._round_and_round(source, idle)
        if is_live(sinks):
            return paced(source, self._stop, keep_all=sinks.lossless, idle=idle)
        return unpaced(source, self._stop)

    def _round_and_round(self, clip: Clip, idle: Callable[[int], None]) -> Iterator[Frame]:
        """A clip without end, stamped as if a camera saw it."""
        while not self._stop.is_set:
            with clip:
                yield from paced(clip, self._stop, restamp=True, idle=idle)
            # A frame whose side data was read hangs in a cycle, at 1.4 MB a round. Little else is left to
            # look through while the loop runs.
            gc.collect()
            clip = Clip(clip.path)

    def _tell_end(
        self, source: CameraSupervisor | Clip, controls: Controls, sinks: FanOut, loop: LiveLoop
    ) -> None:
        chain = controls.stages()["chain"]
        times = ", ".join(f"{name} {chain[name]:.1f} ms" for name in ("p50", "p95", "p99"))
        self._tell(f"{loop.frames} frames; chain of {controls.effect.name}: {times}")
        for delivery in sinks.deliveries:
            dropped = f", {delivery.dropped} dropped" if delivery.dropped else ""
            self._tell(f"{delivery.sink.name}: {delivery.written} frames{dropped}")
        warnings = source.warnings if isinstance(source, Clip) else []
        for delivery in sinks.deliveries:
            warnings = [*warnings, *getattr(delivery.sink, "warnings", [])]
        for warning in warnings:
            terminal.note(warning)

    def _sign(self, path: Path, controls: Controls) -> None:
        from effectcam.sink.credentials import sign

        try:
            sign(path, effects=controls.used, source="camera" if self._wishes.clip is None else "clip")
        except EffectcamError as error:
            raise SinkError(f"the recording is kept without content credentials: {error}") from None
        else:
            self._tell(f"{path}: signed; look with: effectcam credentials {path}")


def _describe(source: CameraSupervisor | Clip, named: str) -> dict[str, Any]:
    if isinstance(source, Clip):
        status, name, message, reopened = "running", named, "", 0
    else:
        state = source.state
        status, name, message, reopened = state.status, state.name, state.message, state.reopened
    return {
        "name": name or named,
        "status": status,
        "message": message,
        "width": source.width,
        "height": source.height,
        "fps": round(source.fps, 1),
        "reopened": reopened,
    }
