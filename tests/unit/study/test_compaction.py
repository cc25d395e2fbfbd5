"""Who makes snapshots when, how often a trial is written again, and what is removed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

import fsopt
from fsopt.config import to_document
from fsopt.errors import StorageError
from fsopt.events import AttributeSet, Heartbeat, TrialRetried
from fsopt.log import layout, snapshots
from fsopt.log.filesystem import LocalFilesystem
from fsopt.log.verify import Severity
from fsopt.state import TrialState
from fsopt.study import compaction, session, wholesale
from fsopt.study.collection import RETENTION, SAFE, STALE
from fsopt.study.session import Session
from fsopt.study.verification import verify_filesystem
from fsopt.study.wholesale import compact
from tests.unit.study.test_dispatch import CONFIG, LEASE, Cluster, Node

HOUR = 3600.0


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(Session, "keep_alive", lambda _: None)
    monkeypatch.setattr(compaction, "TRIALS_PER_GENERATION", 10)
    cluster = Cluster()
    document = to_document(CONFIG, identifier="i", created="now", version="1")
    cluster.filesystem.publish(layout.STUDY, document)
    return cluster


def evaluate(node: Node, trials: int) -> None:
    """Take and complete trials; a little time passes with each."""
    for _ in range(trials):
        for number, attempt in node.take():
            node.complete(number, attempt)


def generations(cluster: Cluster) -> list[int]:
    return [name.generation for name in snapshots.look(cluster.filesystem).names]


def joined(cluster: Cluster, name: str = "observer") -> Node:
    node = cluster.node(name)
    node.session.open()
    return node


def picture(node: Node) -> list[str]:
    node.session.sync()
    return [repr(trial) for trial in node.session.state.trials]


def test_a_study_of_few_trials_has_no_snapshot(cluster: Cluster) -> None:
    evaluate(cluster.node("a"), 9)
    assert generations(cluster) == []


def test_generations_follow_the_trials_and_tell_all_that_is_finished(cluster: Cluster) -> None:
    a, b = cluster.node("a"), cluster.node("b")
    for _ in range(60):
        evaluate(a, 1)
        evaluate(b, 1)
        a.now += 1.0
        b.now += 1.0
    made = generations(cluster)
    assert 6 <= len(made) <= 12, "one for some ten trials, and at most one each time"
    reads = Reads(cluster)
    observer = joined(cluster)
    assert len(observer.session.state.trials) == 120
    written = sum(
        len(content)
        for path, content in cluster.filesystem.files.items()
        if path.startswith(layout.LOG)
    )
    assert 0 < reads.bytes_of(layout.LOG) < 0.3 * written


class Reads:
    """Notes what is read from now on."""

    def __init__(self, cluster: Cluster) -> None:
        self.paths: list[tuple[str, int]] = []
        self._cluster, read = cluster, cluster.filesystem.read

        def noted(path: str, offset: int = 0) -> bytes:
            content = read(path, offset)
            self.paths.append((path, len(content)))
            return content

        cluster.filesystem.read = noted  # type: ignore[method-assign]

    def bytes_of(self, part: str) -> int:
        return sum(length for path, length in self.paths if path.startswith(part))


def test_a_trial_is_written_again_a_logarithmic_number_of_times(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    to_bytes = compaction.to_bytes

    def counted(contents: object, *rest: object) -> bytes:
        rows.append(len(contents.rows.numbers))  # type: ignore[attr-defined]
        return to_bytes(contents, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(compaction, "to_bytes", counted)
    node = cluster.node("a")
    trials = 640
    for _ in range(trials):
        evaluate(node, 1)
        node.now += 1.0
    assert len(rows) >= trials / 20
    assert sum(rows) <= trials * (1 + math.log2(trials / 10))
    assert len(node.session.chain.tiers) <= 1 + math.log2(trials / 10)


def test_what_changes_after_it_was_written_is_written_again(cluster: Cluster) -> None:
    node = cluster.node("a")
    evaluate(node, 5)
    node.session.compactor.make()
    node.session.append(AttributeSet(trial=1, name="note", value="late"))
    node.session.append(TrialRetried(trial=2, attempt=1))
    node.take()
    node.session.compactor.make()
    for path in [p for p in cluster.filesystem.files if p.startswith(layout.LOG)]:
        del cluster.filesystem.files[path]
    observer = joined(cluster)
    assert observer.session.state.trials[1].attributes["note"][0] == "late"
    assert observer.session.state.trials[2].retry == 1
    assert len(observer.session.state.trials) == 6
    assert observer.session.state.trials[5].state is TrialState.RUNNING


def crowd(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, size: int) -> list[Node]:
    """Processes of which each has a log, and that are too many to read each other's."""
    monkeypatch.setattr(session, "MANY_LOGS", 3)
    nodes = [joined(cluster, f"n{index}") for index in range(size)]
    for node in nodes:
        node.take()
    return nodes


def pass_time(nodes: list[Node], seconds: float, step: float = 5.0) -> None:
    for _ in range(round(seconds / step)):
        for node in nodes:
            node.now += step
            node.session.append(Heartbeat())
            node.session.refresh()


def test_in_a_crowd_one_process_reads_for_all(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = crowd(cluster, monkeypatch, 12)
    pass_time(nodes, 150.0)
    makers = {name.writer for name in snapshots.look(cluster.filesystem).names}
    assert makers <= {node.session.writer for node in nodes}
    last = snapshots.look(cluster.filesystem).newest
    assert last is not None
    readers = [node for node in nodes if node.session.journal.follows_all]
    assert [node.session.writer for node in readers] == [last.writer]
    for node in nodes:
        node.complete(*node_trial(node))
    pass_time(nodes, 30.0)
    for node in nodes:
        assert node.session.state.trials.finished == 12, "all learn what all others did"


def node_trial(node: Node) -> tuple[int, int]:
    for trial in node.session.state.unfinished():
        attempt = trial.decisive
        if attempt is not None and attempt.writer == node.session.writer:
            return trial.number, attempt.index
    raise LookupError


def test_a_process_of_a_crowd_reads_a_few_files_however_many_there_are(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = crowd(cluster, monkeypatch, 30)
    pass_time(nodes, 150.0)
    follower = next(node for node in nodes if not node.session.journal.follows_all)
    reads = Reads(cluster)
    follower.complete(*node_trial(follower))
    follower.now += 10.0
    follower.take()
    logs = [path for path, _ in reads.paths if path.startswith(layout.LOG)]
    assert logs == []
    assert len(reads.paths) <= 3


def test_when_the_maker_of_a_crowd_dies_another_goes_on(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = crowd(cluster, monkeypatch, 8)
    pass_time(nodes, 150.0)
    newest = snapshots.look(cluster.filesystem).newest
    assert newest is not None
    left = [node for node in nodes if node.session.writer != newest.writer]
    pass_time(left, 2.5 * compaction.PATIENCE)
    later = snapshots.look(cluster.filesystem).newest
    assert later is not None
    assert later.writer != newest.writer
    assert later.generation > newest.generation


def test_a_lost_process_of_a_crowd_is_given_up_by_those_who_do_not_read_its_log(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = crowd(cluster, monkeypatch, 8)
    pass_time(nodes, 150.0)
    newest = snapshots.look(cluster.filesystem).newest
    assert newest is not None
    dead = next(node for node in nodes if node.session.writer != newest.writer)
    number, _ = node_trial(dead)
    followers = [n for n in nodes if n is not dead and n.session.writer != newest.writer]
    taker = followers[0]
    taker.complete(*node_trial(taker))
    for _ in range(round(3 * LEASE)):
        pass_time([node for node in nodes if node is not dead], 1.0, 1.0)
        taken = taker.take(limit=8)
        if taken:
            break
    assert taken == [(number, 1)]


def test_nobody_leaves_a_crowd_on_old_news(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "TOO_MANY_LOGS", 4)
    nodes = crowd(cluster, monkeypatch, 6)
    pass_time(nodes, 150.0)
    follower = next(node for node in nodes if not node.session.journal.follows_all)
    assert not follower.session.confirms(True)
    assert not follower.session.confirms(True)
    pass_time(nodes, 45.0)
    assert follower.session.confirms(True)
    assert not follower.session.confirms(False)


def test_whoever_wants_to_leave_a_crowd_that_is_not_too_large_reads_all_logs_once(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = crowd(cluster, monkeypatch, 6)
    pass_time(nodes, 150.0)
    follower, *others = (node for node in nodes if not node.session.journal.follows_all)
    others[0].session.append(TrialRetried(trial=0, attempt=1))
    assert follower.session.state.trials[0].retry == 0
    assert not follower.session.confirms(True)
    assert follower.session.state.trials[0].retry == 1, "so it may not want to leave any more"
    assert follower.session.confirms(True)
    assert not follower.session.confirms(False)
    follower.session.look()
    assert not follower.session.confirms(True), "every conclusion is confirmed anew"


def test_a_refusing_filesystem_costs_only_the_snapshot(cluster: Cluster) -> None:
    node = cluster.node("a")

    def refuse(_path: str, _content: bytes) -> bool:
        raise OSError(28, "No space left on device")

    cluster.filesystem.publish = refuse  # type: ignore[method-assign]
    evaluate(node, 30)
    assert generations(cluster) == []
    with pytest.raises(StorageError, match="No space left"):
        node.session.compactor.make()


def finish(cluster: Cluster, names: str, trials: int) -> None:
    for name in names:
        node = cluster.node(name)
        evaluate(node, trials)
        node.session.close()


def files(cluster: Cluster) -> list[str]:
    paths = cluster.filesystem.files
    return [p for p in paths if p != layout.STUDY and not p.endswith(".claim")]


def fold(cluster: Cluster, retention: float, *, assume_ended: bool = False) -> wholesale.Compacted:
    node = joined(cluster, f"folder{len(cluster.filesystem.files)}")
    return compact(node.session, retention, assume_ended=assume_ended, settle=lambda: None)


def check(cluster: Cluster) -> None:
    """Nothing that `verify` knows of is wrong."""
    found = verify_filesystem(cluster.filesystem)
    assert [p for p in found.problems if p.severity is not Severity.NOTE] == []


def test_a_finished_study_becomes_one_file_and_goes_on_from_it(cluster: Cluster) -> None:
    finish(cluster, "abc", 20)
    before = picture(joined(cluster))
    done = fold(cluster, 0.0)
    assert done.at_work == ()
    assert (done.collected.segments, done.collected.claims) == (3, 60)
    assert files(cluster) == [str(done.path.relative_to(joined(cluster).session.files.root))]
    again = joined(cluster)
    assert picture(again) == before
    assert again.take() == [(60, 0)]
    check(cluster)


def test_while_somebody_is_at_work_nothing_goes_that_is_not_old(cluster: Cluster) -> None:
    finish(cluster, "ab", 5)
    worker = cluster.node("c")
    evaluate(worker, 5)
    done = fold(cluster, 0.0)
    assert done.at_work == ("c",)
    assert (done.collected.segments, done.collected.claims) == (0, 0)
    assert worker.take() == [(15, 0)]
    done = fold(cluster, 0.0, assume_ended=True)
    assert done.at_work == ()
    assert (done.collected.segments, done.collected.claims) == (3, 15)


def test_who_joins_while_a_study_is_folded_keeps_its_files(cluster: Cluster) -> None:
    finish(cluster, "ab", 5)
    folder = joined(cluster, "folder")
    late = cluster.node("late")

    def settle() -> None:
        assert late.take() == [(10, 0)]

    done = compact(folder.session, 0.0, assume_ended=False, settle=settle)
    assert done.at_work == ("late",)
    assert done.collected.claims == 0


def test_old_logs_and_claims_go_by_themselves(cluster: Cluster) -> None:
    finish(cluster, "ab", 20)
    worker = joined(cluster, "c")
    for _ in range(int(RETENTION / HOUR) + 3):
        evaluate(worker, 12)
        worker.now += HOUR
    claims = [path for path in files(cluster) if path.startswith(layout.CLAIMS)]
    logs = [path for path in files(cluster) if path.startswith(layout.LOG)]
    assert [layout.writer_of(path) for path in logs] == ["c"]
    total = worker.session.state.trials.finished
    assert total - 30 * 12 <= len(claims) < total - 40
    numbers = {layout.parse_claim(path.rpartition("/")[2]) for path in claims}
    assert (0, None) not in numbers
    assert (total - 1, None) in numbers
    assert picture(joined(cluster)) == picture(worker)
    check(cluster)


def test_a_process_that_slept_for_long_does_not_take_a_number_twice(cluster: Cluster) -> None:
    sleeper = joined(cluster, "sleeper")
    sleeper.take()
    sleeper.complete(0)
    finish(cluster, "ab", 20)
    fold(cluster, SAFE)
    for path in [p for p in files(cluster) if p.startswith(layout.CLAIMS)]:
        cluster.filesystem.remove(path)
    # It is suspended after it has looked, and before it claims.
    look, slept = sleeper.session.refresh, []

    def refresh_and_sleep() -> None:
        if slept:
            look()
        slept.append(STALE + 1)
        sleeper.now += STALE + 1

    sleeper.session.refresh = refresh_and_sleep  # type: ignore[method-assign]
    assert sleeper.take() == [(41, 0)]


def test_a_removed_log_that_was_half_read_is_had_from_the_snapshot(cluster: Cluster) -> None:
    worker = cluster.node("a")
    evaluate(worker, 3)
    reader = joined(cluster, "reader")
    evaluate(worker, 3)
    worker.session.close()
    fold(cluster, 0.0, assume_ended=True)
    assert reader.session.state.trials.finished == 3
    reader.now += 10.0
    reader.session.look()
    assert reader.session.state.trials.finished == 6


def test_logs_with_damage_are_kept(cluster: Cluster) -> None:
    finish(cluster, "ab", 3)
    path = layout.segment("a", 0)
    content = cluster.filesystem.files[path]
    at = content.index(b"trial.completed")
    content[at] ^= 1
    fold(cluster, 0.0)
    assert [p for p in files(cluster) if p.startswith(layout.LOG)] == [path]


def test_the_age_of_files_is_never_more_than_has_passed(cluster: Cluster) -> None:
    """What several processes observe adds up, however they take turns."""
    nodes = [cluster.node(name) for name in "ab"]
    for turn in range(8):
        for node in nodes:
            node.now += 50.0
        nodes[turn % 2].session.compactor.make()
        nodes[1 - turn % 2].session.chain.look()
        assert nodes[turn % 2].session.chain.observed <= 50.0 * (turn + 1)
    assert nodes[1].session.chain.observed >= 50.0 * 6


def test_local_studies_do_not_wait_for_caches(tmp_path: Path) -> None:
    assert wholesale.settling_time(None) == 0.0
    assert wholesale.settling_time(tmp_path) == 0.0


def test_files_of_a_network_filesystem_stay_until_everybody_sees_the_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wholesale, "is_of_this_node", lambda _: False)
    assert wholesale.settling_time(tmp_path) >= 2 * 60.0


@pytest.mark.parametrize("call", [lambda s: s.compact(), lambda s: s.compact(retention=0.0)])
def test_python_programs_compact_on_disk(
    tmp_path: Path, call: Callable[[fsopt.Study], wholesale.Compacted]
) -> None:
    with fsopt.create_study(tmp_path, space=fsopt.Space(fsopt.Float("x", 0, 1)), seed=1) as study:
        study.run(lambda trial: trial["x"], trials=5)
    done = call(fsopt.open_study(tmp_path))
    assert done.path.is_file()
    left = [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".claim"]
    assert len(left) == (2 if done.collected.claims else 1 + 1 + 1 + 5)
    assert fsopt.open_study(tmp_path).state.trials.finished == 5
    assert isinstance(study.session.journal.filesystem, LocalFilesystem)


def test_whoever_looks_at_a_study_sees_all_of_it_however_many_logs_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MANY_LOGS", 3)
    space = fsopt.Space(fsopt.Float("x", 0, 1))
    for _ in range(6):
        with fsopt.create_study(tmp_path, space=space, seed=1) as study:
            study.tell(study.ask(), 1.0)
    study = fsopt.open_study(tmp_path)
    assert study.best is not None
    assert len(study.trials()) == 6
