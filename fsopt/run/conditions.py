"""The conditions that evaluations run under, whatever the backend."""

from __future__ import annotations

from dataclasses import dataclass, field

from fsopt.errors import StudyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where a backend finds its nodes, and what each evaluation takes of them."""

    address: str | None = None
    """Of a cluster that runs already; without it, ``$RAY_ADDRESS`` or
    ``$DASK_SCHEDULER_ADDRESS``, or else a new one on this machine, for this process alone."""
    gpus: float = 0.0
    """GPUs of each evaluation; a part of one if that is what several may share."""

    def __post_init__(self) -> None:
        if not self.gpus >= 0:
            raise StudyError(f"GPUs for each evaluation must be 0 or more, not {self.gpus}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What one evaluation may use, and what it is given.

    Raises:
        StudyError: If something makes no sense.
    """

    time_limit: float | None = None
    """Seconds that one attempt may take."""
    memory_limit: int | None = None
    """Bytes that an evaluation and all processes it starts may use together."""
    slots: tuple[str, ...] = ()
    """Names, such as those of GPUs, of which every running evaluation has one of its own."""
    output_limit: int = 2**20
    """Bytes that are kept of what an attempt prints; with 0 it is not captured at all."""
    fresh: bool = False
    """Whether each attempt has a process of its own, which ends with it."""
    cluster: Cluster = field(default_factory=Cluster)
    """The nodes, with a backend that evaluates on others."""

    def __post_init__(self) -> None:
        if self.time_limit is not None and not self.time_limit > 0:
            raise StudyError(f"a trial's time limit must be positive, not {self.time_limit}")
        if self.memory_limit is not None and self.memory_limit < 1:
            raise StudyError(f"a trial's memory limit must be positive, not {self.memory_limit}")
        if len(set(self.slots)) < len(self.slots):
            raise StudyError(f"slots must differ, not {', '.join(self.slots)}")
        if self.output_limit < 0:
            raise StudyError(f"the output limit must be 0 or more, not {self.output_limit}")

    @property
    def needs_process(self) -> list[str]:
        """What is asked for here that needs an evaluation in a process of its own."""
        wanted = {
            "time limit": self.time_limit is not None,
            "memory limit": self.memory_limit is not None,
            "fresh processes": self.fresh,
        }
        return [name for name, is_set in wanted.items() if is_set]


def slot_environment(slot: str | None) -> dict[str, str]:
    """What an evaluation's environment says of its slot.

    HIP, of AMD, heeds ``CUDA_VISIBLE_DEVICES`` as well, unless its own variable says otherwise.
    ``ROCR_VISIBLE_DEVICES`` is left as it is: it hides devices on a lower level and renumbers the
    others, so that the same number in both would leave none.
    """
    if slot is None:
        return {}
    return {"CUDA_VISIBLE_DEVICES": slot, "HIP_VISIBLE_DEVICES": slot, "FSOPT_SLOT": slot}
