"""Means, ranks and ratios of runs, against brute force, and how tables tell them."""

import math

import numpy as np
import pytest

from fsopt.bench.optimizers.figures import over_time
from fsopt.bench.optimizers.results import Result
from fsopt.bench.optimizers.scores import (
    Scores,
    average_ranks,
    budgets,
    costs,
    details,
    mean_ratios,
    summary,
)


def result(optimizer: str, problem: str, seed: int, regret: list[float], **rest: float) -> Result:
    return Result(
        optimizer=optimizer,
        problem=problem,
        seed=seed,
        package="p",
        version="1",
        cpu_mean=rest.get("cpu_mean", 0.002),
        cpu_max=rest.get("cpu_max"),
        regret=regret,
    )


RESULTS = [
    result("random", "ackley", 0, [9.0, 4.0]),
    result("random", "ackley", 1, [9.0, 8.0]),
    result("a", "ackley", 0, [9.0, 1.0], cpu_mean=0.001, cpu_max=0.5),
    result("a", "ackley", 1, [9.0, 8.0], cpu_mean=0.003, cpu_max=0.25),
    result("b", "ackley", 0, [9.0, 3.0]),
    result("random", "svc-cancer", 0, [5.0, 2.0]),
    result("a", "svc-cancer", 0, [5.0, 1.0]),
]


def test_budgets_rise_by_one_two_five_to_the_end() -> None:
    assert budgets(20) == [20]
    assert budgets(50) == [50]
    assert budgets(100) == [50, 100]
    assert budgets(1200) == [50, 100, 200, 500, 1000, 1200]


def test_ranks_are_those_of_brute_force() -> None:
    values = np.random.default_rng(0).integers(0, 4, (5, 7)).astype(float)
    ranks = np.empty_like(values)
    for column in range(7):
        ordered = sorted(values[:, column])
        for row in range(5):
            places = [i + 1 for i, v in enumerate(ordered) if v == values[row, column]]
            ranks[row, column] = sum(places) / len(places)
    np.testing.assert_allclose(average_ranks(values), ranks.mean(axis=1))
    assert average_ranks(np.array([[1.0, math.inf], [2.0, 3.0]])).tolist() == [1.5, 1.5]


def test_ratios_are_geometric_means_with_a_floor() -> None:
    values = np.array([[2.0, 1e-9], [8.0, 1e-2]])
    found = mean_ratios(values, np.array([4.0, 1e-4]))
    np.testing.assert_allclose(found, [math.sqrt(0.5 * 1e-2), math.sqrt(2 * 100)])
    assert mean_ratios(np.array([[1.0, 1.0]]), np.array([1.0, 0.0])).tolist() == [
        pytest.approx(1000)
    ]


def test_scores_are_over_the_seeds_of_each_problem() -> None:
    scores = Scores(RESULTS, 2)
    assert scores.complete(2) == ["random", "a"]
    np.testing.assert_allclose(scores.means(2), [[6.0, 2.0], [4.5, 1.0]])
    np.testing.assert_allclose(scores.medians(2), [[6.0, 2.0], [4.5, 1.0]])
    assert scores.regrets["b", "ackley", 2].tolist() == [3.0]


def test_a_run_that_is_too_short_does_not_count() -> None:
    scores = Scores([*RESULTS, result("b", "svc-cancer", 0, [1.0])], 2)
    assert "b" not in scores.complete(2)


def test_the_summary_begins_with_the_best_and_ends_with_the_incomplete() -> None:
    ratio = math.sqrt(4.5 / 6 * 0.5)
    assert summary(Scores(RESULTS, 2)).lines == [
        ["2", "a", "1.00", "1.00", f"{ratio:.3g}"],
        ["2", "random", "2.00", "2.00", "1"],
        ["2", "b", "", "", ""],
    ]


def test_without_random_search_there_is_no_ratio() -> None:
    only = [one for one in RESULTS if one.optimizer == "a"]
    assert summary(Scores(only, 2)).lines == [["2", "a", "1.00", "1.00", ""]]


def test_details_tell_mean_error_median_and_worst() -> None:
    ackley, svc = details(Scores(RESULTS, 2))
    assert (ackley.title, svc.title) == ("ackley: regret", "svc-cancer: loss")
    assert ackley.lines == [
        ["2", "random", "2", "6 ± 2", "6", "8"],
        ["2", "a", "2", "4.5 ± 3.5", "4.5", "8"],
        ["2", "b", "1", "3", "3", "3"],
    ]


def test_runs_without_any_success_are_told_as_infinite() -> None:
    runs = [
        result("a", "cliff", seed, [math.inf, worst]) for seed, worst in ((0, 1.0), (1, math.inf))
    ]
    (sheet,) = details(Scores(runs, 2))
    assert sheet.lines == [["2", "a", "2", "inf", "inf", "inf"]]


def test_costs_are_in_milliseconds() -> None:
    lines = {line[0]: line[1:] for line in costs(Scores(RESULTS, 2)).lines}
    assert lines["a"] == ["2", "", "500"]
    assert lines["b"] == ["2", "", ""]


def test_curves_over_time_hold_until_the_next_evaluation_ends() -> None:
    times = np.array([[1.0, 2.0, 4.0], [0.5, 3.0, 5.0]])
    regrets = np.array([[9.0, 8.0, 7.0], [6.0, 5.0, 4.0]])
    moments, found = over_time(times, regrets)
    assert (moments[0], moments[-1]) == (0.0, 4.0)
    for run in range(2):
        for moment, value in zip(moments, found[run], strict=True):
            ended = [r for t, r in zip(times[run], regrets[run], strict=True) if t <= moment]
            assert value == (ended[-1] if ended else math.inf)
