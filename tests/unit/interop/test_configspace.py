"""Spaces for ConfigSpace and back have the same configurations."""

import math

import ConfigSpace
import numpy as np
import pytest
from ConfigSpace import (
    AndConjunction,
    EqualsCondition,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    ForbiddenLessThanRelation,
    GreaterThanCondition,
    InCondition,
    LessThanCondition,
    NotEqualsCondition,
    OrConjunction,
)
from ConfigSpace.forbidden import ForbiddenInClause

import fsopt
from fsopt import Categorical, Constant, Float, Int, Ordinal, Space
from fsopt.errors import SpaceError
from fsopt.interop.configspace import from_configspace, to_configspace
from fsopt.space.sampling import sample
from fsopt.values import Params

PARAMETERS = (
    Categorical("k", ["a", "b", "c"]),
    Int("n", 1, 9),
    Float("x", 0.0, 1.0),
    Float("y", 1e-3, 1.0, log=True),
    Float("z", 0.0, 1.0, step=0.25),
    Ordinal("o", [16, 32, 64]),
    Constant("c", 3),
)

CONDITIONS = [
    "k == 'a'",
    "k != 'a'",
    "k in ['a', 'b']",
    "k not in ['a', 'b']",
    "not (k in ['a'])",
    "n > 4",
    "n >= 4",
    "4 <= n",
    "not (n < 4 or k == 'a')",
    "n in [1, 2, 3]",
    "o >= 32",
    "o < 50",
    "o != 32",
    "z < 0.5",
    "k == 'a' and (n > 2 or o == 16)",
]

CONSTRAINTS = [
    "x <= y",
    "y > x",
    "n != 5",
    "not (k == 'b' and n > 5)",
    "o <= 32 or n < 4",
    "k == 'a' or n < 3 or x > 0.5",
    "not (n > 3 and (x < 0.5 or y < 0.5))",
    "z != 0.5",
]


def sampled(space: ConfigSpace.ConfigurationSpace, count: int) -> list[dict[str, object]]:
    return [
        {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in dict(one).items()
        }
        for one in space.sample_configuration(count)
    ]


def drawn(space: Space, count: int) -> list[Params]:
    units = sample(space, count, np.random.default_rng(0))
    return [space.from_row(row) for row in space.from_unit(units)]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_mean_the_same(condition: str) -> None:
    space = Space(*PARAMETERS, conditions={"x": condition})
    made = to_configspace(space, seed=0)
    actives = set()
    for params in sampled(made, 100):
        actives.add("x" in params)
        assert space.check(params)
    assert actives == {True, False}


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_constraints_forbid_the_same(constraint: str) -> None:
    space = Space(*PARAMETERS, constraints=[constraint])
    free = Space(*PARAMETERS)
    made = to_configspace(space, seed=0)
    verdicts = set()
    for params in sampled(to_configspace(free, seed=1), 200):
        holds = bool(space.satisfies(free.to_row(params)[None])[0])
        verdicts.add(holds)
        try:
            ConfigSpace.Configuration(made, values=params)
            allowed = True
        except ConfigSpace.ForbiddenValueError:
            allowed = False
        assert allowed is holds, params
    assert verdicts == {True, False}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_there_and_back_the_configurations_stay_the_same(condition: str) -> None:
    space = Space(*PARAMETERS, conditions={"x": condition}, constraints=CONSTRAINTS[:4])
    back = from_configspace(to_configspace(space))
    assert set(back.names) == set(space.names)
    for params in drawn(space, 50):
        assert back.check(params).keys() == params.keys()


def test_parameters_there_and_back() -> None:
    back = {
        one.name: one for one in from_configspace(to_configspace(Space(*PARAMETERS))).parameters
    }
    for parameter in PARAMETERS:
        if parameter.name == "z":
            assert back["z"] == Ordinal("z", [0.0, 0.25, 0.5, 0.75, 1.0])
        elif isinstance(parameter, Float):
            found = back[parameter.name]
            assert isinstance(found, Float)
            assert math.isclose(found.low, parameter.low)
            assert (found.high, found.log) == (parameter.high, parameter.log)
        else:
            assert back[parameter.name] == parameter


def test_every_rule_of_configspace_is_read() -> None:
    given = ConfigSpace.ConfigurationSpace(seed=0)
    kind = ConfigSpace.Categorical("kind", ["a", "b", "c"])
    size = ConfigSpace.OrdinalHyperparameter("size", ["s", "m", "l"])
    count = ConfigSpace.Integer("count", (1, 10))
    first = ConfigSpace.Float("first", (0.0, 1.0))
    second = ConfigSpace.Float("second", (0.0, 1.0))
    third = ConfigSpace.Float("third", (0.0, 1.0))
    given.add([kind, size, count, first, second, third])
    given.add(
        AndConjunction(EqualsCondition(first, kind, "a"), GreaterThanCondition(first, size, "s"))
    )
    given.add(
        OrConjunction(NotEqualsCondition(second, kind, "a"), LessThanCondition(second, count, 4))
    )
    given.add(InCondition(third, kind, ["b", "c"]))
    given.add(
        ForbiddenAndConjunction(
            ForbiddenEqualsClause(kind, "b"), ForbiddenInClause(count, [1, 2, 3])
        )
    )
    given.add(ForbiddenLessThanRelation(first, second))
    space = from_configspace(given)
    for params in sampled(given, 200):
        assert space.check(params).keys() == params.keys()
    for params in drawn(space, 100):
        ConfigSpace.Configuration(given, values=dict(params))


@pytest.mark.parametrize(
    "constraint",
    ["x + y < 1", "x", "x < y < z", lambda p: p["x"] < 1, "abs(x) > 0"],
)
def test_what_configspace_can_not_be_told_is_refused(constraint: object) -> None:
    with pytest.raises(SpaceError, match="ConfigSpace can't be told"):
        to_configspace(Space(*PARAMETERS, constraints=[constraint]))


def test_a_space_of_configspace_is_searched() -> None:
    given = ConfigSpace.ConfigurationSpace({"x": (0.0, 1.0), "kind": ["a", "b"]})
    study = fsopt.create_study(None, space=from_configspace(given), seed=0)
    study.run(lambda trial: trial["x"] + (trial["kind"] == "a"), trials=15)
    assert study.best is not None
    assert study.best.value < 0.2
