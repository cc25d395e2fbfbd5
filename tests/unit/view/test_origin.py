"""What an optimizer tells of a proposal is shown in the units and direction of the objective."""

from __future__ import annotations

import json

import pytest

import fsopt
from fsopt.history import FloatArray, History
from fsopt.search import Explanation
from fsopt.space import Float, Space
from fsopt.study import Study
from fsopt.view.inspection import trial_details
from fsopt.view.report import show_lines


def study_of(**options: object) -> Study:
    study = fsopt.create_study(None, space=Space(Float("x", 0.0, 1.0)), seed=1, **options)
    for value in (2.0, 5.0, 3.0):
        study.tell(study.ask(), [value] * len(study.config.objectives))
    return study


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def explain(
        _self: object, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation:
        return Explanation(
            source=f"trial {number} after {history.ended}, seed {seed}",
            surrogate="Gaussian process",
            mean=-4.0,
            deviation=0.25,
            acquisition="log expected improvement",
            acquisition_value=float("-inf"),
        )

    monkeypatch.setattr(fsopt.SobolSearch, "explain", explain)


@pytest.mark.usefixtures("explained")
@pytest.mark.parametrize(("direction", "sign", "best"), [("maximize", -1, 1), ("minimize", 1, 0)])
def test_predictions_have_the_sign_of_the_objective(direction: str, sign: int, best: int) -> None:
    study = study_of(objectives={"y": direction}, optimizer=fsopt.SobolSearch())
    details = trial_details(study, 2)
    assert details["explanation"] == {
        "source": "trial 2 after 2, seed 1",
        "surrogate": "Gaussian process",
        "predicted": {"mean": -4.0 * sign, "deviation": 0.25},
        "acquisition": {"name": "log expected improvement", "value": {"$float": "-inf"}},
        "incumbent": {"trial": best, "value": [2.0, 5.0][best]},
    }
    json.dumps(details, allow_nan=False)
    text = "\n".join(show_lines(details, {}))
    assert f"expected: {-4 * sign} ± 0.25" in text
    assert f"best until then: {[2, 5][best]} (trial {best})" in text


def test_there_is_no_incumbent_before_the_first_value_nor_of_several_objectives() -> None:
    study = study_of(optimizer=fsopt.RandomSearch())
    assert trial_details(study, 0)["explanation"]["incumbent"] is None
    study = study_of(objectives={"y": "minimize", "z": "maximize"}, optimizer=fsopt.RandomSearch())
    assert trial_details(study, 2)["explanation"]["incumbent"] is None
