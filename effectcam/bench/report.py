"""What a bench comes to: the JSON of ``effectcam bench --json``, schema ``effectcam.bench/1``.

The classes here are the schema. ``schema.json`` beside this module is written from them, and `read_report`
believes nothing that they do not say. Units stand in the names: ``_ms`` milliseconds, ``_s`` seconds,
``_mb`` millions of bytes, ``_mhz``; shares are 0 to 1. Readers pass over fields that they do not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

SCHEMA: Final = "effectcam.bench/1"

Count = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Of times in milliseconds."""

    p50: Amount
    p95: Amount
    p99: Amount
    max: Amount
    mean: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    usable: Count
    """That the process may use."""
    logical: Count
    physical: Count | None
    """Null where the system does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """How fast this device multiplies matrices of float32: the ideal that students stand beside."""

    one_core_gflops: Positive
    """Billion operations a second of CPU time, a multiply-add counted as two."""
    all_cores_gflops: Positive
    """Billion operations a second of wall time, on all usable cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    name: str
    """``cpu``, ``gpu`` or ``npu``."""
    device: str
    """The processor that students run on."""
    driver: str | None
    """What drives it, with its version; null where there is none to speak of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Fingerprint of the machine."""

    id: str
    """Hash of CPU, flags, architecture, cores and memory: equal on equal hardware."""
    cpu: str
    architecture: str
    flags: list[str]
    """Instruction sets that arithmetic can gain from, sorted."""
    cores: Cores
    max_mhz: Positive | None
    memory_mb: Positive
    system: str
    kernel: str
    virtual: str | None
    """The hypervisor's kind when this is a virtual machine, whose cores others may share."""
    libraries: dict[str, str]
    """Versions by name, Python's among them."""
    accelerators: list[Accelerator]
    """What the effect's students ran on, each once."""
    peak: Peak


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectUsed:
    name: str
    version: str
    tier: str
    space: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipUsed:
    name: str
    """Of the file, without its folder."""
    sha256: str
    frames: Count
    """In memory; they are run forwards and backwards."""
    width: Count
    height: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was asked for: two reports are about the same thing if these are equal."""

    effect: EffectUsed
    accelerator: str
    """As ``--accelerator`` took it, ``auto`` included."""
    threads: Count | None
    """Of each student; null: measured at the start."""
    cores: Count
    """That the process kept to, as a live run does."""
    priority: Literal["normal", "raised"]
    """Raised: above the encoders'."""
    clip: ClipUsed
    width: Count
    height: Count
    """Of the frames that the chain got."""
    faces: Count
    pace_fps: Positive | None
    """Frames a second that were offered; null: as fast as they were taken."""
    burn_in: Count
    """Frames before the first that counts."""
    frames: Count | None
    seconds: Positive | None
    """How long it was to last: one of the two is null."""
    under_load: Count
    """Encoders that ran beside it."""
    turn: Count | None = None
    """Frames after which it waited while other cells of a matrix had their turn; null: it ran alone."""
    overlap: bool = False
    """Whether frames were on their way at once, one with the student while the next was begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What else the machine did meanwhile."""

    load_1m: Amount | None
    """Processes that wanted to run in the minute before."""
    others_cores: Amount
    """Cores that other programs kept busy, the encoders of ``under_load`` not among them."""
    steal_share: Share
    """Of the wanted time that the hypervisor gave to other guests."""
    nice: int
    cpu_governor: str | None
    on_battery: bool | None
    notes: list[str]
    """What a reader of the figures must know, one line each; empty when all was well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """From the start of a fresh process to the first finished frame; its files were in the disk's cache."""

    interpreter_ms: Amount
    """Until Python runs the first line."""
    imports_ms: Amount
    effect_ms: Amount
    """Reading and checking the package."""
    graph_ms: Amount
    """Building the face graph; 0 for an effect without one."""
    compile_ms: Amount
    """Loading the students, the choice of threads included."""
    first_frame_ms: Amount
    total_ms: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStarts:
    runs: list[ColdStart]
    median: ColdStart
    """Part by part, so that the parts need not add up to the total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesSeen:
    measured: Count
    """Finished in the steady state."""
    without_face: Count
    faces_mean: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Drops:
    """Frames that were offered and not finished, by cause."""

    late: Count
    """Left out because the chain was busy with an earlier one; 0 at full speed."""
    failed: Count
    """The chain refused them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Frames a second."""

    throughput: Amount
    """Finished ones over the steady state."""
    low_1_percent: Amount
    """What the slowest hundredth of the frames would give, by the mean of their chain times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    ms: Positive
    missed: Count
    """Frames whose chain took longer."""
    share: Share
    longest: Count
    """The most that missed it in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """Processor time of the process and its workers, all threads."""

    seconds: Amount
    seconds_per_frame: Amount
    cores: Amount
    """Kept busy on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Resident memory of the process and its workers."""

    start_mb: Amount
    """When the steady state began."""
    end_mb: Amount
    peak_mb: Amount
    """Of the process alone, its start included."""
    clip_mb: Amount
    """Part of all of these: the clip's frames, which a live run does not hold."""
    growth_mb_per_minute: float | None
    """Slope of a straight line through one sample a second; null below a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Of the whole machine, as far as RAPL counts it."""

    joules: Amount | None
    joules_per_frame: Amount | None
    watts: Amount | None
    domains: list[str]
    """What was counted."""
    unread: str | None
    """Why nothing was counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """How much of the model the accelerator took over."""

    operators: Count
    delegated: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentSpeed:
    """One network of the effect by itself, after the run."""

    place: str
    file: str
    sha256: str
    accelerator: str
    """``cpu``, ``gpu`` or ``npu``."""
    threads: Count
    p50_ms: Positive
    multiply_adds: Count
    gflops: Amount
    peak_gflops: Positive | None
    """The CPU's on so many cores; null for a student on another accelerator, whose peak is not known."""
    share: Amount | None
    """Of the peak that is reached."""
    delegation: Delegation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """One competitor of ``under_load``: x264, paced at real time."""

    width: Count
    height: Count
    fps: Positive
    """Frames a second that it was to encode."""
    frames: Count
    skipped: Count
    """Came too late to be encoded."""
    encode_p50_ms: Amount
    encode_p95_ms: Amount
    cpu_seconds: Amount
    megabits_per_s: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of the steady state."""

    start_s: Amount
    seconds: Positive
    frames: Count
    chain_ms: Percentiles | None
    """Null without a frame."""
    fps: Amount
    missed: Count
    """Frames over 33.3 ms."""
    memory_mb: Amount
    mhz: Amount | None
    temperature_c: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Frame by frame, in the order of the frames; all lists are of one length."""

    every: Annotated[int, msgspec.Meta(ge=1)]
    """1: all frames are here; n: of a long run, each n-th."""
    done_ms: list[Amount]
    """When each was finished, from the start of the steady state."""
    stages_ms: dict[str, list[Amount | None]]
    """Null where a stage did not run, as the student without a face."""
    delay_ms: list[Amount] | None
    """From when each was due until it was finished; null at full speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    schema: Literal["effectcam.bench/1"]
    effectcam: str
    """Version."""
    made_at: str
    """UTC, ISO 8601."""
    device: Device
    settings: Settings
    conditions: Conditions
    cold_start: ColdStarts | None
    seconds: Positive
    """That the steady state lasted."""
    frames: FramesSeen
    drops: Drops
    stages_ms: dict[str, Percentiles]
    """By stage, in the order of a frame's way, ``chain`` last; of the frames in which it ran."""
    delay_ms: Percentiles | None
    rates: Rates
    deadlines: list[Deadline]
    cpu: Cpu
    memory: Memory
    energy: Energy
    students: list[StudentSpeed]
    """Empty for a cell of a matrix, where there is no time for it."""
    load: list[Encoder]
    windows: list[Window]
    series: Series
