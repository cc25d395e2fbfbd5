"""The job scripts that come with the package, run as far as this machine can."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components import component

pytestmark = pytest.mark.real

SCRIPTS = Path(__file__).parents[2] / "jobscripts"
STUDY = """
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch())
def objective(trial):
    return trial["x"]
"""
TRIALS = 4


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The scripts' variables; the study's path is not an easy one."""
    (tmp_path / "study.py").write_text(STUDY)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "fsopt"
    # Where variables are not passed on, as through ssh, it finds this package nevertheless.
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={SCRIPTS.parent} exec {sys.executable} -m fsopt "$@"\n'
    )
    program.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "SCRIPT": str(tmp_path / "study.py"),
        "STUDY": str(tmp_path / "it's a study"),
        "TRIALS": str(TRIALS),
        "WORKERS": "1",
    }


def run(*words: object, env: dict[str, str], cwd: Path) -> str:
    command = [str(word) for word in words]
    result = subprocess.run(
        command, env=env, cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )
    logs = "".join(p.read_text() for p in Path(env["STUDY"]).glob("jobs/*"))
    assert result.returncode == 0, result.stdout + result.stderr + logs
    return result.stdout


def assert_finished(environment: dict[str, str], processes: int) -> None:
    command = [sys.executable, "-m", "fsopt", "status", environment["STUDY"], "--json"]
    status = json.loads(run(*command, env=environment, cwd=Path("/")))
    assert status["trials"]["completed"] == status["trials"]["total"] == TRIALS
    logs = Path(environment["STUDY"]).glob("log/*/*.jsonl")
    assert len(list(logs)) <= processes


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.sh")), ids=lambda path: path.name)
def test_a_script_is_short_says_how_it_is_used_and_is_sound(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 45
    assert path.name in text
    for word in ("STUDY=${STUDY:-", "TRIALS=${TRIALS:-", "lfs setstripe -c 1"):
        assert word in text
    component(shutil.which("shellcheck") is not None, "not installed: shellcheck")
    checked = subprocess.run(["shellcheck", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("pbs-array.sh", {"PBS_JOBID": "17[0].server", "PBS_ARRAY_INDEX": "0"}),
        ("lsf-array.sh", {"LSB_JOBID": "17", "LSB_JOBINDEX": "1"}),
    ],
)
def test_a_task_with_the_variables_of_pbs_or_lsf(
    name: str, variables: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    variables["PBS_O_WORKDIR"] = str(tmp_path)
    run("bash", SCRIPTS / name, env=environment | variables, cwd=Path("/"))
    assert_finished(environment, 1)


def test_gnu_parallel_starts_several_processes(
    environment: dict[str, str], tmp_path: Path
) -> None:
    component(shutil.which("parallel") is not None, "not installed: parallel")
    output = run(
        "bash", SCRIPTS / "gnu-parallel.sh", env=environment | {"PROCESSES": "2"}, cwd=tmp_path
    )
    assert {"process 1", "process 2"} == {line.partition("\t")[0] for line in output.splitlines()}
    assert_finished(environment, 2)


@pytest.fixture
def server(environment: dict[str, str], tmp_path: Path) -> Path:
    """An SSH server of this user's own; the directory of an ``ssh`` that knows it as node1."""
    needed = ("ssh", "ssh-keygen", "/usr/sbin/sshd")
    missing = [name for name in needed if shutil.which(name) is None]
    component(not missing, f"not installed: {', '.join(missing)}")
    component(os.geteuid() == 0, "an SSH server that starts programs needs root")
    place = tmp_path / "bin"
    for key in ("server", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / key)]
        subprocess.run(command, check=True)
    proxy = place / "proxy"
    # sshd -i speaks with one client through its input and output, so no port is opened.
    options = f"-o HostKey={place}/server -o AuthorizedKeysFile={place}/user.pub"
    options += " -o StrictModes=no -o UsePAM=no -o PermitRootLogin=prohibit-password"
    proxy.write_text(f"#!/bin/sh\nexec /usr/sbin/sshd -i -f /dev/null {options}\n")
    client = place / "ssh"
    options = f"-F /dev/null -i {place}/user -o ProxyCommand={proxy}"
    options += " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    client.write_text(f'#!/bin/sh\nexec /usr/bin/ssh {options} "$@"\n')
    for program in (proxy, client):
        program.chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)
    return place


def test_ssh_starts_a_process_on_each_host(
    server: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    work = tmp_path / 'a "working" $dir'
    work.mkdir()
    run("bash", SCRIPTS / "ssh.sh", env=environment | {"HOSTS": "node1 node2 node2"}, cwd=work)
    assert_finished(environment, 3)
    logs = list(Path(environment["STUDY"], "jobs").iterdir())
    assert sorted(path.name.split("-")[1] for path in logs) == ["node1", "node2", "node2"]
    assert all("4 of 4 trials finished" in path.read_text() for path in logs)


def test_ssh_tells_when_a_host_can_not_be_reached(
    environment: dict[str, str], tmp_path: Path
) -> None:
    client = tmp_path / "bin" / "ssh"
    client.write_text("#!/bin/sh\necho 'no route to host' >&2\nexit 255\n")
    client.chmod(0o755)
    command = ["bash", str(SCRIPTS / "ssh.sh")]
    result = subprocess.run(
        command, env=environment | {"HOSTS": "far"}, cwd=tmp_path, check=False, timeout=60
    )
    assert result.returncode == 1
    (log,) = Path(environment["STUDY"], "jobs").iterdir()
    assert log.read_text() == "no route to host\n"
