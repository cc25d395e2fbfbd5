"""Every example is short, and runs as its own text says, through the command line."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.components import component

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
STUDIES = [path for path in EXAMPLES if "\n    fsopt run " in path.read_text()]
FEWER = {"digits_mlp.py": 3}
"""Trials to run here where the whole example takes longer than a test should."""

COMMANDS = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
"""Where programs are: a package's own beside this Python, even if nobody activated it."""


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(w) for w in words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": COMMANDS},
    )


def look_for_what_is_needed(example: str) -> None:
    """Skip the test of an example whose text says that it needs something which is not here."""
    if example == "compiled_kernel.py":
        compiler = os.environ.get("CC", "cc")
        component(shutil.which(compiler) is not None, f"there is no compiler {compiler}")
    if example == "mpi_solver.py":
        component(find_spec("mpi4py") is not None, "mpi4py is not installed")
        component(shutil.which("mpiexec", path=COMMANDS) is not None, "there is no mpiexec")
    if example == "torch_digits.py" and find_spec("torch") is None:
        pytest.skip("PyTorch is not installed; it is too large to be needed for tests")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 80


@pytest.mark.parametrize("path", sorted({*EXAMPLES} - {*STUDIES}), ids=lambda path: path.name)
def test_a_program_runs_as_its_text_says(path: Path, tmp_path: Path) -> None:
    (line,) = re.findall(r"^    (python .*)$", path.read_text(), re.MULTILINE)
    assert line == f"python examples/{path.name} [DIRECTORY]"
    result = run(sys.executable, path, tmp_path / "study")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "best: " in result.stdout
    status = run(sys.executable, "-m", "fsopt", "status", tmp_path / "study", "--json").stdout
    assert json.loads(status)["trials"]["completed"] > 0


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_an_example_runs_as_its_text_says(path: Path, tmp_path: Path) -> None:
    look_for_what_is_needed(path.name)
    (line,) = re.findall(r"^    (fsopt run .*)$", path.read_text(), re.MULTILINE)
    words = shlex.split(line)
    assert words[2] == f"examples/{path.name}"
    words[2] = str(path)
    words[words.index("--study") + 1] = str(tmp_path / "study")
    wanted = words.index("--trials") + 1
    trials = min(int(words[wanted]), FEWER.get(path.name, 30))
    words[wanted] = str(trials)
    result = run(sys.executable, "-m", *words)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{trials} of {trials} trials finished" in result.stdout
    assert "best: trial" in result.stdout or "Pareto front: " in result.stdout
    status = json.loads(
        run(sys.executable, "-m", "fsopt", "status", tmp_path / "study", "--json").stdout
    )
    assert status["trials"]["completed"] + status["trials"]["stopped"] == trials


def test_the_neural_network_learns_and_reports(tmp_path: Path) -> None:
    example = ROOT / "examples" / "digits_mlp.py"
    study = tmp_path / "study"
    enqueue = ["learning_rate=0.01", "batch_size=32", "units=32", "layers=1", "activation=relu"]
    enqueue += ["solver=adam", "l2=0.0001"]
    common = [sys.executable, "-m", "fsopt"]
    run(*common, "run", example, "--study", study, "--trials", 1, "--timeout", 1e-9)
    assert "waits" in run(*common, "enqueue", study, *enqueue).stdout
    result = run(*common, "run", example, "--study", study, "--trials", 1)
    assert result.returncode == 0, result.stderr
    shown = json.loads(run(*common, "show", study, 0, "--json").stdout)
    assert shown["proposed_by"] == "enqueued"
    assert shown["values"]["accuracy"] > 0.95
    assert list(shown["reports"]) == [str(step) for step in range(1, 16)]
    assert "momentum" not in shown["params"]
