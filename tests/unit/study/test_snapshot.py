"""A snapshot holds everything: with the rest of the logs it gives the very same state."""

from __future__ import annotations

import json
from pathlib import Path

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
from fsopt.log.reader import Damage, Position
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space
from fsopt.study.snapshot import DamagedSnapshotError, Snapshot, from_bytes, to_bytes
from tests.golden.picture import picture as study_picture
from tests.unit.state.test_fold import SPACE, fold, logs, picture, records_of

CONFIG = StudyConfig(space=SPACE, objectives={"y": "minimize"}, seed=1)


def through_bytes(records: list[Record]) -> Snapshot:
    positions = (Position("w1", 0, 17, True), Position("w2", 3, 5, False))
    damage = (Damage("log/0/w1.0.jsonl", 3, "torn"),)
    return from_bytes(to_bytes(Snapshot(fold(records), positions, damage), CONFIG), CONFIG)


@given(logs, st.data())
def test_a_snapshot_and_the_rest_of_the_logs_are_the_whole(
    logs: dict[str, list[e.Event]], data: st.DataObject
) -> None:
    records = data.draw(st.permutations(records_of(logs)))
    cut = data.draw(st.integers(0, len(records)))
    snapshot = through_bytes(records[:cut])
    assert picture(snapshot.state) == picture(fold(records[:cut]))
    snapshot.state.apply_all(records)
    assert picture(snapshot.state) == picture(fold(records))
    assert snapshot.positions[1] == Position("w2", 3, 5, False)
    assert snapshot.damage == (Damage("log/0/w1.0.jsonl", 3, "torn"),)


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
    path = fsopt.open_study(tmp_path).compact()
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
        path = study.compact()
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
    path = fsopt.open_study(tmp_path).compact()
    content = path.read_bytes()
    for at in range(0, len(content), len(content) // 50):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert study_picture(fsopt.open_study(tmp_path)) == before
    path.write_bytes(content[:-7])
    assert study_picture(fsopt.open_study(tmp_path)) == before
    filesystem = fsopt.open_study(tmp_path).session.journal.filesystem
    for foreign in (b"", b"PAR1", b"{}"):
        snapshots.publish(filesystem, "stranger", foreign)
    assert study_picture(fsopt.open_study(tmp_path)) == before


@pytest.mark.parametrize("content", [b"", b"PAR1" * 3, b"{}"])
def test_what_is_no_snapshot_is_told_apart(content: bytes) -> None:
    with pytest.raises(DamagedSnapshotError):
        from_bytes(content, CONFIG)


def test_a_snapshot_of_another_space_is_not_used(tmp_path: Path) -> None:
    with ordinary_study(tmp_path) as study:
        content = study.compact().read_bytes()
    with pytest.raises(DamagedSnapshotError):
        from_bytes(content, CONFIG)


def test_old_snapshots_are_removed_and_names_are_never_used_again() -> None:
    filesystem = MemoryFilesystem()
    paths = [snapshots.publish(filesystem, "w", b"x" * n) for n in range(4)]
    assert snapshots.remove_old(filesystem) == paths[:2]
    assert [path for path, _ in snapshots.newest_first(filesystem)] == paths[:1:-1]
    assert snapshots.publish(filesystem, "w", b"") not in paths
    filesystem.publish("snapshot/notes.txt", b"")
    assert [path for path, _ in snapshots.newest_first(filesystem)][1:] == paths[:1:-1]


def test_a_file_whose_name_has_another_checksum_is_not_believed(tmp_path: Path) -> None:
    with ordinary_study(tmp_path / "one", trials=3) as study:
        name = study.compact()
    with ordinary_study(tmp_path / "two", trials=9) as study:
        name.write_bytes(study.compact().read_bytes())
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
