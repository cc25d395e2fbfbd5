"""The comparison of stoppers: studies in virtual time, their scores, and their curves."""

import json
import math
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from fsopt.bench.stopping.contest import Contest, compare
from fsopt.bench.stopping.record import STEPS, TASKS, rows_of
from fsopt.bench.stopping.replay import replay
from fsopt.bench.stopping.results import read, write
from fsopt.bench.stopping.rivals import RIVALS, OwnJudge, rival
from fsopt.bench.stopping.scores import Run, expected_regrets, run, score
from fsopt.bench.stopping.tables import CurveTable, load
from fsopt.errors import EvaluationError, StorageError
from fsopt.stop import ConstantStop, Decision, SuccessiveHalving
from tests.components import component


class Script:
    """Decides as it was told, and writes down what happens."""

    def __init__(self, decisions: dict[tuple[int, int], Decision]) -> None:
        self.decisions = decisions
        self.promoted: list[int] = []
        self.seen: list[tuple[str, int]] = []

    def begin(self, trial: int, *, is_last: bool) -> None:
        self.seen.append(("last" if is_last else "begin", trial))

    def report(self, trial: int, step: int, value: float) -> Decision:
        self.seen.append((f"{step}: {value:g}", trial))
        return self.decisions.get((trial, step), Decision.CONTINUE)

    def end(self, trial: int, value: float, *, is_complete: bool) -> None:
        self.seen.append(("complete" if is_complete else "stopped", trial))

    def promote(self) -> int | None:
        return self.promoted.pop() if self.promoted else None


def test_one_worker_goes_from_trial_to_trial() -> None:
    script = Script({(0, 1): Decision.STOP, (1, 1): Decision.PAUSE})
    course = replay(np.array([[3.0, 1.0], [4.0, 0.0], [2.0, 2.0]]), script, 1, 0)
    assert script.seen == [
        *(("begin", 0), ("1: 3", 0), ("stopped", 0)),
        *(("begin", 1), ("1: 4", 1)),
        *(("last", 2), ("1: 2", 2), ("2: 2", 2), ("complete", 2)),
    ]
    assert course.steps.tolist() == [1, 1, 2]
    assert course.chosen == 2


def test_a_promoted_trial_goes_on_where_it_paused_before_new_ones_begin() -> None:
    script = Script({(0, 1): Decision.PAUSE})
    script.promoted = []
    losses = np.array([[3.0, 1.0], [4.0, 5.0]])

    def report(trial: int, step: int, value: float) -> Decision:
        decision = Script.report(script, trial, step, value)
        if decision is Decision.PAUSE:
            script.promoted = [trial]
        return decision

    script.report = report  # type: ignore[method-assign]
    course = replay(losses, script, 1, 0)
    assert [trial for _, trial in script.seen] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert course.steps.tolist() == [2, 2]


def test_many_workers_take_as_long_as_the_longest_and_one_as_long_as_all() -> None:
    losses = np.ones((8, 5))
    one, many = (replay(losses, Script({}), workers, 3) for workers in (1, 8))
    durations = np.array([replay(losses[:k], Script({}), 1, 3).time for k in range(1, 9)])
    assert one.time == pytest.approx(durations[-1])
    assert many.time == pytest.approx(np.diff(durations, prepend=0).max())
    assert one.steps.sum() == many.steps.sum() == 40


def test_chosen_is_the_best_of_those_that_went_farthest_and_not_one_that_failed() -> None:
    nan = math.nan
    losses = np.array([[0.0, 0.0], [5.0, 3.0], [4.0, 2.0], [1.0, nan]])
    assert replay(losses, Script({(0, 1): Decision.STOP}), 1, 0).chosen == 2


def test_pausing_goes_on_until_one_trial_is_complete() -> None:
    losses = np.random.default_rng(0).normal(size=(4, 81))
    for workers in (1, 3):
        judge = OwnJudge(SuccessiveHalving(max_steps=81, pause=True), 0)
        course = replay(losses, judge, workers, 0)
        assert (course.steps == 81).sum() == 1


def test_the_best_after_the_first_steps_are_finished() -> None:
    losses = np.random.default_rng(1).normal(size=(20, 9))
    course = replay(losses, OwnJudge(ConstantStop(steps=2, finish=3, max_steps=9), 0), 4, 0)
    expected = np.full(20, 2)
    expected[np.argsort(losses[:, 1])[:3]] = 9
    np.testing.assert_array_equal(course.steps, expected)


def test_a_trial_that_failed_is_not_promoted() -> None:
    losses = np.random.default_rng(1).normal(size=(9, 9))
    losses[4, :2], losses[4, 2:] = -9.0, math.nan
    course = replay(losses, OwnJudge(SuccessiveHalving(max_steps=9, pause=True), 0), 2, 0)
    assert course.steps[4] == 3
    assert course.chosen != 4


def test_the_expected_best_of_some_is_the_mean_over_all_subsets() -> None:
    regrets = np.array([0.3, 0.0, 2.0, 0.3, 1.1])
    for count in range(1, 6):
        mean = np.mean([min(chosen) for chosen in combinations(regrets.tolist(), count)])
        assert expected_regrets(regrets)[count - 1] == pytest.approx(float(mean))


def made_run(name: str, regret: float, steps: int) -> Run:
    return Run(name, "made", 0, 1, 4, steps, regret, float(steps))


def test_a_saving_is_what_finding_as_much_costs_without_stopping() -> None:
    losses = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [0.0, math.nan]])
    table = CurveTable("made", losses)
    np.testing.assert_allclose(table.regrets, np.array([0, 1, 2, 3, 3]) / 1.5)
    expected = expected_regrets(table.regrets)
    without = [made_run("none", float(expected[3]), 8)]
    found = score([made_run("own", float(expected[1]), 2)], without, {"made": table})
    assert found.saving == pytest.approx(2 * 2 / 2)
    assert found.share == 2 / 8
    assert found.speed == 4
    assert found.worse == pytest.approx(float(expected[1] - expected[3]))


def test_recorded_curves_have_every_task_and_few_failures() -> None:
    tables = load()
    assert list(tables) == list(TASKS)
    for table in tables.values():
        assert table.losses.shape == (180, STEPS)
        assert np.isnan(table.losses[:, -1]).mean() < 0.05
        assert table.regrets.min() == 0
        assert np.median(table.regrets) == pytest.approx(1, abs=0.1)
        after = np.maximum.accumulate(np.isnan(table.losses), axis=1)
        np.testing.assert_array_equal(after, np.isnan(table.losses))


@pytest.mark.parametrize("task", ["sgd-diabetes", "boosting-diabetes", "sgd-cancer"])
def test_curves_are_recorded_again_the_same(task: str) -> None:
    for row, recorded in zip(rows_of(task, 2), load()[task].losses, strict=False):
        assert json.loads(row["params"])
        np.testing.assert_allclose(row["curve"][:9], recorded[:9], rtol=0.02)


def test_runs_are_the_same_again_and_differ_by_seed() -> None:
    table = load()["sgd-digits"]
    one = run("halving", table, 1, 4, 40)
    assert one == run("halving", table, 1, 4, 40)
    assert one.steps != run("halving", table, 2, 4, 40).steps


@pytest.mark.parametrize("name", [name for name, one in RIVALS.items() if one.is_installed])
def test_every_stopper_that_is_installed_can_run(name: str) -> None:
    found = run(name, load()["sgd-digits"], 0, 3, 12)
    assert 12 <= found.steps <= 12 * STEPS
    assert found.steps == 12 * STEPS or name != "none"


def test_an_unknown_stopper_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="there is no stopper 'oracle'"):
        rival("oracle")


def test_runs_in_files(tmp_path: Path) -> None:
    path = tmp_path / "runs.parquet"
    runs = [made_run("one", 0.5, 3), made_run("other", 0.0, 4)]
    write(runs, path)
    assert read(path) == runs
    with pytest.raises(StorageError, match="nothing"):
        read(path.with_name("nothing"))
    with pytest.raises(StorageError, match="nowhere"):
        write(runs, path.parent / "nowhere" / "runs.parquet")


def test_who_is_not_installed_is_compared_by_recorded_runs() -> None:
    contest = Contest(
        rivals=[rival("halving"), *(one for one in RIVALS.values() if not one.is_installed)],
        tasks=["sgd-digits"],
        seeds=2,
        trials=128,
        workers=1,
    )
    told: list[str] = []
    scores, runs = compare(contest, 1, told.append)
    names = [one.stopper for one in scores]
    assert names == ["none", *(one.name for one in contest.rivals)]
    assert len(runs) == 2 * len(names)
    assert scores[0].share == 1
    assert scores[0].worse == 0


def test_a_picture_is_drawn_of_recorded_curves(tmp_path: Path) -> None:
    component(find_spec("matplotlib") is not None, "matplotlib is not installed")
    from fsopt.bench.stopping.figures import draw

    draw(tmp_path / "stopping.png", "mlp-wine")
    assert (tmp_path / "stopping.png").stat().st_size > 10_000
