"""What evaluations have said that is not written yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from fsopt.events import AttributeSet, Event, TrialReported
from fsopt.run.evaluation import Attributed, Reported

Key: TypeAlias = tuple[int, int]
"""A trial and an attempt at it."""


@dataclass(slots=True)
class _Note:
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    attributes: list[Event] = field(default_factory=list)

    def events(self, number: int, attempt: int) -> list[Event]:
        if not self.steps:
            return self.attributes
        steps, values = tuple(self.steps), tuple(self.values)
        report = TrialReported(trial=number, attempt=attempt, steps=steps, values=values)
        return [report, *self.attributes]


class Notes:
    """Gathers reports, so that many of them become one event, and attributes."""

    def __init__(self) -> None:
        self._by_attempt: dict[Key, _Note] = {}

    def add(self, message: Reported | Attributed) -> None:
        """Take in what an evaluation says."""
        note = self._by_attempt.setdefault((message.number, message.attempt), _Note())
        if isinstance(message, Reported):
            note.steps.append(message.step)
            note.values.append(message.value)
        else:
            event = AttributeSet(
                trial=message.number,
                attempt=message.attempt,
                name=message.name,
                value=message.value,
            )
            note.attributes.append(event)

    def take(self, key: Key | None = None) -> list[Event]:
        """What was gathered of one attempt, or of all, as events; it is forgotten here."""
        keys: Iterable[Key] = list(self._by_attempt) if key is None else [key]
        return [
            event
            for number, attempt in keys
            if (note := self._by_attempt.pop((number, attempt), None)) is not None
            for event in note.events(number, attempt)
        ]
