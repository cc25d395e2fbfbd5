"""What the newest snapshot tells: it may stand for logs and claims that were removed since."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Run: TypeAlias = tuple[int, int]
"""Events of a writer from one number up to, not including, another."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a snapshot tells of one writer's log."""

    end: int
    """One more than the highest number of an event that it knows."""
    gaps: Sequence[Run]
    """The events below that it does not know."""
    lengths: Mapping[int, int]
    """By segment, how many of its bytes were read."""

    def without(self, missing: Sequence[Run]) -> list[Run]:
        """Of runs of events, ascending, what the snapshot does not know either."""
        unknown = [*self.gaps, (self.end, max([self.end, *(high for _, high in missing)]))]
        both = ((max(a, c), min(b, d)) for a, b in missing for c, d in unknown)
        return [(low, high) for low, high in both if low < high]


NO_LOG = Log(end=0, gaps=(), lengths={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a snapshot tells of a study."""

    logs: Mapping[str, Log] = field(default_factory=dict)
    trials: Collection[int] = frozenset()
    attempts: Collection[tuple[int, int]] = frozenset()
    """Attempts, by trial and index, of which it tells the start."""
    watermark: int = 0
    """Claims of numbers below it may have been removed."""
    budget: int = 0
    """How many trials there shall be; 0 if nobody has said so."""

    def log(self, writer: str) -> Log:
        """What it tells of a writer's log."""
        return self.logs.get(writer, NO_LOG)
