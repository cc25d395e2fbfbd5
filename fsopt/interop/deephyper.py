"""The table of results that DeepHyper's searches write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fsopt.objectives import Direction
from fsopt.state import TrialState
from fsopt.study import Study

if TYPE_CHECKING:
    import pandas as pd


def results(study: Study) -> pd.DataFrame:
    """The finished trials as DeepHyper's ``results.csv`` has them.

    Columns: ``p:NAME``, ``objective`` (or ``objective_0`` and so on; all are to be maximised, so
    the sign of others is changed; ``F_failed`` where a trial failed), ``job_id``, ``job_status``,
    ``m:timestamp_submit`` and ``m:timestamp_gather`` (seconds since the first trial began).
    """
    import pandas as pd

    trials = study.trials()
    trials = trials[
        trials["state"].isin([state.value for state in TrialState if state.is_finished])
    ]
    objectives = study.session.objectives
    columns: dict[str, Any] = {
        f"p:{name}": trials[f"param.{name}"] for name in study.config.space.names
    }
    several = objectives.are_several
    failed = (trials["state"] == TrialState.FAILED.value).to_numpy()
    for at, (name, direction) in enumerate(objectives.directions.items()):
        values = trials[name].to_numpy(dtype=np.float64)
        told = values if direction is Direction.MAXIMIZE else -values
        column = [
            "F_failed" if is_failed or np.isnan(value) else float(value)
            for value, is_failed in zip(told, failed, strict=True)
        ]
        columns[f"objective_{at}" if several else "objective"] = column
    columns["job_id"] = trials["trial"]
    columns["job_status"] = ["DONE"] * len(trials)
    begin = trials["started_at"].min()
    for name, column_name in (("submit", "started_at"), ("gather", "finished_at")):
        columns[f"m:timestamp_{name}"] = (trials[column_name] - begin).dt.total_seconds()
    return pd.DataFrame(columns)
