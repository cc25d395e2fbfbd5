from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.errors import PriorError, SpaceError
from fsopt.prior import learn
from fsopt.prior.source import MOST_KEPT, from_data
from fsopt.prior.translation import exact_params, to_positions
from fsopt.space import Categorical, Float, Int, Ordinal, Space, sample
from fsopt.streams import stream

SPACE = Space(
    Float("rate", 1e-4, 1.0, log=True),
    Int("layers", 1, 8),
    Ordinal("batch", [16, 32, 64]),
    Categorical("solver", ["adam", "sgd"]),
    Float("momentum", 0.0, 1.0),
    conditions={"momentum": "solver == 'sgd'"},
)


@given(st.integers(0, 10_000))
def test_a_configuration_of_the_same_space_keeps_its_place(seed: int) -> None:
    unit = sample(SPACE, 1, stream(seed, "test"))
    params = SPACE.from_row(SPACE.from_unit(unit)[0])
    assert to_positions([params], SPACE) == pytest.approx(unit, nan_ok=True)
    spelled = {name: str(value) for name, value in params.items()}
    assert to_positions([spelled], SPACE) == pytest.approx(unit, nan_ok=True)
    assert exact_params(spelled, SPACE) == params


def test_what_lies_outside_of_a_range_counts_as_its_bound() -> None:
    found = to_positions([{"rate": 10.0, "layers": 0}, {"rate": 1e-9, "layers": 99}], SPACE)
    assert found[:, 0] == pytest.approx([1.0, 0.0])
    assert found[:, 1] == pytest.approx([1 / 16, 15 / 16])


def test_what_vanished_or_is_unknown_has_no_place() -> None:
    found = to_positions([{"solver": "lbfgs", "batch": 48, "layers": math.nan}], SPACE)
    assert np.isnan(found).all()


def test_renamed_parameters_are_found() -> None:
    found = to_positions([{"lr": 0.01}], SPACE, {"lr": "rate"})
    assert found[0, 0] == pytest.approx(0.5)


def test_only_what_fits_exactly_is_taken_over() -> None:
    given = {"rate": "0.1", "layers": 2.0, "batch": "32", "solver": "adam", "momentum": 0.9}
    params = {"rate": 0.1, "layers": 2, "batch": 32, "solver": "adam"}
    assert exact_params(given | {"other": 1}, SPACE) == params
    with pytest.raises(SpaceError, match="rate"):
        exact_params(given | {"rate": 2.0}, SPACE)
    with pytest.raises(SpaceError, match="missing"):
        exact_params({"solver": "sgd", "rate": 0.1, "layers": 2, "batch": 32}, SPACE)


def history(count: int, seed: int = 0) -> tuple[list[dict[str, object]], np.ndarray]:
    rows = SPACE.from_unit(sample(SPACE, count, stream(seed, "test")))
    params = [dict(SPACE.from_row(row)) for row in rows]
    return params, (np.log10(rows[:, :1]) + 2) ** 2


def test_what_is_learned_survives_being_recorded() -> None:
    params, values = history(400)
    learned = learn("old", params, values, SPACE)
    again = from_data("old", learned.trials, learned.data, SPACE)
    assert again.id == learned.id
    assert len(learned.ranks) == MOST_KEPT
    units = sample(SPACE, 9, stream(1, "test"))
    assert again.mixture.log_density(units).tolist() == (
        learned.mixture.log_density(units).tolist()
    )


def test_the_same_source_is_learned_to_the_last_bit() -> None:
    params, values = history(60)
    assert learn("old", params, values, SPACE).id == learn("old", params, values, SPACE).id
    assert learn("old", params, values, SPACE).id != learn("old", params, -values, SPACE).id


def test_the_mixture_is_of_the_good_trials() -> None:
    params, values = history(200)
    learned = learn("old", params, values, SPACE)
    good, bad = np.full((1, 5), np.nan), np.full((1, 5), np.nan)
    good[0, 0], bad[0, 0] = 0.5, 0.05
    assert learned.mixture.log_density(good)[0] > learned.mixture.log_density(bad)[0] + 2
    assert learned.best[0] == pytest.approx(0.5, abs=0.05)


def test_of_several_objectives_the_first_fronts_are_good() -> None:
    params = [{"rate": 10 ** (-4 * x)} for x in np.linspace(0, 1, 100)]
    x = np.linspace(0, 1, 100)
    values = np.column_stack([np.abs(x - 0.2), np.abs(x - 0.3)])
    learned = learn("old", params, values, SPACE)
    middle = 1 - float(learned.mixture.means[:, 0] @ learned.mixture.weights)
    assert 0.2 < middle < 0.3


def test_a_source_without_anything_in_common_is_an_error() -> None:
    with pytest.raises(PriorError, match="rename"):
        learn("old", [{"z": 1.0}], np.zeros((1, 1)), SPACE)
    with pytest.raises(PriorError, match="no trial"):
        learn("old", [], np.empty((0, 1)), SPACE)


@pytest.mark.parametrize("damage", ["mixture", "units", "ranks"])
def test_data_for_another_space_are_refused(damage: str) -> None:
    params, values = history(20)
    data = dict(learn("old", params, values, SPACE).data)
    with pytest.raises(PriorError, match="old"):
        from_data("old", 20, data | {damage: ((1.0,), (2.0, 3.0))}, SPACE)
    with pytest.raises(PriorError, match="old"):
        from_data("old", 20, data, Space(Float("x", 0, 1)))
    with pytest.raises(PriorError, match="old"):
        from_data("old", 20, data | {"units": (), "ranks": ()}, SPACE)
