"""Verbs that draw: ``plot``, ``report``; and ``importance``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fsopt.cli.common import (
    debug_option,
    directory_and_rest,
    directory_argument,
    json_option,
    print_json,
    words_argument,
)
from fsopt.errors import StorageError, StudyError

if TYPE_CHECKING:
    from fsopt.figures.models import Importance
    from fsopt.study import Study

_OBJECTIVE = click.option(
    "--objective", metavar="NAME", help="Which objective it is about.  [default: the first]"
)


@click.command()
@words_argument("KIND")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Where to; the ending is the format: .png, .svg, .pdf or .html. With KIND all, a "
    "directory, which gets a .png of each.",
)
@_OBJECTIVE
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME",
    help="The two parameters of a contour, or three of scatter3d.  [default: the most important]",
)
@click.option("--optimum", type=float, help="The best possible value, for regret, if known.")
@debug_option
@click.pass_context
def plot(ctx: click.Context, /, words: Sequence[str], output: Path, **choice: Any) -> None:
    """Draw one figure, or all.

    KIND is history, regret, pareto, parallel, slice, importance, dependence, contour, scatter3d,
    correlation, curves, timeline, ecdf, failures, ensemble, prior, or all. HTML can be pointed at
    and brushed, and needs nothing else; the other formats need pip install 'fsopt[plot]'.

    \b
    Example:
      fsopt plot runs/first history -o history.png
      fsopt plot runs/first contour --param learning_rate --param units -o contour.html
    """
    from fsopt.figures.catalogue import Choice
    from fsopt.study import open_study

    directory, rest = directory_and_rest(ctx, words, lambda given: len(given) > 1)
    if len(rest) != 1:
        raise click.UsageError("Give one KIND of figure.", ctx=ctx)
    study = open_study(directory)
    if rest[0] == "all":
        _plot_all(study, output, Choice(**choice))
    else:
        from fsopt.figures import figure

        figure(study, rest[0], **choice).save(output)
        click.echo(str(output))


def _plot_all(study: Study, directory: Path, choice: Any) -> None:
    from fsopt.figures.catalogue import FIGURES, chart
    from fsopt.figures.data import read
    from fsopt.figures.paint import save

    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"can't make {directory}: {error.strerror or error}") from error
    data = read(study)
    for name in FIGURES:
        try:
            save(chart(data, name, choice), directory / f"{name}.png")
        except StudyError as error:
            click.echo(f"{name} is left out: {error}", err=True)
        else:
            click.echo(str(directory / f"{name}.png"))


@click.command()
@click.argument("directories", metavar="DIR...", nargs=-1, envvar="FSOPT_STUDY", required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="report.html",
    show_default=True,
    metavar="FILE",
    help="Where to.",
)
@click.option(
    "--follow",
    type=click.IntRange(1),
    metavar="SECONDS",
    help="Write it again so often until the study has all its trials; browsers that show it load "
    "it again by themselves.",
)
@debug_option
def report(directories: Sequence[str], output: Path, follow: int | None) -> None:
    """Write one page about a study, or comparing several.

    It is self-contained: it opens by a double click, without any network or server.

    \b
    Example:
      fsopt report runs/first -o first.html
      fsopt report runs/first runs/second -o comparison.html
    """
    from fsopt.figures.report import report as page_of
    from fsopt.study import open_study

    studies = [open_study(directory) for directory in directories]
    while True:
        goes_on = follow is not None and not all(map(_is_over, studies))
        _write(output, page_of(studies, refresh=follow if goes_on else None))
        click.echo(str(output))
        if follow is None or not goes_on:
            return
        time.sleep(follow)
        for study in studies:
            study.sync()


def _is_over(study: Study) -> bool:
    state = study.state
    return state.budget is not None and state.trials.finished >= state.budget


def _write(path: Path, text: str) -> None:
    """Replace a file at once, so that nobody who loads it meanwhile gets half of it."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise StorageError(f"can't write {path}: {error.strerror or error}") from error


@click.command()
@directory_argument
@_OBJECTIVE
@json_option
@debug_option
def importance(directory: str, objective: str | None, as_json: bool) -> None:
    """Show which parameters matter.

    By functional ANOVA of a random forest (the share of the variance of the value's rank that a
    parameter explains alone, and with another), and by permutation (by which share of the variance
    predictions of unseen trials get worse without it).

    \b
    Example:
      fsopt importance runs/first
    """
    from fsopt.figures.data import read
    from fsopt.figures.models import importance as importance_of
    from fsopt.study import open_study

    found = importance_of(read(open_study(directory)), objective)
    if as_json:
        print_json(_importance_json(found))
    else:
        click.echo("\n".join(_importance_lines(found)))


def _importance_json(found: Importance) -> dict[str, Any]:
    return {
        "explained": round(found.explained, 4),
        "parameters": [
            {
                "name": found.names[i],
                "fanova": round(float(found.fanova[i]), 4),
                "deviation": round(float(found.fanova_deviation[i]), 4),
                "permutation": round(float(found.permutation[i]), 4),
            }
            for i in found.ordered()
        ],
        "interactions": [
            {"names": [found.names[i] for i in pair], "fanova": round(share, 4)}
            for share, pair in sorted(
                zip(found.interactions.tolist(), found.pairs.tolist(), strict=True), reverse=True
            )
        ],
    }


def _importance_lines(found: Importance) -> list[str]:
    told = _importance_json(found)
    width = max(len(name) for name in (*found.names, "parameter"))
    lines = [f"{'parameter':<{width}}   fANOVA        permutation"]
    lines += [
        f"{each['name']:<{width}}  {each['fanova']:>6.1%} ± {each['deviation']:<6.1%}  "
        f"{each['permutation']:>6.1%}"
        for each in told["parameters"]
    ]
    pairs = [each for each in told["interactions"] if each["fanova"] >= 0.01][:5]
    lines += [f"{' & '.join(each['names'])}  {each['fanova']:.1%} together" for each in pairs]
    return [*lines, f"the forest predicts {told['explained']:.0%} of unseen trials' variance"]
