"""A stopper at work in a study: who is stopped, paused, promoted, and ended in the end."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import fsopt
from fsopt.errors import StudyError, StudyMismatchError
from fsopt.events import (
    AttributeSet,
    Event,
    TrialCompleted,
    TrialFailed,
    TrialPaused,
    TrialReported,
    TrialStarted,
    TrialStopped,
)
from fsopt.log.filesystem import LocalFilesystem
from fsopt.space import Categorical, Float, Space
from fsopt.state import TrialState
from fsopt.stop import Stopper
from fsopt.study.verification import verify_filesystem
from fsopt.trial import STOPPER
from fsopt.view.inspection import trial_details

HALVING = fsopt.SuccessiveHalving(max_steps=9, pause=True)


def config_of(stopper: Stopper | None, **changes: object) -> fsopt.StudyConfig:
    given: dict[str, object] = {
        "space": Space(Float("x", 0.0, 1.0)),
        "seed": 1,
        "optimizer": fsopt.RandomSearch(),
        "stopper": stopper,
    }
    return fsopt.StudyConfig(**(given | changes))  # type: ignore[arg-type]


def climbing(trial: fsopt.Trial) -> float:
    """Reports its parameter at each step, and keeps a checkpoint."""
    x = float(trial["x"])  # type: ignore[arg-type]
    for step in trial.steps(9):
        (trial.checkpoint_dir / "step").write_text(str(step))
        trial.report(x, step)
        if trial.should_stop():
            return math.nan
    return x


def test_the_stopper_is_kept_and_every_process_must_bring_the_same(tmp_path: Path) -> None:
    both = fsopt.AnyOf(HALVING, fsopt.Patience(steps=5))
    fsopt.create_study(tmp_path, config_of(both)).close()
    with fsopt.open_study(tmp_path) as study:
        assert study.config.stopper == both
    fsopt.create_study(tmp_path, config_of(both)).close()
    for other in (None, HALVING):
        with pytest.raises(StudyMismatchError, match="the stopper is AnyOf"):
            fsopt.create_study(tmp_path, config_of(other))


def test_a_stopper_that_pauses_needs_a_single_value() -> None:
    several: dict[str, dict[str, object]] = {
        "objectives": {"objectives": {"a": "minimize", "b": "minimize"}},
        "outcomes": {"constraints_on": {"memory": "<= 1"}},
    }
    for changes in several.values():
        for stopper in (HALVING, fsopt.AllOf(fsopt.ConstantStop(steps=1, finish=1))):
            with pytest.raises(StudyError, match="pauses trials"):
                config_of(stopper, **changes)
        config_of(fsopt.SuccessiveHalving(max_steps=9), **changes)
    with pytest.raises(StudyError, match="stopper must be one such as"):
        config_of("halving")  # type: ignore[arg-type]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_bad_trials_stop_with_their_last_value(direction: str) -> None:
    config = config_of(fsopt.SuccessiveHalving(max_steps=9), objectives={"y": direction})
    with fsopt.create_study(None, config) as study:
        summary = study.run(climbing, trials=20)
        table = study.trials()
    assert (summary.reason, summary.evaluated) == ("budget", 20)
    assert table["y"].tolist() == table["param.x"].tolist()
    stopped, completed = (table[table["state"] == s]["y"] for s in ("stopped", "completed"))
    assert len(stopped) + len(completed) == 20
    assert len(completed) < 8
    best = table["y"].min() if direction == "minimize" else table["y"].max()
    assert best in set(completed)
    assert (table["attempts"] == 1).all()


def test_paused_trials_go_on_from_their_checkpoint_or_end_stopped() -> None:
    with fsopt.create_study(None, config_of(HALVING)) as study:
        summary = study.run(climbing, trials=20)
        table, reports = study.trials(), study.reports()
        trials = [study.record(number) for number in range(20)]
    assert (summary.reason, summary.evaluated) == ("budget", 20)
    assert set(table["state"]) == {"stopped", "completed"}
    assert table["value"].tolist() == table["param.x"].tolist()
    assert table["param.x"].min() in set(table[table["state"] == "completed"]["value"])
    # No step was done twice: the trials of each rung go on where they were paused.
    assert not reports.duplicated(["trial", "step"]).any()
    reached = reports.groupby("trial")["step"].max()
    assert set(reached) == {1, 3, 9}
    assert 6 <= sum(reached >= 3) <= 10  # some were among the best third only for a while
    paused = [a for trial in trials for a in trial.attempts.values() if a.outcome]
    assert {a.outcome.reason for a in paused if a.outcome} == {STOPPER, None}


def test_trials_that_are_all_bad_end_all_the_same() -> None:
    with fsopt.create_study(None, config_of(HALVING)) as study:

        def objective(trial: fsopt.Trial) -> float:
            trial.report(math.nan, 1)
            return 1.0 if not trial.should_stop() else math.nan

        summary = study.run(objective, trials=3)
        table = study.trials()
    assert summary.reason == "budget"
    assert table["state"].tolist() == ["failed"] * 3
    assert table["error"].tolist() == ["stopped: reported nan at step 1"] * 3


def test_an_objective_that_never_asks_is_completed() -> None:
    with fsopt.create_study(None, config_of(fsopt.Threshold(worst=-1.0))) as study:

        def objective(trial: fsopt.Trial) -> float:
            trial.report(0.5, 1)
            return 0.25

        study.run(objective, trials=2)
        assert study.trials()["state"].tolist() == ["completed"] * 2
        assert study.trials()["value"].tolist() == [0.25] * 2


@pytest.mark.parametrize("returned", [0.125, None])
def test_a_trial_at_its_last_step_is_completed_even_if_it_would_go_on(
    returned: float | None,
) -> None:
    asked: list[bool] = []

    def objective(trial: fsopt.Trial) -> float | None:
        for step in range(1, 100):
            trial.report(0.5, step)
            asked.append(trial.should_stop())
            if asked[-1]:
                break
        return returned

    with fsopt.create_study(None, config_of(fsopt.Patience(steps=50, max_steps=4))) as study:
        study.run(objective, trials=1)
        table = study.trials()
    assert asked == [False] * 4 + [True]
    assert table["state"].tolist() == ["completed"]
    assert table["value"].tolist() == [0.5 if returned is None else returned]


def test_with_several_objectives_a_stopped_trial_has_what_the_objective_returned() -> None:
    returned = iter([(1.0, 2.0), None, fsopt.Failure("gone")])

    def objective(trial: fsopt.Trial) -> object:
        trial.report(5.0, 1)
        assert trial.should_stop()
        return next(returned)

    objectives = {"a": "maximize", "b": "minimize"}
    stopper = fsopt.Threshold(worst=6.0)  # of a, which is to be maximised
    with fsopt.create_study(None, config_of(stopper, objectives=objectives)) as study:
        study.run(objective, trials=3)
        table = study.trials()
    assert table["state"].tolist() == ["stopped", "failed", "failed"]
    assert table[["a", "b"]].iloc[0].tolist() == [1.0, 2.0]
    assert table["error"].tolist()[1:] == ["stopped at step 1, and returned no values", "gone"]


def test_an_objective_that_raises_when_it_is_told_to_stop_has_failed() -> None:
    def objective(trial: fsopt.Trial) -> float:
        trial.report(0.5, 1)
        if trial.should_stop():
            raise ValueError("no")
        return 1.0

    with fsopt.create_study(None, config_of(fsopt.Threshold(worst=0.0))) as study:
        study.run(objective, trials=1)
        assert study.trials()["error"].tolist() == ["ValueError: no"]


def test_the_decision_about_a_report_is_known_when_report_returns() -> None:
    with fsopt.create_study(None, config_of(fsopt.Threshold(worst=0.0))) as study:
        good, bad = study.ask(2)
        for trial, value in ((good, -1.0), (bad, 1.0)):
            trial.report(value, 1)
        assert not good.should_stop()
        assert bad.should_stop()
        assert not bad.preempted
        study.tell(good, 3.0)
        study.tell(bad, None)
        table = study.trials()
    assert table["state"].tolist() == ["completed", "stopped"]
    assert table["value"].tolist() == [3.0, 1.0]


def test_who_asks_gets_promoted_trials_before_new_ones() -> None:
    with fsopt.create_study(None, config_of(HALVING)) as study:
        trials = study.ask(3)
        for trial in trials:
            trial.report(float(trial.number), 1)
        states = []
        for trial in trials:
            if trial.should_stop():
                study.tell(trial, None)
            states.append(study.record(trial.number).state)
        assert TrialState.PAUSED in states
        again = study.ask()
        assert (again.number, again.attempt) == (0, 1)
        assert study.ask().number == 3


def test_two_processes_end_what_is_left_over_exactly_once(tmp_path: Path) -> None:
    with fsopt.create_study(tmp_path, config_of(HALVING)) as one:
        other = fsopt.open_study(tmp_path)
        one.allow(4)
        for trial in one.ask(4):
            trial.report(float(trial.number), 1)
            if trial.should_stop():
                one.tell(trial, None)
            else:
                for step in (3, 9):
                    trial.report(float(trial.number), step)
                one.tell(trial, float(trial.number))
        while promoted := one.session.stopping.promoted():  # type: ignore[union-attr]
            trial = one.ask()
            assert trial.number == promoted[0]
            for step in trial.steps(9):
                trial.report(float(trial.number), step)
            one.tell(trial, float(trial.number))
        other.sync()
        left = other.session.stopping.leftovers()  # type: ignore[union-attr]
        assert left
        assert sorted(other.dispatcher.settle()) == left
        assert one.dispatcher.settle() == []
        one.sync()
        assert one.session.stopping.leftovers() == []  # type: ignore[union-attr]
        assert one.state.trials.finished == 4
        for number in left:
            assert one.record(number).state is TrialState.STOPPED
            assert one.record(number).next_attempt == 2
        other.close()
    assert not list(verify_filesystem(LocalFilesystem(tmp_path)).problems)


def test_a_process_that_shall_do_less_than_the_study_ends_nothing(tmp_path: Path) -> None:
    with fsopt.create_study(tmp_path, config_of(HALVING)) as study:
        study.allow(30)
        assert study.run(climbing, trials=5).reason == "budget"
        states = study.trials()["state"]
        assert "paused" in set(states)
        assert len(states) == 5
        assert study.run(climbing).reason == "budget"
        assert set(study.trials()["state"]) == {"stopped", "completed"}
        assert len(study.trials()) == 30


def test_what_waits_beyond_the_budget_keeps_nothing_from_its_end() -> None:
    with fsopt.create_study(None, config_of(HALVING)) as study:
        for x in (0.3, 0.2, 0.1):
            study.enqueue({"x": x})
        assert study.run(climbing, trials=2).reason == "budget"
        assert study.trials()["state"].isin(["stopped", "completed"]).tolist() == [
            True,
            True,
            False,
        ]


def test_when_no_configuration_is_left_nobody_waits_for_more() -> None:
    space = Space(Categorical("x", [0.1, 0.2, 0.3]))
    with fsopt.create_study(None, config_of(HALVING, space=space)) as study:
        assert study.run(climbing, trials=50).reason == "exhausted"
        assert set(study.trials()["state"]) == {"completed", "stopped"}


def test_with_a_target_reached_paused_trials_stay_paused() -> None:
    with fsopt.create_study(None, config_of(HALVING)) as study:
        assert study.run(climbing, trials=30, target=1.0).reason == "target"
        assert "paused" in set(study.trials()["state"])


def test_the_curves_are_those_of_the_fold_whatever_was_told_before() -> None:
    """Retried, cancelled and taken-over trials, in any order of asking."""
    config = config_of(fsopt.MedianStop(min_competing=2))

    def started(study: fsopt.Study, *more: Event) -> fsopt.Study:
        params = {"x": 0.5}
        study.session.append(TrialStarted(trial=0, params=params, by="random"), *more)
        return study

    first = TrialReported(trial=0, steps=(1, 2, 3), values=(3.0, 2.0, 1.0))
    events: list[Event] = [
        first,
        TrialPaused(trial=0, reason="preempted"),
        TrialStarted(trial=0, attempt=1, after=2),
        AttributeSet(trial=0, attempt=1, name="a", value=1),
        TrialReported(trial=0, attempt=1, steps=(3, 4), values=(5.0, 4.0)),
        TrialFailed(trial=0, attempt=1, reason="x"),
        TrialCompleted(trial=0, attempt=1, values=(1.0,)),
    ]
    follows = started(fsopt.create_study(None, config))
    for event in events:
        follows.session.append(event)
        late = started(fsopt.create_study(None, config), *events[: events.index(event) + 1])
        pictures = []
        for study in (follows, late):
            stopping = study.session.stopping
            assert stopping is not None
            stopping.promoted()
            curves = stopping._curves
            steps, values = curves.curve(0)
            pictures.append((steps.tolist(), values.tolist(), curves.has_ended.tolist()))
        assert pictures[0] == pictures[1]
    assert pictures[0] == ([1, 2, 3, 4], [3.0, 2.0, 5.0, 4.0], [True])


def test_own_reports_count_before_they_are_written_and_only_once() -> None:
    study = fsopt.create_study(None, config_of(fsopt.Patience(steps=2)))
    stopping = study.session.stopping
    assert stopping is not None
    study.ask()
    assert not stopping.judge(0, 0, 1, 1.0)
    study.session.append(AttributeSet(trial=0, name="a", value=1))  # the fold knows no step yet
    assert not stopping.judge(0, 0, 2, 1.0)
    assert stopping.judge(0, 0, 3, 1.0)
    assert not stopping.judge(0, 0, 4, 1.0)  # it was told
    study.session.append(TrialReported(trial=0, steps=(1, 2, 3, 4), values=(1.0,) * 4))
    told = stopping.ending(0, 0, None)
    assert told == TrialStopped(trial=0, values=(1.0,), step=4)
    study.session.append(told)
    assert stopping.ending(0, 0, None) is None


@pytest.mark.parametrize("cancels", [True, False])
def test_an_attempt_that_counts_no_more_is_not_judged(cancels: bool) -> None:
    study = fsopt.create_study(None, config_of(fsopt.Threshold(worst=0.0)))
    stopping = study.session.stopping
    assert stopping is not None
    study.ask()
    later: dict[bool, Event] = {
        True: TrialFailed(trial=0, reason="cancelled"),
        False: TrialStarted(trial=0, attempt=1, after=0),
    }
    study.session.append(later[cancels])
    assert not stopping.judge(0, 0, 1, 1.0)
    assert stopping.ending(0, 0, None) is None


def test_a_study_without_a_stopper_follows_no_curves() -> None:
    with fsopt.create_study(None, config_of(None)) as study:
        assert study.session.stopping is None
        study.run(climbing, trials=3)
        assert study.trials()["state"].tolist() == ["completed"] * 3


def test_the_optimizer_learns_from_what_is_paused() -> None:
    config = config_of(HALVING, objectives={"y": "maximize"})
    with fsopt.create_study(None, config) as study:
        study.allow(100)
        study.run(climbing, trials=12)
        study.enqueue({"x": 0.5})
        history, table = study.session.history(), study.trials()
        assert "paused" in set(table["state"])
        assert history.numbers.tolist() == list(range(12))
        assert (-history.Y[:, 0]).tolist() == table["param.x"].tolist()[:12]
        assert len(history.X_pending) == 1
        assert history.ended == 12


def test_a_trial_without_a_finite_value_tells_the_optimizer_nothing() -> None:
    with fsopt.create_study(None, config_of(HALVING)) as study:
        trial = study.ask()
        trial.report(math.inf, 1)
        assert trial.should_stop()
        study.tell(trial, None)
        history = study.session.history()
        assert study.record(0).state is TrialState.PAUSED
        assert (len(history.X), len(history.X_pending), history.ended) == (0, 1, 0)


def test_proposals_among_paused_trials_can_be_made_once_more(tmp_path: Path) -> None:
    optimizer = fsopt.BayesianOptimizer(initial_trials=4)
    with fsopt.create_study(tmp_path, config_of(HALVING, optimizer=optimizer)) as study:
        study.allow(100)
        study.run(climbing, trials=8)
        assert "paused" in set(study.trials()["state"])
        for number in (5, 7):
            assert trial_details(study, number, replay=True)["replay"]["verdict"] == "same"


def test_a_snapshot_keeps_what_the_stopper_needs(tmp_path: Path) -> None:
    def decisions(study: fsopt.Study) -> object:
        stopping = study.session.stopping
        assert stopping is not None
        promoted = stopping.promoted()
        curves = stopping._curves
        known = {n: [a.tolist() for a in curves.curve(n)] for n in range(25)}
        return promoted, sorted(stopping.parked()), known

    with fsopt.create_study(tmp_path, config_of(HALVING)) as study:
        study.allow(100)
        study.run(climbing, trials=25)
        before = decisions(study)
    with fsopt.open_study(tmp_path) as study:
        study.compact(retention=0, assume_ended=True)
    assert not list(tmp_path.glob("log/*/*.jsonl"))
    with fsopt.open_study(tmp_path) as study:
        assert decisions(study) == before


def test_reports_are_written_seldom_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """10,000 reports in a minute of the worker's clock make about one append a second."""
    from fsopt.run import worker

    now = [0.0]
    study = fsopt.create_study(None, config_of(fsopt.SuccessiveHalving(max_steps=20_000)))
    append, appends = study.session.append, [0]

    def counted(*events: Event) -> None:
        appends[0] += 1
        append(*events)

    def objective(trial: fsopt.Trial) -> float:
        for step in range(1, 10_001):
            now[0] += 60 / 10_000
            trial.report(1 / step, step)
            assert not trial.should_stop()
        return 0.0

    monkeypatch.setattr(study.session, "append", counted)
    monkeypatch.setattr(worker.time, "monotonic", lambda: now[0])
    study.run(objective, trials=1)
    assert len(study.reports()) == 10_000
    assert appends[0] <= 65
