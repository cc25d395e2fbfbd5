"""Tests with real components end what they have started."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real import jobs

pytest.register_assert_rewrite("tests.real.two_clients", "tests.real.slurm_cluster")


@pytest.fixture
def no_job_survives() -> Iterator[None]:
    """End the jobs that a failed test has left behind."""
    yield
    jobs.end_all()
