"""The directories of trials."""

from pathlib import Path

import pytest

from fsopt.errors import StorageError
from fsopt.log import layout
from fsopt.log.files import TrialFiles


def test_a_checkpoint_that_can_not_be_handed_over_is_a_storage_error(tmp_path: Path) -> None:
    for attempt in range(2):
        saved = tmp_path / layout.checkpoint(0, attempt)
        saved.mkdir(parents=True)
        (saved / "state").write_text(str(attempt))
    with pytest.raises(StorageError, match="hand over"):
        TrialFiles(tmp_path).hand_over_checkpoint(0, 1)
