"""What must hold after each simulated study, whatever happened in it."""

from __future__ import annotations

from random import Random

from fsopt.events import Record, TrialFailed, TrialStarted
from fsopt.log.reader import LogReader
from fsopt.state import StudyState, TrialRecord
from tests.simulation.cluster import LEASE, SPACE, Cluster
from tests.simulation.filesystem import BrokenPromiseError, SimulatedFilesystem


def check(cluster: Cluster) -> None:
    """Raise `BrokenPromiseError` if a promise was broken."""
    cluster.server.now += LEASE
    cluster.server.cache_time, cluster.server.full = 0.0, False
    reader = LogReader(SimulatedFilesystem(cluster.server, "observer"), own="observer")
    records = reader.poll(0.0)
    _nothing_acknowledged_is_lost(cluster, records)
    truth = picture(folded(records))
    _order_does_not_matter(records, truth, cluster.random)
    _numbers_are_dense_and_all_is_done(cluster, folded(records))
    _live_processes_agree(cluster, truth)
    _only_the_lost_fail_as_lost(cluster, records)


def folded(records: list[Record]) -> StudyState:
    state = StudyState(SPACE, 1)
    state.apply_all(records)
    return state


def picture(state: StudyState) -> list[object]:
    """Everything about the trials, comparable."""
    return [_trial(trial) for trial in state.trials]


def _trial(trial: TrialRecord) -> tuple[object, ...]:
    attempts = [
        (a.index, a.started, repr(a.outcome), sorted(a.reports.items()))
        for _, a in sorted(trial.attempts.items())
    ]
    shown = (trial.number, trial.state, trial.retry, repr(trial.params), attempts)
    return (*shown, sorted(trial.attributes.items()))


def _nothing_acknowledged_is_lost(cluster: Cluster, records: list[Record]) -> None:
    found = {(record.writer, record.seq): record for record in records}
    for key, record in cluster.ledger.items():
        if repr(found.get(key)) != repr(record):
            raise BrokenPromiseError(f"acknowledged, but {found.get(key)} in the log: {record}")


def _order_does_not_matter(records: list[Record], truth: list[object], random: Random) -> None:
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


def _only_the_lost_fail_as_lost(cluster: Cluster, records: list[Record]) -> None:
    started: dict[int, set[int]] = {}
    for record in records:
        if isinstance(record.event, TrialStarted):
            started.setdefault(record.event.trial, set()).add(record.event.attempt)
    for record in records:
        event = record.event
        if isinstance(event, TrialFailed) and event.reason.startswith("lost"):
            count = len(started.get(event.trial, ()))
            if count < cluster.config.max_attempts:
                raise BrokenPromiseError(f"{event}, but it was started {count} times")
