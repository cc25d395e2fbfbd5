"""`SearchCV`; this package needs scikit-learn when it is imported."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import click
import numpy as np
from joblib import effective_n_jobs
from joblib import hash as fingerprint
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv, cross_validate
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import check_random_state, indexable
from sklearn.utils.parallel import Parallel, delayed

from fsopt.config import StudyConfig
from fsopt.errors import StudyError
from fsopt.objectives import Failure
from fsopt.search import BayesianOptimizer, Optimizer
from fsopt.sklearn.distributions import Translation, translation
from fsopt.sklearn.results import table
from fsopt.sklearn.shared import Candidates, Folds
from fsopt.space import Space
from fsopt.study import Study, create_study

OBJECTIVE = "score"
"""The objective's name in the study."""


class SearchCV(BaseSearchCV):  # type: ignore[misc]  # scikit-learn has no types
    """Finds an estimator's parameters by cross-validation, as `RandomizedSearchCV` does.

    What to try next is proposed by an optimizer from what has been tried. With a directory, the
    search is a study: any number of processes that fit the same search to the same data in the
    same directory share its candidates, an interrupted one goes on where it was, and all of them
    end with the same ``cv_results_``.

    Args:
        estimator: What is fitted.
        param_distributions: A `fsopt.Space`; or by name a list, a `scipy.stats` distribution
            (``uniform``, ``loguniform``, ``randint``), or a parameter such as `fsopt.Float`.
        n_iter: How many candidates the whole search has, whoever evaluates them.
        scoring: As in scikit-learn. With several scores `refit` names the one that is maximised.
        n_jobs: How many candidates are evaluated at the same time, by joblib.
        refit: As in scikit-learn.
        cv: As in scikit-learn.
        verbose: Whether to tell of each candidate.
        error_score: ``"raise"``, or the score of a fold whose fit failed. A candidate without a
            finite mean is a failed trial.
        return_train_score: Whether to score the training folds too.
        random_state: Seed of the search.
        directory: Of the study; in memory if None.
        optimizer: Such as `fsopt.RandomSearch`; Bayesian optimization if None.

    Attributes:
        trials_: The study's trials, as `fsopt.Study.trials` has them.
        cv_results_: The table, as in scikit-learn; so are ``best_estimator_``, ``best_params_``,
            ``best_score_``, ``best_index_``, ``scorer_``, ``n_splits_``, ``refit_time_`` and
            ``multimetric_``.
    """

    def __init__(  # noqa: PLR0913  # scikit-learn's estimators take each option by name
        self,
        estimator: Any,
        param_distributions: Space | Mapping[str, Any],
        *,
        n_iter: int = 50,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[[dict[str, Any]], int] = True,
        cv: Any = None,
        verbose: int = 0,
        error_score: float | str = np.nan,
        return_train_score: bool = False,
        random_state: Any = None,
        directory: str | Path | None = None,
        optimizer: Optimizer | None = None,
    ) -> None:
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.random_state = random_state
        self.directory = directory
        self.optimizer = optimizer

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Search, and fit the best candidate to all data.

        Args:
            X: (n, p) The data.
            y: (n,) or (n, k) The targets, if the estimator has any.
            **params: For the estimator's ``fit``, the scorer and the splitter, such as `groups`.

        Raises:
            SpaceError: If the space can't be understood.
            StudyMismatchError: If the directory holds a search with other data or another space.
            ValueError: If no candidate could be scored; or what the estimator raises, fitted to
                all data.
        """
        X, y = indexable(X, y)
        groups = params.pop("groups", None)
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self.n_splits_ = splitter.get_n_splits(X, y, groups)
        scorer = check_scoring(self.estimator, self.scoring)
        self.multimetric_ = hasattr(scorer, "_scorers")
        self.scorer_ = dict(scorer._scorers) if self.multimetric_ else scorer
        metric = self._metric()
        meaning = translation(self.param_distributions)
        with self._open(meaning) as study:
            data = "" if self.directory is None else str(fingerprint((X, y, groups)))
            shared = Candidates(study, meaning, self.n_iter, metric, data)
            self._search(shared, partial(self._evaluate, X, y, groups, params))
            candidates = shared.finished()
            if study.state.stopped and len(candidates) < self.n_iter:
                warnings.warn(
                    f"the search was stopped with {len(candidates)} of {self.n_iter} candidates; "
                    f"fsopt reopen {self.directory} lets it go on",
                    stacklevel=2,
                )
            self.cv_results_ = table(candidates, self.n_splits_)
            failure = shared.first_failure()
            self.trials_ = study.trials()
        if np.isnan(self.cv_results_.get(f"mean_test_{metric}", np.nan)).all():
            # What goes wrong with all data is what a person wants to read.
            for one in self.cv_results_["params"][:1]:
                self._fit(one, X, y, params)
            raise ValueError(f"no candidate could be scored; the first one: {failure}")
        self._choose(metric)
        if self.refit:
            began = time.perf_counter()
            self.best_estimator_ = self._fit(self.best_params_, X, y, params)
            self.refit_time_ = time.perf_counter() - began
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_
        return self

    def _metric(self) -> str:
        """The name of the score that is maximised."""
        if not self.multimetric_:
            return "score"
        if not isinstance(self.refit, str) or self.refit not in self.scorer_:
            raise ValueError(
                "with several scores, refit must be the name of the one that is maximised: one of "
                f"{', '.join(self.scorer_)}, not {self.refit!r}"
            )
        return self.refit

    def _open(self, meaning: Translation) -> Study:
        if type(self.n_iter) is not int or self.n_iter < 1:
            raise StudyError(f"n_iter must be an integer of 1 or more, not {self.n_iter!r}")
        random, optimizer = self.random_state, self.optimizer
        seed = None if random is None else int(check_random_state(random).randint(2**31 - 1))
        config = StudyConfig(
            space=meaning.space,
            objectives={OBJECTIVE: "maximize"},
            seed=seed,
            optimizer=BayesianOptimizer() if optimizer is None else optimizer,
        )
        study = create_study(self.directory, config)
        study.allow(self.n_iter)
        return study

    def _search(
        self, shared: Candidates, evaluate: Callable[[dict[str, Any]], Folds | Failure]
    ) -> None:
        """Evaluate candidates until there are enough, whoever evaluates them."""
        jobs = effective_n_jobs(self.n_jobs)
        with Parallel(n_jobs=self.n_jobs) as parallel:
            while trials := shared.take(jobs):
                given = [shared.meaning.decode(trial.params) for trial in trials]
                results = parallel(delayed(evaluate)(params) for params in given)
                for trial, params, result in zip(trials, given, results, strict=True):
                    score = shared.tell(trial, result)
                    if self.verbose:
                        click.echo(f"candidate {trial.number}: {score:.6g}  {params}")

    def _evaluate(
        self, X: Any, y: Any, groups: Any, fit_params: Mapping[str, Any], params: dict[str, Any]
    ) -> Folds | Failure:
        """Cross-validate one candidate."""
        try:
            scores = cross_validate(
                self._model(params),
                X,
                y,
                groups=groups,
                scoring=self.scoring,
                cv=self.cv,
                params=dict(fit_params) or None,
                return_train_score=self.return_train_score,
                error_score=self.error_score,
            )
        except ValueError as error:
            if self.error_score == "raise":
                raise
            return Failure(str(error).strip())
        return {name: list(map(float, numbers)) for name, numbers in scores.items()}

    def _choose(self, metric: str) -> None:
        results = self.cv_results_
        if callable(self.refit):
            self.best_index_ = self.refit(results)
        else:
            self.best_index_ = int(results[f"rank_test_{metric}"].argmin())
            self.best_score_ = float(results[f"mean_test_{metric}"][self.best_index_])
        self.best_params_ = results["params"][self.best_index_]

    def _fit(self, params: dict[str, Any], X: Any, y: Any, fit_params: Mapping[str, Any]) -> Any:
        model = self._model(params)
        return model.fit(X, **fit_params) if y is None else model.fit(X, y, **fit_params)

    def _model(self, params: dict[str, Any]) -> Any:
        # Parameters may be estimators themselves, which candidates must not share.
        return clone(self.estimator).set_params(**clone(params, safe=False))
