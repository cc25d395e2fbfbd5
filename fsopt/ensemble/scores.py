"""How good a way of selecting is, told by rows that it did not select by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fsopt.ensemble.aggregators import FloatArray
from fsopt.ensemble.losses import Loss
from fsopt.ensemble.pool import Mixture, Part, Pool, Source, loss_of_means, with_votes
from fsopt.ensemble.selection import Selection, Selector, TopK
from fsopt.errors import PredictionError
from fsopt.predictions import Array, IntArray
from fsopt.streams import stream

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Score:
    """A loss of the ensemble and of the best single model, each chosen on other rows."""

    loss: str
    ensemble: float
    best: float


def cross_scores(
    y: Array,
    candidates: Sequence[Source],
    selector: Selector,
    losses: Iterable[Loss],
    pool: Pool | None = None,
) -> list[Score]:
    """Score ensembles and best single models on rows that they were not chosen by.

    The rows are dealt into five parts. Each part is predicted by the ensemble, and by the model,
    that is chosen on the others; then the losses are those over all rows. The loss of an ensemble
    on the data that it was selected by would always flatter it more than the single model.

    Args:
        y: (n,) The true values; five or more.
        candidates: What each model predicts.
        selector: What is scored.
        losses: What is told.
        pool: The candidates as the selector's loss sees them, if they were read already.

    Raises:
        PredictionError: If there are too few rows, or they don't fit together.
    """
    if len(y) < FOLDS:
        raise PredictionError(f"to score an ensemble takes {FOLDS} rows or more, not {len(y)}")
    if not candidates:
        raise PredictionError("there are no predictions to select from")
    candidates = with_votes(selector.loss, y, candidates)
    pool = pool or Pool(selector.loss, y, candidates)
    single = TopK(selector.loss, 1)
    wanted = list(losses)
    means: list[list[FloatArray]] = [[], []]
    parts = np.array_split(stream(0, "ensemble-folds").permutation(len(y)), FOLDS)
    for part in parts:
        others = pool.at(np.setdiff1d(np.arange(len(y)), part))
        for kind, way in enumerate((selector, single)):
            chosen = way.choose(others)
            means[kind] += [means_of(loss, y[part], candidates, chosen, part) for loss in wanted]
    order = np.concatenate(parts)
    scores = []
    for at, loss in enumerate(wanted):
        told = [np.concatenate(of[at :: len(wanted)], axis=1) for of in means]
        ensemble, best = (loss_of_means(loss, y[order], whole) for whole in told)
        scores.append(Score(loss.name, ensemble, best))
    return scores


def means_of(
    loss: Loss, y: Array, candidates: Sequence[Source], chosen: Selection, rows: IntArray
) -> FloatArray:
    """(s, k) The means of an ensemble's statistics in some rows; NaN where no member tells.

    Args:
        loss: Whose statistics.
        y: (k,) The true values of these rows.
        candidates: What each model predicts.
        chosen: The ensemble.
        rows: (k,) Which rows.
    """
    mixture: Mixture | None = None
    for member, weight in zip(chosen.members, chosen.weights, strict=True):
        part = Part.of(loss, y, candidates[member].load().at(rows))
        mixture = mixture or Mixture(np.zeros((len(part.statistics), len(y))), np.zeros(()))
        mixture = mixture.plus(part, weight)
    if mixture is None:
        raise PredictionError("an ensemble needs one member or more")
    return mixture.means
