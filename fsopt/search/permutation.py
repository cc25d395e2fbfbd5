"""A shuffled order of any number of things, of which any place can be computed by itself."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import shake_128

_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Permutation:
    """A pseudo-random bijection of the integers from 0 to ``size`` - 1.

    A Feistel network of four rounds (Luby and Rackoff, SIAM J. Comput. 17, 1988) permutes the
    integers of an even number of bits; it is applied until the result is below ``size``, at most
    four times on average (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA
    2002).
    """

    size: int
    """How many integers there are, at least 1."""
    key: bytes
    """Which bijection."""

    def __call__(self, index: int) -> int:
        """Where an integer from 0 to ``size`` - 1 goes."""
        half = max((self.size - 1).bit_length() + 1, 2) // 2
        result = self._network(index, half)
        while result >= self.size:
            result = self._network(result, half)
        return result

    def _network(self, number: int, half: int) -> int:
        mask = (1 << half) - 1
        left, right = number >> half, number & mask
        for turn in range(_ROUNDS):
            left, right = right, left ^ (self._scrambled(turn, right, half) & mask)
        return left << half | right

    def _scrambled(self, turn: int, number: int, half: int) -> int:
        length = half // 8 + 1
        text = self.key + bytes([turn]) + number.to_bytes(length, "big")
        return int.from_bytes(shake_128(text).digest(length), "big")
