"""Evaluations on other nodes: an agent on each, and the backend that distributes trials to them.

An agent holds an ordinary `ProcessBackend`, so an evaluation is limited, isolated and recorded in
the same way wherever it runs. It is given orders and hands back words; how these travel is the
business of a `Crew`: by MPI messages, or by calls of Ray's or Dask's actors. Nothing but the
process that distributes the trials writes to the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Protocol, TypeAlias

from fsopt.errors import EvaluationError, StudyError
from fsopt.objectives import Objectives
from fsopt.run.conditions import Conditions
from fsopt.run.evaluation import Ended, Listener, Message, Objective, describe
from fsopt.run.processes import ProcessBackend
from fsopt.trial import LOST, Assignment

_NAP, _LONGEST_NAP = 0.001, 0.05
"""Seconds between looks where nothing can be waited for; doubled from look to look."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What an agent needs to evaluate: what `ProcessBackend` is made with."""

    slots: int
    objective: Objective
    objectives: Objectives
    root: Path
    conditions: Conditions

    def share(self, index: int) -> Setup:
        """What one agent of several on a node has of the slots that are named for all of them.

        Args:
            index: How many agents on its node come before it.

        Raises:
            StudyError: If there are too few names.
        """
        names = self.conditions.slots
        if not names:
            return self
        mine = names[index * self.slots : (index + 1) * self.slots]
        if len(mine) < self.slots:
            raise StudyError(
                f"the {index + 1} ranks of this node with {self.slots} workers each can't share "
                f"{len(names)} slots ({', '.join(names)}); each worker needs one of its own"
            )
        return replace(self, conditions=replace(self.conditions, slots=mine))

    def check(self) -> None:
        """Refuse what can't be sent to another process.

        Raises:
            StudyError: If the objective is not importable.
        """
        try:
            ForkingPickler.dumps(self)
        except Exception as error:
            raise StudyError(
                f"the objective can't be sent to other processes ({describe(error)}); "
                "use a function of an importable module, or a study script"
            ) from error


@dataclass(frozen=True, slots=True)
class Stop:
    """An order: tell the running evaluations to end."""

    reason: str


@dataclass(frozen=True, slots=True)
class StopOne:
    """An order: tell one evaluation to end."""

    number: int
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Dismissed:
    """The last order: end everything. Also the answer, when that is done."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An agent's first word: where it is, and how many evaluations it can run at once."""

    slots: int
    place: str


@dataclass(frozen=True, slots=True)
class Gone:
    """An agent is dead, or out of reach, with all that it evaluated."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """An agent can't do its work, and others could do it no better."""

    reason: str


Order: TypeAlias = Assignment | Stop | StopOne | Dismissed
Word: TypeAlias = Message | Ready | Gone | Broken | Dismissed


class Crew(Protocol):
    """The agents of one backend, each known by a number that is never used again."""

    def order(self, agent: int, order: Order) -> None:
        """Send an order, without waiting; if the agent is gone, `listen` will tell."""
        ...

    def listen(self, timeout: float) -> Iterable[tuple[int, Word]]:
        """Wait for agents to say something, at most ``timeout`` seconds; who says what."""
        ...

    def dismiss(self) -> None:
        """End all agents and what they evaluate, and wait until that is done."""
        ...


@dataclass(slots=True)
class _Seat:
    """What the backend knows of an agent."""

    slots: int
    place: str
    running: dict[tuple[int, int], bool] = field(default_factory=dict)
    """The attempts that it evaluates, and whether they were told to stop."""

    @property
    def free(self) -> int:
        return self.slots - len(self.running)


class RemoteBackend:
    """Distributes assignments to the agents of a crew, and passes on what they say.

    An agent that is lost loses its attempts: they are paused, with a reason that begins with
    ``lost``, so that any process continues them at once.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._seats: dict[int, _Seat] = {}
        self._is_closed = False

    @property
    def slots(self) -> int:
        """How many evaluations the agents that are ready can run at the same time."""
        return sum(seat.slots for seat in self._seats.values())

    def start(self, assignment: Assignment, listener: Listener) -> None:
        """Give an assignment to the agent with the most free slots."""
        number = max(self._seats, key=lambda agent: self._seats[agent].free)
        self._seats[number].running[assignment.number, assignment.attempt] = False
        self._crew.order(number, assignment)

    def poll(self, timeout: float, listener: Listener) -> None:
        """Wait for words from agents, and for their deaths.

        Raises:
            EvaluationError: If an agent can't evaluate, and others could do it no better.
        """
        if self._is_closed:
            time.sleep(timeout)
            return
        for number, word in self._crew.listen(timeout):
            match word:
                case Ready(slots, place):
                    self._seats[number] = _Seat(slots, place)
                case Broken(reason):
                    raise EvaluationError(f"nothing can be evaluated: {reason}")
                case Gone(reason):
                    self._bury(number, reason, listener)
                case Dismissed():
                    self._bury(number, "it has ended", listener)
                case _:
                    self._pass_on(number, word, listener)

    def stop(self, reason: str) -> None:
        """Tell every agent that evaluates something, once."""
        for number, seat in self._seats.items():
            if not all(seat.running.values()):
                seat.running = dict.fromkeys(seat.running, True)
                self._crew.order(number, Stop(reason))

    def stop_one(self, number: int, attempt: int, reason: str) -> None:
        """Tell the agent that evaluates it, if one does."""
        for agent, seat in self._seats.items():
            if (number, attempt) in seat.running:
                self._crew.order(agent, StopOne(number, attempt, reason))

    def close(self) -> None:
        """End all agents, and with them all evaluations; once."""
        if not self._is_closed:
            self._is_closed = True
            self._seats.clear()
            self._crew.dismiss()

    def _pass_on(self, number: int, message: Message, listener: Listener) -> None:
        if isinstance(message, Ended) and number in self._seats:
            self._seats[number].running.pop((message.number, message.attempt), None)
        listener.receive(message)

    def _bury(self, number: int, reason: str, listener: Listener) -> None:
        seat = self._seats.pop(number, None)
        if seat is not None:
            told = f"{LOST}: {seat.place}: {reason}"
            for trial, attempt in seat.running:
                listener.receive(Ended(trial, attempt, None, None, stop_reason=told))


class _Agent:
    """One node's part: an ordinary backend, and its `Listener`."""

    def __init__(self, setup: Setup) -> None:
        self._backend = ProcessBackend(
            setup.slots, setup.objective, setup.objectives, setup.root, setup.conditions
        )
        self._reason: str | None = None
        self._said: list[Message] = []

    def obey(self, order: Assignment | Stop | StopOne) -> None:
        """Begin an evaluation, or tell one, or begin to tell all, to end."""
        match order:
            case Stop(reason):
                self._reason = reason
            case StopOne(number, attempt, reason):
                self._backend.stop_one(number, attempt, reason)
            case _:
                self._backend.start(order, self)

    def turn(self, timeout: float) -> list[Message]:
        """Wait for evaluations to say something; what they said."""
        if self._reason is not None:
            # Said again and again: a process that is still starting does not hear it.
            self._backend.stop(self._reason)
        self._backend.poll(timeout, self)
        said, self._said = self._said, []
        return said

    def receive(self, message: Message) -> None:
        self._said.append(message)

    def stop_reason(self) -> str | None:
        return self._reason

    def close(self) -> None:
        self._backend.close()


def serve(
    setup: Setup,
    place: str,
    take: Callable[[], Order | None],
    say: Callable[[Word], None],
    index: int = 0,
) -> None:
    """An agent's whole life, until it is dismissed; its last word is `Dismissed`.

    Args:
        setup: What it evaluates, and how.
        place: What people call its node.
        take: Gives the next order, None if there is none yet.
        say: Sends a word.
        index: How many agents on its node come before it.
    """
    is_dismissed = False
    try:
        with closing(_Agent(setup.share(index))) as agent:
            say(Ready(setup.slots, place))
            _obey_all(agent, take, say)
            is_dismissed = True
    except Exception as error:  # noqa: BLE001 - whoever waits for an answer must get one
        say(Broken(f"{place}: {describe(error)}"))
        naps = Naps()
        while not (is_dismissed or isinstance(take(), Dismissed)):
            naps.take()
    say(Dismissed())


def _obey_all(
    agent: _Agent, take: Callable[[], Order | None], say: Callable[[Word], None]
) -> None:
    """Carry out all orders but the last."""
    naps = Naps()
    while not isinstance(order := take(), Dismissed):
        if order is not None:
            agent.obey(order)
            naps.reset()
            continue
        # Evaluations wake it up at once; orders are seen after the nap.
        said = agent.turn(naps.length)
        for message in said:
            say(message)
        if said:
            naps.reset()
        else:
            naps.lengthen()


class Naps:
    """Pauses between looks for what can't be waited for: short at first, then longer.

    So a quick answer is seen quickly, and a long wait costs no processor.
    """

    def __init__(self) -> None:
        self.length = _NAP

    def reset(self) -> None:
        """Something has happened, and more may follow at once."""
        self.length = _NAP

    def lengthen(self) -> None:
        """Nothing has happened."""
        self.length = min(2 * self.length, _LONGEST_NAP)

    def take(self, longest: float = _LONGEST_NAP) -> None:
        """Sleep, but not longer than so many seconds."""
        time.sleep(min(self.length, longest))
        self.lengthen()
