"""Every proposal of an optimizer can be made once more from the logs, bit for bit."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fsopt
from fsopt import codec
from fsopt.config import StudyConfig
from fsopt.errors import ReplayError
from fsopt.events import (
    Record,
    TrialCompleted,
    TrialFailed,
    TrialPaused,
    TrialRetried,
    TrialStarted,
    WriterStarted,
)
from fsopt.log import layout, snapshots
from fsopt.space import Categorical, Float, Space
from fsopt.state import TrialState
from fsopt.study import compaction, session
from fsopt.study.replay import ENQUEUED, Occasion, read_logs, recollect
from fsopt.study.session import Session
from fsopt.study.wholesale import compact
from tests.unit.study import test_dispatch
from tests.unit.study.test_dispatch import LEASE, Cluster, Node

CONFIG = StudyConfig(
    space=Space(
        Categorical("c", ["a", "b", None]), Float("x", 0.0, 1.0), conditions={"x": "c != 'b'"}
    ),
    objectives={"y": "maximize"},
    seed=11,
    optimizer=fsopt.BayesianOptimizer(surrogate="forest", candidates=40),
    lease=LEASE,
)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(Session, "keep_alive", lambda _: None)
    monkeypatch.setattr(test_dispatch, "CONFIG", CONFIG)
    monkeypatch.setattr(compaction, "TRIALS_PER_GENERATION", 10)
    return Cluster()


def observer(cluster: Cluster) -> Session:
    node = cluster.node("observer")
    node.session.open()
    node.session.sync()
    return node.session


def occasion(cluster: Cluster, number: int) -> Occasion:
    seen = observer(cluster)
    return recollect(seen, number, read_logs(seen))


def differences(cluster: Cluster) -> dict[int, str | None]:
    """What is not the same when each trial of an optimizer is proposed once more, by number."""
    seen = observer(cluster)
    records = read_logs(seen)
    found = {}
    for trial in seen.state.trials:
        if trial.effective_proposal and trial.effective_proposal.by != ENQUEUED:
            found[trial.number] = recollect(seen, trial.number, records).repeat().difference
    return found


def value(node: Node, number: int) -> float:
    """A value that depends on the configuration, so that proposals depend on the values."""
    params = node.session.state.trials[number].params or {}
    x = params.get("x")
    return -(((x if isinstance(x, float) else 0.5) - 0.3) ** 2)


class Crowd:
    """Processes that do all that can happen to trials, in a random order."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.cluster = cluster
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Node] = []
        self.names = (f"n{index}" for index in itertools.count())
        self.in_hand: list[tuple[Node, int, int]] = []
        self.add()

    def add(self) -> None:
        # No two processes ever have the same name, even if one of them is gone.
        node = self.cluster.node(next(self.names))
        node.session.open()
        self.nodes.append(node)

    def turn(self) -> None:
        node = self.nodes[self.rng.integers(len(self.nodes))]
        actions: list[tuple[float, Callable[[Node], None]]] = [
            (8, self.take),
            (8, self.end),
            (1, self.retry),
            (1, self.enqueue),
            (1, self.vanish),
            (1, lambda _: self.add()),
        ]
        weights = np.array([weight for weight, _ in actions])
        actions[self.rng.choice(len(actions), p=weights / weights.sum())][1](node)

    def take(self, node: Node) -> None:
        for number, attempt in node.take(count=int(self.rng.integers(1, 4))):
            self.in_hand.append((node, number, attempt))

    def end(self, _: Node) -> None:
        if not self.in_hand:
            return
        node, number, attempt = self.in_hand.pop(self.rng.integers(len(self.in_hand)))
        kind = self.rng.choice(["completed", "completed", "completed", "failed", "paused"])
        if kind == "completed":
            told = TrialCompleted(trial=number, attempt=attempt, values=(value(node, number),))
            node.session.append(told)
        elif kind == "failed":
            node.session.append(TrialFailed(trial=number, attempt=attempt, reason="unlucky"))
        else:
            node.session.append(TrialPaused(trial=number, attempt=attempt, reason="preempted"))

    def retry(self, node: Node) -> None:
        for trial in node.session.state.trials:
            if trial.state is TrialState.FAILED:
                node.session.append(TrialRetried(trial=trial.number, attempt=trial.next_attempt))
                return

    def enqueue(self, node: Node) -> None:
        node.now += 0.3
        node.dispatcher.enqueue({"c": "a", "x": float(self.rng.random())})

    def vanish(self, node: Node) -> None:
        """A process falls silent; what it had in hand is continued by others after the lease."""
        if len(self.nodes) > 2:
            self.in_hand = [entry for entry in self.in_hand if entry[0] is not node]
            self.nodes.remove(node)
            for other in self.nodes:
                other.wait(LEASE / 2)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_to_a_study_its_proposals_can_be_repeated(
    cluster: Cluster, seed: int
) -> None:
    crowd = Crowd(cluster, seed)
    for _ in range(60):
        crowd.turn()
    found = differences(cluster)
    assert len(found) > 15
    assert set(found.values()) == {None}
    assert snapshots.look(cluster.filesystem).names or seed, "some of it is read from snapshots"


def test_a_process_that_follows_snapshots_tells_what_it_knew(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MANY_LOGS", 2)
    monkeypatch.setattr(snapshots, "KEPT", 10**6)
    nodes = [cluster.node(f"n{index}") for index in range(5)]
    for node in nodes:
        node.session.open()
    rng = np.random.default_rng(0)
    for turn in range(60):
        node = nodes[rng.integers(len(nodes))]
        node.now += 10.0
        if 30 <= turn < 40:
            node.session.sync()  # knows more than any snapshot now
        for number, attempt in node.take():
            node.complete(number, attempt, value(node, number))
    starts = [r.event for r in read_logs(observer(cluster)) if isinstance(r.event, TrialStarted)]
    assert any(event.snapshot and event.seen for event in starts)
    assert sum(event.snapshot is not None for event in starts) > 20
    assert set(differences(cluster).values()) == {None}


def test_without_its_snapshot_a_proposal_cannot_be_repeated(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MANY_LOGS", 2)
    nodes = [cluster.node(f"n{index}") for index in range(5)]
    for turn in range(40):
        node = nodes[turn % 5]
        node.now += 30.0
        for number, attempt in node.take():
            node.complete(number, attempt, value(node, number))
    seen = observer(cluster)
    event = next(r.event for r in read_logs(seen) if getattr(r.event, "snapshot", None))
    assert isinstance(event, TrialStarted)
    assert event.snapshot is not None
    del cluster.filesystem.files[event.snapshot]
    with pytest.raises(ReplayError, match="snapshots stay for a few minutes only"):
        occasion(cluster, event.trial)


def rewrite(cluster: Cluster, change: Callable[[Record], Record | None]) -> None:
    """Change the records of all logs, with checksums that are right."""
    files = cluster.filesystem.files
    for path in [path for path in files if path.startswith(layout.LOG)]:
        writer = layout.writer_of(path)
        lines = bytes(files[path]).splitlines()
        changed = (change(codec.decode(line, writer)) for line in lines)
        files[path] = bytearray(b"".join(codec.encode(r) for r in changed if r is not None))


def evaluate(node: Node, trials: int, count: int = 1) -> None:
    for _ in range(trials):
        for number, attempt in node.take(count=count):
            node.complete(number, attempt, value(node, number))


def test_a_changed_configuration_is_noticed(cluster: Cluster) -> None:
    evaluate(cluster.node("a"), 8)

    def change(record: Record) -> Record:
        if isinstance(record.event, TrialStarted) and record.event.trial == 7:
            return replace(record, event=replace(record.event, params={"c": "a", "x": 0.25}))
        return record

    rewrite(cluster, change)
    replay = occasion(cluster, 7).repeat()
    assert replay.difference is not None
    assert "proposes another configuration" in replay.difference
    assert replay.proposed == {"c": "a", "x": 0.25}
    assert replay.again is not None
    assert replay.again != replay.proposed


def test_a_configuration_that_does_not_fit_the_space_is_noticed(cluster: Cluster) -> None:
    evaluate(cluster.node("a"), 2)

    def change(record: Record) -> Record:
        if isinstance(record.event, TrialStarted) and record.event.trial == 1:
            return replace(record, event=replace(record.event, params={"c": "a", "x": 7.0}))
        return record

    rewrite(cluster, change)
    found = occasion(cluster, 1)
    assert found.repeat().difference is not None
    assert found.explain() is None


def test_a_changed_result_is_noticed_in_all_proposals_that_saw_it(cluster: Cluster) -> None:
    evaluate(cluster.node("a"), 8)

    def change(record: Record) -> Record:
        if isinstance(record.event, TrialCompleted) and record.event.trial == 2:
            return replace(record, event=replace(record.event, values=(1.0,)))
        return record

    rewrite(cluster, change)
    found = differences(cluster)
    changed = [number for number, difference in found.items() if difference is not None]
    assert changed == [5, 6, 7], "the first five are of the initial design, which sees no values"
    assert "the history that the logs tell" in str(found[5])


def test_a_batch_of_which_not_all_was_written_can_be_repeated(cluster: Cluster) -> None:
    node = cluster.node("a")
    evaluate(node, 6)
    taken = node.take(count=3)
    complete = [occasion(cluster, number).proposed for number, _ in taken]

    def change(record: Record) -> Record | None:
        last = isinstance(record.event, TrialStarted) and record.event.trial == taken[-1][0]
        return None if last else record

    rewrite(cluster, change)
    found = occasion(cluster, taken[1][0])
    assert found.numbers == tuple(number for number, _ in taken)
    replay = found.repeat()
    assert (replay.again, replay.difference) == (complete[1], None)
    assert len(found.beside.X_pending) == len(found.before.X_pending) + 1


def test_a_proposal_after_an_attempt_without_a_word_can_be_repeated(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    evaluate(a, 6)
    a.session.journal.claims.next_number(lambda number: number < 6, 7)
    evaluate(b, 2)
    b.wait(LEASE / 2)
    assert b.take(limit=7) == []
    b.wait(LEASE)
    assert b.take(limit=7) == [(6, 1)]
    assert occasion(cluster, 6).repeat().difference is None


def test_what_a_person_enqueued_cannot_be_repeated(cluster: Cluster) -> None:
    node = cluster.node("a")
    number = node.dispatcher.enqueue({"c": "b"})
    with pytest.raises(ReplayError, match="a person enqueued it"):
        occasion(cluster, number)


def test_without_the_logs_of_that_time_a_proposal_cannot_be_repeated(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    evaluate(a, 3)
    evaluate(b, 4)
    a.session.close()
    b.session.close()
    compact(cluster.node("c").session, 0.0, assume_ended=False, settle=lambda: None)
    with pytest.raises(ReplayError, match="compaction has removed them"):
        occasion(cluster, 5)


def test_the_log_of_another_that_was_removed_is_missed_only_by_who_saw_it(
    cluster: Cluster,
) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    evaluate(a, 3)
    before = len(cluster.filesystem.files)
    evaluate(b, 4)
    assert len(cluster.filesystem.files) > before
    for path in [path for path in cluster.filesystem.files if path.endswith("/a.0.jsonl")]:
        del cluster.filesystem.files[path]
    with pytest.raises(ReplayError, match=r"not in the logs any more, of a:"):
        occasion(cluster, 5)


def test_another_version_is_blamed_only_if_the_proposal_differs(cluster: Cluster) -> None:
    evaluate(cluster.node("a"), 8)

    def older(record: Record) -> Record:
        if isinstance(record.event, WriterStarted):
            return replace(record, event=replace(record.event, version="0.0.1"))
        if isinstance(record.event, TrialStarted) and record.event.trial == 7:
            return replace(record, event=replace(record.event, params={"c": "b"}))
        return record

    rewrite(cluster, older)
    assert occasion(cluster, 6).repeat().difference is None
    with pytest.raises(ReplayError, match=r"proposed by fsopt 0\.0\.1"):
        occasion(cluster, 7).repeat()


def test_an_unknown_optimizer_cannot_be_repeated(cluster: Cluster) -> None:
    evaluate(cluster.node("a"), 1)

    def newer(record: Record) -> Record:
        if isinstance(record.event, WriterStarted):
            return replace(record, event=replace(record.event, optimizer={"kind": "oracle"}))
        return record

    rewrite(cluster, newer)
    with pytest.raises(ReplayError, match="unknown optimizer 'oracle'"):
        occasion(cluster, 0)


def test_a_checksum_is_recorded_only_by_an_optimizer_that_looks_at_trials(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(cluster.node("a"), 6)
    starts = [r.event for r in read_logs(observer(cluster)) if isinstance(r.event, TrialStarted)]
    assert [event.view is None for event in starts] == [True] * 5 + [False]


def test_the_budget_is_known_again_as_it_was_when_a_trial_was_proposed(tmp_path: Path) -> None:
    with fsopt.create_study(tmp_path / "study", space=Space(Float("x", 0.0, 1.0))) as study:
        study.ask()
        study.allow(5)
        study.ask()
        study.allow(7)
        study.ask()
        logs = read_logs(study.session)
        budgets = [recollect(study.session, n, logs).before.budget for n in range(3)]
        assert study.session.history().budget == 7
    assert budgets == [None, 5, 7]
