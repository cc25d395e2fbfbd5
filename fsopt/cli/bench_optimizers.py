"""What ``bench optimizers`` does; apart from ``bench``, lest help waits for it to be imported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from fsopt.bench import machine
from fsopt.bench.functions import Problem, select
from fsopt.bench.optimizers.contest import Job, jobs_for, missing, run_all
from fsopt.bench.optimizers.entrants import Entrant, entrant
from fsopt.bench.optimizers.results import RECORDED, Result, ResultFile, recorded
from fsopt.bench.optimizers.scores import Scores, Sheet, costs, details, summary
from fsopt.bench.optimizers.simulation import Setting
from fsopt.bench.report import check_marks, replace_section, section
from fsopt.bench.table import markdown
from fsopt.errors import EvaluationError

_NAME = "fsopt bench optimizers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The options of the verb."""

    wanted: str
    specs: str
    evaluations: int
    seeds: int
    workers: int
    delay: float
    output: Path | None
    document: Path | None
    figures: Path | None
    jobs: int

    @property
    def mark(self) -> str:
        """What tells apart the sections of a document."""
        parallel = f" --workers {self.workers}" * (self.workers > 1)
        return f"{_NAME} --problems {self.wanted}{parallel}" + self._delayed

    @property
    def command(self) -> str:
        """The command that repeats this."""
        budget = f" --evaluations {self.evaluations} --seeds {self.seeds}"
        workers = f" --workers {self.workers}{self._delayed}"
        return f"{_NAME} --problems {self.wanted} --optimizers {self.specs}{budget}{workers}"

    @property
    def _delayed(self) -> str:
        return f" --decentralised {self.delay:g}" if self.delay else ""


def compare(request: Request) -> int:
    """Run what is missing, and tell how all compare.

    Returns:
        How many runs failed.
    """
    problems = select(request.wanted)
    entrants, peers = _entrants(request.specs.split(","))
    _check(request)
    jobs = jobs_for(entrants, problems, _settings(request))
    file = None if request.output is None else ResultFile(request.output)
    results = [] if file is None else file.results
    failures = run_all(
        missing(jobs, results),
        request.jobs,
        results.append if file is None else file.append,
        _tell,
    )
    chosen = _chosen(results, jobs) + _recorded(peers, problems, request)
    if chosen:
        _report(request, Scores(chosen, request.evaluations), entrants)
    return failures


def _entrants(specs: Iterable[str]) -> tuple[list[Entrant], set[str]]:
    """Those who run, and the names of those whose runs were recorded."""
    known = {result.optimizer for result in recorded()}
    running: dict[str, Entrant] = {}
    peers: set[str] = set()
    for spec in specs:
        if spec == RECORDED.rstrip(":"):
            peers |= known
        elif spec.startswith(RECORDED):
            if spec not in known:
                raise EvaluationError(
                    f"there is no {spec!r}; there are {', '.join(sorted(known))}"
                )
            peers.add(spec)
        else:
            running[spec] = entrant(spec)
    return list(running.values()), peers


def _check(request: Request) -> None:
    """Find out now what would fail after all runs."""
    if request.document is not None:
        check_marks(request.document, request.mark)
    if request.figures is not None:
        from fsopt.bench.optimizers.figures import check_plotting

        check_plotting()


def _settings(request: Request) -> list[Setting]:
    return [
        Setting(
            seed=seed,
            evaluations=request.evaluations,
            workers=request.workers,
            delay=request.delay,
        )
        for seed in range(request.seeds)
    ]


def _chosen(results: Sequence[Result], jobs: Sequence[Job]) -> list[Result]:
    """The results of these runs, in their order; of several of one run the longest."""
    longest: dict[object, Result] = {}
    for result in sorted(results, key=lambda result: len(result.regret)):
        longest[result.key] = result
    return [longest[job.key] for job in jobs if job.key in longest]


def _recorded(peers: set[str], problems: Sequence[Problem], request: Request) -> list[Result]:
    """Recorded runs with the same problems and seeds; they were made with one worker."""
    if peers and (request.workers > 1 or request.delay):
        raise EvaluationError("recorded runs have one worker; leave them out, or --workers")
    names = {problem.name for problem in problems}
    return [
        result
        for result in recorded()
        if result.optimizer in peers and result.problem in names and result.seed < request.seeds
    ]


def _report(request: Request, scores: Scores, entrants: Sequence[Entrant]) -> None:
    sheets = [*details(scores), costs(scores), summary(scores)]
    for sheet in sheets:
        _print(sheet)
    if request.document is not None:
        packages = dict.fromkeys(["fsopt", *(one.distribution for one in entrants)])
        facts = machine.facts(Path.cwd(), packages)
        body = [line for sheet in reversed(sheets) for line in _markdown(sheet)]
        text = section(request.command, facts, body)
        replace_section(request.document, request.mark, text)
    if request.figures is not None:
        from fsopt.bench.optimizers.figures import draw

        for path in draw(scores, request.figures):
            click.echo(f"drawn: {path}", err=True)


def _print(sheet: Sheet) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=sheet.title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in sheet.head:
        is_name = head == "optimizer"
        table.add_column(head, justify="left" if is_name else "right", no_wrap=is_name)
    for line in sheet.lines:
        table.add_row(*line)
    Console().print(table)


def _markdown(sheet: Sheet) -> list[str]:
    return [f"**{sheet.title}**", "", *markdown([sheet.head, *sheet.lines]), ""]


def _tell(job: Job, outcome: str) -> None:
    click.echo(f"{job}: {outcome}", err=True)
