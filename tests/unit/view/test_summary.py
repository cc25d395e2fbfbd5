"""What people are told about a study."""

import pytest

import fsopt
from fsopt.events import (
    Event,
    Record,
    TrialCompleted,
    TrialFailed,
    TrialStarted,
    WriterClosed,
)
from fsopt.space import Float, Space
from fsopt.view.report import status_lines, table_text
from fsopt.view.summary import (
    failures,
    format_seconds,
    format_value,
    status_summary,
)
from fsopt.view.utilization import utilization


def study_with(*history: tuple[str, float, Event]) -> fsopt.Study:
    study = fsopt.create_study(None, space=Space(Float("x", 0.0, 1.0)), seed=1)
    seqs: dict[str, int] = {}
    for writer, time, event in history:
        seq = seqs.get(writer, 0)
        seqs[writer] = seq + 1
        study.state.apply(Record(writer, seq, time, event))
    return study


def started(trial: int) -> TrialStarted:
    return TrialStarted(trial=trial, params={"x": 0.5}, by="random")


def completed(trial: int) -> TrialCompleted:
    return TrialCompleted(trial=trial, values=(float(trial),))


def test_utilization_is_the_share_of_time_spent_evaluating() -> None:
    study = study_with(
        ("a", 0.0, started(0)),
        ("a", 5.0, completed(0)),
        ("a", 10.0, started(1)),
        ("a", 15.0, completed(1)),
    )
    assert utilization(study.state, 99.0) == pytest.approx(10 / 15, abs=1e-3)


def test_slots_that_are_used_at_the_same_time_count_each() -> None:
    study = study_with(
        ("a", 0.0, started(0)),
        ("a", 0.0, started(1)),
        ("a", 5.0, completed(0)),
        ("a", 10.0, completed(1)),
    )
    assert utilization(study.state, 99.0) == pytest.approx(15 / 20)


def test_a_running_trial_counts_until_now_and_an_abandoned_one_until_its_writer_left() -> None:
    running = study_with(("a", 0.0, started(0)), ("a", 5.0, completed(0)), ("a", 5.0, started(1)))
    assert utilization(running.state, 20.0) == 1.0
    left = study_with(("a", 0.0, started(0)), ("a", 5.0, WriterClosed()))
    assert utilization(left.state, 1000.0) == 1.0
    assert utilization(study_with().state, 1.0) is None


def test_failures_are_counted_by_reason() -> None:
    history = [
        ("a", 0.0, event)
        for n, reason in enumerate(["x", "y", "x"])
        for event in (started(n), TrialFailed(trial=n, reason=reason))
    ]
    assert list(failures(study_with(*history).state).items()) == [("x", 2), ("y", 1)]


def test_the_rate_and_the_time_left_come_from_finished_trials() -> None:
    history = [
        ("a", time, event)
        for n, time in enumerate([0.0, 10.0, 20.0])
        for event in (started(n), completed(n))
    ]
    study = study_with(*history)
    study.state.budget = 8
    summary = status_summary(study)
    assert summary["trials_per_hour"] == 360.0
    assert summary["seconds_left"] == 50.0
    text = "\n".join(status_lines(study, summary))
    assert "3 of 8 trials finished" in text
    assert "rate: 360 trials an hour" in text


def test_the_rate_is_that_of_the_last_50_trials() -> None:
    times = [0.0, *(1000.0 + 10 * n for n in range(50))]
    history = [
        ("a", time, event) for n, time in enumerate(times) for event in (started(n), completed(n))
    ]
    assert status_summary(study_with(*history))["trials_per_hour"] == 360.0
    later = status_summary(study_with(*history[:-2], ("a", 2000.0, started(99))))
    assert later["trials_per_hour"] != 360.0


def test_an_empty_study_can_be_shown() -> None:
    study = fsopt.create_study(None, space=Space(Float("x", 0.0, 1.0)))
    summary = status_summary(study)
    assert summary["best"] is None
    assert "no trial is completed yet" in "\n".join(status_lines(study, summary))
    assert table_text(study.trials()) == "no trials yet"
    assert len(study.reports()) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (59.6, "60 s"), (61, "1 min 01 s"), (7384, "2 h 03 min")],
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (1e-5, "1e-05"),
        ("a b", "a b"),
        (3, "3"),
        (True, "True"),
        ((1,), "(1,)"),
    ],
)
def test_values_are_written_for_people(value: object, text: str) -> None:
    assert format_value(value) == text


def test_a_study_shows_itself_in_notebooks_as_text() -> None:
    study = study_with(("a", 0.0, started(0)), ("a", 1.0, TrialFailed(trial=0, reason="<b>no")))
    shown = study._repr_html_()
    assert "1 trials finished" in shown
    assert "failed: 1 x &lt;b&gt;no" in shown
