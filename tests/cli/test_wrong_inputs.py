"""Wrong inputs: one clear line, a status that is not zero, and nothing is lost."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fsopt.cli.main import main

GOOD = """
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch())
def objective(trial):
    return trial["x"]
"""


def fsopt(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def refused(*arguments: object) -> str:
    """The one line that a refused command prints."""
    status, output, error = fsopt(*arguments)
    assert status == 1, (status, output, error)
    assert output == ""
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    return error


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "study.py"
    path.write_text(GOOD)
    return path


@pytest.fixture
def study(script: Path, tmp_path: Path) -> Path:
    directory = tmp_path / "runs" / "one"
    assert fsopt("run", script, "--study", directory, "--trials", 3, "--backend", "serial")[0] == 0
    return directory


def test_a_missing_script(tmp_path: Path) -> None:
    assert "no study script nothing.py" in refused("run", "nothing.py", "--study", tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_script_without_objective(script: Path, tmp_path: Path) -> None:
    script.write_text(GOOD.partition("def ")[0])
    assert "defines no objective" in refused("run", script, "--study", tmp_path / "s")


def test_a_syntax_error_in_the_script(script: Path, tmp_path: Path) -> None:
    script.write_text(f"{GOOD}\nfor x in\n")
    assert "study.py, line 8: invalid syntax" in refused("run", script, "--study", tmp_path / "s")


@pytest.mark.parametrize("place", ["/proc/nowhere", "/sys/kernel"])
def test_a_directory_that_can_not_be_written(script: Path, place: str) -> None:
    error = refused("run", script, "--study", place)
    assert f"can't create the study {place}/study.json" in error


def test_a_file_where_the_directory_should_be(script: Path) -> None:
    assert "study.py is a file; a study is a directory" in refused(
        "run", script, "--study", script
    )
    error = refused("run", script, "--study", script / "below")
    assert "can't" in error
    assert "Not a directory" in error


def test_an_unknown_option_and_an_unknown_verb(script: Path) -> None:
    status, _, error = fsopt("run", script, "--study", "s", "--trails", 3)
    assert status == 2
    assert "--trails" in error
    assert "--trials" in error
    status, _, error = fsopt("runn", script)
    assert status == 2
    assert "No such command 'runn'" in error


def test_an_unknown_trial(study: Path) -> None:
    assert f"no trial 17 in {study}; it has trials 0 to 2" in refused("show", study, 17)
    status, _, error = fsopt("show", study, "x")
    assert status == 2
    assert "TRIAL must be a trial's number, not 'x'" in error


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\x00\xff", b"[]", b"{}", b'{"min_reader": "x"}', b'{"min_reader": 1}']
)
@pytest.mark.parametrize("verb", ["status", "run"])
def test_a_corrupt_study_json(verb: str, content: bytes, study: Path, script: Path) -> None:
    (study / "study.json").write_bytes(content)
    arguments = ["status", study] if verb == "status" else ["run", script, "--study", study]
    error = refused(*arguments)
    assert f"{study}/study.json" in error
    assert "is damaged" in error or "needs a reader of protocol x" in error
    assert (study / "study.json").read_bytes() == content


def test_a_study_of_a_newer_protocol(study: Path) -> None:
    document = json.loads((study / "study.json").read_text())
    (study / "study.json").write_text(json.dumps(document | {"min_reader": 2, "protocol": 2}))
    assert "needs a reader of protocol 2; this fsopt reads protocol 1" in refused("status", study)


def test_a_constraint_that_is_never_true(script: Path, tmp_path: Path) -> None:
    script.write_text(GOOD.replace('"x", 0, 1)', '"x", 0, 1), constraints=["x > 2", "x < 2"]'))
    error = refused("run", script, "--study", tmp_path / "s")
    assert "x > 2" in error
    assert not (tmp_path / "s").exists()


def test_a_study_that_is_not_there(tmp_path: Path) -> None:
    for verb in ("status", "trials", "best", "stop", "reopen", "ask"):
        assert f"no study in {tmp_path / 'x'}" in refused(verb, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_another_space_in_the_same_directory(study: Path, script: Path) -> None:
    script.write_text(GOOD.replace('"x", 0, 1', '"x", 0, 2'))
    error = refused("run", script, "--study", study)
    assert "parameter 'x': high is 1.0 in the study and 2.0 here" in error


def test_other_objectives_in_the_same_directory(study: Path, script: Path) -> None:
    script.write_text(GOOD.replace("space=space", 'space=space, objectives={"y": "maximize"}'))
    error = refused("run", script, "--study", study)
    assert "the objectives are {'value': 'minimize'} in the study and {'y': 'maximize'}" in error


def test_another_seed_in_the_same_directory(study: Path, script: Path) -> None:
    assert "here" in refused("run", script, "--study", study, "--seed", 12345)


def test_a_parameter_that_makes_no_sense_is_found_in_the_script(
    script: Path, tmp_path: Path
) -> None:
    script.write_text(GOOD.replace("0, 1", "1, 0"))
    error = refused("run", script, "--study", tmp_path / "s")
    assert "study.py, line 3: parameter 'x': low (1.0) is above high (0.0)" in error


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_a_table_that_can_not_be_written(form: str, study: Path, tmp_path: Path) -> None:
    error = refused("trials", study, "--format", form, "-o", tmp_path / "no" / "file")
    assert "can't write" in error


def test_an_export_that_can_not_be_written(study: Path, tmp_path: Path) -> None:
    path = tmp_path / "no" / "file"
    error = refused("export", study, "--to", "deephyper", "-o", path)
    assert f"can't write {path}: " in error
    assert "None" not in error


def test_an_unknown_objective_of_a_figure(study: Path, tmp_path: Path) -> None:
    arguments = ("history", "--objective", "loss", "-o", tmp_path / "h.html")
    assert "has no objective 'loss'; it has value" in refused("plot", study, *arguments)


@pytest.mark.parametrize("option", ["--rename=a=b", "--fill=a=1"])
def test_an_option_that_would_have_no_effect(option: str, script: Path, tmp_path: Path) -> None:
    status, _, error = fsopt("run", script, "--study", tmp_path / "s", option)
    assert status == 2
    assert "is for " in error


def test_mpi_without_mpi4py(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    error = refused("run", script, "--study", tmp_path / "s", "--backend", "mpi")
    assert "mpi4py" in error


def test_what_is_enqueued_in_a_full_study_needs_more_trials(study: Path) -> None:
    status, output, _ = fsopt("enqueue", study, "x=0.5")
    assert (status, output.partition(";")[0]) == (0, "trial 3 waits to be evaluated")
    assert "fsopt reopen DIR --trials N" in output


def test_an_unknown_optimizer(script: Path, tmp_path: Path) -> None:
    error = refused("run", script, "--study", tmp_path / "s", "--optimizer", "magic")
    assert "magic" in error
    assert "random" in error


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["y=1"], "y"),
        (["x=2"], "x"),
        (["x=abc"], "x"),
        ([], "x"),
    ],
)
def test_a_configuration_that_does_not_fit(pairs: list[str], message: str, study: Path) -> None:
    assert f"'{message}'" in refused("enqueue", study, *pairs)


def test_telling_what_can_not_be_told(study: Path) -> None:
    assert "trial 0 is completed; only a running one" in refused("tell", study, 0, "--value", 1)
    assert fsopt("tell", study, 0)[0] == 2
    assert fsopt("tell", study, 0, "--value", "x")[0] == 2


def test_cancelling_and_retrying_what_is_done(study: Path) -> None:
    assert "trial 0 is completed already" in refused("cancel", study, 0)
    assert "only a failed one can be retried" in refused("retry", study, 0)


def test_a_step_outside_of_a_program() -> None:
    assert "works only in a program" in refused("step", 1, "--value", 2)


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    from fsopt.errors import StudyNotFoundError

    with pytest.raises(StudyNotFoundError):
        fsopt("status", tmp_path, "--debug")
