"""A snapshot holds everything: with the rest of the logs it gives the very same state."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsopt
from fsopt import events as e
from fsopt.config import StudyConfig
from fsopt.events import Record
from fsopt.log import layout, snapshots
from fsopt.log.filesystem import LocalFilesystem
from fsopt.log.memory import MemoryFilesystem
from fsopt.log.reader import Damage, LogReader, Position
from fsopt.log.snapshots import SnapshotName
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space
from fsopt.state import StudyState
from fsopt.state.residue import facts
from fsopt.study.chain import Chain
from fsopt.study.snapshot import (
    Contents,
    DamagedSnapshotError,
    Scalars,
    WriterEntry,
    facts_of,
    from_bytes,
    to_bytes,
)
from tests.golden.picture import picture as study_picture
from tests.unit.state.test_fold import SPACE, fold, logs, picture, records_of

CONFIG = StudyConfig(space=SPACE, objectives={"y": "minimize"}, seed=1)


def contents_of(state: StudyState, earlier: frozenset[int] = frozenset()) -> Contents:
    """What a file holds that is to tell all of a state but some trials."""
    trials = state.trials
    numbers = trials.row_numbers()
    return Contents(
        base=(),
        includes=(),
        rows=trials.frozen(numbers[~np.isin(numbers, list(earlier))]),
        facts=facts_of(trial for trial in trials.live() if trial.number not in earlier),
        writers={
            name: WriterEntry(
                state=writer,
                positions=(Position(name, 0, 17, True), Position(name, 3, 5, False)),
                damage=(Damage(layout.segment(name, 0), 3, "torn"),),
                seen=1.5,
            )
            for name, writer in state.writers.items()
        },
        scalars=Scalars(
            budget=state.budget,
            generation=state.generation,
            stopped=state.stopped,
            observed=2.5,
            watermarks=((1, 0.5),),
            ensembles=tuple(
                Record(stamp.writer, stamp.seq, stamp.time, event)
                for event, stamp in state.ensembles.values()
            ),
            priors=tuple(
                Record(stamp.writer, stamp.seq, stamp.time, event)
                for event, stamp in state.priors.values()
            ),
        ),
    )


class Publisher:
    """Puts files into the snapshot directory of a study in memory."""

    def __init__(self) -> None:
        self.filesystem = MemoryFilesystem()
        self.names: list[SnapshotName] = []

    def publish(self, contents: Contents) -> SnapshotName:
        content = to_bytes(contents, [], CONFIG)
        name = snapshots.publish(self.filesystem, len(self.names) + 1, "w", content)
        self.names.append(name)
        return name

    def read(self) -> tuple[StudyState, LogReader]:
        state, reader = StudyState(SPACE, 1), LogReader(self.filesystem, "me")
        Chain(self.filesystem, CONFIG, lambda: 0.0).take_in(state, Reading(reader))
        return state, reader


class Reading:
    """A reader without a clock."""

    def __init__(self, reader: LogReader) -> None:
        self.reader = reader

    def join(self, positions: Iterable[Position], damage: Iterable[Damage]) -> None:
        self.reader.join(positions, damage, 0.0)


@given(logs, st.data())
def test_a_snapshot_and_the_rest_of_the_logs_are_the_whole(
    logs: dict[str, list[e.Event]], data: st.DataObject
) -> None:
    records = data.draw(st.permutations(records_of(logs)))
    cut = data.draw(st.integers(0, len(records)))
    publisher = Publisher()
    publisher.publish(contents_of(fold(records[:cut])))
    state, reader = publisher.read()
    assert picture(state) == picture(fold(records[:cut]))
    state.apply_all(records)
    assert picture(state) == picture(fold(records))
    told = {record.writer for record in records[:cut]}
    assert {p.writer for p in reader.positions} == told
    assert {d.file for d in reader.damage} == {layout.segment(name, 0) for name in told}


@given(logs, st.data())
def test_files_that_build_on_each_other_are_the_whole(
    logs: dict[str, list[e.Event]], data: st.DataObject
) -> None:
    """Each holds what it must: the trials that its base does not tell as they are now."""
    records = data.draw(st.permutations(records_of(logs)))
    cut = data.draw(st.integers(0, len(records)))
    publisher, before, now = Publisher(), fold(records[:cut]), fold(records)
    base = publisher.publish(contents_of(before))
    unchanged = frozenset(
        number
        for number in before.trials.numbers()
        if list(facts(before.trials[number])) == list(facts(now.trials[number]))
    )
    publisher.publish(replace(contents_of(now, unchanged), base=(base,)))
    state, _ = publisher.read()
    assert picture(state) == picture(now)


def test_a_file_whose_base_is_gone_tells_its_trials_and_leaves_the_logs_to_be_read() -> None:
    publisher = Publisher()
    records = [Record("w1", n, 0.0, e.TrialFailed(trial=n, reason="boom")) for n in range(2)]
    base = publisher.publish(contents_of(fold(records[:1])))
    publisher.publish(replace(contents_of(fold(records[1:])), base=(base,)))
    publisher.filesystem.remove(base.path)
    state, reader = publisher.read()
    assert state.trials.numbers() == [1]
    assert state.writers == {}
    assert reader.positions == ()


@given(logs, st.data())
def test_two_generations_made_at_once_are_both_taken_in(
    logs: dict[str, list[e.Event]], data: st.DataObject
) -> None:
    records = records_of(logs)
    part = [record for record in records if record.writer == "w1"]
    rest = [record for record in records if record.writer != "w1"]
    publisher = Publisher()
    for one in data.draw(st.permutations([part, rest])):
        publisher.publish(contents_of(fold(one)))
    state, _ = publisher.read()
    assert picture(state) == picture(fold(records))


def ordinary_study(directory: Path | None, trials: int = 12) -> fsopt.Study:
    space = Space(
        Float("x", 0.0, 1.0),
        Int("n", 1, 9),
        Ordinal("size", [16, 32]),
        Ordinal("mixed", [1, "1"]),
        Categorical("c", ["a", "b"]),
        Categorical("flag", [True, False]),
        Constant("k", ("x", 1)),
        conditions={"n": "x < 0.5", "c": "flag", "size": "x < 0.7"},
    )
    config = StudyConfig(
        space=space, objectives={"y": "minimize"}, seed=3, optimizer=fsopt.RandomSearch()
    )
    study = fsopt.create_study(directory, config)
    study.enqueue({"x": 0.25, "n": 4, "size": 16, "mixed": "1", "c": "b", "flag": True})
    for trial in study.ask(trials):
        trial.report(0.5, step=1)
        trial.report(float("nan"), step=2)
        if trial.number % 4 == 1:
            study.tell(trial, fsopt.Failure("odd"))
            continue
        trial.set_attribute("half", trial.number / 2)
        study.tell(trial, float(trial.number))
    return study


def test_a_study_opens_from_its_snapshot_to_the_same_state(tmp_path: Path) -> None:
    with ordinary_study(tmp_path) as study:
        study.ask()
    before = study_picture(fsopt.open_study(tmp_path))
    path = fsopt.open_study(tmp_path).compact().path
    assert path.parent == tmp_path / layout.SNAPSHOTS
    again = fsopt.open_study(tmp_path)
    assert study_picture(again) == before
    for log in (tmp_path / "log").rglob("*.jsonl"):
        log.write_bytes(b"")
    assert study_picture(fsopt.open_study(tmp_path)) == before


def test_what_comes_after_the_snapshot_is_read_from_the_logs(tmp_path: Path) -> None:
    study = ordinary_study(tmp_path)
    fsopt.open_study(tmp_path).compact()
    for trial in study.ask(3):
        study.tell(trial, -1.0)
    study.close()
    opened = fsopt.open_study(tmp_path)
    assert len(opened.state.trials) == 15
    assert opened.best is not None
    assert opened.best.value == -1.0
    assert opened.trials().equals(fresh_table(tmp_path))


def fresh_table(directory: Path) -> pd.DataFrame:
    """The table as it is read from the logs alone."""
    for path in (directory / layout.SNAPSHOTS).iterdir():
        path.unlink()
    return fsopt.open_study(directory).trials()


def test_the_file_is_a_table_for_everybody(tmp_path: Path) -> None:
    with ordinary_study(tmp_path) as study:
        path = study.compact().path
    table = pd.read_parquet(path).set_index("trial").sort_index()
    rows = fsopt.open_study(tmp_path).trials().set_index("trial")
    assert table.index.tolist() == list(range(12))
    for name in ("state", "param.c", "error", "worker"):
        assert table[name].astype("object").fillna("").tolist() == rows[name].fillna("").tolist()
    for name in ("y", "param.x"):
        assert table[name].equals(rows[name])
    assert table["param.n"].astype("Int64").tolist() == rows["param.n"].tolist()
    assert table["param.size"].astype("Int64").tolist() == rows["param.size"].tolist()
    assert [json.loads(cell) for cell in table["param.mixed"]] == rows["param.mixed"].tolist()
    assert json.loads(table["attributes"][2]) == {"half": 1.0}
    assert (table["finished_at"] - table["started_at"]).dt.total_seconds().min() >= 0
    assert str(table["started_at"].dt.tz) == "UTC"


def test_a_damaged_or_foreign_snapshot_is_passed_over(tmp_path: Path) -> None:
    with ordinary_study(tmp_path):
        pass
    before = study_picture(fsopt.open_study(tmp_path))
    path = fsopt.open_study(tmp_path).compact().path
    content = path.read_bytes()
    for at in range(0, len(content), len(content) // 50):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert study_picture(fsopt.open_study(tmp_path)) == before
    path.write_bytes(content[:-7])
    assert study_picture(fsopt.open_study(tmp_path)) == before
    filesystem = fsopt.open_study(tmp_path).session.journal.filesystem
    for generation, foreign in enumerate((b"", b"PAR1", b"{}"), 5):
        snapshots.publish(filesystem, generation, "stranger", foreign)
    assert study_picture(fsopt.open_study(tmp_path)) == before


@pytest.mark.parametrize("content", [b"", b"PAR1" * 3, b"{}"])
def test_what_is_no_snapshot_is_told_apart(content: bytes) -> None:
    with pytest.raises(DamagedSnapshotError):
        from_bytes(content, CONFIG)


def test_a_snapshot_of_another_space_is_not_used(tmp_path: Path) -> None:
    with ordinary_study(tmp_path) as study:
        content = study.compact().path.read_bytes()
    with pytest.raises(DamagedSnapshotError):
        from_bytes(content, CONFIG)


def test_a_file_whose_name_has_another_checksum_is_not_believed(tmp_path: Path) -> None:
    with ordinary_study(tmp_path / "one", trials=3) as study:
        name = study.compact().path
    with ordinary_study(tmp_path / "two", trials=9) as study:
        name.write_bytes(study.compact().path.read_bytes())
    assert len(fsopt.open_study(tmp_path / "one").state.trials) == 3


def test_what_a_snapshot_covers_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = ordinary_study(tmp_path)
    (log,) = (tmp_path / "log").rglob("*.jsonl")
    with log.open("ab") as file:
        file.write(b"garbage\n")
    covered = log.stat().st_size
    fsopt.open_study(tmp_path).compact()
    study.tell(study.ask(), 1.0)
    reads: list[tuple[str, int]] = []
    read = LocalFilesystem.read

    def note(self: LocalFilesystem, path: str, offset: int = 0) -> bytes:
        reads.append((path, offset))
        return read(self, path, offset)

    monkeypatch.setattr(LocalFilesystem, "read", note)
    opened = fsopt.open_study(tmp_path)
    assert [offset for path, offset in reads if path.startswith("log/")] == [covered]
    assert len(opened.session.journal.damage) == 1
    assert len(opened.state.trials) == 13
