"""fsopt as an estimator of scikit-learn: a search among configurations, by cross-validation."""

from fsopt.sklearn.estimators import SearchCV

__all__ = ["SearchCV"]
