"""What a musician would count in passages that a network went on with: drums do not count, nor does the primer."""

from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np

from musicdemo.music.score import STEPS_PER_BEAT
from training.dataset import Events
from training.passages import LENGTH
from training.windows import notes_of

FIFTH, OCTAVE = 7, 0
FIGURE = 4
"""Notes of a melodic figure."""


class Sung(NamedTuple):
    """One note of a passage: onset in steps from its beginning, track, pitch, length in steps, whether it is new."""

    onset: int
    track: int
    pitch: int
    steps: int
    new: bool


def notes_in(events: Events) -> list[Sung]:
    """Return the notes of a passage (T, C), of which those of the last LENGTH events are new."""
    lengths = np.array([len(events)], dtype=np.int64)
    notes = notes_of(events, lengths)
    before = len(notes_of(events[:-LENGTH], lengths - LENGTH).pitch)
    rows = np.stack([notes.onset, notes.track, notes.pitch, notes.end - notes.onset], axis=1).tolist()
    return [Sung(onset, track, pitch, steps, at >= before) for at, (onset, track, pitch, steps) in enumerate(rows)]


Figure = tuple[tuple[int, ...], tuple[int, ...]]
"""Intervals between some notes of one track in a row, and the notes' lengths."""


def diversity(one: Sequence[Events], other: Sequence[Events]) -> float:
    """Return how little two continuations of each passage share: the mean of 1 - |A and B| / |A or B|, 0 to 1.

    Notes are the same that begin at the same step, in the same track, at the same pitch (Jaccard 1912).
    """
    distances = []
    for pair in zip(one, other, strict=True):
        first, second = ({note[:3] for note in notes_in(events) if note.new} for events in pair)
        distances.append(1 - len(first & second) / max(len(first | second), 1))
    return sum(distances) / len(distances)


def heard_before(passages: Iterable[Events]) -> float:
    """Return the share of new figures that some track has played earlier in the passage, in whatever key.

    A figure is made of FIGURE notes.
    """
    known = total = 0
    for events in passages:
        said: set[Figure] = set()
        for figure, new in _figures(notes_in(events)):
            total += new
            known += new and figure in said
            said.add(figure)
    return known / max(total, 1)


def _figures(notes: list[Sung]) -> list[tuple[Figure, bool]]:
    """Return the figures of all tracks in the order in which they end, and whether all of their notes are new."""
    lines: dict[int, list[Sung]] = {}
    found = []
    for note in notes:
        line = lines.setdefault(note.track, [])
        line.append(note)
        last = line[-FIGURE:]
        if len(last) == FIGURE:
            intervals = tuple(b.pitch - a.pitch for a, b in pairwise(last))
            found.append(((intervals, tuple(each.steps for each in last)), all(each.new for each in last)))
    return found


def parallels(passages: Iterable[Events], interval: int) -> float:
    """Return how often two voices move the same way from one `interval` (mod 12) to the same, in 100 beats.

    Two voices move together where both begin a note at one step and neither repeats its last. Meant for voices that
    sing one note at a time: chorales and hymns.
    """
    count, steps = 0, 0
    for events in passages:
        notes = notes_in(events)
        new = [note.onset for note in notes if note.new]
        steps += max(new, default=0) - min(new, default=0)
        count += sum(_is_parallel(*moves, interval) for moves in _moves_together(notes))
    return 100 * count * STEPS_PER_BEAT / max(steps, 1)


Move = tuple[int, int]
"""Pitch that a voice leaves, and pitch that it goes to."""


def _moves_together(notes: list[Sung]) -> list[tuple[Move, Move]]:
    """Return the moves of each two voices that go to new notes at one step."""
    last: dict[int, int] = {}
    together: list[tuple[Move, Move]] = []
    for onset in sorted({note.onset for note in notes}):
        here = {note.track: note for note in notes if note.onset == onset}
        moves = [(last[track], note.pitch) for track, note in here.items() if track in last and note.new]
        together += combinations(moves, 2)
        last |= {track: note.pitch for track, note in here.items()}
    return together


def _is_parallel(one: Move, other: Move, interval: int) -> bool:
    step, other_step = one[1] - one[0], other[1] - other[0]
    before, after = abs(one[0] - other[0]), abs(one[1] - other[1])
    return step * other_step > 0 and before % 12 == after % 12 == interval
