"""Which trial numbers a process may use: new ones, and those that were claimed without a word."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from fsopt.study.session import Session

_SUSPECT_AFTER = 1.0
"""Seconds after which a number that was claimed without a word is looked into."""

_LOOK_EVERY = 0.25
"""Seconds between looks for such numbers, while none is to be looked into."""

_SURVEYS_PER_LEASE = 8
"""Looks at the claims of others in the time after which one of them may be lost."""

LOGS_PER_NUMBER = 32
"""Among so many free numbers a process draws one: as many as there are logs, divided by this. So
with few logs everybody takes the lowest."""

_NEAR = 10_000
"""So many numbers are looked at to find those that were claimed without a word."""


@dataclass(slots=True)
class Numbers:
    """Claims numbers for one process, and notices those of which nobody tells."""

    session: Session
    _silent: dict[int, float] = field(default_factory=dict)
    """By number that was claimed without a word, when it was last looked into."""
    _next_look: float = -math.inf
    _next_survey: float = -math.inf

    def claim(self, count: int, limit: int | None) -> list[int]:
        """Claim new numbers.

        Args:
            count: How many at most.
            limit: Only numbers below it, if given.

        Returns:
            The numbers; fewer if there are no more below the limit.

        Raises:
            StorageError: If the claims can't be made.
        """
        numbers: list[int] = []
        session, claims = self.session, self.session.journal.claims
        claims.cursor = max(claims.cursor, session.state.trials.complete_below)
        while len(numbers) < count:
            number = self._claim_one(limit)
            if number is None:
                break
            if not self.was_taken(number):
                numbers.append(number)
        return numbers

    def was_taken(self, number: int) -> bool:
        """Whether a number, just claimed, had been taken before; gives the claim back if so.

        The claims of finished trials are removed after a while, so to win one of them proves
        nothing for a process that has long not looked.

        Raises:
            StorageError: If the logs can't be read, or the claim can't be removed.
        """
        session = self.session
        if not session.is_view_old():
            return False
        session.look()
        if number not in session.state.trials:
            return False
        session.journal.claims.release(number)
        return True

    def survey(self) -> None:
        """See the claims of proposers that are lost: who claims no numbers meets none.

        Raises:
            StorageError: If the claims can't be listed.
        """
        now = self.session.clock()
        if now >= self._next_survey:
            self._next_survey = now + self.session.config.lease / _SURVEYS_PER_LEASE
            self.session.journal.claims.survey(self.session.state.trials.complete_below)

    def silent(self, limit: int | None) -> int | None:
        """A number that was claimed some time ago, of which no event tells.

        At most one is looked into at a time: usually its owner is still thinking.

        Args:
            limit: Only numbers below it, if given.
        """
        trials, now = self.session.state.trials, self.session.clock()
        if now < self._next_look:
            return None
        # An event may tell of any number, however far off; those of which none tells are near.
        claims = self.session.journal.claims
        end = min(max(trials.end, claims.cursor, claims.end), trials.complete_below + _NEAR)
        missing = trials.missing_below(end if limit is None else min(end, limit))
        self._silent = {number: self._silent.get(number, now) for number in missing}
        number = min(self._silent, key=lambda n: self._silent[n], default=None)
        if number is None or now - self._silent[number] < _SUSPECT_AFTER:
            self._next_look = now + _LOOK_EVERY
            return None
        self._silent[number] = now
        return number

    def _claim_one(self, limit: int | None) -> int | None:
        """Claim a number; None if there is none below the limit.

        Few processes propose only, and these may claim many at a time.
        """
        session, known = self.session, self.session.state.trials.__contains__
        among = session.journal.open_segments // LOGS_PER_NUMBER
        if limit is None or among <= 1 or session.role == "propose":
            return session.journal.claims.next_number(known, limit)
        return session.journal.claims.draw_number(known, limit, among)
