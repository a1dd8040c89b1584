"""Which accelerator draws: the one that was asked for, or the fastest that draws what the CPU draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from effectcam.errors import StudentError, UsageError, nearest
from effectcam.student.accelerator import WISHES, Accelerator, Wish
from effectcam.student.device import Device, RefusedError, find_device
from effectcam.student.engine import EngineFactory, open_engine
from effectcam.student.fallback import FallbackStudent
from effectcam.student.litert import LiteRtStudent
from effectcam.student.network import Network
from effectcam.student.parity import TOLERANCE, Drawn, draw_all, largest_difference, parity_pictures
from effectcam.student.remote import COMMAND, RemoteStudent
from effectcam.student.threads import ThreadPolicy, fixed_threads, median_times
from effectcam.student.timing_cache import Choice, TimingCache, now

PlacedStudent = LiteRtStudent | FallbackStudent

GAIN = 1.15
"""How many times as fast as the CPU an accelerator must be to be chosen. It serves others too, such as a
game and the encoder, and the CPU is the simpler way."""

_HOPELESS = 3.0
"""As many times the CPU's time for one picture, and an accelerator is not measured any further."""

_SLOWEST_COMPILER = 60.0
"""Seconds: several times what software Vulkan takes on a busy machine."""

_SHORTEST_WAIT = 1.0
"""Seconds that a picture may take before the driver counts as hanging. A busy GPU may be late by some
frames; a hanging one freezes the picture for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a choice depends on beside the network; the defaults are those of a run."""

    cache: TimingCache
    find: Callable[[Accelerator], Device] = find_device
    command: Sequence[str] = COMMAND
    """Starts a worker."""
    patience: float = _SLOWEST_COMPILER
    """Seconds that a driver may take to compile."""


def open_placed(
    network: Network,
    wish: Wish,
    *,
    threads: int | ThreadPolicy | None = None,
    engine: EngineFactory = open_engine,
    tell: Callable[[str], None],
    around: Surroundings | None = None,
) -> PlacedStudent:
    """The student of ``network`` where ``wish`` says; the caller closes it.

    ``cpu`` opens it in this process. ``gpu`` and ``npu`` compile it in a worker and compare its drawings with
    the CPU's; RefusedError when the device is not there, refuses or draws something else. ``auto`` asks those
    whose devices are there, takes the fastest and remembers it; without any it is ``cpu``, at once. ``tell``
    gets a line about what was chosen and why, and when an accelerator fails later. ``threads``, 1 or more,
    and ``engine`` are the CPU's. UsageError for another wish or number of threads.
    """
    if wish not in WISHES:
        raise UsageError(f"no accelerator {wish!r}; {nearest(wish, WISHES)}")
    if isinstance(threads, int):
        threads = fixed_threads(threads)
    if wish == "cpu":
        return network.open(threads, engine=engine)
    opening = _Opening(network, threads, engine, tell, around or Surroundings(cache=TimingCache(tell)))
    return opening.on_best() if wish == "auto" else opening.on(wish)


@dataclass(frozen=True, slots=True)
class _Opening:
    """One call of `open_placed`."""

    network: Network
    threads: int | ThreadPolicy | None
    engine: EngineFactory
    tell: Callable[[str], None]
    around: Surroundings

    def on_cpu(self, threads: int | None = None) -> LiteRtStudent:
        return self.network.open(threads or self.threads, engine=self.engine)

    def on(self, accelerator: Accelerator) -> FallbackStudent:
        self.around.find(accelerator)
        with self.on_cpu() as cpu:
            expected = draw_all(cpu, parity_pictures(cpu.size))
        try:
            student = self._checked(accelerator, expected, threads=cpu.threads)
        except StudentError as reason:
            raise RefusedError(
                f"{accelerator} refused for {self.network.name}: {reason}",
                "update its driver or use --accelerator cpu",
            ) from None
        self.tell(f"{self.network.name} runs on the {student.placement}")
        return self._backed(student, cpu.threads)

    def on_best(self) -> PlacedStudent:
        present: list[Device] = []
        absent: dict[Accelerator, str] = {}
        accelerators: tuple[Accelerator, ...] = ("gpu", "npu")
        for accelerator in accelerators:
            try:
                present.append(self.around.find(accelerator))
            except RefusedError as error:
                absent[accelerator] = error.reason
        if not present:
            return self.on_cpu()
        key = ":".join((*(device.key for device in present), self.network.sha256))
        known = self.around.cache.find(key)
        if known is None:
            student, choice = self._measured([device.accelerator for device in present], absent)
            self.around.cache.keep(key, choice)
            self._tell_choice(choice)
            return student
        if known.accelerator == "cpu":
            self._tell_choice(known, remembered=True)
            return self.on_cpu()
        try:
            remote = self._remote(known.accelerator, exact=known.exact, threads=known.threads)
        except StudentError as reason:
            self.around.cache.forget(key)
            self.tell(f"{self.network.name} runs on the cpu; {known.accelerator} refused: {reason}")
            return self.on_cpu()
        remote.patience = _patience(known.ms / 1000)
        self._tell_choice(known, remembered=True)
        return self._backed(remote, known.threads)

    def _measured(
        self, present: Sequence[Accelerator], absent: dict[Accelerator, str]
    ) -> tuple[PlacedStudent, Choice]:
        """Compare the accelerators with the CPU. None of their faults is a reason not to draw."""
        self.tell(f"trying {' and '.join(present)} for {self.network.name}: some seconds, once")
        others = dict(absent)
        cpu = self.on_cpu()
        students: list[LiteRtStudent | RemoteStudent] = [cpu]
        kept: LiteRtStudent | RemoteStudent | None = None
        try:
            expected = draw_all(cpu, parity_pictures(cpu.size))
            ms: dict[Accelerator, float] = {"cpu": 1000 * expected.seconds}
            best = students[0]
            for accelerator in present:
                try:
                    rival = self._checked(accelerator, expected, threads=cpu.threads, racing=True)
                    students.append(rival)
                    seconds = median_times((cpu, rival))
                except StudentError as reason:
                    others[accelerator] = str(reason)
                    continue
                ms["cpu"], ms[accelerator] = (1000 * each for each in seconds)
                before = best.placement.accelerator
                if ms[accelerator] * (GAIN if before == "cpu" else 1) < ms[before]:
                    others[before] = f"{ms[before]:.1f} ms"
                    best = rival
                else:
                    others[accelerator] = f"{ms[accelerator]:.1f} ms, the {before} {ms[before]:.1f}"
            kept = best
        finally:
            for student in students:
                if student is not kept:
                    student.close()
        chosen = best.placement.accelerator
        exact = isinstance(best, RemoteStudent) and best.exact
        choice = Choice(
            accelerator=chosen, exact=exact, ms=ms[chosen], threads=cpu.threads, others=others, at=now()
        )
        return best if isinstance(best, LiteRtStudent) else self._backed(best, cpu.threads), choice

    def _checked(
        self, accelerator: Accelerator, expected: Drawn, *, threads: int, racing: bool = False
    ) -> RemoteStudent:
        """On ``accelerator``, drawing as ``expected``. StudentError with the bare reason; ``racing``: also
        when it is far slower."""
        difference = 0
        for exact in (False, True) if accelerator == "gpu" else (False,):
            student = self._remote(accelerator, exact=exact, threads=threads)
            try:
                drawn = draw_all(student, parity_pictures(student.size))
                difference = largest_difference(drawn.pictures, expected.pictures)
                if racing and difference <= TOLERANCE and drawn.seconds > _HOPELESS * expected.seconds:
                    raise StudentError(
                        f"{1000 * drawn.seconds:.0f} ms a picture on {student.placement.device}, "
                        f"the cpu {1000 * expected.seconds:.1f}"
                    )
            except BaseException:
                student.close()
                raise
            if difference <= TOLERANCE:
                student.patience = _patience(drawn.seconds)
                return student
            student.close()
        raise StudentError(f"it draws up to {difference}/255 away from the cpu, {TOLERANCE}/255 is allowed")

    def _remote(self, accelerator: Accelerator, *, exact: bool, threads: int) -> RemoteStudent:
        around = self.around
        return RemoteStudent(
            self.network,
            accelerator,
            exact=exact,
            threads=threads,
            patience=around.patience,
            command=around.command,
        )

    def _backed(self, student: RemoteStudent, threads: int) -> FallbackStudent:
        """With the CPU behind it, which then does not stop to measure its threads."""
        return FallbackStudent(student, lambda: self.on_cpu(threads), name=self.network.name, tell=self.tell)

    def _tell_choice(self, choice: Choice, *, remembered: bool = False) -> None:
        told = f"{self.network.name} runs on the {choice.accelerator}, {choice.ms:.1f} ms a picture"
        others = "".join(f"; {other}: {why}" for other, why in choice.others.items())
        self.tell(told + others + (f" (measured on {choice.at:%Y-%m-%d})" if remembered else ""))


def _patience(seconds: float) -> float:
    """For a picture that usually takes ``seconds``."""
    return max(_SHORTEST_WAIT, 10 * seconds)
