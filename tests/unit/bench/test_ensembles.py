from dataclasses import replace

import numpy as np
import pytest

from fsopt.bench.ensembles import peers
from fsopt.bench.ensembles.library import Library, library
from fsopt.bench.ensembles.results import Score, recorded
from fsopt.bench.ensembles.tables import comparable, sheets
from fsopt.bench.ensembles.tasks import TASKS, Split
from fsopt.bench.ensembles.ways import WAYS
from fsopt.ensemble import loss_of, losses_of
from fsopt.predictions import Prediction


@pytest.fixture(scope="module")
def split() -> Split:
    return Split.of(TASKS["iris"], 3)


def small(task: str) -> Library:
    """Four models on one split, without fitting any."""
    split = Split.of(TASKS[task], 0)
    random = np.random.default_rng(0)

    def predict(y):
        if not split.task.is_classification:
            return Prediction.of(y + random.normal(size=len(y)), np.full(len(y), 1.0))
        p = random.dirichlet([1.0] * 3, len(y)) + np.eye(3)[y]
        return Prediction.of(p / 2)

    made = [[predict(y) for _ in range(4)] for y in split.y[1:]]
    return Library(split, made[0], made[1])


def test_a_split_deals_each_row_once_and_is_repeatable(split: Split) -> None:
    assert [len(part) for part in split.y] == [75, 37, 38]
    _, y = TASKS["iris"].load()
    assert sorted(np.concatenate(split.y)) == sorted(y)
    np.testing.assert_allclose(split.X[0].mean(axis=0), 0, atol=1e-12)
    again = Split.of(TASKS["iris"], 3)
    np.testing.assert_array_equal(again.X[2], split.X[2])
    assert not np.array_equal(Split.of(TASKS["iris"], 4).y[0], split.y[0])


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_as_many_inputs_as_targets(task: str) -> None:
    X, y = TASKS[task].load()
    assert len(X) == len(y) >= 150
    assert np.issubdtype(y.dtype, np.integer) == TASKS[task].is_classification


def test_a_library_is_repeatable(split: Split, monkeypatch) -> None:
    monkeypatch.setattr("fsopt.bench.ensembles.library.SIZE", 3)
    first, second = library(split), library(split)
    assert first.checksum == second.checksum
    assert first.checksum != library(Split.of(TASKS["iris"], 4)).checksum
    assert [len(one.array) for one in first.test] == [38] * 3


@pytest.mark.parametrize("task", ["iris", "diabetes"])
@pytest.mark.parametrize("way", ["best", "topk", "greedy", "greedy-bags", "voting", "stacking"])
def test_every_way_predicts_all_test_rows(task: str, way: str) -> None:
    made = small(task)
    found = WAYS[way].make(made).check()
    assert len(found.array) == len(made.split.y[2])
    assert found.kind == made.test[0].kind


@pytest.mark.parametrize("task", ["iris", "diabetes"])
def test_voting_is_the_mean_of_all(task: str) -> None:
    made = small(task)
    expected = np.mean([one.array for one in made.test], axis=0)
    found = peers.voting(made).array
    if task == "iris":
        np.testing.assert_allclose(found, expected)
    else:
        np.testing.assert_allclose(found[:, 0], expected[:, 0])
        mean = np.mean([one.array[:, 0] for one in made.valid], axis=0)
        deviation = np.sqrt(np.mean((mean - made.split.y[1]) ** 2))
        np.testing.assert_allclose(found[:, 1], deviation)


@pytest.mark.parametrize("task", ["iris", "diabetes"])
def test_deephyper_selects_as_its_parts_say(task: str) -> None:
    pytest.importorskip("deephyper")
    made = small(task)
    ours, theirs = WAYS["topk"].make(made), WAYS["deephyper-topk"].make(made)
    np.testing.assert_allclose(ours.array, theirs.array)
    loss = losses_of(ours.kind)[0]
    for way in ("deephyper-greedy", "deephyper-greedy-25"):
        assert loss_of(loss, made.split.y[2], WAYS[way].make(made).check()) < 10


def score(way: str, split: int, nll: float, checksum: str = "a") -> Score:
    return Score(
        task="iris",
        split=split,
        way=way,
        package="p",
        version="1",
        library=checksum,
        seconds=0.5,
        losses={"cross-entropy": nll, "zero-one": 0.1, "calibration": 0.2},
    )


def test_tables_tell_means_ranks_and_how_often_the_best_model_is_beaten() -> None:
    scores = [score("best", 0, 1.0), score("best", 1, 2.0)]
    scores += [score("greedy", 0, 0.5), score("greedy", 1, 2.1)]
    likelihood, error, calibration, summary = sheets(scores)
    assert likelihood.lines == [["best", "1.5000"], ["greedy", "1.3000"]]
    assert error.lines[0] == ["best", "0.1000"]
    assert calibration.lines[0] == ["best", "0.2000"]
    assert summary.lines[1] == ["greedy", "1 of 1", "1 of 2", "-0.2000", "1.50", "500"]


def test_recorded_scores_count_only_for_the_same_predictions() -> None:
    own = [score("best", 0, 1.0), score("best", 1, 1.0, "b")]
    others = [score("x", 0, 0.5), score("x", 1, 0.5), score("best", 0, 3.0)]
    assert comparable(own, others) == others[:1]
    assert comparable(own, [replace(others[1], library="b")])


def test_deephypers_scores_are_brought_along_for_every_task_and_split() -> None:
    found = {(one.way, one.task, one.split) for one in recorded()}
    assert found == {
        (way, task, split)
        for way in WAYS
        if way.startswith("deephyper")
        for task in TASKS
        for split in range(10)
    }
