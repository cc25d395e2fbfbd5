"""Many runs: which are missing, who may take part, and what is told of failures."""

import os
from collections.abc import Sequence

import pytest

from fsopt.bench.functions import PROBLEMS, select
from fsopt.bench.optimizers import suggestions
from fsopt.bench.optimizers.contest import Job, jobs_for, missing, run, run_all
from fsopt.bench.optimizers.entrants import ENTRANTS, entrant
from fsopt.bench.optimizers.results import Result
from fsopt.bench.optimizers.simulation import Setting
from fsopt.bench.optimizers.suggestions import SPACES, Suggesting, compare, measure
from fsopt.bench.table import Measured, Missing
from fsopt.errors import EvaluationError
from fsopt.search.registry import OPTIMIZERS


def job(seed: int = 0, evaluations: int = 8, workers: int = 1, delay: float = 0.0) -> Job:
    setting = Setting(seed=seed, evaluations=evaluations, workers=workers, delay=delay)
    return Job("random", "branin", setting)


def test_every_optimizer_that_a_study_can_record_can_enter() -> None:
    assert set(OPTIMIZERS) - {"bayesian"} <= set(ENTRANTS)
    assert {"fsopt", "fsopt-gp", "fsopt-forest"} <= set(ENTRANTS)


def test_unknown_and_absent_entrants_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EvaluationError, match="no optimizer 'magic'; known are fsopt, "):
        entrant("magic")
    monkeypatch.setattr("fsopt.bench.optimizers.entrants.find_spec", lambda name: None)
    with pytest.raises(EvaluationError, match="pip install optuna"):
        entrant("optuna-tpe")


def test_jobs_go_seed_by_seed() -> None:
    settings = [Setting(seed=seed, evaluations=5) for seed in (0, 1)]
    chosen = [entrant("random"), entrant("sobol")]
    jobs = jobs_for(chosen, select("branin,levy"), settings)
    assert [str(one) for one in jobs[:3]] == [
        "random on branin, seed 0",
        "sobol on branin, seed 0",
        "random on levy, seed 0",
    ]
    assert [one.setting.seed for one in jobs] == [0] * 4 + [1] * 4


def test_who_keeps_a_state_can_not_be_decentralised() -> None:
    late = [Setting(seed=0, evaluations=5, workers=2, delay=1.0)]
    with pytest.raises(EvaluationError, match="optuna-tpe keeps a state"):
        jobs_for([ENTRANTS["optuna-tpe"]], [PROBLEMS["branin"]], late)
    assert jobs_for([ENTRANTS["random"]], [PROBLEMS["branin"]], late)


def test_missing_are_those_without_a_run_that_is_long_enough() -> None:
    done = run(job())
    assert missing([job()], []) == [job()]
    assert missing([job()], [done]) == []
    assert missing([job(evaluations=7)], [done]) == []
    for other in (job(evaluations=9), job(seed=1), job(workers=2), job(delay=0.5)):
        assert missing([other], [done]) == [other]


def test_a_run_is_repeatable_and_says_what_ran() -> None:
    first, second = run(job(workers=3)), run(job(workers=3))
    assert (first.regret, first.times) == (second.regret, second.times)
    assert (first.package, first.workers, len(first.regret)) == ("fsopt", 3, 8)
    assert 0 < first.cpu_mean <= first.cpu_max
    assert first.key == job(workers=3).key


def test_runs_in_processes_are_those_of_this_one_and_failures_are_told() -> None:
    broken = Job("random", "no such problem", Setting(seed=0, evaluations=3))
    kept: list[Result] = []
    told: dict[str, str] = {}
    before = dict(os.environ)

    def tell(one: Job, outcome: str) -> None:
        told[str(one)] = outcome

    assert run_all([job(), broken, job(seed=1)], 2, kept.append, tell) == 1
    assert sorted(one.regret for one in kept) == sorted(
        one.regret for one in (run(job()), run(job(seed=1)))
    )
    assert told[str(broken)].startswith("failed: KeyError")
    assert told[str(job())].endswith("s a proposal")
    assert dict(os.environ) == before


@pytest.mark.parametrize("space", SPACES)
def test_proposals_are_measured_in_every_space(space: str) -> None:
    found = measure("random", space, 30, 4)
    assert len(found.costs) == 4
    assert all(cost > 0 for cost in found.costs)
    assert found.memory > 10_000_000


def test_who_took_too_long_or_failed_is_left_out_of_larger_studies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def apart(name: str, space: str, trials: int, proposals: int) -> Suggesting:
        asked.append((name, trials))
        if name == "sobol":
            raise RuntimeError("it broke")
        return Suggesting([0.25, 0.5], 2_000_000, 61.0 if trials > 10 else 1.0)

    monkeypatch.setattr(suggestions, "_apart", apart)
    monkeypatch.setattr(suggestions, "SPACES", {"5 floats": SPACES["5 floats"]})
    told: list[str] = []
    table = compare([entrant("random"), entrant("sobol")], [10, 20, 30], 2, told.append)
    assert asked == [("random", 10), ("sobol", 10), ("random", 20)]
    cells: Sequence[object] = [row.cells for row in table.rows]
    failed = Missing("failed: RuntimeError: it broke", failed=True)
    left = Missing("not measured")
    times, memory = Measured((250.0, 500.0)), Measured((2.0,))
    assert cells == [
        {"random": times, "sobol": failed},
        {"random": memory, "sobol": failed},
        {"random": times, "sobol": left},
        {"random": memory, "sobol": left},
        {"random": left, "sobol": left},
        {"random": left, "sobol": left},
    ]
