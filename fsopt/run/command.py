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
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fsopt.errors import ScriptError
from fsopt.log import layout
from fsopt.run.conditions import slot_environment
from fsopt.run.evaluation import FailedProgramError
from fsopt.run.exchange import CHECKPOINT_DIR, RESULT, STUDY, TRIAL, Exchange
from fsopt.run.guard import reason_of_end
from fsopt.trial import Trial
from fsopt.values import Params, Value

_LOOK_EVERY = 0.1
_GRACE = 30.0

_LAST_WORDS = 1.0
"""Seconds to wait for the output of a program that has ended."""

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
            FailedProgramError: If it fails or writes no result.
        """
        with tempfile.TemporaryDirectory(prefix="fsopt-") as name:
            exchange = Exchange(Path(name))
            status = _run(self.arguments(trial.params), trial, exchange)
            if trial.observed_stop:
                return None
            if status:
                raise FailedProgramError(reason_of_end(status))
            return _result(exchange.result)

    def _parts(self) -> list[str]:
        if not isinstance(self.template, str):
            return [str(part) for part in self.template]
        return [self.template] if self.shell else shlex.split(self.template)


def kill_programs() -> None:
    """Kill every program that this process has started and that still runs."""
    for group in list(_programs):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def _run(arguments: Sequence[str], trial: Trial, exchange: Exchange) -> int:
    captured = trial.sink is not None
    try:
        process = subprocess.Popen(
            arguments,
            env={**os.environ, **_environment(trial, exchange)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if captured else None,
            stderr=subprocess.STDOUT if captured else None,
            process_group=0,
        )
    except OSError as error:
        raise FailedProgramError(f"can't run {arguments[0]!r}: {error.strerror}") from error
    _programs.add(process.pid)
    listener = threading.Thread(target=_listen, args=(process, trial.sink), daemon=True)
    listener.start()
    try:
        return _attend(process, trial, exchange)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _programs.discard(process.pid)
        # A process that has left the group may hold the pipe for as long as it likes.
        listener.join(_LAST_WORDS)


def _listen(process: subprocess.Popen[bytes], sink: Callable[[bytes], None] | None) -> None:
    if process.stdout is not None and sink is not None:
        with process.stdout as pipe:
            while data := pipe.read1():  # type: ignore[attr-defined]  # it is buffered
                sink(data)


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
        **slot_environment(trial.slot),
    }


def _result(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise FailedProgramError(f"wrote no result to ${RESULT}") from None
    except ValueError as error:
        raise FailedProgramError(f"wrote no JSON to ${RESULT}: {error}") from None


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
