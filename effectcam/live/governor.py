"""Holds the time of a frame within its budget: less work when it runs over, more when there is room.

**What it sees** of each frame: its stamp; how far it differs from the last drawn one (`similarity`); and
once it is out, how long it had waited, the time of the effect's chain, the time of all that the loop did
with it until the sinks had it (``busy``), the CPU time of the process meanwhile, and which tier drew it.
Of these it decides by ``busy`` alone, which is what keeps the next frame waiting; the rest tells people why.
Of a camera it also sees how many frames a second come, which stamps do not tell where a slow machine misses
some.

**What it decides**: on which rung of a ladder (`ladder`) the run stands, and on that rung what is done
with each frame: drawn, drawn with the mesh at rest, shown as the last one was, or left out.

**When**, with the numbers of `Limits`:

- The *load* is p90, over the last 30 drawn frames, of the mean of each two neighbours. Of two, because a
  mesh that rests in every other frame makes slow and fast ones alternate, which is as good as even.
- A load above the budget for half a second: one rung down. At half the rate the budget is twice as large.
- A load below 70 % of what the rung above may take, for ten seconds: one rung up. In between it stays.
- A rung that has to be left again within ten seconds was too much: the next try waits twice as long, up to
  five minutes; one that lasts halves the wait. So a machine that bears one rung and not the next changes a
  few times and then hardly ever, and one that was busy for a while finds its way back.
- After a step all starts from nothing; frames that still come from the tier before do not count.
- A camera that gives another rate for five seconds, as when a lamp goes on: the budget, unless one was asked
  for, is the time until the next frame at that rate, and all starts from nothing on the rung where it is.

The picture is made worse before the rate is, and the rate only when the load is a third above the budget:
losing a frame now and then looks better than half the rate.

Every decision follows from what was seen, so a trace replays to the same decisions: `governor_trace`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple, Protocol

from effectcam.effect.manifest import Manifest
from effectcam.errors import UsageError
from effectcam.live.ladder import Rung, ladder
from effectcam.live.similarity import Change

SCHEMA = "effectcam.governor/2"

Action = Literal["draw", "predict", "repeat", "omit"]
"""Draw the frame; draw it with the mesh at rest; show what was drawn last; leave the frame out."""

Record = dict[str, Any]
"""A line of the trace: what JSON can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When the governor acts. Seconds are those of the frames' stamps."""

    window: int = 30
    """Drawn frames that the load is of: more smooth a passing hiccup away, and notice later."""
    least: int = 8
    """Drawn frames on a rung before it is judged."""
    patience: float = 0.5
    """Seconds over the budget before a step down: shorter answers to a hiccup, longer stutters."""
    comfort: float = 0.7
    """Share of what the rung above may take, below which there is room for it."""
    wait: float = 10.0
    """Seconds with room before a step up ..."""
    longest_wait: float = 300.0
    """... and after many tries that failed."""
    trial: float = 10.0
    """Seconds that a step up must last to count as one that succeeded."""
    slack: float = 4 / 3
    """Times the budget before frames are left out."""
    gap: float = 2.0
    """Seconds without a drawn frame after which what was known before says nothing."""
    settle: float = 0.5
    """Seconds that nothing has moved before frames are skipped: crops come to rest meanwhile."""
    refresh: float = 1.0
    """Seconds after which a frame is drawn although nothing moved: what is too small to tell comes then."""
    other_rate: float = 1.2
    """Times the rate held to, or a part of it, beyond which another one has come ..."""
    settled: float = 5.0
    """... if it lasts for so many seconds: a gap spoils the mean of sixty frames, which it is, for less."""
    foreseen: float = 4.0
    """Mean change up to which a face is believed to go on as it went; more is a cut, or a wave of a hand."""


class Cost(NamedTuple):
    """What came of a frame that went out."""

    tier: str
    """Of the students that drew it."""
    waited_ms: float | None
    """From its stamp until the loop took it; None where stamps are not of this machine's clock."""
    chain_ms: float
    """Of the effect; 0 when nothing was drawn."""
    busy_ms: float
    """From when the loop took it until the sinks had it."""
    cpu_ms: float
    """CPU time that all threads of the process spent meanwhile: more than ``busy_ms`` on several cores."""


class BudgetPolicy(Protocol):
    """Decides frame by frame how much work is done. For the loop's thread, which calls, for each frame,
    ``omits``; unless that is true ``plan``, and when the frame is out ``account``."""

    @property
    def compares(self) -> bool:
        """Whether ``plan`` wants to be told how frames differ."""
        ...

    @property
    def tier(self) -> str | None:
        """Of the students to draw with; None: those that are there."""
        ...

    @property
    def state(self) -> Record:
        """For the panel: ``on``, and if so ``rung``, ``rungs``, ``budget_ms``, ``load_ms``."""
        ...

    def begin(self, effect: Manifest, tiers: Sequence[str], tier: str) -> None:
        """Another effect is at work, with ``tiers`` to choose from (best first), drawing with ``tier``."""
        ...

    def omits(self, frame: int, at: int) -> bool:
        """Whether frame number ``frame``, of the stamp ``at`` (ns), is left out."""
        ...

    def plan(self, frame: int, at: int, change: Change | None) -> Action:
        """What to do with the frame; ``change`` from the last drawn one, None if that must not be shown
        again. Never "repeat" without a change."""
        ...

    def account(self, cost: Cost | None) -> None:
        """How it went with the frame planned last; None when that tells nothing of other frames."""
        ...


class NoGovernor:
    """Draws every frame, whatever it takes: there to show what governing buys."""

    compares = False
    tier = None

    @property
    def state(self) -> Record:
        return {"on": False}

    def begin(self, effect: Manifest, tiers: Sequence[str], tier: str) -> None:
        pass

    def omits(self, frame: int, at: int) -> bool:
        return False

    def plan(self, frame: int, at: int, change: Change | None) -> Action:
        return "draw"

    def account(self, cost: Cost | None) -> None:
        pass


class Governor:
    """See the module's text. ``begin`` comes before any frame."""

    def __init__(
        self,
        *,
        fps: float,
        budget_ms: float | None = None,
        skip_still: bool = False,
        measured: Callable[[], float | None] = lambda: None,
        limits: Limits | None = None,
        trace: Callable[[Record], None] | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        """``fps``: frames a second that come in, at first. ``measured``: how many do now, taken or not; None
        where that does not change. ``budget_ms``: time for a frame; None: until the next one.
        Less leaves room for a game, more lets frames be lost before the picture is made worse.
        ``skip_still``: skip still scenes on every rung, which saves power on a machine that is fast enough.
        ``trace`` gets all that replays the decisions, ``tell`` one line for each step.

        Raises UsageError for a rate or a budget that is not above 0.
        """
        for value, unit in ((fps, "frames a second"), (budget_ms, "ms a frame")):
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"cannot hold {value} {unit}; give a number above 0")
        self._asked_ms = budget_ms
        self._hold_to(fps)
        self._measured = measured
        self._rated_at = 0
        self._other_rate = _Lasting()
        self._skip_still = skip_still
        self._limits = limits or Limits()
        self._trace = trace or (lambda record: None)
        self._tell = tell
        self._wait = self._limits.wait
        self._trial_until: int | None = None
        self._set([Rung("standard")], 0)
        self._trace({"schema": SCHEMA, "fps": fps, "budget_ms": budget_ms, "limits": asdict(self._limits)})

    @property
    def compares(self) -> bool:
        return self.rung.skip

    @property
    def tier(self) -> str:
        return self.rung.tier

    @property
    def rung(self) -> Rung:
        """Where the run stands."""
        rungs, level = self._position
        return rungs[level]

    @property
    def state(self) -> Record:
        rungs, level = self._position
        return {
            "on": True,
            "rung": level,
            "start": self._start,
            "rungs": [rung.words for rung in rungs],
            "budget_ms": round(self._limit(rungs, level), 1),
            "load_ms": round(self._load(), 1),
        }

    def begin(self, effect: Manifest, tiers: Sequence[str], tier: str) -> None:
        self.begin_on(*ladder(effect, tiers, tier, skip_still=self._skip_still))

    def begin_on(self, rungs: Sequence[Rung], start: int) -> None:
        """As ``begin``, with the ladder given, from its rung number ``start``."""
        self._set(rungs, start)
        self._trace({"ladder": [asdict(rung) for rung in rungs], "start": start})

    def _set(self, rungs: Sequence[Rung], start: int) -> None:
        # In one, because other threads ask for the state.
        self._position = tuple(rungs), start
        self._start = start
        self._action: Action = "draw"
        self._taken_at: int | None = None
        self._drawn_at = self._weighed_at = 0
        self._planned: Record = {}
        self._forget_load()

    def _hold_to(self, fps: float) -> None:
        self._fps, self._period = fps, 1e9 / fps
        self._budget = self._asked_ms or 1000 / fps

    def omits(self, frame: int, at: int) -> bool:
        every, taken = self.rung.every, self._taken_at
        if every > 1 and taken is not None and 0 <= at - taken < (every - 0.5) * self._period:
            self._trace({"frame": frame, "at": at, "did": "omit"})
            return True
        self._taken_at = at
        return False

    def plan(self, frame: int, at: int, change: Change | None) -> Action:
        self._action = self._choose(at, change)
        if self._action != "repeat":
            self._drawn_at = at
        self._planned = {"frame": frame, "at": at, "change": change and [*change], "did": self._action}
        if (fps := self._measured()) is not None:
            self._planned["fps"] = round(fps, 2)
        return self._action

    def _choose(self, at: int, change: Change | None) -> Action:
        rung, limits = self.rung, self._limits
        if change is None:
            return "draw"
        still = change.alike and change.rest_s >= limits.settle
        if rung.skip and still and 0 <= at - self._drawn_at < limits.refresh * 1e9:
            return "repeat"
        steady = change.mean <= limits.foreseen
        return "predict" if rung.predict and steady and self._action == "draw" else "draw"

    def account(self, cost: Cost | None) -> None:
        self._trace({**self._planned, "cost": cost and cost._asdict()})
        if self._planned.get("fps"):
            self._follow(self._planned["fps"], self._planned["at"])
        if cost is not None and cost.tier == self.tier and self._action != "repeat":
            self._weigh(cost.busy_ms, self._drawn_at)

    def _follow(self, fps: float, now: int) -> None:
        """Hold to the rate ``fps`` once it has come for long enough."""
        limits, before = self._limits, self._fps
        if not 0 <= now - self._rated_at <= limits.gap * 1e9:
            self._other_rate = _Lasting()
        self._rated_at = now
        # A camera's rate is that at which it is read. Where the machine is pressed, fewer frames may be its
        # own doing, and more time for each would have it lose still more.
        pressed = fps < before and self._position[1] > self._start
        is_other = max(fps / before, before / fps) > limits.other_rate and not pressed
        if self._other_rate.seconds(is_other, now) < limits.settled:
            return
        self._hold_to(fps)
        self._other_rate = _Lasting()
        # What was learnt of the rungs was learnt with another budget.
        self._wait, self._trial_until = limits.wait, None
        self._forget_load()
        why = f"{fps:.0f} frames a second come, and not {before:.0f}"
        self._trace({"rate": fps, "budget_ms": self._budget, "why": why})
        self._tell(f"governor: {self._budget:.0f} ms for a frame; {why}")

    def _weigh(self, busy_ms: float, now: int) -> None:
        """Add a drawn frame to the evidence, and step when that is enough."""
        limits, (rungs, level) = self._limits, self._position
        if not 0 <= now - self._weighed_at <= limits.gap * 1e9:
            self._forget_load()
        self._weighed_at = now
        self._busy.append(busy_ms)
        if self._trial_until is not None and now > self._trial_until:
            self._trial_until = None
            self._wait = max(limits.wait, self._wait / 2)
        if len(self._busy) < limits.least:
            return
        load, limit = self._load(), self._limit(rungs, level)
        roomy = level > 0 and load < limits.comfort * self._limit(rungs, level - 1)
        over_for, roomy_for = self._over.seconds(load > limit, now), self._roomy.seconds(roomy, now)
        if load > limit and over_for >= limits.patience and level + 1 < len(rungs):
            if self._trial_until is not None:
                self._wait = min(limits.longest_wait, 2 * self._wait)
            self._trial_until = None
            self._step(1, f"p90 of {load:.0f} ms a frame is over {limit:.0f}")
        elif roomy and roomy_for >= self._wait:
            self._trial_until = now + int(limits.trial * 1e9)
            self._step(-1, f"p90 of {load:.0f} ms a frame leaves room")

    def _step(self, by: int, why: str) -> None:
        rungs, level = self._position
        self._position = rungs, level + by
        self._forget_load()
        self._trace({"step": by, "rung": level + by, "why": why})
        self._tell(f"governor: {self.rung.words}; {why}")

    def _load(self) -> float:
        """p90 (nearest rank) of the mean of each two neighbours; 0 with fewer than two frames."""
        means = sorted((one + other) / 2 for one, other in pairwise([*self._busy]))
        return means[math.ceil(0.9 * len(means)) - 1] if means else 0.0

    def _limit(self, rungs: Sequence[Rung], level: int) -> float:
        """The load that a rung may have."""
        every = rungs[level].every
        drops = level + 1 < len(rungs) and rungs[level + 1].every > every
        return self._budget * every * (self._limits.slack if drops else 1)

    def _forget_load(self) -> None:
        self._busy: deque[float] = deque(maxlen=self._limits.window)
        self._over, self._roomy = _Lasting(), _Lasting()


class _Lasting:
    """For how long something has been so without a break."""

    def __init__(self) -> None:
        self._since: int | None = None

    def seconds(self, holds: bool, now: int) -> float:
        """Up to ``now`` (ns); 0 when it does not hold, or only now began to."""
        if not holds:
            self._since = None
        elif self._since is None:
            self._since = now
        return 0.0 if self._since is None else (now - self._since) / 1e9
