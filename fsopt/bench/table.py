"""The table of a benchmark: rows of cells, one for each system, and what they look like."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured, once or several times."""

    values: tuple[float, ...]
    note: str = ""
    """In what this differs from what the row says."""

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing was measured."""

    reason: str
    failed: bool = False
    """Whether it was tried."""


Cell: TypeAlias = Measured | Missing


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity, for each system by its name."""

    what: str
    unit: str
    cells: Mapping[str, Cell]
    better: Literal["less", "more"] = "less"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows, and the systems that are compared; the first is the one the others are compared with.

    Attributes:
        titles: The head of each system's column, by its name.
        rows: In the order in which they were measured.
    """

    titles: Mapping[str, str]
    rows: Sequence[Row]

    @property
    def own(self) -> str:
        """The system that the others are compared with."""
        return next(iter(self.titles))

    def failures(self) -> list[str]:
        """What was tried with one's own system and did not succeed."""
        cells = ((row.what, row.cells[self.own]) for row in self.rows)
        return [f"{w}: {c.reason}" for w, c in cells if isinstance(c, Missing) and c.failed]

    def texts(self) -> list[list[str]]:
        """The table as text, its head first; ratios only to systems that were measured."""
        peers = [name for name in self.titles if name != self.own and self._is_measured(name)]
        head = ["", *self.titles.values(), *(f"than {self.titles[peer]}" for peer in peers)]
        return [head, *(self._line(row, peers) for row in self.rows)]

    def data(self) -> list[dict[str, Any]]:
        """The rows as JSON."""
        return [
            {
                "what": row.what,
                "unit": row.unit,
                "better": row.better,
                "systems": {name: _data(cell) for name, cell in row.cells.items()},
                "times_better_than": {
                    name: ratio(row, self.own, name) for name in row.cells if name != self.own
                },
            }
            for row in self.rows
        ]

    def _is_measured(self, name: str) -> bool:
        return any(isinstance(row.cells[name], Measured) for row in self.rows)

    def _line(self, row: Row, peers: Sequence[str]) -> list[str]:
        what = f"{row.what}, {row.unit}" if row.unit else row.what
        ratios = [ratio(row, self.own, peer) for peer in peers]
        cells = [cell_text(row.cells[name]) for name in self.titles]
        return [what, *cells, *("" if r is None else f"{number(r)} x" for r in ratios)]


def ratio(row: Row, own: str, peer: str) -> float | None:
    """How many times better one's own median is than a peer's; None where that says nothing."""
    mine, theirs = row.cells[own], row.cells[peer]
    if not (isinstance(mine, Measured) and isinstance(theirs, Measured)):
        return None
    top, bottom = mine.median, theirs.median
    if row.better == "less":
        top, bottom = bottom, top
    return top / bottom if top > 0 and bottom > 0 else None


def cell_text(cell: Cell) -> str:
    """A cell: the median, the least and the greatest value, and a note."""
    if isinstance(cell, Missing):
        return cell.reason
    text = number(cell.median)
    low, high = number(min(cell.values)), number(max(cell.values))
    if low != high:
        text += f" ({low} to {high})"
    return f"{text}, {cell.note}" if cell.note else text


def number(value: float) -> str:
    """A number with three significant digits, or all that stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def columns(texts: Sequence[Sequence[str]]) -> list[str]:
    """Lines of text whose columns are aligned."""
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in texts
    ]


def markdown(texts: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    head, *rest = (f"| {' | '.join(line)} |" for line in texts)
    return [head, "|" + " --- |" * len(texts[0]), *rest]


def _data(cell: Cell) -> dict[str, Any]:
    if isinstance(cell, Missing):
        return {"missing": cell.reason}
    values = cell.values
    spread = {"low": min(values), "high": max(values), "repeats": len(values)}
    return {"median": cell.median, **spread, **({"note": cell.note} if cell.note else {})}
