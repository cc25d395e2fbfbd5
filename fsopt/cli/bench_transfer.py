"""``fsopt bench transfer``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from fsopt.cli.common import debug_option, markdown_option

_NAME = "fsopt bench transfer"


@click.command()
@click.option(
    "--tasks",
    default="shifted-hartmann6,shifted-levy,expanded-levy,models",
    show_default=True,
    metavar="NAME,...",
    help="Also shifted-network.",
)
@click.option(
    "--optimizers",
    default="fsopt,fsopt-alone,fsopt-seeded",
    show_default=True,
    metavar="NAME,...",
    help="With the prior, without sources, and with the best trials of the sources evaluated "
    "first; also deephyper-gmm, where it is installed.",
)
@click.option(
    "--sources",
    default="helpful,useless,adversarial",
    show_default=True,
    metavar="KIND,...",
    help="Of which kinds earlier studies are.",
)
@click.option("--evaluations", type=click.IntRange(3), default=100, show_default=True, metavar="N")
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, metavar="N")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("transfer.jsonl"),
    show_default=True,
    metavar="FILE",
    help="Keeps the runs; those that are in it are not made again.",
)
@markdown_option
@debug_option
def transfer(
    tasks: str,
    optimizers: str,
    sources: str,
    evaluations: int,
    seeds: int,
    output: Path,
    document: Path | None,
) -> None:
    """Measure what earlier studies are worth, be they helpful, useless or adversarial.

    Told are geometric means of the regret, and after how many evaluations it is what the optimizer
    alone has at the end.

    \b
    Example:
      fsopt bench transfer --tasks shifted-levy --sources helpful --seeds 3
    """
    from fsopt.bench.optimizers.contest import one_thread
    from fsopt.bench.optimizers.results import Result, ResultFile
    from fsopt.bench.report import check_marks
    from fsopt.bench.table import columns
    from fsopt.bench.transfer.contest import jobs_for, run_missing, summary, texts
    from fsopt.bench.transfer.entrants import ENTRANTS
    from fsopt.bench.transfer.tasks import FAMILIES, KINDS

    if document is not None:
        check_marks(document, _NAME)
    jobs = jobs_for(
        [ENTRANTS[name] for name in _among(optimizers, ENTRANTS)],
        [FAMILIES[name] for name in _among(tasks, FAMILIES)],
        _among(sources, KINDS),
        seeds,
    )
    file = ResultFile(output)

    def tell(result: Result) -> None:
        best = min(result.regret)
        click.echo(f"{result.optimizer} on {result.problem}, {result.seed}: {best:.4g}", err=True)

    with one_thread():
        run_missing(jobs, evaluations, file, tell)
    rows = texts(summary(file.results, evaluations), evaluations)
    click.echo("\n".join(columns(rows)))
    if document is not None:
        packages = {r.optimizer: f"{r.package} {r.version}" for r in file.results}
        _document(document, f"{_NAME} --evaluations {evaluations}", packages, rows)


def _among(words: str, known: Iterable[str]) -> list[str]:
    names = words.split(",")
    listed = list(known)
    for name in names:
        if name not in listed:
            raise click.UsageError(f"there is no {name!r}; known are {', '.join(listed)}.")
    return names


def _document(path: Path, command: str, packages: dict[str, str], rows: list[list[str]]) -> None:
    from fsopt.bench import machine
    from fsopt.bench.report import replace_section, section
    from fsopt.bench.table import markdown

    facts = machine.facts(Path.cwd(), []) | packages
    replace_section(path, _NAME, section(command, facts, markdown(rows)))
