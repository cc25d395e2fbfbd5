"""Progress of ``fsopt run``: one line for each finished trial, and a status line on terminals."""

from __future__ import annotations

import time
from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from fsopt.state import TrialRecord, TrialState
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
        self._best: float | None = None

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
        if len(study.session.objectives) > 1 or (best := study.best) is None:
            return False
        before, self._best = self._best, best.value
        return best.number == trial.number and best.value != before

    def _line(self, study: Study, running: int) -> str:
        counts = study.state.trials.count()
        finished = sum(n for state, n in counts.items() if state.is_finished)
        budget = study.state.budget
        parts = [f"{finished}/{budget} trials" if budget else f"{finished} trials"]
        parts.append(f"{counts[TrialState.RUNNING]} running ({running} here)")
        if counts[TrialState.FAILED]:
            most = ", ".join(f"{n} x {r[:40]}" for r, n in self._reasons.most_common(1))
            parts.append(f"{counts[TrialState.FAILED]} failed" + (f" ({most})" if most else ""))
        if len(study.session.objectives) == 1 and (best := study.best):
            parts.append(f"best {format_values(best.values)} in trial {best.number}")
        parts.append(format_seconds(time.monotonic() - self._began))
        return " | ".join(parts)
