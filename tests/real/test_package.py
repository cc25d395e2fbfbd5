"""The package as users get it: what the archives hold, and that the wheel works by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.components import component

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "examples" / "quickstart.py"
NAMED = {
    "fsopt/py.typed",
    "fsopt/bench/data/curves.parquet",
    "fsopt/bench/data/recorded.parquet",
    "fsopt/figures/assets/draw.js",
    "fsopt/figures/assets/page.css",
}
"""Some of what is no module: these must be there even if nobody misses them in the clone."""

WITHOUT = {
    "plot": ("plot", "first", "history", "-o", "x.png"),
    "optuna": ("export", "first", "--to", "optuna", "-o", "sqlite:///x.db"),
    "mpi": ("run", QUICKSTART, "--study", "new", "--backend", "mpi"),
    "ray": ("run", QUICKSTART, "--study", "new", "--backend", "ray"),
    "dask": ("run", QUICKSTART, "--study", "new", "--backend", "dask"),
}
"""What to ask for in vain without each extra."""


def run(
    *words: object, directory: Path | None = None, seconds: float = 300
) -> subprocess.CompletedProcess[str]:
    """What a command does that knows of no clone and no environment but its own."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return subprocess.run(
        [str(word) for word in words],
        cwd=directory,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def files_below(directory: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / directory).rglob("*")
        if path.is_file() and not {"__pycache__", ".ruff_cache"} & {*path.parts}
    }


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source archive, and a wheel that was built from it and not from the clone."""
    made = tmp_path_factory.mktemp("archives")
    asked = run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", 1),
        *("--dest", made / "index", "hatchling"),
    )
    said = asked.stderr.strip().splitlines() or ["no reason given"]
    component(asked.returncode == 0, f"hatchling can't be had from a package index: {said[-1]}")
    component(run(sys.executable, "-m", "build", "--version").returncode == 0, "build is missing")
    done = run(sys.executable, "-m", "build", "--outdir", made, ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture(scope="module")
def installed(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that has the wheel, without extras."""
    environment = tmp_path_factory.mktemp("installed")
    venv.create(environment, with_pip=True)
    (wheel,) = archives.glob("*.whl")
    done = run(environment / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    assert done.returncode == 0, done.stderr
    return environment / "bin"


@pytest.fixture(scope="module")
def studied(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a small study, made by what is installed."""
    directory = tmp_path_factory.mktemp("studied")
    words = ("run", QUICKSTART, "--study", "first", "--trials", 12)
    done = run(installed / "fsopt", *words, directory=directory)
    assert done.returncode == 0, done.stderr
    assert "12 of 12 trials finished" in done.stdout
    return directory


def test_the_source_archive_has_all_that_a_build_and_the_tests_need(archives: Path) -> None:
    (source,) = archives.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    wanted = {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "PKG-INFO"}
    for directory in ("fsopt", "tests", "examples", "docs", "jobscripts"):
        wanted |= files_below(directory)
    assert names - {".gitignore"} == wanted


def test_the_wheel_has_the_package_and_nothing_else(archives: Path) -> None:
    (wheel,) = archives.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    notes = {name for name in names if name.partition("/")[0].endswith(".dist-info")}
    assert names - notes == files_below("fsopt")
    assert names >= NAMED
    assert {name.partition("/")[2] for name in notes} == {
        *("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"),
    }


def test_what_is_installed_is_complete_and_imported_from_there(
    installed: Path, tmp_path: Path
) -> None:
    python = installed / "python"
    done = run(python, "-m", "pip", "check")
    assert done.returncode == 0, done.stdout
    done = run(python, "-c", "import fsopt; print(fsopt.__file__)", directory=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(installed.parent), done.stderr


def test_a_study_is_reported_without_any_extra(installed: Path, studied: Path) -> None:
    done = run(installed / "fsopt", "report", "first", "-o", "page.html", directory=studied)
    assert done.returncode == 0, done.stderr
    page = (studied / "page.html").read_text()
    for asset in (ROOT / "fsopt" / "figures" / "assets").iterdir():
        assert asset.read_text() in page


@pytest.mark.parametrize("extra", WITHOUT)
def test_one_line_says_which_extra_is_missing(installed: Path, studied: Path, extra: str) -> None:
    done = run(installed / "fsopt", *WITHOUT[extra], directory=studied)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert f"pip install 'fsopt[{extra}]'" in line
