"""Which bars of a long piece make the best seed, as far as plain measures can tell.

A piece of at most WHOLE_BARS bars is taken whole. Of a longer one every passage of 8 to 16 bars is looked at. First
comes what a listener would hear as a fault: of all passages those with the fewest bars in which nothing begins, and
of these those with the fewest bars of the piece's close, which is its last bar and whatever before it is slower than
nine tenths of the tempo that rules. Among the rest the lowest sum of these costs wins, each 0 to 1, and of equals the
later one:

    end      how little a phrase ends at the last bar line
    begin    half of how little one ends at the bar line before the first bar
    density  how far the notes a bar are from the piece's median, as a mean over the bars; twice or half is 1
    length   a quarter of what is missing to 16 bars; and a quarter more where it is no multiple of four bars

A phrase ends at a bar line as far as (a) it is long from the last onset before it to the first behind it, measured by
the piece's median (Cambouropoulos 2001, "The Local Boundary Detection Model": the strongest cue is the gap between
onsets), and (b) the lowest note that sounds at the end is the tonic of the piece's key, or by half its fifth: the
basses of a full and of a half cadence. Both count half. Where the drums are alone, there is no key, and (a) counts
alone.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.harmony import PITCH_CLASSES, detect_key
from musicdemo.music.prompt import prevailing_tempo
from musicdemo.music.score import Bar, Note, Score

WHOLE_BARS, MOST_BARS = 8, 16
"""A piece of so many bars is taken whole; of a longer one at least as many and at most MOST_BARS."""

SLOWER = 0.9
LONG_GAP = 4
"""So many times the median from onset to onset is as clear a pause as there is."""

FIFTH = 7


@dataclass(frozen=True)
class _Facts:
    """What the costs are made of: an entry for each bar; `ends` and `far` 0 to 1."""

    is_empty: NDArray[np.bool_]
    is_close: NDArray[np.bool_]
    ends: NDArray[np.float64]
    far: NDArray[np.float64]


def best_bars(score: Score) -> tuple[int, int]:
    """Return the first and the last bar, counted from 1, of the passage that makes the best seed.

    Raises ValueError for a score without notes.
    """
    bars = score.bars
    if not bars:
        raise ValueError("a seed is chosen from a score with notes, and this one has none")
    if len(bars) <= WHOLE_BARS:
        return 1, len(bars)
    facts = _facts(score, bars)
    lengths = range(WHOLE_BARS, min(MOST_BARS, len(bars)) + 1)
    passages = ((first, first + length) for length in lengths for first in range(len(bars) - length + 1))
    sums = _Sums(facts)
    first, end = min(passages, key=sums.cost)
    return first + 1, end


class _Sums:
    """Running sums over bars, so that a passage costs the same to judge however long it is."""

    def __init__(self, facts: _Facts) -> None:
        self._empty = _running(facts.is_empty)
        self._close = _running(facts.is_close)
        self._far = _running(facts.far)
        self._ends = [1.0, *facts.ends.tolist()]  # the beginning of the piece is the end of a phrase to what follows

    def cost(self, passage: tuple[int, int]) -> tuple[float, float, float, int]:
        """Judge the bars from `first` up to, not including, `end`, counted from 0."""
        first, end = passage
        length = end - first
        total = 1 - self._ends[end] + (1 - self._ends[first]) / 2
        total += (self._far[end] - self._far[first]) / length
        total += (1 - length / MOST_BARS) / 4 + (0 if length % 4 == 0 else 1 / 4)
        # Rounded, so that equals are equal whatever the order of their sums.
        empty, close = self._empty[end] - self._empty[first], self._close[end] - self._close[first]
        return empty, close, round(total, 9), -first


def _running(values: NDArray[np.bool_] | NDArray[np.float64]) -> list[float]:
    return [0.0, *np.cumsum(values, dtype=np.float64).tolist()]


def _facts(score: Score, bars: tuple[Bar, ...]) -> _Facts:
    starts = np.array([bar.start for bar in bars])
    counts = _counts(score, starts)
    median = max(1.0, float(np.median(counts[counts > 0])))
    far = np.minimum(1.0, np.abs(np.log2(np.maximum(counts, 0.5) / median)))
    return _Facts(counts == 0, _closing(score, bars), _phrase_ends(score, bars), far)


def _counts(score: Score, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    onsets = [note.onset for track in score.tracks for note in track.notes]
    return np.bincount(np.searchsorted(starts, onsets, side="right") - 1, minlength=len(starts))


def _closing(score: Score, bars: tuple[Bar, ...]) -> NDArray[np.bool_]:
    slow = SLOWER * prevailing_tempo(score)
    is_close = np.zeros(len(bars), dtype=bool)
    is_close[-1] = True
    for number in range(len(bars) - 1, 0, -1):
        if score.tempo_at(bars[number].end - 1) >= slow:
            break
        is_close[number] = True
    return is_close


def _phrase_ends(score: Score, bars: tuple[Bar, ...]) -> NDArray[np.float64]:
    """Say for each bar, 0 to 1, how clearly a phrase ends at its end."""
    notes = sorted(note for track in score.tracks if not track.is_drum for note in track.notes)
    lines = np.array([bar.end for bar in bars])
    if not notes:
        return _pauses(np.unique([note.onset for track in score.tracks for note in track.notes]), lines)
    return (_pauses(np.unique([note.onset for note in notes]), lines) + _bass_cadences(score, notes, lines)) / 2


def _pauses(onsets: NDArray[np.int64], lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """Say how long it is over each bar line from onset to onset: 0 for the median gap, 1 for LONG_GAP medians."""
    if len(onsets) < 2:
        return np.ones(len(lines))
    gaps = np.diff(onsets)
    silence = [LONG_GAP * gaps.max()]
    over = np.concatenate((silence, gaps, silence))[np.searchsorted(onsets, lines)]
    ratio = np.log(over / np.median(gaps)) / math.log(LONG_GAP)
    return np.asarray(np.clip(ratio, 0.0, 1.0))


def _bass_cadences(score: Score, notes: list[Note], lines: NDArray[np.int64]) -> NDArray[np.float64]:
    key = detect_key(score)
    lowest = _lowest(notes, lines)
    degree = (lowest - (key.tonic if key else 0)) % PITCH_CLASSES
    worth = np.where(degree == 0, 1.0, np.where(degree == FIFTH, 0.5, 0.0))
    return np.where((lowest >= 0) & (key is not None), worth, 0.0)


def _lowest(notes: list[Note], lines: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the lowest pitch that sounds up to each bar line; where none does, of what ended last; -1 for nothing.

    The notes are sorted by onset.
    """
    lowest = np.full(len(lines), -1)
    sounding: list[Note] = []
    following = 0
    for index, line in enumerate(lines.tolist()):
        while following < len(notes) and notes[following].onset < line:
            sounding.append(notes[following])
            following += 1
        latest = max((note.end for note in sounding), default=0)
        sounding = [note for note in sounding if note.end >= min(line, latest)]
        lowest[index] = min((note.pitch for note in sounding), default=-1)
    return lowest
