"""The verb ``bench stopping``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fsopt.cli.common import debug_option, json_option, print_json

if TYPE_CHECKING:
    from fsopt.bench.stopping.contest import Contest
    from fsopt.bench.stopping.scores import Score

_NAME = "fsopt bench stopping"
_HEAD = ["stopper", "steps, % of all", "regret", "more regret than none", "saving", "speed"]


@click.command()
@click.option(
    "--stoppers",
    default="all",
    show_default=True,
    metavar="NAME,...",
    help="Such as halving, median, extrapolation, optuna-median, deephyper-halving; or all.",
)
@click.option("--tasks", default="all", show_default=True, metavar="NAME,...")
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, metavar="N")
@click.option(
    "--workers",
    "counts",
    default="1,32",
    show_default=True,
    metavar="N,...",
    help="How many trials go on at the same time, in virtual time.",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    metavar="N",
    help="How many configurations of each task are tried.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write all runs into this Parquet file.",
)
@click.option(
    "--markdown",
    "document",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the tables between the marks in this Markdown file.",
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Runs at the same time."
)
@json_option
@debug_option
@click.pass_context
def stopping(ctx: click.Context, /, as_json: bool, document: Path | None, **options: Any) -> None:
    """Compare stoppers on recorded learning curves.

    Trials follow curves of 81 steps of neural networks, linear models and boosted trees, in
    virtual time. Told is which part of all steps was spent; the regret of the best trial, 1 for
    that of the median configuration; how many times as many steps finding as much takes without
    stopping; and how many times as soon all was over. Stoppers of packages that are not installed
    are those of recorded runs, if there are some with the same seeds, workers and trials.

    \b
    Example:
      fsopt bench stopping --stoppers halving,optuna-halving --seeds 3
      fsopt bench stopping --markdown docs/benchmarks.md
    """
    from fsopt.bench import machine
    from fsopt.bench.report import check_marks, replace_section, section
    from fsopt.bench.stopping.contest import compare
    from fsopt.bench.stopping.results import write
    from fsopt.bench.table import columns, markdown

    if document is not None:
        check_marks(document, _NAME)
    contests = _contests(ctx, options)
    results = {one: compare(one, options["jobs"], _tell) for one in contests}
    if options["output"] is not None:
        write([run for _, runs in results.values() for run in runs], options["output"])
    sheets = {one.workers: [_HEAD, *map(_line, scores)] for one, (scores, _) in results.items()}
    if document is not None:
        heads = {count: f"**{_workers(count)}**" for count in sheets}
        body = [
            line for n, sheet in sheets.items() for line in (heads[n], "", *markdown(sheet), "")
        ]
        facts = machine.facts(Path.cwd(), _packages(contests))
        replace_section(document, _NAME, section(_command(options), facts, body))
    if as_json:
        print_json(
            [
                {"workers": one.workers, **asdict(score)}
                for one, (scores, _) in results.items()
                for score in scores
            ]
        )
        return
    for count, sheet in sheets.items():
        click.echo("\n".join([_workers(count), *columns(sheet), ""]))


def _contests(ctx: click.Context, options: Mapping[str, Any]) -> list[Contest]:
    """What is to be compared, for each count of workers."""
    from fsopt.bench.stopping.contest import Contest
    from fsopt.bench.stopping.rivals import RIVALS, rival
    from fsopt.bench.stopping.tables import load

    names = _words(options["stoppers"], RIVALS)
    tasks = _words(options["tasks"], load())
    counts = options["counts"].split(",")
    if not all(count.isdecimal() and int(count) for count in counts):
        raise click.UsageError(
            f"--workers takes numbers like 1,32, not {options['counts']!r}.", ctx
        )
    unknown = [task for task in tasks if task not in load()]
    if unknown:
        known = ", ".join(load())
        raise click.UsageError(f"there is no task {unknown[0]!r}; there are {known}.", ctx)
    return [
        Contest(
            rivals=tuple(map(rival, names)),
            tasks=tuple(tasks),
            seeds=options["seeds"],
            trials=options["trials"],
            workers=int(count),
        )
        for count in dict.fromkeys(counts)
    ]


def _words(given: str, known: Iterable[str]) -> list[str]:
    return list(known) if given == "all" else list(dict.fromkeys(given.split(",")))


def _packages(contests: Sequence[Contest]) -> list[str]:
    return list(dict.fromkeys(one.distribution for one in contests[0].rivals))


def _command(options: Mapping[str, Any]) -> str:
    given = {"workers": options["counts"]}
    given |= {name: options[name] for name in ("stoppers", "tasks", "seeds", "trials")}
    return f"{_NAME} {' '.join(f'--{name} {value}' for name, value in given.items())}"


def _line(score: Score) -> list[str]:
    return [
        score.stopper,
        f"{100 * score.share:.1f}",
        f"{score.regret:.3f}",
        f"{score.worse:+.3f}",
        f"{score.saving:.1f} x",
        f"{score.speed:.1f} x",
    ]


def _workers(count: int) -> str:
    return f"{count} worker{'s' if count > 1 else ''}"


def _tell(what: str) -> None:
    click.echo(f"replaying: {what}", err=True)
