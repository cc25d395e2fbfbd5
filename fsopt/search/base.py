"""What an optimizer is: a pure function from the history to proposals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

from fsopt.history import FloatArray, History


@runtime_checkable
class Optimizer(Protocol):
    """Proposes configurations. It has no ``tell``: the history is told by the log.

    Implementations are frozen dataclasses of at most nine options, so that an optimizer can be
    recorded in the study and read back: JSON scalars, or dataclasses of these that are listed in
    `fsopt.search.registry.OPTIONS`. They hold no state: the same history, trial numbers and seed
    give the same proposals, in any process and at any time.
    """

    kind: ClassVar[str]
    """The name under which it is stored, such as ``"random"``."""

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers.

        Args:
            history: The study so far.
            numbers: The trials to propose for; all randomness derives from the seed and these.
            seed: The study's seed.

        Returns:
            (len(numbers), d) Valid unit rows, different from each other and, unless
            ``history.noisy`` is True, from every configuration in the history.

        Raises:
            InfeasibleSpaceError: If no valid configuration that was not tried is left.
        """
        ...
