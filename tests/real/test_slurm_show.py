"""A long study through everything that a Slurm does to its tasks."""

from pathlib import Path

import pytest

from tests.real.slurm_show import EVERY, PREEMPTIONS, TRIALS, show

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_200_trials_through_preemptions_kills_and_a_lost_node(tmp_path: Path) -> None:
    numbers = show(tmp_path)
    assert numbers.trials_finished == numbers.trials_in_all == TRIALS
    assert numbers.tasks_preempted >= PREEMPTIONS
    assert numbers.verified
    assert numbers.most_steps_repeated_by_one_attempt <= EVERY
    assert numbers.steps_repeated <= EVERY * numbers.attempts_lost
