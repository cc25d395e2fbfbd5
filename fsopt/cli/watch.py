"""The verb that shows a study live: ``watch``."""

from __future__ import annotations

import click

from fsopt.cli.common import debug_option, directory_argument


@click.command()
@directory_argument
@click.option(
    "--interval",
    type=click.FloatRange(0.2),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Look again after so long at the soonest; less often where looking takes long.",
)
@click.option("--once", is_flag=True, help="Show one screen and leave.")
@debug_option
def watch(directory: str, interval: float, once: bool) -> None:
    """Show how a study stands, live, until Ctrl-C.

    Trials, rate, time left, utilization, the best value, processes with their last sign of life,
    failures. Of a study with very many processes only the snapshots are read that one of them
    makes for all others, so watching it costs the filesystem next to nothing.

    \b
    Example:
      fsopt watch runs/first
    """
    import contextlib
    import time

    from rich.console import Console
    from rich.live import Live

    from fsopt.study import open_study
    from fsopt.view.live import screen

    console = Console()
    study = open_study(directory)
    if study.session.chain.newest is not None:
        study.session.be_content()
    if once or not console.is_terminal:
        console.print(screen(study, console.width, console.height))
        return
    with (
        contextlib.suppress(KeyboardInterrupt),
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        while True:
            live.update(screen(study, console.width, console.height), refresh=True)
            time.sleep(interval)
            study.session.refresh()
