"""The problems: their optima, their kinds, and that each can be evaluated anywhere."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest

from fsopt.bench.functions import GROUPS, PROBLEMS, Problem, select
from fsopt.bench.functions.base import continuous
from fsopt.bench.functions.mixed import chain
from fsopt.bench.functions.transformed import peaks, rotation
from fsopt.errors import EvaluationError
from fsopt.space import sample

SOLVED = [problem for problem in PROBLEMS.values() if problem.optimum is not None]

all_problems = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
solved = pytest.mark.parametrize("problem", SOLVED, ids=[problem.name for problem in SOLVED])


def configurations(problem: Problem, count: int) -> list[dict[str, object]]:
    units = sample(problem.space, count, np.random.default_rng(5))
    return [problem.space.from_row(row) for row in problem.space.from_unit(units)]


@solved
def test_the_minimizer_is_valid_and_has_the_optimum(problem: Problem) -> None:
    assert problem.minimizer is not None
    assert problem.optimum is not None
    problem.space.check(problem.minimizer)
    assert problem.fails is None or not problem.fails(problem.minimizer)
    value = problem.objective(problem.minimizer)
    assert value == pytest.approx(problem.optimum, rel=1e-12, abs=1e-12)
    assert problem.regret(value) == pytest.approx(0, abs=1e-12)


@solved
def test_nothing_is_better_than_the_optimum(problem: Problem) -> None:
    assert problem.minimizer is not None
    assert problem.optimum is not None
    space, rng = problem.space, np.random.default_rng(5)
    best = space.to_unit(space.to_row(problem.minimizer)[None])
    scales = 10.0 ** rng.uniform(-6, -0.5, (600, 1))
    moved = rng.random((600, len(space))) < rng.random((600, 1))
    near = best + moved * scales * rng.standard_normal((600, len(space)))
    rows = space.from_unit(np.concatenate([near, sample(space, 300, rng)]))
    rows = rows[space.satisfies(rows)]
    assert len(rows) > 300
    least = min(problem.objective(space.from_row(row)) for row in rows)
    assert least >= problem.optimum - 1e-9 * max(1, abs(problem.optimum))


@pytest.mark.parametrize(
    ("name", "published"),
    [
        *(("ackley", 0.0), ("branin", 0.397887), ("griewank", 0.0), ("hartmann6", -3.32237)),
        *(("levy", 0.0), ("michalewicz", -4.687658), ("rosenbrock", 0.0), ("schwefel", 0.0)),
        *(("shekel", -10.5364), ("goldstein-price", 3.0), ("styblinski-tang", 8 * -39.16599)),
        ("vessel", 6059.714335),
    ],
)
def test_known_functions_have_the_published_optimum(name: str, published: float) -> None:
    assert PROBLEMS[name].optimum == pytest.approx(published, abs=2e-3, rel=1e-6)


@all_problems
def test_every_configuration_has_one_finite_value(problem: Problem) -> None:
    count = 6 if problem.group == "models" else 100
    for params in configurations(problem, count):
        value = problem.objective(params)
        assert type(value) is float
        assert math.isfinite(value)
        assert value == problem.objective(dict(params))
        assert problem.optimum is not None or value > 0


@all_problems
def test_only_declared_problems_are_noisy_or_fail(problem: Problem) -> None:
    assert (problem.noise > 0) == (problem.group == "noisy")
    assert (problem.fails is not None) == (problem.group == "failing")
    (params,) = configurations(problem, 1)
    if problem.fails is None and not problem.noise:
        assert problem.observe(params, 3, 7) == problem.objective(params)


@pytest.mark.parametrize("problem", select("noisy"), ids=lambda problem: problem.name)
def test_noise_has_its_deviation_and_is_a_function_of_seed_and_number(problem: Problem) -> None:
    (params,) = configurations(problem, 1)
    exact = problem.objective(params)
    seen = np.array([problem.observe(params, 0, number) for number in range(400)]) - exact
    assert np.std(seen) == pytest.approx(problem.noise, rel=0.15)
    assert abs(np.mean(seen)) < 0.2 * problem.noise
    assert problem.observe(params, 0, 7) == exact + seen[7]
    assert problem.observe(params, 1, 7) != exact + seen[7]


@pytest.mark.parametrize("problem", select("failing"), ids=lambda problem: problem.name)
def test_a_part_of_the_space_fails(problem: Problem) -> None:
    observed = [problem.observe(params, 0, 0) for params in configurations(problem, 300)]
    assert 0.1 < observed.count(None) / 300 < 0.7


def test_models_are_tried_with_every_choice() -> None:
    for problem in select("models"):
        params = configurations(problem, 200)
        for parameter in problem.space.parameters:
            values = {one[parameter.name] for one in params if parameter.name in one}
            assert len(values) >= min(parameter.levels or 100, 4), parameter.name


def test_a_regret_is_not_negative_by_rounding() -> None:
    problem = continuous("p", "g", lambda x: float(x[0]), [(0.0, 1.0)], [0.0], optimum=0.5)
    assert problem.regret(0.5 - 1e-16) == 0
    assert problem.regret(0.75) == 0.25


def test_a_rotation_keeps_lengths_and_is_always_the_same() -> None:
    matrix = rotation(7, "a")
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(7), atol=1e-14)
    np.testing.assert_array_equal(matrix, rotation(7, "a"))
    assert not np.allclose(matrix, rotation(7, "b"))
    assert np.min(np.abs(matrix)) > 1e-6, "turned against every axis"


def test_the_best_word_of_a_chain_is_that_of_brute_force() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        letters, pairs = rng.standard_normal((5, 3)), rng.standard_normal((4, 3, 3))
        costs = {
            word: sum(letters[i, a] for i, a in enumerate(word))
            + sum(pairs[i, word[i], word[i + 1]] for i in range(4))
            for word in itertools.product(range(3), repeat=5)
        }
        cost, word = chain(letters, pairs)
        assert tuple(word) == min(costs, key=costs.__getitem__)
        assert cost == pytest.approx(min(costs.values()))


def test_peaks_have_other_minima_that_are_worse() -> None:
    formula, best = peaks(3, 5, "test")
    assert formula(best) == 0
    values = [formula(x) for x in np.random.default_rng(0).uniform(-5, 5, (200, 3))]
    assert 0 < min(values) < max(values) <= 10


def test_only_three_of_twenty_count() -> None:
    problem = PROBLEMS["three-of-twenty"]
    (params,) = configurations(problem, 1)
    value = problem.objective(params)
    moved = [problem.objective({**params, name: 0.123}) != value for name in problem.space.names]
    assert sum(moved) == 3


def test_problems_are_chosen_by_group_and_name_once_each() -> None:
    assert [p.name for p in select("levy,branin,levy")] == ["levy", "branin"]
    assert len(select("paper")) == 9
    assert len(select("all")) == len(PROBLEMS)
    assert {p.group for p in select("paper,mixed")} == {"paper", "mixed"}
    assert all(select(group) for group in GROUPS)
    with pytest.raises(EvaluationError, match="no problem or group 'levi'"):
        select("levi")


def test_problems_load_no_heavy_library() -> None:
    code = "import fsopt.bench.functions, sys; "
    code += "assert not {'scipy', 'sklearn', 'pandas', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
