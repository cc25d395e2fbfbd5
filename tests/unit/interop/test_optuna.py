"""Optuna: its studies from ours, and our optimizer as its sampler."""

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

import fsopt
from fsopt import Categorical, Constant, Float, Int, Ordinal, Space
from fsopt.errors import StudyError
from fsopt.interop.optuna import FsoptSampler, export, to_distribution, to_parameter

optuna.logging.set_verbosity(optuna.logging.ERROR)

SPACE = Space(
    Float("x", -5.0, 5.0),
    Float("lr", 1e-4, 1e-1, log=True),
    Int("n", 0, 10, step=2),
    Ordinal("batch", [16, 32, 64]),
    Categorical("kind", ["a", "b", ("c", 1)]),
    Constant("version", 2),
    Float("extra", 0.0, 1.0),
    conditions={"extra": "kind == 'a'"},
)


def bowl(x: float, lr: float) -> float:
    return (x - 1.0) ** 2 + (np.log10(lr) + 2.0) ** 2


def objective(trial: Any) -> float:
    kind = trial.suggest_categorical("kind", ["a", "b"])
    value = bowl(trial.suggest_float("x", -5, 5), trial.suggest_float("lr", 1e-4, 1e-1, log=True))
    return value + (kind == "a") + 0.1 * abs(trial.suggest_int("n", 0, 10) - 3)


def test_the_sampler_finds_better_values_than_chance() -> None:
    bests = {}
    for name, sampler in {
        "fsopt": FsoptSampler(seed=0),
        "random": optuna.samplers.RandomSampler(seed=0),
    }.items():
        study = optuna.create_study(sampler=sampler)
        study.optimize(objective, n_trials=30)
        bests[name] = study.best_value
    assert bests["fsopt"] < 0.3 * bests["random"]


def test_a_direction_is_respected_and_a_seed_makes_it_repeatable() -> None:
    found = []
    for _ in range(2):
        study = optuna.create_study(direction="maximize", sampler=FsoptSampler(seed=3))
        study.optimize(lambda trial: -objective(trial), n_trials=15)
        found.append([trial.params for trial in study.trials])
        assert study.best_value > -6
    assert found[0] == found[1]


def test_branches_failures_and_running_trials_do_no_harm() -> None:
    def branching(trial: Any) -> float:
        kind = trial.suggest_categorical("kind", ["a", "b"])
        x = trial.suggest_float("x", 0, 1, step=0.1)
        if kind == "a":
            return x + trial.suggest_float("only_a", 0, 1)
        if x > 0.8:
            raise ValueError
        return x

    study = optuna.create_study(sampler=FsoptSampler(seed=0))
    study.ask()
    study.optimize(branching, n_trials=20, catch=ValueError)
    assert study.best_value < 0.2


def test_several_objectives_are_sampled_for() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=FsoptSampler(seed=0))
    study.optimize(
        lambda trial: (trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)), n_trials=20
    )
    assert any(x < 0.2 and y > 0.8 for x, y in (trial.values for trial in study.best_trials))


@pytest.mark.parametrize("parameter", SPACE.parameters, ids=lambda one: one.name)
def test_distributions_hold_the_values_of_parameters(parameter: Any) -> None:
    distribution = to_distribution(parameter)
    back = to_parameter(parameter.name, distribution)
    if isinstance(parameter, Float | Int):
        assert back == parameter
    else:
        assert back.levels == parameter.levels


def filled(**options: Any) -> fsopt.Study:
    study = fsopt.create_study(None, space=SPACE, seed=0, **options)

    def evaluate(trial: fsopt.Trial) -> float | fsopt.Failure:
        trial.report(0.5, step=1)
        trial.set_attribute("note", ("a", 1))
        return fsopt.Failure("too large") if trial["x"] > 3 else bowl(trial["x"], trial["lr"])

    study.run(evaluate, trials=20)
    study.ask(1)
    return study


def test_an_exported_study_has_the_same_trials(tmp_path: Path) -> None:
    study = filled()
    url = f"sqlite:///{tmp_path / 'o.db'}"
    export(study, url, "copy")
    copy = optuna.load_study(storage=url, study_name="copy")
    assert study.best is not None
    assert copy.best_value == study.best.value
    assert [trial.number for trial in copy.trials] == list(range(21))
    for trial in copy.trials:
        record = study.record(trial.number)
        assert trial.user_attrs["fsopt_trial"] == trial.number
        assert record.params is not None
        assert set(trial.params) == set(record.params)
        assert trial.params["x"] == record.params["x"]
        kind = record.params["kind"]
        assert trial.params["kind"] == (repr(kind) if isinstance(kind, tuple) else kind)
        if record.outcome is not None:
            assert trial.intermediate_values == {1: 0.5}
            assert trial.datetime_complete >= trial.datetime_start
            assert trial.user_attrs.get("reason") == record.outcome.reason
    states = [trial.state for trial in copy.trials]
    assert states.count(TrialState.FAIL) == study.trials()["state"].value_counts()["failed"]
    assert states[-1] is TrialState.RUNNING


def test_a_journal_and_several_objectives_are_exported(tmp_path: Path) -> None:
    directions = {"loss": "minimize", "speed": "maximize"}
    study = fsopt.create_study(None, space=SPACE, objectives=directions, seed=0)
    study.run(lambda trial: (trial["x"], trial["lr"]), trials=5)
    copy = export(study, str(tmp_path / "journal.log"), "copy")
    assert [direction.name for direction in copy.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert copy.metric_names == ["loss", "speed"]
    assert len(copy.best_trials) == len(study.pareto_front)


def test_a_name_that_is_taken_and_a_storage_that_is_none_are_said(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'o.db'}"
    export(filled(), url, "copy")
    with pytest.raises(StudyError, match="has a study 'copy' already; choose another"):
        export(filled(), url, "copy")
    with pytest.raises(fsopt.FsoptError, match="can't open Optuna's storage"):
        export(filled(), "nonsense://there", "copy")
