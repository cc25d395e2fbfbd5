"""The screen of ``fsopt watch``, and what it costs to look."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import fsopt
from fsopt.events import WriterClosed, WriterStarted
from fsopt.log.filesystem import LocalFilesystem
from fsopt.space import Float, Space
from fsopt.view.live import bars, best_curve, screen
from fsopt.view.summary import status_summary
from fsopt.view.workers import workers
from tests.unit.view.test_summary import completed, started, study_with

WIDTH, HEIGHT = 100, 30


def shown(study: fsopt.Study, height: int = HEIGHT) -> list[str]:
    console = Console(width=WIDTH, height=height, force_terminal=False, record=True)
    with console.capture() as capture:
        console.print(screen(study, WIDTH, height))
    return capture.get().splitlines()


def introduced(host: str) -> WriterStarted:
    return WriterStarted(host=host, pid=1, version="0", python="3")


def test_bars_rise_from_the_least_to_the_greatest_number() -> None:
    rows = bars(np.array([0.0, 1.0, 2.0, 3.0]), 10, 2)
    assert len(rows) == 2
    assert rows[1][0] == "▁"
    assert rows[0][-1] == "█"
    assert rows[1][-1] == "█"
    heights = [sum(" ▁▂▃▄▅▆▇█".index(row[i]) for row in rows) for i in range(4)]
    assert heights == sorted(heights)


def test_more_numbers_than_columns_show_the_latest_of_each_column() -> None:
    numbers = np.arange(1000.0)
    assert len(bars(numbers, 40, 3)[0]) == 40
    assert bars(numbers, 40, 1)[0][-1] == "█"


def test_the_curve_is_the_best_in_the_order_of_ends() -> None:
    study = study_with(
        ("a", 0.0, started(5)),
        ("b", 0.0, started(3)),
        ("c", 0.0, started(4)),
        ("a", 1.0, completed(5)),
        ("c", 2.0, completed(4)),
        ("b", 3.0, completed(3)),
    )
    assert best_curve(study).tolist() == [5, 4, 3]


def test_processes_are_listed_with_their_fate_and_what_they_evaluate() -> None:
    study = study_with(
        ("gone", 0.0, introduced("north")),
        ("gone", 1.0, WriterClosed()),
        ("lost", 0.0, introduced("south")),
        ("lost", 1.0, started(7)),
    )
    found = {worker.writer: worker for worker in workers(study)}
    assert found["gone"].fate == "closed"
    assert found["lost"].fate == "lost"  # silent since 1970
    assert found["lost"].running == (7,)
    assert found["lost"].host == "south"
    assert [worker.fate for worker in workers(study)] == ["lost", "closed"]


@pytest.mark.parametrize("height", [16, 24, 60])
def test_the_screen_fits(height: int) -> None:
    history = [(f"w{i}", float(i), introduced("node")) for i in range(40)]
    history += [("w0", 50.0 + i, event(i)) for i in range(30) for event in (started, completed)]
    study = study_with(*history)
    lines = shown(study, height)
    assert len(lines) <= max(height, 20)
    assert "more processes" in "\n".join(lines)


def test_an_empty_study_has_a_screen() -> None:
    assert "no trial is completed yet" in "\n".join(shown(study_with()))


def test_texts_of_a_study_are_no_markup() -> None:
    study = fsopt.create_study(None, space=Space(Float("[red]x", 0.0, 1.0)), seed=1)
    study.tell(study.ask(), fsopt.Failure("[bold]bad[/nothing]"))
    assert "[bold]bad[/nothing]" in "\n".join(shown(study))


def test_watching_many_processes_reads_none_of_their_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reads of a look do not grow with the number of logs, once they are many."""
    monkeypatch.setattr("fsopt.study.session.MANY_LOGS", 4)
    space = Space(Float("x", 0.0, 1.0))
    lease = 0.05  # all seem to be silent; asking each of them must not mean to read its log
    crew = [fsopt.create_study(tmp_path, space=space, seed=1, lease=lease) for _ in range(12)]
    for study in crew:
        study.tell(study.ask(), 1.0)
    reads: list[str] = []
    read = LocalFilesystem.read

    def counted(self: LocalFilesystem, path: str, offset: int = 0) -> bytes:
        reads.append(path)
        return read(self, path, offset)

    monkeypatch.setattr(LocalFilesystem, "read", counted)
    watcher = fsopt.open_study(tmp_path)
    status_summary(watcher)  # there is no snapshot yet, so the logs are read once
    assert len([path for path in reads if path.startswith("log/")]) >= len(crew)
    reads.clear()
    watcher.session.refresh()
    assert status_summary(watcher)["trials"]["completed"] == len(crew)
    time.sleep(2 * lease)
    workers(watcher)
    watcher.session.look()
    assert not [path for path in reads if path.startswith("log/")]
    for study in crew:
        study.close()


def test_who_is_content_reads_no_logs_of_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsopt.study.session.MANY_LOGS", 2)
    crew = [
        fsopt.create_study(tmp_path, space=Space(Float("x", 0.0, 1.0)), seed=1) for _ in "abcd"
    ]
    for study in crew:
        study.tell(study.ask(), 1.0)
    watcher = fsopt.open_study(tmp_path)
    watcher.session.be_content()
    assert len(watcher.state.trials) == 0
    watcher.sync()
    assert len(watcher.state.trials) == 4
    for study in crew:
        study.close()
