"""What one process knows, as a thin layer over what many know in common.

Ten thousand processes that follow the same snapshots would each hold the same tables. Here they
share them: a layer keeps apart only the few trials that a process itself has told of.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import lru_cache

import numpy as np

from fsopt.errors import SpaceError
from fsopt.events import Record
from fsopt.history import Arrays, BoolArray, FloatArray, History, IntArray, row_hashes
from fsopt.objectives import Objectives
from fsopt.space import Space
from fsopt.state import StudyState, TrialRecord, TrialState, WriterState
from fsopt.state.rows import CODES, Configurations
from fsopt.state.table import TrialTable
from fsopt.study.archive import Archive

_UNFINISHED = (TrialState.WAITING, TrialState.RUNNING, TrialState.PAUSED)


class CommonTable:
    """A table that nobody changes any more, with what would be asked of it again and again."""

    def __init__(self, state: StudyState, objectives: Objectives, space: Space) -> None:
        self.table = state.trials
        self.space, self.objectives = space, objectives
        self.unfinished_in = lru_cache(lambda states: self.table.unfinished_in(*states))
        self.end = self.table.end
        self.complete_below = self.table.complete_below
        self._archive: Archive | None = None

    def history(self) -> History:
        """The history that the table tells of."""
        if self._archive is None:
            self._archive = Archive(self.table, self.space, self.objectives)
        return self._archive.history()


class LayeredTable(TrialTable):
    """A common table, and over it the trials that are different here."""

    def __init__(self, common: CommonTable) -> None:
        self._common = common
        self._own: dict[int, TrialRecord] = {}

    def __len__(self) -> int:
        return len(self._common.table) + sum(n not in self._common.table for n in self._own)

    def __contains__(self, number: int) -> bool:
        return number in self._own or number in self._common.table

    def __getitem__(self, number: int) -> TrialRecord:
        return self._own[number] if number in self._own else self._common.table[number]

    def change(self, number: int, how: Callable[[TrialRecord], None]) -> None:
        """Change a trial; one that is common is copied first."""
        trial = self._own.get(number)
        if trial is None:
            trial = copy.deepcopy(self._common.table.get(number)) or TrialRecord(number)
            self._own[number] = trial
        how(trial)

    @property
    def end(self) -> int:
        """One more than the highest trial number."""
        return max(self._common.end, *(number + 1 for number in self._own), 0)

    @property
    def complete_below(self) -> int:
        """A number below which there is a trial of every number."""
        below = self._common.complete_below
        while below in self:
            below += 1
        return below

    def unfinished_in(self, *states: TrialState) -> list[int]:
        """The numbers of the unfinished trials in one of these states, ascending."""
        own = {number for number, trial in self._own.items() if trial.state in states}
        common = self._common.unfinished_in(states)
        if self._own.keys().isdisjoint(common) and not own:
            return common
        return sorted(own.union(common) - (self._own.keys() - own))

    def unfinished(self) -> Iterator[TrialRecord]:
        """The trials that are waiting, running or paused, by number."""
        return (self[number] for number in self.unfinished_in(*_UNFINISHED))

    def missing_below(self, limit: int) -> list[int]:
        """The numbers below a limit of which no event tells."""
        return [n for n in self._common.table.missing_below(limit) if n not in self._own]

    def count(self, limit: int | None = None) -> dict[TrialState, int]:
        """How many trials are in each state."""
        counts = self._common.table.count(limit)
        for number, trial in self._own.items():
            if limit is None or number < limit:
                known = self._common.table.get(number)
                if known is not None:
                    counts[known.state] -= 1
                counts[trial.state] += 1
        return counts

    def history(self) -> History:
        """The history that both layers tell of."""
        return History.of(self._common.space, _LayeredHistory(self, self._common, self._own))


class LayeredState(StudyState):
    """A common state that nobody changes any more, and what one process knows beyond it."""

    def __init__(self, common: StudyState, table: CommonTable, objectives: int) -> None:
        self._common = common
        self._objectives = objectives
        self.trials = self._table = LayeredTable(table)
        self.writers = self._writers = _Writers(common.writers)
        self.budget = common.budget
        self.generation, self.stopped = common.generation, common.stopped

    @property
    def positions(self) -> dict[str, int]:
        """Only of writers of whom more is known here; of the others the snapshot tells."""
        return {name: writer.known.end for name, writer in self._writers.own.items()}

    def apply(self, record: Record) -> None:
        """Take in one record."""
        self._writers.copy_common(record.writer)
        super().apply(record)

    def history(self) -> History:
        """The study as an optimizer sees it."""
        return self._table.history()


class _Writers(MutableMapping[str, WriterState]):
    """The common writers, and over them those of whom one process knows more."""

    def __init__(self, common: Mapping[str, WriterState]) -> None:
        self._common = common
        self.own: dict[str, WriterState] = {}

    def __getitem__(self, name: str) -> WriterState:
        return self.own[name] if name in self.own else self._common[name]

    def __setitem__(self, name: str, writer: WriterState) -> None:
        self.own[name] = writer

    def __delitem__(self, name: str) -> None:
        raise TypeError("what is known of a writer is never forgotten")

    def __iter__(self) -> Iterator[str]:
        yield from self._common
        yield from (name for name in self.own if name not in self._common)

    def __len__(self) -> int:
        return len(self._common) + sum(name not in self._common for name in self.own)

    def copy_common(self, name: str) -> None:
        """Make a writer one's own, before more is told of it."""
        if name not in self.own and name in self._common:
            self.own[name] = copy.deepcopy(self._common[name])


class _LayeredHistory:
    """A `Source` of history: the common one, with the trials that are different here."""

    def __init__(
        self, table: LayeredTable, common: CommonTable, own: dict[int, TrialRecord]
    ) -> None:
        self._table, self._common, self._own = table, common, own

    @property
    def ended(self) -> int:
        counts = self._table.count()
        return sum(many for state, many in counts.items() if state.is_finished)

    def arrays(self) -> Arrays:
        space, objectives = self._common.space, self._common.objectives
        found = self._common.table.configurations()
        found = _selected(found, ~np.isin(found.numbers, list(self._own)))
        for trial in self._own.values():
            row, outcome = self._row(trial), trial.outcome
            if row is not None:
                values = outcome.values if outcome is not None else ()
                code = CODES.index(trial.state)
                found = found.with_one(trial.number, row, values, code)
        found = _selected(found, np.argsort(found.numbers))
        units = space.to_unit(found.rows)
        valued = found.having(TrialState.COMPLETED, TrialState.STOPPED)
        failed = found.having(TrialState.FAILED)
        return Arrays(
            X=units[valued],
            Y=objectives.to_minimise(found.values[valued]),
            numbers=found.numbers[valued],
            X_failed=units[failed],
            X_pending=units[~(valued | failed)],
        )

    def is_taken(self, units: FloatArray) -> BoolArray:
        taken = self._common.history().is_taken(units)
        rows = [row for trial in self._own.values() if (row := self._row(trial)) is not None]
        if rows:
            own = row_hashes(self._common.space.to_unit(np.array(rows)))
            taken = taken | np.isin(row_hashes(units), own)
        return taken

    def _row(self, trial: TrialRecord) -> FloatArray | None:
        try:
            return None if trial.params is None else self._common.space.to_row(trial.params)
        except SpaceError:
            return None


def _selected(found: Configurations, at: BoolArray | IntArray) -> Configurations:
    return Configurations(found.numbers[at], found.rows[at], found.values[at], found.states[at])
