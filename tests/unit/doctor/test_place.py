"""The doctor's own directories where others make the same."""

from pathlib import Path

import pytest

from fsopt.doctor.place import prepared


def test_a_directory_that_another_made_may_stay_unseen_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, is_dir, misses = tmp_path / "new", Path.is_dir, [0]
    place.mkdir()

    def cached(self: Path, **options: bool) -> bool:
        misses[0] += self == place
        return is_dir(self, **options) and (self != place or misses[0] > 3)

    monkeypatch.setattr(Path, "is_dir", cached)
    with prepared(place):
        assert misses[0] == 4


def test_a_file_in_its_place_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsopt.doctor.place._UNSEEN", 0.1)
    (tmp_path / "new").touch()
    with pytest.raises(FileExistsError), prepared(tmp_path / "new"):
        pytest.fail("there is no directory")
