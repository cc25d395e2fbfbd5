"""Tuning a program in any language through its command line.

The program gets its parameters as arguments and hands back its result by writing JSON to the file
named in ``$FSOPT_RESULT``. It may report intermediate values with ``fsopt step``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import string
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fsopt.errors import ScriptError
from fsopt.log import layout
from fsopt.run.evaluation import FailedProgramError
from fsopt.run.exchange import CHECKPOINT_DIR, RESULT, STUDY, TRIAL, Exchange
from fsopt.trial import Trial
from fsopt.values import Params, Value

_LOOK_EVERY = 0.1
_GRACE = 30.0
_OUTPUT_KEPT = 20_000

_programs: set[int] = set()
"""Process groups of the programs that run now."""


@dataclass(frozen=True, slots=True)
class Command:
    """An objective that runs a program.

    Args:
        template: The command line, as one string (split as a shell would) or as a list of
            arguments. ``{name}`` stands for a parameter's value, which always stays one argument.
            An argument that names an inactive parameter is left out, and with it the option right
            before it (an argument that begins with ``-``).
        shell: Run the string by ``/bin/sh``; values are quoted.
    """

    template: str | Sequence[str]
    shell: bool = False

    def __post_init__(self) -> None:
        if self.shell and not isinstance(self.template, str):
            raise ScriptError("command: shell=True needs the command line as one string")
        if not self.template:
            raise ScriptError("command: the command line is empty")
        try:
            for part in self._parts():
                list(string.Formatter().parse(part))
        except ValueError as error:
            raise ScriptError(f"command {self.template!r}: {error}") from None

    def check(self, names: Sequence[str]) -> None:
        """Check that every placeholder is a parameter.

        Raises:
            ScriptError: Naming the one that is not.
        """
        for part in self._parts():
            for name in _placeholders(part):
                if name not in names:
                    raise ScriptError(
                        f"command: {{{name}}} is no parameter; there are {', '.join(names)}. "
                        "Write {{ and }} for plain braces"
                    )

    def arguments(self, params: Params) -> list[str]:
        """The argument vector for one configuration."""
        if self.shell:
            quoted = {name: shlex.quote(_text(value)) for name, value in params.items()}
            missing = {n: "" for part in self._parts() for n in _placeholders(part)}
            return ["/bin/sh", "-c", _fill(str(self.template), {**missing, **quoted})]
        texts = {name: _text(value) for name, value in params.items()}
        arguments: list[str] = []
        option_before = False
        for part in self._parts():
            names = _placeholders(part)
            if all(name in texts for name in names):
                arguments.append(_fill(part, texts))
                option_before = not names and part.startswith("-")
            else:
                if option_before:
                    arguments.pop()
                option_before = False
        return arguments

    def __call__(self, trial: Trial) -> object:
        """Run the program for a trial.

        Returns:
            What it wrote to ``$FSOPT_RESULT``.

        Raises:
            FailedProgramError: If it fails or writes no result; with the end of its output.
        """
        with tempfile.TemporaryDirectory(prefix="fsopt-") as name:
            exchange = Exchange(Path(name))
            output = exchange.directory / "output"
            status = _run(self.arguments(trial.params), trial, exchange, output)
            if trial.observed_stop:
                return None
            if status:
                reason = f"exit {status}" if status > 0 else f"signal {-status}"
                raise FailedProgramError(reason, _tail(output))
            return _result(exchange.result, output)

    def _parts(self) -> list[str]:
        if not isinstance(self.template, str):
            return [str(part) for part in self.template]
        return [self.template] if self.shell else shlex.split(self.template)


def kill_programs() -> None:
    """Kill every program that this process has started and that still runs."""
    for group in list(_programs):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def _run(arguments: Sequence[str], trial: Trial, exchange: Exchange, output: Path) -> int:
    with output.open("wb") as sink:
        try:
            process = subprocess.Popen(
                arguments,
                env={**os.environ, **_environment(trial, exchange)},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        except OSError as error:
            reason = f"can't run {arguments[0]!r}: {error.strerror}"
            raise FailedProgramError(reason, f"{shlex.join(arguments)}\n{error}\n") from error
    _programs.add(process.pid)
    try:
        return _attend(process, trial, exchange)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _programs.discard(process.pid)


def _attend(process: subprocess.Popen[bytes], trial: Trial, exchange: Exchange) -> int:
    """Pass on reports until the program ends, or is told to stop and does not in time."""
    deadline: float | None = None
    while True:
        try:
            status = process.wait(_LOOK_EVERY)
        except subprocess.TimeoutExpired:
            status = None
        for step, value in exchange.new_reports():
            trial.report(value, step)
        if status is not None:
            return status
        if deadline is None and trial.should_stop():
            exchange.ask_to_stop()
            process.terminate()
            deadline = time.monotonic() + _GRACE
        if deadline is not None and time.monotonic() > deadline:
            process.kill()


def _environment(trial: Trial, exchange: Exchange) -> dict[str, str]:
    return {
        RESULT: str(exchange.result),
        TRIAL: str(trial.number),
        STUDY: str(trial.root),
        CHECKPOINT_DIR: str(trial.root / layout.checkpoint(trial.number, trial.attempt)),
    }


def _result(path: Path, output: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise FailedProgramError(f"wrote no result to ${RESULT}", _tail(output)) from None
    except ValueError as error:
        reason = f"wrote no JSON to ${RESULT}: {error}"
        raise FailedProgramError(reason, _tail(output)) from None


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _OUTPUT_KEPT))
        return file.read().decode(errors="replace")


def _placeholders(part: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(part) if name is not None]


def _fill(part: str, texts: Mapping[str, str]) -> str:
    pieces = []
    for literal, name, _, _ in string.Formatter().parse(part):
        pieces += [literal, texts[name] if name is not None else ""]
    return "".join(pieces)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
