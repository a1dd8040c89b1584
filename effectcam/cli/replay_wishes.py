"""What a call of ``effectcam replay`` asks for, and what of it makes no sense."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from effectcam.errors import UsageError

if TYPE_CHECKING:
    from effectcam.effect.manifest import Manifest
    from effectcam.replay.faults import FaultScript
    from effectcam.replay.gates import Gate
    from effectcam.replay.golden import Golden
    from effectcam.replay.replayer import ClipPlan, ReplaySettings
    from effectcam.student.accelerator import Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options, by the names of the command's parameters. Methods raise UsageError for what is wrong with
    them, before anything is written."""

    name: str | None
    """The effect; None only for a bundle, which names its own."""
    out: Path | None
    trace: Path | None
    metrics: bool
    record: Path | None
    check: Path | None
    gates: Path | None
    json_file: Path | None
    junit: Path | None
    page: Path | None
    faults: str | None
    bundle: Path | None
    jobs: int
    resume: bool
    strength: float | None
    faces: int
    tier: str
    threads: int | None
    accelerator: Wish

    @property
    def to_stdout(self) -> bool:
        """Whether the report is printed."""
        return str(self.json_file) == "-"

    @property
    def files(self) -> dict[str, Path]:
        """To be written beside what becomes of each clip, by what they are."""
        report = None if self.to_stdout else self.json_file
        named = {"report": report, "JUnit file": self.junit, "page": self.page}
        return {kind: file for kind, file in named.items() if file is not None}

    def refuse_nonsense(self, clips: Sequence[str]) -> None:
        """Options that do not go together."""
        if self.bundle is not None and (clips or self.faults is not None):
            raise UsageError("--bundle has its own frames; give it without clips and --faults")
        if self.bundle is None and (not clips or self.name is None):
            missing = "option '--effect' / '-e'" if clips else "argument 'CLIP...'"
            raise UsageError(f"Missing {missing}; or give --bundle FILE (see: effectcam replay --help)")
        compared = (self.record, self.check, self.gates, self.bundle)
        aims = (self.out, self.trace, self.json_file, self.page, *compared)
        if not self.metrics and all(aim is None for aim in aims):
            raise UsageError(
                "nothing would come of it; give --out, --trace, --metrics or --json, or --report"
            )
        for option, folder in (("trace", self.trace), ("record", self.record), ("check", self.check)):
            if folder is not None and self.accelerator == "auto":
                raise UsageError(
                    f"--{option} with --accelerator auto: which one draws hangs on a measurement; name cpu, "
                    "gpu or npu"
                )
        if self.record is not None and self.check is not None:
            raise UsageError("--record and --check at once; check against the golden first, then record anew")
        if self.junit is not None and self.check is None and self.gates is None:
            raise UsageError("--junit tells what passed a --check or --gates; give one of them")
        if self.resume and self.trace is None:
            raise UsageError("--resume goes by the traces of the clips that are done; give --trace DIR")
        whole = {
            "--record": self.record is not None,
            "--check": self.check is not None,
            "--gates": self.gates is not None,
            "--report": self.page is not None,
            "--faults": self.faults is not None,
            "--bundle": self.bundle is not None,
        }
        for option, given in whole.items():
            if self.resume and given:
                raise UsageError(f"--resume with {option}, for which every clip has to run; leave one out")

    def read_gates(self) -> tuple[Gate, ...]:
        from effectcam.replay.gates import read_gates

        if self.gates is None:
            return ()
        gates = tuple(read_gates(self.gates))
        for gate in gates:
            if gate.needs_golden and self.check is None:
                raise UsageError(f"{self.gates}: {gate.name} is about a golden; give --check DIR")
        return gates

    def read_faults(self) -> FaultScript | None:
        from effectcam.replay.faults import find_script, read_faults

        return None if self.faults is None else read_faults(find_script(self.faults))

    def as_recorded(self, given: Collection[str]) -> tuple[Wishes, list[str]]:
        """The wishes with the settings of the bundle, but for the options ``given`` by name; and what they
        were, and what failed, a line each. Raises ReportError for a bundle that is none."""
        from effectcam.replay.bundle import read_bundle

        if self.bundle is None:
            return self, []
        contents = read_bundle(self.bundle).contents
        was = contents.settings
        values = {"name": was.effect, "tier": was.tier, "strength": was.strength, "faces": was.faces}
        values = {option: value for option, value in values.items() if option not in given}
        told = f"{was.effect} {was.version}, {was.tier} tier, strength {was.strength:g}, faces: {was.faces}"
        lines = [f"{self.bundle} was recorded with {told}"]
        if contents.error is not None:
            lines.append(
                f"{self.bundle}: there it failed after {len(contents.stamps)} frames: {contents.error}"
            )
        return replace(self, **values), lines  # type: ignore[arg-type]

    def settings(
        self, gates: Sequence[Gate], clips: int = 1, faults: FaultScript | None = None
    ) -> ReplaySettings:
        """``clips``: how many share a page."""
        from effectcam.replay.evidence import Room
        from effectcam.replay.replayer import ReplaySettings

        return ReplaySettings(
            tier=self.tier,
            strength=self.strength,
            max_faces=self.faces,
            threads=self.threads,
            accelerator=self.accelerator,
            metrics=self._measures(gates),
            room=None if self.page is None else Room.shared(clips),
            faults=faults,
            bundle=self.bundle,
            resume=self.resume,
        )

    def plan(self, clips: Sequence[str], gates: tuple[Gate, ...]) -> list[ClipPlan]:
        """What becomes of each clip; a golden that is to be recorded is not among it yet."""
        from effectcam.replay.player import plan_outputs
        from effectcam.replay.replayer import ClipPlan

        none = [None] * len(clips)
        outputs = none if self.out is None else plan_outputs(clips, self.out)
        traces = none if self.trace is None else plan_outputs(clips, self.trace, suffix=".jsonl")
        for golden in (self.record, self.check):
            if golden is not None:
                plan_outputs(clips, golden, suffix=".jsonl")
        plans = [
            ClipPlan(clip=clip, output=output, trace=trace, check=self.check, gates=gates)
            for clip, output, trace in zip(clips, outputs, traces, strict=True)
        ]
        self._refuse_to_replace(plans)
        self._refuse_to_spoil_goldens()
        return plans

    def refuse_other_golden(
        self, effect: Manifest, plans: Sequence[ClipPlan], gates: Sequence[Gate]
    ) -> list[str]:
        """Refuse a golden of something else, and one without the metrics that ``gates`` compare with. Gives a
        line for each thing about it that is worth a word."""
        if self.check is None:
            return []
        from effectcam import __version__ as version
        from effectcam.replay.golden import read_golden
        from effectcam.replay.golden_check import refuse_other

        golden = read_golden(self.check)
        refuse_other(golden, self.check, effect, tier=self.tier, strength=self.strength, faces=self.faces)
        stems = {plan.stem for plan in plans}
        needs = next((gate for gate in gates if gate.worse is not None), None)
        for stem, clip in golden.clips.items():
            # A figure about which its frames had no say is that clip's affair, and no other's.
            if stem in stems and needs is not None and clip.metrics is None:
                raise UsageError(
                    f"{self.check}: has no metrics of {clip.name}, and {self.gates} compares {needs.name} "
                    "with them; record it with --metrics"
                )
        notes = []
        if golden.effectcam != version:
            notes.append(f"{self.check}: was recorded with effectcam {golden.effectcam}, this is {version}")
        return notes

    def what_is_replaced(self, golden: Golden | None, effect: Manifest, gates: Sequence[Gate]) -> list[str]:
        """A line for each thing in which ``golden`` is not what this run records in its place. UsageError
        where it is of another effect."""
        from effectcam.replay.golden_check import what_is_replaced

        if self.record is None or golden is None:
            return []
        return what_is_replaced(
            *(golden, self.record, effect),
            tier=self.tier,
            strength=self.strength,
            faces=self.faces,
            metrics=self._measures(gates),
        )

    def _measures(self, gates: Sequence[Gate]) -> bool:
        return self.metrics or self.page is not None or any(gate.needs_metrics for gate in gates)

    def missing(self, plans: Sequence[ClipPlan]) -> list[str]:
        """The names of clips that the golden has and ``plans`` have not."""
        from effectcam.replay.golden import read_golden

        if self.check is None:
            return []
        stems = {plan.stem for plan in plans}
        return sorted(clip.name for stem, clip in read_golden(self.check).clips.items() if stem not in stems)

    def _refuse_to_replace(self, plans: Sequence[ClipPlan]) -> None:
        """A file that would take the place of something else."""
        from effectcam.replay.player import refuse_to_replace
        from effectcam.replay.resume import is_foreign, report_beside

        read = [plan.clip for plan in plans] + [str(file) for file in (self.gates, self.faults) if file]
        taken = {_real(plan.output): "clip" for plan in plans if plan.output is not None}
        for plan in plans:
            if plan.trace is not None:
                taken[_real(plan.trace)] = "trace"
                report = report_beside(plan.trace)
                if is_foreign(report):
                    raise UsageError(
                        f"{report} is there already, and its clip's report would take its place; give the "
                        "traces another folder"
                    )
                taken[_real(report)] = "report of a single clip"
        for kind, file in self.files.items():
            refuse_to_replace(file, read)
            if (other := taken.get(_real(file))) is not None:
                raise UsageError(
                    f"{file} would be both the {kind} and a {other}; give the {kind} another name"
                )
            taken[_real(file)] = kind

    def _refuse_to_spoil_goldens(self) -> None:
        """What would be written into a golden: it would take the place of its files, or be lost with them."""
        from effectcam.errors import ReportError
        from effectcam.replay.golden import read_golden

        folders = [folder for folder in (self.out, self.trace) if folder is not None]
        for path in (*folders, *self.files.values()):
            for golden in (self.record, self.check):
                if golden is not None and _real(path).is_relative_to(_real(golden)):
                    raise UsageError(f"{path}: belongs to the golden {golden}; name another place")
        for folder in (*folders, *(file.parent for file in self.files.values())):
            try:
                read_golden(folder)
            except ReportError:
                continue
            raise UsageError(f"{folder}: is a golden, and nothing else belongs there; name another folder")


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
