"""What ``bench cluster`` does; apart from ``bench``, lest help waits for it to be imported."""

from __future__ import annotations

import itertools
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
    proposers: tuple[int, ...]
    optimizers: tuple[str, ...]
    trials_per_worker: int
    seconds: float
    failures: float
    preemptions: float
    losses: float
    problem: str
    seeds: int
    document: Path | None
    as_json: bool

    @property
    def name(self) -> str:
        """What marks the section of a document; comparisons of optimizers have their own."""
        return f"{NAME} --optimizers" if len(self.optimizers) > 1 else NAME

    @property
    def command(self) -> str:
        """The command that repeats this."""
        sizes, proposers = ",".join(map(str, self.sizes)), ",".join(map(str, self.proposers))
        study = f"--workers {sizes} --proposers {proposers}"
        study += f" --trials-per-worker {self.trials_per_worker} --seconds {self.seconds:g}"
        trouble = f"--failures {self.failures:g} --preemptions {self.preemptions:g}"
        trouble += f" --losses {self.losses:g}"
        what = f"--optimizers {','.join(self.optimizers)} --problem {self.problem}"
        return f"{NAME} {study} {trouble} {what} --seeds {self.seeds}"

    def kinds(self) -> list[list[Setting]]:
        """What is simulated: for each kind of study the settings of all seeds."""
        kinds = itertools.product(self.optimizers, self.sizes, self.proposers)
        return [[self._setting(*kind, seed) for seed in range(self.seeds)] for kind in kinds]

    def _setting(self, optimizer: str, workers: int, proposers: int, seed: int) -> Setting:
        return Setting(
            problem=select(self.problem)[0],
            workers=workers,
            proposers=proposers,
            trials=workers * self.trials_per_worker,
            seconds=self.seconds,
            failures=self.failures,
            preemptions=self.preemptions,
            losses=self.losses,
            optimizer=_optimizer(optimizer),
            seed=seed,
        )


def _optimizer(name: str) -> Optimizer:
    if name not in OPTIMIZERS:
        known = ", ".join(sorted(OPTIMIZERS))
        raise EvaluationError(f"there is no optimizer {name!r}; there are {known}")
    made: Optimizer = OPTIMIZERS[name]()
    return made


def measure(request: Request) -> None:
    """Simulate all studies, and tell what came of them."""
    if request.document is not None:
        check_marks(request.document, request.name)
    # What can't be simulated is found out before anything is.
    _report(request, [[_simulated(setting) for setting in kind] for kind in request.kinds()])


def _simulated(setting: Setting) -> Outcome:
    who = f"{setting.workers:,} workers, {setting.proposers:,} of them proposers"
    click.echo(f"simulating: {who}, {setting.optimizer.kind}, seed {setting.seed}", err=True)
    return simulate(setting)


def _report(request: Request, kinds: Sequence[Sequence[Outcome]]) -> None:
    table = texts(kinds)
    if request.document is not None:
        facts = machine.facts(Path.cwd(), [])
        text = section(request.command, facts, markdown(table))
        replace_section(request.document, request.name, text)
    if request.as_json:
        print_json([asdict(outcome) for kind in kinds for outcome in kind])
    else:
        click.echo("\n".join(columns(table)))
