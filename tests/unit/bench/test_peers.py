"""Other packages get the same problems: parameters, conditions, failures."""

from __future__ import annotations

import numpy as np
import pytest

from fsopt.bench.functions import PROBLEMS, Problem
from fsopt.bench.optimizers.dials import Dial, activating_values, assemble, dials_of
from fsopt.bench.optimizers.entrants import ENTRANTS
from fsopt.bench.optimizers.ledger import Ledger
from fsopt.bench.optimizers.simulation import Setting, simulate
from fsopt.errors import EvaluationError
from fsopt.history import History
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space, sample

SPACE = Space(
    Float("x", -1.0, 1.0),
    Float("rate", 1e-3, 1.0, log=True),
    Float("stepped", 0.1, 0.9, step=0.2),
    Int("n", 1, 9),
    Int("even", 2, 10, step=2),
    Ordinal("size", [16, 64, 256]),
    Categorical("kind", ["a", None, 3]),
    Constant("fixed", "f"),
    conditions={"n": "kind == 'a'", "even": "n > 4", "x": "size in [16, 256]"},
)
PEERS = [name for name, one in ENTRANTS.items() if one.keeps_state and one.is_installed]


@pytest.mark.parametrize("space", [SPACE, *(p.space for p in PROBLEMS.values())])
def test_a_configuration_survives_the_translation_into_positions(space: Space) -> None:
    dials = dials_of(space)
    for row in space.from_unit(sample(space, 20, np.random.default_rng(0))):
        params = space.from_row(row)

        def pick(dial: Dial, params: dict[str, object] = params) -> float:
            position = dial.position(params[dial.parameter.name])
            assert dial.low <= position <= dial.high
            return position

        assert assemble(space, dials, pick) == params


def test_parameters_are_reals_integers_and_choices() -> None:
    kinds = {dial.parameter.name: (dial.kind, dial.high, dial.log) for dial in dials_of(SPACE)}
    assert kinds == {
        "x": ("real", 1.0, False),
        "rate": ("real", 1.0, True),
        "stepped": ("integer", 4, False),
        "n": ("integer", 9, False),
        "even": ("integer", 4, False),
        "size": ("integer", 2, False),
        "kind": ("choice", 2, False),
        "fixed": ("choice", 0, False),
    }


def test_each_dial_comes_after_those_that_its_condition_names() -> None:
    names = [dial.parameter.name for dial in dials_of(SPACE)]
    assert sorted(names) == sorted(SPACE.names)
    assert names.index("kind") < names.index("n") < names.index("even")
    assert names.index("size") < names.index("x")


def test_conditions_become_values_of_one_parameter() -> None:
    found = {name: activating_values(SPACE, name) for name in ("n", "even", "x")}
    assert {name: (parent.name, values) for name, (parent, values) in found.items()} == {
        "n": ("kind", ["a"]),
        "even": ("n", [5, 6, 7, 8, 9]),
        "x": ("size", [16, 256]),
    }


@pytest.mark.parametrize("condition", ["y > 0.5", "k + j > 1", lambda params: True])
def test_other_conditions_can_not_be_told_to_all_packages(condition: object) -> None:
    space = Space(
        *(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), Int("k", 0, 1), Int("j", 0, 1)),
        conditions={"x": condition},  # type: ignore[dict-item]
    )
    with pytest.raises(EvaluationError, match="condition of 'x' is no choice"):
        activating_values(space, "x")


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize(
    "problem",
    [PROBLEMS["menu"], PROBLEMS["craters"], PROBLEMS["orders"]],
    ids=lambda problem: problem.name,
)
@pytest.mark.filterwarnings("ignore")
def test_installed_peers_take_part(name: str, problem: Problem) -> None:
    contestant = ENTRANTS[name].enter(problem.space, 0, 14)
    course = simulate(problem, contestant, Setting(seed=0, evaluations=14, workers=3))
    contestant.close()
    assert len(course.regret) == 14
    assert np.isfinite(course.regret[-1])


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.filterwarnings("ignore")
def test_installed_peers_take_in_studies(name: str) -> None:
    space = PROBLEMS["menu"].space
    rows = space.from_unit(sample(space, 30, np.random.default_rng(0)))
    contestant = ENTRANTS[name].enter(space, 0, 40)
    contestant.load([space.from_row(row) for row in rows], np.linspace(0, 1, 30).tolist())
    ledger = Ledger(space, 2)
    for number in range(2):
        params = contestant.ask(30 + number, History.empty(space))
        ledger.begin(space.check(params), 0, 0.0)
        contestant.tell(30 + number, 0.5)
    contestant.close()
    assert ledger.count == 2
