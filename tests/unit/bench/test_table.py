"""The table of a benchmark and the section that it is written to."""

from pathlib import Path

import pytest

from fsopt.bench.report import check_marks, replace_section, section
from fsopt.bench.table import Cell, Measured, Missing, Row, Table, columns, markdown, number
from fsopt.errors import StorageError

TITLES = {"own": "own", "other": "Other"}


def row(own: Cell, other: Cell, better: str = "less") -> Row:
    return Row("cost", "ms", {"own": own, "other": other}, better)  # type: ignore[arg-type]


def test_a_ratio_tells_how_many_times_better_one_is() -> None:
    rows = [
        row(Measured((2.0, 1.0, 9.0)), Measured((8.0,))),
        row(Measured((6.0,)), Measured((2.0,)), "more"),
    ]
    assert [r["times_better_than"] for r in Table(TITLES, rows).data()] == [
        {"other": 4.0},
        {"other": 3.0},
    ]


def test_nothing_is_compared_with_nothing() -> None:
    rows = [row(Measured((2.0,)), Missing("not installed")), row(Measured((0.0,)), Measured((1,)))]
    table = Table(TITLES, rows)
    assert [r["times_better_than"]["other"] for r in table.data()] == [None, None]
    assert table.texts()[1] == ["cost, ms", "2", "not installed", ""]


def test_cells_show_median_spread_and_note() -> None:
    (head, line) = Table(
        TITLES, [row(Measured((3.0, 1.0, 2.0)), Measured((4.0,), "at 9"))]
    ).texts()
    assert head == ["", "own", "Other", "than Other"]
    assert line == ["cost, ms", "2 (1 to 3)", "4, at 9", "2 x"]


def test_a_peer_that_was_not_measured_has_no_column_of_ratios() -> None:
    assert Table(TITLES, [row(Measured((1.0,)), Missing("no"))]).texts()[0] == ["", "own", "Other"]


def test_only_failures_of_ones_own_are_failures() -> None:
    failed = Missing("broke", failed=True)
    table = Table(TITLES, [row(Measured((1.0,)), failed), row(failed, failed)])
    assert table.failures() == ["cost: broke"]
    assert not Table(TITLES, [row(Missing("not measured"), failed)]).failures()


@pytest.mark.parametrize(
    ("value", "text"), [(0.00012345, "0.000123"), (12.34, "12.3"), (99_999.6, "100,000"), (0, "0")]
)
def test_numbers_have_three_significant_digits_or_more(value: float, text: str) -> None:
    assert number(value) == text


def test_columns_are_aligned() -> None:
    assert columns([["", "bb"], ["aaa", "c"]]) == ["     bb", "aaa  c"]


def test_a_section_replaces_what_stood_between_its_marks_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "doc.md"
    path.write_text("before\n<!-- b: begin -->\nold\n<!-- b: end -->\nafter\n")
    table = Table(TITLES, [row(Measured((1.0,)), Missing("no"))])
    text = section("b", {"CPU": "2"}, markdown(table.texts()))
    for _ in range(2):
        replace_section(path, "b", text)
    assert path.read_text() == (
        "before\n<!-- b: begin -->\n```\nb\n```\n\nCPU: 2.\n\n"
        "|  | own | Other |\n| --- | --- | --- |\n| cost, ms | 1 | no |\n"
        "<!-- b: end -->\nafter\n"
    )


@pytest.mark.parametrize("text", ["", "<!-- b: begin -->", "<!-- b: end -->\n<!-- b: begin -->"])
def test_a_document_without_both_marks_in_order_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "doc.md").write_text(text)
    with pytest.raises(StorageError, match="add the lines"):
        check_marks(tmp_path / "doc.md", "b")
