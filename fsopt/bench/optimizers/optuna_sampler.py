"""Optuna's samplers, with parameters as the define-by-run interface asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fsopt.bench.functions.base import Values
from fsopt.bench.optimizers.dials import Dial, assemble, dials_of
from fsopt.history import History
from fsopt.space import Space

if TYPE_CHECKING:
    import optuna

_VIOLATIONS = "violations"  # the name of an attribute of trials


class OptunaSampler:
    """A study in memory.

    A parameter is asked for if its condition holds. Categoricals are categorical, ordered values
    are integers.

    Args:
        sampler: The name of its class in `optuna.samplers`.
        space: The space.
        seed: The sampler's seed.
        objectives: How many there are.
        constrained: Whether `constrain` will be called.
        options: Others that it takes.
    """

    def __init__(
        self,
        sampler: str,
        space: Space,
        seed: int,
        objectives: int = 1,
        *,
        constrained: bool = False,
        **options: object,
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._dials = dials_of(space)
        self._tells_constraints = hasattr(optuna.Trial, "set_constraint")
        if constrained and not self._tells_constraints:  # before version 5
            options["constraints_func"] = lambda trial: trial.user_attrs.get(_VIOLATIONS, ())
        made = getattr(optuna.samplers, sampler)(seed=seed, **options)
        self._study = optuna.create_study(sampler=made, directions=["minimize"] * objectives)
        self._trials: dict[int, optuna.Trial] = {}

    def ask(self, number: int, history: History) -> Values:
        """Begin a trial and ask for its parameters, one after the other."""
        trial = self._trials[number] = self._study.ask()
        return assemble(self._space, self._dials, lambda dial: _suggest(trial, dial))

    def constrain(self, number: int, excess: Sequence[float]) -> None:
        """Tell by how much a trial is beyond each limit; not beyond it if not positive."""
        trial = self._trials[number]
        if not self._tells_constraints:
            trial.set_user_attr(_VIOLATIONS, list(excess))
            return
        for index, amount in enumerate(excess):
            trial.set_constraint(f"limit {index}", amount)

    def tell(self, number: int, value: float | Sequence[float] | None) -> None:
        """End a trial."""
        from optuna.trial import TrialState

        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        self._study.tell(self._trials.pop(number), value, state=state)

    def load(self, configurations: Sequence[Values], values: Sequence[float]) -> None:
        """Add trials that have ended."""
        from optuna.trial import create_trial

        distributions = {dial.parameter.name: _distribution(dial) for dial in self._dials}
        positions = {dial.parameter.name: dial.position for dial in self._dials}
        self._study.add_trials(
            [
                create_trial(
                    params={name: positions[name](given) for name, given in params.items()},
                    distributions={name: distributions[name] for name in params},
                    value=value,
                )
                for params, value in zip(configurations, values, strict=True)
            ]
        )

    def close(self) -> None:
        """Nothing is to be closed."""


def _suggest(trial: optuna.Trial, dial: Dial) -> Any:
    name = dial.parameter.name
    if dial.kind == "real":
        return trial.suggest_float(name, dial.low, dial.high, log=dial.log)
    if dial.kind == "integer":
        return trial.suggest_int(name, int(dial.low), int(dial.high), log=dial.log)
    return trial.suggest_categorical(name, range(int(dial.high) + 1))


def _distribution(dial: Dial) -> Any:
    from optuna import distributions

    if dial.kind == "real":
        return distributions.FloatDistribution(dial.low, dial.high, log=dial.log)
    if dial.kind == "integer":
        return distributions.IntDistribution(int(dial.low), int(dial.high), log=dial.log)
    return distributions.CategoricalDistribution(range(int(dial.high) + 1))
