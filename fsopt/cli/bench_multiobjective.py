"""What ``bench multiobjective`` does; apart from ``bench``, lest help waits for its imports."""

from __future__ import annotations

from pathlib import Path

import click

from fsopt.bench import machine
from fsopt.bench.multiobjective import contest, entrants, problems
from fsopt.bench.multiobjective.scores import table
from fsopt.bench.optimizers.contest import one_thread
from fsopt.bench.report import check_marks, replace_section, section
from fsopt.bench.table import columns, markdown

_NAME = "fsopt bench multiobjective"


def compare(
    wanted: str, specs: str, evaluations: int, seeds: int, output: Path, document: Path | None
) -> None:
    """Run what is missing in a file, and tell how all compare.

    Args:
        wanted: The problems' names.
        specs: The optimizers' names.
        evaluations: So many in each run.
        seeds: So many runs each.
        output: The Parquet file of runs.
        document: Where to write the table, if anywhere.
    """
    mark = f"{_NAME} --evaluations {evaluations}"
    if document is not None:
        check_marks(document, mark)
    runs = contest.read(output)
    chosen = problems.select(wanted)

    def done(run: contest.Run) -> None:
        contest.write(output, runs)
        told = f"{run.hypervolume[-1]:.5g}, {run.cpu_median:.2g} s a proposal"
        click.echo(f"{run.optimizer} on {run.problem}, seed {run.seed}: {told}", err=True)

    with one_thread():
        contest.run_missing(entrants.select(specs), chosen, seeds, evaluations, runs, done)
    names = {problem.name for problem in chosen}
    rows = table([run for run in runs if run.problem in names], evaluations)
    click.echo("\n".join(columns(rows)))
    if document is not None:
        facts = machine.facts(Path.cwd(), []) | {
            run.optimizer: f"{run.package} {run.version}" for run in runs
        }
        command = f"{_NAME} --optimizers {specs} --evaluations {evaluations} --seeds {seeds}"
        replace_section(document, mark, section(command, facts, markdown(rows)))
