"""``fsopt export``."""

from __future__ import annotations

from pathlib import Path

import click

from fsopt.cli.common import debug_option, directory_argument
from fsopt.errors import StorageError


@click.command()
@directory_argument
@click.option(
    "--to",
    "target",
    type=click.Choice(["optuna", "deephyper"]),
    required=True,
    help="For which package: a study in a storage of Optuna's, or DeepHyper's table of results.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE|URL",
    help="Where to: Optuna's storage (a URL such as sqlite:///study.db, or the file of a journal) "
    "or a file (results.csv).",
)
@click.option(
    "--name",
    metavar="NAME",
    help="Of the study in Optuna's storage.  [default: that of the directory]",
)
@debug_option
def export(directory: str, target: str, output: str, name: str | None) -> None:
    """Copy a study to where another package reads it.

    The study may be running; copied is what is known by now.

    \b
    Example:
      fsopt export runs/digits --to optuna -o sqlite:///digits.db
      optuna-dashboard sqlite:///digits.db
    """
    from fsopt.study import open_study

    with open_study(directory) as study:
        study.sync()
        if target == "optuna":
            from fsopt.interop.optuna import export as to_optuna

            made = to_optuna(study, output, name or Path(directory).resolve().name)
            click.echo(f"{output}: study {made.study_name} with {len(made.trials)} trials")
        else:
            from fsopt.interop.deephyper import results

            table = results(study)
            try:
                table.to_csv(output, index=False)
            except OSError as error:
                raise StorageError(f"can't write {output}: {error.strerror or error}") from error
            click.echo(f"{output}: {len(table)} trials")
