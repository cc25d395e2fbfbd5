"""Agents that live as actors on a platform such as Ray or Dask, which finds places for them."""

from __future__ import annotations

import asyncio
import platform
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from fsopt.errors import StudyError
from fsopt.run.conditions import Cluster
from fsopt.run.remote.agents import (
    Broken,
    Dismissed,
    Gone,
    Naps,
    Order,
    Ready,
    RemoteBackend,
    Setup,
    Word,
    serve,
)

_LISTEN = 10.0
"""Seconds for which an actor is asked what it has to say, before it is asked again."""

_FAREWELL = 15.0
"""Seconds that actors have to end what they evaluate."""

_TRIES = 3
"""How many actors in a row may die before they are ready; then something is wrong with all."""


class Resident:
    """An agent that is hosted as an actor: its methods are called from afar."""

    def __init__(self, setup: Setup) -> None:
        _hide_host()
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._words: queue.SimpleQueue[Word] = queue.SimpleQueue()
        thread = threading.Thread(
            target=_live, args=(setup, self._orders, self._words), name="fsopt-agent", daemon=True
        )
        thread.start()
        # If whoever gives the orders dies, the platform drops this object, or ends the process.
        weakref.finalize(self, self._orders.put, Dismissed()).atexit = False

    async def order(self, order: Order) -> None:
        """Have an order carried out."""
        self._orders.put(order)

    async def words(self, timeout: float) -> list[Word]:
        """What the agent says, as soon as there is something, or nothing after a while."""
        deadline, naps = time.monotonic() + timeout, Naps()
        while self._words.empty() and time.monotonic() < deadline:
            await asyncio.sleep(naps.length)
            naps.lengthen()
        words = []
        while not self._words.empty():
            words.append(self._words.get())
        return words


def _live(setup: Setup, orders: queue.SimpleQueue[Order], words: queue.SimpleQueue[Word]) -> None:
    def take() -> Order | None:
        return None if orders.empty() else orders.get()

    serve(setup, platform.node(), take, words.put)


def _hide_host() -> None:
    """Let evaluations not import the program that hosts this actor: it is the platform's own."""
    main = sys.modules["__main__"]
    main.__spec__ = None
    vars(main).pop("__file__", None)


class LostActorError(Exception):
    """An actor has died, or its node."""


class Platform(Protocol):
    """Hosts actors. Handles and calls are the platform's own."""

    def hire(self, setup: Setup) -> Any:
        """Begin to make a `Resident` wherever there is room; its handle."""
        ...

    def tell(self, handle: Any, order: Order) -> None:
        """Call `Resident.order`, without waiting for it; never fails."""
        ...

    def ask(self, handle: Any, timeout: float) -> Any:
        """Call `Resident.words`, as soon as there is an actor; the call."""
        ...

    def answered(self, calls: Collection[Any], timeout: float) -> Collection[Any]:
        """Those calls that are over, one way or another; waits until there is one."""
        ...

    def answer(self, call: Any) -> list[Word]:
        """What a call that is over has brought.

        Raises:
            LostActorError: If there is no such actor any more.
        """
        ...

    def fire(self, handle: Any) -> None:
        """End an actor that may still live."""
        ...

    def close(self) -> None:
        """Leave the platform."""
        ...


@dataclass(slots=True)
class _Actor:
    handle: Any
    failures: int
    """How many before it, in the same place, have died without being ready."""
    is_ready: bool = False


@dataclass(slots=True)
class Actors:
    """The actors of a platform, as a `Crew`; those that die are replaced."""

    platform: Platform
    setup: Setup
    _actors: dict[int, _Actor] = field(default_factory=dict)
    _calls: dict[Any, int] = field(default_factory=dict)
    _hired: int = 0

    def hire(self, failures: int = 0) -> None:
        """Begin to make another actor."""
        handle = self.platform.hire(self.setup)
        self._actors[self._hired] = _Actor(handle, failures)
        self._calls[self.platform.ask(handle, _LISTEN)] = self._hired
        self._hired += 1

    def order(self, agent: int, order: Order) -> None:
        """Send an order; see `Crew`."""
        if agent in self._actors:
            self.platform.tell(self._actors[agent].handle, order)

    def listen(self, timeout: float) -> list[tuple[int, Word]]:
        """Wait for words; see `Crew`."""
        heard: list[tuple[int, Word]] = []
        for call in self.platform.answered(list(self._calls), timeout):
            number = self._calls.pop(call)
            actor = self._actors[number]
            try:
                words = self.platform.answer(call)
            except LostActorError as error:
                heard.append((number, self._replace(number, str(error))))
                continue
            heard += [(number, word) for word in words]
            actor.is_ready |= any(isinstance(word, Ready) for word in words)
            if not any(isinstance(word, Dismissed) for word in words):
                self._calls[self.platform.ask(actor.handle, _LISTEN)] = number
        return heard

    def dismiss(self) -> None:
        """End all actors; see `Crew`."""
        waiting = {number for number, actor in self._actors.items() if actor.is_ready}
        for number in waiting:
            self.order(number, Dismissed())
        deadline = time.monotonic() + _FAREWELL
        while waiting and time.monotonic() < deadline:
            for number, word in self.listen(max(deadline - time.monotonic(), 0)):
                if isinstance(word, Dismissed | Gone | Broken):
                    waiting.discard(number)
        for actor in self._actors.values():
            self.platform.fire(actor.handle)
        self.platform.close()

    def _replace(self, number: int, reason: str) -> Word:
        actor = self._actors.pop(number)
        failures = 0 if actor.is_ready else actor.failures + 1
        if failures == _TRIES:
            return Broken(reason)
        self.hire(failures)
        return Gone(reason)


def make(
    setup: Setup, cluster: Cluster, connect: Callable[[int, Cluster], Platform]
) -> RemoteBackend:
    """A backend of actors, one for each slot.

    Raises:
        StudyError: If the objective can't be sent, or slots are named.
    """
    if setup.conditions.slots:
        raise StudyError(
            "named slots are those of one node; with ray and dask say how many GPUs each "
            "evaluation needs instead (--worker-gpus)"
        )
    if getattr(setup.objective, "__module__", None) == "__main__":
        raise StudyError(
            "the objective is defined in the program itself, which other nodes can't import; "
            "put it into a module, or run a study script by fsopt run"
        )
    setup.check()
    crew = Actors(connect(setup.slots, cluster), replace(setup, slots=1))
    for _ in range(setup.slots):
        crew.hire()
    return RemoteBackend(crew)
