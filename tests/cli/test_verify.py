"""`fsopt verify`: what it prints, as text and as JSON, and how it exits."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import fsopt as package
from fsopt.cli.main import main


def fsopt(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def study(tmp_path: Path) -> Path:
    directory = tmp_path / "run"
    made = package.create_study(
        directory,
        space=package.Space(package.Float("x", 0, 1)),
        optimizer=package.RandomSearch(),
    )
    made.run(lambda trial: trial["x"], trials=3)
    made.close()
    return directory


def damage(study: Path) -> tuple[str, int]:
    """Flip a byte in the second line of the only log; gives its file and offset."""
    (log,) = study.glob("log/*/*.jsonl")
    data = bytearray(log.read_bytes())
    at = data.index(b"\n") + 1
    data[at + 9] ^= 0xFF
    log.write_bytes(data)
    return str(log.relative_to(study)), at


def test_a_good_study_is_ok(study: Path) -> None:
    status, output, _ = fsopt("verify", study)
    assert status == 0
    assert output.startswith(f"{study}: ok (")
    assert "3 trials, 1 writer, 1 segment" in output
    assert output.count("\n") == 1


def test_json_of_a_good_study(study: Path) -> None:
    status, output, _ = fsopt("verify", study, "--json")
    (log,) = study.glob("log/*/*.jsonl")
    assert status == 0
    assert json.loads(output) == {
        "ok": True,
        "events": log.read_bytes().count(b"\n"),
        "problems": [],
        "writers": 1,
        "segments": 1,
        "trials": 3,
        "bytes": log.stat().st_size,
    }


def test_a_damaged_line_is_named_with_file_and_offset(study: Path) -> None:
    file, offset = damage(study)
    status, output, _ = fsopt("verify", study)
    first, *_, last = output.splitlines()
    assert status == 1
    assert first == (
        f"error {file}:{offset}: the checksum does not match: event 1 of this writer is lost"
    )
    assert last.startswith(f"{study}: 1 error, ")


def test_json_of_a_damaged_study(study: Path) -> None:
    file, offset = damage(study)
    status, output, _ = fsopt("verify", study, "--json")
    result = json.loads(output)
    assert status == 1
    assert result["ok"] is False
    assert result["problems"][0] == {
        "file": file,
        "offset": offset,
        "severity": "error",
        "what": "the checksum does not match: event 1 of this writer is lost",
    }


def test_notes_do_no_harm(study: Path) -> None:
    (study / "notes.txt").write_text("mine")
    status, output, _ = fsopt("verify", study)
    assert status == 0
    assert output.startswith("note notes.txt:0: is no file of the protocol")
    assert f"{study}: 0 errors, 0 warnings, 1 note (" in output


def test_a_damaged_definition_is_a_problem_and_no_crash(study: Path) -> None:
    (study / "study.json").write_text("{")
    status, output, error = fsopt("verify", study)
    assert (status, error) == (1, "")
    assert output.startswith("error study.json:0: this file is damaged")


def test_what_is_no_study_is_refused_in_one_line(tmp_path: Path) -> None:
    status, output, error = fsopt("verify", tmp_path / "x", "--json")
    assert (status, output) == (1, "")
    assert error.startswith(f"Error: no study in {tmp_path / 'x'}")
    assert error.count("\n") == 1


@pytest.mark.parametrize("content", [None, "{"])
def test_a_study_goes_on_with_a_new_definition_from_the_same_script(
    content: str | None, tmp_path: Path
) -> None:
    """What docs/recovery.md advises for a study.json that is damaged or gone."""
    script, study = tmp_path / "study.py", tmp_path / "run"
    script.write_text(
        "import fsopt\n"
        "space = fsopt.Space(fsopt.Float('x', 0, 1))\n"
        "config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch())\n"
        "def objective(trial):\n    return trial['x']\n"
    )
    run = ["run", script, "--study", study, "--backend", "serial", "--trials"]
    assert fsopt(*run, 2)[0] == 0
    if content is not None:
        (study / "study.json").write_text(content)
        assert fsopt(*run, 3)[0] == 1
    (study / "study.json").rename(tmp_path / "damaged.json")
    assert fsopt(*run, 3)[0] == 0
    status, output, _ = fsopt("verify", study)
    assert (status, output.count("\n")) == (0, 1)
    assert "3 trials, 2 writers, 2 segments" in output
