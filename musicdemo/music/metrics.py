"""What a piece is like, in numbers: the measures by which generated and real music are compared. Drums do not count.

Definitions follow the literature that each function names, as MusPy (Dong et al. 2020) collects them; where a figure
depends on a choice, such as the width of a beat's cells, the choice is said.
"""

import math

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.harmony import PITCH_CLASSES, Key, scale
from musicdemo.music.score import STEPS_PER_BEAT, Note, Score

CELL_STEPS = STEPS_PER_BEAT // 4
"""Rhythm is compared in cells of a sixteenth note."""


def pitch_class_entropy(score: Score) -> float:
    """Return the entropy of how often each pitch class is struck, in bits: 0 (one alone) to log2 12 = 3.58.

    Wu & Yang 2020 ("The Jazz Transformer on the Front Line", section 4), over the whole score. NaN without a note.
    """
    counts = _pitch_class_counts(score)
    if not counts.any():
        return math.nan
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum() + 0.0)


def scale_consistency(score: Score) -> float:
    """Return the share of the notes that lie in the major or minor scale that most of them lie in, 7/12 to 1.

    Mogren 2016 ("C-RNN-GAN", section 4). NaN without a note.
    """
    counts = _pitch_class_counts(score)
    if not counts.any():
        return math.nan
    # A minor scale holds the notes of its relative major, so twelve scales are all there are.
    scales = [list(scale(Key(tonic, "major"))) for tonic in range(PITCH_CLASSES)]
    return float(max(counts[notes].sum() for notes in scales) / counts.sum())


def groove_consistency(score: Score) -> float:
    """Return how alike neighbouring bars are in where notes begin, 0 to 1: 1 - the mean share of cells that differ.

    Wu & Yang 2020, section 4, with cells of a sixteenth; bars of unlike length are compared over the longer one.
    NaN with fewer than two bars.
    """
    bars = score.bars
    if len(bars) < 2:
        return math.nan
    onsets = sorted({note.onset for note in _notes(score)})
    cells = [frozenset((o - bar.start) // CELL_STEPS for o in onsets if bar.start <= o < bar.end) for bar in bars]
    lengths = [math.ceil(bar.meter.bar_steps / CELL_STEPS) for bar in bars]
    unlike = [len(cells[i] ^ cells[i + 1]) / max(lengths[i], lengths[i + 1]) for i in range(len(bars) - 1)]
    return 1 - math.fsum(unlike) / len(unlike)


def polyphony(score: Score) -> float:
    """Return how many different pitches sound at once, on average over the steps at which any does; at least 1.

    Dong et al. 2020 (MusPy, section 5). NaN without a note.
    """
    sounding: dict[int, set[int]] = {}
    for note in _notes(score):
        for step in range(note.onset, note.end):
            sounding.setdefault(step, set()).add(note.pitch)
    return sum(map(len, sounding.values())) / len(sounding) if sounding else math.nan


def pitch_range(score: Score) -> float:
    """Return the semitones between the lowest and the highest note. NaN without a note."""
    pitches = [note.pitch for note in _notes(score)]
    return float(max(pitches) - min(pitches)) if pitches else math.nan


METRICS = {
    "pitch-class entropy": pitch_class_entropy,
    "scale consistency": scale_consistency,
    "groove consistency": groove_consistency,
    "polyphony": polyphony,
    "pitch range": pitch_range,
}
"""The measures that generated and real music are compared by."""


def _notes(score: Score) -> list[Note]:
    return [note for track in score.tracks if not track.is_drum for note in track.notes]


def _pitch_class_counts(score: Score) -> NDArray[np.float64]:
    classes = [note.pitch % PITCH_CLASSES for note in _notes(score)]
    return np.bincount(np.array(classes, dtype=np.int64), minlength=PITCH_CLASSES).astype(np.float64)
