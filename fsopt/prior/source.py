"""What one earlier study teaches about the space of a new one."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import PriorError
from fsopt.moo.pareto import fronts
from fsopt.moo.scalarization import ranks
from fsopt.prior.fitting import fit_mixture
from fsopt.prior.mixture import FloatArray, Mixture
from fsopt.prior.translation import to_positions
from fsopt.space import Categorical, Space
from fsopt.streams import stream
from fsopt.values import Params, Value

MOST_KEPT = 150
"""Trials of a source that are recorded with what was learned from it."""

_FEWEST_GOOD = 5
_MOST_GOOD = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierStudy:
    """One earlier study, in the coordinates of the new one."""

    id: str
    """Tells it from others; the same for the same content."""
    name: str
    """Where it came from, for people."""
    trials: int
    """How many trials with values it had."""
    mixture: Mixture
    """Where its good configurations lie."""
    units: FloatArray
    """(n, d) Unit rows of some of its trials; NaN where inactive or unknown."""
    ranks: FloatArray
    """(n,) How they compare with each other, from 0, the best, to 1."""
    data: Params = field(repr=False)
    """All of this but the name and the number of trials, as it is recorded in the new study."""

    @property
    def best(self) -> FloatArray:
        """(d,) The unit row of its best trial."""
        row: FloatArray = self.units[int(np.argmin(self.ranks))]
        return row


def learn(
    name: str,
    configurations: Sequence[Mapping[str, object]],
    values: FloatArray,
    space: Space,
    *,
    top: float = 0.1,
    rename: Mapping[str, str] | None = None,
) -> EarlierStudy:
    """Learn from the trials of an earlier study.

    Good are the trials of the best share; with several objectives those of the first Pareto
    fronts. At least five count, however small the share.

    Args:
        name: Of the study, for people.
        configurations: Of its n trials that have values.
        values: (n, m) Theirs, to be minimised.
        space: Of the new study.
        top: The share.
        rename: From the names of its parameters to those in the new space, where they differ.

    Raises:
        PriorError: If there is nothing to learn: no trial, or no parameter in common.
    """
    units = to_positions(configurations, space, rename)
    if not len(units) or np.isnan(units).all():
        what = "no trial with values" if not len(units) else "no parameter of this study's space"
        raise PriorError(f"{name} has {what}; leave it out, or rename its parameters")
    place = fronts(values)  # of one objective, the order of its values
    order = np.argsort(place, kind="stable")
    good = order[: min(max(math.ceil(top * len(order)), _FEWEST_GOOD), _MOST_GOOD)]
    rng = stream(0, f"prior of {name}")
    kept = _kept(order, rng)
    return from_data(
        name,
        len(order),
        {
            "mixture": _mixture_to_data(fit_mixture(units[good], space, rng)),
            "units": _spelled(units[kept]),
            "ranks": _spelled(ranks(place[kept].astype(np.float64))),
        },
        space,
    )


def from_data(name: str, trials: int, data: Params, space: Space) -> EarlierStudy:
    """The source that `EarlierStudy.data` was recorded of.

    Raises:
        PriorError: If it is none in this space.
    """
    try:
        mixture = _mixture_from_data(data["mixture"], space)
        units, given = _table(data["units"], len(space)), _table(data["ranks"])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise PriorError(f"the source {name!r} can't be used in this space: {error}") from error
    if np.isnan(units).all() or len(units) != len(given) or np.isnan(given).any():
        raise PriorError(f"the source {name!r} can't be used: its trials are incomplete")
    return EarlierStudy(
        id=digest(name, data),
        name=name,
        trials=trials,
        mixture=mixture,
        units=units,
        ranks=given,
        data=data,
    )


def digest(name: str, data: Params) -> str:
    """Sixteen hexadecimal digits that tell a source from all others."""
    content = json.dumps([name, data], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _kept(order: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """The best of the trials and some of the others, if they are many, in their own order.

    Args:
        order: (n,) The trials, best first.
        rng: Chooses among the others.
    """
    best = MOST_KEPT // 2
    if len(order) <= MOST_KEPT:
        return np.sort(order)
    others = rng.choice(order[best:], MOST_KEPT - best, replace=False)
    return np.sort(np.concatenate([order[:best], others]))


def _mixture_to_data(mixture: Mixture) -> Value:
    tables = tuple((column, _spelled(table)) for column, table in mixture.tables.items())
    parts = (mixture.weights, mixture.means, mixture.deviations)
    return (*map(_spelled, parts), tables)


def _mixture_from_data(data: Any, space: Space) -> Mixture:
    weights = _table(data[0])
    means, deviations = (_table(part, len(space)) for part in data[1:3])
    tables = {
        int(column): _table(table, space.parameters[int(column)].levels)
        for column, table in data[3]
    }
    found = Mixture(weights, means, deviations, tables)
    categorical = {c for c, p in enumerate(space.parameters) if isinstance(p, Categorical)}
    is_whole = {len(part) for part in (means, deviations, *tables.values())} == {len(weights)}
    positive = (weights, np.nan_to_num(deviations, nan=1.0), *tables.values())
    is_proper = (
        all((part > 0).all() for part in positive) and not ((means < 0) | (means > 1)).any()
    )
    if not is_whole or tables.keys() != categorical or not is_proper:
        raise ValueError("its mixture is for other parameters")
    return found


def _spelled(numbers: FloatArray) -> Value:
    """Numbers (n,) or (n, k) as nested tuples with six digits, None instead of NaN."""
    if numbers.ndim > 1:
        return tuple(map(_spelled, numbers))
    return tuple(None if math.isnan(x) else float(f"{x:.6g}") for x in numbers.tolist())


def _table(spelled: Any, width: int | None = None) -> FloatArray:
    """What `_spelled` has written, of rows of this width."""
    numbers = np.array(spelled, dtype=np.float64)
    shape = numbers.shape[1:]
    if np.isinf(numbers).any() or shape != (() if width is None else (width,)):
        raise ValueError(f"it has rows of shape {shape}")
    return numbers
