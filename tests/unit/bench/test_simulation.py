"""Studies in virtual time: what workers do, what they know, and what is recorded."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from fsopt.bench.functions import PROBLEMS, Problem
from fsopt.bench.functions.base import Values
from fsopt.bench.optimizers.entrants import OwnOptimizer, entrant
from fsopt.bench.optimizers.ledger import Ledger
from fsopt.bench.optimizers.simulation import Setting, simulate
from fsopt.history import History
from fsopt.search import BayesianOptimizer, RandomSearch
from fsopt.space import Float, Space, sample

LINE = Problem(
    name="line",
    group="test",
    space=Space(Float("x", 0.0, 1.0)),
    objective=lambda params: float(params["x"]),
    optimum=0.0,
)


class Scripted:
    """Proposes given values of ``x``, and remembers what it was asked and told."""

    def __init__(self, xs: Sequence[float]) -> None:
        self.xs = iter(xs)
        self.asked: list[int] = []
        self.told: list[tuple[int, float | None]] = []
        self.seen: list[History] = []

    def ask(self, number: int, history: History) -> Values:
        self.asked.append(number)
        self.seen.append(history)
        history.X_pending  # noqa: B018  # to be read before the study goes on
        return {"x": next(self.xs)}

    def tell(self, number: int, value: float | None) -> None:
        self.told.append((number, value))

    def load(self, configurations: Sequence[Values], values: Sequence[float]) -> None: ...

    def close(self) -> None: ...


def spread(count: int) -> list[float]:
    return np.random.default_rng(0).permutation(np.linspace(0, 1, count)).tolist()


@pytest.mark.parametrize("name", ["orders", "cliff", "noisy-branin"])
def test_one_worker_is_a_sequential_loop(name: str) -> None:
    problem, optimizer = PROBLEMS[name], BayesianOptimizer(candidates=50)
    contestant = OwnOptimizer(optimizer, problem.space, 3)
    course = simulate(problem, contestant, Setting(seed=3, evaluations=16))
    space = problem.space
    none = np.empty((0, len(space)))
    rows, values, numbers, failed, expected = [], [], [], [], []
    for number in range(16):
        history = History(
            space=space,
            X=np.array(rows).reshape(-1, len(space)),
            Y=np.array(values).reshape(-1, 1),
            numbers=np.array(numbers, dtype=np.int64),
            X_failed=np.array(failed).reshape(-1, len(space)),
            X_pending=none,
        )
        history.budget = 16
        (unit,) = optimizer.suggest(history, [number], 3)
        params = space.from_row(space.from_unit(unit[None])[0])
        value = problem.observe(params, 3, number)
        if value is None:
            failed.append(unit)
        else:
            rows.append(unit)
            values.append(value)
            numbers.append(number)
        best = rows[int(np.argmin(values))] if values else None
        if best is None:
            expected.append(math.inf)
        else:
            params = space.from_row(space.from_unit(best[None])[0])
            expected.append(problem.regret(problem.objective(params)))
    np.testing.assert_allclose(course.regret, expected)
    assert course.failed == len(failed)


@pytest.mark.parametrize("workers", [1, 7, 60, 80])
def test_all_workers_are_busy_and_no_evaluation_is_lost(workers: int) -> None:
    contestant = Scripted(spread(60))
    course = simulate(LINE, contestant, Setting(seed=0, evaluations=60, workers=workers))
    assert contestant.asked == list(range(60))
    assert sorted(number for number, _ in contestant.told) == list(range(60))
    pending = [len(history.X_pending) for history in contestant.seen]
    assert pending == [min(number, workers - 1) for number in range(60)]
    assert len(course.regret) == len(course.times) == len(course.costs) == 60
    assert course.times == sorted(course.times)
    assert course.regret[-1] == 0


def test_results_are_told_in_the_order_in_which_evaluations_end() -> None:
    one, all_at_once = Scripted(spread(50)), Scripted(spread(50))
    sequential = simulate(LINE, one, Setting(seed=4, evaluations=50))
    parallel = simulate(LINE, all_at_once, Setting(seed=4, evaluations=50, workers=50))
    durations = np.diff([0.0, *sequential.times])
    assert [number for number, _ in all_at_once.told] == np.argsort(durations).tolist()
    np.testing.assert_allclose(parallel.times, np.sort(durations))
    told = [value for _, value in all_at_once.told]
    np.testing.assert_array_equal(parallel.regret, np.minimum.accumulate(np.array(told)))
    assert np.median(durations) == pytest.approx(1, abs=0.3)


def test_durations_depend_on_seed_and_problem_alone() -> None:
    times = [
        simulate(LINE, Scripted(xs), Setting(seed=seed, evaluations=20, workers=3)).times
        for xs, seed in [(spread(20), 0), (spread(20)[::-1], 0), (spread(20), 1)]
    ]
    assert times[0] == times[1] != times[2]


def test_the_regret_is_that_of_the_best_observed_without_its_noise() -> None:
    noisy = Problem(
        name="noisy line",
        group="test",
        space=LINE.space,
        objective=LINE.objective,
        optimum=0.0,
        noise=0.5,
    )
    xs, contestant = spread(30), Scripted(spread(30))
    course = simulate(noisy, contestant, Setting(seed=0, evaluations=30))
    observed = [value for _, value in contestant.told]
    assert all(value is not None for value in observed)
    best = [int(np.argmin(np.array(observed[: n + 1]))) for n in range(30)]
    assert course.regret == [xs[index] for index in best]
    assert course.regret != sorted(course.regret, reverse=True), "noise misleads at times"


def test_failures_are_told_and_there_is_no_incumbent_before_a_value() -> None:
    brittle = Problem(
        name="brittle",
        group="test",
        space=LINE.space,
        objective=LINE.objective,
        optimum=0.0,
        fails=lambda params: params["x"] > 0.5,
    )
    contestant = Scripted([0.9, 0.8, 0.4, 0.7, 0.3])
    course = simulate(brittle, contestant, Setting(seed=0, evaluations=5))
    assert [value for _, value in contestant.told] == [None, None, 0.4, None, 0.3]
    assert course.regret == [math.inf, math.inf, 0.4, 0.4, 0.3]
    assert course.failed == 3
    assert len(contestant.seen[-1].X_failed) == 3


def test_who_violates_a_constraint_is_asked_again_a_while() -> None:
    fenced = Problem(
        name="fenced",
        group="test",
        space=Space(Float("x", 0.0, 1.0), constraints=["x < 0.5"]),
        objective=LINE.objective,
        optimum=0.0,
    )
    contestant = Scripted([0.9, 0.8, 0.4] + [0.7] * 6)
    course = simulate(fenced, contestant, Setting(seed=0, evaluations=2))
    assert contestant.asked == [0, 0, 0] + [1] * 6
    assert contestant.told == [(0, None), (0, None), (0, 0.4)] + [(1, None)] * 6
    assert course.regret == [0.4, 0.4]
    assert course.failed == 1


def test_with_a_delay_workers_know_their_own_and_what_is_old() -> None:
    contestant = Scripted(spread(40))
    simulate(LINE, contestant, Setting(seed=0, evaluations=40, workers=4, delay=1e9))
    known = [len(h.X) + len(h.X_pending) for h in contestant.seen]
    assert known[:4] == [0, 0, 0, 0]
    assert sum(known) < 40 * 39 / 2 / 2
    assert all(len(history.X_pending) == 0 for history in contestant.seen)
    prompt = Scripted(spread(40))
    simulate(LINE, prompt, Setting(seed=0, evaluations=40, workers=4, delay=1e-9))
    assert [h.ended for h in prompt.seen] == [max(0, number - 3) for number in range(40)]


def test_a_worker_sees_of_others_what_happened_before_a_time() -> None:
    ledger = Ledger(LINE.space, 5)
    for number, (worker, begun) in enumerate([(0, 0.0), (1, 0.0), (0, 2.0), (1, 3.0), (2, 4.0)]):
        assert ledger.begin({"x": number / 10}, worker, begun) == number
    ledger.end(0, 7.0, 2.0)
    ledger.end(1, None, 3.0)

    def seen(worker: int, before: float) -> tuple[list[float], ...]:
        history = ledger.history_of(worker, before)
        parts = (history.X, history.X_failed, history.X_pending)
        return tuple(part[:, 0].round(6).tolist() for part in parts)

    assert seen(0, -1.0) == ([0.0], [], [0.2])
    assert seen(1, -1.0) == ([], [0.1], [0.3])
    assert seen(2, 1.9) == ([], [], [0.0, 0.1, 0.4])
    assert seen(2, 2.0) == ([0.0], [], [0.1, 0.2, 0.4])
    assert seen(2, 9.0) == ([0.0], [0.1], [0.2, 0.3, 0.4])


def test_a_ledger_tells_what_a_plain_history_would() -> None:
    space = PROBLEMS["menu"].space
    ledger, units = Ledger(space, 30), sample(space, 30, np.random.default_rng(1))
    ledger.fill(units[:10], np.arange(10.0))
    for number in range(10, 30):
        ledger.begin(space.from_row(space.from_unit(units[number : number + 1])[0]), 0, 0.0)
    ledger.end(12, 3.5, 1.0)
    ledger.end(11, None, 1.0)
    history = ledger.history()
    np.testing.assert_array_equal(history.X, units[[*range(10), 12]])
    np.testing.assert_array_equal(history.Y[:, 0], [*range(10), 3.5])
    assert history.numbers.tolist() == [*range(10), 12]
    np.testing.assert_array_equal(history.X_failed, units[[11]])
    np.testing.assert_array_equal(history.X_pending, units[[10, *range(13, 30)]])
    assert history.ended == 12
    assert history.is_taken(units).all()
    assert not history.is_taken(sample(space, 5, np.random.default_rng(2))).any()


def test_a_thousand_workers_and_thousands_of_evaluations() -> None:
    contestant = OwnOptimizer(RandomSearch(), LINE.space, 0)
    course = simulate(LINE, contestant, Setting(seed=0, evaluations=3000, workers=1000))
    assert len(course.regret) == 3000
    assert course.times[-1] < 12


@pytest.mark.parametrize("name", ["fsopt-gp", "fsopt-forest", "sobol"])
def test_own_entrants_differ_from_random_search(name: str) -> None:
    problem = PROBLEMS["branin"]
    setting = Setting(seed=0, evaluations=12, workers=3)
    courses = [
        simulate(problem, entrant(one).enter(problem.space, 0, 12), setting)
        for one in (name, name, "random")
    ]
    assert courses[0].regret == courses[1].regret != courses[2].regret
