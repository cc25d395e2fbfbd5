"""What an optimizer may look at: the study so far, as arrays."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fsopt.prior import EarlierStudy
from fsopt.space import Space

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_DECIMALS = 12  # to which unit rows are compared
_INACTIVE = -1.0  # stands for NaN, which does not equal itself; no position is negative
_BATCH = 2**14  # rows that are hashed together, so that they stay in the processor's cache
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_NEWEST, _SHARE = 1024, 64  # hashes apart from the others: at least, and at most one in so many


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrays:
    """The trials of a `History`; see there."""

    X: FloatArray
    Y: FloatArray
    numbers: IntArray
    X_failed: FloatArray
    X_pending: FloatArray
    excess: FloatArray | None = None


class Source(Protocol):
    """Where a `History` comes from: knows more than it copies."""

    @property
    def ended(self) -> int:
        """How many trials have values or failed."""
        ...

    def arrays(self) -> Arrays:
        """All trials."""
        ...

    def is_taken(self, units: FloatArray) -> BoolArray:
        """(k,) Which unit rows (k, d) were given out."""
        ...


class History:
    """The trials that a decision is based on.

    There are ``n`` trials with values, ``d`` parameters and ``m`` objectives. Configurations are
    *unit rows* as in `fsopt.space`: one column a parameter, in [0, 1], NaN where the parameter is
    inactive. Every objective is to be minimised.

    Of a study, `ended` and `is_taken` cost the same however many trials there are. The arrays are
    made when one of them is first read; read none of them after the study has gone on.
    """

    __slots__ = ("_arrays", "_source", "budget", "noisy", "prior", "space")

    def __init__(
        self,
        *,
        space: Space,
        X: FloatArray,
        Y: FloatArray,
        numbers: IntArray,
        X_failed: FloatArray,
        X_pending: FloatArray,
        noisy: bool | None = None,
        excess: FloatArray | None = None,
    ) -> None:
        """The history of the trials given; see the properties of these names."""
        arrays = Arrays(
            X=X, Y=Y, numbers=numbers, X_failed=X_failed, X_pending=X_pending, excess=excess
        )
        self.space = space
        self.noisy = noisy
        """Whether a configuration may have another value each time, and may be proposed again;
        None if nobody has said."""
        self.budget: int | None = None
        """How many trials the study shall have, if somebody has said so."""
        self.prior: tuple[EarlierStudy, ...] = ()
        """What is known from earlier studies, by id."""
        self._arrays: Arrays | None = arrays
        self._source: Source = _Given(arrays)

    @classmethod
    def of(
        cls,
        space: Space,
        source: Source,
        *,
        noisy: bool | None = None,
        budget: int | None = None,
        prior: tuple[EarlierStudy, ...] = (),
    ) -> History:
        """The history that a source tells of."""
        history = cls.empty(space)
        history.prior = prior
        history._arrays, history._source = None, source
        history.noisy, history.budget = noisy, budget
        return history

    @classmethod
    def empty(cls, space: Space, objectives: int = 1) -> History:
        """The history of a study in which nothing has happened yet."""
        none = np.empty((0, len(space)))
        return cls(
            space=space,
            X=none,
            Y=np.empty((0, objectives)),
            numbers=np.empty(0, dtype=np.int64),
            X_failed=none,
            X_pending=none,
        )

    @property
    def X(self) -> FloatArray:
        """(n, d) Configurations that have values, in the order of their trial numbers."""
        return self._loaded().X

    @property
    def Y(self) -> FloatArray:
        """(n, m) Their values, finite, to be minimised."""
        return self._loaded().Y

    @property
    def excess(self) -> FloatArray:
        """(n, c) By how much they exceed the limits of the c constrained outcomes.

        A trial with a positive excess violates a constraint.
        """
        excess = self._loaded().excess
        return np.empty((len(self.Y), 0)) if excess is None else excess

    @property
    def is_allowed(self) -> BoolArray:
        """(n,) Which of them violate no constraint on outcomes."""
        allowed: BoolArray = np.all(self.excess <= 0, axis=1)
        return allowed

    @property
    def numbers(self) -> IntArray:
        """(n,) Their trial numbers, ascending."""
        return self._loaded().numbers

    @property
    def X_failed(self) -> FloatArray:
        """(k, d) Configurations whose evaluation failed."""
        return self._loaded().X_failed

    @property
    def X_pending(self) -> FloatArray:
        """(q, d) Configurations that are waiting, running or paused."""
        return self._loaded().X_pending

    @property
    def ended(self) -> int:
        """How many trials have values or failed, n + k."""
        return self._source.ended

    def is_taken(self, units: FloatArray) -> BoolArray:
        """(k,) Which of the snapped unit rows (k, d) were ever given out, to twelve decimals."""
        return self._source.is_taken(units)

    def checksum(self) -> str | None:
        """The CRC-32 of the arrays, as eight hexadecimal digits; None if nobody has read any.

        So it costs little beside the decision that has read them, and nothing beside one that
        needs to know no trials.
        """
        if self._arrays is None:
            return None
        checksum = zlib.crc32("".join(study.id for study in self.prior).encode())
        arrays = [self.numbers, self.X, self.Y, self.X_failed, self.X_pending]
        if self.excess.size:
            arrays.append(self.excess)
        for array in arrays:
            content = np.ascontiguousarray(array, dtype="<f8")
            inactive = np.isnan(content)
            if inactive.any():
                content = np.where(inactive, _INACTIVE, content)  # a NaN may have any sign
            checksum = zlib.crc32(content.data, zlib.crc32(f"{content.shape}".encode(), checksum))
        return f"{checksum:08x}"

    def _loaded(self) -> Arrays:
        if self._arrays is None:
            self._arrays = self._source.arrays()
        return self._arrays


class TakenSet:
    """A set of unit rows, of which it keeps 64-bit hashes: eight bytes each.

    Two different rows of a million share a hash with a probability of 3e-8; then one of them is
    not proposed. Most hashes are in a sorted array, the newest in a set.
    """

    __slots__ = ("_newest", "_sorted")

    def __init__(self) -> None:
        self._sorted = np.empty(0, dtype=np.uint64)
        self._newest: set[int] = set()

    def add(self, units: FloatArray) -> None:
        """Add unit rows (k, d)."""
        hashes = row_hashes(units)
        limit = _NEWEST + len(self._sorted) // _SHARE
        if len(self._newest) + len(hashes) <= limit:
            self._newest.update(hashes.tolist())
            return
        newest = np.fromiter(self._newest, dtype=np.uint64, count=len(self._newest))
        added = np.sort(np.concatenate([hashes, newest]))
        is_repeated = np.append(False, added[1:] == added[:-1])
        added = added[~(is_repeated | self._is_sorted(added))]
        places = np.searchsorted(self._sorted, added)
        self._sorted = np.insert(self._sorted, places, added)
        self._newest = set()

    def holds(self, units: FloatArray) -> BoolArray:
        """(k,) Which of the unit rows (k, d) are in the set."""
        hashes = row_hashes(units)
        found = self._is_sorted(hashes)
        if self._newest:
            found |= np.array([one in self._newest for one in hashes.tolist()], dtype=np.bool_)
        return found

    def _is_sorted(self, hashes: NDArray[np.uint64]) -> BoolArray:
        if not len(self._sorted):
            return np.zeros(len(hashes), dtype=np.bool_)
        places = np.searchsorted(self._sorted, hashes)
        found: BoolArray = self._sorted[np.minimum(places, len(self._sorted) - 1)] == hashes
        return found


def row_hashes(units: FloatArray) -> NDArray[np.uint64]:
    """(k,) A hash of each unit row (k, d); equal where rows agree to twelve decimals."""
    hashes = np.empty(len(units), dtype=np.uint64)
    for start in range(0, len(units), _BATCH):
        batch = units[start : start + _BATCH]
        rounded = np.round(np.where(np.isnan(batch), _INACTIVE, batch), _DECIMALS) + 0.0  # no -0.0
        mixed = np.zeros(len(batch), dtype=np.uint64)
        for column in rounded.view(np.uint64).T:
            mixed = _mix(mixed ^ column)
        hashes[start : start + _BATCH] = mixed
    return hashes


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a good permutation."""
    bits = bits + _GOLDEN
    bits = (bits ^ (bits >> _SHIFTS[0])) * _FACTORS[0]
    bits = (bits ^ (bits >> _SHIFTS[1])) * _FACTORS[1]
    return bits ^ (bits >> _SHIFTS[2])


class _Given:
    """Arrays as a source."""

    __slots__ = ("_arrays", "_taken")

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._taken: TakenSet | None = None

    @property
    def ended(self) -> int:
        return len(self._arrays.X) + len(self._arrays.X_failed)

    def arrays(self) -> Arrays:
        return self._arrays

    def is_taken(self, units: FloatArray) -> BoolArray:
        if self._taken is None:
            self._taken = TakenSet()
            for given in (self._arrays.X, self._arrays.X_failed, self._arrays.X_pending):
                self._taken.add(given)
        return self._taken.holds(units)
