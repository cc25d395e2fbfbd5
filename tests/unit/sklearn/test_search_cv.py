"""`SearchCV` beside scikit-learn's own search, and as a study that processes share."""

import inspect
import pickle
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

import fsopt
from fsopt.errors import StudyError, StudyMismatchError
from fsopt.sklearn import SearchCV

X, Y = load_iris(return_X_y=True)
C = {"C": loguniform(1e-3, 1e3)}


def search(model: Any = None, space: Any = None, **options: Any) -> SearchCV:
    given = {"n_iter": 6, "cv": 3, "random_state": 0, "optimizer": fsopt.RandomSearch()}
    return SearchCV(SVC() if model is None else model, space or C, **(given | options))


@parametrize_with_checks(
    [
        search(LogisticRegression(), {"C": [0.01, 0.1, 1.0]}, n_iter=2, cv=2),
        search(Ridge(), {"alpha": (0.1, 2.0)}, n_iter=2, cv=2),
    ],
    expected_failed_checks=lambda estimator: (
        {"check_supervised_y_2d": "as for scikit-learn's searches, it is the model that warns"}
        if isinstance(estimator.estimator, Ridge)
        else {}
    ),
)
@pytest.mark.filterwarnings("ignore")
def test_it_is_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def test_options_are_those_of_the_random_search() -> None:
    ours = inspect.signature(SearchCV).parameters
    theirs = inspect.signature(RandomizedSearchCV).parameters
    assert set(theirs) - set(ours) == {"pre_dispatch"}  # there is no queue of fits
    assert list(ours)[:2] == list(theirs)[:2]
    assert set(ours) - set(theirs) == {"directory", "optimizer"}


def test_results_are_those_of_a_cross_validation_of_each_candidate() -> None:
    found = search(return_train_score=True).fit(X, Y)
    results = found.cv_results_
    assert len(results["params"]) == 6
    for row, params in enumerate(results["params"]):
        scores = cross_val_score(SVC(**params), X, Y, cv=3)
        told = [results[f"split{fold}_test_score"][row] for fold in range(3)]
        np.testing.assert_allclose(told, scores)
        assert results["mean_test_score"][row] == pytest.approx(scores.mean())
        assert results["std_test_score"][row] == pytest.approx(scores.std())
        assert results["param_C"][row] == params["C"]
    assert found.best_score_ == results["mean_test_score"].max()
    assert found.best_params_ == results["params"][found.best_index_]


def test_the_table_has_the_columns_of_the_random_search() -> None:
    ours = search(return_train_score=True).fit(X, Y).cv_results_
    theirs = RandomizedSearchCV(SVC(), C, n_iter=6, cv=3, return_train_score=True).fit(X, Y)
    assert set(ours) == set(theirs.cv_results_)


def test_the_best_is_fitted_to_all_data() -> None:
    found = search().fit(X, Y)
    alone = SVC(**found.best_params_).fit(X, Y)
    np.testing.assert_array_equal(found.predict(X), alone.predict(X))
    assert found.score(X, Y) == alone.score(X, Y)
    assert list(found.classes_) == [0, 1, 2]


def test_without_refit_there_is_nothing_to_predict_with() -> None:
    found = search(refit=False).fit(X, Y)
    assert found.best_params_["C"] > 0
    with pytest.raises(AttributeError):
        found.predict(X)


def test_refit_may_choose_by_itself() -> None:
    found = search(refit=lambda results: int(np.argmax(results["mean_fit_time"]))).fit(X, Y)
    assert found.best_index_ == int(np.argmax(found.cv_results_["mean_fit_time"]))
    assert not hasattr(found, "best_score_")


def test_one_of_several_scores_is_maximised() -> None:
    found = search(scoring=["accuracy", "f1_macro"], refit="f1_macro").fit(X, Y)
    assert found.best_score_ == found.cv_results_["mean_test_f1_macro"].max()
    assert set(found.scorer_) == {"accuracy", "f1_macro"}
    assert list(found.trials_["score"]) == list(found.cv_results_["mean_test_f1_macro"])
    with pytest.raises(ValueError, match="refit must be the name of the one that is maximised"):
        search(scoring=["accuracy", "f1_macro"]).fit(X, Y)


def test_steps_of_a_pipeline_are_choices_and_conditions_hold() -> None:
    model = make_pipeline(StandardScaler(), SVC())
    steps = {"standardscaler": [StandardScaler(), MinMaxScaler(), "passthrough"]}
    found = search(model, {"svc__C": C["C"], **steps}).fit(X, Y)
    assert {type(one["standardscaler"]) for one in found.cv_results_["params"]} <= {
        *(StandardScaler, MinMaxScaler, str),
    }
    space = fsopt.Space(
        fsopt.Categorical("kernel", ["rbf", "linear"]),
        fsopt.Float("gamma", 1e-3, 1.0, log=True),
        conditions={"gamma": "kernel == 'rbf'"},
    )
    results = search(SVC(), space, n_iter=8).fit(X, Y).cv_results_
    for params, gamma in zip(results["params"], results["param_gamma"], strict=True):
        assert (params["kernel"] == "rbf") is ("gamma" in params) is (gamma is not np.ma.masked)


def test_groups_and_fit_parameters_are_handed_on() -> None:
    groups = np.arange(len(X)) % 5
    found = search(cv=GroupKFold(5), n_iter=2)
    found.fit(X, Y, groups=groups, sample_weight=np.ones(len(X)))
    assert found.n_splits_ == 5


def test_what_has_no_targets_is_searched_too() -> None:
    found = search(KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3, 4]}, n_iter=3).fit(X)
    assert found.best_params_ == {"n_clusters": 4}


class Moody(ClassifierMixin, BaseEstimator):
    def __init__(self, mood: float = 1.0) -> None:
        self.mood = mood

    def fit(self, X: Any, y: Any) -> "Moody":
        if self.mood < 0:
            raise RuntimeError("not today")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X), dtype=int)


def test_candidates_that_fail_come_last_and_are_failed_trials() -> None:
    found = search(Moody(), {"mood": [-1.0, 1.0]}, n_iter=2).fit(X, Y)
    assert found.best_params_ == {"mood": 1.0}
    results = found.cv_results_
    failed = [params["mood"] < 0 for params in results["params"]]
    assert list(np.isnan(results["mean_test_score"])) == failed
    assert results["rank_test_score"][failed.index(True)] == 2
    assert sorted(found.trials_["state"]) == ["completed", "failed"]
    assert found.trials_["error"].str.contains("not today").sum() == 1


def test_if_all_fail_the_models_own_error_is_raised() -> None:
    with pytest.raises(RuntimeError, match="not today"):
        search(Moody(), {"mood": (-2.0, -1.0)}, n_iter=2).fit(X, Y)
    with pytest.raises(RuntimeError, match="not today"):
        search(Moody(), {"mood": [-1.0, 1.0]}, n_iter=2, error_score="raise").fit(X, Y)


def test_an_interrupted_search_goes_on_where_it_was(tmp_path: Path) -> None:
    first = search(directory=tmp_path / "s", n_iter=3).fit(X, Y)
    calls: list[float] = []

    def counting(model: Any, X: Any, y: Any) -> float:
        calls.append(model.C)
        return float(model.score(X, y))

    second = search(directory=tmp_path / "s", n_iter=5, scoring=counting, refit=False).fit(X, Y)
    assert len(calls) == 2 * 3
    assert second.cv_results_["params"][:3] == first.cv_results_["params"]
    assert len(second.cv_results_["params"]) == 5
    third = search(directory=tmp_path / "s", n_iter=5).fit(X, Y)
    assert third.cv_results_["params"] == second.cv_results_["params"]


def test_a_search_that_was_stopped_says_how_far_it_came(tmp_path: Path) -> None:
    search(directory=tmp_path / "s", n_iter=2).fit(X, Y)
    with fsopt.open_study(tmp_path / "s") as study:
        study.stop()
    with pytest.warns(UserWarning, match="stopped with 2 of 3 candidates; fsopt reopen"):
        stopped = search(directory=tmp_path / "s", n_iter=3).fit(X, Y)
    assert len(stopped.cv_results_["params"]) == 2


def test_two_that_search_at_the_same_time_share_the_candidates(tmp_path: Path) -> None:
    found = [search(directory=tmp_path / "s", n_iter=12) for _ in range(2)]
    threads = [Thread(target=one.fit, args=(X, Y)) for one in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = (one.cv_results_ for one in found)
    assert len(first["params"]) == 12
    assert first["params"] == second["params"]
    np.testing.assert_array_equal(first["mean_test_score"], second["mean_test_score"])


def test_other_data_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    search(directory=tmp_path / "s", n_iter=2).fit(X, Y)
    with pytest.raises(StudyMismatchError, match="holds a search with other data"):
        search(directory=tmp_path / "s", n_iter=3).fit(X[:100], Y[:100])


def test_a_seed_makes_it_repeatable_and_jobs_change_no_result() -> None:
    alone = search().fit(X, Y).cv_results_
    again = search().fit(X, Y).cv_results_
    many = search(n_jobs=2).fit(X, Y).cv_results_
    assert alone["params"] == again["params"] == many["params"]
    np.testing.assert_array_equal(alone["mean_test_score"], many["mean_test_score"])


def test_a_fitted_one_can_be_pickled_and_cloned() -> None:
    found = search().fit(X, Y)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.predict(X), found.predict(X))
    assert not hasattr(clone(found), "best_params_")


def test_it_tells_of_candidates_if_asked(capsys: pytest.CaptureFixture[str]) -> None:
    search(n_iter=2, verbose=1).fit(X, Y)
    assert capsys.readouterr().out.count("candidate ") == 2


@pytest.mark.parametrize("count", [0, 2.5, True])
def test_a_senseless_number_of_candidates_is_refused(count: Any) -> None:
    with pytest.raises(StudyError, match="n_iter must be an integer of 1 or more"):
        search(n_iter=count).fit(X, Y)
