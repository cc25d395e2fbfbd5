"""What one simulated process knows beyond what is common."""

from __future__ import annotations

from fsopt.bench.cluster.layers import CommonTable, LayeredState
from fsopt.bench.cluster.sharing import Library, SharingReader
from fsopt.bench.cluster.timeline import Timeline
from fsopt.bench.functions import PROBLEMS
from fsopt.config import StudyConfig
from fsopt.events import Heartbeat, Record, WriterClosed
from fsopt.log.memory import MemoryFilesystem
from fsopt.log.writer import LogWriter
from fsopt.objectives import Objectives
from fsopt.state import StudyState

SPACE = PROBLEMS["branin"].space


def common_state(*writers: str) -> StudyState:
    state = StudyState(SPACE, 1)
    state.apply_all(Record(writer, 0, 1.0, Heartbeat()) for writer in writers)
    return state


def layer_over(common: StudyState) -> LayeredState:
    objectives = Objectives.of(StudyConfig(space=SPACE).objectives)
    return LayeredState(common, CommonTable(common, objectives, SPACE), 1)


def test_a_layer_shows_the_common_writers_and_its_own() -> None:
    layer = layer_over(common_state("a", "b"))
    layer.apply_all([Record("b", 1, 2.0, Heartbeat()), Record("c", 0, 3.0, Heartbeat())])
    assert {name: w.last_time for name, w in layer.writers.items()} == {"a": 1, "b": 2, "c": 3}
    assert len(layer.writers) == 3
    assert "a" in layer.writers
    assert "d" not in layer.writers


def test_what_a_layer_learns_of_a_common_writer_the_others_do_not() -> None:
    common = common_state("a", "b")
    layer, other = layer_over(common), layer_over(common)
    layer.apply(Record("a", 1, 2.0, WriterClosed()))
    assert layer.writers["a"].closed
    assert not other.writers["a"].closed
    assert common.positions == {"a": 1, "b": 1}


def test_a_layer_counts_only_writers_of_whom_more_is_known() -> None:
    layer = layer_over(common_state("a", "b"))
    layer.apply(Record("b", 1, 2.0, Heartbeat()))
    assert layer.positions == {"b": 2}


def test_what_a_process_has_read_itself_it_keeps_until_a_snapshot_tells_it() -> None:
    shelf = MemoryFilesystem()
    LogWriter(shelf, "other", lambda: 1.0).append([Heartbeat()])
    library = Library(StudyConfig(space=SPACE), Timeline(), lambda: None)
    reader = SharingReader(shelf, "me", 0, library.read(frozenset()))
    reader.follows_all, reader.watched = False, {"other"}
    records = reader.poll(0.0)
    assert [record.event for record in records] == [Heartbeat()]
    reader.show(library.read(frozenset()), 1.0)
    assert reader.heard == records
    newer = library.read(frozenset())
    newer.state.apply_all(records)
    reader.show(newer, 2.0)
    assert reader.heard == []
