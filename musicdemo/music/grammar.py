"""Grammar: which values a column may take next, so that whatever is written is music that decodes.

It satisfies decoding's Rules without importing it. Beyond what every piece obeys, it keeps the wishes of one
continuation, and whatever they are, at least one value is always left.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.cursor import BarPlan, Cursor, Key
from musicdemo.music.frame import Due, Frame, Speakers
from musicdemo.music.masks import Choices, Mask, nothing, only, something, up_to
from musicdemo.music.vocabulary import (
    DRUMS,
    DURATIONS,
    EMPTY_BAR,
    END,
    MAX_DURATION,
    NEXT_BAR,
    PREDICTED,
    SAME_BAR,
    TIME_SIZE,
    Column,
    column_sizes,
    duration_value,
)
from musicdemo.music.wishes import Wishes

_SIZES = column_sizes(0)


class Grammar:
    """The rules of one row that is being written. `events`, the prompt, were written already, START first.

    Raises ValueError for wishes that contradict each other here.
    """

    def __init__(
        self, plan: BarPlan, events: Iterable[list[int]], *, style: int = 0, wishes: Wishes | None = None
    ) -> None:
        self._plan = plan
        self._cursor = Cursor(plan, style=style)
        for row in events:
            self._cursor.write_event([row[column] for column in PREDICTED])
        self._begin(wishes or Wishes())

    def _begin(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self._frame = Frame(wishes, self._plan, self._cursor)
        self._room = self._frame.room(self._cursor)
        self._first_bar = self._cursor.bar + 1
        self._join = True  # the first event must leave the prompt's last bar as it is
        self._silence = 0
        self._written_dues = 0
        self._is_due = False  # whether the note that is being written is a fixed one
        self.finished = False

    def copy(self) -> "Grammar":
        """Return an independent copy in the same place."""
        twin = Grammar.__new__(Grammar)
        twin.__dict__.update(self.__dict__)
        twin._cursor = self._cursor.copy()
        twin._room = self._room and self._room.copy()
        return twin

    def under(self, wishes: Wishes) -> "Grammar":
        """Return a grammar for the same prompt under other wishes."""
        assert self._join, "wishes cannot change once the first event is written"
        twin = self.copy()
        twin._begin(wishes)
        return twin

    @property
    def bars_begun(self) -> int:
        """Bars of the continuation that have begun."""
        return self._cursor.bar + 1 - self._first_bar

    def given(self, column: int) -> int:
        """Value of a given column of the event that is being written."""
        return self._cursor.given(column)

    def forced(self, column: int) -> int | None:
        """Return the value of a predicted column where but one is left; only TIME and special wishes are not asked."""
        return self._choices(column).only if column != Column.TIME and self._frame.is_plain else None

    def constrain(self, column: int, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return logits (V,) with forbidden values at -inf.

        In the last bar that was wished for, all ways to leave it are one: END, with their joint probability.
        """
        if column == Column.TIME:
            return self._constrain_time(logits)
        return logits + self._choices(column).barrier

    def choose(self, column: int, value: int) -> None:
        """Write the next column."""
        cursor = self._cursor
        if column == Column.TIME:
            self._join = False
            self._silence = self._silence + 1 if value == EMPTY_BAR else 0
            self.finished = value == END
        elif not self._frame.is_plain:
            self._keep_count(column, value)
        cursor.write(value)

    def _keep_count(self, column: int, value: int) -> None:
        """Follow which fixed notes are written and how many notes sound."""
        row = self._cursor.row
        if column == Column.PITCH:
            due = self._due_now()
            self._is_due = due is not None and (*_track(row), value) == (*due.key, due.pitch)
        elif column == Column.VELOCITY and self._is_due:
            self._written_dues += 1
        elif column == Column.VELOCITY and self._room and row[Column.PITCH] and row[Column.PROGRAM] != DRUMS:
            onset = self._cursor.onset
            self._room.take(onset, onset + DURATIONS[row[Column.DURATION] - 1])

    @property
    def _is_last_bar(self) -> bool:
        return self.wishes.bars is not None and self.bars_begun >= self.wishes.bars

    def _constrain_time(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        times = self._times()
        if not self._is_last_bar:
            return logits + times.barrier
        leaves = times.allowed.copy()
        leaves[SAME_BAR:NEXT_BAR] = False
        stay = logits + times.barrier
        stay[leaves] = -np.inf
        if leaves[END]:
            stay[END] = np.logaddexp.reduce(logits[leaves])
        return stay

    def _times(self) -> Choices:
        cursor, may_pass, first = self._cursor, self._may_pass_a_bar(), self._first_step_left()
        place = (Column.TIME, may_pass, first, cursor.bar_steps, cursor.next_bar_steps, self._is_last_bar)
        return self._frame.choices_at(place, lambda: self._allowed_times(first, may_pass=may_pass))

    def _allowed_times(self, first: int | None, *, may_pass: bool) -> Mask:
        """Return what every piece obeys, the wish for not too much silence, and then the other wishes."""
        cursor = self._cursor
        allowed = np.zeros(TIME_SIZE, dtype=np.bool_)
        allowed[END] = True
        allowed[EMPTY_BAR] = may_pass
        allowed[NEXT_BAR : NEXT_BAR + cursor.next_bar_steps] = True
        if first is not None:
            allowed[SAME_BAR + first : SAME_BAR + cursor.bar_steps] = True
        if not self._frame.is_plain:
            self._keep_wishes(allowed)
        allowed[END] &= self.wishes.bars is None or self._is_last_bar
        return allowed

    def _first_step_left(self) -> int | None:
        """Return the first step of this bar at which a note may begin, or None where nothing may."""
        cursor = self._cursor
        if self._join or cursor.key is None:
            return None
        here = cursor.onset - cursor.bar_start
        return here if self._programs().allowed.any() else here + 1

    def _may_pass_a_bar(self) -> bool:
        limit = self.wishes.max_empty_bars
        return limit is None or (self._silence < limit and self._cursor.sounds_into_next_bar)

    def _keep_wishes(self, allowed: Mask) -> None:
        """Take out the times at which nobody may begin, and those behind the next fixed note."""
        cursor = self._cursor
        start, line = cursor.bar_start, cursor.bar_start + cursor.bar_steps
        end = line + cursor.next_bar_steps
        same, following = allowed[SAME_BAR : SAME_BAR + line - start], allowed[NEXT_BAR : NEXT_BAR + end - line]
        behind = cursor.onset + 1  # who may still speak at this very moment is known already
        if behind < line:
            same[behind - start :] &= self._frame.opens(behind, line, self._room)
        if not self._is_last_bar:
            following &= self._frame.opens(line, end, self._room)
        due = self._next_due()
        if due is not None and due.onset < end:
            allowed[EMPTY_BAR] = allowed[END] = False
            bar, bar_start = (same, start) if due.onset < line else (following, line)
            bar[due.onset - bar_start] = True
            bar[due.onset - bar_start + 1 :] = False
            following &= due.onset >= line
        elif not self._is_last_bar and not allowed[SAME_BAR:].any():
            allowed[EMPTY_BAR] = True

    def _next_due(self) -> Due | None:
        dues = self._frame.dues
        return dues[self._written_dues] if self._written_dues < len(dues) else None

    def _due_now(self) -> Due | None:
        due = self._next_due()
        return due if due is not None and due.onset == self._cursor.onset else None

    def _choices(self, column: int) -> Choices:
        row = self._cursor.row
        if row[Column.TIME] == EMPTY_BAR:
            return self._frame.choices_at(column, lambda: nothing(_SIZES[column]))
        if column == Column.PROGRAM:
            return self._programs()
        if column == Column.VOICE:
            program = row[Column.PROGRAM]
            return self._frame.choices_at(
                (column, program, *self._cursor.spoken), lambda: self._allowed_voices(program)
            )
        if column == Column.PITCH:
            key, spoken = _track(row), self._cursor.spoken
            place = (column, key, spoken[1] if spoken[0] == key else 0)
            return self._frame.choices_at(place, lambda: self._allowed_pitches(key))
        if column == Column.DURATION:
            return self._frame.choices_at((column,), self._allowed_durations)
        return self._frame.choices_at((column,), self._allowed_velocities)

    def _programs(self) -> Choices:
        return self._frame.choices_at((Column.PROGRAM, *self._cursor.spoken), self._allowed_programs)

    def _speakers(self) -> Speakers:
        """Return who may speak at this onset, whoever has spoken there already."""
        frame, onset, room = self._frame, self._cursor.onset, self._room
        if frame.is_plain:
            return frame.body
        if onset > frame.chord_onset:
            return frame.drums
        at_chord = frame.chord is not None and onset == frame.chord_onset
        wanted = frame.chord.bass.duration if frame.chord is not None and at_chord else 1
        if room is not None and not room.free(onset, onset + wanted).all():
            return frame.drums
        return frame.at_chord if at_chord else frame.body

    def _allowed_programs(self) -> Mask:
        """At one onset no track speaks before the last one, and none behind the next fixed note's."""
        key, due = self._cursor.key, None if self._frame.is_plain else self._due_now()
        programs = self._speakers().programs
        if key is None and due is None:
            return programs
        programs = programs.copy()
        if key is not None:
            programs[: key[0]] = False
            programs[key[0]] = self._allowed_voices(key[0]).any()
        if due is not None:
            programs[due.key[0]] = True
            programs[due.key[0] + 1 :] = False
        return programs

    def _allowed_voices(self, program: int) -> Mask:
        key, due = self._cursor.key, None if self._frame.is_plain else self._due_now()
        voices: Mask = self._speakers().voices[program].copy()
        if key is not None and key[0] == program:
            voices[: key[1]] = False
            voices[key[1]] &= bool(self._free_pitches(key).any())
        if due is not None and due.key[0] == program:
            voices[due.key[1]] = True
            voices[due.key[1] + 1 :] = False
        return voices

    def _allowed_pitches(self, key: Key) -> Mask:
        due = None if self._frame.is_plain else self._due_now()
        if due is None or due.key != key:
            return self._free_pitches(key)
        may_add = bool(self._speakers().voices[key])
        pitches = self._free_pitches(key) & may_add
        pitches[: due.pitch] = False
        pitches[due.pitch] = True
        return pitches

    def _free_pitches(self, key: Key) -> Mask:
        """Return the pitches of a track but fixed ones, below the one that it has just played at this onset."""
        cursor, frame = self._cursor, self._frame
        allowed = frame.pitches(key, during_chord=cursor.onset == frame.chord_onset)
        occupied = () if frame.is_plain else frame.occupied(key, cursor.onset)
        if key == cursor.key or occupied:
            allowed = allowed.copy()
            allowed[list(occupied)] = False
            if key == cursor.key:
                allowed[cursor.pitch :] = False
        return allowed

    def _allowed_velocities(self) -> Mask:
        due, size = self._due_now() if self._is_due else None, _SIZES[Column.VELOCITY]
        return only(size, due.velocity) if due is not None and due.velocity else something(size)

    def _allowed_durations(self) -> Mask:
        due, size = self._due_now() if self._is_due else None, _SIZES[Column.DURATION]
        if due is not None:
            return only(size, due.duration)
        frame, onset = self._frame, self._cursor.onset
        if frame.is_plain or self._cursor.row[Column.PROGRAM] == DRUMS:
            return something(size)
        if frame.chord is not None and onset == frame.chord_onset:
            return only(size, duration_value(frame.chord.bass.duration))
        longest = min(frame.chord_onset - onset, MAX_DURATION if self._room is None else self._room.longest(onset))
        return something(size) if longest >= MAX_DURATION else up_to(size, longest)


def _track(row: list[int]) -> Key:
    return row[Column.PROGRAM], row[Column.VOICE]
