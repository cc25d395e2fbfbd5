"""The systems that are compared: prepared studies are what their processes would have left."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fsopt.bench.processes import count_calls, run_job, run_writers, why_no_tracing
from fsopt.bench.systems import OWN, SYSTEMS
from fsopt.bench.systems.fsopt_files import WRITERS
from fsopt.bench.systems.optuna_journal import _lines
from fsopt.errors import EvaluationError
from fsopt.log import layout
from fsopt.study import open_study
from tests.components import component

INSTALLED = [n for n, s in SYSTEMS.items() if importlib.util.find_spec(s.module)]


@pytest.mark.parametrize("name", INSTALLED)
def test_a_prepared_study_has_its_trials_and_goes_on(name: str, tmp_path: Path) -> None:
    study = tmp_path / "study"
    run_job("prepare", name, study, trials=40)
    run_job("open", name, study, trials=40, warm=None)
    assert len(run_job("more", name, study, trials=2).data["seconds"]) == 2
    run_job("open", name, study, trials=42, warm=None)


def test_a_prepared_study_of_fsopts_own_is_sound(tmp_path: Path) -> None:
    SYSTEMS[OWN].prepare(tmp_path / "study", 40)
    command = [sys.executable, "-m", "fsopt", "verify", str(tmp_path / "study"), "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(result.stdout)
    assert (report["ok"], report["problems"]) == (True, [])
    assert report["events"] == 2 * WRITERS + 2 * 40


def test_prepared_trials_are_finished_and_tell_what_they_were_based_on(tmp_path: Path) -> None:
    SYSTEMS[OWN].prepare(tmp_path / "study", 2 * WRITERS)
    study = open_study(tmp_path / "study")
    table = study.trials()
    assert set(table["state"]) == {"completed"}
    assert table["worker"].nunique() == WRITERS
    line = (tmp_path / "study" / layout.segment("bench-4000-000000", 0)).read_text().splitlines()
    later = json.loads(line[3])
    assert later["trial"] == WRITERS
    assert set(later["seen"].values()) == {3}
    assert len(later["seen"]) == WRITERS - 1


def test_lines_of_a_journal_are_made_after_an_example() -> None:
    example = [
        {"op_code": 4, "study_id": 0},
        {"op_code": 5, "trial_id": 0, "param_name": "x0", "param_value_internal": 0.25},
        {"op_code": 6, "trial_id": 0, "values": [0.25]},
    ]
    created, param, ended = _lines(example, [7])
    assert created == example[0]
    assert param["trial_id"] == ended["trial_id"] == 7
    assert ended["values"] == [param["param_value_internal"]] != [0.25]


def test_a_process_that_reads_too_few_trials_fails_the_measurement(tmp_path: Path) -> None:
    run_job("prepare", OWN, tmp_path / "study", trials=5)
    with pytest.raises(EvaluationError, match=r"open of fsopt ended .*read 5 of 6 trials"):
        _ = run_job("open", OWN, tmp_path / "study", trials=6, warm=None)


def test_writers_all_run_their_trials(tmp_path: Path) -> None:
    run_job("prepare", OWN, tmp_path / "study", trials=0)
    assert run_writers(OWN, tmp_path / "study", 2, 3) > 0
    assert len(open_study(tmp_path / "study").trials()) == 6


def test_a_writer_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"write of fsopt ended .*no study in"):
        run_writers(OWN, tmp_path / "nothing", 2, 1)


def test_a_trial_is_synced_twice_and_claims_one_name(tmp_path: Path) -> None:
    component(why_no_tracing() is None, f"strace ({why_no_tracing()})")
    counts = []
    for trials in (2, 12):
        run_job("prepare", OWN, tmp_path / str(trials), trials=0)
        counts.append(count_calls(OWN, tmp_path / str(trials), 1, trials))
    costs = counts[1] - counts[0]
    assert (costs.syncs, costs.names) == (20, 10)
    assert costs.calls > costs.syncs + costs.names
    assert costs.written > 10 * 100


def test_the_process_that_measures_loads_nothing_heavy_by_itself() -> None:
    code = "import sys, fsopt.bench.child; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"numpy", "orjson", "pandas", "pyarrow", "optuna", "neps", "fsopt.study"}
    assert not heavy & set(result.stdout.split())
