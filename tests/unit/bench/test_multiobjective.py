from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fsopt.bench.multiobjective import contest, entrants, problems
from fsopt.bench.multiobjective.contest import Run
from fsopt.bench.multiobjective.scores import table
from fsopt.cli.main import main
from fsopt.errors import EvaluationError


def values(name: str, *xs: float) -> list[float]:
    """Of a point; missing coordinates are the last one."""
    problem = problems.PROBLEMS[name]
    full = [*xs, *[xs[-1]] * (len(problem.space) - len(xs))]
    return problem.evaluate(dict(zip(problem.space.names, full, strict=True))).tolist()


@pytest.mark.parametrize(
    ("name", "xs", "expected"),
    [
        ("zdt1", (0.25, 0.0), [0.25, 0.5]),
        ("zdt2", (0.5, 0.0), [0.5, 0.75]),
        ("zdt3", (0.25, 0.0), [0.25, 1 - 0.5 - 0.25 * np.sin(2.5 * np.pi)]),
        ("zdt4", (0.25, 0.0), [0.25, 0.5]),
        ("zdt4", (0.0, 0.25), [0.0, 1 + 90 + 9 * (0.0625 + 10)]),
        ("dtlz2", (0.5, 0.5), [0.5, 0.5, np.sqrt(0.5)]),
        ("dtlz7", (0.0, 0.0), [0.0, 0.0, 6.0]),
        ("bnh", (1.0, 2.0), [20.0, 25.0, 16 + 4 - 25, 7.7 - 49 - 25]),
        ("srn", (3.0, 5.0), [1 + 16 + 2, 27 - 16, 34 - 225, 3 - 15 + 10]),
    ],
)
def test_problems_have_the_values_of_their_definitions(
    name: str, xs: tuple[float, ...], expected: list[float]
) -> None:
    np.testing.assert_allclose(values(name, *xs), expected, atol=1e-12)


def test_the_front_of_the_sphere_is_a_sphere() -> None:
    for name, m in (("dtlz2", 3), ("dtlz2-5", 5)):
        angles = np.random.default_rng(0).random(m - 1)
        assert np.linalg.norm(values(name, *angles, 0.5)) == pytest.approx(1.0)


def test_half_of_a_space_beats_the_reference_point() -> None:
    problem = problems.PROBLEMS["zdt4"]
    rng = np.random.default_rng(0)
    units = rng.random((200, len(problem.space)))
    rows = problem.space.from_unit(units)
    Y = np.array([problem.evaluate(problem.space.from_row(row)) for row in rows])
    assert ((problem.reference() >= Y).mean(axis=0) > 0.4).all()


def test_a_run_records_how_the_hypervolume_grows() -> None:
    found = contest.run(entrants.ENTRANTS["random"], problems.PROBLEMS["srn"], 1, 30)
    assert len(found.hypervolume) == 30
    assert (np.diff(found.hypervolume) >= 0).all()
    assert found.hypervolume[-1] > 0


@pytest.mark.parametrize("name", ["fsopt", "fsopt-nsga2", "optuna-nsga2", "optuna-tpe"])
def test_entrants_propose_with_and_without_constraints(name: str) -> None:
    one = entrants.ENTRANTS[name]
    if importlib.util.find_spec(one.distribution) is None:
        pytest.skip(f"{one.distribution} is not installed")
    for problem in ("bnh", "dtlz2"):
        found = contest.run(one, problems.PROBLEMS[problem], 0, 7)
        assert len(found.hypervolume) == 7


def test_a_small_network_has_few_weights_and_a_large_error() -> None:
    problem = problems.PROBLEMS["digits-size"]
    small = {
        "layers": 1,
        "units1": 2,
        "activation": "relu",
        "rate": 0.01,
        "alpha": 1e-3,
        "batch": 64,
    }
    error, size = problem.evaluate(small)
    assert 0.5 < error < 1
    assert size == pytest.approx(np.log10(65 * 2 + 3 * 10))


def test_runs_are_kept_and_not_made_again(tmp_path: Path) -> None:
    file = tmp_path / "runs.parquet"
    arguments = ["bench", "multiobjective", "--problems", "bnh", "--optimizers", "random"]
    arguments += ["--evaluations", "5", "--seeds", "2", "--output", str(file)]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0, first.output
    assert "random on bnh, seed 1" in first.output
    kept = contest.read(file)
    assert [run.seed for run in kept] == [0, 1]
    second = CliRunner().invoke(main, arguments)
    assert "seed" not in second.output
    assert "mean rank" in second.output
    assert contest.read(file) == kept


def test_the_best_mean_has_the_first_rank() -> None:
    def one(optimizer: str, problem: str, value: float, seed: int = 0) -> Run:
        return Run(
            optimizer=optimizer,
            problem=problem,
            seed=seed,
            package="p",
            version="1",
            cpu_median=0.5,
            hypervolume=[0.0, value],
        )

    runs = [one("a", "p", 1.0), one("a", "p", 3.0, 1), one("b", "p", 4.0), one("b", "p", 4.0, 1)]
    runs += [one("a", "q", 2.0), one("b", "q", 2.0)]
    head, first, second = table(runs, 2)
    assert head == ["optimizer", "p", "q", "mean rank", "CPU s"]
    assert first == ["b", "1.0000", "1.0000", "1.00", "0.5"]
    assert second == ["a", "0.5000", "1.0000", "1.50", "0.5"]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(EvaluationError, match="no problem 'zdt9'; known are zdt1"):
        problems.select("zdt9")
    with pytest.raises(EvaluationError, match="no optimizer 'best'; known are fsopt"):
        entrants.select("best")
