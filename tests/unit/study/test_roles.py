"""Proposers and evaluators that know of each other from the log alone, by fake clocks."""

from __future__ import annotations

import os

import pytest

import fsopt
from fsopt.config import StudyConfig
from fsopt.errors import InfeasibleSpaceError, StorageError, StudyError
from fsopt.events import Heartbeat, TrialCompleted, WriterStarted
from fsopt.log import layout
from fsopt.log.claims import Claims
from fsopt.log.files import TrialFiles
from fsopt.log.identity import Identity
from fsopt.log.memory import MemoryFilesystem
from fsopt.space import Float, Int, Space
from fsopt.state import TrialState
from fsopt.study import session as session_module
from fsopt.study.compaction import Compactor
from fsopt.study.dispatch import Dispatcher
from fsopt.study.replay import read_logs, recollect
from fsopt.study.roles import Part, Reliance, Role, Supply
from fsopt.study.session import Session

LEASE = 100.0
PAUSE = 15.0


class Cluster:
    """Processes on machines of their own, which share a filesystem and, here, a clock."""

    def __init__(self, space: Space | None = None) -> None:
        self.filesystem, self.files, self.now = MemoryFilesystem(), TrialFiles(None), 1000.0
        space = space or Space(Float("x", 0.0, 1.0))
        self.config = StudyConfig(
            space=space, seed=1, optimizer=fsopt.RandomSearch(), lease=LEASE, max_attempts=2
        )

    def session(self, name: str, role: str, slots: int = 1) -> Session:
        identity = Identity(writer=name, host=name, pid=os.getpid(), process=None, job=None)
        session = Session(self.config, self.filesystem, self.files, identity, lambda: self.now)
        session.role, session.slots = role, slots
        session.reads_all = role == "propose"
        session.open()
        return session

    def proposer(self, name: str, ahead: int | None = None) -> Proposer:
        return Proposer(self, name, ahead)

    def evaluator(self, name: str, slots: int = 1, *, waits: bool = False) -> Evaluator:
        return Evaluator(self, name, slots, waits)


class Proposer:
    def __init__(self, cluster: Cluster, name: str, ahead: int | None) -> None:
        self.cluster, self.session = cluster, cluster.session(name, "propose")
        self.dispatcher = Dispatcher(self.session)
        self.supply = Supply(self.session, ahead)

    def turn(self, limit: int | None = None) -> int:
        """Propose what is wanted; how many that were."""
        self.cluster.now += 0.5
        self.dispatcher.attend()
        wanted = self.supply.wanted(limit)
        made = self.dispatcher.propose(wanted, limit) if wanted else 0
        self.supply.proposed(made, 0.0)
        return made


class Evaluator:
    def __init__(self, cluster: Cluster, name: str, slots: int, waits: bool) -> None:
        self.cluster, self.session = cluster, cluster.session(name, "evaluate", slots)
        self.dispatcher = Dispatcher(self.session)
        self.told: list[str] = []
        self.reliance = Reliance(self.session, waits=waits, tell=self.told.append)

    def turn(self, limit: int | None = None) -> list[tuple[int, int]]:
        """Take what there is."""
        self.cluster.now += 0.5
        new = self.reliance.must_propose()
        return [(a.number, a.attempt) for a in self.dispatcher.take(1, limit, new=new)]

    def complete(self, number: int, attempt: int = 0) -> None:
        self.session.append(TrialCompleted(trial=number, attempt=attempt, values=(1.0,)))


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(Session, "keep_alive", lambda _: None)
    return Cluster()


def test_an_evaluator_takes_what_a_proposer_proposed_and_a_limit_is_exact(
    cluster: Cluster,
) -> None:
    p, e = cluster.proposer("p"), cluster.evaluator("e")
    taken = []
    for _ in range(20):
        p.turn(limit=5)
        for number, attempt in e.turn(limit=5):
            taken.append((number, attempt))
            e.complete(number)
    assert sorted(taken) == [(number, 0) for number in range(5)]
    trial = e.session.state.trials[0]
    assert trial.proposal is not None
    assert (trial.proposal.by, trial.proposal.stamp.writer) == ("random", "p")


def test_a_proposer_keeps_as_many_waiting_as_asked_beyond_what_idle_evaluators_take(
    cluster: Cluster,
) -> None:
    p = cluster.proposer("p", ahead=2)
    assert p.turn() == 2
    assert p.turn() == 0
    e = cluster.evaluator("e", slots=3)
    e.turn()
    assert p.turn() == 3, "two slots are idle, and one waiting trial was taken"
    e.turn()
    e.turn()
    assert p.turn() == 0, "all are busy, and two wait"


def test_the_reserve_is_what_is_taken_while_the_next_are_proposed(cluster: Cluster) -> None:
    p, e = cluster.proposer("p"), cluster.evaluator("e", slots=20)
    for _ in range(40):
        p.turn()
        for number, _ in e.turn():
            e.complete(number)
    waiting = sum(t.state is TrialState.WAITING for t in p.session.state.unfinished())
    quick = waiting - 20
    assert quick >= 2, "one trial is taken every second, and it takes two to see that"
    cluster.now += 60.0
    e.session.append(Heartbeat())
    p.turn()
    assert p.supply._reserve(cluster.now, 20) <= 2, "nothing was taken for long"


def test_two_proposers_share_the_work(cluster: Cluster) -> None:
    first, second = cluster.proposer("p1", ahead=6), cluster.proposer("p2", ahead=6)
    for p in (first, second):
        p.dispatcher.attend()
    assert first.turn() == 3
    assert second.turn() == 2
    assert first.turn() == 1


def test_an_evaluator_alone_proposes_after_a_while_until_there_is_a_proposer(
    cluster: Cluster,
) -> None:
    e = cluster.evaluator("e")
    assert e.turn() == []
    cluster.now += PAUSE
    assert e.turn() == [(0, 0)]
    assert e.told == ["no process proposes: proposing here until there is one"]
    p = cluster.proposer("p")
    p.turn()
    cluster.now += 5  # in which it looks for new logs
    assert e.turn() == [(1, 0)]
    assert e.session.state.trials[1].proposal is not None
    assert e.turn() == []
    assert e.told[1:] == ["there is a process that proposes again"]


def test_a_proposer_that_falls_silent_blocks_nobody_for_longer_than_a_lease(
    cluster: Cluster,
) -> None:
    p, e = cluster.proposer("p"), cluster.evaluator("e")
    p.turn(limit=1)
    silent_since = cluster.now
    assert e.turn() == [(0, 0)]
    while not (taken := e.turn()):
        pass
    assert taken == [(1, 0)]
    assert LEASE - PAUSE < cluster.now - silent_since <= LEASE + 2


def test_signs_of_life_of_a_proposer_are_enough(cluster: Cluster) -> None:
    p, e = cluster.proposer("p"), cluster.evaluator("e")
    p.turn(limit=1)
    assert e.turn() == [(0, 0)]
    for _ in range(20):
        cluster.now += LEASE / 4
        p.session.append(Heartbeat())
        assert e.turn() == []


def test_an_evaluator_that_waits_never_proposes_and_says_so_once(cluster: Cluster) -> None:
    e = cluster.evaluator("e", waits=True)
    for _ in range(5):
        cluster.now += LEASE
        assert e.turn() == []
    assert e.told == ["no process proposes: waiting for one"]


def test_numbers_of_a_proposer_that_died_before_it_told_are_taken_by_evaluators(
    cluster: Cluster,
) -> None:
    p, e = cluster.proposer("p"), cluster.evaluator("e", waits=True)
    p.turn(limit=1)
    assert p.session.journal.claims.next_number(lambda _: False, None) == 1
    taken = e.turn(limit=2)
    while cluster.now < 1000 + 2 * LEASE:
        taken += e.turn(limit=2)
    assert taken == [(0, 0), (1, 1)]


def test_a_proposer_comes_back_to_numbers_that_it_claimed_when_something_went_wrong(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = cluster.proposer("p", ahead=3)
    create = Claims._create

    def refuse(self: Claims, path: str) -> bool:
        create(self, path)
        raise StorageError("refused, or so it seems", passing=True)

    with monkeypatch.context() as patch:
        patch.setattr(Claims, "_create", refuse)
        with pytest.raises(StorageError):
            p.turn()
    e, taken = cluster.evaluator("e"), []
    for _ in range(12):
        p.turn(limit=4)
        for number, attempt in e.turn(limit=4):
            taken.append((number, attempt))
            e.complete(number)
    assert sorted(taken) == [(number, 0) for number in range(4)]


def test_a_late_proposal_does_not_change_what_was_taken_over(cluster: Cluster) -> None:
    p, e = cluster.proposer("p"), cluster.evaluator("e")
    p.dispatcher.attend()
    assert p.session.journal.claims.next_number(lambda _: False, None) == 0
    taken: list[tuple[int, int]] = []
    while not taken:
        taken = e.turn(limit=1)
    before = e.session.state.trials[0].params
    p.session.append(*p.dispatcher._proposals([0]))
    e.session.sync()
    assert (taken, e.session.state.trials[0].params) == ([(0, 1)], before)


def test_when_no_configuration_is_left_a_proposer_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Session, "keep_alive", lambda _: None)
    cluster = Cluster(Space(Int("n", 1, 3)))
    p = cluster.proposer("p", ahead=3)
    assert p.turn() == 3
    with pytest.raises(InfeasibleSpaceError):
        p.dispatcher.propose(1, None)
    assert not cluster.filesystem.list(layout.claim_shard(0)).count("3"), "it was given back"


def test_proposals_made_apart_can_be_repeated(cluster: Cluster) -> None:
    p, e = cluster.proposer("p", ahead=3), cluster.evaluator("e")
    for _ in range(4):
        p.turn()
        for number, _ in e.turn():
            e.complete(number)
    logs = read_logs(e.session)
    e.session.sync()
    for number in e.session.state.trials.numbers():
        occasion = recollect(e.session, number, logs)
        assert occasion.repeat().difference is None
    assert any(len(recollect(e.session, n, logs).numbers) > 1 for n in (0, 1, 2)), "a batch"


def test_in_a_crowd_an_evaluator_reads_the_logs_of_proposers(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "MANY_LOGS", 1)
    monkeypatch.setattr(Compactor, "maintain", lambda _: None)
    p, other = cluster.proposer("p"), cluster.evaluator("other")
    p.turn()
    other.turn()
    e = cluster.evaluator("e")
    e.session.sync()
    e.turn()
    cluster.now += 5.0
    e.turn()
    assert not e.session.journal.follows_all
    before = e.session.state.positions["other"]
    for _ in range(3):
        p.turn()
        other.session.append(Heartbeat())
        cluster.now += 5.0
        e.turn()
    assert len(e.session.state.trials) == len(p.session.state.trials)
    assert e.session.state.positions["other"] == before, "others' logs are not read"


def test_a_process_says_its_role_in_its_log(cluster: Cluster) -> None:
    cluster.proposer("p").turn()
    cluster.evaluator("e", slots=4).turn()
    observer = cluster.session("o", "both")
    said = {n: w.started for n, w in observer.state.writers.items() if w.started is not None}
    assert {name: (s.role, s.slots) for name, s in said.items()} == {
        "p": ("propose", 1),
        "e": ("evaluate", 4),
    }
    assert isinstance(said["p"], WriterStarted)


@pytest.mark.parametrize(
    "options",
    [{"ahead": 0, "role": Role.PROPOSE}, {"ahead": 1}, {"waits": True, "role": Role.PROPOSE}],
)
def test_options_that_make_no_sense_together_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(StudyError):
        Part(**options)  # type: ignore[arg-type]
