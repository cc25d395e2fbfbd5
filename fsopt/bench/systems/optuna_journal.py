"""Optuna's `JournalStorage` over a file, which is what it recommends for shared filesystems."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsopt.bench.systems.base import PARAMETERS, objective

if TYPE_CHECKING:
    import optuna

_JOURNAL = "journal.log"
_STUDY = "bench"


class OptunaJournal:
    """One journal file, with random search."""

    name = "optuna"
    title = "Optuna, JournalStorage"
    module = "optuna"
    distribution = "optuna"
    largest = 100_000
    reads_when_opened = True

    def prepare(self, directory: Path, trials: int) -> None:
        """Let Optuna write the first trial, and write the others' lines after its example.

        Through its own interface 100,000 trials would take minutes.
        """
        directory.mkdir(parents=True, exist_ok=True)
        journal = directory / _JOURNAL
        study = _study(directory)
        if not trials:
            return
        created = len(journal.read_bytes().splitlines())
        OptunaSession(study).run(1)
        example = [json.loads(line) for line in journal.read_bytes().splitlines()[created:]]
        with journal.open("a") as file:
            for line in _lines(example, range(1, trials)):
                file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def open(self, directory: Path) -> OptunaSession:
        """Open the journal, which is read as a whole."""
        return OptunaSession(_study(directory))


class OptunaSession:
    """An open study."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    def run(self, trials: int) -> None:
        """Ask and tell, one trial after the other."""
        for _ in range(trials):
            trial = self._study.ask()
            values = [trial.suggest_float(name, 0.0, 1.0) for name in PARAMETERS]
            self._study.tell(trial, objective(values))

    def count(self) -> int:
        """How many trials have been read."""
        return len(self._study.get_trials(deepcopy=False))

    def close(self) -> None:
        """Nothing is to be closed."""


def _study(directory: Path) -> optuna.Study:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(
        study_name=_STUDY,
        storage=JournalStorage(JournalFileBackend(str(directory / _JOURNAL))),
        sampler=optuna.samplers.RandomSampler(),
        load_if_exists=True,
    )


def _lines(example: list[dict[str, Any]], trials: Iterable[int]) -> Iterator[dict[str, Any]]:
    """The journal's lines for more trials like the one whose lines are given."""
    draws = random.Random(0)
    for trial in trials:
        values = []
        for line in example:
            changed = dict(line)
            if "trial_id" in line:
                changed["trial_id"] = trial
            if "param_name" in line:
                values.append(draws.random())
                changed["param_value_internal"] = values[-1]
            if "values" in line:
                changed["values"] = [objective(values)]
            yield changed
