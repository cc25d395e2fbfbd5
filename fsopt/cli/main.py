"""The entry point: finds the verb, imports only what it needs, and turns errors into one line."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

import click

import fsopt
from fsopt.errors import FsoptError

DEBUG = "fsopt.debug"

VERBS: Mapping[str, tuple[str, str]] = {
    "run": ("fsopt.cli.run", "Create or join a study and work on it."),
    "submit": ("fsopt.cli.submit", "Submit a job array that works on a study."),
    "status": ("fsopt.cli.inspect", "Show how a study stands."),
    "watch": ("fsopt.cli.watch", "Show how a study stands, live."),
    "trials": ("fsopt.cli.inspect", "List all trials."),
    "show": ("fsopt.cli.inspect", "Show one trial and every event that made it."),
    "best": ("fsopt.cli.inspect", "Show the best trial, or the Pareto front."),
    "plot": ("fsopt.cli.figures", "Draw one figure, or all."),
    "report": (
        "fsopt.cli.figures",
        "Write one self-contained page about a study, or comparing several.",
    ),
    "importance": ("fsopt.cli.figures", "Show which parameters matter."),
    "enqueue": ("fsopt.cli.change", "Add a configuration that must be tried."),
    "ask": ("fsopt.cli.drive", "Take trials to evaluate them outside of fsopt."),
    "tell": ("fsopt.cli.drive", "Record the result of a trial."),
    "step": ("fsopt.cli.drive", "Report an intermediate value from a running program."),
    "cancel": ("fsopt.cli.change", "Give up a trial that is not finished."),
    "retry": ("fsopt.cli.change", "Let a failed trial be tried once more."),
    "stop": ("fsopt.cli.change", "Ask every process of a study to finish."),
    "reopen": ("fsopt.cli.change", "Let a stopped study go on, or allow it more trials."),
    "ensemble": ("fsopt.cli.ensemble", "Select an ensemble among trials, and score it."),
    "export": ("fsopt.cli.export", "Copy a study to where another package reads it."),
    "import": ("fsopt.cli.transfer", "Record evaluations of other studies or tools."),
    "compact": ("fsopt.cli.compact", "Fold the logs into one file; remove what that replaces."),
    "doctor": ("fsopt.cli.doctor", "Examine whether a filesystem keeps what studies need."),
    "verify": ("fsopt.cli.verify", "Check every byte of a study, and change nothing."),
    "bench": ("fsopt.cli.bench", "Measure fsopt, beside other tools."),
}
"""Each verb's module and first help line, so that help needs to import none of them."""


class Verbs(click.Group):
    """A group whose verbs are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order of a study's life."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(VERBS[cmd_name][0])
        command: click.Command = getattr(
            module, f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        )
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the table."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; an error of fsopt's own is told in one line."""
        try:
            return super().invoke(ctx)
        except FsoptError as error:
            if ctx.meta.get(DEBUG):
                raise
            raise click.ClickException(" ".join(str(error).split("\n"))) from error


@click.group(
    cls=Verbs,
    subcommand_metavar="VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`fsopt VERB --help` explains a verb, with an example.",
)
@click.version_option(fsopt.__version__, prog_name="fsopt")
def main() -> None:
    """Hyperparameter optimization that needs nothing but a shared directory.

    \b
    A study is a directory. Any number of processes may run the same command on it:
      fsopt run SCRIPT.py --study runs/mine --trials 100
    """
