"""Options of the test run; what is slow runs only when it is asked for: ``pytest -m slow``."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# How long a test takes depends on the machine, and is no finding.
settings.register_profile(
    "untimed",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation", "simulated studies (docs/simulation.md)")
    group.addoption("--schedules", type=int, default=150, help="how many simulated studies to run")
    group.addoption(
        "--schedule-seed", type=int, default=None, help="run only the simulated study of this seed"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests, unless the expression after -m speaks of them."""
    if "slow" in config.getoption("markexpr"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
