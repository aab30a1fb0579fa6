"""Cursor: where a sequence of events stands in the music, and the given columns that follow from it.

Encoding and generation drive the same cursor, so a network is never shown a fact in training that it
would not be shown while it writes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from musicdemo.music.harmony import key_scores
from musicdemo.music.vocabulary import (
    DRUM_PITCH,
    DRUMS,
    DURATIONS,
    EMPTY_BAR,
    END,
    MAX_VOICES,
    METERS,
    NEXT_BAR,
    SAME_BAR,
    START,
    Column,
)

KEY_MEMORY = 0.98
"""How much of the weight of earlier notes is left after a new one; half of it after 34 notes."""

MAX_HEARD_STEPS = 24
"""A note counts for its key by its length, up to this."""

Key = tuple[int, int]
"""Values of PROGRAM and VOICE: a track, in the order in which tracks speak within one onset."""


@dataclass(frozen=True, slots=True)
class BarPlan:
    """Values of METER and TEMPO for each bar; the last pair goes on for ever."""

    values: tuple[tuple[int, int], ...]

    def at(self, bar: int) -> tuple[int, int]:
        """Values of METER and TEMPO of a bar, counted from 0."""
        return self.values[min(bar, len(self.values) - 1)]


class Cursor:
    """Follow events, column by column, from START on."""

    __slots__ = (
        *("_key", "_near_pitch", "_pitch_classes", "_plan", "_sounding", "_span", "_style", "_tracks"),
        *("bar", "bar_start", "bar_steps", "key", "next_bar_steps", "onset", "pitch", "row"),
    )

    def __init__(self, plan: BarPlan, *, style: int = 0) -> None:
        self._plan = plan
        self._style = style
        self._tracks: dict[Key, tuple[int, int]] = {}  # last pitch value, and the step at which it ends
        self._sounding: list[tuple[int, int]] = []  # end and pitch value of each note that sounds
        self._span = (0, 0)  # lowest and highest pitch value of those, or of those before where there are none
        self._pitch_classes = np.zeros(12)
        self._key = self._near_pitch = 0
        self.row: list[int] = []
        """Columns of the event that is being written."""
        self.bar, self.bar_start, self.bar_steps = -1, 0, 0
        """Bar of the last event (-1 before the first), its first step and its length."""
        self.next_bar_steps = self._steps_of(0)
        """Length of the bar behind the next bar line."""
        self.onset = 0
        """Step of the last event."""
        self.key: Key | None = None
        """Track of the last note, if it began at `onset`."""
        self.pitch = 0
        """Pitch value of that note."""

    def copy(self) -> "Cursor":
        """Return an independent cursor in the same place."""
        twin = Cursor.__new__(Cursor)
        for name in Cursor.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.row, twin._tracks, twin._sounding = self.row[:], dict(self._tracks), self._sounding[:]
        twin._pitch_classes = self._pitch_classes.copy()
        return twin

    @property
    def sounds_into_next_bar(self) -> bool:
        """Whether a note (not a drum) goes on behind the next bar line."""
        return max(self._sounding, default=(0, 0))[0] > self.bar_start + self.bar_steps

    @property
    def spoken(self) -> tuple[Key | None, int]:
        """Track and pitch value of the last note, if it began at `onset`."""
        return self.key, self.pitch if self.key is not None else 0

    @property
    def ends(self) -> list[int]:
        """Steps at which the notes (not drums) end that sound at the last onset."""
        return [end for end, _ in self._sounding]

    @property
    def last_pitches(self) -> list[tuple[Key, int]]:
        """Each track that has spoken, and its last pitch value."""
        return [(key, pitch) for key, (pitch, _) in self._tracks.items()]

    def given(self, column: int) -> int:
        """Value of a given column, once all columns to its left are written."""
        facts = _GIVEN.get(column)
        if facts is None:
            raise ValueError(f"column {Column(column).name} is predicted, not given")
        return facts(self)

    def write(self, value: int) -> None:
        """Write the next column of the event; after the last one the event is complete and `row` is empty again."""
        column = len(self.row)
        self.row.append(value)
        if column == Column.TIME:
            self._move(value)
        elif column == Column.VELOCITY:
            if self.row[Column.PITCH]:
                self._note()
            self.row = []

    def write_event(self, note: Sequence[int]) -> list[int]:
        """Write a whole event from the values of its predicted columns and return its full row."""
        time, program, voice, pitch, duration, velocity = note
        bar = self.bar + 1
        row = [self._style, *self._plan.at(bar), self._next_end(), time]
        self._move(time)
        self.row = row
        row += self._due()
        row += (program, voice, self._tracks.get((program, voice), (0, 0))[0])
        row += (0, 0, 0, 0) if time == END else (self._near_pitch, *self._span, self._key)
        row += (pitch, duration, velocity)
        if pitch:
            self._note()
        self.row = []
        return row

    def _steps_of(self, bar: int) -> int:
        return METERS[self._plan.at(bar)[0] - 1].bar_steps

    def _move(self, time: int) -> None:
        if time >= NEXT_BAR or time == EMPTY_BAR:
            self.bar_start += self.bar_steps
            self.bar, self.bar_steps = self.bar + 1, self.next_bar_steps
            self.next_bar_steps = self._steps_of(self.bar + 1)
        if time < SAME_BAR:
            onset = self.bar_start if time != START else 0
        else:
            onset = self.bar_start + (time - (NEXT_BAR if time >= NEXT_BAR else SAME_BAR))
        if onset != self.onset or time < SAME_BAR:
            self.key = None
            self._sounding = [note for note in self._sounding if note[0] > onset]
            self._measure_span()
        self.onset = onset

    def _note(self) -> None:
        row = self.row
        key, pitch = (row[Column.PROGRAM], row[Column.VOICE]), row[Column.PITCH]
        end = self.onset + DURATIONS[row[Column.DURATION] - 1]
        self._tracks[key] = (pitch, end)
        self.key, self.pitch = key, pitch
        if key[0] != DRUMS:
            self._sounding.append((end, pitch))
            self._measure_span()
            self._hear(pitch, end - self.onset)

    def _measure_span(self) -> None:
        if self._sounding:
            pitches = [pitch for _, pitch in self._sounding]
            self._span = min(pitches), max(pitches)

    def _hear(self, pitch: int, steps: int) -> None:
        """Follow the key by what sounded lately: each note makes those before it count a little less."""
        if pitch < DRUM_PITCH:
            self._near_pitch = pitch
            self._pitch_classes *= KEY_MEMORY
            self._pitch_classes[(pitch - 1) % 12] += min(steps, MAX_HEARD_STEPS)
            self._key = 1 + int(key_scores(self._pitch_classes).argmax())

    def _next_end(self) -> int:
        if not self._sounding:
            return 0
        after = min(self._sounding)[0] - self.bar_start
        if after < self.bar_steps:
            return SAME_BAR + after
        after -= self.bar_steps
        return NEXT_BAR + after if after < self.next_bar_steps else EMPTY_BAR

    def _due(self) -> Key:
        """Track whose note ends now; drums have no ends, and a track before the last that spoke has had its turn."""
        if self.row[Column.TIME] < SAME_BAR:
            return 0, 0
        onset, spoken = self.onset, self.key or (0, MAX_VOICES)
        due = [key for key, (_, end) in self._tracks.items() if end == onset and key > spoken and key[0] != DRUMS]
        return min(due, default=(0, 0))

    def _last_pitch(self) -> int:
        return self._tracks.get((self.row[Column.PROGRAM], self.row[Column.VOICE]), (0, 0))[0]


_GIVEN: dict[int, Callable[[Cursor], int]] = {
    Column.STYLE: lambda cursor: cursor._style,
    Column.METER: lambda cursor: cursor._plan.at(cursor.bar + 1)[0],
    Column.TEMPO: lambda cursor: cursor._plan.at(cursor.bar + 1)[1],
    Column.NEXT_END: Cursor._next_end,
    Column.DUE_PROGRAM: lambda cursor: cursor._due()[0],
    Column.DUE_VOICE: lambda cursor: cursor._due()[1],
    Column.LAST_PITCH: Cursor._last_pitch,
    Column.NEAR_PITCH: lambda cursor: cursor._near_pitch,
    Column.LOW_PITCH: lambda cursor: cursor._span[0],
    Column.HIGH_PITCH: lambda cursor: cursor._span[1],
    Column.KEY: lambda cursor: cursor._key,
}
