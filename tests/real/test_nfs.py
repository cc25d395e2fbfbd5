"""One study worked on through two clients of a real NFS 4.2 server, in a virtual machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components import component

TOOL = Path(__file__).with_name("nfs_in_vm.sh")
ROOT = Path(__file__).parents[2]
NEEDED = (
    "qemu-system-x86_64",
    "busybox",
    "cpio",
    "depmod",
    "exportfs",
    "rpcbind",
    "ip",
    "apt-get",
)

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_a_study_with_kills_and_the_doctor_through_two_clients(tmp_path: Path) -> None:
    component(os.geteuid() == 0, "to share the root directory with a machine needs root")
    missing = [name for name in NEEDED if shutil.which(name) is None]
    component(not missing, f"not installed: {', '.join(missing)}")
    check = [sys.executable, "-m", "tests.real.two_clients", str(tmp_path), "nfs4"]
    result = subprocess.run(
        ["bash", str(TOOL), str(tmp_path), *check],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    mounts = (tmp_path / "mounts").read_text()
    assert mounts.count("vers=4.2") == 2
