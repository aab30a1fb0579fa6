"""Noise that is looked up, not consumed: the same (seed, row, event, column) gives the same number, always.

Each number comes from the counter-based generator Philox (Salmon et al. 2011, "Parallel random numbers: as easy as
1, 2, 3"), keyed by (seed, row) and counted by (event, column). So a row draws the same whether it is decoded alone
or in a batch, and whatever was drawn before it. Nothing here has a state.
"""

import numpy as np
from numpy.typing import NDArray

MAX_KEY = 2**63 - 1
"""The largest seed, row or event."""

_UNUSED_BITS = 11  # of 64, so that the 53 that a float holds are left
_UNIT = 2.0**-53


def uniforms(seed: int, row: int, event: int, columns: int) -> NDArray[np.float64]:
    """Return the noise of one event, a float in [0, 1) for each of its `columns`; seed, row, event are 0-MAX_KEY."""
    key = np.array((seed, row), dtype=np.uint64)
    counter = np.array((0, event, 0, 0), dtype=np.uint64)  # the first word runs on over the columns
    bits: NDArray[np.uint64] = np.random.Philox(key=key, counter=counter).random_raw(columns)
    return (bits >> _UNUSED_BITS).astype(np.float64) * _UNIT


def uniform(seed: int, row: int, event: int, column: int) -> float:
    """Return the noise of one column, a float in [0, 1): what `uniforms` has there."""
    return float(uniforms(seed, row, event, column + 1)[column])
