"""Measuring systems side by side: who is measured, how often, and what is told of failures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fsopt.bench.comparison import Bench, NotMeasuredError, limited, measure_all, refuse_beyond
from fsopt.bench.sizes import QUICK
from fsopt.bench.systems import System
from fsopt.bench.table import Measured, Missing, Row
from fsopt.bench.workspace import Workspace
from fsopt.errors import EvaluationError


class Fake:
    reads_when_opened = True

    def __init__(self, name: str, module: str = "json", largest: int | None = None) -> None:
        self.name = name
        self.title = name.upper()
        self.module, self.distribution, self.largest = module, f"{name}-package", largest

    def prepare(self, directory: Path, trials: int) -> None: ...

    def open(self, directory: Path) -> Any: ...


def bench(tmp_path: Path, *systems: System) -> Bench:
    named = {system.name: system for system in systems}
    return Bench(named, QUICK, Workspace(tmp_path), lambda what: None)


def test_systems_take_turns_and_the_first_begins(tmp_path: Path) -> None:
    order = []

    def measure(system: System) -> Sequence[Measured]:
        order.append(system.name)
        return [Measured((float(len(order)),)), Measured((0.0,))]

    first, second = bench(tmp_path, Fake("b"), Fake("a")).each(measure, 2, repeats=2)
    assert order == ["b", "a", "b", "a"]
    assert first == {"b": Measured((1.0, 3.0)), "a": Measured((2.0, 4.0))}
    assert second == {"b": Measured((0.0, 0.0)), "a": Measured((0.0, 0.0))}


def test_a_system_that_fails_once_is_not_tried_again_and_disturbs_nobody(tmp_path: Path) -> None:
    tried = []

    def measure(system: System) -> Sequence[Measured]:
        tried.append(system.name)
        if system.name == "a":
            raise EvaluationError("it broke")
        return [Measured((1.0,))]

    (cells,) = bench(tmp_path, Fake("a"), Fake("b")).each(measure, 1, repeats=2)
    assert tried == ["a", "b", "b"]
    assert cells == {"a": Missing("failed: it broke", failed=True), "b": Measured((1.0, 1.0))}


def test_a_system_that_is_not_installed_says_so_and_how_to_install_it(tmp_path: Path) -> None:
    def rows(bench: Bench) -> list[Row]:
        return [Row("x", "", bench.each(lambda system: [Measured((1.0,))], 1)[0])]

    absent = Fake("absent", module="no_such_module_anywhere")
    table = measure_all(bench(tmp_path, Fake("own"), absent), [rows])
    assert table.titles["absent"] == "ABSENT (to compare: pip install absent-package)"
    assert table.rows[0].cells["absent"] == Missing("not installed")
    assert not table.failures()


def test_what_is_too_large_for_a_system_is_limited_or_left_out() -> None:
    small = Fake("small", largest=1000)
    assert limited(small, 5000) == (1000, "at 1,000 trials")
    assert limited(small, 1000) == (1000, "")
    assert limited(Fake("any"), 5000) == (5000, "")
    refuse_beyond(small, 1000)
    with pytest.raises(NotMeasuredError):
        refuse_beyond(small, 1001)
