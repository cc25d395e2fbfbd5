"""What is slow runs only when it is asked for: ``pytest -m slow``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real import jobs

pytest.register_assert_rewrite("tests.real.two_clients", "tests.real.slurm_cluster")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes minutes; runs only with -m slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests, unless the expression after -m speaks of them."""
    if "slow" in config.getoption("markexpr"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture
def no_job_survives() -> Iterator[None]:
    """End the jobs that a failed test has left behind."""
    yield
    jobs.end_all()
