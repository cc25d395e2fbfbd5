"""`Study`: what a Python program uses to run, drive and read a study."""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, overload

from fsopt.config import StudyConfig
from fsopt.errors import FsoptError, StudyError, TrialError
from fsopt.events import (
    BudgetSet,
    Event,
    StudyReopened,
    StudyStopped,
    TrialCompleted,
    TrialFailed,
    TrialRetried,
)
from fsopt.log.files import TrialFiles
from fsopt.log.filesystem import Filesystem
from fsopt.log.identity import current_identity, uptime
from fsopt.objectives import Failure
from fsopt.state import StudyState, TrialRecord, TrialState
from fsopt.study.channel import StudyChannel
from fsopt.study.collection import RETENTION
from fsopt.study.dispatch import Dispatcher
from fsopt.study.ranking import By, best_trial, front
from fsopt.study.session import Session
from fsopt.study.wholesale import Compacted, compact, settling_time
from fsopt.trial import STOPPER, FinishedTrial, Trial

if TYPE_CHECKING:
    import pandas as pd

    from fsopt.run.conditions import Conditions
    from fsopt.run.evaluation import Objective
    from fsopt.run.terms import Summary


class Study:
    """A study: what has been tried, and the means to try more.

    Any number of processes may have the same study open and use every method at the same time.
    A `Study` itself is for one thread.
    """

    def __init__(
        self,
        config: StudyConfig,
        filesystem: Filesystem,
        files: TrialFiles,
        directory: Path | None,
        session: Session | None = None,
    ) -> None:
        """Made by `create_study` and `open_study`; a session comes with clocks of its own."""
        self.config = config
        self.directory = directory
        self.session = session or Session(
            config, filesystem, files, current_identity(os.environ), time.monotonic, uptime
        )
        self.dispatcher = Dispatcher(self.session)
        self.callbacks: list[Callable[[Study, FinishedTrial], object]] = []
        """Called by `run` for each trial that it has evaluated, once that has ended."""
        self.session.compactor.is_wanted = directory is not None
        self._leave = weakref.finalize(self, _leave, self.session)
        self.session.open()

    def __enter__(self) -> Study:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        where = self.directory or "in memory"
        return f"<Study {where}: {len(self.state.trials)} trials of {self.config.space.names}>"

    def _repr_html_(self) -> str:
        from fsopt.view.report import status_html

        return status_html(self)

    @property
    def state(self) -> StudyState:
        """What the events read so far amount to; the first time, all that there are.

        Raises:
            StorageError: If the directory can't be read.
        """
        self.session.complete()
        return self.session.state

    def close(self) -> None:
        """Leave the study in good order; trials in hand are up to others then.

        Raises:
            StorageError: If that can't be recorded; others find out by themselves.
        """
        if self._leave.detach() is not None:
            self.session.close()

    def sync(self) -> None:
        """Read what others have written since.

        Raises:
            StorageError: If the directory can't be read.
        """
        self.session.sync()

    def run(
        self,
        objective: Objective,
        *,
        trials: int | None = None,
        workers: int | None = None,
        timeout: float | None = None,
        backend: str | None = None,
        conditions: Conditions | None = None,
        target: float | Mapping[str, float] | None = None,
        patience: int | None = None,
    ) -> Summary:
        """Evaluate trials until the study has enough of them.

        Args:
            objective: Takes a `Trial`, returns its values.
            trials: How many trials the whole study shall have, however many processes work on it;
                without it, and without a timeout, until the study's recorded budget is met.
            workers: How many evaluations at the same time; one for each slot of the conditions,
                otherwise one.
            timeout: Seconds after which no more trials are started and running ones are paused.
            backend: ``"serial"`` (in this thread; the default for one worker), ``"thread"`` (the
                default for several) or ``"process"`` (the objective must be importable); on other
                nodes ``"ray"``, ``"dask"``, or ``"mpi"`` (within `fsopt.run.remote.mpi.team`).
            conditions: What an evaluation may use, what it is given, and of which cluster.
            target: Leave once a trial is as good as this; with several objectives a mapping of
                some of them to values, which one trial must reach.
            patience: Leave once so many finished trials have brought no improvement.

        Returns:
            What became of it.
        """
        from fsopt.run.terms import Limits, read_target
        from fsopt.run.worker import run_study

        goal = read_target(target, self.session.objectives)
        if workers is None:
            workers = len(conditions.slots) if conditions and conditions.slots else 1
        return run_study(
            self,
            objective,
            workers=workers,
            backend=backend or ("serial" if workers == 1 else "thread"),
            limits=Limits(trials=trials, timeout=timeout, target=goal, patience=patience),
            conditions=conditions,
        )

    @overload
    def ask(self) -> Trial: ...

    @overload
    def ask(self, n: int, *, leased: bool = True, limit: int | None = None) -> list[Trial]: ...

    def ask(
        self, n: int | None = None, *, leased: bool = True, limit: int | None = None
    ) -> Trial | list[Trial]:
        """Take trials to evaluate; recorded as started before this returns.

        Args:
            n: How many, as a list; if None, one trial.
            leased: Whether others get the trials when this process ends or falls silent. With
                False they stay reserved until they are told.
            limit: How many trials the whole study shall have; the list may then be shorter.

        Raises:
            InfeasibleSpaceError: If every valid configuration has been tried.
        """
        if n is not None and n < 1:
            raise StudyError(f"can't ask for {n} trials; ask for 1 or more")
        assignments = self.dispatcher.take(n or 1, limit, leased=leased)
        session = self.session
        trials = [Trial(a, session.files.root, StudyChannel(session, a)) for a in assignments]
        return trials[0] if n is None else trials

    def tell(self, trial: Trial | int, result: object) -> None:
        """Record the result of a trial, durably before this returns.

        Args:
            trial: The trial, or its number.
            result: A number; a mapping or sequence of numbers for several objectives; or a
                `Failure`. NaN, infinity and anything else make the trial failed. Of a trial that
                the stopper has told to end, see `Trial.should_stop`.

        Raises:
            TrialError: If there is no such trial, or it is not running.
        """
        record = self.record(number := trial if isinstance(trial, int) else trial.number)
        if isinstance(trial, Trial):
            attempt = trial.attempt
        elif record.state is TrialState.RUNNING and record.decisive is not None:
            attempt = record.decisive.index
        else:
            raise TrialError(f"trial {number} is {record.state}; only a running one can be told")
        known = record.attempts.get(attempt)
        if known is not None and known.outcome is not None:
            raise TrialError(f"trial {number} is {record.state} already; it can't be told again")
        objectives, stopping = self.session.objectives, self.session.stopping
        event: Event | None = None
        if stopping and isinstance(trial, Trial) and trial.observed_stop == STOPPER:
            event = stopping.ending(number, attempt, objectives.read_if_any(result))
        if event is None:
            values = objectives.read(result)
            if isinstance(values, Failure):
                event = TrialFailed(trial=number, attempt=attempt, reason=values.reason)
            else:
                event = TrialCompleted(trial=number, attempt=attempt, values=values)
        self.session.append(event)

    def enqueue(self, params: Mapping[str, object]) -> int:
        """Record a configuration that must be tried; it is the next that anybody takes.

        Returns:
            Its trial number.

        Raises:
            SpaceError: If it is no valid configuration of the space.
        """
        return self.dispatcher.enqueue(self.config.space.check(params))

    def cancel(self, number: int) -> None:
        """Give up a trial that is not finished; it counts as failed.

        Raises:
            TrialError: If there is no such trial, or it is finished.
        """
        record = self.record(number)
        if record.state.is_finished:
            raise TrialError(f"trial {number} is {record.state} already")
        attempt = record.decisive.index if record.decisive else 0
        self.session.append(TrialFailed(trial=number, attempt=attempt, reason="cancelled"))

    def retry(self, number: int) -> None:
        """Let a failed trial be tried once more.

        Raises:
            TrialError: If there is no such trial, or it has not failed.
        """
        record = self.record(number)
        if record.state is not TrialState.FAILED:
            raise TrialError(f"trial {number} is {record.state}; only a failed one can be retried")
        self.session.append(TrialRetried(trial=number, attempt=record.next_attempt))

    def stop(self) -> None:
        """Ask every process to finish: running trials are paused, no new ones started."""
        self.sync()
        if not self.state.stopped:
            self.session.append(StudyStopped(generation=self.state.generation + 1))

    def reopen(self, trials: int | None = None) -> None:
        """Let a stopped study go on, and allow it more trials if a number is given."""
        self.sync()
        if self.state.stopped:
            self.session.append(StudyReopened(generation=self.state.generation + 1))
        if trials is not None:
            self.allow(trials)

    def allow(self, trials: int) -> None:
        """Record that the study may have this many trials, if it is more than before."""
        if trials < 1:
            raise StudyError(f"a study needs 1 trial or more, not {trials}")
        if trials > (self.session.state.budget or 0):
            self.session.append(BudgetSet(trials=trials))

    def compact(self, *, retention: float = RETENTION, assume_ended: bool = False) -> Compacted:
        """Fold the logs into one Parquet file, so that the study opens fast.

        Files that it makes superfluous (logs that ended, claims of finished trials) are removed
        once they have been so for long, as the processes that worked on the study measured it.
        Processes that run are not disturbed.

        Args:
            retention: For how long, in seconds; 24 hours unless given. Less than two hours has an
                effect only when no process works on the study.
            assume_ended: Whether processes that never said good-bye have ended. They may be
                suspended, and would lose what they write afterwards.

        Returns:
            The path of the file below the directory (``docs/output.md``), and what was removed.

        Raises:
            StorageError: If a file can't be written or removed.
        """
        return compact(
            self.session,
            retention,
            assume_ended=assume_ended,
            settle=lambda: time.sleep(settling_time(self.directory)),
        )

    def record(self, number: int) -> TrialRecord:
        """Everything known of a trial.

        Raises:
            TrialError: If there is no trial of that number.
        """
        if number not in self.state.trials:
            self.sync()
        if number not in self.state.trials:
            end = self.state.trials.end
            has = f"it has trials 0 to {end - 1}" if end else "it has no trials yet"
            raise TrialError(f"no trial {number} in {self.directory or 'the study'}; {has}")
        return self.state.trials[number]

    @property
    def best(self) -> FinishedTrial | None:
        """The best completed trial so far; None while there is none.

        By value or, if the study was declared noisy, by expected value; see `best_trial`.

        Raises:
            StudyError: If there are several objectives; see `pareto_front`.
        """
        return self.best_trial()

    def best_trial(self, by: By | None = None) -> FinishedTrial | None:
        """The best completed trial so far, by what was observed or by what is expected.

        Args:
            by: ``"value"`` takes the best value, which in a noisy objective is the luckiest.
                ``"model"`` takes the best expected value, of a model that is fitted to all
                completed trials and pools those of one configuration; see
                `fsopt.search.estimate.posterior`. Without it, as `best` does.

        Returns:
            None while no trial is completed.

        Raises:
            StudyError: If there are several objectives; see `front`.
        """
        self.session.complete()
        return best_trial(self.session, by)

    @property
    def pareto_front(self) -> list[FinishedTrial]:
        """The completed trials that no other dominates, by number; as `best` of one objective."""
        return self.front()

    def front(self, by: By | None = None) -> list[FinishedTrial]:
        """The completed trials that no other dominates, by number.

        Args:
            by: As in `best_trial`. By a model, of equal configurations the first trial is there.
        """
        self.session.complete()
        return front(self.session, by)

    def trials(self) -> pd.DataFrame:
        """All trials, one row each; the columns are described in ``docs/output.md``."""
        from fsopt.view.tables import trials_table

        return trials_table(self)

    def reports(self) -> pd.DataFrame:
        """All reported steps, one row each: trial, attempt, step, value and time."""
        from fsopt.view.tables import reports_table

        return reports_table(self)


def _leave(session: Session) -> None:
    """Close a session whose study nobody has any more."""
    # There is nobody to tell of an error, and a fork of the process has nothing to close.
    with contextlib.suppress(FsoptError):
        session.close()
