"""What `fsopt doctor` prints and returns."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fsopt.cli.main import main


@pytest.fixture(autouse=True)
def _no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(variable, raising=False)


def doctor(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["doctor", *map(str, arguments)], catch_exceptions=False)


def test_the_report_as_json(tmp_path: Path) -> None:
    result = doctor(tmp_path, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert list(report) == ["ok", "verdict", "filesystem", "findings"]
    assert report["ok"] is True
    assert report["verdict"].startswith("this filesystem keeps what fsopt needs")
    assert report["findings"][0]["measured"]["type"] == report["filesystem"]
    for finding in report["findings"]:
        assert list(finding) == ["check", "verdict", "what", "measured"]
        assert finding["verdict"] in ("ok", "warning")
        assert all(isinstance(value, int | float | str) for value in finding["measured"].values())
    assert list(tmp_path.iterdir()) == []


def test_the_report_as_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    lines = doctor(tmp_path).stdout.splitlines()
    assert all(len(line) <= 100 for line in lines[:-2])
    assert lines[-2] == ""
    assert lines[-1].startswith("this filesystem keeps what fsopt needs")
    table = {line[9:28].strip(): line[:8].strip() for line in lines[:-2] if line[0] != " "}
    assert table["exclusive create"] == "ok"
    assert set(table) == {
        f["check"] for f in json.loads(doctor(tmp_path, "--json").stdout)["findings"]
    }


def test_a_broken_filesystem_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refusing(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if str(path).endswith("exclusive/log") and Path(path).exists():
            raise OSError(errno.EPERM, "Operation not permitted")
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refusing)
    result = doctor(tmp_path)
    assert result.exit_code == 1
    verdict = result.stdout.splitlines()[-1]
    assert verdict.startswith("do not run fsopt here: creating a name that exists gives EPERM")


def test_a_directory_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = doctor(tmp_path / "file" / "studies")
    assert result.exit_code == 1
    assert "do not run fsopt here: can't work in" in result.stdout


@pytest.mark.parametrize(
    "options", [("--session", "../up"), ("--processes", 0), ("--wait", 0), ("--wait", "long")]
)
def test_options_that_make_no_sense(options: tuple[object, ...], tmp_path: Path) -> None:
    result = doctor(tmp_path, *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []
