from __future__ import annotations

import dataclasses
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fsopt.errors import SpaceError
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Parameter
from fsopt.values import identity
from tests.strategies import continuous, discrete, listed, parameters, values

units = st.floats(0, 1)


@given(parameters(), units)
def test_encoding_and_decoding_again_gives_the_same_number_to_the_last_bit(parameter, unit):
    number = parameter.from_unit(np.array([unit]))
    assert parameter.from_unit(parameter.to_unit(number)).tolist() == number.tolist()


@pytest.mark.parametrize(
    ("low", "high", "log"),
    [
        (0.1, 0.7, False),
        (-3.0, 7.3, False),
        (123.4, 124.9, False),
        (1e6, 1e6 + 1e-6, False),
        (-1e308, 1.7e308, False),
        (1e-5, 0.1, True),
        (1e-300, 1.7e308, True),
    ],
)
def test_encoding_and_decoding_again_is_exact_at_any_position(low, high, log):
    parameter = Float("x", low, high, log=log)
    numbers = parameter.from_unit(np.random.default_rng(0).random(20_000))
    assert np.array_equal(parameter.from_unit(parameter.to_unit(numbers)), numbers)


@given(parameters(), units)
def test_a_decoded_value_is_a_value_of_the_parameter(parameter, unit):
    number = float(parameter.from_unit(np.array([unit]))[0])
    value = parameter.value_of(number)
    assert parameter.number_of(value) == number
    if isinstance(parameter, Float):
        assert type(value) is float
        assert parameter.low <= value <= parameter.high
    if isinstance(parameter, Int):
        assert type(value) is int
        assert parameter.low <= value <= parameter.high


@given(continuous(), units)
def test_any_number_of_a_continuous_range_survives_the_unit_interval_almost_exactly(
    parameter, share
):
    value = min(
        max(parameter.low + share * (parameter.high - parameter.low), parameter.low),
        parameter.high,
    )
    again = float(parameter.from_unit(parameter.to_unit(np.array([value])))[0])
    scale = value if parameter.log else max(abs(parameter.low), abs(parameter.high))
    assert abs(again - value) <= 1e-12 * scale


@given(continuous())
def test_the_ends_of_the_unit_interval_are_the_bounds(parameter):
    ends = np.array([parameter.low, parameter.high])
    assert parameter.from_unit(np.array([0.0, 1.0])).tolist() == ends.tolist()
    assert parameter.to_unit(ends).tolist() == [0.0, 1.0]


@given(discrete(), st.data())
def test_every_level_survives_the_unit_interval_to_the_last_bit(parameter, data):
    assert parameter.levels is not None
    level = data.draw(st.integers(0, parameter.levels - 1))
    number = parameter.at_levels(np.array([float(level)]))
    unit = parameter.to_unit(number)
    assert 0 < unit[0] < 1
    assert parameter.from_unit(unit).tolist() == number.tolist()
    assert parameter.number_of(parameter.value_of(float(number[0]))) == number[0]


@given(parameters(), st.lists(units, min_size=2))
def test_decoding_keeps_the_order(parameter, some):
    numbers = parameter.from_unit(np.sort(np.array(some)))
    assert np.all(np.diff(numbers) >= 0)


@given(parameters())
def test_nan_stays_nan_both_ways(parameter):
    nan = np.array([math.nan])
    assert np.isnan(parameter.from_unit(nan)).all()
    assert np.isnan(parameter.to_unit(nan)).all()


@given(parameters())
def test_a_parameter_survives_pickling(parameter):
    assert pickle.loads(pickle.dumps(parameter)) == parameter


@pytest.mark.parametrize(
    ("parameter", "probabilities"),
    [
        (Int("n", -3, 6), np.full(10, 0.1)),
        (Int("n", 0, 10, step=3), np.full(4, 0.25)),
        (Float("x", 0.0, 1.0, step=0.1), np.full(11, 1 / 11)),
        (Float("x", 0.0, 0.95, step=0.1), np.full(10, 0.1)),
        (Categorical("c", ["a", "b", "c"]), np.full(3, 1 / 3)),
        (Ordinal("o", [1, 10, 100, 1000, 5]), np.full(5, 0.2)),
        (
            Int("n", 1, 8, log=True),
            np.diff(np.log(np.arange(0.5, 9))) / math.log(8.5 / 0.5),
        ),
        (
            Int("n", 4, 8, log=True),
            np.diff(np.log(np.arange(3.5, 9))) / math.log(8.5 / 3.5),
        ),
    ],
    ids=repr,
)
def test_uniform_positions_give_each_level_its_probability(parameter: Parameter, probabilities):
    unit = np.random.default_rng(1).random(20_000)
    numbers, counts = np.unique(parameter.from_unit(unit), return_counts=True)
    expected = parameter.at_levels(np.arange(len(probabilities), dtype=float))
    assert numbers.tolist() == expected.tolist()
    assert stats.chisquare(counts, probabilities * len(unit)).pvalue > 0.001


@pytest.mark.parametrize("step", [1, 7, 50])
def test_a_logarithmic_grid_is_nearly_log_uniform(step):
    parameter = Int("n", 10, 1000, log=True, step=step)
    numbers = parameter.from_unit(np.random.default_rng(2).random(20_000))
    below = np.mean(numbers < 100)
    assert abs(below - 0.5) < 0.1


def test_a_continuous_logarithmic_range_is_log_uniform():
    numbers = Float("x", 1e-5, 1e-1, log=True).from_unit(np.random.default_rng(3).random(5_000))
    assert stats.kstest(np.log10(numbers), stats.uniform(-5, 4).cdf).pvalue > 0.001


@pytest.mark.parametrize(
    ("parameter", "numbers"),
    [
        (Float("x", 0, 1, step=0.1), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        (Float("x", -0.3, 0.3, step=0.15), [-0.3, -0.15, 0.0, 0.15, 0.3]),
        (Float("x", 0.05, 0.4, step=0.1), [0.05, 0.15, 0.25, 0.35]),
        (Float("x", 1e-5, 4e-5, step=1e-5), [1e-5, 2e-5, 3e-5, 4e-5]),
        (Float("x", 0, 7000, step=2e3), [0.0, 2000.0, 4000.0, 6000.0]),
        (Float("x", 0, 1, step=1 / 3), [0.0, 1 / 3, 2 / 3, 1.0]),
        (Int("n", 1, 11, step=4), [1, 5, 9]),
    ],
)
def test_a_grid_has_the_numbers_that_a_person_would_write(parameter, numbers):
    levels = np.arange(parameter.levels, dtype=float)
    assert parameter.at_levels(levels).tolist() == numbers


@given(listed(), values)
def test_a_value_is_a_choice_only_if_it_is_listed_with_its_type(parameter, value):
    options = [parameter.value_of(i) for i in range(parameter.levels)]
    keys = [identity(option) for option in options]
    try:
        found = options[int(parameter.number_of(value))]
    except SpaceError:
        assert identity(value) not in keys
    else:
        assert identity(value) == identity(found) or (
            identity(value) not in keys and found == value
        )


def test_choices_that_python_finds_equal_are_kept_apart():
    parameter = Categorical("c", ["1", 1, 1.0, True])
    for index, choice in enumerate(["1", 1, 1.0, True]):
        assert parameter.number_of(choice) == index
        assert identity(parameter.value_of(index)) == identity(choice)


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [
        (Float("x", 0, 2), 1, 1.0),
        (Float("x", 0, 2), np.float32(0.5), 0.5),
        (Float("x", 0, 2, step=0.1), 0.1 + 0.2, 0.3),
        (Int("n", 0, 5), 3.0, 3),
        (Int("n", 0, 5), np.int8(3), 3),
        (Categorical("c", [(3, 3), (5, 5)]), [5, 5], (5, 5)),
        (Categorical("c", [True, False]), np.bool_(False), False),
        (Ordinal("o", [16, 32]), 32.0, 32),
        (Ordinal("o", [0.5, 1.0]), 1, 1.0),
        (Constant("k", 3), 3, 3),
    ],
    ids=repr,
)
def test_what_a_user_writes_becomes_the_value_of_the_right_type(parameter, given, value):
    found = parameter.value_of(parameter.number_of(given))
    assert identity(found) == identity(value)


FLOAT, INT = Float("p", 0.5, 2.0), Int("p", 1, 10)


@pytest.mark.parametrize(
    ("parameter", "given", "message"),
    [
        (FLOAT, 3, "3.0 is not in the range from 0.5 to 2.0"),
        (FLOAT, math.nan, "not in the range"),
        (FLOAT, math.inf, "not in the range"),
        (FLOAT, "1", "must be a number, not '1'"),
        (FLOAT, True, "must be a number, not True"),
        (FLOAT, None, "must be a number"),
        (FLOAT, object, "can't be a parameter's value"),
        (Float("p", 0, 1, step=0.25), 0.3, "not one of the steps of 0.25 from 0.0; one is 0.25"),
        (INT, 2.5, "must be an integer, not 2.5"),
        (INT, "2", "must be an integer, not '2'"),
        (INT, True, "must be an integer, not True"),
        (INT, 0, "0 is not in the range from 1 to 10"),
        (INT, 2**60, "is not in the range from 1 to 10"),
        (Constant("p", 1), 2**60, "larger than 2**53"),
        (Int("p", 1, 10, step=4), 6, "not one of the steps of 4 from 1; one is 5"),
        (Int("p", 1, 10, step=4), 10, "one is 9"),
        (Categorical("p", ["a", 1]), "b", "'b' is not one of 'a', 1"),
        (Categorical("p", ["a", 1]), True, "True is not one of 'a', 1"),
        (Categorical("p", range(30)), 99, "17, 18, 19, ..."),
        (Constant("p", "a"), "b", "'b' is not one of 'a'"),
    ],
    ids=repr,
)
def test_a_value_that_does_not_fit_is_refused_with_what_would(parameter, given, message):
    with pytest.raises(SpaceError, match="parameter 'p'") as caught:
        parameter.number_of(given)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Float("", 0, 1), "can't be empty"),
        (lambda: Float("a\nb", 0, 1), "line break or control character"),
        (lambda: Float("a\ud800", 0, 1), "line break or control character"),
        (lambda: Float(3, 0, 1), "a parameter's name is a string, not 3"),
        (lambda: Float("p", 1, 1), "use Constant('p', 1.0)"),
        (lambda: Float("p", 2, 1), "low (2.0) is above high (1.0)"),
        (lambda: Float("p", 0, math.inf), "high must be finite, not inf"),
        (lambda: Float("p", math.nan, 1), "low must be finite, not nan"),
        (lambda: Float("p", "0", 1), "low must be a number, not '0'"),
        (lambda: Float("p", True, 2), "low must be a number, not True"),
        (lambda: Float("p", 0, 10**400), "high is too large"),
        (lambda: Float("p", 0, 1, log=True), "needs low > 0"),
        (lambda: Float("p", 0, 1, log=1), "log is True or False, not 1"),
        (lambda: Float("p", 0, 5e-324), "use other units"),
        (lambda: Float("p", 1e-310, 1, log=True), "use other units"),
        (lambda: Float("p", 0, 1, step=0), "step must be positive"),
        (lambda: Float("p", 0, 1, step=-0.1), "step must be positive"),
        (lambda: Float("p", 0, 1, step=2), "larger than the range"),
        (lambda: Float("p", 0, 1, step=math.nan), "step must be finite"),
        (lambda: Float("p", 0, 1, step=1e-15), "can be told apart"),
        (lambda: Float("p", 1e17, 2e17, step=1), "too small to tell"),
        (lambda: Int("p", 1.0, 3), "low must be an integer: write 1, not 1.0"),
        (lambda: Int("p", 1, 3.5), "high must be an integer, not 3.5"),
        (lambda: Int("p", False, 3), "low must be an integer, not False"),
        (lambda: Int("p", 0, 2**54), "larger than 2**53"),
        (lambda: Int("p", 0, 2**53), "can be told apart"),
        (lambda: Int("p", -(2**53), 2**53, step=2**20), "wider than 2**53"),
        (lambda: Int("p", 3, 3), "use Constant('p', 3)"),
        (lambda: Int("p", 3, 1), "is above high"),
        (lambda: Int("p", 0, 9, log=True), "needs low > 0"),
        (lambda: Int("p", 0, 9, step=1.0), "step must be an integer: write 1"),
        (lambda: Int("p", 0, 9, step=10), "larger than the range"),
        (lambda: Categorical("p", "abc"), "are a list, not the string 'abc'"),
        (lambda: Categorical("p", []), "at least one choice is needed"),
        (lambda: Categorical("p", {"a", "b"}), "something with an order"),
        (lambda: Categorical("p", {"a": 1}), "something with an order"),
        (lambda: Categorical("p", 3), "something with an order"),
        (lambda: Categorical("p", ["a", "b", "a"]), "the choice 'a' occurs twice"),
        (lambda: Categorical("p", [math.nan]), "NaN can't be a value"),
        (lambda: Categorical("p", [(1, math.nan)]), "NaN can't be a value"),
        (lambda: Categorical("p", [object()]), "can't be a parameter's value"),
        (lambda: Ordinal("p", []), "at least one value is needed"),
        (lambda: Ordinal("p", [1, 2, 1]), "the value 1 occurs twice"),
        (lambda: Constant("p", {}), "can't be a parameter's value"),
        (lambda: Constant("p", math.nan), "NaN can't be a value"),
        (lambda: FLOAT.at_levels(np.zeros(1)), "no levels without a step"),
    ],
)
def test_nonsense_is_refused_with_a_reason(make: Callable[[], Any], message: str):
    with pytest.raises(SpaceError) as caught:
        make()
    assert message in str(caught.value)


def test_any_printable_name_is_a_name():
    for name in ["a.b", "<script>", "learning rate", "größe", "lambda", "x" * 1000]:
        assert Float(name, 0, 1).name == name


def test_bounds_become_plain_numbers():
    assert identity(Int("n", np.int64(1), np.int32(5)).high) == identity(5)
    assert identity(Float("x", 0, np.float32(1)).high) == identity(1.0)
    assert math.copysign(1, Float("x", -0.0, 1).low) == 1


def test_a_parameter_can_not_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FLOAT.high = 3.0  # type: ignore[misc]
