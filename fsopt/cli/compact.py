"""``fsopt compact``."""

from __future__ import annotations

import click

from fsopt.cli.common import debug_option, directory_argument, json_option, print_json


@click.command()
@directory_argument
@json_option
@debug_option
def compact(directory: str, as_json: bool) -> None:
    """Fold the logs into one Parquet file, for fast opening.

    The logs stay as they are, and running processes are not disturbed. The file can be read by
    pandas, DuckDB and others; it has one row for each finished trial.

    \b
    Example:
      fsopt compact runs/first
    """
    from fsopt.study import open_study

    study = open_study(directory)
    path = study.compact()
    count, size = len(study.state.trials), path.stat().st_size
    if as_json:
        print_json({"snapshot": str(path), "trials": count, "bytes": size})
    else:
        click.echo(f"{path}: {count} trials, {size / 1e6:.3g} MB")
