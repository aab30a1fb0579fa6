"""Masks: which values of a column may be written, shape (V,). They are made once and shared: nobody may change one."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.vocabulary import DURATIONS

Mask = NDArray[np.bool_]


class Choices(NamedTuple):
    """What a column may be: the mask, the same as 0 and -inf to add to logits, and the value if there is but one."""

    allowed: Mask
    barrier: NDArray[np.float64]
    only: int | None


def choices(allowed: Mask) -> Choices:
    """Return a mask as choices."""
    values = np.flatnonzero(allowed)
    return Choices(allowed, np.where(allowed, 0.0, -np.inf), int(values[0]) if len(values) == 1 else None)


@cache
def nothing(size: int) -> Mask:
    """Allow the value 0, which means none, alone."""
    return only(size, 0)


@cache
def something(size: int) -> Mask:
    """Allow all but 0."""
    return ~only(size, 0)


@cache
def only(size: int, value: int) -> Mask:
    """Allow one value."""
    allowed = np.zeros(size, dtype=np.bool_)
    allowed[value] = True
    return allowed


@cache
def up_to(size: int, steps: int) -> Mask:
    """Allow values of DURATION for lengths of at most so many steps."""
    allowed = np.zeros(size, dtype=np.bool_)
    allowed[1 : 1 + sum(length <= steps for length in DURATIONS)] = True
    return allowed
