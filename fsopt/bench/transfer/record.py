"""Records the losses of one family of models on several data sets, over a whole grid.

    python -m fsopt.bench.transfer.record fsopt/bench/data/transfer_models.parquet

Logistic regression on random features of a kernel (Williams and Seeger, NeurIPS 2000), three
folds, mean log loss. Takes minutes; what comes out is part of the package.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fsopt.bench.transfer.tables import DATA_SETS, SPACE
from fsopt.space import enumerate_all

_ROWS = 200
_FOLDS = 3


def losses(name: str) -> Iterator[dict[str, Any]]:
    """The loss of every configuration on a data set."""
    from sklearn import datasets
    from sklearn.model_selection import cross_val_score

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    chosen = np.random.Generator(np.random.PCG64(0)).permutation(len(X))[:_ROWS]
    every = enumerate_all(SPACE, 10_000)
    if every is None:
        raise ValueError("the space is no grid")
    for row in SPACE.from_unit(every):
        params = SPACE.from_row(row)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that few iterations have not converged
            scores = cross_val_score(
                _model(params), X[chosen], y[chosen], cv=_FOLDS, scoring="neg_log_loss"
            )
        yield {"data": name, **params, "loss": float(-np.mean(scores))}


def _model(params: dict[str, Any]) -> Any:
    from sklearn import preprocessing
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    scalers = {
        "none": "passthrough",
        "standard": preprocessing.StandardScaler(),
        "minmax": preprocessing.MinMaxScaler(),
    }
    features = Nystroem(gamma=params["gamma"], n_components=params["components"], random_state=0)
    return make_pipeline(
        scalers[params["scaler"]], features, LogisticRegression(C=params["C"], max_iter=60)
    )


def main(path: Path) -> None:
    """Record all data sets."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [row for name in DATA_SETS for row in losses(name)]
    pq.write_table(pa.Table.from_pylist(rows), path, compression="zstd")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
