"""Asking, telling, joining, sharing: what `Study` promises to Python programs."""

import gc
import math
import os
from pathlib import Path

import numpy as np
import pytest

import fsopt
from fsopt.errors import (
    InfeasibleSpaceError,
    SpaceError,
    StudyError,
    StudyMismatchError,
    StudyNotFoundError,
    TrialError,
)
from fsopt.space import Categorical, Float, Int, Space

SPACE = Space(Float("x", 0.0, 1.0), Int("n", 1, 5))


def config(**changes: object) -> fsopt.StudyConfig:
    options = {"space": SPACE, "objectives": {"y": "minimize"}, "seed": 1}
    return fsopt.StudyConfig(**(options | {"optimizer": fsopt.RandomSearch()} | changes))  # type: ignore[arg-type]


@pytest.fixture(params=["directory", "memory"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> fsopt.Study:
    return fsopt.create_study(tmp_path / "s" if request.param == "directory" else None, config())


def test_ask_and_tell(study: fsopt.Study) -> None:
    trial = study.ask()
    assert trial.number == 0
    assert set(trial.params) == {"x", "n"}
    assert trial["x"] == trial.params["x"]
    study.tell(trial, 0.25)
    assert study.best is not None
    assert (study.best.number, study.best.value, study.best.values) == (0, 0.25, {"y": 0.25})
    assert study.best.params == dict(trial.params)


def test_a_batch_has_different_trials(study: fsopt.Study) -> None:
    trials = study.ask(30)
    assert [trial.number for trial in trials] == list(range(30))
    assert len({tuple(trial.params.items()) for trial in trials}) == 30
    assert study.trials()["state"].tolist() == ["running"] * 30


def test_the_best_respects_the_direction() -> None:
    for direction, best in [("minimize", 1), ("maximize", 2)]:
        study = fsopt.create_study(None, config(objectives={"y": direction}))
        for value in (5.0, -3.0, 9.0):
            study.tell(study.ask(), value)
        assert study.best is not None
        assert study.best.number == best


def test_the_pareto_front_of_two_objectives() -> None:
    study = fsopt.create_study(None, config(objectives={"a": "maximize", "b": "minimize"}))
    for values in [(1, 1), (2, 2), (0, 3), (2, 2), (3, 0.5)]:
        study.tell(study.ask(), values)
    assert [trial.number for trial in study.pareto_front] == [4]
    study.tell(study.ask(), {"b": 0.25, "a": 0})
    assert [trial.number for trial in study.pareto_front] == [4, 5]
    with pytest.raises(StudyError, match="pareto_front"):
        _ = study.best
    with pytest.raises(TrialError, match="several values"):
        _ = study.pareto_front[0].value


def test_failures_have_a_reason_and_no_value(study: fsopt.Study) -> None:
    study.tell(study.ask(), fsopt.Failure("out of memory"))
    study.tell(study.ask(), math.nan)
    assert study.trials()["error"].tolist() == ["out of memory", "returned nan for y"]
    assert study.best is None


def test_a_trial_is_told_once(study: fsopt.Study) -> None:
    trial = study.ask()
    study.tell(trial, 1.0)
    for again in (trial, 0):
        with pytest.raises(TrialError, match=r"trial 0 is completed"):
            study.tell(again, 2.0)
    with pytest.raises(TrialError, match=r"no trial 5 in .*; it has trials 0 to 0"):
        study.tell(5, 1.0)


def test_two_sessions_on_one_directory_see_each_other(tmp_path: Path) -> None:
    one = fsopt.create_study(tmp_path, config())
    two = fsopt.create_study(tmp_path, config())
    first, second = one.ask(), two.ask()
    assert (first.number, second.number) == (0, 1)
    two.tell(first.number, 0.5)
    one.tell(second.number, 0.25)
    one.sync()
    two.sync()
    assert one.best == two.best
    assert one.best is not None
    assert one.best.number == 1
    assert one.trials().drop(columns="worker").equals(two.trials().drop(columns="worker"))


def test_an_opened_study_goes_on_where_it_was_left(tmp_path: Path) -> None:
    with fsopt.create_study(tmp_path, config(seed=None)) as study:
        study.tell(study.ask(), 0.5)
        drawn = study.config.seed
    with fsopt.open_study(tmp_path) as again:
        assert again.config.seed == drawn
        assert again.config.optimizer == fsopt.RandomSearch()
        assert again.ask().number == 1


def test_the_proposal_for_a_number_depends_on_the_seed_and_not_on_who_asks() -> None:
    def third(order: list[int]) -> object:
        study = fsopt.create_study(None, config())
        for size in order:
            study.ask(size)
        return dict(study.ask().params)

    assert third([1, 1, 1]) == third([3])
    other = fsopt.create_study(None, config(seed=2))
    other.ask(3)
    assert dict(other.ask().params) != third([3])


def test_another_definition_is_refused_by_naming_the_difference(tmp_path: Path) -> None:
    fsopt.create_study(tmp_path, config()).close()
    space = Space(Float("x", 0.0, 1.0), Int("n", 1, 6))
    with pytest.raises(StudyMismatchError, match="'n': high is 5 in the study and 6 here"):
        fsopt.create_study(tmp_path, config(space=space))
    with pytest.raises(StudyMismatchError, match="the objectives are"):
        fsopt.create_study(tmp_path, config(objectives={"y": "maximize"}))
    with pytest.raises(StudyMismatchError, match="the seed is 1 in the study and 2 here"):
        fsopt.create_study(tmp_path, config(seed=2))


def test_no_study_is_an_error_and_makes_no_directory(tmp_path: Path) -> None:
    with pytest.raises(StudyNotFoundError, match="fsopt run SCRIPT --study"):
        fsopt.open_study(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space": {"x": (0, 1)}}, "space must be a fsopt.Space, not dict"),
        ({"objectives": {}}, "at least one name"),
        ({"seed": -1}, "seed must be an integer"),
        ({"seed": 1.5}, "seed must be an integer"),
        ({"optimizer": "random"}, "optimizer must be one such as"),
        ({"max_attempts": 0}, "max_attempts must be 1 or more"),
        ({"lease": 0}, "lease must be a positive number"),
        ({"lease": math.nan}, "lease must be a positive number"),
    ],
)
def test_a_config_that_makes_no_sense(changes: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        config(**changes)


def test_enqueued_configurations_come_first_and_are_checked(study: fsopt.Study) -> None:
    assert study.enqueue({"x": 1, "n": np.int64(3)}) == 0
    for wrong in ({"x": 2.0, "n": 1}, {"x": 0.5}, {"x": 0.5, "n": 1, "z": 0}):
        with pytest.raises(SpaceError):
            study.enqueue(wrong)
    trial = study.ask()
    assert (trial.number, dict(trial.params)) == (0, {"x": 1.0, "n": 3})
    assert type(trial["x"]) is float


def test_an_exhausted_space_ends_the_study(tmp_path: Path) -> None:
    space = Space(Categorical("c", ["a", "b", "c"]), Int("n", 1, 2))
    study = fsopt.create_study(tmp_path, config(space=space))
    summary = study.run(lambda trial: float(trial["n"]), trials=10)
    assert (summary.reason, summary.evaluated) == ("exhausted", 6)
    assert len({tuple(t.params.items()) for t in study.state.trials if t.params}) == 6
    with pytest.raises(InfeasibleSpaceError):
        study.ask()
    assert sorted(p.name for p in (tmp_path / "claims/0").iterdir()) == list("012345")


def test_functions_as_constraints_live_in_the_script_only(tmp_path: Path) -> None:
    def small(params: dict[str, object]) -> bool:
        return float(params["x"]) < 0.1  # type: ignore[arg-type]

    space = Space(Float("x", 0.0, 1.0), constraints=[small])
    with fsopt.create_study(tmp_path, config(space=space)) as study:
        for trial in study.ask(20):
            assert float(trial["x"]) < 0.1  # type: ignore[arg-type]
            study.tell(trial, trial["x"])
    with fsopt.open_study(tmp_path) as opened:
        assert opened.best is not None
        assert len(opened.trials()) == 20
        with pytest.raises(SpaceError, match="small"):
            opened.ask()
    assert (tmp_path / "claims/0/20").exists() is False


def test_reports_of_an_asked_trial_are_kept(study: fsopt.Study) -> None:
    trial = study.ask()
    trial.report(0.5, step=1)
    trial.report(np.float64(0.75), step=np.int64(2))  # type: ignore[arg-type]
    trial.set_attribute("kind", ("a", 1))
    for wrong in (("x", 1), (0.5, 0), (0.5, 1.5), (True, 1)):
        with pytest.raises((TrialError, SpaceError)):
            trial.report(*wrong)  # type: ignore[arg-type]
    assert study.reports()[["step", "value"]].to_numpy().tolist() == [[1, 0.5], [2, 0.75]]
    assert study.trials()["user.kind"][0] == ("a", 1)


def test_an_inactive_parameter_is_named_when_it_is_asked_for() -> None:
    space = Space(Float("x", 0, 1), Float("m", 0, 1), conditions={"m": "x > 2"})
    trial = fsopt.create_study(None, config(space=space)).ask()
    with pytest.raises(KeyError, match="trial 0 has no active parameter 'm'; it has x"):
        _ = trial["m"]


def test_a_stopped_study_tells_its_trials(study: fsopt.Study) -> None:
    trial = study.ask()
    assert not trial.should_stop()
    study.stop()
    assert trial.should_stop()
    assert not trial.preempted


def test_the_public_names_are_those_that_are_listed() -> None:
    for name in fsopt.__all__:
        assert getattr(fsopt, name) is not None
    assert set(fsopt._HOMES) | {"__version__"} == set(fsopt.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Teleport'"):
        _ = fsopt.Teleport  # type: ignore[attr-defined]


def test_a_study_that_is_forgotten_leaves_in_good_order(tmp_path: Path) -> None:
    study = fsopt.create_study(tmp_path, config())
    study.ask()
    writer = study.session.writer
    del study
    gc.collect()
    other = fsopt.open_study(tmp_path)
    assert other.state.writers[writer].closed
    assert other.ask().attempt == 1


def test_a_fork_does_not_write_to_its_parents_log(tmp_path: Path) -> None:
    study = fsopt.create_study(tmp_path, config())
    trial = study.ask()
    segment = next((tmp_path / "log").glob("*/*.jsonl"))
    before = segment.read_bytes()
    child = os.fork()
    if child == 0:
        try:
            study.tell(trial, 1.0)
        except StudyError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert segment.read_bytes() == before
    study.tell(trial, 1.0)


def noisy_study(**options: object) -> fsopt.Study:
    """A study in which trial 0 had luck, and its configuration is worse than that of trial 3."""
    study = fsopt.create_study(None, config(**options))
    sign = 1 if study.config.objectives == {"y": "minimize"} else -1
    for x, value in [(0.9, -9.0), (0.9, 5.0), (0.9, 5.2), (0.1, 1.0), (0.1, 0.8), (0.1, 1.2)] + [
        (x, 5 * x + (-1) ** i) for i, x in enumerate(np.linspace(0.0, 1.0, 30).tolist())
    ]:
        study.enqueue({"x": x, "n": 3})
        study.tell(study.ask(), sign * value)
    return study


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_lucky_value_is_best_by_value_but_not_by_the_model(direction: str) -> None:
    study = noisy_study(objectives={"y": direction})
    sign = 1 if direction == "minimize" else -1
    by_value, by_model = study.best_trial("value"), study.best_trial("model")
    assert by_value == study.best
    assert by_value is not None
    assert (by_value.number, by_value.value, by_value.expected) == (0, -9.0 * sign, {})
    assert by_model is not None
    assert by_model.params["x"] < 0.2
    expected = by_model.expected["y"]
    assert -1.5 < expected.mean * sign < 2.0
    assert 0 < expected.deviation < 3
    others = study.front("model")
    assert [trial.number for trial in others] == [by_model.number]


def test_the_best_of_a_study_that_is_declared_noisy_is_the_best_by_the_model() -> None:
    study = noisy_study(noisy=True)
    assert study.best == study.best_trial("model") != study.best_trial("value")
    assert study.pareto_front == study.front("model")
    assert study.session.history().noisy is True


def test_the_front_by_the_model_has_each_configuration_once() -> None:
    study = fsopt.create_study(None, config(objectives={"y": "minimize", "z": "maximize"}))
    for x in [0.0, 0.5, 1.0] * 4:
        study.enqueue({"x": x, "n": 1})
        study.tell(study.ask(), {"y": x, "z": x})
    front = study.front("model")
    assert [trial.number for trial in front] == [0, 1, 2]
    assert [trial.expected["z"].mean for trial in front] == pytest.approx([0, 0.5, 1], abs=0.05)
    assert len(study.pareto_front) == 12
    with pytest.raises(StudyError, match="several objectives"):
        study.best_trial("model")


def test_the_best_of_nothing_is_none_however_it_is_compared(study: fsopt.Study) -> None:
    assert study.best_trial("model") is None
    assert study.front("model") == []
    with pytest.raises(StudyError, match='"value" or "model"'):
        study.best_trial("luck")  # type: ignore[arg-type]


def test_whether_a_study_is_noisy_is_recorded(tmp_path: Path) -> None:
    for noisy in (True, False, None):
        directory = tmp_path / str(noisy)
        fsopt.create_study(directory, config(noisy=noisy))
        assert fsopt.open_study(directory).config.noisy is noisy
        assert fsopt.create_study(directory, config()).config.noisy is noisy, "the study's holds"
    with pytest.raises(StudyError, match="noisy must be True, False or None"):
        config(noisy="very")
