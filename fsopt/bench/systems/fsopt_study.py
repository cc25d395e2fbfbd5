"""fsopt's own study directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fsopt.bench.systems.base import PARAMETERS, objective

if TYPE_CHECKING:
    from fsopt.study import Study
    from fsopt.trial import Trial


class FsoptStudy:
    """A study directory, with random search."""

    name = "fsopt"
    title = "fsopt"
    module = "fsopt"
    distribution = "fsopt"
    largest = None
    reads_when_opened = True

    def prepare(self, directory: Path, trials: int) -> None:
        """Create the study, and write what the processes would have left; see `fsopt_files`."""
        import fsopt

        fsopt.create_study(
            directory,
            space=fsopt.Space(*(fsopt.Float(name, 0.0, 1.0) for name in PARAMETERS)),
            optimizer=fsopt.RandomSearch(),
            seed=0,
        ).close()
        if trials:
            from fsopt.bench.systems.fsopt_files import write_trials

            write_trials(directory, trials)

    def open(self, directory: Path) -> FsoptSession:
        """Open the study; from its newest snapshot, if it was compacted."""
        import fsopt

        return FsoptSession(fsopt.open_study(directory))

    def compact(self, directory: Path, *, remove: bool) -> None:
        """What ``fsopt compact`` does."""
        import fsopt

        study = fsopt.open_study(directory)
        if remove:
            study.compact(retention=0.0)
        else:
            study.compact()
        study.close()


class FsoptSession:
    """An open study."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def run(self, trials: int) -> None:
        """Ask and tell, one trial after the other."""
        for _ in range(trials):
            trial = self._study.ask()
            self._study.tell(trial, objective(_floats(trial)))

    def count(self) -> int:
        """How many trials have been read."""
        return len(self._study.state.trials)

    def close(self) -> None:
        """Close the log."""
        self._study.close()


def _floats(trial: Trial) -> list[float]:
    params = cast("Mapping[str, float]", trial.params)
    return [params[name] for name in PARAMETERS]
