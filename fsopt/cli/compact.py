"""``fsopt compact``."""

from __future__ import annotations

import click

from fsopt.cli.common import debug_option, directory_argument, json_option, print_json

_HOUR = 3600.0


@click.command()
@directory_argument
@click.option(
    "--retention",
    metavar="HOURS",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    help="Remove logs that ended and used claims only after so long. Less than 2 has an effect "
    "only when nobody works on the study.",
)
@click.option(
    "--assume-ended",
    is_flag=True,
    help="Take it that processes which never said good-bye have ended, and are not suspended.",
)
@json_option
@debug_option
def compact(directory: str, retention: float, assume_ended: bool, as_json: bool) -> None:
    """Fold the logs into one file; remove what that replaces.

    Running processes are not disturbed; they make such files by themselves while a study grows.
    It is a Parquet file for pandas, DuckDB and others: one row for each finished trial. A finished
    study shrinks to a handful of files with --retention 0.

    \b
    Examples:
      fsopt compact runs/first
      fsopt compact runs/first --retention 0
    """
    from fsopt.study import open_study

    study = open_study(directory)
    done = study.compact(retention=retention * _HOUR, assume_ended=assume_ended)
    count, size = len(study.state.trials), done.path.stat().st_size
    removed = {
        "snapshots": done.snapshots,
        "segments": done.collected.segments,
        "claims": done.collected.claims,
    }
    if as_json:
        print_json(
            {
                "snapshot": str(done.path),
                "trials": count,
                "bytes": size,
                "removed": removed,
                "at_work": list(done.at_work),
            }
        )
        return
    click.echo(f"{done.path}: {count} trials, {size / 1e6:.3g} MB")
    if any(removed.values()):
        click.echo(f"removed: {', '.join(f'{what} {n}' for what, n in removed.items() if n)}")
    if done.at_work and retention < 2:
        shown = ", ".join(done.at_work[:3]) + (", ..." if len(done.at_work) > 3 else "")
        click.echo(
            f"logs and claims stay: not everybody has said good-bye ({shown}). "
            "If all processes have ended, say --assume-ended"
        )
