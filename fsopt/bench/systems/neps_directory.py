"""The directory of NePS (neural-pipeline-search)."""

from __future__ import annotations

import contextlib
import io
import logging
from pathlib import Path

from fsopt.bench.systems.base import PARAMETERS, objective


class NepsDirectory:
    """A directory with several files for each trial, with random search."""

    name = "neps"
    title = "NePS"
    module = "neps"
    distribution = "neural-pipeline-search"
    largest = 200
    reads_when_opened = False

    def prepare(self, directory: Path, trials: int) -> None:
        """Run so many trials; at least one, since the first run is what makes the study."""
        directory.mkdir(parents=True, exist_ok=True)
        NepsSession(directory).run(max(trials, 1))

    def open(self, directory: Path) -> NepsSession:
        """Import NePS; it reads the directory when it runs."""
        return NepsSession(directory)


class NepsSession:
    """A directory that NePS may be run in."""

    def __init__(self, directory: Path) -> None:
        import neps

        logging.getLogger("neps").setLevel(logging.ERROR)
        self._neps = neps
        # It does not take a directory that exists and is empty.
        self._directory = directory / "neps"
        floats = {name: neps.Float(0.0, 1.0) for name in PARAMETERS}
        self._space = type("Space", (neps.PipelineSpace,), floats)()

    def run(self, trials: int) -> None:
        """Run a worker for so many trials."""
        with contextlib.redirect_stdout(io.StringIO()):
            self._neps.run(
                _evaluate,
                self._space,
                root_directory=self._directory,
                optimizer="random_search",
                worker_evaluations_to_spend=trials,
            )

    def count(self) -> int:
        """How many trials have a result."""
        return len(list(self._directory.glob("configs/*/report.yaml")))

    def close(self) -> None:
        """Nothing is to be closed."""


def _evaluate(**values: float) -> float:
    return objective([values[name] for name in PARAMETERS])
