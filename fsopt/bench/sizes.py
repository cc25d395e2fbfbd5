"""How large the studies of a benchmark are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    call_writers: tuple[int, ...]
    """Numbers of processes whose system calls are counted."""
    call_trials: int
    """Trials of each of them; the calls of a third of them are subtracted."""
    rate_writers: tuple[int, ...]
    """Numbers of processes whose trials a second are measured."""
    rate_trials: int
    """Trials of all these processes together."""
    opened: tuple[int, ...]
    """Finished trials of studies that are opened."""
    warm: int = 20
    """Finished trials of the study that is opened before, so that everything is imported."""
    more: tuple[int, ...]
    """Finished trials of studies in which more trials are run."""
    more_trials: int
    """How many more."""
    files: int
    """Finished trials of the study whose files are counted."""
    repeats: int
    """How often what varies is measured."""


FULL = Sizes(
    call_writers=(1, 8),
    call_trials=150,
    rate_writers=(1, 2, 8, 16),
    rate_trials=3200,
    opened=(100_000, 1_000_000),
    more=(1_000, 100_000, 1_000_000),
    more_trials=50,
    files=100_000,
    repeats=3,
)
"""What the documentation tells."""

QUICK = Sizes(
    call_writers=(1, 2),
    call_trials=15,
    rate_writers=(1, 2),
    rate_trials=40,
    opened=(200,),
    more=(200,),
    more_trials=10,
    files=200,
    repeats=1,
)
"""Whether everything works; the numbers mean little."""
