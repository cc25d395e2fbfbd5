"""What the measurements need of a storage system, and the problem that all systems are given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

PARAMETERS = tuple(f"x{index}" for index in range(5))
"""The names of the parameters; each is a float in [0, 1]."""


def objective(values: Sequence[float]) -> float:
    """What all systems minimise: as good as free, so that the storage is what is measured."""
    return sum(values)


class Session(Protocol):
    """A study that this process has opened."""

    def run(self, trials: int) -> None:
        """Propose, evaluate and record so many more trials, one after the other."""

    def count(self) -> int:
        """How many trials the study has, as far as this process has read."""

    def close(self) -> None:
        """Leave the study in good order."""


class System(Protocol):
    """A way to keep a study in files that several processes share.

    To compare another one, add a class like this and name it in `fsopt.bench.systems`.
    """

    @property
    def name(self) -> str:
        """A short identifier."""

    @property
    def title(self) -> str:
        """The head of its column."""

    @property
    def module(self) -> str:
        """The module that must be importable for it."""

    @property
    def distribution(self) -> str:
        """The package that brings the module."""

    @property
    def largest(self) -> int | None:
        """The most trials that are worth the time it takes to make them; None if any number is."""

    @property
    def reads_when_opened(self) -> bool:
        """Whether opening a study reads it, as it must before proposing."""

    def prepare(self, directory: Path, trials: int) -> None:
        """Make a study of finished trials in an empty directory, as its processes leave one."""

    def open(self, directory: Path) -> Session:
        """Open a study that `prepare` has made."""


@runtime_checkable
class Compactable(Protocol):
    """A system that can fold what its processes wrote into fewer files."""

    def compact(self, directory: Path, *, remove: bool) -> None:
        """Fold a study that nobody works on.

        Args:
            directory: Where the study lies.
            remove: Whether to remove at once what that makes superfluous.
        """
