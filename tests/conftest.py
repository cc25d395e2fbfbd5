"""Options of the test run."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation", "simulated studies (docs/simulation.md)")
    group.addoption("--schedules", type=int, default=150, help="how many simulated studies to run")
    group.addoption(
        "--schedule-seed", type=int, default=None, help="run only the simulated study of this seed"
    )
