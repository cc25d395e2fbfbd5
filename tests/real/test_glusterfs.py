"""One study worked on through two clients of a real GlusterFS, with its caches on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.two_clients import Client, assert_fit, served, study_with_kills

pytestmark = pytest.mark.real

NEEDED = ("glusterd", "gluster", "glusterfs")


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Client]]:
    """Two mounts of one GlusterFS."""
    with served("glusterfs.sh", tmp_path_factory.mktemp("gluster"), NEEDED) as both:
        yield both


def test_a_study_through_two_clients_with_kills(clients: list[Client], tmp_path: Path) -> None:
    study_with_kills(clients, tmp_path / "study.py")


def test_the_doctor_finds_it_fit_from_both_clients(clients: list[Client]) -> None:
    assert_fit(clients, "fuse.glusterfs")
