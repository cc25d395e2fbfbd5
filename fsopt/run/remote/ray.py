"""Evaluations as actors of Ray, on a cluster or on this machine alone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from fsopt.errors import EvaluationError, MissingExtraError
from fsopt.run.conditions import Cluster
from fsopt.run.evaluation import describe
from fsopt.run.remote import actors
from fsopt.run.remote.actors import LostActorError, Resident
from fsopt.run.remote.agents import Order, RemoteBackend, Setup, Word


def make(setup: Setup, cluster: Cluster) -> RemoteBackend:
    """A backend of Ray's actors, each with one CPU, and GPUs as asked for.

    Raises:
        EvaluationError: If the cluster can't be reached.
        MissingExtraError: If Ray is not installed.
        StudyError: If the objective can't be sent, or slots are named.
    """
    return actors.make(setup, cluster, _Ray)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the answers of this process to signals, which Ray replaces by dying of them."""
    is_main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1) if is_main else ()
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Ray:
    """Ray as a `Platform`."""

    def __init__(self, count: int, cluster: Cluster) -> None:
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError(
                "the ray backend needs Ray; pip install 'fsopt[ray]'"
            ) from error
        self._ray: Any = ray
        self._is_mine = not ray.is_initialized()
        if self._is_mine:
            address = cluster.address or os.environ.get("RAY_ADDRESS")
            local = {} if address else {"num_cpus": count, "include_dashboard": False}
            try:
                # What evaluations print is kept with their trials.
                with _own_signals():
                    ray.init(address=address, logging_level="ERROR", log_to_driver=False, **local)
            except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
                raise EvaluationError(
                    f"can't reach Ray at {address or 'this machine'}: {describe(error)}"
                ) from error
        self._resident = ray.remote(num_cpus=1, num_gpus=cluster.gpus)(Resident)

    def hire(self, setup: Setup) -> Any:
        return self._resident.remote(setup)

    def tell(self, handle: Any, order: Order) -> None:
        handle.order.remote(order)

    def ask(self, handle: Any, timeout: float) -> Any:
        return handle.words.remote(timeout)

    def answered(self, calls: Collection[Any], timeout: float) -> Collection[Any]:
        waited = list(calls)
        if not self._ray.wait(waited, timeout=timeout)[0]:
            return []
        return self._ray.wait(waited, num_returns=len(waited), timeout=0)[0]  # type: ignore[no-any-return]

    def answer(self, call: Any) -> list[Word]:
        try:
            return self._ray.get(call)  # type: ignore[no-any-return]
        except self._ray.exceptions.RayError as error:
            raise LostActorError(describe(error)) from error

    def fire(self, handle: Any) -> None:
        self._ray.kill(handle)

    def close(self) -> None:
        if self._is_mine:
            self._ray.shutdown()
