"""``fsopt ensemble`` and ``fsopt bench ensembles``."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import fsopt as package
from fsopt.cli.ensemble import _LOSSES
from fsopt.cli.main import main
from fsopt.ensemble import LOSSES, latest
from fsopt.log import layout

Y = np.random.default_rng(0).normal(size=30)


def fsopt(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


def objective(trial: package.Trial) -> float:
    errors = np.random.default_rng(trial.number).normal(size=30)
    trial.save_predictions("valid", Y + errors, y_std=np.ones(30))
    trial.save_predictions("plain", Y + errors)
    trial.save_predictions("truth", Y)
    return float(np.mean(errors**2))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    with package.create_study(
        tmp_path / "s",
        space=package.Space(package.Float("x", 0, 1)),
        objectives={"loss": "minimize"},
        optimizer=package.RandomSearch(),
        seed=0,
    ) as study:
        study.run(objective, trials=7)
    return tmp_path / "s"


def test_an_ensemble_is_selected_told_and_recorded(directory: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    result = fsopt("ensemble", directory, "-o", report)
    assert result.exit_code == 0, result.output
    built = latest(package.open_study(directory), "valid")
    assert built is not None
    assert f"{len(built.members)} of 7 trials, by greedy selection on nll" in result.stdout
    for loss in ("nll", "squared", "absolute", "quantiles"):
        assert f"  {loss}" in result.stdout
        assert f"| {loss} | {built.scores[loss]:.4g} |" in report.read_text()
    assert f"the best single trial is {built.single}." in report.read_text()


def test_every_loss_can_be_chosen() -> None:
    assert set(_LOSSES) == set(LOSSES)


def test_json_holds_the_fields_of_the_event(directory: Path) -> None:
    options = ["--loss", "squared", "--selector", "topk", "--size", "3"]
    data = json.loads(fsopt("ensemble", directory, *options, "--json").stdout)
    built = latest(package.open_study(directory), "valid")
    assert built is not None
    assert data["members"] == list(built.members)
    assert data["weights"] == [1 / 3] * 3
    assert data["selector"] == {"kind": "topk", "size": 3}
    assert data["loss"] == "squared"
    assert data["scores"] == dict(built.scores)
    assert data["single_scores"]["squared"] > data["scores"]["squared"]


def test_true_values_may_come_from_a_file(directory: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", Y)
    by_file = fsopt("ensemble", directory, "--truth", tmp_path / "y.npy", "--json")
    by_name = fsopt("ensemble", directory, "--truth", "truth", "--json")
    first, second = json.loads(by_file.stdout), json.loads(by_name.stdout)
    assert (first.pop("generation"), second.pop("generation")) == (1, 2)
    assert first == second


def test_other_predictions_can_be_named(directory: Path) -> None:
    data = json.loads(fsopt("ensemble", directory, "--predictions", "plain", "--json").stdout)
    assert (data["name"], data["aggregator"], data["loss"]) == ("plain", "mean", "squared")


def test_damaged_predictions_are_told_of_and_left_out(directory: Path) -> None:
    file = directory / layout.predictions(2, 0, "valid")
    file.write_bytes(file.read_bytes()[:50])
    result = fsopt("ensemble", directory, "--json")
    assert json.loads(result.stdout)["candidates"] == 6
    assert "trial 2 is left out" in result.stderr


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--predictions", "nothing"], "save_predictions('nothing'"),
        (["--truth", "nothing"], "save_predictions('nothing'"),
        (["--truth", "nothing.npy"], "no file"),
        (["--loss", "cross-entropy"], "not of normal"),
    ],
)
def test_what_can_not_be_done_is_one_line(directory: Path, options: list[str], what: str) -> None:
    result = fsopt("ensemble", directory, *options)
    assert result.exit_code == 1
    assert what in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_true_values_that_are_no_array_are_refused(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "y.npy").write_text("1, 2, 3")
    result = fsopt("ensemble", directory, "--truth", tmp_path / "y.npy")
    assert result.exit_code == 1
    assert "no whole array" in result.stderr


def test_ways_are_compared_on_the_same_predictions(tmp_path: Path) -> None:
    document, output = tmp_path / "d.md", tmp_path / "s.jsonl"
    name = "fsopt bench ensembles"
    document.write_text(f"before\n<!-- {name}: begin -->\n<!-- {name}: end -->\nafter\n")
    ways = "best,topk,greedy,voting,stacking"
    result = fsopt(
        *("bench", "ensembles", "--tasks", "iris,diabetes", "--splits", 1, "--ways", ways),
        *("--no-recorded", "--markdown", document, "--output", output),
    )
    assert result.exit_code == 0, result.output
    scores = [json.loads(line) for line in output.read_text().splitlines()]
    assert len(scores) == 10
    assert len({score["library"] for score in scores}) == 2
    assert "| greedy |" in document.read_text()
    assert "of 2" in result.stdout
    again = fsopt("bench", "ensembles", "--tasks", "iris", "--ways", "better")
    assert again.exit_code == 2
    assert "no way 'better'" in again.output
