from pathlib import Path

import numpy as np
import pytest

from fsopt.errors import StorageError
from fsopt.log.predictions import DamagedPredictionsError, load, save

COLUMNS = np.zeros(5, dtype=[("index", np.int64), ("probabilities", np.float32, (3,))])


def test_an_array_is_written_whole_and_mapped_into_memory(tmp_path: Path) -> None:
    save(tmp_path, "trials/3/predictions.0/valid.npy", COLUMNS)
    (file,) = tmp_path.rglob("*.npy")
    assert file == tmp_path / "trials/3/predictions.0/valid.npy"
    found = load(file)
    assert isinstance(found, np.memmap)
    assert not found.flags.writeable
    assert found.dtype == COLUMNS.dtype
    assert [path.name for path in file.parent.iterdir()] == ["valid.npy"]


def test_a_reader_has_the_old_array_or_the_new_one(tmp_path: Path) -> None:
    save(tmp_path, "a.npy", np.zeros(4))
    before = load(tmp_path / "a.npy")
    save(tmp_path, "a.npy", np.ones(3))
    assert before is not None
    assert before.tolist() == [0, 0, 0, 0]
    after = load(tmp_path / "a.npy")
    assert after is not None
    assert after.tolist() == [1, 1, 1]


def test_no_file_is_no_array(tmp_path: Path) -> None:
    assert load(tmp_path / "a.npy") is None
    assert load(tmp_path / "nothing" / "a.npy") is None


def test_a_file_torn_at_any_byte_is_recognised(tmp_path: Path) -> None:
    save(tmp_path, "a.npy", COLUMNS)
    content = (tmp_path / "a.npy").read_bytes()
    for length in range(len(content)):
        (tmp_path / "b.npy").write_bytes(content[:length])
        with pytest.raises(DamagedPredictionsError, match="whole"):
            load(tmp_path / "b.npy")


def test_damage_to_the_header_is_recognised_or_changes_what_is_there(tmp_path: Path) -> None:
    save(tmp_path, "a.npy", COLUMNS)
    content = (tmp_path / "a.npy").read_bytes()
    for at in range(128):
        for byte in (0, 255, ord("'"), ord("9"), ord("(")):
            torn = bytearray(content)
            torn[at] = byte
            (tmp_path / "b.npy").write_bytes(torn)
            try:
                load(tmp_path / "b.npy")
            except DamagedPredictionsError:
                continue


def test_objects_and_archives_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))
    np.savez(tmp_path / "b.npz", np.zeros(3))
    (tmp_path / "c.npy").write_bytes(b"")
    for name in ("a.npy", "b.npz", "c.npy"):
        with pytest.raises(DamagedPredictionsError):
            load(tmp_path / name)


def test_what_the_system_refuses_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "a.npy").mkdir()
    with pytest.raises(StorageError, match="write"):
        save(tmp_path, "a.npy", COLUMNS)
    with pytest.raises(StorageError, match="read"):
        load(tmp_path / "a.npy")
