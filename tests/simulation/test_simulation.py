"""Many simulated studies with trouble of every kind."""

from __future__ import annotations

import pytest

from tests.simulation.schedules import run, run_all

pytestmark = pytest.mark.simulation


def test_studies_keep_their_promises_in_every_storm(request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("--schedule-seed")
    seeds = range(request.config.getoption("--schedules")) if seed is None else [seed]
    run_all(seeds)


def test_a_seed_gives_the_same_study_every_time() -> None:
    for seed in range(3):
        first, second = run(seed), run(seed)
        assert repr(first.trace) == repr(second.trace)
        assert first.server.directories == second.server.directories


def test_the_storms_are_what_they_claim_to_be() -> None:
    """Crashes, full disks, stops in the middle, losses, retries and late results all occur."""
    notes = [" ".join(map(str, note)) for seed in range(40) for note in run(seed).trace]
    for what in (
        *("crashes", "disk is full", "stopped in the middle", "sleeps until", "only a part"),
        *("Input/output error", "Stale file", "leaves: preempted", "TrialFailed", "'lost: the"),
        *("TrialRetried", "TrialReported", "cancelled"),
    ):
        assert any(what in note for note in notes), what
