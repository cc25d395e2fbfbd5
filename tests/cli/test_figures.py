"""``fsopt plot``, ``report``, ``importance`` and ``watch``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import fsopt
from fsopt.cli.main import main
from fsopt.figures import FIGURES
from tests.unit.figures.studies import SPACE, objective

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("figures") / "study"
    with fsopt.create_study(
        path,
        space=SPACE,
        objectives={"loss": "minimize", "cost": "minimize"},
        seed=3,
        optimizer=fsopt.RandomSearch(),
    ) as study:
        study.run(objective, trials=40)
    return path


def fsopt_(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("html", b"<!D")]
)
def test_plot_writes_the_format_of_the_name(
    directory: Path, tmp_path: Path, ending: str, start: bytes
) -> None:
    path = tmp_path / f"a.{ending}"
    assert fsopt_("plot", directory, "history", "-o", path).exit_code == 0
    assert path.read_bytes().startswith(start)


def test_plot_all_draws_what_there_is_and_tells_what_is_left_out(
    directory: Path, tmp_path: Path
) -> None:
    result = fsopt_("plot", directory, "all", "-o", tmp_path / "all")
    assert result.exit_code == 0
    assert {p.stem for p in (tmp_path / "all").iterdir()} == set(FIGURES) - {"ensemble", "prior"}
    assert "ensemble is left out: no ensemble was built" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pie", "-o", "a.png"], "there is no figure 'pie'"),
        (["ensemble", "-o", "a.png"], "fsopt ensemble --help"),
        (["history", "-o", "a.gif"], ".png, .svg"),
        (["history", "-o", "/nowhere/a.html"], "can't write /nowhere/a.html"),
        (["slice", "-o", "a.png", "--objective", "speed"], "no objective 'speed'"),
        (["contour", "-o", "a.png", "--param", "rate"], "two parameters, not 1"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    directory: Path, words: list[str], message: str
) -> None:
    result = fsopt_("plot", directory, *words)
    assert result.exit_code != 0
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_every_kind_stands_in_the_help() -> None:
    text = fsopt_("plot", "--help").stdout
    assert all(name in text for name in FIGURES)


def test_importance_prints_the_shares(directory: Path) -> None:
    told = json.loads(fsopt_("importance", directory, "--json").stdout)
    assert {each["name"] for each in told["parameters"]} == set(SPACE.names)
    assert told["parameters"][0]["fanova"] >= told["parameters"][1]["fanova"]
    assert "together" in fsopt_("importance", directory).stdout


def test_report_follows_until_the_study_is_over(directory: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    result = fsopt_("report", directory, "-o", path, "--follow", 1)
    assert result.exit_code == 0  # it has all its trials already
    assert 'http-equiv="refresh"' not in path.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_watch_shows_one_screen_where_there_is_no_terminal(directory: Path) -> None:
    text = fsopt_("watch", directory).stdout
    assert "40 of 40 trials" in text
    assert "best loss over" in text
    assert "closed" in text
    assert "out of memory" in text
