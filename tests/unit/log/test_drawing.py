"""Numbers that are drawn among the lowest free ones: each once, none left out, few failures."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from fsopt.log import layout
from fsopt.log.claims import Claims
from fsopt.log.memory import MemoryFilesystem


def nothing_known(_: int) -> bool:
    return False


class CountingFilesystem(MemoryFilesystem):
    """Whose listings are as they were before the latest claims."""

    def __init__(self, late: int = 0) -> None:
        super().__init__()
        self.late = late
        self.failures = self.lists = 0
        self.claimed: list[str] = []

    def claim(self, path: str, content: bytes) -> bool:
        won = super().claim(path, content)
        self.failures += not won
        if won:
            self.claimed.append(path.rpartition("/")[2])
        return won

    def list(self, path: str) -> list[str]:
        self.lists += 1
        hidden = set(self.claimed[len(self.claimed) - self.late :] if self.late else [])
        return [name for name in super().list(path) if name not in hidden]


@given(
    taken=st.sets(st.integers(0, 60)),
    known=st.sets(st.integers(0, 60)),
    limit=st.integers(0, 60),
    among=st.integers(1, 20),
    late=st.integers(0, 60),
)
def test_all_free_numbers_below_the_limit_are_drawn_once_whatever_is_seen(
    taken: set[int], known: set[int], limit: int, among: int, late: int
) -> None:
    filesystem = CountingFilesystem(late)
    for number in sorted(taken):
        filesystem.claim(layout.claim(number), b"other\n")
    claims, drawn = Claims(filesystem, "w"), []
    while (number := claims.draw_number(known.__contains__, limit, among)) is not None:
        drawn.append(number)
    assert sorted(drawn) == sorted(set(range(limit)) - taken - known)


def test_a_draw_is_among_the_lowest_numbers() -> None:
    drawn = set()
    for writer in range(200):
        filesystem = MemoryFilesystem()
        filesystem.claim(layout.claim(1), b"other\n")
        drawn.add(Claims(filesystem, f"w{writer}").draw_number(lambda n: n == 3, 100, 4))
    assert drawn == {0, 2, 4, 5}


def test_numbers_of_the_next_directory_are_found() -> None:
    filesystem = MemoryFilesystem()
    per_shard = layout.CLAIMS_PER_SHARD
    for number in {*range(per_shard + 3)} - {per_shard - 1}:
        filesystem.claim(layout.claim(number), b"other\n")
    claims = Claims(filesystem, "w")
    drawn = {claims.draw_number(nothing_known, per_shard + 5, 8) for _ in range(4)}
    assert drawn == {per_shard - 1, per_shard + 3, per_shard + 4, None}


def test_a_number_that_was_given_back_can_be_drawn_again() -> None:
    claims = Claims(MemoryFilesystem(), "w")
    numbers = {claims.draw_number(nothing_known, 3, 2) for _ in range(3)}
    assert numbers == {0, 1, 2}
    claims.release(1)
    assert claims.draw_number(nothing_known, 3, 2) == 1
    assert claims.draw_number(nothing_known, 3, 2) is None


def test_many_who_see_late_what_others_claim_fail_seldom() -> None:
    """300 processes, of whose claims the latest 5 are not seen yet."""
    filesystem, order = CountingFilesystem(late=5), random.Random(0)
    everybody = [Claims(filesystem, f"w{index}") for index in range(300)]
    for _ in range(900):
        assert order.choice(everybody).draw_number(nothing_known, 1000, 300 // 32) is not None
    assert filesystem.failures < 900
    assert filesystem.lists == 900
    lowest_left = min(set(range(1000)) - {int(name) for name in filesystem.claimed})
    assert lowest_left > 900 - 300


def test_claiming_in_order_goes_on_where_drawing_has_left_holes() -> None:
    claims = Claims(MemoryFilesystem(), "w")
    drawn = {claims.draw_number(nothing_known, 100, 10) for _ in range(5)}
    others = [claims.next_number(nothing_known, 100) for _ in range(10)]
    assert sorted([*drawn, *others]) == list(range(15))
