"""Ensembles of a study's trials: reads what they predict, and records what was selected.

The other modules of the package know of arrays only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from fsopt.ensemble.aggregators import AGGREGATORS, Aggregate, Aggregator
from fsopt.ensemble.losses import losses_of
from fsopt.ensemble.online import named
from fsopt.ensemble.pool import Pool
from fsopt.ensemble.scores import cross_scores
from fsopt.ensemble.selection import Greedy, Selector, TopK
from fsopt.errors import PredictionError
from fsopt.events import EnsembleBuilt
from fsopt.log import layout
from fsopt.log.predictions import DamagedPredictionsError, load
from fsopt.predictions import Array, Kind, Prediction
from fsopt.state import TrialState
from fsopt.study import Study

TRUTH = "truth"
"""The name under which trials save the true values, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class TrialPrediction:
    """What a trial predicts, read from its file each time, so that many take no memory."""

    file: Path

    def load(self) -> Prediction:
        """The prediction; its array is mapped into memory.

        Raises:
            PredictionError: If the file is gone or damaged.
        """
        try:
            columns = load(self.file)
        except DamagedPredictionsError as error:
            raise PredictionError(str(error)) from error
        if columns is None:
            raise PredictionError(f"{self.file} is not there any more")
        return Prediction.from_columns(columns)


@dataclass(frozen=True, slots=True)
class Found:
    """What the trials of a study predict under one name.

    Attributes:
        kind: What they predict.
        sources: By trial, ascending; only predictions that are whole and make sense.
        skipped: By trial, why a file is not among them.
    """

    kind: Kind
    sources: dict[int, TrialPrediction]
    skipped: dict[int, str] = field(default_factory=dict)


def predictions(study: Study, name: str) -> Found:
    """What the trials that have values predict; those that saved nothing are left out.

    Of a trial with several attempts that one counts whose values are the trial's.

    Args:
        study: As far as it is known; `Study.sync` reads what is new.
        name: Under which the trials saved them.

    Raises:
        PredictionError: If no trial has saved any.
        StorageError: If files can't be read.
    """
    sources: dict[int, TrialPrediction] = {}
    skipped: dict[int, str] = {}
    kind: Kind | None = None
    for number, file in _files(study, name):
        try:
            columns = load(file)
            if columns is None:
                continue
            found = Prediction.from_columns(columns).kind
        except (DamagedPredictionsError, PredictionError) as error:
            skipped[number] = str(error)
            continue
        kind = kind or found
        if found == kind:
            sources[number] = TrialPrediction(file)
        else:
            skipped[number] = f"holds {found}; earlier trials saved {kind}"
    if kind is None:
        raise PredictionError(
            f"no trial of {study.directory or 'the study'} that has values saved predictions "
            f"named {name!r} that can be used; objectives save them with "
            f"trial.save_predictions({name!r}, ...)"
            + "".join(f"; trial {number}: {why}" for number, why in list(skipped.items())[:1])
        )
    return Found(kind, sources, skipped)


def truth(study: Study, name: str = TRUTH) -> Array:
    """The true values that trials have saved as if they were predictions.

    If trials saved those of different rows, they are put together; of several for one row the
    first trial's count.

    Raises:
        PredictionError: If there are none, or rows are missing.
    """
    found = predictions(study, name)
    known: list[Prediction] = []
    for source in found.sources.values():
        saved = source.load()
        if saved.index is None:
            return np.array(saved.array)
        known.append(saved)
    rows = 1 + max(int(saved.index.max()) for saved in known if saved.index is not None)
    values = np.zeros((rows, *known[0].array.shape[1:]), known[0].array.dtype)
    is_known = np.zeros(rows, dtype=np.bool_)
    for saved in reversed(known):
        values[saved.index], is_known[saved.index] = saved.array, True
    if not is_known.all():
        missing = int(np.flatnonzero(~is_known)[0])
        raise PredictionError(f"no trial has saved the true value of row {missing} as {name!r}")
    return values


def truth_in(file: Path) -> Array:
    """The true values that a file of NumPy's holds.

    Raises:
        PredictionError: If there is no such file, or it holds no array.
        StorageError: If it can't be read.
    """
    try:
        values = load(file)
    except DamagedPredictionsError as error:
        raise PredictionError(str(error)) from error
    if values is None:
        raise PredictionError(f"there is no file {file}; save the true values with numpy.save")
    return values


def default_selector(kind: Kind) -> Selector:
    """Greedy selection by the first loss of a kind of predictions."""
    return Greedy(losses_of(kind)[0])


def build(
    study: Study, name: str, y: ArrayLike, selector: Selector | None = None
) -> EnsembleBuilt:
    """Select an ensemble among a study's trials, score it, and record it in the study.

    The study may be running: what has ended so far is selected from.

    Args:
        study: Where the trials are.
        name: Under which they saved predictions.
        y: (n,) The true values; `truth` has them if the trials saved them too.
        selector: How to choose; `default_selector` unless given.

    Returns:
        What was recorded.

    Raises:
        PredictionError: If there is nothing to choose from, or it does not fit together.
        StorageError: If files can't be read or the study not written.
    """
    study.sync()
    return record(study, name, y, predictions(study, name), selector)


def record(
    study: Study, name: str, y: ArrayLike, found: Found, selector: Selector | None = None
) -> EnsembleBuilt:
    """Do as `build` does, with predictions that were read already."""
    known, numbers = np.asarray(y), list(found.sources)
    sources = list(found.sources.values())
    way = selector or default_selector(found.kind)
    pool = Pool(way.loss, known, sources)
    chosen = named(way.choose(pool), numbers)
    single = named(TopK(way.loss, 1).choose(pool), numbers)
    scores = cross_scores(known, sources, way, losses_of(found.kind), pool)
    before = study.state.ensembles.get(name)
    built = EnsembleBuilt(
        name=name,
        generation=1 + (before[0].generation if before else 0),
        members=chosen.members,
        weights=chosen.weights,
        aggregator=AGGREGATORS[found.kind].name,
        loss=way.loss.name,
        selector={"kind": way.name, **way.options},
        candidates=len(numbers),
        scores={score.loss: score.ensemble for score in scores},
        single=single.members[0],
        single_scores={score.loss: score.best for score in scores},
    )
    study.session.append(built)
    return built


def latest(study: Study, name: str) -> EnsembleBuilt | None:
    """The ensemble that was built last from predictions of a name, by whomever."""
    known = study.state.ensembles.get(name)
    return known[0] if known else None


def combine(
    study: Study,
    ensemble: EnsembleBuilt,
    name: str | None = None,
    aggregator: Aggregator | None = None,
) -> Aggregate:
    """The prediction of an ensemble, from what its members have saved.

    Args:
        study: Where they saved it.
        ensemble: Which.
        name: Under which they saved predictions of other data, such as ``"test"``; those that the
            ensemble was selected by, unless given.
        aggregator: Unless given, the one for this kind of predictions.

    Raises:
        PredictionError: If a member has saved none.
    """
    found = predictions(study, name or ensemble.name)
    absent = [str(number) for number in ensemble.members if number not in found.sources]
    if absent:
        raise PredictionError(
            f"trial {absent[0]} has saved nothing that can be used as {name or ensemble.name!r}"
        )
    members = (found.sources[number].load() for number in ensemble.members)
    return (aggregator or AGGREGATORS[found.kind]).aggregate(members, ensemble.weights)


def _files(study: Study, name: str) -> Iterator[tuple[int, Path]]:
    if not layout.is_predictions_name(name):
        raise PredictionError(f"predictions can't be named {name!r}; use letters, digits, _ and -")
    rows = study.state.trials.configurations()
    numbers: Iterable[int] = rows.numbers[
        rows.having(TrialState.COMPLETED, TrialState.STOPPED)
    ].tolist()
    root = study.session.files.root
    for number in numbers:
        decisive = study.state.trials[number].decisive
        if decisive is not None:
            yield number, root / layout.predictions(number, decisive.index, name)
