"""The verb ``bench``."""

from __future__ import annotations

from pathlib import Path

import click

from fsopt.cli.common import debug_option, json_option, print_json


@click.group()
@debug_option
def bench() -> None:
    """Measure fsopt, beside other tools where they are installed.

    \b
    Example:
      fsopt bench storage --quick
    """


@bench.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="On which filesystem to work; nothing stays there.  [default: the temporary directory]",
)
@click.option("--quick", is_flag=True, help="Small studies: only whether everything works.")
@click.option(
    "--peers/--no-peers", default=True, show_default=True, help="Whether to measure other tools."
)
@click.option(
    "--markdown",
    "document",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the table between the marks in this Markdown file.",
)
@json_option
@debug_option
@click.pass_context
def storage(
    ctx: click.Context,
    directory: Path | None,
    quick: bool,
    peers: bool,
    document: Path | None,
    as_json: bool,
) -> None:
    """Measure what a trial costs, and how fast studies open.

    Compares the study directory with Optuna's JournalStorage and with NePS (pip install
    'fsopt[bench]'), in one run on one filesystem; each single measurement in fresh processes.
    System calls are counted with strace. In full it takes half an hour or more and some GB of
    disk. The exit status is 1 if fsopt itself failed at something.

    \b
    Example:
      fsopt bench storage --quick
      fsopt bench storage --dir /scratch/me --markdown docs/benchmarks.md
    """
    from fsopt.bench.comparison import Bench, measure_all
    from fsopt.bench.machine import facts
    from fsopt.bench.report import check_marks, replace_section, section
    from fsopt.bench.sizes import FULL, QUICK
    from fsopt.bench.storage import STORAGE
    from fsopt.bench.systems import OWN, SYSTEMS
    from fsopt.bench.table import columns
    from fsopt.bench.workspace import workspace

    name = "fsopt bench storage"
    if document is not None:
        check_marks(document, name)
    systems = SYSTEMS if peers else {OWN: SYSTEMS[OWN]}
    with workspace(directory) as work:
        machine = facts(work.root, [system.distribution for system in systems.values()])
        bench = Bench(systems, QUICK if quick else FULL, work, _tell)
        table = measure_all(bench, STORAGE)
    if document is not None:
        command = name + " --quick" * quick + " --no-peers" * (not peers)
        replace_section(document, name, section(command, machine, table))
    if as_json:
        print_json({"machine": machine, "quick": quick, "rows": table.data()})
    else:
        click.echo("\n".join(f"{key}: {what}" for key, what in machine.items()) + "\n")
        click.echo("\n".join(columns(table.texts())))
    for failure in table.failures():
        click.echo(f"failed: {failure}", err=True)
    ctx.exit(1 if table.failures() else 0)


def _tell(what: str) -> None:
    click.echo(f"measuring: {what}", err=True)
