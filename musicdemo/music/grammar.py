"""Grammar: which values a column may take next, so that whatever is written is music that decodes.

It satisfies decoding's Rules without importing it. Beyond what every piece obeys, it keeps the wishes of one
continuation: exactly so many new bars, the tracks that may speak, and how long silence may last.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.cursor import BarPlan, Cursor, Key
from musicdemo.music.score import TrackKey
from musicdemo.music.vocabulary import (
    DRUM_PITCH,
    DRUMS,
    EMPTY_BAR,
    END,
    MAX_VOICES,
    NEXT_BAR,
    PITCH_SIZE,
    PREDICTED,
    PROGRAM_SIZE,
    SAME_BAR,
    TIME_SIZE,
    Column,
)

Mask = NDArray[np.bool_]
_SPEAKERS = (PROGRAM_SIZE, MAX_VOICES + 1)


@dataclass(frozen=True)
class Wishes:
    """What one continuation asks for beyond the grammar.

    `bars`: how many bars to write, after which the row ends, or None to write until the network says END.
    `tracks`: the tracks that may speak, or None for all.
    `max_empty_bars`: how many bars in a row may begin no note, and that only while an earlier note sounds; None for
    any silence.
    """

    bars: int | None = None
    tracks: frozenset[TrackKey] | None = None
    max_empty_bars: int | None = 1

    def __post_init__(self) -> None:
        if self.bars is not None and self.bars < 1:
            raise ValueError(f"bars must be at least 1, not {self.bars}")
        if self.tracks is not None and not self.tracks:
            raise ValueError("a continuation needs at least one track that may speak")


def track_value(key: TrackKey) -> Key:
    """Values of PROGRAM and VOICE of a track."""
    return (DRUMS if key.is_drum else key.program + 1), min(key.voice, MAX_VOICES - 1) + 1


class Grammar:
    """The rules of one row that is being written. `events`, the prompt, were written already, START first."""

    def __init__(
        self, plan: BarPlan, events: Iterable[list[int]], *, style: int = 0, wishes: Wishes | None = None
    ) -> None:
        self.wishes = wishes or Wishes()
        self._cursor = Cursor(plan, style=style)
        for row in events:
            self._cursor.write_event([row[column] for column in PREDICTED])
        self._first_bar = self._cursor.bar + 1
        self._join = True  # the first event must leave the prompt's last bar as it is
        self._silence = 0
        self._speakers = _speakers(self.wishes.tracks)
        self.finished = False

    def copy(self) -> "Grammar":
        """Return an independent copy in the same place."""
        twin = Grammar.__new__(Grammar)
        twin.__dict__.update(self.__dict__)
        twin._cursor = self._cursor.copy()
        return twin

    @property
    def bars_begun(self) -> int:
        """Bars of the continuation that have begun."""
        return self._cursor.bar + 1 - self._first_bar

    def given(self, column: int) -> int:
        """Value of a given column of the event that is being written."""
        return self._cursor.given(column)

    def constrain(self, column: int, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return logits (V,) with forbidden values at -inf.

        In the last bar that was wished for, all ways to leave it are one: END, with their joint probability.
        """
        if column == Column.TIME:
            return self._constrain_time(logits)
        allowed = self._allowed(column, len(logits))
        return np.where(allowed, logits, -np.inf)

    def choose(self, column: int, value: int) -> None:
        """Write the next column."""
        if column == Column.TIME:
            self._join = False
            self._silence = self._silence + 1 if value == EMPTY_BAR else 0
            self.finished = value == END
        self._cursor.write(value)

    def _constrain_time(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        allowed = self._allowed_times()
        wished = self.wishes.bars
        if wished is None:
            return np.where(allowed, logits, -np.inf)
        if self.bars_begun < wished:
            allowed[END] = False
            return np.where(allowed, logits, -np.inf)
        leaving = np.logaddexp.reduce(logits[_leaves_bar(allowed)])
        stay = np.where(allowed, logits, -np.inf)
        stay[NEXT_BAR:] = stay[EMPTY_BAR] = -np.inf
        stay[END] = leaving
        return stay

    def _allowed_times(self) -> Mask:
        cursor = self._cursor
        allowed = np.zeros(TIME_SIZE, dtype=bool)
        allowed[END] = True
        allowed[EMPTY_BAR] = self._may_pass_a_bar()
        allowed[NEXT_BAR : NEXT_BAR + cursor.next_bar_steps] = True
        if not self._join and cursor.key is not None:
            here = cursor.onset - cursor.bar_start
            first = here if self._speakers_left().any() else here + 1
            allowed[SAME_BAR + first : SAME_BAR + cursor.bar_steps] = True
        return allowed

    def _may_pass_a_bar(self) -> bool:
        limit = self.wishes.max_empty_bars
        return limit is None or (self._silence < limit and self._cursor.sounds_into_next_bar)

    def _allowed(self, column: int, size: int) -> Mask:
        row = self._cursor.row
        if row[Column.TIME] == EMPTY_BAR:
            return ~_something(size)
        if column == Column.PROGRAM:
            return cast("Mask", self._speakers_left().any(axis=1))
        if column == Column.VOICE:
            return cast("Mask", self._speakers_left()[row[Column.PROGRAM]])
        if column == Column.PITCH:
            return self._allowed_pitches((row[Column.PROGRAM], row[Column.VOICE]))
        return _something(size)

    def _speakers_left(self) -> Mask:
        """Tracks (PROGRAM_SIZE, MAX_VOICES + 1) that may speak now: at one onset, no track before the last one."""
        key = self._cursor.key
        if key is None:
            return self._speakers
        left = self._speakers.copy()
        left[: key[0]] = False
        lowest = DRUM_PITCH if key[0] == DRUMS else 1
        left[key[0], : key[1] + (self._cursor.pitch == lowest)] = False
        return left

    def _allowed_pitches(self, key: Key) -> Mask:
        allowed = np.zeros(PITCH_SIZE, dtype=bool)
        if key[0] == DRUMS:
            allowed[DRUM_PITCH:] = True
        else:
            allowed[1:DRUM_PITCH] = True
        if key == self._cursor.key:
            allowed[self._cursor.pitch :] = False
        return allowed


def _something(size: int) -> Mask:
    allowed = np.ones(size, dtype=bool)
    allowed[0] = False
    return allowed


def _speakers(tracks: frozenset[TrackKey] | None) -> Mask:
    speakers = np.zeros(_SPEAKERS, dtype=bool)
    if tracks is None:
        speakers[1:, 1:] = True
    for key in tracks or ():
        speakers[track_value(key)] = True
    return speakers


def _leaves_bar(allowed: Mask) -> Mask:
    leaves = allowed.copy()
    leaves[SAME_BAR:NEXT_BAR] = False
    return leaves
