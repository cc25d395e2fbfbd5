"""The directories of trials."""

import errno
import os
from pathlib import Path

import pytest

from fsopt.errors import StorageError
from fsopt.log import layout
from fsopt.log.files import TrialFiles


def test_a_checkpoint_that_can_not_be_handed_over_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StorageError, match="hand over"):
        TrialFiles(tmp_path).hand_over_checkpoint(0, 1, since=0)


def test_the_checkpoint_of_the_attempt_before_is_handed_on(tmp_path: Path) -> None:
    saved = tmp_path / layout.checkpoint(0, 0)
    saved.mkdir(parents=True)
    (saved / "state").write_text("0")
    files = TrialFiles(tmp_path)
    assert files.hand_over_checkpoint(0, 2, since=0)
    assert (tmp_path / layout.checkpoint(0, 2) / "state").read_text() == "0"
    assert not saved.exists()
    assert files.hand_over_checkpoint(0, 2, since=0), "once more, after an error"
    assert not files.hand_over_checkpoint(0, 4, since=3), "attempt 3 has saved nothing"
    assert files.hand_over_checkpoint(0, 3, since=2)


def test_what_an_attempt_that_was_given_up_saves_later_is_given_to_nobody(tmp_path: Path) -> None:
    late = tmp_path / layout.checkpoint(0, 0)
    late.mkdir(parents=True)
    (late / "state").write_text("late")
    assert not TrialFiles(tmp_path).hand_over_checkpoint(0, 2, since=1)
    assert late.is_dir()


def test_an_empty_directory_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / layout.checkpoint(0, 0)).mkdir(parents=True)
    assert not TrialFiles(tmp_path).hand_over_checkpoint(0, 1, since=0)


@pytest.mark.parametrize("attempt", [1, 2])
def test_open_files_and_working_directories_of_a_process_that_may_run_do_not_move_along(
    tmp_path: Path, attempt: int
) -> None:
    saved = tmp_path / layout.checkpoint(0, 0)
    (saved / "deep").mkdir(parents=True)
    (saved / "deep" / "state").write_text("good")
    directory = os.open(saved, os.O_RDONLY)
    with (saved / "deep" / "state").open("a") as file:
        assert TrialFiles(tmp_path).hand_over_checkpoint(0, attempt, since=0, copy=True)
        file.write("bad")
    try:
        with pytest.raises(FileNotFoundError):
            os.open("new", os.O_CREAT | os.O_WRONLY, dir_fd=directory)
    finally:
        os.close(directory)
    target = tmp_path / layout.checkpoint(0, attempt)
    assert (target / "deep" / "state").read_text() == "good"
    assert [path.name for path in (tmp_path / layout.trial_directory(0)).iterdir()] == [
        target.name
    ]


def test_a_checkpoint_that_was_half_handed_over_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / layout.checkpoint(0, 0)
    saved.mkdir(parents=True)
    (saved / "state").write_text("good")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.copy2", killed)
        with pytest.raises(KeyboardInterrupt):
            TrialFiles(tmp_path).hand_over_checkpoint(0, 1, since=0, copy=True)
    assert TrialFiles(tmp_path).hand_over_checkpoint(0, 2, since=0)
    assert (tmp_path / layout.checkpoint(0, 2) / "state").read_text() == "good"
