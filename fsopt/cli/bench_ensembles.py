"""``fsopt bench ensembles``."""

from __future__ import annotations

from pathlib import Path

import click

from fsopt.cli.common import debug_option


@click.command()
@click.option(
    "--tasks",
    "wanted",
    default="all",
    show_default=True,
    metavar="NAME,...",
    help="breast-cancer, digits, iris, moons, wine, diabetes, friedman; or all.",
)
@click.option(
    "--ways",
    "specs",
    default="best,topk,greedy,greedy-bags,voting,stacking",
    show_default=True,
    metavar="NAME,...",
    help="Also deephyper-topk, deephyper-greedy, deephyper-greedy-25, where it is installed.",
)
@click.option("--splits", type=click.IntRange(1), default=10, show_default=True, metavar="N")
@click.option(
    "--recorded/--no-recorded",
    "with_recorded",
    default=True,
    show_default=True,
    help="Whether to show what DeepHyper made of the same predictions elsewhere.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write each score as a line of JSON.",
)
@click.option(
    "--markdown",
    "document",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the tables between the marks in this Markdown file.",
)
@debug_option
@click.pass_context
def ensembles(
    ctx: click.Context,
    wanted: str,
    specs: str,
    splits: int,
    with_recorded: bool,
    output: Path | None,
    document: Path | None,
) -> None:
    """Compare ensembles with the best single model, and with other packages' ensembles.

    On each split 60 models of random configurations are fitted to half of a data set; ensembles of
    them are selected on a quarter and scored on the last quarter. Every way gets the same
    predictions.

    \b
    Example:
      fsopt bench ensembles --tasks iris,wine --splits 3
    """
    from fsopt.bench.ensembles.results import recorded, run, write
    from fsopt.bench.ensembles.tables import comparable, sheets
    from fsopt.bench.ensembles.tasks import TASKS
    from fsopt.bench.ensembles.ways import WAYS
    from fsopt.bench.machine import facts
    from fsopt.bench.report import check_marks, replace_section, section
    from fsopt.bench.table import columns, markdown

    name = "fsopt bench ensembles"
    tasks = list(TASKS) if wanted == "all" else _known(ctx, wanted, list(TASKS), "task")
    ways = [WAYS[way] for way in _known(ctx, specs, list(WAYS), "way")]
    if document is not None:
        check_marks(document, name)
    machine = facts(Path.cwd(), dict.fromkeys(way.distribution for way in ways))
    scores = list(run(tasks, splits, ways, lambda what: click.echo(f"done: {what}", err=True)))
    if output is not None:
        write(output, scores)
    if with_recorded:
        scores += comparable(scores, recorded())
    found = sheets(scores)
    if document is not None:
        command = f"{name} --tasks {wanted} --ways {specs} --splits {splits}"
        body = [
            line
            for s in found
            for line in (f"**{s.title}**", "", *markdown([s.head, *s.lines]), "")
        ]
        replace_section(document, name, section(command, machine, body))
    for sheet in found:
        click.echo("\n".join([sheet.title, *columns([sheet.head, *sheet.lines]), ""]))


def _known(ctx: click.Context, given: str, names: list[str], what: str) -> list[str]:
    words = list(dict.fromkeys(given.split(",")))
    for word in words:
        if word not in names:
            raise click.UsageError(
                f"There is no {what} {word!r}; there are {', '.join(names)}.", ctx=ctx
            )
    return words
