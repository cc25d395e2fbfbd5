"""What must hold after each simulated study, whatever happened in it."""

from __future__ import annotations

from random import Random

from fsopt.events import Record
from fsopt.log.verify import Severity
from fsopt.state import StudyState, TrialRecord
from fsopt.study.verification import verify_filesystem
from fsopt.study.wholesale import compact
from tests.simulation.cluster import LEASE, SPACE, Cluster
from tests.simulation.filesystem import BrokenPromiseError, SimulatedFilesystem


def check(cluster: Cluster) -> None:
    """Raise `BrokenPromiseError` if a promise was broken."""
    cluster.server.now += LEASE
    cluster.server.cache_time, cluster.server.full = 0.0, False
    observer = cluster.observer()
    truth = picture(observer.state)
    _nothing_acknowledged_is_lost(cluster, observer.state, truth)
    _order_does_not_matter(list(cluster.ledger.values()), cluster.random)
    _numbers_are_dense_and_all_is_done(cluster, observer.state)
    _live_processes_agree(cluster, truth)
    _only_the_lost_fail_as_lost(cluster, observer.state)
    _nothing_is_damaged(cluster)
    _a_handful_of_files_is_left(cluster, truth)


def folded(records: list[Record]) -> StudyState:
    state = StudyState(SPACE, 1)
    state.apply_all(records)
    return state


def picture(state: StudyState) -> list[object]:
    """Everything about the trials, comparable."""
    return [_trial(trial) for trial in state.trials]


def _trial(trial: TrialRecord) -> tuple[object, ...]:
    attempts = [
        (a.index, a.started, repr(a.outcome), repr(sorted(a.reports.items())))
        for _, a in sorted(trial.attempts.items())
    ]
    shown = (trial.number, trial.state, trial.retry, repr(trial.params), attempts)
    return (*shown, sorted(trial.attributes.items()))


def _nothing_acknowledged_is_lost(
    cluster: Cluster, state: StudyState, truth: list[object]
) -> None:
    for (writer, seq), record in cluster.ledger.items():
        if writer not in state.writers or state.writers[writer].known.add(seq):
            raise BrokenPromiseError(f"acknowledged, but nowhere to be read: {record}")
    state.adopt(cluster.ledger.values())
    if picture(state) != truth:
        raise BrokenPromiseError("acknowledged, but its effect is lost")


def _order_does_not_matter(records: list[Record], random: Random) -> None:
    truth = picture(folded(records))
    shuffled = random.sample(records, len(records)) + random.sample(records, len(records) // 4)
    random_merge = sorted(records, key=lambda r: (r.seq * random.random(), r.writer))
    for order in (records[::-1], shuffled, random_merge):
        if picture(folded(order)) != truth:
            raise BrokenPromiseError("the state depends on the order of events")
    state, valued = StudyState(SPACE, 1), set()
    for record in shuffled:
        state.apply(record)
        number = getattr(record.event, "trial", None)
        if number is not None and state.trials[number].state.has_values:
            valued.add(number)
        elif number in valued:
            raise BrokenPromiseError(f"trial {number} had values and has none after {record}")


def _numbers_are_dense_and_all_is_done(cluster: Cluster, state: StudyState) -> None:
    if state.trials.numbers() != list(range(cluster.budget)):
        raise BrokenPromiseError(f"{cluster.budget} trials asked, got {state.trials.numbers()}")
    unfinished = [(trial.number, trial.state) for trial in state.unfinished()]
    if unfinished:
        raise BrokenPromiseError(f"everybody has left, but {unfinished}")


def _live_processes_agree(cluster: Cluster, truth: list[object]) -> None:
    for worker in cluster.workers:
        if not worker.filesystem.is_dead:
            worker.session.sync()
            if picture(worker.session.state) != truth:
                raise BrokenPromiseError(f"{worker.name} sees another study than the logs tell")


def _only_the_lost_fail_as_lost(cluster: Cluster, state: StudyState) -> None:
    for trial in state.trials:
        for attempt in trial.attempts.values():
            outcome = attempt.outcome
            if outcome is None or not (outcome.reason or "").startswith("lost"):
                continue
            count = sum(other.started is not None for other in trial.attempts.values())
            if count < cluster.config.max_attempts:
                what = f"trial {trial.number} is lost, but was started {count} times"
                raise BrokenPromiseError(what)


def _nothing_is_damaged(cluster: Cluster) -> None:
    found = verify_filesystem(SimulatedFilesystem(cluster.server, "inspector"))
    errors = [problem for problem in found.problems if problem.severity is Severity.ERROR]
    if errors:
        raise BrokenPromiseError(f"verify finds {errors[:3]}")


def _a_handful_of_files_is_left(cluster: Cluster, truth: list[object]) -> None:
    """When all have ended, everything fits into a few files, and is the same afterwards."""
    done = compact(cluster.observer(), 0.0, assume_ended=True, settle=lambda: None)
    if picture(cluster.observer().state) != truth:
        raise BrokenPromiseError(f"another study after {done}")
    left = [path for path in cluster.server.paths() if not path.endswith(".claim")]
    if len(left) > 2:
        raise BrokenPromiseError(f"after {done} there still are {left}")
    _nothing_is_damaged(cluster)
