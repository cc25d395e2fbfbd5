"""Programs are called with exactly the arguments that were meant, and talk back."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.errors import ScriptError
from fsopt.run.command import Command, kill_programs
from fsopt.run.evaluation import FailedProgramError
from fsopt.run.exchange import Exchange
from fsopt.trial import Assignment, Trial
from fsopt.values import Value


class Notes:
    """A channel that remembers, and tells to stop when `reason` is set."""

    def __init__(self) -> None:
        self.reports: list[tuple[int, float]] = []
        self.reason: str | None = None

    def report(self, step: int, value: float) -> None:
        self.reports.append((step, value))

    def set_attribute(self, name: str, value: Value) -> None:
        raise NotImplementedError

    def stop_reason(self) -> str | None:
        return self.reason


def trial_of(root: Path, channel: Notes | None = None, **params: Value) -> Trial:
    assignment = Assignment(number=7, attempt=0, params=params)
    return Trial(assignment, root, channel or Notes())


def python(code: str) -> Command:
    return Command([sys.executable, "-c", code.replace("{", "{{").replace("}", "}}")])


awkward = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(awkward)
def test_a_value_is_always_one_argument(text: str) -> None:
    command = Command("prog --name {name} --both=<{name}>")
    assert command.arguments({"name": text}) == ["prog", "--name", text, f"--both=<{text}>"]


@given(awkward)
def test_a_shell_gets_the_value_quoted(text: str) -> None:
    command = Command("printf %s {name}", shell=True)
    arguments = command.arguments({"name": text})
    result = subprocess.run(arguments, capture_output=True, check=True)
    assert result.stdout == text.encode()


def test_values_are_written_so_that_they_can_be_read_back() -> None:
    command = Command("p {f} {i} {b} {n}")
    params: dict[str, Value] = {"f": 0.1 + 0.2, "i": 3, "b": True, "n": None}
    assert command.arguments(params)[1:] == ["0.30000000000000004", "3", "true", "None"]


def test_inactive_parameters_are_left_out_with_their_options() -> None:
    command = Command("p --a {a} --b {b} --c={c} -v {d} x{{}}")
    assert command.arguments({"a": 1}) == ["p", "--a", "1", "x{}"]
    assert command.arguments({"c": 2, "d": 3}) == ["p", "--c=2", "-v", "3", "x{}"]


@pytest.mark.parametrize(
    ("template", "shell", "message"),
    [
        ("", False, "is empty"),
        ([], False, "is empty"),
        ("p {a", False, "expected '}'"),
        ("p 'a", False, "No closing quotation"),
        (["p"], True, "as one string"),
    ],
)
def test_a_template_that_makes_no_sense_is_refused(
    template: object, shell: bool, message: str
) -> None:
    with pytest.raises(ScriptError, match=message):
        Command(template, shell=shell)  # type: ignore[arg-type]


def test_a_placeholder_must_be_a_parameter() -> None:
    with pytest.raises(ScriptError, match=r"\{lr\} is no parameter; there are rate, size"):
        Command("p {rate} {lr}").check(["rate", "size"])


def test_the_result_is_what_the_program_wrote(tmp_path: Path) -> None:
    command = python("import os; open(os.environ['FSOPT_RESULT'], 'w').write('{\"a\": 0.5}')")
    assert command(trial_of(tmp_path)) == {"a": 0.5}


def test_the_program_knows_its_trial(tmp_path: Path) -> None:
    command = python(
        "import os, json; json.dump([os.environ[n] for n in "
        "('FSOPT_TRIAL', 'FSOPT_STUDY', 'FSOPT_CHECKPOINT_DIR')],"
        " open(os.environ['FSOPT_RESULT'], 'w'))"
    )
    assert command(trial_of(tmp_path)) == [
        "7",
        str(tmp_path),
        str(tmp_path / "trials/7/checkpoint.0"),
    ]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print('some words'); raise SystemExit(3)", "exit 3"),
        (
            "import os; print('some words', flush=True); os.kill(os.getpid(), 11)",
            r"signal 11 \(SIGSEGV\)",
        ),
        ("print('some words')", "wrote no result"),
        (
            "import os; print('some words'); open(os.environ['FSOPT_RESULT'], 'w').write('nan!')",
            "wrote no JSON",
        ),
    ],
)
def test_a_failure_comes_with_the_reason_and_the_output_goes_to_the_sink(
    code: str, reason: str, tmp_path: Path
) -> None:
    trial, printed = trial_of(tmp_path), bytearray()
    trial.sink = printed.extend
    with pytest.raises(FailedProgramError, match=reason):
        python(code)(trial)
    assert printed == b"some words\n"


def test_without_a_sink_a_program_prints_where_this_process_does(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FailedProgramError):
        python("print('some words')")(trial_of(tmp_path))
    assert capfd.readouterr().out == "some words\n"


def test_a_process_that_keeps_the_output_open_does_not_keep_the_trial(tmp_path: Path) -> None:
    trial, printed = trial_of(tmp_path), bytearray()
    trial.sink = printed.extend
    code = f"""
import os, subprocess
child = subprocess.Popen(['sleep', '20'], start_new_session=True)
open({str(tmp_path / "pid")!r}, 'w').write(str(child.pid))
print('done')
open(os.environ['FSOPT_RESULT'], 'w').write('1')
"""
    began = time.monotonic()
    assert python(code)(trial) == 1
    assert printed == b"done\n"
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert time.monotonic() - began < 19


def test_a_program_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(FailedProgramError, match="can't run 'no-such-program': No such file"):
        Command("no-such-program {x}")(trial_of(tmp_path, x=1))


def test_reports_arrive_in_order(tmp_path: Path) -> None:
    step = "subprocess.run([sys.executable, '-m', 'fsopt', 'step', str(i), '--value', str(i / 4)])"
    code = f"""
import os, subprocess, sys
for i in (1, 2):
    assert {step}.returncode == 0
open(os.environ['FSOPT_RESULT'], 'w').write('1')
"""
    notes = Notes()
    assert python(code)(trial_of(tmp_path, notes)) == 1
    assert notes.reports == [(1, 0.25), (2, 0.5)]


def test_a_program_is_told_to_stop_and_its_result_is_ignored(tmp_path: Path) -> None:
    code = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
command = [sys.executable, '-m', 'fsopt', 'step', '1', '--value', '1']
while subprocess.run(command).returncode != 3:
    time.sleep(0.05)
"""
    notes = Notes()
    notes.reason = "preempted"
    trial = trial_of(tmp_path, notes)
    assert python(code)(trial) is None
    assert trial.observed_stop == "preempted"


def test_nothing_that_a_program_started_is_left_behind(tmp_path: Path) -> None:
    code = f"""
import os, subprocess
child = subprocess.Popen(['sleep', '60'])
open({str(tmp_path / "pid")!r}, 'w').write(str(child.pid))
open(os.environ['FSOPT_RESULT'], 'w').write('1')
"""
    python(code)(trial_of(tmp_path))
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the program's own child still runs")


def test_running_programs_can_be_killed_from_another_thread(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            python("import time; time.sleep(60)")(trial_of(tmp_path))
        except FailedProgramError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(200):
        kill_programs()
        thread.join(0.05)
        if not thread.is_alive():
            break
    assert [str(error) for error in failures] == ["signal 9 (SIGKILL)"]


def test_an_unfinished_report_waits_for_its_rest(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    path = tmp_path / "reports.jsonl"
    path.write_text("[1, 0.5]\n[2, ")
    assert exchange.new_reports() == [(1, 0.5)]
    path.write_text("[1, 0.5]\n[2, 0.75]\n")
    assert exchange.new_reports() == [(2, 0.75)]
    assert exchange.new_reports() == []
