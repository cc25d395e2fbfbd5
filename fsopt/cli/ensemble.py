"""``fsopt ensemble``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fsopt.cli.common import debug_option, directory_argument, json_option, print_json
from fsopt.errors import StorageError

if TYPE_CHECKING:
    from fsopt.ensemble import Selector
    from fsopt.predictions import Kind

_LOSSES = ("cross-entropy", "zero-one", "nll", "squared", "absolute", "calibration", "quantiles")


@click.command()
@directory_argument
@click.option(
    "--predictions",
    "name",
    default="valid",
    show_default=True,
    metavar="NAME",
    help="Under which name trials saved what they predict.",
)
@click.option(
    "--truth",
    default="truth",
    show_default=True,
    metavar="FILE|NAME",
    help="The true values: a .npy file, or the name under which trials saved them.",
)
@click.option(
    "--loss",
    type=click.Choice(_LOSSES),
    help="What to minimise.  [default: cross-entropy of probabilities, zero-one of classes, nll "
    "of means with deviations, squared of numbers]",
)
@click.option(
    "--selector",
    type=click.Choice(["greedy", "topk"]),
    default="greedy",
    show_default=True,
    help="Add again and again what helps most, or take the best ones with equal weights.",
)
@click.option(
    "--size",
    type=click.IntRange(1),
    metavar="K",
    help="At most so many additions, or so many trials.  [default: 25 for greedy, 5 for topk]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write a report in Markdown.",
)
@json_option
@debug_option
def ensemble(
    directory: str,
    name: str,
    truth: str,
    output: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Select an ensemble among trials, and score it.

    Trials save what their models predict with trial.save_predictions. Of those that have values
    by now an ensemble is selected, compared with the best single trial on rows that neither was
    chosen by, and recorded in the study, which may be running.

    \b
    Example:
      fsopt ensemble runs/digits --predictions valid -o ensemble.md
    """
    from fsopt.ensemble.trials import predictions, record, truth_in
    from fsopt.ensemble.trials import truth as saved_truth
    from fsopt.study import open_study
    from fsopt.view.ensembles import ensemble_json, ensemble_lines, ensemble_report

    with open_study(directory) as study:
        study.sync()
        found = predictions(study, name)
        for trial, why in found.skipped.items():
            click.echo(f"trial {trial} is left out: {why}", err=True)
        is_file = truth.endswith(".npy")
        y = truth_in(Path(truth)) if is_file else saved_truth(study, truth)
        built = record(study, name, y, found, _selector(found.kind, **options))
    if output is not None:
        try:
            output.write_text(ensemble_report(built))
        except OSError as error:
            raise StorageError(f"can't write {output}: {error.strerror}") from error
    if as_json:
        print_json(ensemble_json(built))
    else:
        click.echo("\n".join(ensemble_lines(built)))


def _selector(kind: Kind, loss: str | None, selector: str, size: int | None) -> Selector:
    from fsopt.ensemble import LOSSES, Greedy, TopK, losses_of

    wanted = LOSSES[loss] if loss else losses_of(kind)[0]
    make = Greedy if selector == "greedy" else TopK
    return make(wanted) if size is None else make(wanted, size)
