"""What ``bench cluster`` does; apart from ``bench``, lest help waits for it to be imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from fsopt.bench import machine
from fsopt.bench.cluster.cluster import Setting
from fsopt.bench.cluster.outcome import Outcome, simulate, texts
from fsopt.bench.functions import select
from fsopt.bench.report import check_marks, replace_section, section
from fsopt.bench.table import columns, markdown
from fsopt.cli.common import print_json
from fsopt.errors import EvaluationError
from fsopt.search import Optimizer
from fsopt.search.registry import OPTIMIZERS

NAME = "fsopt bench cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The options of the verb."""

    sizes: tuple[int, ...]
    trials_per_worker: int
    seconds: float
    failures: float
    preemptions: float
    losses: float
    optimizer: str
    problem: str
    seed: int
    document: Path | None
    as_json: bool

    @property
    def command(self) -> str:
        """The command that repeats this."""
        sizes = ",".join(map(str, self.sizes))
        study = f"--workers {sizes} --trials-per-worker {self.trials_per_worker}"
        trouble = f"--failures {self.failures:g} --preemptions {self.preemptions:g}"
        trouble += f" --losses {self.losses:g}"
        what = f"--optimizer {self.optimizer} --problem {self.problem} --seed {self.seed}"
        return f"{NAME} {study} --seconds {self.seconds:g} {trouble} {what}"

    def setting(self, workers: int) -> Setting:
        """What is simulated for one size."""
        return Setting(
            problem=select(self.problem)[0],
            workers=workers,
            trials=workers * self.trials_per_worker,
            seconds=self.seconds,
            failures=self.failures,
            preemptions=self.preemptions,
            losses=self.losses,
            optimizer=_optimizer(self.optimizer),
            seed=self.seed,
        )


def _optimizer(name: str) -> Optimizer:
    if name not in OPTIMIZERS:
        known = ", ".join(sorted(OPTIMIZERS))
        raise EvaluationError(f"there is no optimizer {name!r}; there are {known}")
    made: Optimizer = OPTIMIZERS[name]()
    return made


def measure(request: Request) -> None:
    """Simulate a study of each size, and tell what came of it."""
    if request.document is not None:
        check_marks(request.document, NAME)
    outcomes = []
    for workers in request.sizes:
        click.echo(f"simulating: {workers:,} workers", err=True)
        outcomes.append(simulate(request.setting(workers)))
    _report(request, outcomes)


def _report(request: Request, outcomes: Sequence[Outcome]) -> None:
    table = texts(outcomes)
    if request.document is not None:
        facts = machine.facts(Path.cwd(), [])
        text = section(request.command, facts, markdown(table))
        replace_section(request.document, NAME, text)
    if request.as_json:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        click.echo("\n".join(columns(table)))
