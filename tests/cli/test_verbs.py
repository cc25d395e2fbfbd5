"""What every verb does, and what its help says."""

import csv
import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import fsopt as package
from fsopt import codec
from fsopt.cli.main import VERBS, main
from fsopt.events import Record, TrialStarted, WriterStarted
from fsopt.log import layout

SCRIPT = """
import fsopt
space = fsopt.Space(
    fsopt.Float("x", 0, 1), fsopt.Int("n", 1, 9), fsopt.Categorical("c", ["1", 1, 1.0, True]),
    conditions={"n": "x < 0.5"},
)
config = fsopt.StudyConfig(
    space=space, objectives={"y": "maximize"}, seed=5, optimizer=fsopt.RandomSearch()
)
def objective(trial):
    trial.report(0.5, step=1)
    trial.report(float("nan"), step=2)
    trial.set_attribute("size", 3)
    if trial.number == 2:
        raise ValueError("two is\\nunlucky")
    if trial.number == 3:
        return float("nan")
    return trial["x"]
"""


def fsopt(*arguments: object, env: dict[str, str] | None = None) -> str:
    result = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False, env=env)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("study")
    (directory / "study.py").write_text(SCRIPT)
    run = directory / "run"
    fsopt("run", directory / "study.py", "--study", run, "--trials", 8, "--backend", "serial")
    return run


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    text = fsopt(verb, "--help")
    assert "Example" in text
    assert f"fsopt {verb}" in text.partition("Example")[2]
    summary = VERBS[verb][1].rstrip(".")
    assert summary in " ".join(text.split())
    assert "--debug" in text


def test_help_lists_every_verb_in_order() -> None:
    lines = fsopt("--help").partition("Verbs:")[2].split("\n")
    assert [line.split()[0] for line in lines if line.startswith("  ")][: len(VERBS)] == list(
        VERBS
    )


def test_the_version_is_told() -> None:
    assert package.__version__ in fsopt("--version")


def test_status(study: Path) -> None:
    status = json.loads(fsopt("status", study, "--json"))
    assert status["study"] == str(study)
    assert status["objectives"] == {"y": "maximize"}
    assert status["budget"] == {"trials": 8}
    counts = {"waiting": 0, "running": 0, "paused": 0, "completed": 6, "stopped": 0, "failed": 2}
    assert status["trials"] == counts | {"total": 8}
    assert status["writers"] == {"live": 0, "lost": 0, "closed": 1}
    assert status["failures"] == {"ValueError: two is": 1, "returned nan for y": 1}
    assert 0 < status["utilization"] <= 1
    assert status["best"] == json.loads(fsopt("best", study, "--json"))
    text = fsopt("status", study)
    assert f"{study}: 8 of 8 trials finished (6 completed, 2 failed)" in text
    assert f"failed: 1 x ValueError: two is (see {study}/trials/2/traceback.0.txt)" in text


def test_best(study: Path) -> None:
    best = json.loads(fsopt("best", study, "--json"))
    rows = json.loads(fsopt("trials", study, "--json"))
    top = max((row for row in rows if row["y"] is not None), key=lambda row: row["y"])
    assert best["trial"] == top["trial"]
    assert best["values"] == {"y": top["y"]}
    assert best["params"]["x"] == top["param.x"]
    assert f"best: trial {best['trial']}, y=" in fsopt("best", study)


def test_trials_in_every_format(study: Path, tmp_path: Path) -> None:
    columns = ["trial", "state", "y", "param.x", "param.n", "param.c", "worker", "attempts"]
    columns += ["steps", "proposed_at", "started_at", "finished_at", "duration", "error"]
    columns += ["user.size"]
    rows = json.loads(fsopt("trials", study, "--format", "json"))
    assert list(rows[0]) == columns
    assert [row["trial"] for row in rows] == list(range(8))
    assert all((row["param.n"] is None) == (row["param.x"] >= 0.5) for row in rows)
    assert all(row["user.size"] == 3 and row["steps"] == 2 for row in rows)
    assert rows[2]["error"] == "ValueError: two is"
    assert rows[0]["started_at"].endswith("+00:00")
    text = fsopt("trials", study, "--format", "csv")
    assert next(iter(csv.DictReader(io.StringIO(text)))).keys() == set(columns)
    fsopt("trials", study, "--format", "parquet", "-o", tmp_path / "t.parquet")
    table = pd.read_parquet(tmp_path / "t.parquet")
    assert list(table.columns) == columns
    assert table["param.x"].tolist() == [row["param.x"] for row in rows]
    assert [json.loads(cell) for cell in table["param.c"]] == [row["param.c"] for row in rows]
    lines = fsopt("trials", study).splitlines()
    assert len(lines) == 9
    assert lines[0].split()[:4] == ["trial", "state", "y", "x"]


def test_types_survive_in_the_table(study: Path) -> None:
    table = package.open_study(study).trials()
    kinds = {type(value) for value in table["param.c"]}
    assert kinds <= {str, int, float, bool}
    assert len(kinds) > 1
    assert str(table["param.n"].dtype) == "Int64"


def test_show(study: Path) -> None:
    shown = json.loads(fsopt("show", study, 2, "--json"))
    assert shown["state"] == "failed"
    assert shown["reason"] == "ValueError: two is"
    assert shown["reports"] == {"1": 0.5, "2": {"$float": "nan"}}
    assert shown["attributes"] == {"size": 3}
    events = [event["event"] for event in shown["events"]]
    assert (events[0], events[-1]) == ("trial.started", "trial.failed")
    assert set(events[1:-1]) == {"trial.reported", "attribute.set"}
    assert shown["files"] == ["trials/2/traceback.0.txt"]
    text = fsopt("show", study, 2)
    assert "trial 2: failed" in text
    assert "unlucky" in text
    assert "Traceback" in text


def test_the_directory_can_come_from_the_environment(study: Path) -> None:
    env = {"FSOPT_STUDY": str(study)}
    assert fsopt("best", "--json", env=env) == fsopt("best", study, "--json")
    assert fsopt("show", 2, "--json", env=env) == fsopt("show", study, 2, "--json")


@pytest.fixture
def fresh(tmp_path: Path) -> tuple[Path, Path]:
    script = tmp_path / "study.py"
    script.write_text(SCRIPT)
    package.create_study(tmp_path / "run", load(script)).close()
    return script, tmp_path / "run"


def load(script: Path) -> package.StudyConfig:
    from fsopt.run.script import load_script

    return load_script(script).config


def test_an_enqueued_configuration_is_tried_first(fresh: tuple[Path, Path]) -> None:
    script, run = fresh
    enqueued = fsopt("enqueue", run, "x=0.25", "n=4", 'c="1"', "--json")
    assert json.loads(enqueued) == {"trial": 0}
    env = {"FSOPT_STUDY": str(run)}
    assert "trial 1 waits" in fsopt("enqueue", "x=0.75", "c=1.0", env=env)
    assert json.loads(fsopt("status", run, "--json"))["trials"]["waiting"] == 2
    fsopt("run", script, "--study", run, "--trials", 3, "--backend", "serial")
    rows = json.loads(fsopt("trials", run, "--json"))
    assert [(row["param.x"], row["param.n"], row["param.c"]) for row in rows[:2]] == [
        (0.25, 4, "1"),
        (0.75, None, 1.0),
    ]
    assert json.loads(fsopt("show", run, 0, "--json"))["proposed_by"] == "enqueued"


def test_a_study_can_be_driven_from_outside(fresh: tuple[Path, Path]) -> None:
    _, run = fresh
    taken = json.loads(fsopt("ask", run, "-n", 3, "--json"))
    assert [trial["trial"] for trial in taken] == [0, 1, 2]
    assert "trial 0 is completed" in fsopt("tell", run, 0, "--value", 0.5)
    told = json.loads(fsopt("tell", run, 1, "--failed", "no power", "--json"))
    assert told == {"trial": 1, "state": "failed", "reason": "no power"}
    assert "trial 2 is failed: returned 2 values" in fsopt("tell", run, 2, "--value", "[1, 2]")
    assert "trial 1 waits to be tried again" in fsopt("retry", run, 1)
    (again,) = json.loads(fsopt("ask", run, "--json"))
    assert again == taken[1]
    assert "trial 1 is cancelled" in fsopt("cancel", run, 1)
    assert json.loads(fsopt("status", run, "--json"))["failures"]["cancelled"] == 1


def test_stop_and_reopen(fresh: tuple[Path, Path]) -> None:
    script, run = fresh
    fsopt("stop", run)
    arguments = ["run", script, "--study", run, "--trials", 2, "--backend", "serial"]
    assert "the study was stopped" in fsopt(*arguments)
    assert json.loads(fsopt("status", run, "--json"))["stopped"] is True
    reopened = json.loads(fsopt("reopen", run, "--trials", 4, "--json"))
    assert reopened == {"stopped": False, "budget": {"trials": 4}}
    assert "4 of 4 trials finished" in fsopt("run", script, "--study", run, "--backend", "serial")


def test_run_prints_json_that_scripts_can_read(fresh: tuple[Path, Path]) -> None:
    script, run = fresh
    output = fsopt("run", script, "--study", run, "--trials", 2, "--backend", "serial", "--json")
    summary = json.loads(output)
    assert (summary["reason"], summary["evaluated"]) == ("budget", 2)
    assert summary["trials"]["completed"] == 2


def test_looking_leaves_no_trace(study: Path) -> None:
    before = sorted(path for path in study.rglob("*"))
    for verb in ("status", "trials", "best"):
        fsopt(verb, study)
    fsopt("show", study, 0)
    assert sorted(path for path in study.rglob("*")) == before


def test_the_module_is_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "fsopt", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == fsopt("--version")


def test_a_compacted_study_shows_the_same_trials_without_its_logs(
    study: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(study, tmp_path / "copy")
    before = json.loads(fsopt("show", copy, 3, "--json"))
    table = fsopt("trials", copy, "--format", "csv")
    done = json.loads(fsopt("compact", copy, "--retention", 0, "--json"))
    assert done["at_work"] == []
    assert done["removed"] == {"snapshots": 0, "segments": 1, "claims": 8}
    assert not list((copy / "log").rglob("*.jsonl"))
    after = json.loads(fsopt("show", copy, 3, "--json"))
    kept = ("seq", "event", "trial", "params", "values", "writer")
    assert [{k: e.get(k) for k in kept} for e in after.pop("events")] == [
        {k: e.get(k) for k in kept} for e in before.pop("events")
    ]
    assert before.pop("explanation")["source"] == "random draw"
    assert after.pop("explanation") is None, "what was known at that time is not any more"
    assert after == before
    assert fsopt("trials", copy, "--format", "csv") == table
    again = fsopt("compact", copy, "--retention", 0)
    assert "8 trials" in again
    assert "removed: snapshots 1" in again


def test_compaction_says_why_it_removes_nothing(study: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(study, tmp_path / "copy")
    started = WriterStarted(host="elsewhere", pid=1, version="1", python="3")
    log = copy / layout.segment("far-away", 0)
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(codec.encode(Record("far-away", 0, 0.0, started)))
    assert "good-bye" not in fsopt("compact", copy)
    said = fsopt("compact", copy, "--retention", 0)
    assert "not everybody has said good-bye (far-away)" in said
    assert "--assume-ended" in said
    assert list((copy / "claims").rglob("*"))
    said = fsopt("compact", copy, "--retention", 0, "--assume-ended")
    assert "segments 2, claims 8" in said
    assert not list((copy / "claims").iterdir())


def test_show_replays_a_proposal_and_says_why_it_was_made(study: Path) -> None:
    shown = json.loads(fsopt("show", study, 1, "--replay", "--json"))
    assert shown["replay"] == {"verdict": "same", "params": shown["params"], "why": None}
    assert shown["explanation"]["source"] == "random draw"
    assert shown["explanation"]["incumbent"]["trial"] == 0
    text = fsopt("show", study, 1, "--replay")
    assert "replay: same\n" in text
    assert "proposed by: random draw\n" in text
    assert "replay" not in json.loads(fsopt("show", study, 1, "--json"))


def test_show_says_what_differs_in_a_replay(study: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(study, copied)
    (log,) = copied.glob("log/*/*.jsonl")
    records = [codec.decode(line, "w") for line in log.read_bytes().splitlines()]
    changed = [
        replace(r, event=replace(r.event, params={"x": 0.75, "c": 1}))
        if isinstance(r.event, TrialStarted) and r.event.trial == 1
        else r
        for r in records
    ]
    log.write_bytes(b"".join(map(codec.encode, changed)))
    result = CliRunner().invoke(main, ["show", str(copied), "1", "--replay"])
    assert result.exit_code == 1
    assert "replay: different, from the same history" in result.output
    recorded, now = result.output.split("recorded\n")[1].split("proposed now\n")
    assert "0.75" in recorded
    assert "0.75" not in now
    told = CliRunner().invoke(main, ["show", str(copied), "1", "--replay", "--json"])
    assert told.exit_code == 1
    assert json.loads(told.stdout)["replay"]["verdict"] == "different"


def test_show_says_why_a_proposal_cannot_be_replayed(study: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(study, copied)
    number = json.loads(fsopt("enqueue", copied, "x=0.75", "c=1", "--json"))["trial"]
    result = CliRunner().invoke(main, ["show", str(copied), str(number), "--replay"])
    assert result.exit_code == 1
    assert "proposed by: enqueued\nreplay: not possible, a person enqueued it" in result.output
    fsopt("compact", copied, "--retention", 0)
    result = CliRunner().invoke(main, ["show", str(copied), "1", "--replay", "--json"])
    replayed = json.loads(result.stdout)["replay"]
    assert replayed["verdict"] == "impossible"
    assert "compaction has removed them" in replayed["why"]


def test_best_by_the_model_says_what_is_expected(study: Path) -> None:
    by_value = json.loads(fsopt("best", study, "--by", "value", "--json"))
    assert by_value == json.loads(fsopt("best", study, "--json"))
    assert "expected" not in by_value
    by_model = json.loads(fsopt("best", study, "--by", "model", "--json"))
    expected = by_model["expected"]["y"]
    assert expected["mean"] == pytest.approx(by_model["values"]["y"], abs=0.2)
    assert expected["deviation"] >= 0
    assert f"expected y: {expected['mean']:.6g} ± " in fsopt("best", study, "--by", "model")
