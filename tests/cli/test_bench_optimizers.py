"""`fsopt bench optimizers` and `fsopt bench suggest`."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fsopt.cli.main import main


def bench(*words: object) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, words)])


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_comparison_is_made_once_and_then_resumed(tmp_path: Path) -> None:
    output = tmp_path / "runs.jsonl"
    command = ["optimizers", "--problems", "branin,menu", "--optimizers", "fsopt,random"]
    command += ["--evaluations", "8", "--jobs", "2", "--output", str(output)]
    first = bench(*command, "--seeds", 1)
    assert first.exit_code == 0, first.output
    assert len(lines_of(output)) == 4
    for text in ("branin: regret", "menu: regret", "Over 2 problems", "rank by median"):
        assert text in first.stdout
    assert "fsopt on branin, seed 0: " in first.stderr
    second = bench(*command, "--seeds", 2)
    assert second.exit_code == 0
    runs = lines_of(output)
    assert [run["seed"] for run in runs] == [0] * 4 + [1] * 4
    assert "seed 0" not in second.stderr
    third = bench(*command, "--seeds", 2)
    assert third.stdout == second.stdout
    assert third.stderr == ""
    assert lines_of(output) == runs


def test_only_runs_that_were_asked_for_are_told(tmp_path: Path) -> None:
    output = tmp_path / "runs.parquet"
    command = ["optimizers", "--evaluations", 5, "--seeds", 1, "--output", output]
    assert bench(*command, "--problems", "branin", "--optimizers", "random,sobol").exit_code == 0
    again = bench(*command, "--problems", "branin", "--optimizers", "sobol")
    assert "sobol" in again.stdout
    assert "random " not in again.stdout


def test_recorded_peers_stand_beside_and_a_document_gets_the_tables(tmp_path: Path) -> None:
    document = tmp_path / "doc.md"
    name = "fsopt bench optimizers --problems branin"
    document.write_text(f"before\n<!-- {name}: begin -->\nold\n<!-- {name}: end -->\nafter\n")
    words = ["--problems", "branin", "--optimizers", "random,recorded", "--seeds", 1]
    result = bench("optimizers", *words, "--evaluations", 50, "--markdown", document)
    assert result.exit_code == 0, result.output
    text = document.read_text()
    assert "| 50 | recorded:smac-bb |" in text
    assert f"\n{name} --optimizers random,recorded --evaluations 50 --seeds 1" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    chosen = bench("optimizers", *words[:3], "recorded:ax", "--evaluations", 20)
    assert "recorded:ax" in chosen.stdout
    assert "recorded:cma" not in chosen.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--problems", "levi"], "no problem or group 'levi'"),
        (["--optimizers", "magic"], "no optimizer 'magic'"),
        (["--optimizers", "random,recorded:magic"], "no 'recorded:magic'; there are recorded:ax"),
        (["--optimizers", "random,recorded", "--workers", "2"], "recorded runs have one worker"),
        (["--output", "runs.csv"], "should end in .jsonl or .parquet"),
    ],
)
def test_nonsense_is_refused_before_anything_runs(words: list[str], message: str) -> None:
    result = bench("optimizers", *words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "seed 0" not in result.stderr


def test_a_document_without_a_place_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "doc.md").write_text("nothing")
    words = ["--problems", "mixed", "--workers", 4, "--decentralised", 0.5]
    result = bench("optimizers", *words, "--markdown", tmp_path / "doc.md")
    assert result.exit_code == 1
    assert "--problems mixed --workers 4 --decentralised 0.5: begin" in result.stderr
    assert "seed 0" not in result.stderr


def test_figures_are_drawn_or_the_extra_is_named(tmp_path: Path) -> None:
    words = ["--problems", "branin", "--optimizers", "random", "--evaluations", 5, "--seeds", 2]
    for workers in (1, 3):
        made = tmp_path / str(workers)
        result = bench("optimizers", *words, "--workers", workers, "--plot", made)
        if find_spec("matplotlib"):
            assert result.exit_code == 0, result.output
            assert "</svg>" in (made / "branin.svg").read_text()
        else:
            assert result.exit_code == 1
            assert "pip install 'fsopt[plot]'" in result.stderr


def test_the_time_of_suggestions(tmp_path: Path) -> None:
    document = tmp_path / "doc.md"
    mark = "<!-- fsopt bench suggest: {} -->\n"
    document.write_text(mark.format("begin") + mark.format("end"))
    words = ["--optimizers", "random", "--trials", "20", "--proposals", 2]
    result = bench("suggest", *words, "--markdown", document, "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert len(rows) == 6
    assert all(row["systems"]["random"]["median"] > 0 for row in rows)
    assert "| 20 trials of 7 mixed: peak memory, MB |" in document.read_text()


def test_sizes_that_are_no_numbers_are_refused() -> None:
    result = bench("suggest", "--trials", "10,many")
    assert result.exit_code == 2
    assert "--trials takes numbers" in result.stderr
