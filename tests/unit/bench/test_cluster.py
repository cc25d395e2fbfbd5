"""Simulated clusters: exact budgets whatever happens, the same from a seed, few operations."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from fsopt.bench.cluster.cluster import Cluster, Setting
from fsopt.bench.cluster.outcome import simulate, texts
from fsopt.bench.cluster.sharing import EPOCH
from fsopt.bench.cluster.timeline import Timeline
from fsopt.bench.functions import PROBLEMS
from fsopt.errors import EvaluationError
from fsopt.log import layout
from fsopt.log.snapshots import SnapshotName
from fsopt.state import TrialState


def setting(workers: int, trials: int, **options: float) -> Setting:
    return Setting(problem=PROBLEMS["branin"], workers=workers, trials=workers * trials, **options)


def test_tasks_take_turns_in_the_order_of_time() -> None:
    timeline, seen = Timeline(), []

    def sleeper(name: str, seconds: float) -> Callable[[], None]:
        def run() -> None:
            for _ in range(2):
                timeline.sleep(seconds)
                seen.append((timeline.now, name))

        return run

    timeline.start(0.0, sleeper("a", 2.0))
    timeline.start(0.5, sleeper("b", 1.0))
    timeline.run()
    assert seen == [(1.5, "b"), (2.0, "a"), (2.5, "b"), (4.0, "a")]


def test_a_failure_of_one_task_ends_all() -> None:
    timeline, ended = Timeline(), []

    def fails() -> None:
        timeline.sleep(1.0)
        raise ValueError("here")

    def waits() -> None:
        try:
            timeline.sleep(100.0)
        finally:
            ended.append(True)

    timeline.start(0.0, waits)
    timeline.start(0.0, fails)
    with pytest.raises(ValueError, match="here"):
        timeline.run()
    assert ended == [True]


def test_a_study_has_exactly_its_trials_after_preemptions_and_lost_nodes() -> None:
    cluster = Cluster(setting(10, 6, preemptions=0.2, losses=0.15))
    cluster.run()
    assert cluster.preempted >= 5
    assert cluster.lost >= 3
    state = cluster.final_state()
    assert state.trials.numbers() == list(range(60))
    assert all(trial.state.is_finished for trial in state.trials)
    # Nobody evaluated a trial twice, but where its process was preempted or lost.
    attempts = sorted(cluster.work.begun)
    assert len(attempts) == len({number for number, _ in attempts}) + sum(
        k > 0 for _, k in attempts
    )
    assert any(attempt > 0 for _, attempt in attempts)


def test_many_who_draw_their_numbers_leave_none_out_though_nodes_are_lost() -> None:
    cluster = Cluster(setting(90, 2, preemptions=0.1, losses=0.1))
    cluster.run()
    assert cluster.lost >= 8
    state = cluster.final_state()
    assert state.trials.numbers() == list(range(180))
    assert all(trial.state.is_finished for trial in state.trials)
    # They did not begin in order.
    begun = sorted((at, number) for (number, k), at in cluster.work.begun.items() if k == 0)
    assert [number for _, number in begun] != list(range(180))


def test_what_fails_is_a_failed_trial() -> None:
    cluster = Cluster(setting(4, 5, failures=1.0, preemptions=0.0, losses=0.0))
    cluster.run()
    counts = cluster.final_state().trials.count()
    assert counts[TrialState.FAILED] == 20


def test_a_seed_gives_the_same_study_every_time() -> None:
    first, second = (simulate(setting(12, 3, preemptions=0.1)) for _ in range(2))
    assert asdict(first) == asdict(second)


def test_operations_in_a_trial_do_not_grow_with_the_number_of_workers() -> None:
    calm = {"preemptions": 0.0, "losses": 0.0}
    few, many = (simulate(setting(n, 4, **calm)) for n in (10, 100))
    # Few processes read each other's logs, many what one of them has read.
    assert many.per_trial < few.per_trial
    assert many.per_trial < 30
    assert many.operations["create"] < 2.5
    assert many.steady > 0.99


def proposers_of(cluster: Cluster, until: float = math.inf) -> set[str]:
    """Who has proposed until then (seconds since the beginning)."""
    proposals = (trial.effective_proposal for trial in cluster.final_state().trials)
    stamps = [proposal.stamp for proposal in proposals if proposal is not None]
    return {stamp.writer for stamp in stamps if stamp.time < EPOCH + until}


def test_one_process_proposes_exactly_the_budget_for_twenty_who_only_evaluate() -> None:
    cluster = Cluster(setting(21, 2, proposers=1, preemptions=0.0, losses=0.0))
    cluster.run()
    assert proposers_of(cluster) == {"w00000"}
    attempts = (a for trial in cluster.final_state().trials for a in trial.attempts.values())
    assert {attempt.writer for attempt in attempts} == {f"w{n:05d}" for n in range(1, 21)}


@pytest.fixture(scope="module")
def bereaved() -> Cluster:
    """So many evaluators that they follow snapshots; their proposer is lost after 22 seconds."""
    options = {"seconds": 20.0, "preemptions": 0.0, "losses": 0.0}
    cluster = Cluster(setting(66, 2, proposers=1, **options))
    cluster.timeline.start(22.0, lambda: cluster.processes[0].die())
    cluster.run()
    return cluster


def test_evaluators_who_follow_snapshots_survive_the_loss_of_their_proposer(
    bereaved: Cluster,
) -> None:
    assert proposers_of(bereaved, until=22.0) == {"w00000"}
    assert proposers_of(bereaved) > {"w00000"}


def test_a_lost_process_is_silent_though_new_snapshots_tell_of_it(bereaved: Cluster) -> None:
    files = (path.rpartition("/")[2] for path in bereaved.server.paths())
    names = [SnapshotName(*name) for name in map(layout.parse_snapshot, files) if name]
    assert len(names) > 2
    growth = bereaved.library.read(frozenset({max(names)})).reader.last_growth
    assert growth["w00000"] < 45.0
    assert max(growth.values()) > 60.0


def test_another_proposer_comes_for_one_that_is_preempted_or_lost() -> None:
    cluster = Cluster(setting(12, 6, proposers=3, preemptions=0.3, losses=0.3))
    cluster.run()
    roles = [process.role for process in cluster.processes]
    assert roles.count("propose") > 3
    assert roles.count("both") == 0


def test_somebody_must_evaluate() -> None:
    with pytest.raises(EvaluationError, match="none to evaluate"):
        setting(2, 1, proposers=2)


def test_the_table_tells_means_over_seeds_and_medians_of_regret() -> None:
    first = simulate(setting(2, 1))
    kind = [
        replace(first, seconds=seconds, regret=(regret,) * 3)
        for seconds, regret in [(100.0, 1.0), (200.0, 5.0), (600.0, 2.0)]
    ]
    table = dict(texts([kind]))
    assert table["virtual time, s"] == "300"
    assert table["regret after 50% of that time"] == "2"
