"""What was read before a note was predicted: the notes that count most, and the share that fell on no note.

Weights over events become weights over notes. What falls on START, on an empty bar, or before the events that are
kept belongs to no note and is said apart, so that nothing is hidden.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicdemo.checkpoint import Checkpoint
from musicdemo.insight.gradients import attribution
from musicdemo.insight.note_events import NOTHING
from musicdemo.insight.reading import Thoughts

MOST_READS = 8


@dataclass(frozen=True, slots=True)
class Reads:
    """The notes read most, (index, share) and the largest first, and the share that fell on no note."""

    notes: tuple[tuple[int, float], ...] = ()
    on_no_note: float = 0.0


def note_reads(checkpoint: Checkpoint, found: Thoughts, index: int) -> Reads:
    """Return what the network had read when it predicted note `index`; that is the step before the note's own.

    It takes the weights of a network with attention, and else attribution's shares, at the cost of a backward pass.
    """
    row = int(found.placed.row_of[index])
    if row == NOTHING:
        return Reads()
    return _reads_of(found, *read_events(checkpoint, found, [row]))


def all_reads(checkpoint: Checkpoint, found: Thoughts) -> list[Reads] | None:
    """Return what was read before each note, in their order; None where each would cost a backward pass."""
    if not found.has_attention:
        return None
    return [note_reads(checkpoint, found, index) for index in range(len(found.notes))]


def read_events(checkpoint: Checkpoint, found: Thoughts, rows: list[int]) -> tuple[int, NDArray[np.float64]]:
    """Return the first event that was read for events `rows` (ascending, from 1 on), and shares from there on.

    Of several, the shares are the mean (attention) or those of the mean log p (attribution).
    """
    if found.weights is None:
        return attribution(checkpoint.model, found, rows)
    first = max(0, rows[0] - found.weights.shape[1])
    shares = np.zeros(rows[-1] - first)
    for row in rows:
        seen = found.weights[row, :row]
        shares[row - first - len(seen) : row - first] += seen[::-1] / len(rows)
    return first, shares


def _reads_of(found: Thoughts, first: int, shares: NDArray[np.float64]) -> Reads:
    notes = found.placed.note_of[first : first + len(shares)]
    on_notes = np.where(notes == NOTHING, 0.0, shares)
    best = np.argsort(-on_notes, kind="stable")[:MOST_READS]
    pairs = tuple((int(notes[event]), float(on_notes[event])) for event in best if on_notes[event] > 0)
    return Reads(pairs, max(0.0, 1.0 - float(on_notes.sum())) if shares.any() else 0.0)
