from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fsopt.bench.optimizers.results import Result
from fsopt.bench.transfer import tables, tasks
from fsopt.bench.transfer.contest import summary, texts
from fsopt.bench.transfer.entrants import ENTRANTS
from fsopt.bench.transfer.tasks import FAMILIES, KINDS
from fsopt.cli.main import main
from fsopt.history import History
from fsopt.space import enumerate_all, sample
from fsopt.streams import stream


@pytest.fixture(autouse=True)
def short_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_TRIALS", 6)
    tasks._sources.cache_clear()
    yield
    tasks._sources.cache_clear()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_tasks_that_differ_and_have_no_value_below_the_optimum(name: str) -> None:
    first, second, earlier = (FAMILIES[name].task(number) for number in (0, 1, -1))
    assert set(earlier.space.names) <= set(first.space.names)
    rows = first.space.from_unit(sample(first.space, 50, stream(0, "test")))
    params = [first.space.from_row(row) for row in rows]
    values = [[task.objective(one) for one in params] for task in (first, second)]
    assert values[0] != values[1]
    assert min(first.regret(value) for value in values[0]) >= 0
    ranks = [np.argsort(np.argsort(v)) for v in values]
    assert np.corrcoef(*ranks)[0, 1] > 0.2  # related


def test_adversarial_sources_are_upside_down() -> None:
    family = FAMILIES["shifted-levy"]
    source = family.sources("adversarial")[0]
    task = family.task(-1)
    expected = [-task.objective(params) for params in source.configurations]
    assert [value for (value,) in source.values] == pytest.approx(expected)


def test_every_configuration_of_the_grid_is_recorded() -> None:
    every = enumerate_all(tables.SPACE, 10_000)
    assert every is not None
    for data in tables.DATA_SETS:
        losses = [
            tables.loss(data, tables.SPACE.from_row(row)) for row in tables.SPACE.from_unit(every)
        ]
        assert np.isfinite(losses).all()
        assert min(losses) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_seeding_begins_with_the_best_trials_of_the_sources(kind: str) -> None:
    family = FAMILIES["shifted-levy"]
    sources, space = family.sources(kind), family.task(0).space
    player = ENTRANTS["fsopt-seeded"].enter(space, 0, sources)
    asked = [player.ask(number, History.empty(space)) for number in range(5)]
    best = [one.configurations[int(np.argmin(one.to_minimise))] for one in sources]
    assert asked[:2] == [dict(params) for params in best]


def result(optimizer: str, problem: str, seed: int, *regret: float) -> Result:
    return Result(
        optimizer=optimizer,
        problem=problem,
        seed=seed,
        package="fsopt",
        version="0",
        cpu_mean=0.0,
        regret=regret,
    )


def test_the_summary_tells_when_the_regret_of_the_optimizer_alone_was_reached() -> None:
    results = [
        result("fsopt-alone", "f, none", 0, 9.0, 4.0, 1.0),
        result("fsopt-alone", "f, none", 1, 9.0, 4.0, 4.0),
        result("fsopt", "f, helpful", 0, 4.0, 2.0, 3.0),
        result("fsopt", "f, adversarial", 0, 9.0, 9.0, 8.0),
    ]
    alone, helped, misled = summary(results, 3)
    assert (alone.regret, alone.needed, alone.seeds) == (pytest.approx((9.0, 2.0)), 3, 2)
    assert (helped.regret, helped.needed) == (pytest.approx((4.0, 2.0)), 2)
    assert misled.needed is None
    assert texts([misled], 3)[1][-1] == "over 3"


def test_the_command_keeps_its_runs(tmp_path: Path) -> None:
    words = ["bench", "transfer", "--tasks", "models", "--optimizers", "fsopt-alone,fsopt"]
    words += ["--sources", "helpful", "--evaluations", "6", "--seeds", "1"]
    words += ["--output", str(tmp_path / "runs.jsonl")]
    first, second = (CliRunner().invoke(main, words) for _ in range(2))
    assert first.exit_code == second.exit_code == 0, first.output
    assert second.stdout == first.stdout
    assert second.stderr == ""
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 2
    wrong = CliRunner().invoke(main, ["bench", "transfer", "--tasks", "nothing"])
    assert wrong.exit_code != 0
    assert "there is no 'nothing'" in wrong.output
