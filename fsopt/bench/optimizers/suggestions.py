"""How long one proposal takes, in studies of many sizes: `fsopt bench suggest`."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from fsopt.bench.child import peak_memory
from fsopt.bench.optimizers.contest import one_thread
from fsopt.bench.optimizers.entrants import Entrant, entrant
from fsopt.bench.optimizers.ledger import Ledger
from fsopt.bench.table import Cell, Measured, Missing, Row, Table
from fsopt.history import FloatArray
from fsopt.space import Categorical, Float, Int, Ordinal, Space, sample
from fsopt.streams import stream

_PATIENCE = 60.0  # seconds; who takes longer is not measured in a larger study
_MEGABYTE = 1e6
_WARM = 60  # trials, more than an initial design has

SPACES: Mapping[str, Space] = {
    "5 floats": Space(*[Float(f"x{i}", 0.0, 1.0) for i in range(5)]),
    "20 floats": Space(*[Float(f"x{i}", 0.0, 1.0) for i in range(20)]),
    "7 mixed": Space(
        *(Float("rate", 1e-5, 1.0, log=True), Float("dropout", 0.0, 0.8)),
        *(Int("layers", 1, 8), Int("units", 8, 1024, log=True)),
        *(Ordinal("batch", [16, 32, 64, 128]), Categorical("solver", ["a", "b", "c"])),
        Float("momentum", 0.0, 0.99),
        conditions={"momentum": "solver == 'a'"},
    ),
}
"""In which spaces."""


@dataclass(frozen=True, slots=True)
class Suggesting:
    """What was measured of one optimizer, in one study."""

    costs: Sequence[float]
    """CPU seconds of each proposal."""
    memory: int
    """The most that the process has had, in bytes."""
    seconds: float
    """How long it took, with taking in the study."""


def measure(name: str, space_name: str, trials: int, proposals: int) -> Suggesting:
    """Let an optimizer propose in a study of random trials, in this process.

    Before that it proposes in a small study, so that everything has been imported.

    Args:
        name: The optimizer.
        space_name: One of `SPACES`.
        trials: How many trials have ended before.
        proposals: How many it makes, one after the other; each is told a value.
    """
    _costs(name, SPACES[space_name], _WARM, 1)
    begun = time.perf_counter()
    costs = _costs(name, SPACES[space_name], trials, proposals)
    return Suggesting(costs, peak_memory(), time.perf_counter() - begun)


def _costs(name: str, space: Space, trials: int, proposals: int) -> list[float]:
    """CPU seconds of each proposal, together with taking in its result."""
    units = sample(space, trials, stream(0, "suggest", trials))
    values = _values(units)
    ledger = Ledger(space, trials + proposals)
    ledger.fill(units, values)
    configurations = [space.from_row(row) for row in space.from_unit(units)]
    costs = []
    made = entrant(name).enter(space, 0, trials + proposals)
    with contextlib.closing(made) as contestant:
        contestant.load(configurations, values.tolist())
        for _ in range(proposals):
            begun = time.process_time()
            params = contestant.ask(ledger.count, ledger.history())
            asked = time.process_time() - begun
            number = ledger.begin(params, 0, 0.0)
            value = float(_values(space.to_unit(space.to_row(params)[np.newaxis]))[0])
            ledger.end(number, value, 0.0)
            begun = time.process_time()
            contestant.tell(number, value)
            costs.append(asked + time.process_time() - begun)
    return costs


def compare(
    entrants: Iterable[Entrant],
    sizes: Sequence[int],
    proposals: int,
    tell: Callable[[str], None],
) -> Table:
    """Measure optimizers in all spaces, each study in a process of its own.

    Args:
        entrants: Who; the others are compared with the first.
        sizes: The numbers of trials, ascending.
        proposals: How many proposals in each study.
        tell: Called with what is going to be measured.
    """
    titles = {one.name: one.name for one in entrants}
    rows = []
    for space in SPACES:
        patience = _Patience()
        for trials in sizes:
            times: dict[str, Cell] = {}
            memories: dict[str, Cell] = {}
            for name in titles:
                tell(f"{name}, {space}, {trials:,} trials")
                found = patience.measure(partial(_apart, name, space, trials, proposals), name)
                times[name], memories[name] = found
            what = f"{trials:,} trials of {space}"
            rows.append(Row(f"{what}: CPU of a proposal", "ms", times))
            rows.append(Row(f"{what}: peak memory", "MB", memories))
    return Table(titles, rows)


@dataclass(slots=True)
class _Patience:
    """Leaves out who has failed or took too long in a smaller study."""

    _missing: dict[str, Missing] = field(default_factory=dict)

    def measure(self, take: Callable[[], Suggesting], name: str) -> tuple[Cell, Cell]:
        if name in self._missing:
            return self._missing[name], self._missing[name]
        try:
            found = take()
        except Exception as error:  # noqa: BLE001  # whatever another package raises
            missing = Missing(f"failed: {type(error).__name__}: {error}", failed=True)
            self._missing[name] = Missing("not measured")
            return missing, missing
        if found.seconds > _PATIENCE:
            self._missing[name] = Missing("not measured")
        costs = tuple(1000 * seconds for seconds in found.costs)
        return Measured(costs), Measured((found.memory / _MEGABYTE,))


def _apart(name: str, space_name: str, trials: int, proposals: int) -> Suggesting:
    spawn = multiprocessing.get_context("spawn")
    with one_thread(), ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(measure, name, space_name, trials, proposals).result()


def _values(units: FloatArray) -> FloatArray:
    """(n,) A bowl with ripples."""
    bowl = (units - 0.3) ** 2 + 0.05 * np.sin(20 * units)
    values: FloatArray = np.nansum(bowl, axis=1)
    return values
