"""What came of it: one line of JSON for each way on each split.

Lines of DeepHyper are brought along (``fsopt/bench/data/ensembles.jsonl``), so that it need not be
installed; they count only where the library had the same predictions.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from fsopt.bench.ensembles.library import Library, library
from fsopt.bench.ensembles.tasks import TASKS, Split
from fsopt.bench.ensembles.ways import Way
from fsopt.bench.machine import version
from fsopt.ensemble import loss_of, losses_of
from fsopt.errors import StorageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How good a way was on a split, on rows that nobody had seen."""

    task: str
    split: int
    way: str
    package: str
    version: str
    library: str
    """The checksum of the predictions of all models."""
    seconds: float
    """CPU time of selecting and predicting."""
    losses: dict[str, float]


def run(
    tasks: Iterable[str], splits: int, ways: Sequence[Way], tell: Callable[[str], None]
) -> Iterator[Score]:
    """Score ways on splits, each on the same library of models."""
    for name in tasks:
        for number in range(splits):
            made = library(Split.of(TASKS[name], number))
            for way in ways:
                yield _score(made, way)
            tell(f"{name}, split {number}")


def _score(made: Library, way: Way) -> Score:
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prediction = way.make(made)
    seconds = time.process_time() - began
    losses = {
        loss.name: loss_of(loss, made.split.y[2], prediction)
        for loss in losses_of(prediction.kind)
    }
    return Score(
        task=made.split.task.name,
        split=made.split.number,
        way=way.name,
        package=way.distribution,
        version=version(way.distribution) or "",
        library=made.checksum,
        seconds=round(seconds, 4),
        losses={name: float(f"{value:.6g}") for name, value in losses.items()},
    )


def recorded() -> list[Score]:
    """The lines that are brought along."""
    data = resources.files("fsopt.bench") / "data" / "ensembles.jsonl"
    return [Score(**json.loads(line)) for line in data.read_text().splitlines()]


def write(path: Path, scores: Iterable[Score]) -> None:
    """Write lines, instead of what is there.

    Raises:
        StorageError: If that is not possible.
    """
    aside = path.with_name(path.name + ".new")
    try:
        aside.write_text("".join(json.dumps(asdict(score)) + "\n" for score in scores))
        aside.replace(path)
    except OSError as error:
        raise StorageError(f"can't write {path}: {error.strerror}") from error
