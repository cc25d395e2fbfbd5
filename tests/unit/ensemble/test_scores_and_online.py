import numpy as np
import pytest

from fsopt.ensemble import (
    CrossEntropy,
    Greedy,
    NormalNLL,
    Online,
    SquaredError,
    TopK,
    cross_scores,
)
from fsopt.errors import PredictionError
from fsopt.predictions import Prediction
from tests.unit.ensemble.test_selection import problem


def test_scores_are_of_rows_that_were_not_selected_by() -> None:
    """Of models that are nothing but chance none is better than another on other rows."""
    random = np.random.default_rng(0)
    y = random.normal(size=400)
    candidates = [Prediction.of(0.3 * random.normal(size=400)) for _ in range(300)]
    greedy = Greedy(SquaredError(), 9)
    assert greedy.select(y, candidates).loss < 0.95 * np.mean(y**2)
    (score,) = cross_scores(y, candidates, greedy, [SquaredError()])
    assert score.ensemble > 0.97 * np.mean(y**2)


def test_a_selector_of_the_best_has_the_scores_of_the_best() -> None:
    y, candidates = problem(1, 10, 40)
    scores = cross_scores(y, candidates, TopK(NormalNLL(), 1), [NormalNLL(), SquaredError()])
    assert [score.loss for score in scores] == ["nll", "squared"]
    assert all(score.ensemble == score.best for score in scores)


def test_one_candidate_has_the_loss_of_all_rows() -> None:
    y, candidates = problem(2, 1, 23)
    (score,) = cross_scores(y, candidates, Greedy(NormalNLL()), [SquaredError()])
    errors = candidates[0].array[:, 0] - y
    assert score.ensemble == pytest.approx(np.mean(errors**2))


def test_rows_that_no_member_tells_of_are_left_out() -> None:
    y, (one, *_) = problem(3, 1, 20)
    part = Prediction("normal", one.array[:15], np.arange(15))
    (score,) = cross_scores(y, [part], Greedy(NormalNLL()), [SquaredError()])
    assert score.ensemble == pytest.approx(np.mean((one.array[:15, 0] - y[:15]) ** 2))


def test_too_few_rows_or_nothing_are_refused() -> None:
    with pytest.raises(PredictionError, match="5 rows"):
        cross_scores(np.zeros(4), [Prediction.of(np.ones(4))], TopK(SquaredError()), [])
    with pytest.raises(PredictionError, match="no predictions"):
        cross_scores(np.zeros(9), [], TopK(SquaredError()), [SquaredError()])


def test_online_selection_is_that_of_all_trials_so_far_in_any_order() -> None:
    y, candidates = problem(4, 8)
    sources = dict(enumerate(candidates, start=100))
    forth, back = Online(y, Greedy(NormalNLL())), Online(y, Greedy(NormalNLL()))
    for number in sources:
        forth.take_in({number: sources[number]})
        known = [sources[n] for n in range(100, number + 1)]
        whole = Greedy(NormalNLL()).select(y, known)
        assert forth.selection.members == tuple(100 + m for m in whole.members)
        assert forth.selection.weights == whole.weights
    for number in reversed(sources):
        back.take_in({number: sources[number]})
    assert back.selection == forth.selection


def test_online_selection_waits_for_what_is_new() -> None:
    y, candidates = problem(5, 3)
    online = Online(y, TopK(NormalNLL(), 1))
    with pytest.raises(PredictionError, match="no trial"):
        _ = online.selection
    online.take_in({1: candidates[0]})
    first = online.selection
    online.take_in({1: candidates[1]})
    assert online.selection is first


def test_trials_may_predict_different_rows_online() -> None:
    y = np.array([0, 1, 0, 1])
    online = Online(y, Greedy(CrossEntropy()))
    online.take_in({0: Prediction.of([[0.9, 0.1], [0.2, 0.8]], index=[0, 1])})
    online.take_in({1: Prediction.of([[0.9, 0.1], [0.2, 0.8]], index=[2, 3])})
    assert online.selection.members == (0, 1)
    assert online.selection.loss == pytest.approx(-(np.log(0.9) + np.log(0.8)) / 2)
