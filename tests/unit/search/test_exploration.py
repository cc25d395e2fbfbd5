from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.errors import StudyError
from fsopt.search.exploration import Exploration, Weights, bandit_kappa, decay

weights = st.floats(1e-3, 1e3)
periods = st.integers(1, 50)


@given(st.integers(-100, 10_000), weights, weights, periods)
def test_a_period_leads_from_the_first_weight_to_the_last(
    number: int, kappa: float, kappa_final: float, period: int
) -> None:
    exploration = Exploration(kappa=kappa, kappa_final=kappa_final, period=period)
    phase = (number % period) / period
    found = exploration.weights(number, 3)
    assert found.kappa == pytest.approx(kappa ** (1 - phase) * kappa_final**phase, rel=1e-9)
    assert found.xi == pytest.approx(0.1 * found.kappa / kappa, rel=1e-9)


def test_decay_has_the_published_values() -> None:
    found = [1.96 * decay(i, 0.01 / 1.96, 10) for i in (0, 1, 9, 10)]
    assert found == pytest.approx([1.96, 1.156, 0.01695, 1.96], rel=1e-3)


def test_the_bandit_explores_more_the_longer_it_goes_on() -> None:
    # 0.2 * 2 ln(7 * 3^2 * pi^2 / 0.3), by hand
    assert bandit_kappa(3, 7) ** 2 == pytest.approx(0.4 * math.log(2072.6169), rel=1e-8)
    bandit = Exploration(schedule="bandit")
    kappas = [bandit.weights(phase, 7).kappa for phase in (-5, 0, 2, 100)]
    assert kappas[0] == kappas[1] == bandit_kappa(1, 7)
    assert kappas[2] == bandit_kappa(3, 7)
    assert kappas[1] < kappas[2] < kappas[3]
    assert bandit.weights(100, 7).xi == 0.1


def test_constant_weights_stay() -> None:
    constant = Exploration(schedule="constant", kappa=2, xi=0.5)
    assert {constant.weights(phase, 4) for phase in (-1, 0, 7, 10**6)} == {Weights(2, 0.5)}


def test_a_factor_scales_both_weights() -> None:
    assert Weights(2.0, 0.5).scaled(3.0) == Weights(6.0, 1.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": "sometimes"}, "schedule must be one of periodic, bandit, constant"),
        ({"kappa": 0.0}, "kappa must be a positive number, not 0.0"),
        ({"kappa_final": math.nan}, "kappa_final must be a positive number"),
        ({"xi": -0.1}, "xi must be a number of 0 or more, not -0.1"),
        ({"period": True}, "period must be an integer of 1 or more, not True"),
    ],
)
def test_nonsense_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        Exploration(**options)  # type: ignore[arg-type]
