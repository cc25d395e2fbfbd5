"""DeepHyper's centralized Bayesian optimization, asked and told."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

from fsopt.bench.functions.base import Values
from fsopt.bench.optimizers.configuration_space import Translation
from fsopt.history import History
from fsopt.space import Space


class DeepHyperSearch:
    """CBO, which maximises.

    Version 0.13.2 sometimes refuses its own value of an inactive parameter with a logarithmic
    scale, where rounding led it out of the range; then the run fails.

    Args:
        space: The space.
        seed: The search's seed.
        options: Others that it takes.
    """

    def __init__(self, space: Space, seed: int, **options: str) -> None:
        from deephyper.hpo import CBO, HpProblem

        self._translation = Translation(space, seed)
        self._files = tempfile.TemporaryDirectory()
        problem = HpProblem(self._translation.made)
        self._search = CBO(problem, random_state=seed, log_dir=self._files.name, **options)
        self._running: dict[int, Any] = {}

    def ask(self, number: int, history: History) -> Values:
        """Ask for a configuration."""
        (config,) = self._search.ask(1)
        self._running[number] = config
        return self._translation.params(config)

    def tell(self, number: int, value: float | Sequence[float] | None) -> None:
        """Tell a value or several, upside down, or a failure."""
        result: object = "F_failed"
        if isinstance(value, Sequence):
            result = tuple(-one for one in value)
        elif value is not None:
            result = -value
        self._search.tell([(self._running.pop(number), result)])

    def load(self, configurations: Sequence[Values], values: Sequence[float]) -> None:
        """Tell values of configurations of our own."""
        lowest = self._translation.lowest  # which stand for what is inactive
        told = [{**lowest, **self._translation.positions(params)} for params in configurations]
        self._search.tell([(c, -value) for c, value in zip(told, values, strict=True)])

    def learn(self, configurations: Sequence[Values], values: Sequence[float]) -> None:
        """Let good configurations of other studies say where to look.

        Args:
            configurations: Of spaces with the same parameters, or fewer.
            values: To be minimised, comparable with each other.
        """
        import pandas as pd

        rows = [self._translation.positions(params) for params in configurations]
        table = pd.DataFrame(rows).rename(columns=lambda name: f"p:{name}")
        self._search.fit_generative_model(table.assign(objective=[-value for value in values]))

    def close(self) -> None:
        """Remove DeepHyper's files."""
        self._files.cleanup()
