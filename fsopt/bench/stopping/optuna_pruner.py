"""Optuna's pruners, told step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsopt.stop import Decision


class OptunaPruner:
    """A pruner.

    Args:
        pruner: The name of its class.
        options: Its options beside ``max_resource``.
        steps: The steps of a complete trial.
        seed: Of the study's name, by which Hyperband chooses brackets.
    """

    def __init__(self, pruner: str, options: Mapping[str, int], steps: int, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        most = {"max_resource": steps} if pruner == "HyperbandPruner" else {}
        self._states = optuna.trial.TrialState
        self._study = optuna.create_study(
            pruner=getattr(optuna.pruners, pruner)(**options, **most),
            sampler=optuna.samplers.RandomSampler(seed=seed),
            study_name=f"study {seed}",
        )
        self._trials: dict[int, Any] = {}

    def begin(self, trial: int, *, is_last: bool) -> None:
        """A trial begins."""
        self._trials[trial] = self._study.ask()

    def report(self, trial: int, step: int, value: float) -> Decision:
        """Take in a value, and ask."""
        asked = self._trials[trial]
        asked.report(value, step)
        return Decision.STOP if asked.should_prune() else Decision.CONTINUE

    def end(self, trial: int, value: float, *, is_complete: bool) -> None:
        """A trial goes on no more."""
        asked = self._trials.pop(trial)
        if value != value:  # Optuna takes no NaN
            self._study.tell(asked, state=self._states.FAIL)
        elif is_complete:
            self._study.tell(asked, value)
        else:
            self._study.tell(asked, state=self._states.PRUNED)

    def promote(self) -> int | None:
        """None: Optuna pauses nothing."""
        return None
