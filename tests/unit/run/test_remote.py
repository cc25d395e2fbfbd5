"""Distributing trials to agents, and what becomes of trials whose agent is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

import fsopt
from fsopt.errors import EvaluationError, StudyError
from fsopt.objectives import Objectives
from fsopt.run.conditions import Cluster, Conditions
from fsopt.run.evaluation import Ended, Message, Reported
from fsopt.run.remote import actors
from fsopt.run.remote.actors import Actors, LostActorError
from fsopt.run.remote.agents import (
    Broken,
    Dismissed,
    Gone,
    Naps,
    Order,
    Ready,
    RemoteBackend,
    Setup,
    Stop,
    Word,
    serve,
)
from fsopt.run.signals import Preemption
from fsopt.run.terms import Limits, Silence
from fsopt.run.worker import Worker
from fsopt.space import Float, Space
from fsopt.study.roles import EVERYTHING
from fsopt.trial import Assignment
from tests import objectives_for_backends as objectives


@dataclass
class Script:
    """A crew that says what a test puts into ``words``."""

    words: list[tuple[int, Word]] = field(default_factory=list)
    orders: list[tuple[int, Order]] = field(default_factory=list)
    dismissals: int = 0

    def order(self, agent: int, order: Order) -> None:
        self.orders.append((agent, order))

    def listen(self, timeout: float) -> list[tuple[int, Word]]:
        words, self.words = self.words, []
        return words

    def dismiss(self) -> None:
        self.dismissals += 1


@dataclass
class Ears:
    """A listener that remembers."""

    heard: list[Message] = field(default_factory=list)

    def receive(self, message: Message) -> None:
        self.heard.append(message)

    def stop_reason(self) -> str | None:
        return None


def assignment(number: int) -> Assignment:
    return Assignment(number=number, attempt=0, params={})


def ended(number: int, attempt: int = 0) -> Ended:
    return Ended(number, attempt, 0.1, (1.0,))


def setup_of(objective: object, **changes: object) -> Setup:
    made = Setup(1, objective, Objectives.of({"y": "minimize"}), Path("unused"), Conditions())  # type: ignore[arg-type]
    return replace(made, **changes)  # type: ignore[arg-type]


def test_assignments_go_to_the_agent_with_the_most_free_slots() -> None:
    crew, ears = Script([(3, Ready(1, "a")), (5, Ready(3, "b"))]), Ears()
    backend = RemoteBackend(crew)
    assert backend.slots == 0
    backend.poll(0, ears)
    assert backend.slots == 4
    for number in range(4):
        backend.start(assignment(number), ears)
    assert sorted(agent for agent, _ in crew.orders) == [3, 5, 5, 5]
    busy = next(order.number for agent, order in crew.orders if agent == 3)  # type: ignore[union-attr]
    crew.words = [(3, ended(busy))]
    backend.poll(0, ears)
    backend.start(assignment(4), ears)
    assert crew.orders[-1] == (3, assignment(4))
    assert ears.heard == [ended(busy)]


def test_a_lost_agent_loses_its_attempts_and_nothing_else() -> None:
    crew, ears = Script([(0, Ready(2, "node7")), (1, Ready(1, "node8"))]), Ears()
    backend = RemoteBackend(crew)
    backend.poll(0, ears)
    for number in range(3):
        backend.start(assignment(number), ears)
    mine = {order.number for agent, order in crew.orders if agent == 0}  # type: ignore[union-attr]
    crew.words = [(0, Reported(0, 0, 1, 0.5)), (0, Gone("no answer")), (0, Gone("no answer"))]
    backend.poll(0, ears)
    assert ears.heard[0] == Reported(0, 0, 1, 0.5)
    lost = [message for message in ears.heard[1:] if isinstance(message, Ended)]
    assert {message.number for message in lost} == mine
    assert {message.stop_reason for message in lost} == {"lost: node7: no answer"}
    assert all(message.result is None for message in lost)
    assert backend.slots == 1


def test_each_agent_that_evaluates_is_told_to_stop_once() -> None:
    crew, ears = Script([(0, Ready(1, "a")), (1, Ready(1, "b"))]), Ears()
    backend = RemoteBackend(crew)
    backend.poll(0, ears)
    backend.start(assignment(0), ears)
    crew.orders.clear()
    backend.stop("timeout")
    backend.stop("timeout")
    assert [order for _, order in crew.orders] == [Stop("timeout")]


def test_agents_are_dismissed_once_and_then_nothing_is_heard_of_them() -> None:
    crew, ears = Script([(0, Ready(1, "a"))]), Ears()
    backend = RemoteBackend(crew)
    backend.poll(0, ears)
    backend.close()
    backend.close()
    crew.words = [(0, ended(0))]
    backend.poll(0.01, ears)
    assert crew.dismissals == 1
    assert ears.heard == []
    assert backend.slots == 0


def test_what_no_agent_can_do_is_an_error() -> None:
    backend = RemoteBackend(Script([(0, Broken("node7: no module named train"))]))
    with pytest.raises(EvaluationError, match="nothing can be evaluated: node7: no module"):
        backend.poll(0, Ears())


@dataclass
class Cursed(Script):
    """Whoever evaluates trial 0 dies of it; a new agent comes in its place."""

    agents: int = 1
    deaths: int = 0

    def __post_init__(self) -> None:
        self.words = [(0, Ready(1, "node"))]

    def order(self, agent: int, order: Order) -> None:
        if isinstance(order, Assignment) and order.number == 0:
            self.deaths += 1
            self.words += [(agent, Gone("power")), (self.agents, Ready(1, "node"))]
            self.agents += 1
        elif isinstance(order, Assignment):
            self.words.append((agent, ended(order.number, order.attempt)))


def test_a_trial_that_loses_every_node_is_tried_so_many_times_and_then_failed() -> None:
    crew = Cursed()
    config = fsopt.StudyConfig(
        space=Space(Float("x", 0, 1)), optimizer=fsopt.RandomSearch(), max_attempts=3
    )
    with fsopt.create_study(None, config) as study:
        limits = Limits(trials=3)
        worker = Worker(study, RemoteBackend(crew), limits, EVERYTHING, Silence(), Preemption())
        assert worker.run().reason == "budget"
        table = study.trials()
    assert crew.deaths == 3
    assert table["state"].tolist() == ["failed", "completed", "completed"]
    assert table["error"][0].startswith("lost: ")


class Box:
    """The two ends of an agent that lives in a thread of the test."""

    def __init__(self, setup: Setup) -> None:
        self.orders: list[Order] = []
        self.words: list[Word] = []
        self.thread = threading.Thread(
            target=serve, args=(setup, "here", self.take, self.words.append), daemon=True
        )
        self.thread.start()

    def take(self) -> Order | None:
        return self.orders.pop(0) if self.orders else None

    def wait_for(self, kind: type) -> Word:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = [word for word in self.words if isinstance(word, kind)]
            if found:
                return found[0]
            time.sleep(0.01)
        raise AssertionError(f"no {kind.__name__} among {self.words}")


def test_an_agent_evaluates_and_says_when_it_is_done(tmp_path: Path) -> None:
    box = Box(setup_of(objectives.talkative, root=tmp_path))
    box.wait_for(Ready)
    box.orders.append(assignment(0))
    box.wait_for(Ended)
    box.orders.append(Dismissed())
    box.thread.join(30)
    kinds = [type(word).__name__ for word in box.words]
    assert kinds == ["Ready", *["Reported"] * 3, "Attributed", "Ended", "Dismissed"]


def test_an_agent_ends_what_still_runs_before_it_says_that_it_has_ended(tmp_path: Path) -> None:
    box = Box(setup_of(objectives.deaf, root=tmp_path))
    box.orders.append(assignment(0))
    pid = tmp_path / "trials/0/pid"
    while not (pid.exists() and pid.read_text()):
        time.sleep(0.01)
    box.orders.append(Dismissed())
    box.wait_for(Dismissed)
    assert not Path(f"/proc/{pid.read_text()}").exists()


def test_an_agent_that_can_evaluate_nothing_says_so_and_still_waits_to_be_dismissed() -> None:
    box = Box(setup_of(lambda trial: 1.0))
    box.orders.append(assignment(0))
    broken = box.wait_for(Broken)
    assert isinstance(broken, Broken)
    assert broken.reason.startswith("here: ")
    assert "lambda" in broken.reason
    assert box.thread.is_alive()
    box.orders.append(Dismissed())
    box.thread.join(30)
    assert box.words[-1] == Dismissed()


@dataclass
class Hall:
    """A platform in this process; a test decides what the actors answer."""

    answers: dict[int, list[list[Word] | str]]
    """By actor: what its calls bring, or why it is lost."""
    hired: int = 0
    fired: list[int] = field(default_factory=list)
    told: list[tuple[int, Order]] = field(default_factory=list)
    is_closed: bool = False
    _calls: dict[int, list[Word] | str] = field(default_factory=dict)
    _asked: int = 0

    def hire(self, setup: Setup) -> int:
        self.hired += 1
        return self.hired - 1

    def tell(self, handle: int, order: Order) -> None:
        self.told.append((handle, order))

    def ask(self, handle: int, timeout: float) -> int:
        self._asked += 1
        script = self.answers.get(handle)
        if script:
            self._calls[self._asked] = script.pop(0)
        return self._asked

    def answered(self, calls: Collection[int], timeout: float) -> list[int]:
        return [call for call in calls if call in self._calls]

    def answer(self, call: int) -> list[Word]:
        answer = self._calls.pop(call)
        if isinstance(answer, str):
            raise LostActorError(answer)
        return answer

    def fire(self, handle: int) -> None:
        self.fired.append(handle)

    def close(self) -> None:
        self.is_closed = True


def test_an_actor_that_dies_is_replaced_under_another_number() -> None:
    hall = Hall({0: [[Ready(1, "a")], "node lost"], 1: [[Ready(1, "b")]]})
    crew = Actors(hall, setup_of(objectives.square))
    crew.hire()
    assert crew.listen(0) == [(0, Ready(1, "a"))]
    assert crew.listen(0) == [(0, Gone("node lost"))]
    assert crew.listen(0) == [(1, Ready(1, "b"))]
    crew.order(0, Stop("late"))
    crew.order(1, Stop("now"))
    assert hall.told == [(1, Stop("now"))]


def test_actors_that_die_before_they_are_ready_are_not_replaced_for_ever() -> None:
    hall = Hall({number: ["no module fsopt"] for number in range(5)})
    crew = Actors(hall, setup_of(objectives.square))
    crew.hire()
    heard = [word for _ in range(3) for _, word in crew.listen(0)]
    assert heard == [Gone("no module fsopt")] * 2 + [Broken("no module fsopt")]
    assert hall.hired == 3


def test_actors_are_dismissed_heard_to_the_end_and_removed() -> None:
    hall = Hall({0: [[Ready(1, "a")], [ended(0)], [Dismissed()]], 1: []})
    crew = Actors(hall, setup_of(objectives.square))
    crew.hire()
    crew.hire()
    crew.listen(0)
    crew.dismiss()
    assert hall.told == [(0, Dismissed())]
    assert hall.fired == [0, 1]
    assert hall.is_closed


def test_what_other_nodes_could_not_import_is_refused_before_anything_starts() -> None:
    def connect(count: int, cluster: Cluster) -> Hall:
        raise AssertionError("nothing may be started")

    def objective(trial: fsopt.Trial) -> float:
        return 1.0

    objective.__module__ = "__main__"
    with pytest.raises(StudyError, match="put it into a module"):
        actors.make(setup_of(objective), Cluster(), connect)
    with pytest.raises(StudyError, match="can't be sent to other processes"):
        actors.make(setup_of(lambda trial: 1.0), Cluster(), connect)
    named = setup_of(objectives.square, conditions=Conditions(slots=("0", "1")))
    with pytest.raises(StudyError, match="--worker-gpus"):
        actors.make(named, Cluster(), connect)


def test_a_cluster_has_no_negative_gpus() -> None:
    with pytest.raises(StudyError, match="0 or more"):
        Cluster(gpus=-1)


def test_naps_grow_to_a_limit_and_begin_anew() -> None:
    naps = Naps()
    lengths = []
    for _ in range(10):
        lengths.append(naps.length)
        naps.lengthen()
    assert lengths[:3] == [0.001, 0.002, 0.004]
    assert max(lengths) == lengths[-1] == 0.05
    naps.reset()
    assert naps.length == 0.001
