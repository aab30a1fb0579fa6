"""Notes of many pieces → hashes of short windows of what they sound like, in any key, to find a piece again.

Two kinds of window are hashed. A *harmony* window is a row of chords: which pitch classes sound at each beat, a chord
that goes on counted once; it survives another instrumentation, octave doublings, bar lines elsewhere, tied or repeated
notes and, read at several rates, doubled or halved note values. A *line* window is a row of intervals of one track's
top notes, for melodies without harmony. Both are blind to key, tempo, metre and loudness.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.score import STEPS_PER_BEAT
from musicdemo.music.vocabulary import DRUM_PITCH, DURATIONS, EMPTY_BAR, METERS, NEXT_BAR, SAME_BAR, Column

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]

CHANGES, INTERVALS = 9, 14
"""Changes of chord, and intervals of a line, in a window: about two to four bars."""

HASH_BYTES = 6
"""Bytes of a hash that count: among ten million windows and 40,000 hashes, one meeting in 700 corpora is chance."""

BEAT, EIGHTH, HALF = (STEPS_PER_BEAT, 0), (STEPS_PER_BEAT // 2, 0), (2 * STEPS_PER_BEAT, 0)
OFF_BEAT = (STEPS_PER_BEAT, STEPS_PER_BEAT // 2)
RATES = (BEAT, OFF_BEAT, EIGHTH, HALF)
"""Distance and first moment, in steps, at which chords are looked at."""

_RECENT = 4
"""A change is fresh if it is none of so many before it; a window of which less than half is fresh tells nothing."""

_CLASSES = 12
_TRACKS = 2**17
"""More than there are values of PROGRAM and VOICE together."""


@dataclass(frozen=True)
class PieceNotes:
    """Pitched notes of `pieces` pieces, (N,) each: piece, track, onset and end in steps, and pitch."""

    pieces: int
    piece: Integers
    track: Integers
    onset: Integers
    end: Integers
    pitch: Integers


@dataclass(frozen=True)
class Windows:
    """Hash (of HASH_BYTES) and piece of each window, (W,) each, in the order of the music."""

    hashes: Hashes
    piece: Integers


def notes_of(events: NDArray[np.uint16], lengths: Integers) -> PieceNotes:
    """Return the pitched notes of pieces of events (N, C) that lie behind each other."""
    piece = np.repeat(np.arange(len(lengths)), lengths)
    time, pitch = events[:, Column.TIME].astype(np.int64), events[:, Column.PITCH].astype(np.int64)
    in_bar = time - np.where(time >= NEXT_BAR, NEXT_BAR, SAME_BAR)
    onset = _bar_starts(events, lengths) + in_bar
    kept = (pitch > 0) & (pitch < DRUM_PITCH)
    duration = np.array([0, *DURATIONS])[events[:, Column.DURATION]]
    track = events[:, Column.PROGRAM].astype(np.int64) * 256 + events[:, Column.VOICE]
    columns = (piece, track, onset, onset + duration, pitch - 1)
    return PieceNotes(len(lengths), *(column[kept] for column in columns))


def _bar_starts(events: NDArray[np.uint16], lengths: Integers) -> Integers:
    """Return, for each event (N,), the step of its piece at which its bar begins."""
    crosses = (events[:, Column.TIME] >= NEXT_BAR) | (events[:, Column.TIME] == EMPTY_BAR)
    bar_steps = np.array([0, *(meter.bar_steps for meter in METERS)])[events[:, Column.METER]]
    ends = np.cumsum(np.where(crosses, bar_steps, 0))  # over all pieces: what the earlier ones took goes off again
    last_crossing = np.maximum.accumulate(np.where(crosses, np.arange(len(events)), 0))
    before = np.concatenate([[0], ends])[np.cumsum(lengths) - lengths]
    return np.asarray(ends - bar_steps[last_crossing] - np.repeat(before, lengths))


def harmony_windows(notes: PieceNotes, rate: tuple[int, int] = BEAT) -> Windows:
    """Hash every row of CHANGES changes of chord, looked at every `rate[0]` steps from step `rate[1]` on."""
    chords, piece = _chords(notes, *rate)
    same_piece = piece[1:] == piece[:-1]
    changes = _unkeyed(chords[:-1], chords[1:])
    return _windows(changes[same_piece], piece[1:][same_piece], CHANGES)


def _chords(notes: PieceNotes, distance: int, first: int) -> tuple[Integers, Integers]:
    """Return the chords, as sets of pitch classes in 12 bits, and their pieces; repeats and silences are left out."""
    begin = -(-(notes.onset - first) // distance)
    end = -(-(notes.end - first) // distance)
    frames = np.zeros(notes.pieces, np.int64)
    np.maximum.at(frames, notes.piece, end + 1)
    total = int(frames.sum())
    offset = (np.cumsum(frames) - frames)[notes.piece]
    chords = np.zeros(total, np.int64)
    for pitch_class in range(_CLASSES):
        chosen = (notes.pitch % _CLASSES == pitch_class) & (end > begin)
        began = np.bincount((offset + begin)[chosen], minlength=total)
        ended = np.bincount((offset + end)[chosen], minlength=total)
        chords |= (np.cumsum(began - ended) > 0).astype(np.int64) << pitch_class
    piece = np.repeat(np.arange(notes.pieces), frames)
    sounding = chords > 0
    chords, piece = chords[sounding], piece[sounding]
    new = np.ones(len(chords), bool)
    new[1:] = (chords[1:] != chords[:-1]) | (piece[1:] != piece[:-1])
    return chords[new], piece[new]


def _unkeyed(one: Integers, two: Integers) -> Integers:
    """Give each pair of chords a number that is the same in all twelve keys."""
    lowest = (one << _CLASSES) | two
    for by in range(1, _CLASSES):
        np.minimum(lowest, (_rotated(one, by) << _CLASSES) | _rotated(two, by), out=lowest)
    return lowest


def _rotated(chords: Integers, by: int) -> Integers:
    return ((chords << by) | (chords >> (_CLASSES - by))) & 0xFFF


def line_windows(notes: PieceNotes) -> Windows:
    """Hash every row of INTERVALS intervals of the top notes of each track, a repeated pitch counted once."""
    order = np.lexsort((-notes.pitch, notes.onset, notes.track, notes.piece))
    line, onset, pitch = (notes.piece * _TRACKS + notes.track)[order], notes.onset[order], notes.pitch[order]
    top = np.ones(len(line), bool)
    top[1:] = (line[1:] != line[:-1]) | (onset[1:] != onset[:-1])
    line, pitch = line[top], pitch[top]
    new = np.ones(len(line), bool)
    new[1:] = (line[1:] != line[:-1]) | (pitch[1:] != pitch[:-1])
    line, pitch = line[new], pitch[new]
    same_line = line[1:] == line[:-1]
    found = _windows(np.diff(pitch)[same_line], line[1:][same_line], INTERVALS)
    return Windows(found.hashes, found.piece // _TRACKS)


def _windows(values: Integers, group: Integers, length: int) -> Windows:
    """Hash every `length` neighbours of one group, but for those in which little happens."""
    count = len(values) - length + 1
    if count < 1:
        return Windows(np.zeros(0, np.uint64), np.zeros(0, np.int64))
    mixed = _mixed(values.astype(np.uint64))
    hashes = np.zeros(count, np.uint64)
    for at in range(length):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + mixed[at : at + count]
    fresh = np.ones(len(values), np.int64)
    for back in range(1, _RECENT + 1):
        fresh[back:] &= values[back:] != values[:-back]
    total = np.concatenate([[0], np.cumsum(fresh)])
    lively = total[length:] - total[:-length] >= length // 2
    kept = (group[length - 1 :] == group[:count]) & lively
    return Windows(_mixed(hashes[kept]) >> np.uint64(64 - 8 * HASH_BYTES), group[:count][kept])


def _mixed(values: Hashes) -> Hashes:
    """Spread values over 64 bits (the finaliser of SplitMix64; Steele, Lea and Flood 2014)."""
    values = (values + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)), dtype=np.uint64)
