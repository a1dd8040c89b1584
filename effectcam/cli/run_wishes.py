"""What a call of ``effectcam run`` asks for, and what of it makes no sense."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from effectcam.errors import UsageError
from effectcam.live.options import Panic
from effectcam.live.privacy import OnLost
from effectcam.source import is_camera
from effectcam.student.accelerator import Wish


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of ``effectcam run``, by their names."""

    source: str | None = None
    """None: the first camera."""
    effect: str = "toon"
    strength: float | None = None
    faces: str = "one"
    tier: str | None = None
    threads: int | None = None
    accelerator: Wish = "auto"
    cores: int | None = None
    priority: Literal["normal", "raised"] = "normal"
    governor: str = "on"
    budget: float | None = None
    skip_still: bool = False
    governor_trace: Path | None = None
    mirror: bool = False
    virtual_camera: bool = False
    device: str | None = None
    window: bool = False
    record: Path | None = None
    overwrite: bool = False
    credentials: bool = False
    stills: Path | None = None
    size: tuple[int, int] | None = None
    """To ask a camera for; None: 1280 x 720."""
    fps: float = 30.0
    loop: bool = False
    wait: bool = True
    rest: bool = True
    on_lost: OnLost = "blur"
    panic: Panic = "freeze"
    label: bool | None = None
    panel: int | None = None
    presets: Path | None = None
    midi: str | None = None
    obs: str | None = None
    obs_input: str | None = None

    @property
    def clip(self) -> str | None:
        """What is to be played instead of a camera's picture."""
        return None if self.source is None or is_camera(self.source) else self.source

    @property
    def named(self) -> str:
        """The source, for people."""
        if self.source is None:
            return "the first camera"
        return f"camera {self.source}" if self.source.isdecimal() else self.source

    def refuse_nonsense(self) -> None:
        """Raises UsageError for options that would do nothing, or write over the clip that is played, and
        SinkError where the recording cannot be signed as wished."""
        from effectcam.replay.player import refuse_to_replace

        if self.credentials:
            from effectcam.sink.credentials import check_signable

            if self.record is None:
                raise UsageError("--credentials signs a recording; give --record FILE.mp4 too")
            check_signable(self.record)
        if self.obs_input is not None and self.obs is None:
            raise UsageError(f"--obs-input {self.obs_input!r} is for the delay in OBS; give --obs too")
        for option, value, what in (
            ("--midi", self.midi, "a MIDI port"),
            ("--obs", self.obs, "OBS's address"),
        ):
            if value and Path(value).exists():
                told = f"{value!r} is a clip or camera and not {what}"
                raise UsageError(f"{option} {told}; name it before {option}")
        if self.clip is None:
            if self.loop:
                source = "what runs without SOURCE" if self.source is None else repr(self.source)
                raise UsageError(f"--loop is for a clip, and {source} is a camera; leave it out")
            return
        if self.size is not None:
            raise UsageError(
                f"--size is what a camera is asked for, and {self.clip!r} is a clip, which keeps its own; "
                "leave it out"
            )
        for file in (self.record, self.governor_trace):
            if file is not None:
                refuse_to_replace(file, [self.clip])

    def refuse_to_lose(self) -> None:
        """Raises UsageError where an older recording or pictures, which no camera shows again, would go."""
        if self.overwrite:
            return
        if self.record is not None and self.record.is_file():
            raise UsageError(f"{self.record} is there already; give another name, or --overwrite")
        if self.stills is not None:
            from effectcam.sink.stills import older_picture

            if older := older_picture(self.stills):
                raise UsageError(f"{older} is there already; give another folder, or --overwrite")
