"""Named random streams: every random decision is a function of (study seed, purpose, number).

No generator is ever shared or carried on, so a proposal can be made again from its trial number,
whatever else has happened since, and two workers never draw the same numbers by accident.
"""

from __future__ import annotations

import zlib

import numpy as np

MAX_SEED = 2**53
"""Seeds are below this, so that they survive any JSON reader."""


def stream(seed: int, purpose: str, number: int = 0) -> np.random.Generator:
    """The random generator for one purpose.

    Args:
        seed: The study's seed.
        purpose: What the numbers are for, such as ``"candidates"``.
        number: Which one of its kind, usually the trial number.
    """
    key = (seed, zlib.crc32(purpose.encode()), number)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
