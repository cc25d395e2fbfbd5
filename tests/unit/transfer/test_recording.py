from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import fsopt
from fsopt.cli.main import main
from fsopt.errors import PriorError, ReplayError
from fsopt.events import PriorRegistered
from fsopt.space import Categorical, Float, Int, Space
from fsopt.study.replay import read_logs, recollect
from fsopt.transfer import import_trials, register
from fsopt.view.report import status_lines
from fsopt.view.summary import status_summary

OLD = Space(Float("x", 0.0, 1.0), Float("lr", 1e-5, 1.0, log=True), Categorical("c", ["a", "b"]))
NEW = Space(
    Float("x", 0.0, 2.0),
    Float("rate", 1e-4, 1.0, log=True),
    Categorical("c", ["b", "z", "a"]),
    Int("depth", 1, 5),
)
RENAME = {"lr": "rate"}
SCRIPT = """
import fsopt
space = fsopt.Space(fsopt.Float("x", 0.0, 1.0), fsopt.Categorical("c", ["a", "b"]))
config = fsopt.StudyConfig(space=space, seed=3)
def objective(trial):
    return trial["x"] ** 2
"""


def value(params: dict[str, object]) -> float:
    return float((params["x"] - 0.3) ** 2 + (params["c"] != "b"))  # type: ignore[operator]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    directory = tmp_path / "old"
    with fsopt.create_study(directory, space=OLD, seed=1, optimizer=fsopt.RandomSearch()) as study:
        study.run(lambda trial: value(dict(trial.params)), trials=30)
    return directory


def prior_of(*sources: object) -> fsopt.GaussianMixturePrior:
    return fsopt.GaussianMixturePrior.from_studies(list(sources), rename=RENAME)


def new(directory: Path | None, *sources: object) -> fsopt.Study:
    prior = prior_of(*sources) if sources else None
    return fsopt.create_study(directory, fsopt.StudyConfig(space=NEW, seed=2, prior=prior))


def test_the_source_need_not_exist_once_it_is_recorded(old: Path, tmp_path: Path) -> None:
    with new(tmp_path / "new", old) as first:
        (known,) = first.session.history().prior
    shutil.rmtree(old)
    with new(tmp_path / "new", old) as second:
        (again,) = second.session.history().prior
    assert again.id == known.id
    with fsopt.open_study(tmp_path / "new") as third:
        assert [one.id for one in third.session.history().prior] == [known.id]


def test_the_status_tells_the_source_and_how_much_it_knew(old: Path) -> None:
    study = new(None, old)
    status = status_summary(study)
    with fsopt.open_study(old) as source:
        known = len(source.trials())
    assert status["priors"] == [{"source": str(old), "trials": known}]
    assert f"prior: {known} trials of {old}" in status_lines(study, status)


def test_two_processes_that_read_a_source_at_once_record_the_same(
    old: Path, tmp_path: Path
) -> None:
    first, second = new(tmp_path / "new"), new(tmp_path / "new")
    with first, second:
        register(first, prior_of(old))
        register(second, prior_of(old))  # which has not seen what the first one wrote
        for study in (first, second):
            study.sync()
            assert len(study.session.history().prior) == 1
        assert len(_registrations(first)) == 2


def _registrations(study: fsopt.Study) -> list[PriorRegistered]:
    events = [record.event for record in read_logs(study.session)]
    return [event for event in events if isinstance(event, PriorRegistered)]


def test_proposals_with_a_prior_are_replayed_bit_for_bit(old: Path, tmp_path: Path) -> None:
    with new(tmp_path / "new", old) as study:
        study.run(lambda trial: value(dict(trial.params)), trials=8)
        assert abs(study.best.params["x"] - 0.3) < 0.1  # type: ignore[union-attr, operator]
    shutil.rmtree(old)
    with fsopt.open_study(tmp_path / "new") as study:
        records = read_logs(study.session)
        for number in range(8):
            assert recollect(study.session, number, records).repeat().difference is None


def test_a_snapshot_keeps_the_prior(old: Path, tmp_path: Path) -> None:
    with new(tmp_path / "new", old) as study:
        study.run(lambda trial: value(dict(trial.params)), trials=3)
        before = study.session.history().prior[0].id
    with fsopt.open_study(tmp_path / "new") as study:
        study.compact(retention=0.0, assume_ended=True)
    assert not list((tmp_path / "new" / "log").rglob("*.jsonl"))
    with fsopt.open_study(tmp_path / "new") as study:
        assert [one.id for one in study.session.history().prior] == [before]


def test_what_is_registered_for_another_space_is_passed_over(old: Path) -> None:
    with new(None) as study:
        event = PriorRegistered(id="0", name="odd", trials=3, data={"units": (1.0,)})
        study.session.append(event)
        assert study.session.history().prior == ()
        register(study, prior_of(old))
        assert len(study.session.history().prior) == 1


def test_a_source_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PriorError, match="there is no"):
        new(None, tmp_path / "missing")
    with pytest.raises(PriorError, match="a list"):
        fsopt.GaussianMixturePrior.from_studies("runs/old")  # type: ignore[arg-type]
    with pytest.raises(PriorError, match="top"):
        fsopt.GaussianMixturePrior.from_studies([], top=0.0)


def test_evaluations_become_trials_where_they_fit(old: Path) -> None:
    with new(None) as study:
        found = import_trials(study, [old], rename=RENAME, fill={"depth": 3})
        table = study.trials()
        assert found.unfit > 0  # learning rates below the new range
        assert len(found.trials) == len(table) == 30 - found.unfit
        assert "rate" in (found.problem or "")
        assert set(table["param.depth"]) == {3}
        assert table["value"].tolist() == [
            value({"x": row["param.x"], "c": row["param.c"]}) for _, row in table.iterrows()
        ]
        again = import_trials(study, [old], rename=RENAME, fill={"depth": 3})
        assert (again.trials, again.known) == ((), len(found.trials))
        with pytest.raises(ReplayError, match="imported"):
            recollect(study.session, 0, read_logs(study.session))


def test_new_parameters_need_a_value(old: Path) -> None:
    with new(None) as study:
        found = import_trials(study, [old], rename=RENAME)
        assert (found.trials, found.unfit) == ((), 30)
        assert "depth" in (found.problem or "")


def test_what_was_maximised_changes_its_sign() -> None:
    with fsopt.create_study(None, space=Space(Float("x", 0.0, 1.0))) as study:
        import_trials(study, [{"p:x": [0.5], "objective": [-2.0]}])
        assert study.best is not None
        assert study.best.value == 2.0


def test_only_the_first_process_imports_a_warm_start(old: Path) -> None:
    with new(None) as study:
        study.enqueue({"x": 0.5, "rate": 0.1, "c": "b", "depth": 1})
        found = import_trials(study, [old], rename=RENAME, fill={"depth": 3}, first=True)
        assert found.trials == ()
        assert len(study.state.trials) == 1


def test_objectives_must_be_as_many(old: Path) -> None:
    goals = {"a": "minimize", "b": "minimize"}
    with (
        fsopt.create_study(None, space=OLD, objectives=goals) as study,
        pytest.raises(PriorError, match="1 objectives, and this study has 2"),
    ):
        import_trials(study, [old])


def run(*words: str) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_line_learns_imports_and_continues(old: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    study, copy = tmp_path / "new", tmp_path / "copy"
    run("run", script, "--study", study, "--trials", "3", "--prior", old)
    with fsopt.open_study(study) as opened:
        assert len(opened.session.history().prior) == 1
    told = json.loads(run("import", study, "--study", copy, "--json"))
    assert told == {"imported": 3, "known": 0, "unfit": 0, "problem": None}
    run("run", script, "--study", tmp_path / "warm", "--trials", "4", "--warm-start", study)
    with fsopt.open_study(tmp_path / "warm") as opened:
        table = opened.trials()
    assert len(table) == 4
    assert "imported" in run("show", tmp_path / "warm", "0")
