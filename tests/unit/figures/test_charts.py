"""What figures show, as numbers."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from scipy.stats import spearmanr

import fsopt
from fsopt import Float, Space
from fsopt.errors import StudyError
from fsopt.figures import progress, runs, spaces
from fsopt.figures.catalogue import FIGURES, Choice, chart
from fsopt.figures.chart import Boxes, Line, Panel, Parallel, Points, ends
from fsopt.figures.data import StudyData, focus, read
from fsopt.figures.fronts import hypervolumes
from fsopt.figures.models import fit, importance
from tests.unit.figures.studies import data_of, rich_study, study_of


@pytest.fixture(scope="module")
def rich() -> StudyData:
    return read(rich_study())


def marks(panel: Panel | Parallel, kind: type) -> list:
    assert isinstance(panel, Panel)
    return [mark for mark in panel.marks if isinstance(mark, kind)]


@pytest.mark.parametrize(
    ("direction", "best"), [("minimize", [3, 3, 1, 1]), ("maximize", [3, 5, 5, 5])]
)
def test_the_line_of_the_history_is_the_best_so_far(direction: str, best: list[int]) -> None:
    data = data_of([3.0, 5.0, 1.0, 4.0], direction)
    (panel,) = progress.history(data).panels
    line = marks(panel, Line)[-1]
    assert line.y.tolist() == best
    assert line.x.tolist() == [1, 2, 3, 4]


def test_before_the_first_value_there_is_no_best() -> None:
    data = data_of([fsopt.Failure("no"), 2.0])
    line = marks(progress.history(data).panels[0], Line)[-1]
    assert np.isnan(line.y[0])
    assert line.y[1] == 2


def test_every_trial_of_the_history_is_told_once() -> None:
    data = data_of([3.0, fsopt.Failure("no"), 2.0])
    points = marks(progress.history(data).panels[0], Points)
    assert {p.label: p.trials.tolist() for p in points} == {"completed": [0, 2], "failed": [1]}


def test_running_quartiles_are_those_of_the_last_values() -> None:
    values = np.random.default_rng(0).normal(size=30)
    found = progress.running_quantiles(values, 7)
    for at in range(30):
        expected = np.quantile(values[max(0, at - 6) : at + 1], [0.25, 0.5, 0.75])
        assert found[:, at] == pytest.approx(expected)


def test_regret_is_the_distance_to_the_optimum_or_to_the_best() -> None:
    data = data_of([3.0, 5.0, 1.0, 4.0])
    assert progress.regrets([data], optimum=0.5)[0].tolist() == [2.5, 2.5, 0.5, 0.5]
    assert progress.regrets([data])[0].tolist() == [2, 2, 0, 0]
    assert progress.regrets([data, data_of([0.0])])[0].tolist() == [3, 3, 1, 1]


def test_a_difference_that_is_only_rounding_is_no_regret() -> None:
    assert progress.regrets([data_of([0.1 + 0.2])], optimum=0.3)[0].tolist() == [0]


def test_there_is_no_regret_to_show_where_the_best_was_found_at_once() -> None:
    with pytest.raises(StudyError, match="found at once"):
        progress.regret([data_of([3.0, 1.0, 2.0])])
    assert progress.regret([data_of([3.0, 2.0, 1.0])]).name == "regret"


def test_the_distribution_counts_failures_as_worse_than_all() -> None:
    data = data_of([2.0, fsopt.Failure("no"), 1.0, fsopt.Failure("no")])
    (line,) = marks(progress.ecdf([data]).panels[0], Line)
    assert line.x.tolist() == [1, 2]
    assert line.y.tolist() == [0.25, 0.5]


def test_studies_with_different_objectives_are_not_compared() -> None:
    with pytest.raises(StudyError, match="different objectives"):
        progress.comparison([data_of([1.0]), data_of([1.0], "maximize")])


def test_a_few_terrible_values_do_not_flatten_the_others() -> None:
    data = data_of([1.0, 2.0, 1.5, 1.2, 1.1, 1.3, 1.4, 900.0])
    axis = focus(data)
    assert axis.high is not None
    assert 1.5 < axis.high < 10
    (worse,) = (
        p
        for p in marks(progress.history(data).panels[0], Points)
        if p.label == "worse than is shown"
    )
    assert worse.trials.tolist() == [7]
    assert worse.y[0] < axis.high


def test_rank_correlations_are_spearmans_with_ties_and_gaps() -> None:
    rng = np.random.default_rng(1)
    columns = np.column_stack([rng.integers(0, 4, 40), rng.normal(size=40), np.full(40, 7.0)])
    columns[:5, 1] = np.nan
    found = spaces.rank_correlations(columns.astype(float))
    assert found[0, 1] == pytest.approx(spearmanr(columns[5:, 0], columns[5:, 1]).statistic)
    assert found[0, 0] == pytest.approx(1)
    assert np.isnan(found[2]).all()


def test_wilson_intervals_are_those_of_the_literature() -> None:
    # Newcombe, Statistics in Medicine 17, 1998, table I, method 3
    low, high = spaces.wilson(
        np.array([81.0, 15.0, 0.0, 1.0]), np.array([263.0, 148.0, 20.0, 29.0])
    )
    assert low == pytest.approx([0.2553, 0.0624, 0.0, 0.0061], abs=5e-5)
    assert high == pytest.approx([0.3662, 0.1605, 0.1611, 0.1718], abs=5e-5)


def test_bars_of_failures_are_shares_of_finished_trials(rich: StudyData) -> None:
    panel = spaces.failures(rich).panels[rich.column("layers")]
    bars, _, overall = panel.marks
    failed, layers = rich.having("failed"), rich.rows[:, rich.column("layers")]
    assert isinstance(bars, Boxes)
    assert bars.top[-1] == pytest.approx(failed[layers == 3].mean())
    assert overall.y[0] == pytest.approx(failed.mean())


def test_concurrency_adds_up_to_the_time_that_evaluations_took() -> None:
    rng = np.random.default_rng(2)
    starts = rng.random(50) * 9
    stops = starts + rng.random(50)
    middles, busy = runs.concurrency(starts, stops, 10.0)
    assert busy.sum() * (middles[1] - middles[0]) == pytest.approx((stops - starts).sum())
    at = 40
    width = middles[1] - middles[0]
    inside = np.clip(stops, middles[at] - width / 2, middles[at] + width / 2) - np.clip(
        starts, middles[at] - width / 2, middles[at] + width / 2
    )
    assert busy[at] == pytest.approx(inside.sum() / width)


def test_evaluations_of_one_process_at_the_same_time_lie_beside_each_other() -> None:
    by = np.array([0, 0, 0, 1])
    starts, stops = np.array([0.0, 1.0, 2.0, 0.0]), np.array([2.0, 3.0, 4.0, 1.0])
    assert runs._lanes(by, starts, stops).tolist() == [0, 1, 0, 0]


def test_the_hypervolume_grows_up_to_that_of_the_front(rich: StudyData) -> None:
    places, volumes = hypervolumes(rich)
    assert (np.diff(volumes) >= -1e-12).all()
    assert places[-1] <= len(rich.by_end)
    assert 0 < volumes[-1] < 1


def test_curves_of_different_trials_are_not_joined(rich: StudyData) -> None:
    (line,) = (m for m in marks(runs.curves(rich).panels[0], Line) if m.label == "completed")
    told = sorted(set(line.trials[~np.isnan(line.x)].tolist()))
    assert told == rich.numbers[rich.having("completed")].tolist()
    steps = line.x[~np.isnan(line.x)].reshape(-1, 3)
    assert (steps == [1, 2, 3]).all()
    assert np.isnan(line.x).sum() == len(told) - 1


def test_a_parallel_axis_has_room_for_every_number(rich: StudyData) -> None:
    (panel,) = spaces.parallel(rich).panels
    assert isinstance(panel, Parallel)
    assert len(panel.axes) == len(rich.space) + 2
    for axis, numbers in zip(panel.axes, panel.rows.T, strict=True):
        assert axis.low <= np.nanmin(numbers)
        assert np.nanmax(numbers) <= axis.high


def test_the_parameter_that_decides_is_the_most_important(rich: StudyData) -> None:
    found = importance(rich)
    assert found.names[found.ordered()[0]] == "rate"
    assert found.fanova.max() > 0.5
    assert np.argmax(found.permutation) == found.names.index("rate")
    assert found.explained > 0.5
    assert importance(rich, "cost").ordered()[0] in (1, 2)


def test_importance_is_the_same_each_time(rich: StudyData) -> None:
    first, second = importance(rich), importance(rich)
    assert first.fanova.tolist() == second.fanova.tolist()
    assert first.permutation.tolist() == second.permutation.tolist()


def test_dependence_follows_the_function(rich: StudyData) -> None:
    panel = chart(rich, "dependence").panels[rich.column("rate")]
    (line,) = marks(panel, Line)
    assert -2.6 < np.log10(line.x[np.argmin(line.y)]) < -1.4  # (log10 rate + 2)^2
    assert fit(rich, 0).kind == "Gaussian process"


def test_a_maximised_objective_is_predicted_in_its_own_direction() -> None:
    study = fsopt.create_study(
        None,
        space=Space(Float("x", 0.0, 1.0)),
        objectives={"gain": "maximize"},
        seed=1,
        optimizer=fsopt.RandomSearch(),
    )
    study.run(lambda trial: trial["x"], trials=20)
    (line,) = marks(chart(read(study), "dependence").panels[0], Line)
    assert line.y[-1] > line.y[0] + 0.5


def test_where_there_is_nothing_to_show_the_error_says_why() -> None:
    data = read(study_of([]))
    for name in FIGURES:
        with pytest.raises(StudyError) as error:
            chart(data, name, Choice(params=["x", "x"]))
        assert len(str(error.value)) > 20


def test_unknown_names_are_told_with_those_that_there_are(rich: StudyData) -> None:
    with pytest.raises(StudyError, match="history, regret"):
        chart(rich, "pie")
    with pytest.raises(StudyError, match="loss, cost"):
        chart(rich, "slice", Choice(objective="speed"))
    with pytest.raises(StudyError, match="rate, units"):
        chart(rich, "contour", Choice(params=["rate", "pace"]))


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_ends_of_an_axis_enclose_what_it_shows(scale: str) -> None:
    for values in ([1.0], [0.5, 700.0], [1e-9, 1e-8], [3.0, np.nan, np.inf]):
        low, high = ends(values, scale=scale)
        assert low < np.nanmin(values)
        assert high > max(v for v in values if np.isfinite(v))


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "ensemble"])
def test_every_figure_can_be_drawn_saved_and_shown(rich: StudyData, name: str, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    from fsopt.figures.figure import Figure

    figure = Figure(chart(rich, name), rich)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        figure.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    figure.save(tmp_path / "a.html")
    assert "Content-Security-Policy" in (tmp_path / "a.html").read_text()
    assert figure._repr_html_().startswith("<iframe")


def test_a_format_that_is_none_is_refused(rich: StudyData) -> None:
    from fsopt.figures.figure import Figure

    with pytest.raises(StudyError, match=r"\.png, \.svg"):
        Figure(chart(rich, "history"), rich).save("a.bmp")


def test_figures_of_a_study_are_functions_of_their_names() -> None:
    import fsopt.figures

    study = study_of([2.0, 1.0])
    assert fsopt.figures.history(study).chart.name == "history"
    assert set(fsopt.figures.__all__) >= set(FIGURES)
    assert json.dumps(fsopt.figures.regret(study, optimum=0.0).chart.caption)
