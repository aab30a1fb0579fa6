"""Which event of a network stands for which note of a score, and back.

A score lists notes by track; events follow the order in which a network reads. What is said about notes goes by the
order of `note_order`, in which the piano roll lists them too.
"""

from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.note_order import Placed, note_order
from musicdemo.music.score import Bar, Note, Score, Track
from musicdemo.music.tokenizer import Events, Tokenizer
from musicdemo.music.vocabulary import DURATIONS, EMPTY_BAR, MAX_VOICES, NEXT_BAR, SAME_BAR, Column, duration_value

NOTHING = -1
"""Stands for the note of an event that is none, and for the event of a note that has none."""


_Spot = tuple[int, bool, int, int, int]
"""Onset, whether it is a drum, program, voice and falling pitch: what tells events apart, in their order."""


@dataclass(frozen=True, eq=False)
class NoteEvents:
    """The events (T, C) of the last bars of a score, START first, and what each stands for.

    `order` lists all notes of the score, `bars` all bars up to the last event. `note_of` (T,) gives for an event the
    index of its note in `order`, `row_of` (N,) for a note its event; NOTHING where there is none, as for notes before
    the last bars and for a second note of one pitch at one onset. `bar_of` (T,) counts bars from the score's first.
    """

    order: tuple[Placed, ...]
    bars: tuple[Bar, ...]
    events: Events
    note_of: NDArray[np.int64]
    row_of: NDArray[np.int64]
    bar_of: NDArray[np.int64]

    @property
    def first_bar(self) -> int:
        """The first bar that was encoded."""
        return int(self.bar_of[0])


def note_events(tokenizer: Tokenizer, score: Score, *, most: int) -> NoteEvents:
    """Encode the last bars of a score, at most `most` bars with at most `most` notes, with the style left open.

    Of a last bar that alone holds more, the first notes are encoded.
    """
    order, bars = note_order(score), score.bars
    first = _first_bar(order, bars, most)
    start = bars[first].start if first else 0
    events = tokenizer.encode(score.clipped(start, bars[-1].end) if start else score)
    rows = np.flatnonzero(events[:, Column.TIME] >= SAME_BAR)
    indices = _sounding_notes(score, order, start)
    assert len(rows) == len(indices), "an event stands for no note of the score"
    if len(rows) > most:
        events, rows, indices = events[: rows[most]], rows[:most], indices[:most]
    note_of, row_of = np.full(len(events), NOTHING), np.full(len(order), NOTHING)
    note_of[rows], row_of[indices] = indices, rows
    times = events[:, Column.TIME]
    crossings = np.cumsum((times >= NEXT_BAR) | (times == EMPTY_BAR))
    bars = tuple(
        islice(score.iter_bars(), first + int(crossings[-1]))
    )  # a longest note may end a bar later when snapped
    return NoteEvents(tuple(order), bars, events, note_of, row_of, np.maximum(crossings - 1, 0) + first)


def _first_bar(order: list[Placed], bars: tuple[Bar, ...], most: int) -> int:
    """Return the first bar behind which few enough notes and bars lie, or the last one."""
    earliest = order[-most][1].onset if len(order) > most else 0
    few = (number for number, bar in enumerate(bars) if bar.start >= earliest and len(bars) - number <= most)
    return next(few, max(0, len(bars) - 1))


def _sounding_notes(score: Score, order: list[Placed], start: int) -> list[int]:
    """Return the indices of the notes from step `start` on that events stand for, in the order of the events.

    Of several at one spot, the tokenizer keeps the longest, and of equally long ones the first by track.
    """
    kept: dict[_Spot, tuple[int, int, int]] = {}
    for index, (number, note) in enumerate(order):
        if note.onset >= start:
            spot = _spot(score.tracks[number], note)
            length = DURATIONS[duration_value(note.duration) - 1]
            kept[spot] = min(kept.get(spot, (-length, number, index)), (-length, number, index))
    return [kept[spot][2] for spot in sorted(kept)]


def _spot(track: Track, note: Note) -> _Spot:
    program = 0 if track.is_drum else track.program
    return note.onset, track.is_drum, program, min(track.voice, MAX_VOICES - 1), -note.pitch
