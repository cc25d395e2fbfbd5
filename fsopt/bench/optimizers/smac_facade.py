"""SMAC's facades, asked and told."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

from fsopt.bench.functions.base import Values
from fsopt.bench.optimizers.configuration_space import Translation
from fsopt.history import History
from fsopt.space import Space


class SmacFacade:
    """A facade for a deterministic function.

    Args:
        facade: The name of its class in `smac`.
        space: The space.
        seed: SMAC's seed.
        evaluations: How many it is told that there will be.
    """

    def __init__(self, facade: str, space: Space, seed: int, evaluations: int) -> None:
        import smac

        self._translation = Translation(space, seed)
        self._files = tempfile.TemporaryDirectory()
        scenario = smac.Scenario(
            self._translation.made,
            deterministic=True,
            n_trials=evaluations,
            seed=seed,
            output_directory=self._files.name,
        )
        self._smac = getattr(smac, facade)(scenario, _nothing, overwrite=True, logging_level=40)
        self._running: dict[int, Any] = {}
        self._worst = 0.0

    def ask(self, number: int, history: History) -> Values:
        """Ask for a configuration."""
        info = self._running[number] = self._smac.ask()
        return self._translation.params(dict(info.config))

    def tell(self, number: int, value: float | None) -> None:
        """Tell a value, or a crash; its model can't take the infinite cost of one by default."""
        from smac.runhistory import StatusType, TrialValue

        if value is None:
            result = TrialValue(cost=self._worst, status=StatusType.CRASHED)
        else:
            self._worst = max(self._worst, value)
            result = TrialValue(cost=value)
        self._smac.tell(self._running.pop(number), result)

    def load(self, configurations: Sequence[Values], values: Sequence[float]) -> None:
        """Tell values of configurations of our own."""
        from ConfigSpace import Configuration
        from smac.runhistory import TrialInfo, TrialValue

        for params, value in zip(configurations, values, strict=True):
            positions = self._translation.positions(params)
            info = TrialInfo(Configuration(self._translation.made, values=positions), seed=0)
            self._smac.tell(info, TrialValue(cost=value), save=False)

    def close(self) -> None:
        """Remove SMAC's files."""
        self._files.cleanup()


def _nothing(config: object, seed: int = 0) -> float:
    """What SMAC wants as its target function, and never calls here."""
    return 0.0
