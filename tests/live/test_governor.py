"""The governor alone, on machines made of arithmetic: a camera, a queue of one, and what a frame costs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import MappingProxyType

import pytest

from effectcam.effect.manifest import Manifest, Model, Provenance, Space, Tier
from effectcam.errors import UsageError
from effectcam.live.governor import Action, Cost, Governor, Limits, NoGovernor, Record
from effectcam.live.governor_trace import replay
from effectcam.live.ladder import Rung, ladder, tiers_of
from effectcam.live.similarity import Change

MOVING = Change(60, 1.5, alike=False, rest_s=0)
STILL = Change(2, 0.3, alike=True, rest_s=5)
CUT = Change(200, 40, alike=False, rest_s=0)


def effect(*tiers: str, space: Space = "face") -> Manifest:
    model = Model("a.tflite", (32, 32))
    students = dict.fromkeys(space.split("+"), model)
    return Manifest(
        name="tiny",
        version="1.0.0",
        title="Tiny",
        description="For tests.",
        space=space,
        licence="MIT",
        tiers=MappingProxyType({tier: Tier(**students) for tier in tiers}),  # type: ignore[misc]
        provenance=Provenance("arithmetic", "none", "2026-01-01"),
    )


class Machine:
    """A run on a machine that needs ``cost(seconds, tier, action)`` milliseconds for a frame."""

    def __init__(self, *tiers: str, fps: float = 30, space: Space = "face", **options: object) -> None:
        self.trace: list[Record] = []
        self.told: list[str] = []
        self.fps = fps
        self.governor = Governor(fps=fps, trace=self.trace.append, tell=self.told.append, **options)  # type: ignore[arg-type]
        made = effect(*tiers, space=space)
        self.governor.begin(made, tiers_of(made), tiers[0])
        self.now = self.since = 0.0
        self.number = self.first = 0
        self.did: list[tuple[float, Action, float]] = []
        """Seconds, action and cost of each frame that went out."""

    def run(
        self,
        seconds: float,
        cost: Callable[[float, str, Action], float],
        *,
        change: Callable[[float], Change | None] = lambda now: MOVING,
    ) -> None:
        end = self.now + seconds
        while self.now < end:
            # The newest frame; the ones before it that nobody took are gone.
            self.number = max(self.number + 1, self.first + int((self.now - self.since) * self.fps))
            stamp = self.since + (self.number - self.first) / self.fps
            self.now = max(self.now, stamp)
            at = round(stamp * 1e9)
            if self.governor.omits(self.number, at):
                continue
            action = self.governor.plan(self.number, at, change(stamp) if self.governor.compares else None)
            tier = self.governor.tier
            taken = 0.5 if action == "repeat" else cost(self.now, tier, action)
            self.governor.account(Cost(tier, 0.0, taken, taken, taken))
            self.did.append((stamp, action, taken))
            self.now += taken / 1000

    def give(self, fps: float) -> None:
        """From now on the camera gives so many frames a second."""
        self.fps, self.since, self.first = fps, self.now, self.number

    @property
    def steps(self) -> list[int]:
        return [record["step"] for record in self.trace if "step" in record]

    @property
    def where(self) -> str:
        return self.governor.rung.words


def flat(**tiers: float) -> Callable[[float, str, Action], float]:
    """So many ms by tier, of which the mesh takes 5."""
    return lambda now, tier, action: tiers[tier] - (5 if action == "predict" else 0)


def test_a_machine_that_is_fast_enough_is_left_alone() -> None:
    machine = Machine("standard", "lite")
    machine.run(60, flat(standard=32, lite=10))
    assert machine.steps == [] and machine.where == "standard"
    assert {action for _, action, _ in machine.did} == {"draw"}
    assert len(machine.did) == pytest.approx(60 * 30, abs=2)


def test_a_slow_machine_steps_down_until_the_budget_holds_and_stays() -> None:
    machine = Machine("standard", "lite")
    machine.run(10, flat(standard=45, lite=25))
    assert machine.steps == [1, 1, 1]
    assert machine.where == "lite, mesh every 2nd frame"
    assert all(cost <= 1000 / 30 for _, _, cost in machine.did[-200:])


def test_a_mesh_that_rests_may_be_enough() -> None:
    machine = Machine("standard", "lite")
    machine.run(60, flat(standard=35, lite=10))
    assert machine.steps == [1, 1]
    assert machine.where == "standard, mesh every 2nd frame"
    # In turns, for good: the two alternate and their mean is what counts.
    actions = [action for _, action, _ in machine.did[-100:]]
    assert actions.count("predict") == 50


def test_rates_are_the_last_resort_and_even() -> None:
    machine = Machine("standard")
    machine.run(30, flat(standard=60))
    assert machine.where == "standard, every 2nd frame"
    gaps = [after[0] - before[0] for before, after in itertools.pairwise(machine.did[-60:])]
    assert gaps == pytest.approx([2 / 30] * 59)
    machine.run(30, flat(standard=90))
    assert machine.where == "standard, every 3rd frame"


def test_a_little_too_slow_does_not_halve_the_rate() -> None:
    machine = Machine("standard")
    machine.run(60, flat(standard=45))
    # 40 and 45 in turns: a frame is lost now and then.
    assert machine.where == "standard, mesh every 2nd frame"
    late = [at for at, _, _ in machine.did if at > 50]
    assert len(late) > 20 * 10


def test_it_recovers_without_going_to_and_fro_when_the_load_goes_away() -> None:
    machine = Machine("standard", "lite")
    machine.run(20, flat(standard=12, lite=5))
    machine.run(40, flat(standard=120, lite=100))
    assert machine.where == "lite, every 3rd frame"
    down = machine.steps
    machine.run(120, flat(standard=12, lite=5))
    assert machine.where == "standard"
    assert machine.steps == down + [-1] * len(down)


@pytest.mark.parametrize("lite", [10, 22])
def test_a_rung_that_is_too_much_is_tried_ever_more_rarely(lite: float) -> None:
    machine = Machine("standard", "lite")
    machine.run(700, flat(standard=45, lite=lite))
    tries = [record for record in machine.trace if record.get("step") == -1]
    # After 10, 20, 40, 80, 160 and 300 seconds.
    assert 4 <= len(tries) <= 6
    over = sum(cost > 1000 / 30 for _, _, cost in machine.did)
    assert over < 0.01 * len(machine.did)
    moments = [before["at"] for before, after in itertools.pairwise(machine.trace) if after.get("step") == -1]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert gaps == sorted(gaps) and gaps[-1] > 150e9


def test_patience_comes_back_when_tries_last() -> None:
    machine = Machine("standard", "lite")
    machine.run(100, flat(standard=45, lite=10))
    machine.run(250, flat(standard=12, lite=10))
    assert machine.where == "standard"
    before = len(machine.steps)
    machine.run(5, flat(standard=45, lite=10))
    machine.run(150, flat(standard=12, lite=10))
    assert machine.where == "standard"
    assert len(machine.steps) - before == 6


def test_hiccups_and_cold_starts_change_nothing() -> None:
    machine = Machine("standard", "lite")

    def cost(now: float, tier: str, action: Action) -> float:
        return 400 if now < 0.3 or now % 20 < 0.1 else 15

    machine.run(120, cost)
    assert machine.steps == []


def test_a_load_at_the_edge_does_not_swing() -> None:
    """Noise from far below to above the budget: where it settles, it stays."""
    machine = Machine("standard", "lite")
    noise = itertools.cycle([20, 36, 24, 31, 38, 22, 29, 35])
    machine.run(400, lambda now, tier, action: next(noise) * (1.0 if tier == "standard" else 0.8))
    assert len(machine.steps) <= 6


def test_better_tiers_are_tried_when_there_is_room() -> None:
    machine = Machine("high", "standard", "lite")
    made = effect("high", "standard", "lite")
    machine.governor.begin(made, tiers_of(made), "standard")
    machine.run(60, flat(high=20, standard=10, lite=5))
    assert machine.where == "high"
    assert machine.steps == [-1]


def test_frames_of_another_tier_and_those_that_tell_nothing_do_not_count() -> None:
    machine = Machine("standard", "lite")
    governor = machine.governor
    for number in range(300):
        at = number * 33_333_333
        assert not governor.omits(number, at)
        governor.plan(number, at, None)
        governor.account(Cost("lite", 0.0, 200, 200, 200) if number % 2 else None)
    assert machine.steps == []


def test_a_long_pause_wipes_out_what_was_known() -> None:
    machine = Machine("standard", "lite")
    for _ in range(40):
        machine.run(0.6, flat(standard=100, lite=100))
        machine.now += 60
    assert machine.steps == []


def test_a_still_scene_is_skipped_once_it_has_come_to_rest() -> None:
    machine = Machine("standard", skip_still=True)
    machine.run(20, flat(standard=12), change=lambda now: STILL._replace(rest_s=max(0.0, now - 5)))
    early = [action for at, action, _ in machine.did if at < 5.4]
    assert set(early) == {"draw"}
    late = [(at, action) for at, action, _ in machine.did if at > 6]
    drawn = [at for at, action in late if action == "draw"]
    # Once a second all the same.
    assert len(drawn) == pytest.approx(14, abs=1)
    assert [after - before for before, after in itertools.pairwise(drawn)] == pytest.approx(
        [1.0] * (len(drawn) - 1)
    )
    machine.run(1, flat(standard=12))
    assert {action for at, action, _ in machine.did if at >= 20.1} == {"draw"}


@pytest.mark.parametrize("change", [STILL._replace(alike=False), STILL._replace(rest_s=0.4), MOVING, None])
def test_what_moves_is_drawn(change: Change | None) -> None:
    machine = Machine("standard", skip_still=True)
    machine.run(5, flat(standard=12), change=lambda now: change)
    assert {action for _, action, _ in machine.did} == {"draw"}


def test_still_scenes_are_drawn_on_the_rung_that_skips_none() -> None:
    machine = Machine("standard")
    machine.run(5, flat(standard=12), change=lambda now: STILL)
    assert {action for _, action, _ in machine.did} == {"draw"}


def test_skipped_frames_are_no_sign_of_room() -> None:
    machine = Machine("standard", "lite")
    machine.run(5, flat(standard=45, lite=30))
    assert machine.where == "lite, mesh every 2nd frame"
    machine.run(100, flat(standard=45, lite=30), change=lambda now: STILL)
    assert machine.where == "lite, mesh every 2nd frame"


def test_the_mesh_does_not_rest_where_the_picture_jumps() -> None:
    machine = Machine("standard", "lite")
    machine.run(5, flat(standard=37, lite=10))
    assert machine.governor.rung.predict
    machine.did.clear()
    machine.run(1, flat(standard=37, lite=10), change=lambda now: CUT)
    machine.run(1, flat(standard=37, lite=10), change=lambda now: None)
    assert {action for _, action, _ in machine.did} == {"draw"}


def test_a_budget_of_ones_own() -> None:
    machine = Machine("standard", "lite", budget_ms=20)
    machine.run(10, flat(standard=28, lite=12))
    assert machine.where == "lite, mesh every 2nd frame"
    assert machine.governor.state["budget_ms"] == pytest.approx(26.7)


@pytest.mark.parametrize(
    ("fps", "budget"), [(0, None), (-30, None), (float("nan"), 10), (30, 0), (30, float("inf")), (30, -1)]
)
def test_senseless_budgets_are_refused(fps: float, budget: float | None) -> None:
    with pytest.raises(UsageError, match="give a number above 0"):
        Governor(fps=fps, budget_ms=budget)


def test_each_step_is_told_and_traced() -> None:
    machine = Machine("standard", "lite")
    machine.run(10, flat(standard=45, lite=25))
    assert machine.told[-1] == "governor: lite, mesh every 2nd frame; p90 of 42 ms a frame is over 33"
    assert machine.trace[-1]["did"] in ("draw", "predict")
    assert [record["rung"] for record in machine.trace if "step" in record] == [1, 2, 3]
    state = machine.governor.state
    assert state["on"] and state["rungs"][state["rung"]] == machine.where
    assert 20 <= state["load_ms"] <= 25


def test_a_trace_replays_to_the_same_decisions_and_no_others() -> None:
    machine = Machine("standard", "lite", budget_ms=30)
    noise = itertools.cycle([20, 36, 24, 61, 38, 22, 29, 35, 44])
    machine.run(30, lambda now, tier, action: next(noise) * (1.0 if tier == "standard" else 0.7))
    machine.run(30, flat(standard=200, lite=120))
    made = effect("standard", space="frame")
    machine.governor.begin(made, tiers_of(made), "standard")
    machine.run(30, flat(standard=10), change=lambda now: STILL if now % 10 < 5 else MOVING)
    assert len(machine.steps) >= 5
    assert replay(machine.trace) == machine.trace
    # Another cost, and it would have decided something else.
    cheap = [
        {**record, "cost": {**record["cost"], "busy_ms": 5.0}} if "cost" in record else record
        for record in machine.trace
    ]
    assert not any("step" in record for record in replay(cheap))


def test_limits_travel_in_the_trace() -> None:
    machine = Machine("standard", "lite", limits=Limits(patience=5.0))
    machine.run(20, flat(standard=45, lite=25))
    assert machine.trace[0]["limits"]["patience"] == 5.0
    assert replay(machine.trace) == machine.trace


def test_no_governor_draws_every_frame() -> None:
    governor = NoGovernor()
    governor.begin(effect("standard"), ("standard",), "standard")
    for number in range(100):
        assert not governor.omits(number, number * 33_333_333)
        assert governor.plan(number, number * 33_333_333, STILL) == "draw"
        governor.account(Cost("standard", 0.0, 500, 500, 500))
    assert governor.tier is None and not governor.compares
    assert governor.state == {"on": False}


def test_the_ladder_leaves_out_what_an_effect_does_not_have() -> None:
    def words(*tiers: str, space: Space = "face", start: str = "standard", **options: bool) -> list[str]:
        made = effect(*tiers, space=space)
        return [rung.words for rung in ladder(made, tiers_of(made), start, **options)[0]]

    assert words("standard") == [
        "standard",
        "standard, still scenes skipped",
        "standard, mesh every 2nd frame",
        "standard, every 2nd frame",
        "standard, every 3rd frame",
    ]
    assert words("standard", "lite", space="frame") == [
        "standard",
        "standard, still scenes skipped",
        "lite, still scenes skipped",
        "lite, every 2nd frame",
        "lite, every 3rd frame",
    ]
    assert words("high", "standard", "lite")[:3] == ["high", "standard", "standard, still scenes skipped"]
    assert words("standard", skip_still=True)[0] == "standard, still scenes skipped"
    made = effect("high", "standard", "lite")
    rungs, start = ladder(made, tiers_of(made), "standard")
    assert rungs[start] == Rung("standard")
    assert len(set(rungs)) == len(rungs)


def test_tiers_up_to_the_one_that_is_wanted() -> None:
    made = effect("lite", "standard", "high")
    assert tiers_of(made) == ("high", "standard", "lite")
    assert tiers_of(made, "standard") == ("standard", "lite")
    assert tiers_of(made, "lite") == ("lite",)
    assert tiers_of(effect("standard"), "lite") == ("standard",)
    assert tiers_of(effect("standard", "lite"), "high") == ("standard", "lite")
