"""What scikit-learn's searches take for a space."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import expon, loguniform, randint, uniform

from fsopt import Categorical, Float, Int, Ordinal, Space
from fsopt.errors import SpaceError
from fsopt.sklearn.distributions import translation


@pytest.mark.parametrize(
    ("given_", "parameter"),
    [
        (uniform(2, 3), Float("p", 2.0, 5.0)),
        (loguniform(1e-3, 1e3), Float("p", 1e-3, 1e3, log=True)),
        (randint(2, 6), Int("p", 2, 5)),
        ([16, 4, 8, 8], Ordinal("p", [4, 8, 16])),
        ([0.5, 2], Ordinal("p", [0.5, 2])),
        (["rbf", "poly"], Categorical("p", ["rbf", "poly"])),
        ([True, False], Categorical("p", [True, False])),
        ([None, 3], Categorical("p", [None, 3])),
        ([3], Categorical("p", [3])),
        (Float("p", 0.0, 1.0), Float("p", 0.0, 1.0)),
        ((1e-3, 1.0, "log-uniform"), Float("p", 1e-3, 1.0, log=True)),
    ],
    ids=str,
)
def test_each_form_becomes_a_parameter(given_: object, parameter: object) -> None:
    assert translation({"p": given_}).space.parameters == (parameter,)


def test_the_bounds_are_those_of_what_the_distribution_draws() -> None:
    drawn = randint(2, 6).rvs(1000, random_state=0)
    parameter = translation({"p": randint(2, 6)}).space.parameters[0]
    assert (parameter.low, parameter.high) == (drawn.min(), drawn.max())


def test_objects_are_chosen_among_by_labels_and_handed_over_themselves() -> None:
    first, second = object(), object()
    meaning = translation({"step": [first, second, "passthrough"], "C": [1.0, 2.0]})
    labels = meaning.space.parameters[0].choices
    decoded = [meaning.decode({"step": label, "C": 2.0}) for label in labels]
    assert [one["step"] for one in decoded] == [first, second, "passthrough"]
    assert {one["C"] for one in decoded} == {2.0}


@given(st.lists(st.integers(-5, 5) | st.text(max_size=3) | st.none(), min_size=2, max_size=6))
def test_every_choice_can_be_proposed_and_nothing_else(choices: list[object]) -> None:
    parameter = translation({"p": choices}).space.parameters[0]
    values = getattr(parameter, "choices", None) or parameter.values
    assert set(map(repr, values)) == set(map(repr, choices))


def test_a_space_is_taken_as_it_is() -> None:
    space = Space(Float("C", 0.0, 1.0))
    assert translation(space).space is space


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"p": expon()}, "'p' is drawn from the distribution expon; known are uniform"),
        ([{"p": [1]}], "instead of a list of dictionaries, give a fsopt.Space with conditions"),
    ],
)
def test_what_can_not_be_understood_is_said(wrong: object, says: str) -> None:
    with pytest.raises(SpaceError, match=says):
        translation(wrong)
