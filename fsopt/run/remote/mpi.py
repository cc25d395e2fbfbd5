"""Evaluations on the ranks of an MPI job: rank 0 works on the study, the others evaluate.

So a job has one log and one process that reads, however many ranks it has. Ranks talk by plain
messages, which are looked for with pauses in between, because MPI's own waiting keeps a core busy.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fsopt.errors import EvaluationError, MissingExtraError, StudyError
from fsopt.run.conditions import Cluster
from fsopt.run.remote.agents import (
    Dismissed,
    Naps,
    Order,
    RemoteBackend,
    Setup,
    Word,
    serve,
)
from fsopt.scheduler import Scheduler, launcher_variables

if TYPE_CHECKING:
    from mpi4py import MPI

_LOOKS = 3
"""How often to look before there is nothing: one look may do no more than let MPI move things."""

_TAG = 5375
"""Marks fsopt's messages among those of a program that uses MPI itself."""


@contextmanager
def team() -> Iterator[bool]:
    """Divide the work among the ranks of this MPI job.

    Every rank enters. Rank 0 gets True, and may make backends named ``mpi`` in the block. The
    others stay here and evaluate for it; when it leaves the block they get False, and have nothing
    more to do.

    Raises:
        MissingExtraError: If there is no mpi4py, or no MPI for it.
        StudyError: If this process is alone.
    """
    world = _world()
    from mpi4py import MPI

    node = world.Split_type(MPI.COMM_TYPE_SHARED)
    if world.rank:
        # Rank 0 takes no part in what the ranks of its node share out.
        others = [rank for rank in node.allgather(world.rank) if rank]
        try:
            _assist(_Mail(world), others.index(world.rank))
        except Exception:  # noqa: BLE001 - whatever it is, it must end the whole job
            # Rank 0 would wait for it for ever.
            traceback.print_exc()
            world.Abort(1)
        yield False
        return
    node.allgather(0)
    try:
        yield True
    finally:
        mail = _Mail(world)
        for rank in range(1, world.size):
            mail.send(rank, Dismissed())
        mail.flush()


def make(setup: Setup, cluster: Cluster) -> RemoteBackend:
    """A backend whose agents are all ranks but this one; only within `team`, and on rank 0.

    Raises:
        MissingExtraError: If there is no mpi4py, or no MPI for it.
        StudyError: If this process is alone, or not rank 0.
    """
    if cluster != Cluster():
        raise StudyError(
            "the mpi backend has the nodes and GPUs of its launcher; name the GPUs of a node by "
            "--slots, and leave out --address and --worker-gpus"
        )
    world = _world()
    if world.rank:
        raise StudyError(
            "only rank 0 may work on a study; let all ranks enter fsopt.run.remote.mpi.team()"
        )
    setup.check()
    return RemoteBackend(_Ranks(_Mail(world), range(1, world.size), setup))


class _Mail:
    """Sends and takes messages without waiting."""

    def __init__(self, world: MPI.Intracomm) -> None:
        self._world = world
        self._sent: list[MPI.Request] = []

    def send(self, rank: int, content: object) -> None:
        # A request must be kept until the message has gone; to wait for that could block two
        # ranks that send each other more than fits into MPI's buffers.
        self._sent = [request for request in self._sent if not request.test()[0]]
        self._sent.append(self._world.isend(content, rank, _TAG))

    def take(self) -> tuple[int, object] | None:
        """The next message and who sent it, if there is one."""
        from mpi4py import MPI

        status = MPI.Status()
        for _ in range(_LOOKS):
            message = self._world.improbe(MPI.ANY_SOURCE, _TAG, status)
            if message is not None:
                return status.source, message.recv()
        return None

    def flush(self) -> None:
        """Wait until everything has gone."""
        for request in self._sent:
            request.wait()


class _Ranks:
    """The other ranks as a `Crew`."""

    def __init__(self, mail: _Mail, ranks: range, setup: Setup) -> None:
        self._mail, self._ranks = mail, ranks
        for rank in ranks:
            mail.send(rank, setup)

    def order(self, agent: int, order: Order) -> None:
        self._mail.send(agent, order)

    def listen(self, timeout: float) -> list[tuple[int, Word]]:
        deadline, naps = time.monotonic() + timeout, Naps()
        while True:
            heard: list[tuple[int, Word]] = []
            while (message := self._mail.take()) is not None:
                heard.append(message)  # type: ignore[arg-type]  # what agents say
            left = deadline - time.monotonic()
            if heard or left <= 0:
                return heard
            naps.take(left)

    def dismiss(self) -> None:
        for rank in self._ranks:
            self._mail.send(rank, Dismissed())
        waiting = set(self._ranks)
        while waiting:
            waiting -= {rank for rank, word in self.listen(1.0) if isinstance(word, Dismissed)}


def _assist(mail: _Mail, index: int) -> None:
    """Evaluate for rank 0, for one backend after the other, until it needs nothing more.

    Args:
        mail: Reaches rank 0.
        index: How many ranks on this node come before this one.
    """
    from mpi4py import MPI

    # Launchers and schedulers signal every rank; rank 0 decides, and tells the others.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    _forget_launcher()
    launcher, place = os.getppid(), f"rank {MPI.COMM_WORLD.rank} on {MPI.Get_processor_name()}"

    def take() -> object:
        if os.getppid() != launcher:
            raise EvaluationError(
                "the MPI launcher has died; nobody would tell this rank to leave"
            )
        message = mail.take()
        return None if message is None else message[1]

    def say(word: Word) -> None:
        mail.send(0, word)

    naps = Naps()
    while not isinstance(message := take(), Dismissed):
        if isinstance(message, Setup):
            serve(message, place, take, say, index)  # type: ignore[arg-type]  # now only orders come
            mail.flush()
            naps.reset()
        else:
            naps.take()


def _forget_launcher() -> None:
    """Let the processes of evaluations not take themselves for ranks of this job.

    One that uses MPI by itself, even if only by importing it, would try to join, and hang.
    """
    for name in launcher_variables(os.environ):
        del os.environ[name]


def _world() -> MPI.Intracomm:
    """All ranks of this job.

    Raises:
        MissingExtraError: If there is no mpi4py, or no MPI for it.
        StudyError: If this process is alone.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise MissingExtraError(
            f"the mpi backend needs mpi4py and an MPI ({error}): pip install 'fsopt[mpi]' for the "
            "site's own MPI, or 'fsopt[mpi-bundled]' to bring one"
        ) from error
    world = MPI.COMM_WORLD
    if world.size > 1:
        return world
    if Scheduler.from_environment(os.environ).size > 1:
        library = MPI.Get_library_version().split("\n")[0].strip("\0 ")
        raise StudyError(
            "the launcher started several processes, but MPI sees each of them alone: it belongs "
            f"to another MPI than mpi4py's ({library}); use that one's mpirun, or srun --mpi=pmix "
            "(Open MPI) or --mpi=pmi2 (MPICH)"
        )
    raise StudyError(
        "the mpi backend needs at least 2 ranks: mpirun -n 4 fsopt run SCRIPT --backend mpi ..."
    )
