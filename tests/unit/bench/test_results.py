"""Files of results, and the recorded runs of other packages."""

import math
from pathlib import Path

import numpy as np
import pytest

from fsopt.bench.functions import PROBLEMS
from fsopt.bench.optimizers import results
from fsopt.bench.optimizers.results import RECORDED, Result, ResultFile, recorded
from fsopt.errors import StorageError

RUN = Result(
    optimizer="a",
    problem="ackley",
    seed=3,
    workers=4,
    delay=0.1,
    package="p",
    version="1.0",
    failed=2,
    cpu_mean=0.5,
    cpu_median=0.25,
    cpu_max=None,
    regret=[math.inf, 2.5, 0.125],
    times=[0.5, 1.0, 1.5],
)
OTHER = Result(
    optimizer="b", problem="levy", seed=0, package="p", version="1", cpu_mean=None, regret=[1.0]
)

suffixes = pytest.mark.parametrize("suffix", ["jsonl", "parquet"])


@suffixes
def test_what_was_appended_is_read_back(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"runs.{suffix}"
    file = ResultFile(path)
    assert file.results == []
    file.append(RUN)
    file.append(OTHER)
    again = ResultFile(path).results
    for one, written in zip(again, (RUN, OTHER), strict=True):
        assert {**one.to_json(), "times": [*one.times]} == {
            **written.to_json(),
            "times": [*written.times],
        }
    assert [one.key for one in again] == [RUN.key, OTHER.key]
    assert again[0].regret == [math.inf, 2.5, 0.125]
    assert [path.name for path in path.parent.iterdir()] == [path.name]


def test_a_line_torn_by_a_kill_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    ResultFile(path).append(RUN)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    file = ResultFile(path)
    assert len(file.results) == 1
    file.append(OTHER)
    assert [one.optimizer for one in ResultFile(path).results] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("runs.csv", None, "should end in .jsonl or .parquet"),
        ("runs.jsonl", "{}\n", "can't read"),
        ("runs.jsonl", "nonsense\n", "give another file"),
        ("runs.parquet", "nonsense", "give another file"),
    ],
)
def test_other_files_are_refused(
    name: str, content: str | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(StorageError, match=message):
        ResultFile(tmp_path / name)


def test_recorded_runs_are_of_many_packages_on_the_papers_functions() -> None:
    runs = recorded()
    assert len({run.optimizer for run in runs}) == 14
    assert all(run.optimizer.startswith(RECORDED) for run in runs)
    assert {run.problem for run in runs} == {n for n, p in PROBLEMS.items() if p.group == "paper"}
    assert len({run.key for run in runs}) == len(runs)
    for run in runs:
        assert run.workers == 1
        assert run.package
        assert run.version
        assert run.cpu_mean is not None
        assert 50 <= len(run.regret) <= 200
        assert np.all(np.diff(run.regret) <= 0)
        assert run.regret[-1] >= 0


def test_recorded_runs_of_random_search_are_like_ours() -> None:
    """The functions and bounds are those that the runs were recorded on."""
    rng = np.random.default_rng(0)
    for problem in PROBLEMS.values():
        if problem.group != "paper":
            continue
        rows = problem.space.from_unit(rng.random((4000, len(problem.space))))
        values = [problem.regret(problem.objective(problem.space.from_row(row))) for row in rows]
        first = [
            run.regret[0]
            for run in recorded()
            if (run.optimizer, run.problem) == (f"{RECORDED}random", problem.name)
        ]
        assert np.quantile(values, 0.01) < np.median(first) < np.quantile(values, 0.99)


def test_recorded_runs_are_small() -> None:
    data = Path(results.__file__).parents[1] / "data" / "recorded.parquet"
    assert data.stat().st_size < 700_000
