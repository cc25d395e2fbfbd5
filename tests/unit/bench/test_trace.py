"""Counting the system calls in a record of strace."""

import pytest

from fsopt.bench.trace import Counts, count

HERE = "/w/study"


def counted(*lines: str) -> Counts:
    return count((f"{line}\n" for line in lines), HERE)


def test_every_call_counts_but_signals_and_ends_do_not() -> None:
    lines = ("7 getpid() = 7", "7 --- SIGCHLD {si_pid=8} ---", "7 +++ exited with 0 +++", "")
    assert counted(*lines) == Counts(calls=1)


@pytest.mark.parametrize(
    "call",
    [
        f'mkdir("{HERE}/a", 0777) = 0',
        f'rename("{HERE}/a", "{HERE}/b") = 0',
        f'symlink("{HERE}/a", "{HERE}/b") = -1 EEXIST (File exists)',
        f'linkat(AT_FDCWD</w>, "{HERE}/a", AT_FDCWD</w>, "{HERE}/b", 0) = 0',
        f'openat(4<{HERE}/log>, "7", O_WRONLY|O_CREAT|O_EXCL, 0666) = 5<{HERE}/log/7>',
        f'openat(AT_FDCWD</w>, "{HERE}/new", O_WRONLY|O_CREAT, 0666) = 5<{HERE}/new>',
    ],
)
def test_what_changes_names_counts_even_if_refused(call: str) -> None:
    assert counted(f"7 {call}") == Counts(calls=1, names=1)


def test_names_elsewhere_do_not_count() -> None:
    assert counted('7 mkdir("/tmp/a", 0777) = 0') == Counts(calls=1)


def test_opening_a_file_again_creates_no_name_unless_it_is_exclusive() -> None:
    again = f'7 openat(AT_FDCWD</w>, "{HERE}/j", O_APPEND|O_CREAT, 0666) = 5<{HERE}/j>'
    assert counted(again, again, again) == Counts(calls=3, names=1, lookups=2)
    lock = f'7 openat(AT_FDCWD</w>, "{HERE}/lock", O_CREAT|O_EXCL, 0666) = 5<{HERE}/lock>'
    assert counted(lock, lock).names == 2


def test_looking_at_an_open_file_looks_up_no_name() -> None:
    by_name = f'7 newfstatat(AT_FDCWD</w>, "{HERE}/j", {{st_mode=S_IFREG}}, 0) = 0'
    by_descriptor = f'7 newfstatat(5<{HERE}/j>, "", {{st_mode=S_IFREG}}, AT_EMPTY_PATH) = 0'
    assert counted(by_name).lookups == 1
    assert counted(by_descriptor).lookups == 0


def test_bytes_count_in_files_of_the_directory_only() -> None:
    lines = (
        f'7 write(5<{HERE}/j>, ""..., 223) = 223',
        '7 write(1<pipe:[99]>, ""..., 50) = 50',
        f'7 read(5<{HERE}/j>, ""..., 4096) = 100',
        f'7 write(5<{HERE}/j>, ""..., 9) = -1 ENOSPC (No space left on device)',
        f"7 fsync(5<{HERE}/j>) = 0",
    )
    assert counted(*lines) == Counts(calls=5, syncs=1, written=223, read=100)


def test_a_call_that_another_thread_interrupts_counts_once_with_its_result() -> None:
    lines = (
        f'7 write(5<{HERE}/j>, ""..., 30 <unfinished ...>',
        f'8 read(6<{HERE}/k>, ""..., 30 <unfinished ...>',
        "7 <... write resumed>) = 30",
        "8 <... read resumed>) = 12",
    )
    assert counted(*lines) == Counts(calls=2, written=30, read=12)


def test_a_call_that_never_returns_counts() -> None:
    assert counted("7 futex(0x1, FUTEX_WAIT, 0 <unfinished ...>") == Counts(calls=1)
