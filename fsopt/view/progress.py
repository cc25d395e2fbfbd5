"""Progress of ``fsopt run``: one line for each finished trial, and a status line on terminals."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from fsopt.state import TrialRecord, TrialState
from fsopt.state.changes import Changes
from fsopt.study import Study
from fsopt.view.summary import format_seconds, format_values


class ConsoleProgress:
    """Shows progress to people; see `fsopt.run.terms.Progress`.

    On a terminal a line at the bottom tells how the whole study stands. Elsewhere (a log file of a
    batch job) there are only plain lines.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._began = time.monotonic()
        self._reasons: Counter[str] = Counter()
        self._best = _BestSoFar()
        self._shown = math.inf

    def finished(self, study: Study, trial: TrialRecord) -> None:
        """Print a line for the trial."""
        outcome = trial.outcome
        parts = [f"trial {trial.number}", trial.state.value]
        names = study.session.objectives.names
        if outcome and outcome.values:
            parts.append(format_values(dict(zip(names, outcome.values, strict=True))))
        elif outcome and outcome.reason:
            self._reasons[outcome.reason] += 1
            parts.append(outcome.reason)
        if outcome and outcome.duration is not None:
            parts.append(f"({format_seconds(outcome.duration)})")
        if self._improves(study, trial):
            parts.append("best so far")
        style = "red" if trial.state is TrialState.FAILED else ""
        line = escape("  ".join(parts))
        self._console.print(f"[{style}]{line}[/]" if style else line, highlight=False)

    def tick(self, study: Study, running: int) -> None:
        """Renew the status line."""
        if not self._console.is_terminal:
            return
        if self._status is None:
            self._status = self._console.status("")
            self._status.start()
        self._status.update(escape(self._line(study, running)))

    def notice(self, text: str) -> None:
        """Print a line."""
        self._console.print(escape(text), style="yellow", highlight=False)

    def close(self) -> None:
        """Take the status line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _improves(self, study: Study, trial: TrialRecord) -> bool:
        """Whether a trial is the best, and better than what was the best at the last look."""
        if study.session.objectives.are_several or (best := self._best.look(study)) is None:
            return False
        before, self._shown = self._shown, best.loss
        return best.number == trial.number and best.loss != before

    def _line(self, study: Study, running: int) -> str:
        counts = study.session.state.trials.count()
        finished = sum(n for state, n in counts.items() if state.is_finished)
        budget = study.session.state.budget
        parts = [f"{finished}/{budget} trials" if budget else f"{finished} trials"]
        parts.append(f"{counts[TrialState.RUNNING]} running ({running} here)")
        if counts[TrialState.FAILED]:
            most = ", ".join(f"{n} x {r[:40]}" for r, n in self._reasons.most_common(1))
            parts.append(f"{counts[TrialState.FAILED]} failed" + (f" ({most})" if most else ""))
        objectives = study.session.objectives
        if not objectives.are_several and (best := self._best.look(study)):
            values = format_values({objectives.names[0]: best.value})
            parts.append(f"best {values} in trial {best.number}")
        parts.append(format_seconds(time.monotonic() - self._began))
        return " | ".join(parts)


class _Best(NamedTuple):
    """The best completed trial: the one with the least loss, then with the lowest number."""

    loss: float
    """What is to be minimised."""
    number: int
    value: float
    """As reported."""


class _BestSoFar:
    """Follows a study with one objective; looks at all trials only when the best one changes."""

    def __init__(self) -> None:
        self._changes: Changes | None = None
        self._best: _Best | None = None

    def look(self, study: Study) -> _Best | None:
        """The best trial as `Study.best` has it; None while there is none."""
        trials, changed = study.session.state.trials, None
        if self._changes is None:
            self._changes = trials.watch()
        else:
            changed = self._changes.drain()
        if changed is not None and self._best is not None and self._best.number in changed:
            changed, self._best = None, None
        found = trials.configurations(changed)
        done = found.having(TrialState.COMPLETED)
        done[done] = study.session.objectives.are_allowed(found.values[done])
        if done.any():
            values, numbers = found.values[done], found.numbers[done]
            losses = study.session.objectives.to_minimise(values)[:, 0]
            at = int(losses.argmin())
            best = _Best(float(losses[at]), int(numbers[at]), float(values[at, 0]))
            self._best = min(best, self._best or best)
        return self._best
