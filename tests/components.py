"""Real components that a test needs: missing ones skip it, but never in continuous integration."""

import os

import pytest


def component(present: bool, reason: str) -> None:
    """Skip the test if a component is missing; fail instead where everything must be there."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(f"not to be skipped here: {reason}")
    pytest.skip(reason)
