"""sshfs does not keep what fsopt needs, and the doctor says so."""

from collections.abc import Iterator

import pytest

from tests.real.two_clients import Client, examination, served

pytestmark = pytest.mark.real

NEEDED = ("sshfs", "ssh-keygen", "/usr/sbin/sshd")


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Client]]:
    """Two mounts of one directory."""
    with served("sshfs.sh", tmp_path_factory.mktemp("sshfs"), NEEDED) as both:
        yield both


def test_the_doctor_refuses_it_with_the_reason(clients: list[Client]) -> None:
    statuses, report = examination(clients)
    assert statuses == [1, 1]
    assert not report["ok"]
    assert report["filesystem"] == "fuse.sshfs"
    assert report["verdict"].startswith("do not run fsopt here: client-one, client-two can't")
    assert "does not say who lost the race for a name (the loser gets EPERM)" in report["verdict"]
