"""How a user says that earlier studies shall teach a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fsopt.errors import PriorError


@dataclass(frozen=True, slots=True)
class GaussianMixturePrior:
    """Earlier studies, whose good configurations are where a new one begins to look.

    A mixture of Gaussians is fitted to the good configurations of each when the new study is
    created, and recorded in it: so every process has the same, and the sources are needed no
    more. Made by `from_studies`.

    Raises:
        PriorError: If an option makes no sense.
    """

    sources: tuple[object, ...]
    """Paths, and tables such as a `pandas.DataFrame`."""
    top: float = 0.1
    """Which share of the trials of a source is good."""
    rename: Mapping[str, str] = field(default_factory=dict)
    """From the names of parameters and objectives there to those here, where they differ."""

    def __post_init__(self) -> None:
        if type(self.top) not in (int, float) or not 0 < self.top <= 1:
            raise PriorError(f"top must be a share above 0 and up to 1, not {self.top!r}")
        if not isinstance(self.rename, Mapping):
            raise PriorError(f"rename maps names there to names here; {self.rename!r} does not")

    @classmethod
    def from_studies(
        cls,
        sources: Sequence[object],
        *,
        top: float = 0.1,
        rename: Mapping[str, str] | None = None,
    ) -> GaussianMixturePrior:
        """Let earlier studies teach.

        Args:
            sources: Directories of studies, DeepHyper's ``results.csv``, storages of Optuna
                (SQLite or journal), CSV and Parquet files, and tables. They are read when the new
                study is created.
            top: Which share of the trials of each is good; with several objectives, that many of
                the first Pareto fronts.
            rename: From the names of parameters and objectives there to those here.

        Raises:
            PriorError: If an option makes no sense.
        """
        if not isinstance(sources, list | tuple):
            raise PriorError(f"sources are a list, even of one, not {sources!r}")
        return cls(tuple(sources), top, dict(rename or {}))
