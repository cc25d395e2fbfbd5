"""Options of ``fsopt run`` that say where evaluations run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fsopt.run.conditions import Cluster

Function = TypeVar("Function", bound=Callable[..., Any])


def cluster_options(function: Function) -> Function:
    """Add ``--backend`` and what goes with it."""
    for option in (
        click.option(
            "--worker-gpus",
            type=click.FloatRange(0),
            default=0.0,
            metavar="G",
            help="GPUs of each evaluation, with ray and dask.",
        ),
        click.option(
            "--address",
            metavar="ADDRESS",
            help="Of the cluster, with ray (auto, HOST:PORT, ray://HOST:PORT) and dask "
            "(tcp://HOST:PORT, or a scheduler file). Without it RAY_ADDRESS or "
            "DASK_SCHEDULER_ADDRESS, or else one is started on this machine.",
        ),
        click.option(
            "--backend",
            type=click.Choice(["process", "thread", "serial", "mpi", "ray", "dask"]),
            default="process",
            show_default=True,
            help="Where they are evaluated: in processes or threads of this node, in this thread, "
            "by the ranks of mpirun (W on each but rank 0), or by W workers of Ray or Dask.",
        ),
    ):
        function = option(function)
    return function


def cluster_of(options: dict[str, object]) -> Cluster:
    """Where remote evaluations run, from the options."""
    from fsopt.run.conditions import Cluster

    address = options["address"]
    return Cluster(
        address=None if address is None else str(address), gpus=float(str(options["worker_gpus"]))
    )


def team(backend: object) -> AbstractContextManager[bool]:
    """Divide the ranks of an MPI job; True where this process is to work on the study."""
    if backend != "mpi":
        return nullcontext(True)
    from fsopt.run.remote import mpi

    return mpi.team()
