"""What ``bench optimizers`` does; apart from ``bench``, lest help waits for it to be imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from fsopt.bench import machine
from fsopt.bench.functions import Problem, select
from fsopt.bench.optimizers.contest import Job, jobs_for, missing, run_all
from fsopt.bench.optimizers.entrants import entrant
from fsopt.bench.optimizers.results import RECORDED, Result, ResultFile, recorded
from fsopt.bench.optimizers.scores import Scores, Sheet, costs, details, summary
from fsopt.bench.optimizers.simulation import Setting
from fsopt.bench.report import check_marks, replace_section, section
from fsopt.bench.table import markdown
from fsopt.errors import EvaluationError

_NAME = "fsopt bench optimizers"
_ALL_RECORDED = "recorded"


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
    specs = dict.fromkeys(request.specs.split(","))
    entrants = [entrant(spec) for spec in specs if not _is_recorded(spec)]
    peers = _recorded([spec for spec in specs if _is_recorded(spec)], problems, request)
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
    chosen = _chosen(results, jobs) + peers
    if chosen:
        _report(request, Scores(chosen, request.evaluations))
    return failures


def _is_recorded(spec: str) -> bool:
    return spec == _ALL_RECORDED or spec.startswith(RECORDED)


def _recorded(specs: Sequence[str], problems: Sequence[Problem], request: Request) -> list[Result]:
    """Recorded runs with the same problems and seeds.

    Raises:
        EvaluationError: If one was not recorded, or they can't be compared with the others.
    """
    if not specs:
        return []
    if request.workers > 1 or request.delay:
        raise EvaluationError("recorded runs have one worker; leave them out, or --workers")
    runs = recorded()
    known = dict.fromkeys(run.optimizer for run in runs)
    for spec in specs:
        if spec not in (*known, _ALL_RECORDED):
            raise EvaluationError(f"there is no {spec!r}; there are {', '.join(known)}")
    names = {problem.name for problem in problems}
    return [
        run
        for run in runs
        if (run.optimizer in specs or _ALL_RECORDED in specs)
        and run.problem in names
        and run.seed < request.seeds
    ]


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


def _report(request: Request, scores: Scores) -> None:
    sheets = [*details(scores), costs(scores), summary(scores)]
    for sheet in sheets:
        _print(sheet)
    if request.document is not None:
        ran = {one.optimizer: f"{one.package} {one.version}" for one in scores.results}
        facts = machine.facts(Path.cwd(), []) | ran
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
