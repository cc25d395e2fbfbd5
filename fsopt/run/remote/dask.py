"""Evaluations as actors of Dask, on a cluster or on this machine alone."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from fsopt.errors import EvaluationError, MissingExtraError
from fsopt.run.conditions import Cluster
from fsopt.run.evaluation import describe
from fsopt.run.remote import actors
from fsopt.run.remote.actors import LostActorError, Resident
from fsopt.run.remote.agents import Naps, Order, RemoteBackend, Setup, Word


def make(setup: Setup, cluster: Cluster) -> RemoteBackend:
    """A backend of Dask's actors, spread over the cluster's workers.

    Raises:
        EvaluationError: If the cluster can't be reached.
        MissingExtraError: If Dask is not installed.
        StudyError: If the objective can't be sent, or slots are named.
    """
    return actors.make(setup, cluster, _Dask)


class _Handle:
    """An actor that Dask will make, or has made."""

    def __init__(self, future: Any) -> None:
        self.future = future
        self._actor: Any = None

    @property
    def actor(self) -> Any:
        """The actor, once there is one.

        Raises:
            LostActorError: If it could not be made.
        """
        if self._actor is None:
            if self.future.status != "finished":
                raise LostActorError(self.trouble)
            self._actor = self.future.result(timeout=10)
        return self._actor

    @property
    def trouble(self) -> str:
        """Why there is no actor."""
        status = self.future.status
        if status != "error":
            return f"Dask says {status}"
        return describe(self.future.exception(timeout=10))


class _Call:
    """A question to an actor, asked as soon as there is one."""

    def __init__(self, handle: _Handle, timeout: float) -> None:
        self._handle, self._timeout = handle, timeout
        self._asked: Any = None

    def done(self) -> bool:
        future = self._handle.future
        if self._asked is None and future.status == "finished":
            self._asked = self._handle.actor.words(self._timeout)
        if future.status in ("pending", "finished"):
            return self._asked is not None and self._asked.done()
        return True

    def result(self) -> list[Word]:
        if self._asked is None or self._handle.future.status != "finished":
            raise LostActorError(self._handle.trouble)
        return self._asked.result()  # type: ignore[no-any-return]


class _Dask:
    """Dask as a `Platform`."""

    def __init__(self, count: int, cluster: Cluster) -> None:
        try:
            from distributed import Client, LocalCluster
        except ImportError as error:
            raise MissingExtraError(
                "the dask backend needs Dask; pip install 'fsopt[dask]'"
            ) from error
        self._local: Any = None
        self._resources = {"GPU": cluster.gpus} if cluster.gpus else None
        address = cluster.address or os.environ.get("DASK_SCHEDULER_ADDRESS")
        try:
            if address is None:
                self._local = LocalCluster(
                    n_workers=count, threads_per_worker=1, dashboard_address=None
                )
                self._client: Any = Client(self._local)
            elif Path(address).is_file():
                self._client = Client(scheduler_file=address)
            else:
                self._client = Client(address)
        except (OSError, ValueError) as error:
            raise EvaluationError(
                f"can't reach Dask at {address or 'this machine'}: {describe(error)}"
            ) from error

    def hire(self, setup: Setup) -> Any:
        return _Handle(
            self._client.submit(Resident, setup, actor=True, pure=False, resources=self._resources)
        )

    def tell(self, handle: Any, order: Order) -> None:
        with contextlib.suppress(LostActorError):
            handle.actor.order(order)

    def ask(self, handle: Any, timeout: float) -> Any:
        return _Call(handle, timeout)

    def answered(self, calls: Collection[Any], timeout: float) -> Collection[Any]:
        deadline, naps = time.monotonic() + timeout, Naps()
        while True:
            done = [call for call in calls if call.done()]
            left = deadline - time.monotonic()
            if done or left <= 0:
                return done
            naps.take(left)

    def answer(self, call: Any) -> list[Word]:
        try:
            return call.result()  # type: ignore[no-any-return]
        except (OSError, RuntimeError, ValueError) as error:
            raise LostActorError(describe(error)) from error

    def fire(self, handle: Any) -> None:
        handle.future.release()

    def close(self) -> None:
        self._client.close()
        if self._local is not None:
            self._local.close()
