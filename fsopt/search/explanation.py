"""Why a configuration was proposed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fsopt.history import FloatArray, History

REPLACEMENT = "random replacement"
"""The source of a proposal that `fsopt.search.distinct.replace_unusable` made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What an optimizer can tell of one of its proposals."""

    source: str
    """Which part of it made the proposal, for people, such as ``"point 7 of a Sobol' sequence"``.
    """
    surrogate: str | None = None
    """The model that predicted it, such as ``"Gaussian process"``."""
    mean: float | None = None
    """The value that was expected of it, to be minimised; with several objectives there is none.
    """
    deviation: float | None = None
    """The standard deviation of that expectation, without noise."""
    acquisition: str | None = None
    """The name of what the proposal maximises."""
    acquisition_value: float | None = None
    """Its value at the proposal."""


@runtime_checkable
class Explainer(Protocol):
    """An optimizer that can explain its proposals."""

    def explain(
        self, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation | None:
        """Explain a proposal that this optimizer has made.

        Args:
            history: The study as the optimizer saw it; trials that were proposed before in the
                same call are pending.
            number: The trial.
            seed: The study's seed.
            unit: (d,) The configuration that was proposed, as a unit row.

        Returns:
            None if nothing can be told.
        """
        ...
