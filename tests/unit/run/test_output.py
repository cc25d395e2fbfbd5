"""The beginning and the end of an output are kept, whatever pieces it comes in."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fsopt.run.output import Output


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(1, 60))
def test_the_first_and_the_last_bytes_are_kept_with_the_number_of_the_others(
    pieces: list[bytes], limit: int
) -> None:
    output = Output(limit)
    for piece in pieces:
        output.add(piece)
    data, last = b"".join(pieces), limit // 2
    if len(data) <= limit:
        assert output.content() == data
    else:
        left_out = f"\n[fsopt: {len(data) - limit} bytes are left out here]\n".encode()
        end = data[-last:] if last else b""
        assert output.content() == data[: limit - last] + left_out + end


def test_memory_stays_within_twice_the_limit() -> None:
    output = Output(1000)
    for _ in range(1000):
        output.add(b"x" * 300)
        assert len(output._head) + len(output._tail) <= 2000


def test_saving_begins_a_new_output_and_an_empty_one_makes_no_file(tmp_path: Path) -> None:
    output = Output(100)
    output.add(b"one")
    output.save(tmp_path / "a" / "one.txt")
    output.save(tmp_path / "b" / "nothing.txt")
    output.add(b"two")
    output.save(tmp_path / "a" / "two.txt")
    assert (tmp_path / "a" / "one.txt").read_bytes() == b"one"
    assert (tmp_path / "a" / "two.txt").read_bytes() == b"two"
    assert not (tmp_path / "b").exists()


def test_a_file_that_is_there_already_stays_as_it_is(tmp_path: Path) -> None:
    output = Output(100)
    (tmp_path / "one.txt").write_bytes(b"before")
    output.add(b"after")
    output.save(tmp_path / "one.txt")
    assert (tmp_path / "one.txt").read_bytes() == b"before"
