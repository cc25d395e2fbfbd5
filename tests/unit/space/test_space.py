from __future__ import annotations

import itertools
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.errors import SpaceError
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space
from fsopt.values import identity
from tests.strategies import spaces

seeds = st.integers(0, 2**32)


def draws(space: Space, seed: int, n: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).random((n, len(space)))


def decided(space: Space, rows: Any) -> np.ndarray:
    """Rows with numbers for all parameters after the conditions were applied."""
    return space.from_unit(space.to_unit(np.array(rows, dtype=float)))


def same_params(one: dict[str, Any], other: dict[str, Any]) -> bool:
    keys = [{name: identity(value) for name, value in params.items()} for params in (one, other)]
    return keys[0] == keys[1]


def slow(params: dict[str, Any]) -> bool:
    return bool(params["lr"] < 0.01)


def example(**changes: Any) -> Space:
    options: dict[str, Any] = {
        "conditions": {"momentum": "solver == 'sgd'", "nesterov": "momentum > 0.5"},
        "constraints": ["layers * batch_size <= 256"],
    }
    return Space(
        Float("lr", 1e-4, 1e-1, log=True),
        Float("momentum", 0.0, 0.99),
        Int("layers", 1, 3),
        Ordinal("batch_size", [16, 32, 64, 128]),
        Categorical("solver", ["adam", "sgd"]),
        Categorical("nesterov", [True, False]),
        Constant("kernel", (3, 3)),
        **(options | changes),
    )


GOOD = {"lr": 0.01, "layers": 2, "batch_size": 64, "solver": "adam"}


# --- the three forms ---------------------------------------------------------------------------


@given(spaces(), seeds)
def test_a_column_is_converted_as_by_its_parameter_alone(space, seed):
    units = draws(space, seed)
    units[0], units[1] = 0.0, 1.0
    rows = Space(*space.parameters).from_unit(units)
    again = space.to_unit(rows)
    for i, parameter in enumerate(space.parameters):
        assert np.array_equal(rows[:, i], parameter.from_unit(units[:, i]))
        assert np.array_equal(again[:, i], parameter.to_unit(rows[:, i]))


@given(spaces(), seeds)
def test_the_three_forms_of_a_configuration_turn_into_each_other_without_loss(space, seed):
    rows = space.from_unit(draws(space, seed))
    assert np.array_equal(space.from_unit(space.to_unit(rows)), rows, equal_nan=True)
    for row in rows:
        params = space.from_row(row)
        again = space.to_row(params)
        assert np.array_equal(again, row, equal_nan=True)
        assert same_params(space.from_row(again), params)


@given(spaces(), seeds)
def test_snapping_twice_changes_nothing(space, seed):
    once = space.snap(draws(space, seed))
    assert np.array_equal(space.snap(once), once, equal_nan=True)
    assert np.nanmin(once, initial=0.0) >= 0
    assert np.nanmax(once, initial=0.0) <= 1


@given(spaces(constrained=True), seeds)
def test_every_configuration_passes_the_check_for_users_unchanged(space, seed):
    rows = space.from_unit(draws(space, seed))
    for row, valid in zip(rows, space.satisfies(rows), strict=True):
        params = space.from_row(row)
        if valid:
            assert same_params(space.check(params), params)
        else:
            with pytest.raises(SpaceError, match="the constraint"):
                space.check(params)


@given(spaces(), seeds)
def test_the_active_parameters_are_those_whose_conditions_hold(space, seed):
    for row in space.from_unit(draws(space, seed)):
        for i, name in enumerate(space.names):
            rule = space.conditions.get(name)
            if rule is None:
                expected = True
            else:
                parents_active = not np.isnan(row[list(rule.columns)]).any()
                expected = parents_active and bool(rule.holds(row[np.newaxis])[0])
            assert np.isnan(row[i]) != expected


def test_positions_outside_the_interval_mean_the_bounds_and_nan_the_middle():
    space = Space(Int("n", 1, 9), Float("x", 0, 1))
    rows = space.from_unit(np.array([[-3.0, 7.0], [np.nan, np.nan], [np.inf, -np.inf]]))
    assert rows.tolist() == [[1, 1.0], [5, 0.5], [9, 0.0]]


def test_no_rows_stay_no_rows():
    space = example()
    none = np.empty((0, len(space)))
    assert space.from_unit(none).shape == space.to_unit(none).shape == none.shape
    assert space.satisfies(none).shape == (0,)
    assert space.satisfies_each(none).shape == (0, 1)


@pytest.mark.parametrize("shape", [(7,), (3, 6), (1, 1, 7), ()])
def test_an_array_of_another_shape_is_refused(shape):
    for method in (Space.from_unit, Space.to_unit, Space.satisfies, Space.snap):
        with pytest.raises(SpaceError, match=r"shape \(n, 7\)"):
            method(example(), np.zeros(shape))


def test_arguments_are_left_alone():
    space, U = example(), draws(example(), 0)
    before = U.copy()
    rows = space.from_unit(U)
    assert np.array_equal(U, before)
    before = rows.copy()
    space.satisfies(rows)
    space.to_unit(rows)
    assert np.array_equal(rows, before, equal_nan=True)


# --- conditions and constraints ----------------------------------------------------------------


def test_an_inactive_parameter_makes_conditions_false_and_constraints_true():
    space = Space(
        Int("a", 0, 1),
        Int("b", 0, 1),
        Int("c", 0, 1),
        conditions={"b": "a == 1", "c": "b == b"},
        constraints=["b > 5", "not b < 5 or a > 5"],
    )
    rows = decided(space, [[0, 0, 0], [1, 0, 0]])
    assert [list(space.from_row(row)) for row in rows] == [["a"], ["a", "b", "c"]]
    assert space.satisfies_each(rows).tolist() == [[True, True], [False, False]]
    assert space.satisfies(rows).tolist() == [True, False]


@pytest.mark.parametrize("order", list(itertools.permutations("abcd")))
def test_chains_of_conditions_are_decided_in_their_own_order(order):
    conditions = {"b": "a == 1", "c": "b == 1", "d": "c == 1 or a == 0"}
    space = Space(*(Int(name, 0, 1) for name in order), conditions=conditions)
    row = space.to_row({"a": 1, "b": 0, "c": 1, "d": 1})
    assert space.from_row(decided(space, [row])[0]) == {"a": 1, "b": 0}


def test_functions_see_what_was_decided_before_them_and_expressions_can_build_on_them():
    seen = []

    def remember(params: dict[str, Any]) -> bool:
        seen.append(set(params))
        params.clear()  # does not matter to anyone
        return True

    space = Space(
        *(Int(name, 0, 1) for name in "abcde"),
        conditions={"a": "b == 1", "c": remember, "d": remember, "e": "c >= 0"},
    )
    row = space.from_unit(np.full((1, 5), 0.99))[0]
    assert seen == [{"a", "b"}, {"a", "b", "c"}]
    assert list(space.from_row(row)) == list("abcde")


def test_a_function_as_constraint_sees_the_active_parameters_only():
    space = Space(
        Int("a", 0, 3),
        Int("b", 0, 3),
        conditions={"b": "a > 1"},
        constraints=["a < 3", lambda params: "b" not in params or params["b"] > params["a"]],
    )
    rows = decided(space, [[1, 0], [2, 3], [2, 2], [3, 3]])
    assert space.satisfies(rows).tolist() == [True, True, False, False]


def test_a_function_that_raises_is_named_with_the_configuration():
    def broken(params: dict[str, Any]) -> bool:
        return bool(params["nothing"])

    for options in ({"conditions": {"y": broken}}, {"constraints": [broken]}):
        space = Space(Int("x", 1, 2), Int("y", 0, 1), **options)
        with pytest.raises(SpaceError, match=r"broken' raised KeyError: 'nothing'.*'x': 1"):
            space.satisfies(space.from_unit(np.zeros((1, 2))))


# --- what users give ---------------------------------------------------------------------------


def test_a_users_configuration_gets_the_right_types_and_the_constants():
    given_ = {"layers": 2.0, "lr": np.float64(0.01), "batch_size": np.int32(64), "solver": "sgd"}
    checked = example().check({**given_, "momentum": 0, "kernel": [3, 3]})
    expected = {"lr": 0.01, "momentum": 0.0, "layers": 2, "batch_size": 64, "solver": "sgd"}
    assert same_params(checked, {**expected, "kernel": (3, 3)})
    assert same_params(example().check(GOOD), {**GOOD, "kernel": (3, 3)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 1}, "'lr': 1.0 is not in the range from 0.0001 to 0.1"),
        ({"layer": 1}, "no parameter 'layer'; did you mean 'layers'?"),
        ({"zzz": 1}, "no parameter 'zzz'. The parameters are: lr, momentum"),
        ({"momentum": 0.5}, "'momentum' is inactive here and can't be given"),
        ({"solver": "sgd"}, "'momentum' is missing; it takes a number from 0.0 to 0.99"),
        ({"solver": "sgd", "momentum": 0.9}, "'nesterov' is missing; it takes one of True, False"),
        ({"solver": "sgd", "momentum": 0.1, "nesterov": True}, "'momentum > 0.5' does not hold"),
        ({"solver": "lbfgs"}, "'lbfgs' is not one of 'adam', 'sgd'"),
        ({"layers": 3, "batch_size": 128}, "the constraint 'layers * batch_size <= 256'"),
        ({"kernel": (5, 5)}, "(5, 5) is not one of (3, 3)"),
    ],
)
def test_a_users_configuration_that_does_not_fit_is_refused_with_what_would(change, message):
    with pytest.raises(SpaceError) as caught:
        example().check({**GOOD, **change})
    assert message in str(caught.value)


@pytest.mark.parametrize("name", list(GOOD))
def test_a_missing_parameter_is_named(name):
    incomplete = {key: value for key, value in GOOD.items() if key != name}
    for method in (example().check, example().to_row):
        with pytest.raises(SpaceError, match=f"parameter '{name}' is missing; it takes"):
            method(incomplete)


def test_only_a_mapping_is_a_configuration():
    with pytest.raises(SpaceError, match="maps names to values"):
        example().check([("lr", 0.01)])  # type: ignore[arg-type]


# --- making spaces -----------------------------------------------------------------------------

A, B = Int("a", 0, 1), Int("b", 0, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Space(), "at least one parameter"),
        (lambda: Space({}), "at least one parameter"),
        (lambda: Space("a"), "made of parameters such as"),
        (lambda: Space(A, {"b": 1}), "made of parameters such as"),
        (lambda: Space([A, B]), "made of parameters such as"),
        (lambda: Space(A, A), "two parameters with the name 'a'"),
        (lambda: Space(A, conditions=["a == 1"]), "conditions map names to expressions"),
        (lambda: Space(A, conditions={"b": "a"}), "for 'b', which is no parameter. The"),
        (lambda: Space(A, conditions={"a": True}), "the condition of 'a' must be an expression"),
        (lambda: Space(A, conditions={"a": "a"}), "the condition of 'a' refers to itself: 'a'"),
        (lambda: Space(A, B, conditions={"a": "b", "b": "a"}), "in a circle: 'a' -> 'b' -> 'a'"),
        (lambda: Space(A, B, conditions={"b": "c == 1"}), "there is no parameter 'c'"),
        (lambda: Space(A, constraints="a > 0"), "constraints are a list"),
        (lambda: Space(A, constraints=len), "constraints are a list"),
        (lambda: Space(A, constraints=[3]), "a constraint must be an expression"),
        (lambda: Space(A, constraints=["a >"]), "is no expression"),
        (lambda: Space({"a": (1,)}), "'a': (1,) is no range"),
        (lambda: Space({"a": (1, 2, 3, 4)}), "is no range"),
        (lambda: Space({"a": ("x", "y")}), "the bound 'x' of ('x', 'y') is no number"),
        (lambda: Space({"a": (True, 2)}), "the bound True"),
        (lambda: Space({"a": (1, 2, "normal")}), "'normal' is none of ['uniform', 'log-uniform']"),
        (lambda: Space({"a": (1, 2, 3)}), "the prior 3"),
        (lambda: Space({"a": []}), "at least one choice"),
        (lambda: Space({"a": {"b": 1}}), "can't be a parameter's value"),
        (lambda: Space({"b": A}), "the parameter under the key 'b' has the name 'a'"),
        (lambda: Space({3: 1}), "a parameter's name is a string"),
    ],
)
def test_nonsense_is_refused_with_a_reason(make: Callable[[], Any], message: str):
    with pytest.raises(SpaceError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("short", "parameter"),
    [
        ((0.0, 1.0), Float("p", 0, 1)),
        ((0, 1.0), Float("p", 0, 1)),
        ((0, 5), Int("p", 0, 5)),
        ((np.int64(0), 5), Int("p", 0, 5)),
        ((0, 5, "uniform"), Int("p", 0, 5)),
        ((1, 5, "log-uniform"), Int("p", 1, 5, log=True)),
        ((1e-5, 1, "log-uniform"), Float("p", 1e-5, 1, log=True)),
        ([4, 1, 2.5], Ordinal("p", [4, 1, 2.5])),
        ([1, True], Categorical("p", [1, True])),
        (["a", "b"], Categorical("p", ["a", "b"])),
        ([1, "b", [2, 3]], Categorical("p", [1, "b", (2, 3)])),
        (3, Constant("p", 3)),
        ("abc", Constant("p", "abc")),
        (None, Constant("p", None)),
        (Float("p", 0, 1, step=0.1), Float("p", 0, 1, step=0.1)),
    ],
    ids=repr,
)
def test_short_forms_stand_for_parameters(short, parameter):
    (made,) = Space({"p": short}).parameters
    assert made == parameter
    assert repr(made) == repr(parameter)  # 1 and True are equal, but not the same


def test_a_mapping_may_come_with_conditions_and_constraints():
    space = Space({"x": (0, 5), "y": (0, 5)}, conditions={"y": "x > 2"}, constraints=["x != 4"])
    assert space.names == ("x", "y")
    assert list(space.conditions) == ["y"]
    assert len(space.constraints) == 1


def test_the_cardinality_is_the_number_of_combinations():
    assert Space(A, B, Categorical("c", ["x", "z"]), Constant("k", 1)).cardinality == 8
    assert Space(Float("x", 0, 1, step=0.25), Ordinal("o", [1, 2, 3])).cardinality == 15
    assert Space(*(Int(f"n{i}", 0, 2**32) for i in range(9))).cardinality == (2**32 + 1) ** 9
    assert Space(A, Float("x", 0, 1)).cardinality is None


# --- as data -----------------------------------------------------------------------------------


@given(spaces(constrained=True), seeds)
def test_a_space_survives_json_and_pickle(space, seed):
    U = draws(space, seed)
    text = json.dumps(space.to_json(), allow_nan=False)
    for again in (Space.from_json(json.loads(text)), pickle.loads(pickle.dumps(space))):
        assert again == space
        assert space.difference(again) is None
        assert repr(again) == repr(space)
        assert np.array_equal(again.snap(U), space.snap(U), equal_nan=True)


@given(spaces(), spaces())
def test_spaces_are_equal_exactly_if_they_read_the_same(one, other):
    assert (one == other) == (other == one) == (repr(one) == repr(other))


def test_functions_are_stored_by_name_and_can_not_be_evaluated_from_data():
    space = example(conditions={"momentum": slow}, constraints=["layers > 0", slow])
    assert space.has_callables
    assert space.missing_callables == ()
    data = json.loads(json.dumps(space.to_json()))
    assert data["conditions"]["momentum"] == {"callable": "slow"}
    read = Space.from_json(data)
    assert read.missing_callables == ("slow", "slow")
    assert read == space
    assert Space.from_json(read.to_json()) == space
    rows = space.from_unit(draws(space, 0))
    for call in (
        lambda: read.from_unit(draws(space, 0)),
        lambda: read.satisfies(rows),
        lambda: read.snap(np.empty((0, 7))),
        lambda: read.satisfies(np.empty((0, 7))),
    ):
        with pytest.raises(SpaceError, match=r"'slow'.* lives only in the study script"):
            call()
    assert np.array_equal(read.to_row(space.from_row(rows[0])), rows[0], equal_nan=True)
    assert not example().has_callables


@pytest.mark.parametrize(
    ("study", "here", "message"),
    [
        (Space(A), Space(B), "parameter 'a' is in the study and not here"),
        (Space(A), Space(A, B), "parameter 'b' is here and not in the study"),
        (Space(A, B), Space(B, A), "the parameters are in the order a, b in the study and b, a"),
        (
            Space(Float("lr", 0, 0.1)),
            Space(Float("lr", 0, 0.2)),
            "parameter 'lr': high is 0.1 in the study and 0.2 here",
        ),
        (Space(A), Space(Int("a", 0, 1, step=1)), None),
        (Space(Int("a", 1, 5)), Space(Int("a", 1, 5, log=True)), "log is False in the study"),
        (Space(A), Space(Float("a", 0, 1)), "'a' is of kind Int in the study and Float here"),
        (Space({"k": 1}), Space({"k": True}), "'k': value is 1 in the study and True here"),
        (Space({"k": [1]}), Space({"k": [1.0]}), "values is (1,) in the study and (1.0,) here"),
        (
            example(),
            example(conditions={}),
            "the condition of 'momentum' is \"solver == 'sgd'\" in the study and absent here",
        ),
        (
            example(conditions={}),
            example(conditions={"lr": slow}),
            "the condition of 'lr' is absent in the study and the function 'slow' here",
        ),
        (
            example(),
            example(constraints=[]),
            "the constraint 'layers * batch_size <= 256' is in the study and not here",
        ),
        (
            example(constraints=[]),
            example(constraints=[slow]),
            "the constraint the function 'slow' is here and not in the study",
        ),
        (example(constraints=[slow]), example(constraints=["lr > 0"]), "not here"),
    ],
)
def test_the_first_difference_is_named(study, here, message):
    found = study.difference(here)
    assert (found is None) == (message is None) == (study == here)
    assert message is None or message in str(found)


PLAIN = example().to_json()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"parameters": []},
        {"parameters": {}},
        {"parameters": [3]},
        {"parameters": [{"kind": "float", "name": "x"}]},
        {"parameters": [{"kind": "complex", "name": "x"}]},
        {"parameters": [{"kind": ["float"], "name": "x"}]},
        {"parameters": [{"kind": "float", "name": "x", "low": 0, "high": {}}]},
        {"parameters": [{"kind": "int", "name": "x", "low": 0, "high": 1, "more": 2}]},
        {"parameters": [{"kind": "categorical", "name": "x", "choices": "abc"}]},
        {"parameters": [{"kind": "constant", "name": "x", "value": {"$float": "zero"}}]},
        {**PLAIN, "conditions": []},
        {**PLAIN, "conditions": {"lr": 3}},
        {**PLAIN, "conditions": {"nobody": "lr > 0"}},
        {**PLAIN, "constraints": "lr > 0"},
        {**PLAIN, "constraints": [{"callable": "f", "more": 1}]},
        {**PLAIN, "constraints": ["__import__('os')"]},
    ],
    ids=str,
)
def test_data_that_describe_no_space_are_refused(data):
    with pytest.raises(SpaceError):
        Space.from_json(data)


def test_the_repr_reads_like_the_script():
    space = Space(
        Float("x", 0, 1, log=False, step=0.5),
        Int("n", 1, 9, log=True),
        conditions={"n": "x > 0"},
        constraints=["x < n", slow],
    )
    assert repr(space) == (
        "Space(\n    Float('x', 0.0, 1.0, step=0.5),\n    Int('n', 1, 9, log=True),\n"
        "    conditions={'n': 'x > 0'},\n    constraints=['x < n', 'slow'],\n)"
    )


def test_a_space_is_no_other_thing():
    assert example() != "a space"
    assert len(example()) == len(example().parameters) == len(example().names) == 7
