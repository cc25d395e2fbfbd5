"""Lost, paused and silent: who gets which attempt, by fake clocks on a filesystem in memory."""

from __future__ import annotations

import os
import zlib

import pytest

import fsopt
from fsopt.config import StudyConfig
from fsopt.errors import StorageError
from fsopt.events import (
    AttributeSet,
    Heartbeat,
    TrialCompleted,
    TrialPaused,
    TrialReported,
    TrialRetried,
)
from fsopt.log import layout
from fsopt.log.files import TrialFiles
from fsopt.log.identity import Identity
from fsopt.log.memory import MemoryFilesystem
from fsopt.space import Float, Space
from fsopt.state import TrialState
from fsopt.study import numbers
from fsopt.study.dispatch import Dispatcher
from fsopt.study.session import Session

LEASE = 100.0
CONFIG = StudyConfig(
    space=Space(Float("x", 0.0, 1.0)),
    seed=1,
    optimizer=fsopt.RandomSearch(),
    lease=LEASE,
    max_attempts=2,
)


class Node:
    """A process on a machine of its own: others know of it only what its log says."""

    def __init__(self, name: str, cluster: Cluster) -> None:
        identity = Identity(writer=name, host=name, pid=os.getpid(), process=None, job=None)
        self.now = zlib.crc32(name.encode()) % 1000 / 7.0
        self.session = Session(
            CONFIG, cluster.filesystem, cluster.files, identity, lambda: self.now
        )
        self.dispatcher = Dispatcher(self.session)

    def take(self, limit: int | None = None, count: int = 1) -> list[tuple[int, int]]:
        self.now += 0.3  # so that it looks at what others do
        return [(a.number, a.attempt) for a in self.dispatcher.take(count, limit)]

    def wait(self, seconds: float) -> None:
        self.session.sync()
        self.now += seconds

    def complete(self, number: int, attempt: int = 0, value: float = 1.0) -> None:
        self.session.append(TrialCompleted(trial=number, attempt=attempt, values=(value,)))

    def state(self, number: int) -> TrialState:
        self.session.sync()
        return self.session.state.trials[number].state


class Cluster:
    """Nodes that share a filesystem."""

    def __init__(self) -> None:
        self.filesystem = MemoryFilesystem()
        self.files = TrialFiles(None)

    def node(self, name: str) -> Node:
        return Node(name, self)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(Session, "keep_alive", lambda _: None)
    return Cluster()


def test_numbers_are_dense_and_nobody_gets_two_of_the_same(cluster: Cluster) -> None:
    nodes = [cluster.node(name) for name in "abc"]
    taken = [nodes[i % 3].take(10) for i in range(12)]
    assert [numbers for numbers in taken if numbers] == [[(n, 0)] for n in range(10)]
    assert taken[10:] == [[], []]


def test_a_silent_process_is_given_up_after_the_lease_and_not_before(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    assert a.take(1) == [(0, 0)]
    assert b.take(1) == []
    b.wait(LEASE - 1)
    assert b.take(1) == []
    b.wait(2)
    assert b.take(1) == [(0, 1)]
    assert b.take(1) == []
    b.complete(0, attempt=1)
    assert a.state(0) is TrialState.COMPLETED


def test_signs_of_life_keep_a_trial(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.take(1)
    for _ in range(5):
        b.wait(LEASE - 1)
        a.session.append(Heartbeat())
        assert b.take(1) == []


def test_a_process_that_just_came_waits_a_whole_lease(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.take(1)
    b.now += 1e6
    assert b.take(1) == []
    b.wait(LEASE + 1)
    assert b.take(1) == [(0, 1)]


def test_a_process_that_left_in_good_order_is_not_waited_for(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.take(1)
    a.session.close()
    assert b.take(1) == [(0, 1)]


def test_a_result_that_is_seen_at_the_last_moment_is_not_repeated(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.take(1)
    b.wait(LEASE + 1)
    a.complete(0)
    assert b.take(1) == []
    assert b.state(0) is TrialState.COMPLETED


def test_a_paused_trial_is_continued_at_once_with_its_last_step(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    (first,) = a.dispatcher.take(1, 1)
    saved = cluster.files.root / layout.checkpoint(0, 0)
    saved.mkdir(parents=True)
    (saved / "state").write_text("x")
    a.session.append(
        TrialReported(trial=0, steps=(1, 2), values=(0.5, 0.6)),
        TrialPaused(trial=0, reason="preempted"),
    )
    (again,) = b.dispatcher.take(1, 1)
    assert (again.number, again.attempt, again.last_step) == (0, 1, 2)
    assert again.params == first.params
    assert not saved.exists()
    assert (cluster.files.root / layout.checkpoint(0, 1) / "state").read_text() == "x"


def test_a_trial_that_is_lost_too_often_fails(cluster: Cluster) -> None:
    cluster.node("a").take(1)
    b, c = cluster.node("b"), cluster.node("c")
    for node in (b, c):
        node.wait(LEASE + 1)
    assert b.take(1) == [(0, 1)]
    c.wait(LEASE + 1)
    c.wait(LEASE + 1)
    assert c.take(1) == []
    assert c.state(0) is TrialState.FAILED
    reason = c.session.state.trials[0].outcome.reason  # type: ignore[union-attr]
    assert reason == "lost: the process vanished in each of 2 attempts"


def test_a_preemption_does_not_count_as_lost(cluster: Cluster) -> None:
    node = cluster.node("a")
    for attempt in range(5):
        assert node.take(1) == [(0, attempt)]
        node.session.append(TrialPaused(trial=0, attempt=attempt, reason="preempted"))


def test_only_one_of_many_takes_over(cluster: Cluster) -> None:
    cluster.node("a").take(1)
    others = [cluster.node(name) for name in "bcdef"]
    for node in others:
        node.wait(LEASE + 1)
    assert [taken for node in others for taken in node.take(1)] == [(0, 1)]


def test_a_number_claimed_without_a_word_is_taken_over(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.session.introduce()
    assert a.session.journal.claims.next_number(lambda _: False, 2) == 0
    assert b.take(2) == [(1, 0)]
    b.wait(LEASE / 2)
    assert b.take(2) == []
    b.wait(LEASE)
    assert b.take(2) == [(0, 1)]
    b.complete(0, attempt=1)
    b.complete(1)
    late = cluster.node("c")
    assert late.take(2) == []
    assert [late.state(n) for n in (0, 1)] == [TrialState.COMPLETED] * 2


def test_a_claim_that_names_nobody_is_taken_over_after_the_lease(cluster: Cluster) -> None:
    cluster.filesystem.claim(layout.claim(0), b"")
    node = cluster.node("b")
    for pause in (2.0, 2.0, LEASE / 2, LEASE / 2):
        assert node.take(1) == []
        node.wait(pause)
    assert node.take(1) == [(0, 1)]


def test_an_attempt_claimed_by_a_process_that_died_is_passed_over(cluster: Cluster) -> None:
    a, b, c = (cluster.node(name) for name in "abc")
    a.take(1)
    a.session.append(TrialPaused(trial=0, reason="preempted"))
    b.session.introduce()
    assert b.session.journal.claims.attempt(0, 1)
    assert c.take(1) == []
    c.wait(LEASE + 1)
    assert c.take(1) == [(0, 2)]


def test_a_batch_is_distinct_and_recorded_as_one(cluster: Cluster) -> None:
    node = cluster.node("a")
    assert node.take(count=5) == [(n, 0) for n in range(5)]
    events = [
        record.event
        for record in cluster.node("b").session.journal.poll()
        if hasattr(record.event, "batch")
    ]
    assert [event.batch for event in events] == [0] * 5  # type: ignore[union-attr]


def test_what_a_proposal_has_seen_is_recorded_once(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.take()
    b.take()
    a.complete(0)
    b.take()
    b.take()
    seen = [
        record.event.seen  # type: ignore[union-attr]
        for record in cluster.node("c").session.journal.poll()
        if record.writer == "b" and hasattr(record.event, "seen")
    ]
    assert seen == [{"a": 2}, {"a": 3}, {}]


class Sick(MemoryFilesystem):
    """Refuses to create segments while it is sick."""

    sick = False

    def create(self, path: str) -> object:  # type: ignore[override]
        if self.sick:
            raise OSError(28, "No space left on device")
        return super().create(path)


def test_a_trial_started_on_a_full_disk_is_not_forgotten(cluster: Cluster) -> None:
    cluster.filesystem = sick = Sick()
    node = cluster.node("a")
    sick.sick = True
    with pytest.raises(StorageError, match="No space left"):
        node.take(3)
    sick.sick = False
    assert node.take(3) == [(0, 0)]

    def refuse(data: bytes) -> int:
        raise OSError(28, "No space left on device")

    segment = node.session.journal._writer._segment
    assert segment is not None
    segment.write = refuse  # type: ignore[method-assign]
    sick.sick = True
    with pytest.raises(StorageError, match="No space left"):
        node.take(3)
    sick.sick = False
    node.session.append()
    assert node.take(3) == [(1, 0)]
    assert node.take(3) == [(2, 0)]
    assert node.take(3) == []


def test_a_proposal_that_fails_gives_its_number_back(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = cluster.node("a")

    def broken(*_: object, **__: object) -> object:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Dispatcher, "_proposals", broken)
        with pytest.raises(MemoryError):
            node.take(count=2)
    assert cluster.filesystem.list("claims/0") == []
    assert node.take(count=2) == [(0, 0), (1, 0)]


def test_who_was_seen_alive_by_the_second_look_keeps_the_trial(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.take(1)
    b.wait(LEASE + 1)
    looks = []
    poll = b.session.journal.poll

    def sign_of_life_after_the_first_look(*, thorough: bool = True) -> object:
        records = poll(thorough=thorough)
        if not looks:
            a.session.append(Heartbeat())
        looks.append(len(records))
        return records

    b.session.journal.poll = sign_of_life_after_the_first_look  # type: ignore[assignment]
    assert b.take(1) == []
    assert looks == [0, 1]


def test_time_asleep_is_not_silence_of_others(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.take(1)
    b.session.sync()
    b.now += 10 * LEASE
    assert not b.session.is_lost("a")


def test_a_trial_that_ends_while_another_is_looked_into_is_left_alone(cluster: Cluster) -> None:
    a, b, c = (cluster.node(name) for name in "abc")
    a.take(2)
    c.take(2)
    for _ in range(2):
        b.wait(LEASE + 1)
    poll = b.session.journal.poll
    looks = []

    def done_after_the_first_look(*, thorough: bool = True) -> object:
        records = poll(thorough=thorough)
        if not looks:
            a.complete(0)
            c.complete(1)
        looks.append(1)
        return records

    b.session.journal.poll = done_after_the_first_look  # type: ignore[assignment]
    assert b.take(2) == []


def test_an_attempt_begun_while_its_predecessor_is_looked_into_is_left_alone(
    cluster: Cluster,
) -> None:
    a, b, c = (cluster.node(name) for name in "abc")
    a.take(1)
    for node in (b, c):
        node.wait(LEASE + 1)
    poll = b.session.journal.poll
    looks = []

    def taken_after_the_first_look(*, thorough: bool = True) -> object:
        records = poll(thorough=thorough)
        if not looks:
            assert c.take(1) == [(0, 1)]
        looks.append(1)
        return records

    b.session.journal.poll = taken_after_the_first_look  # type: ignore[assignment]
    assert b.take(1) == []
    assert b.state(0) is TrialState.RUNNING


def test_a_remark_alone_does_not_make_a_trial_wait(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.session.introduce()
    assert a.session.journal.claims.next_number(lambda _: False, 1) == 0
    a.session.append(AttributeSet(trial=0, name="note", value="x"))
    assert b.take(1) == []
    b.wait(LEASE + 1)
    assert b.take(1) == [(0, 1)]


def test_a_claimed_attempt_without_a_name_is_passed_over_after_a_lease(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.take(1)
    a.session.append(TrialPaused(trial=0, reason="preempted"))
    cluster.filesystem.claim(layout.claim(0, 1), b"")
    assert b.take(1) == []
    b.wait(LEASE + 1)
    assert b.take(1) == [(0, 2)]


def test_an_attempt_claimed_by_a_try_that_went_wrong_is_taken_up_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = cluster.node("a")
    node.take(1)
    node.session.append(TrialPaused(trial=0, reason="preempted"))

    def refuse(*_: object, **__: object) -> None:
        raise StorageError("can't hand over", passing=True)

    with monkeypatch.context() as patch:
        patch.setattr(TrialFiles, "hand_over_checkpoint", refuse)
        with pytest.raises(StorageError):
            node.take(1)
    assert node.take(1) == [(0, 1)]


def test_a_trial_that_failed_as_lost_can_be_retried(cluster: Cluster) -> None:
    cluster.node("a").take(1)
    b, c = cluster.node("b"), cluster.node("c")
    for node in (b, c):
        node.wait(LEASE + 1)
    b.take(1)
    c.wait(LEASE + 1)
    c.wait(LEASE + 1)
    assert c.take(1) == []
    trial = c.session.state.trials[0]
    assert trial.state is TrialState.FAILED
    c.session.append(TrialRetried(trial=0, attempt=trial.next_attempt))
    assert c.take(1) == [(0, trial.next_attempt - 1)]


def test_an_attempt_given_up_whose_process_lives_does_not_count_as_lost(cluster: Cluster) -> None:
    a, b, c = (cluster.node(name) for name in "abc")
    a.take(1)
    b.wait(LEASE + 1)
    assert b.take(1) == [(0, 1)]
    a.session.append(Heartbeat())
    c.wait(LEASE + 1)
    a.session.append(Heartbeat())
    assert c.take(1) == [(0, 2)]


def test_nothing_is_claimed_while_the_disk_is_full(cluster: Cluster) -> None:
    cluster.filesystem = sick = Sick()
    node = cluster.node("a")
    sick.sick = True
    for _ in range(3):
        with pytest.raises(StorageError):
            node.take(3)
    assert sick.list("claims") == []


def test_signs_of_life_do_not_pile_up_while_the_disk_is_full(cluster: Cluster) -> None:
    cluster.filesystem = sick = Sick()
    node = cluster.node("a")
    sick.sick = True
    for _ in range(3):
        node.now += LEASE
        with pytest.raises(StorageError):
            node.session.journal.beat(1.0)
    assert node.session.journal.backlog == 2  # that it started, and one sign of life


def test_what_was_written_is_taken_in_even_if_others_can_not_be_read(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = cluster.node("a")
    node.take(1)
    # Another thread writes: what it wrote waits for the next look.
    node.session.journal.append([TrialCompleted(trial=0, values=(1.0,))])

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFilesystem, "list", refuse)
        with pytest.raises(StorageError):
            node.session.sync()
    assert node.state(0) is TrialState.COMPLETED


def test_a_number_that_was_given_back_is_claimed_itself_by_whoever_has_passed_it(
    cluster: Cluster,
) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    a.session.introduce()
    assert a.session.journal.claims.number(0)
    assert b.take(2) == [(1, 0)]
    a.session.journal.claims.release(0)
    assert b.take(2) == []
    b.wait(2)
    assert b.take(2) == [(0, 0)]
    assert b.session.journal.claims.owner(0) == "b"


def test_where_many_draw_numbers_all_below_the_limit_are_used_once(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "LOGS_PER_NUMBER", 1)
    nodes = [cluster.node(f"n{index}") for index in range(8)]
    for node in nodes:
        node.session.introduce()
    taken = [trial for _ in range(5) for node in nodes for trial in node.take(30)]
    assert sorted(taken) == [(number, 0) for number in range(30)]
    assert taken != sorted(taken)


def test_without_a_limit_numbers_are_claimed_in_order_however_many_claim(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "LOGS_PER_NUMBER", 1)
    nodes = [cluster.node(f"n{index}") for index in range(8)]
    for node in nodes:
        node.session.introduce()
    assert [trial for node in nodes for trial in node.take()] == [(n, 0) for n in range(8)]


def test_holes_that_a_stopped_study_has_left_are_filled_first(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(numbers, "LOGS_PER_NUMBER", 1)
        many = [cluster.node(f"n{index}") for index in range(8)]
        for node in many:
            node.session.introduce()
        taken = [number for node in many for number, _ in node.take(30)]
    holes = sorted(set(range(max(taken))) - set(taken))
    late = cluster.node("late")
    assert [late.take(30)[0][0] for _ in holes] == holes
    assert holes
