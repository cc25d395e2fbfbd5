"""Measuring several systems side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from fsopt.bench.sizes import Sizes
from fsopt.bench.systems import System
from fsopt.bench.table import Cell, Measured, Missing, Row, Table
from fsopt.bench.workspace import Workspace
from fsopt.errors import EvaluationError


class NotMeasuredError(Exception):
    """A system is left out of a measurement; the message says why."""


@dataclass(slots=True)
class Bench:
    """What all measurements share."""

    systems: Mapping[str, System]
    """By name; one's own is the first."""
    sizes: Sizes
    work: Workspace
    tell: Callable[[str], None]
    """Called with what is going to be measured."""

    def each(
        self, measure: Callable[[System], Sequence[Measured]], count: int, repeats: int = 1
    ) -> list[dict[str, Cell]]:
        """Measure each system, in turn, as often as asked for.

        Args:
            measure: Measures a system once. It may raise `NotMeasuredError` to leave it out, and
                `EvaluationError` if the system fails.
            count: How many quantities that yields.
            repeats: How often; systems alternate, so that they share what else the machine does.

        Returns:
            For each quantity the cells, by the name of the system.
        """
        found: dict[str, list[Sequence[Measured]]] = {name: [] for name in self.systems}
        missing = {n: Missing("not installed") for n, s in self.systems.items() if is_absent(s)}
        for _ in range(repeats):
            for name in [name for name in self.systems if name not in missing]:
                try:
                    found[name].append(measure(self.systems[name]))
                except NotMeasuredError as error:
                    missing[name] = Missing(str(error))
                except EvaluationError as error:
                    missing[name] = Missing(f"failed: {error}", failed=True)
        return [
            {
                name: missing.get(name) or merged([measured[index] for measured in found[name]])
                for name in self.systems
            }
            for index in range(count)
        ]


Measurement = Callable[[Bench], Iterable[Row]]


def measure_all(bench: Bench, measurements: Iterable[Measurement]) -> Table:
    """Take measurements, one after the other."""
    rows = [row for measurement in measurements for row in measurement(bench)]
    return Table({name: _title(system) for name, system in bench.systems.items()}, rows)


def is_absent(system: System) -> bool:
    """Whether a system is not installed."""
    return find_spec(system.module) is None


def limited(system: System, trials: int) -> tuple[int, str]:
    """So many trials, or as many as a system can be given, and a note if these are fewer."""
    if system.largest is None or trials <= system.largest:
        return trials, ""
    return system.largest, f"at {system.largest:,} trials"


def refuse_beyond(system: System, trials: int) -> None:
    """Leave a system out of what it would take too long to prepare.

    Raises:
        NotMeasuredError: If these are more trials than it can be given.
    """
    if system.largest is not None and trials > system.largest:
        raise NotMeasuredError("not measured")


def merged(repeats: Sequence[Measured]) -> Measured:
    """One quantity that was measured several times."""
    values = tuple(value for measured in repeats for value in measured.values)
    return Measured(values, repeats[0].note)


def _title(system: System) -> str:
    if is_absent(system):
        return f"{system.title} (to compare: pip install {system.distribution})"
    return system.title
