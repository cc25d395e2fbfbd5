"""Optuna: its studies from those of fsopt, and a sampler for it; needs Optuna when imported."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from fsopt.errors import MissingExtraError, StorageError, StudyError
from fsopt.history import FloatArray, History
from fsopt.objectives import Direction
from fsopt.search import BayesianOptimizer, Optimizer
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space
from fsopt.space.parameters import Parameter
from fsopt.state import TrialRecord, TrialState
from fsopt.streams import MAX_SEED
from fsopt.study import Study
from fsopt.values import Value

try:
    import optuna
except ImportError as error:  # pragma: no cover
    raise MissingExtraError("Optuna is not installed; pip install 'fsopt[optuna]'") from error

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.search_space import IntersectionSearchSpace
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState
from sqlalchemy.exc import SQLAlchemyError

_STATES = {
    TrialState.COMPLETED: OptunaState.COMPLETE,
    TrialState.STOPPED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
    TrialState.RUNNING: OptunaState.RUNNING,
    TrialState.PAUSED: OptunaState.RUNNING,
    TrialState.WAITING: OptunaState.WAITING,
}


class FsoptSampler(optuna.samplers.BaseSampler):
    """Proposes what fsopt's optimizer proposes, in a study of Optuna's.

    Parameters that all completed trials have are proposed together; others, as those of a branch
    that was not taken, are drawn at random, as Optuna's own Gaussian process does.

    Args:
        optimizer: Such as `fsopt.RegularizedEvolution`; Bayesian optimization if None.
        seed: What is proposed is a function of it, of the trial's number, and of the trials known.
    """

    def __init__(self, optimizer: Optimizer | None = None, *, seed: int | None = None) -> None:
        self._optimizer = BayesianOptimizer() if optimizer is None else optimizer
        self._seed = int(np.random.SeedSequence(seed).generate_state(1)[0]) % MAX_SEED
        self._space = IntersectionSearchSpace()
        self._independent = optuna.samplers.RandomSampler(seed=self._seed % 2**32)

    def reseed_rng(self) -> None:
        """Processes of one study draw alike, but for different trials."""
        self._independent.reseed_rng()

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The parameters that all completed trials have."""
        found = self._space.calculate(study).items()
        return {name: one for name, one in found if not one.single()}

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """Propose values of these parameters together."""
        if not search_space:
            return {}
        space = Space(*(to_parameter(name, one) for name, one in search_space.items()))
        history = _history(study, trial, space)
        unit = self._optimizer.suggest(history, [trial.number], self._seed)
        params = space.from_row(space.from_unit(unit)[0])
        return {name: _choice_of(one, params[name]) for name, one in search_space.items()}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw a value of another parameter at random."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)


def to_parameter(name: str, distribution: BaseDistribution) -> Parameter:
    """A parameter of fsopt from one of Optuna's; a choice becomes its position.

    Raises:
        StudyError: If it is of a kind that is not known.
    """
    if isinstance(distribution, FloatDistribution):
        low, high = distribution.low, distribution.high
        return Float(name, low, high, log=distribution.log, step=distribution.step)
    if isinstance(distribution, IntDistribution):
        step = distribution.step if distribution.step != 1 else None
        return Int(name, distribution.low, distribution.high, log=distribution.log, step=step)
    if isinstance(distribution, CategoricalDistribution):
        return Categorical(name, list(range(len(distribution.choices))))
    raise StudyError(f"{name!r} has the distribution {distribution}, which is not known")


def to_distribution(parameter: Parameter) -> BaseDistribution:
    """A distribution of Optuna's from a parameter; levels and constants become choices."""
    if isinstance(parameter, Float):
        step = parameter.step if not parameter.log else None
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log, step=step)
    if isinstance(parameter, Int):
        step = parameter.step if not parameter.log else None
        return IntDistribution(parameter.low, parameter.high, log=parameter.log, step=step or 1)
    if isinstance(parameter, Constant):
        return CategoricalDistribution([_known(parameter.value)])
    values = parameter.values if isinstance(parameter, Ordinal) else parameter.choices
    return CategoricalDistribution([_known(value) for value in values])


def export(study: Study, storage: Any, name: str) -> optuna.Study:
    """Copy a study into a storage of Optuna's, where its dashboard and its figures show it.

    Trials keep their numbers, parameters, values, reports and times; attributes and the reasons of
    failures become user attributes. Numbers that nobody has told of are left out, and a trial with
    a step on a logarithmic scale loses the step.

    Args:
        study: As far as it is known; `Study.sync` reads what is new.
        storage: A storage of Optuna's, its URL, or the file of a journal.
        name: Of the new study there.

    Returns:
        The new study.

    Raises:
        StudyError: If the storage has a study of that name already.
        StorageError: If it can't be opened.
    """
    objectives = study.session.objectives
    directions = [
        StudyDirection.MAXIMIZE if direction is Direction.MAXIMIZE else StudyDirection.MINIMIZE
        for direction in objectives.directions.values()
    ]
    try:
        made = optuna.create_study(
            storage=_storage(storage), study_name=name, directions=directions
        )
    except optuna.exceptions.DuplicatedStudyError as error:
        raise StudyError(
            f"{storage} has a study {name!r} already; choose another --name, or another storage"
        ) from error
    except (OSError, SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise StorageError(f"can't open Optuna's storage {storage}: {error}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        made.set_metric_names(list(objectives.directions))
    distributions = {one.name: to_distribution(one) for one in study.config.space.parameters}
    known = [trial for trial in study.state.trials if trial.params is not None]
    count = len(objectives.directions)
    made.add_trials([_to_optuna(trial, distributions, count) for trial in known])
    return made


def _storage(given: Any) -> Any:
    if isinstance(given, str) and "://" not in given:
        return JournalStorage(JournalFileBackend(given))
    return given


def _to_optuna(
    trial: TrialRecord, distributions: Mapping[str, BaseDistribution], objectives: int
) -> FrozenTrial:
    params = {name: _known(value) for name, value in (trial.params or {}).items()}
    outcome, state = trial.outcome, _STATES[trial.state]
    values = list(outcome.values[:objectives]) if outcome and outcome.values else None
    reports = trial.decisive.reports if trial.decisive else {}
    attributes: dict[str, Any] = {name: value for name, (value, *_) in trial.attributes.items()}
    attributes["fsopt_trial"] = trial.number
    if outcome and outcome.reason:
        attributes["reason"] = outcome.reason
    made = create_trial(
        state=state,
        params=params,
        distributions={name: distributions[name] for name in params},
        values=values if state in (OptunaState.COMPLETE, OptunaState.PRUNED) else None,
        user_attrs=attributes,
        intermediate_values={step: report.value for step, report in reports.items()},
    )
    started = [one.started.time for one in trial.attempts.values() if one.started is not None]
    if started:
        made.datetime_start = _local(min(started))
    if outcome is not None:
        made.datetime_complete = _local(outcome.stamp.time)
    return made


def _local(seconds: float) -> datetime:
    """Optuna's times are local and have no zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().replace(tzinfo=None)


def _known(value: Value) -> Any:
    """A value that Optuna keeps as it is: tuples become text."""
    return repr(value) if isinstance(value, tuple) else value


def _choice_of(distribution: BaseDistribution, value: Value) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(value)]  # type: ignore[arg-type]  # a position
    return value


def _history(study: optuna.Study, trial: FrozenTrial, space: Space) -> History:
    signs = np.array([-1.0 if d == StudyDirection.MAXIMIZE else 1.0 for d in study.directions])
    trials = [
        other
        for other in study.get_trials(deepcopy=False)
        if other.number != trial.number and set(space.names) <= set(other.params)
    ]
    by_state: dict[OptunaState, list[FrozenTrial]] = {state: [] for state in OptunaState}
    for other in trials:
        by_state[other.state].append(other)
    done = by_state[OptunaState.COMPLETE]
    running = by_state[OptunaState.RUNNING]
    values = [signs * np.array(other.values, dtype=np.float64) for other in done]
    return History(
        space=space,
        X=_unit(space, done),
        Y=np.array(values, dtype=np.float64).reshape(-1, len(signs)),
        numbers=np.array([other.number for other in done], dtype=np.int64),
        X_failed=_unit(space, by_state[OptunaState.FAIL]),
        X_pending=_unit(space, running),
    )


def _unit(space: Space, trials: Sequence[FrozenTrial]) -> FloatArray:
    rows = [space.to_row({name: _position(one, name) for name in space.names}) for one in trials]
    return space.to_unit(np.array(rows, dtype=np.float64).reshape(-1, len(space)))


def _position(trial: FrozenTrial, name: str) -> Any:
    distribution, value = trial.distributions[name], trial.params[name]
    if isinstance(distribution, CategoricalDistribution):
        return int(distribution.to_internal_repr(value))
    return value
