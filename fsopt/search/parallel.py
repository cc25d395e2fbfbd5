"""What is assumed about trials that have not ended yet, and how a batch of proposals is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fsopt.history import FloatArray
from fsopt.search.training import TrainingSet, max_rows
from fsopt.surrogate import Fit, Surrogate

_MAX_FITS = 10  # of a batch, so that a large one takes a bounded multiple of a single proposal
_MAX_PART = 1_000  # proposals from one fit, so that memory and time grow only with their number

Lie = Callable[[FloatArray], np.floating]


@dataclass(frozen=True, slots=True)
class Strategy:
    """How proposals differ from each other and from those that are being evaluated."""

    believes: bool = True
    """Trials without a value count as having the one that the surrogate expects, or the `lie`;
    otherwise nothing is assumed about them."""
    lie: Lie | None = None
    """Of the (n,) targets of trials with values, the target of a trial that has none yet."""
    refits: bool = False
    """The surrogate is fitted again to what was proposed before in the same call."""
    scheduled: int = 1
    """So many proposals from one fit explore as the schedule says; each of the others draws its
    weights from an exponential distribution with the scheduled mean."""

    def parts(self, count: int, *, several: bool) -> Iterator[range]:
        """The proposals of one call, counted from 0, in parts that share a surrogate.

        Args:
            count: How many there are.
            several: Whether there are several objectives, so that surrogates differ in their
                trade-off.
        """
        size = -(-count // _MAX_FITS) if self.refits or several else count
        size = min(max(size, 1), _MAX_PART)
        for start in range(0, count, size):
            yield range(start, min(start + size, count))


STRATEGIES: Mapping[str, Strategy] = {
    "auto": Strategy(),
    "believer": Strategy(refits=True),
    "cl_min": Strategy(lie=np.min, refits=True),
    "cl_mean": Strategy(lie=np.mean, refits=True),
    "cl_max": Strategy(lie=np.max, refits=True),
    "qucb": Strategy(believes=False, scheduled=0),
}
"""By name. To believe what is expected ("kriging believer"), and to pretend that every open trial
ends with the smallest, mean or largest value ("constant liar"), are strategies of Ginsbourger, Le
Riche, Carraro, "Kriging is well-suited to parallelize optimization", 2010; smallest is best. To
draw the weights instead is qUCB: Egele et al., e-Science 2023, after Hutter, Hoos, Leyton-Brown,
"Parallel algorithm configuration", LION 2012."""


def fit_assuming(
    data: TrainingSet,
    open_rows: FloatArray,
    strategy: Strategy,
    fit: Fit,
    quick_fit: Fit,
    rng: np.random.Generator,
) -> Surrogate:
    """Fit as if trials without a value had ended with the one that the strategy assumes.

    This takes away the uncertainty around them, so that the next proposal is made elsewhere. Of
    very many only some are looked at, half as many as of those that have ended.

    Args:
        data: The trials that have ended.
        open_rows: (q, d) The configurations of the others.
        strategy: What is assumed.
        fit: Fits the surrogate that is returned.
        quick_fit: Fits the one that says what is expected, of which only the mean matters.
        rng: Source of randomness of both.
    """
    if not strategy.believes or not len(open_rows):
        return fit(data.X, data.y, rng)
    limit = max_rows(open_rows.shape[1]) // 2
    if len(open_rows) > limit:
        open_rows = rng.choice(open_rows, size=limit, replace=False)
    if strategy.lie is None:
        assumed = quick_fit(data.X, data.y, rng).predict(open_rows).mean
    else:
        valued = data.y[: len(data.y) - data.failures]
        assumed = np.full(len(open_rows), float(strategy.lie(valued)))
    X = np.concatenate([data.X, open_rows])
    return fit(X, np.concatenate([data.y, assumed]), rng)
