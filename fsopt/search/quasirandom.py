"""Quasirandom search: points of scrambled sequences, which fill space evenly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from fsopt.history import BoolArray, FloatArray, History
from fsopt.search.distinct import is_new, is_valid, replace_unusable
from fsopt.search.explanation import REPLACEMENT, Explanation
from fsopt.space import same_rows
from fsopt.streams import stream

_SCRAMBLES = 16  # a space of which a quarter is feasible rarely needs more
_PERIOD = 2**30  # the sequence ends there, and it is the denominator of its points
_HALTON_BITS = 52  # of a point that are computed
_FEW = 10  # binary digits of an index, for which points are prepared at least


@dataclass(frozen=True, slots=True, kw_only=True)
class SobolSearch:
    """Takes trial ``i`` from point ``i`` of a scrambled Sobol' sequence.

    The scramble derives from the study's seed (Matousek, "On the L2-discrepancy for anchored
    boxes", J. Complexity 14, 1998). Since the trial number is the index of the point, any number
    of workers that never heard of each other draw one and the same sequence.

    A point that violates a constraint or was tried before gives way to the point of the same index
    in a second, third, ... 16th sequence, which are scrambled independently. If none of these can
    be used either, the trial is drawn at random.
    """

    kind: ClassVar[str] = "sobol"

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        return suggest_points(sobol_points, history, numbers, seed)

    def explain(
        self, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation | None:
        """Of which sequence a configuration is a point; see `Explainer`."""
        return explain_point(sobol_points, "Sobol' sequence", history, number, seed, unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltonSearch:
    """Takes trial ``i`` from point ``i`` of a scrambled Halton sequence.

    The digits in each prime base are permuted at random (Owen, "A randomized Halton algorithm in
    R", arXiv:1706.02808). It fills space evenly after any number of trials, where a Sobol'
    sequence does so best after 2, 4, 8, ...; in more than about ten dimensions it needs more
    trials than that one to do so. Points that can't be used give way as in `SobolSearch`.
    """

    kind: ClassVar[str] = "halton"

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        return suggest_points(halton_points, history, numbers, seed)

    def explain(
        self, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation | None:
        """Of which sequence a configuration is a point; see `Explainer`."""
        return explain_point(halton_points, "Halton sequence", history, number, seed, unit)


class Points(Protocol):
    """Infinitely many independent sequences of points."""

    def __call__(
        self, dimensions: int, indices: Sequence[int], seed: int, scramble: int
    ) -> FloatArray:
        """(b, d) The b points with these indices, of the study's sequence ``scramble``."""
        ...


def suggest_points(
    points: Points, history: History, numbers: Sequence[int], seed: int
) -> FloatArray:
    """Take each trial from the point of its number, or at random if 16 sequences failed.

    Args:
        points: Makes the points.
        history: The study so far.
        numbers: The b trials to propose for.
        seed: The study's seed.

    Returns:
        (b, d) Valid rows that are new and distinct.

    Raises:
        InfeasibleSpaceError: If not enough are left.
    """
    units, usable = usable_points(points, history, numbers, seed)
    return replace_unusable(units, usable, history, numbers, seed)


def explain_point(
    points: Points, name: str, history: History, number: int, seed: int, unit: FloatArray
) -> Explanation:
    """Of which of the sequences a configuration is a point.

    Args:
        points: Makes the points.
        name: What people call such a sequence.
        history: The study as it was.
        number: The trial.
        seed: The study's seed.
        unit: (d,) Its configuration.
    """
    space = history.space
    for scramble in range(_SCRAMBLES):
        point = space.snap(points(len(space), [number], seed, scramble))
        if same_rows(point, unit[np.newaxis])[0]:
            which = f"{name} {scramble + 1} of {_SCRAMBLES}"
            return Explanation(source=f"point {number} of {which}")
    return Explanation(source=f"{REPLACEMENT}: no point of any {name} was free")


def usable_points(
    points: Points, history: History, numbers: Sequence[int], seed: int
) -> tuple[FloatArray, BoolArray]:
    """The points of the first of 16 sequences in which they can be used; see `suggest_points`.

    Returns:
        (b, d) Rows, and (b,) which of them are valid, new and distinct; the others mean nothing.
    """
    space = history.space
    units = np.empty((len(numbers), len(space)))
    usable = np.zeros(len(numbers), dtype=np.bool_)
    for scramble in range(_SCRAMBLES):
        missing = np.flatnonzero(~usable)
        if not len(missing):
            break
        indices = [numbers[place] for place in missing.tolist()]
        found = space.snap(points(len(space), indices, seed, scramble))
        fits = is_valid(space, found) & is_new(found, history)
        fits &= ~same_rows(found, units[usable])
        units[missing[fits]] = found[fits]
        usable[missing[fits]] = True
    return units, usable


def halton_points(
    dimensions: int, indices: Sequence[int], seed: int, scramble: int = 0
) -> FloatArray:
    """Points of a Halton sequence that the study's seed scrambles.

    In coordinate j, the digits of the index in the jth prime base, each permuted, are those of the
    point after the comma, in reverse order. Arguments and result are as in `sobol_points`.
    """
    points = np.zeros((len(indices), dimensions))
    for column, digits in enumerate(_permuted_digits(dimensions, seed, scramble)):
        count, base = digits.shape
        rest = np.asarray(indices, dtype=np.int64)
        for place in range(count):
            points[:, column] += digits[place, rest % base] * float(base) ** -(place + 1)
            rest = rest // base
    return points


@lru_cache(maxsize=64)
def _permuted_digits(dimensions: int, seed: int, scramble: int) -> list[NDArray[np.int64]]:
    """For each coordinate (digits, base) what stands for each digit at each place.

    So many places that float64 can tell all points apart and none is rounded to 1.
    """
    rng = stream(seed, "halton", scramble)
    counts = [(base, int(_HALTON_BITS / np.log2(base))) for base in _primes(dimensions)]
    return [rng.permuted(np.tile(np.arange(b), (count, 1)), axis=1) for b, count in counts]


def _primes(count: int) -> list[int]:
    """The first prime numbers."""
    primes: list[int] = []
    number = 2
    while len(primes) < count:
        if all(number % prime for prime in primes):
            primes.append(number)
        number += 1
    return primes


def sobol_points(
    dimensions: int, indices: Sequence[int], seed: int, scramble: int = 0
) -> FloatArray:
    """Points of a Sobol' sequence that the study's seed scrambles.

    Args:
        dimensions: The number of coordinates, d.
        indices: Which b points, counted from 0.
        seed: The study's seed.
        scramble: Which of the study's independently scrambled sequences.

    Returns:
        (b, d) The points, in [0, 1).
    """
    wanted = np.asarray(indices, dtype=np.int64) % _PERIOD
    bits = int(wanted.max(initial=0)).bit_length()
    first, *powers = _generators(dimensions, seed, scramble, max(bits, _FEW))
    points = np.tile(first, (len(wanted), 1))
    for bit, point in enumerate(powers):
        points[(wanted >> bit) & 1 == 1] ^= first ^ point
    return points / _PERIOD


@lru_cache(maxsize=64)
def _generators(dimensions: int, seed: int, scramble: int, bits: int) -> NDArray[np.uint32]:
    """(bits + 1, d) The numerators of the points 0, 1, 2, 4, 8, ..., of which all others follow.

    Relative to point 0, a point is the exclusive or of those for the binary digits of its index:
    the sequence is a linear function of them (Bratley and Fox, "Algorithm 659", ACM TOMS 14,
    1988), also in the order of Gray codes, and a scramble of this kind is affine.
    """
    from scipy.stats.qmc import Sobol

    engine = Sobol(dimensions, scramble=True, seed=stream(seed, "sobol", scramble))
    points, position = [], 0
    for index in (0, *(2**bit for bit in range(bits))):
        if index > position:  # scipy can't skip zero points at the begin
            engine.fast_forward(index - position)
        points.append(engine.random(1)[0])
        position = index + 1
    numerators: NDArray[np.uint32] = np.rint(np.array(points) * _PERIOD).astype(np.uint32)
    return numerators
