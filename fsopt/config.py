"""What a study searches and how: `StudyConfig`, and its form in ``study.json``."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fsopt.errors import (
    CorruptStudyError,
    FsoptError,
    StudyError,
    StudyMismatchError,
    UnsupportedVersionError,
)
from fsopt.objectives import Objectives
from fsopt.prior import GaussianMixturePrior
from fsopt.search import BayesianOptimizer, Optimizer
from fsopt.search.registry import optimizer_from_json, optimizer_to_json
from fsopt.space import Space
from fsopt.stop import Stopper
from fsopt.stop.registry import stopper_from_json, stopper_to_json
from fsopt.streams import MAX_SEED

_TIMES = ("proposed_at", "started_at", "finished_at", "duration")
RESERVED_NAMES = frozenset(
    ("trial", "state", "worker", "attempts", "steps", *_TIMES, "error", "attributes")
)
"""The columns of results tables and snapshots that no objective may be called like."""

RESERVED_PREFIXES = ("param.", "user.", "_")
"""How other columns begin."""

PROTOCOL = 1
"""The version of the on-disk protocol that this package writes and reads."""

DEFAULT_OBJECTIVE = {"value": "minimize"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyConfig:
    """The definition of a study.

    Raises:
        StudyError: If something is out of range, with its name.
    """

    space: Space
    """What is searched."""
    objectives: Mapping[str, str] = field(default_factory=lambda: DEFAULT_OBJECTIVE)
    """Each objective's name with ``"minimize"`` or ``"maximize"``."""
    constraints_on: Mapping[str, str] = field(default_factory=dict)
    """Limits of what else the objective reports, such as ``{"memory_gb": "<= 16"}``: it then
    returns a mapping with these names beside the objectives. Trials beyond a limit are no
    failures, but are never the best, nor in the Pareto front. A limit of an objective says which
    part of the front is of interest."""
    seed: int | None = None
    """Everything random derives from it; drawn and recorded when absent."""
    optimizer: Optimizer = field(default_factory=BayesianOptimizer)
    """Makes the proposals."""
    stopper: Stopper | None = None
    """Decides which trials go on, from what they report of the first objective; None: all do."""
    max_attempts: int = 3
    """How often a trial may be lost with its process before it counts as failed."""
    lease: float = 240.0
    """Seconds of silence after which a process is given up for lost. On one machine a process that
    died is noticed at once."""
    noisy: bool | None = None
    """Whether evaluating a configuration again gives another value. If True, configurations may
    be proposed again, and the best one is the one with the best expected value. None: nobody has
    said so, and no configuration is proposed twice."""
    prior: GaussianMixturePrior | None = None
    """Earlier studies, from which this one learns where good configurations may be. It is recorded
    among the events of the study, not in ``study.json``."""

    def __post_init__(self) -> None:
        if not isinstance(self.space, Space):
            raise StudyError(f"space must be a fsopt.Space, not {type(self.space).__name__}")
        _check_names(Objectives.of(self.objectives, self.constraints_on))
        if self.seed is not None and not (_is_int(self.seed) and 0 <= self.seed < MAX_SEED):
            raise StudyError(f"seed must be an integer from 0 to 2**53 - 1, not {self.seed!r}")
        if not isinstance(self.optimizer, Optimizer):
            raise StudyError(
                f"optimizer must be one such as fsopt.RandomSearch(), not {self.optimizer!r}"
            )
        self._check_stopper()
        if not _is_int(self.max_attempts) or self.max_attempts < 1:
            raise StudyError(f"max_attempts must be 1 or more, not {self.max_attempts!r}")
        if not _is_number(self.lease) or not 0 < self.lease < math.inf:
            raise StudyError(f"lease must be a positive number of seconds, not {self.lease!r}")
        if self.noisy is not None and not isinstance(self.noisy, bool):
            raise StudyError(f"noisy must be True, False or None, not {self.noisy!r}")
        if not isinstance(self.prior, GaussianMixturePrior | None):
            raise StudyError(
                f"prior must be such as fsopt.GaussianMixturePrior.from_studies([...]), "
                f"not {self.prior!r}"
            )

    def _check_stopper(self) -> None:
        if self.stopper is None:
            return
        if not isinstance(self.stopper, Stopper):
            raise StudyError(
                f"stopper must be one such as fsopt.MedianStop(), or None, not {self.stopper!r}"
            )
        if self.stopper.pauses and len(self.outcomes) > 1:
            raise StudyError(
                f"{type(self.stopper).__name__} pauses trials, some of which never go on and have "
                "the value that they reported last; that is one value, and the study's trials "
                f"have {len(self.outcomes)}. Take a stopper that does not pause"
            )

    @property
    def outcomes(self) -> Objectives:
        """What is reported of a trial."""
        return Objectives.of(self.objectives, self.constraints_on)


def to_document(config: StudyConfig, *, identifier: str, created: str, version: str) -> bytes:
    """The contents of ``study.json`` for a new study.

    Args:
        config: The definition; its seed must be set.
        identifier: Tells this study from all others.
        created: When, for people.
        version: Of the package that creates it.
    """
    document: dict[str, Any] = {
        "protocol": PROTOCOL,
        "min_reader": PROTOCOL,
        "id": identifier,
        "created": created,
        "fsopt": version,
        "seed": config.seed,
        "objectives": dict(config.objectives),
        "space": config.space.to_json(),
        "optimizer": optimizer_to_json(config.optimizer),
        "max_attempts": config.max_attempts,
        "lease": config.lease,
        "noisy": config.noisy,
    }
    if config.constraints_on:
        document["constraints_on"] = dict(config.constraints_on)
    if config.stopper is not None:
        document["stopper"] = stopper_to_json(config.stopper)
    document["crc"] = _checksum(document)
    return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()


def from_document(content: bytes, where: str) -> StudyConfig:
    """Read the contents of ``study.json``.

    Args:
        content: The file's bytes.
        where: The file's path, for messages.

    Raises:
        UnsupportedVersionError: If it is written for newer readers.
        CorruptStudyError: If it can't be read.
    """
    try:
        document = json.loads(content)
        needed = document["min_reader"]
        if not _is_int(needed) or needed > PROTOCOL:
            raise UnsupportedVersionError(
                f"{where} needs a reader of protocol {needed}; this fsopt reads protocol "
                f"{PROTOCOL}. Install a newer fsopt to use this study"
            )
        if document.pop("crc", None) != _checksum(document):
            raise ValueError("its checksum does not match")
        return _read_config(document)
    except UnsupportedVersionError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, FsoptError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise CorruptStudyError(
            f"{where} is damaged ({what}); restore the file from a copy, "
            "or start a new study in another directory"
        ) from error


def _checksum(document: Mapping[str, Any]) -> str:
    """Of the contents, however they are laid out."""
    return f"{zlib.crc32(json.dumps(document).encode()):08x}"


def _read_config(document: Mapping[str, Any]) -> StudyConfig:
    return StudyConfig(
        space=Space.from_json(document["space"]),
        objectives=document["objectives"],
        constraints_on=document.get("constraints_on", {}),
        seed=document["seed"],
        optimizer=optimizer_from_json(document["optimizer"]),
        stopper=stopper_from_json(document["stopper"]) if "stopper" in document else None,
        max_attempts=document["max_attempts"],
        lease=document["lease"],
        noisy=document.get("noisy"),
    )


def join(stored: StudyConfig, given: StudyConfig, where: str) -> StudyConfig:
    """The configuration with which a process that brings its own joins an existing study.

    The study's seed and rules hold. The caller's space is used, since it has the callables that
    can't be stored, and the caller's optimizer, which is recorded with each writer.

    Raises:
        StudyMismatchError: If the space, the objectives, the seed or the stopper differ; names the
            difference. All processes must decide alike.
    """
    difference = stored.space.difference(given.space)
    if difference is None and list(stored.objectives.items()) != list(given.objectives.items()):
        difference = (
            f"the objectives are {dict(stored.objectives)} in the study "
            f"and {dict(given.objectives)} here"
        )
    if difference is None and stored.outcomes != given.outcomes:
        difference = (
            f"the constraints on outcomes are {dict(stored.constraints_on)} in the study "
            f"and {dict(given.constraints_on)} here"
        )
    if difference is None and given.seed is not None and given.seed != stored.seed:
        difference = f"the seed is {stored.seed} in the study and {given.seed} here"
    if difference is None and given.stopper != stored.stopper:
        difference = f"the stopper is {stored.stopper} in the study and {given.stopper} here"
    if difference is not None:
        raise StudyMismatchError(
            f"{where} holds another study: {difference}. Use another directory, "
            "or the definition that the study was created with"
        )
    return replace(stored, space=given.space, optimizer=given.optimizer)


def _check_names(outcomes: Objectives) -> None:
    """Each outcome is a column of the results table, beside the ones that all studies have."""
    for name in outcomes.names:
        if name in RESERVED_NAMES or name.startswith(RESERVED_PREFIXES):
            raise StudyError(
                f"an objective or outcome can't be called {name!r}, since the results table has "
                f"a column of that name; call it something like 'my_{name.strip('_')}'"
            )


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
