"""`fsopt bench cluster`."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from fsopt.cli.main import main

MARKS = "<!-- fsopt bench cluster{}: begin -->\n<!-- fsopt bench cluster{}: end -->\n"

SMALL = ["bench", "cluster", "--workers", "3", "--trials-per-worker", "1", "--losses", "0"]


def test_each_number_of_proposers_has_a_column(tmp_path: Path) -> None:
    document = tmp_path / "doc.md"
    document.write_text(MARKS.format("", ""))
    command = [*SMALL, "--proposers", "0,1", "--markdown", str(document)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    text = document.read_text()
    assert "|  | 3 workers | 1 proposing, 2 evaluating |" in text
    assert "| trials | 3 | 3 |" in text
    assert "--workers 3 --proposers 0,1 --trials-per-worker 1" in text


def test_a_comparison_of_optimizers_has_a_place_of_its_own(tmp_path: Path) -> None:
    document = tmp_path / "doc.md"
    optimizers = " --optimizers"
    document.write_text(MARKS.format("", "") + MARKS.format(optimizers, optimizers))
    command = [*SMALL, "--optimizers", "random,halton", "--seeds", "2"]
    result = CliRunner().invoke(main, [*command, "--markdown", str(document)])
    assert result.exit_code == 0, result.output
    assert result.stderr.count("halton, seed 1") == 1
    assert document.read_text().startswith(MARKS.format("", ""))
    assert "| optimizer | random | halton |" in document.read_text()


def test_proposers_alone_are_refused_before_anything_is_simulated() -> None:
    result = CliRunner().invoke(main, [*SMALL, "--proposers", "0,3"])
    assert result.exit_code == 1
    assert "none to evaluate" in result.stderr
    assert "simulating" not in result.stderr
