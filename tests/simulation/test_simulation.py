"""Many simulated studies with trouble of every kind, and proof that they would find mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from fsopt.log import layout, reader
from fsopt.log.claims import Claims
from fsopt.log.journal import Journal
from fsopt.log.writer import LogWriter
from fsopt.state.record import Attempt, Outcome
from fsopt.study import collection, compaction, session, wholesale
from fsopt.study.session import Session
from tests.simulation.cluster import LEASE, PID, Cluster
from tests.simulation.invariants import check

pytestmark = pytest.mark.simulation

LAST = 40
"""How many of the last actions are shown when a study breaks a promise."""


class ScheduleFailedError(AssertionError):
    """A simulated study broke a promise; says which, by which seed, and how it came to it."""


def run(seed: int) -> Cluster:
    """Simulate one study and check it."""
    cluster = Cluster(seed)
    try:
        with scaled(cluster):
            cluster.run()
            check(cluster)
    except Exception as error:
        story = "\n".join(" ".join(map(str, note)) for note in cluster.trace[-LAST:])
        again = f"pytest tests/simulation -m simulation --schedule-seed {seed}"
        raise ScheduleFailedError(
            f"seed {seed}: {type(error).__name__}: {error}\n{story}\nAgain: {again}"
        ) from error
    return cluster


@contextmanager
def scaled(cluster: Cluster) -> Iterator[None]:
    """Snapshots and removal at a pace at which small studies see all of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.getpid", lambda: PID)
        patch.setattr(session, "MANY_LOGS", cluster.many_logs)
        patch.setattr(session, "STALE", LEASE)
        patch.setattr(collection, "STALE", LEASE)
        patch.setattr(wholesale, "SAFE", 2 * LEASE)
        patch.setattr(compaction, "RETENTION", 2 * LEASE)
        patch.setattr(compaction, "TRIALS_PER_GENERATION", 2)
        patch.setattr(compaction, "PATIENCE", LEASE / 2)
        patch.setattr(compaction, "_INTERVALS", (LEASE / 40, LEASE / 4))
        for pause in ("_COLLECT_EVERY", "_MARK_EVERY", "_RETRY_AFTER"):
            patch.setattr(compaction, pause, LEASE / 4)
        yield


def run_all(seeds: Iterable[int]) -> None:
    """Simulate a study for each seed, until one breaks a promise."""
    for seed in seeds:
        run(seed)


def test_studies_keep_their_promises_in_every_storm(request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("--schedule-seed")
    seeds = range(request.config.getoption("--schedules")) if seed is None else [seed]
    run_all(seeds)


def test_a_seed_gives_the_same_study_every_time() -> None:
    for seed in range(3):
        first, second = run(seed), run(seed)
        assert first.trace == second.trace
        assert first.server.directories == second.server.directories


def test_the_storms_are_what_they_claim_to_be() -> None:
    """Crashes, full disks, stops in the middle, losses, retries and late results all occur."""
    notes = [" ".join(map(str, note)) for seed in range(40) for note in run(seed).trace]
    for what in (
        *("crashes", "disk is full", "stopped in the middle", "sleeps until", "only a part"),
        *("Input/output error", "Stale file", "leaves: preempted", "TrialFailed", "'lost: the"),
        *("TrialRetried", "TrialReported", "cancelled"),
    ):
        assert any(what in note for note in notes), what


def without_sync(patch: pytest.MonkeyPatch) -> None:
    """A writer that acknowledges what it has not synced."""

    def write(self: LogWriter, lines: Sequence[bytes]) -> None:
        if self._segment is None:
            self._lengths.append(0)
            path = layout.segment(self.writer, len(self._lengths) - 1)
            self._segment = self._filesystem.create(path)
            self._segment.sync()
            self._filesystem.has_synced = True  # type: ignore[attr-defined]
        for line in lines:
            if self._segment.write(line) != len(line):
                raise OSError("short")
        self._lengths[-1] += sum(map(len, lines))

    patch.setattr(LogWriter, "_write", write)


def going_on_in_a_torn_segment(patch: pytest.MonkeyPatch) -> None:
    """A writer that stays in a segment whose end nobody knows."""
    patch.setattr(LogWriter, "_abandon_segment", lambda _: None)


def giving_up_without_another_look(patch: pytest.MonkeyPatch) -> None:
    """A process that takes a trial over by what it read a while ago."""
    patch.setattr(Session, "is_certainly_lost", lambda self, writer: self.is_lost(writer))


def claims_of_attempts_that_are_not_exclusive(patch: pytest.MonkeyPatch) -> None:
    """Everybody who claims an attempt gets it."""

    def attempt(self: Claims, trial: int, attempt: int) -> bool:
        self._create(layout.claim(trial, attempt))
        return True

    patch.setattr(Claims, "attempt", attempt)


def dropping_a_segment_as_soon_as_there_is_another(patch: pytest.MonkeyPatch) -> None:
    """A reader that trusts new names to appear after old contents."""
    patch.setattr(reader, "_SETTLED", 0.0)


def believing_whoever_speaks_last(patch: pytest.MonkeyPatch) -> None:
    """A fold in which the last outcome of an attempt holds."""

    def add_outcome(self: Attempt, outcome: Outcome) -> None:
        self.outcome = outcome

    patch.setattr(Attempt, "add_outcome", add_outcome)


def forgetting_what_was_acknowledged_when_reading_fails(patch: pytest.MonkeyPatch) -> None:
    """A journal that hands its own events over before it reads what may be unreadable."""

    def poll(self: Journal, *, thorough: bool = True) -> list[object]:
        return [*self.acknowledged(), *self._reader.poll(self._clock(), thorough=thorough)]

    patch.setattr(Journal, "poll", poll)


def claiming_more_while_the_disk_is_full(patch: pytest.MonkeyPatch) -> None:
    """A process that claims before it could say who it is."""

    def introduce(self: Session) -> None:
        if not self.journal.introduced:
            self.append()

    patch.setattr(Session, "introduce", introduce)


MISTAKES: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    without_sync: "acknowledged, but",
    going_on_in_a_torn_segment: "acknowledged, but",
    giving_up_without_another_look: "without another look",
    claims_of_attempts_that_are_not_exclusive: r"\(\d+, \d+\) went to w\d+ and w\d+",
    dropping_a_segment_as_soon_as_there_is_another: "sees another study than the logs tell",
    believing_whoever_speaks_last: "depends on the order of events",
    forgetting_what_was_acknowledged_when_reading_fails: "does not end|sees another study",
    claiming_more_while_the_disk_is_full: "without having said who it is",
}
"""Each with the promise that it breaks."""


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_found(
    mistake: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake(monkeypatch)
    with pytest.raises(ScheduleFailedError, match=rf"BrokenPromiseError: .*({MISTAKES[mistake]})"):
        run_all(range(600))
