"""Study scripts are loaded, and what is wrong with one is said in one line."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from fsopt.errors import FsoptError, ScriptError
from fsopt.run.command import Command
from fsopt.run.script import load_script

HEAD = "import fsopt\nspace = fsopt.Space(fsopt.Float('x', 0, 1))\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "study.py"
    path.write_text(text)
    return path


def test_a_space_and_an_objective_are_enough(tmp_path: Path) -> None:
    script = load_script(write(tmp_path, f"{HEAD}def objective(trial): return 7"))
    assert script.config.space.names == ("x",)
    assert dict(script.config.objectives) == {"value": "minimize"}
    assert script.objective(None) == 7  # type: ignore[arg-type]


def test_the_objective_can_be_sent_to_another_process(tmp_path: Path) -> None:
    script = load_script(write(tmp_path, f"{HEAD}def objective(trial): return 7"))
    again = pickle.loads(pickle.dumps(script.objective))
    assert again(None) == 7


def test_the_script_is_imported_where_the_objective_arrives(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEAD}import pathlib\ndef objective(trial): return 7")
    data = pickle.dumps(load_script(path).objective)
    path.write_text(f"{path.read_text()}\npathlib.Path({str(tmp_path / 'seen')!r}).touch()")
    pickle.loads(data)
    assert (tmp_path / "seen").exists()


def test_a_script_that_has_become_wrong_is_told_by_the_evaluation(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEAD}def objective(trial): return 7")
    data = pickle.dumps(load_script(path).objective)
    path.write_text("import no_such_module_here")
    objective = pickle.loads(data)
    with pytest.raises(ScriptError, match="No module named"):
        objective(None)


def test_a_script_can_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_study.py").write_text("answer = 42")
    text = f"{HEAD}import neighbour_of_study as n\ndef objective(trial): return n.answer"
    assert load_script(write(tmp_path, text)).objective(None) == 42  # type: ignore[arg-type]


def test_a_command_stands_for_an_objective(tmp_path: Path) -> None:
    script = load_script(write(tmp_path, f"{HEAD}command = 'prog {{x}}'"))
    assert script.objective == Command("prog {x}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, r"study\.py defines no objective; it needs a function objective\(trial\)"),
        ("def objective(trial): return 1", r"study\.py defines no config .* and no space"),
        (f"{HEAD}config = 3\ndef objective(t): return 1", r"config must be a fsopt\.StudyConfig"),
        ("import fsopt\n\ndef objective(:\n", r"study\.py, line 3: "),
        ("x = 1\nimport no_such_module_here", r"line 2: ModuleNotFoundError: No module named"),
        ("raise SystemExit('bye')", r"line 1: SystemExit: bye"),
        (f"{HEAD}command = 'prog {{y}}'", r"\{y\} is no parameter; there are x"),
        (f"{HEAD}objectives = {{'a': 'up'}}\ndef objective(t): return 1", "direction is 'up'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(FsoptError, match=message):
        load_script(write(tmp_path, text))


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"no study script .*nothing\.py"):
        load_script(tmp_path / "nothing.py")


def test_a_file_that_is_no_python_is_named(tmp_path: Path) -> None:
    path = tmp_path / "study.txt"
    path.write_text(HEAD)
    with pytest.raises(ScriptError, match=r"a study script ends in \.py"):
        load_script(path)


@pytest.mark.parametrize("name", ["array", "queue", "random"])
def test_a_script_may_have_the_name_of_a_module_of_the_standard_library(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / f"{name}.py").write_text(f"{HEAD}def objective(trial): return trial['x']")
    words = [sys.executable, "-P", "-m", "fsopt", "run", f"{name}.py", "--study", "s"]
    words += ["--trials", "3", "--workers", "2"]
    result = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "(3 completed)" in result.stdout, result.stdout + result.stderr
