"""Polyphony: at which steps another note may sound, where only so many may sound at once."""

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.vocabulary import MAX_DURATION

_FIRST_STEPS = 1024


class Room:
    """How many notes sound at each step, and where one more has room."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sounding = np.zeros(_FIRST_STEPS, dtype=np.int32)

    def copy(self) -> "Room":
        """Return an independent copy."""
        twin = Room.__new__(Room)
        twin._limit, twin._sounding = self._limit, self._sounding.copy()
        return twin

    @property
    def is_overfull(self) -> bool:
        """Whether more notes than the limit sound at some step."""
        return bool(self._sounding.max() > self._limit)

    def take(self, onset: int, end: int) -> None:
        """Let a note sound in steps [onset, end)."""
        self._reach(end)
        self._sounding[onset:end] += 1

    def free(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Return for each of the steps [start, stop) whether a note may begin there."""
        self._reach(stop)
        return np.asarray(self._sounding[start:stop] < self._limit)

    def longest(self, onset: int) -> int:
        """Return how many steps a note may last from `onset` on, at most MAX_DURATION."""
        free = self.free(onset, onset + MAX_DURATION)
        return MAX_DURATION if free.all() else int(free.argmin())

    def _reach(self, step: int) -> None:
        missing = step - len(self._sounding)
        if missing > 0:
            grown = max(missing, len(self._sounding))
            self._sounding = np.concatenate((self._sounding, np.zeros(grown, dtype=np.int32)))
