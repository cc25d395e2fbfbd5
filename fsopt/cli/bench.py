"""The verb ``bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fsopt.cli.bench_ensembles import ensembles
from fsopt.cli.bench_stopping import stopping
from fsopt.cli.bench_transfer import transfer
from fsopt.cli.common import debug_option, json_option, markdown_option, print_json


@click.group()
@debug_option
def bench() -> None:
    """Measure fsopt, beside other tools where they are installed.

    \b
    Example:
      fsopt bench storage --quick
      fsopt bench optimizers --problems mixed --optimizers fsopt,random
    """


bench.add_command(stopping)


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
@markdown_option
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
    from fsopt.bench.table import columns, markdown
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
        replace_section(document, name, section(command, machine, markdown(table.texts())))
    if as_json:
        print_json({"machine": machine, "quick": quick, "rows": table.data()})
    else:
        click.echo("\n".join(f"{key}: {what}" for key, what in machine.items()) + "\n")
        click.echo("\n".join(columns(table.texts())))
    for failure in table.failures():
        click.echo(f"failed: {failure}", err=True)
    ctx.exit(1 if table.failures() else 0)


@bench.command()
@click.option(
    "--problems",
    "wanted",
    default="paper",
    show_default=True,
    metavar="GROUP|NAME,...",
    help="Groups: paper, transformed, mixed, noisy, failing, models; or all.",
)
@click.option(
    "--optimizers",
    "specs",
    default="fsopt,random",
    show_default=True,
    metavar="NAME,...",
    help="Such as fsopt, fsopt-gp, fsopt-forest, random, sobol, optuna-tpe, optuna-gp, smac-hpo, "
    "deephyper-cbo, recorded:ax; recorded stands for all recorded ones.",
)
@click.option("--evaluations", type=click.IntRange(1), default=100, show_default=True, metavar="N")
@click.option(
    "--seeds", type=click.IntRange(1), default=5, show_default=True, metavar="N", help="0 to N-1."
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many evaluate at the same time, in simulated time.",
)
@click.option(
    "--decentralised",
    "delay",
    type=click.FloatRange(0),
    default=0.0,
    metavar="DELAY",
    help="Let workers learn of each other only after this time, in medians of an evaluation's.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A .jsonl or .parquet file; runs that it holds are not repeated, others are added.",
)
@markdown_option
@click.option(
    "--plot",
    "figures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also draw a figure for each problem (pip install 'fsopt[plot]').",
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Runs at the same time."
)
@debug_option
@click.pass_context
def optimizers(ctx: click.Context, /, **options: Any) -> None:
    """Compare optimizers on problems whose optimum is known, and on real models.

    Workers evaluate in simulated time, in which proposals take no time. Told is the regret: how
    much worse than the optimum the best found is, or its loss where the optimum is not known.
    Recorded runs of 14 optimizers are at hand for the problems of the group paper, with one
    worker. The exit status is 1 if a run failed.

    \b
    Example:
      fsopt bench optimizers --optimizers fsopt,random,recorded --output runs/paper.jsonl
      fsopt bench optimizers --problems mixed,models --workers 10 --jobs 4
    """
    from fsopt.cli.bench_optimizers import Request, compare

    ctx.exit(1 if compare(Request(**options)) else 0)


@bench.command()
@click.option(
    "--problems",
    "wanted",
    default="all",
    show_default=True,
    metavar="NAME,...",
    help="zdt1, zdt2, zdt3, zdt4, dtlz2, dtlz7, dtlz2-5, bnh, srn, digits-size.",
)
@click.option(
    "--optimizers",
    "specs",
    default="fsopt,fsopt-nsga2,random",
    show_default=True,
    metavar="NAME,...",
    help="Also fsopt-forest and, where they are installed, optuna-nsga2, optuna-tpe, optuna-gp "
    "and deephyper-cbo.",
)
@click.option("--evaluations", type=click.IntRange(1), default=100, show_default=True, metavar="N")
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, metavar="N")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("multiobjective.parquet"),
    show_default=True,
    metavar="FILE",
    help="Keeps the runs; those that are in it are not made again.",
)
@click.option(
    "--markdown",
    "document",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the table between the marks in this Markdown file.",
)
@debug_option
def multiobjective(**options: Any) -> None:
    """Compare optimizers on several objectives, also with constraints on outcomes.

    Told are mean hypervolumes of what was found, relative to the best run of any, and the mean
    rank. The reference point of a problem is what half of its configurations beat.

    \b
    Example:
      fsopt bench multiobjective --problems zdt1,bnh --seeds 3
      fsopt bench multiobjective --optimizers fsopt,optuna-nsga2,optuna-gp --evaluations 500
    """
    from fsopt.cli.bench_multiobjective import compare

    compare(**options)


@bench.command()
@click.option(
    "--optimizers",
    "specs",
    default="fsopt,random",
    show_default=True,
    metavar="NAME,...",
    help="As for `fsopt bench optimizers`; the others are compared with the first.",
)
@click.option(
    "--trials",
    "sizes",
    default="100,1000,10000,100000",
    show_default=True,
    metavar="N,...",
    help="How many trials the studies have.",
)
@click.option(
    "--proposals",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    metavar="N",
    help="How many proposals are timed in each study.",
)
@markdown_option
@json_option
@debug_option
@click.pass_context
def suggest(
    ctx: click.Context,
    specs: str,
    sizes: str,
    proposals: int,
    document: Path | None,
    as_json: bool,
) -> None:
    """Measure how long one proposal takes.

    In studies of random trials with 5 floats, 20 floats, and 7 parameters of all kinds; each study
    in a fresh process of one thread. Told is the median of the CPU time, with the least and the
    greatest. Who took more than a minute for a study is not measured in larger ones. The exit
    status is 1 if the first optimizer failed.

    \b
    Example:
      fsopt bench suggest --trials 100,1000
      fsopt bench suggest --optimizers fsopt,fsopt-forest,optuna-tpe
    """
    from fsopt.bench.machine import facts
    from fsopt.bench.optimizers.entrants import entrant
    from fsopt.bench.optimizers.suggestions import compare
    from fsopt.bench.report import check_marks, replace_section, section
    from fsopt.bench.table import columns, markdown

    name = "fsopt bench suggest"
    counts = _counts(ctx, "--trials", sizes)
    if document is not None:
        check_marks(document, name)
    entrants = [entrant(spec) for spec in dict.fromkeys(specs.split(","))]
    machine = facts(Path.cwd(), dict.fromkeys(one.distribution for one in entrants))
    table = compare(entrants, counts, proposals, _tell)
    if document is not None:
        command = f"{name} --optimizers {specs} --trials {sizes} --proposals {proposals}"
        replace_section(document, name, section(command, machine, markdown(table.texts())))
    if as_json:
        print_json({"machine": machine, "rows": table.data()})
    else:
        click.echo("\n".join(columns(table.texts())))
    ctx.exit(1 if table.failures() else 0)


@bench.command()
@click.option(
    "--workers",
    "sizes",
    default="10,100,1000",
    show_default=True,
    metavar="N,...",
    help="How many processes the clusters have, each with one evaluation at a time.",
)
@click.option(
    "--proposers",
    default="0",
    show_default=True,
    metavar="P,...",
    help="How many of them only propose, while the others only evaluate; 0: all do both.",
)
@click.option("--trials-per-worker", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="The mean duration of an evaluation.",
)
@click.option(
    "--failures",
    type=click.FloatRange(0, 1),
    default=0.02,
    show_default=True,
    help="How many evaluations fail, as a share of the trials.",
)
@click.option(
    "--preemptions",
    type=click.FloatRange(0, 1),
    default=0.02,
    show_default=True,
    help="How many processes are preempted, as a share of the trials.",
)
@click.option(
    "--losses",
    type=click.FloatRange(0, 1),
    default=0.004,
    show_default=True,
    help="How many processes are lost with their nodes, as a share of the trials.",
)
@click.option("--optimizers", default="random", show_default=True, metavar="NAME,...")
@click.option("--problem", default="hartmann6", show_default=True, metavar="NAME")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, metavar="N")
@markdown_option
@json_option
@debug_option
@click.pass_context
def cluster(ctx: click.Context, /, **options: Any) -> None:
    """Simulate clusters of workers in virtual time.

    The processes are the real ones; simulated are time, the file server, evaluations, preemptions
    and lost nodes. Told is how much of their time workers evaluate, what they ask of the
    filesystem, and the regret: means over the seeds, of the regret medians. Fails unless each
    study ends with exactly its trials.

    \b
    Example:
      fsopt bench cluster --workers 10,100
      fsopt bench cluster --workers 100 --proposers 0,1 --optimizers random,bayesian --seeds 3
    """
    from fsopt.cli.bench_cluster import Request, measure

    measure(
        Request(
            sizes=tuple(_counts(ctx, "--workers", options.pop("sizes"))),
            proposers=tuple(_counts(ctx, "--proposers", options.pop("proposers"))),
            optimizers=tuple(dict.fromkeys(options.pop("optimizers").split(","))),
            **options,
        )
    )


def _counts(ctx: click.Context, option: str, sizes: str) -> list[int]:
    """Numbers, ascending."""
    words = sizes.split(",")
    if not all(word.isdecimal() for word in words):
        raise click.UsageError(f"{option} takes numbers like 100,1000, not {sizes!r}.", ctx=ctx)
    return sorted({int(word) for word in words})


def _tell(what: str) -> None:
    click.echo(f"measuring: {what}", err=True)


bench.add_command(ensembles)


bench.add_command(transfer)
