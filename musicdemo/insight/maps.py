"""Maps of what was read for what: note by note for a stretch of a piece, or bar by bar.

A row is what was predicted and a column what was read for it, both in the order in which the network met them. A map
is never larger than MOST_ACROSS either way, however long the piece is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicdemo.checkpoint import Checkpoint
from musicdemo.insight.note_events import NOTHING
from musicdemo.insight.reading import Thoughts
from musicdemo.insight.reads import read_events

MOST_ACROSS = 256
"""Notes, or bars, that a map holds at most."""

OnBar = Callable[[int], None]
"""Told after each bar of a map how many are done."""


@dataclass(frozen=True, eq=False)
class ReadingMap:
    """Shares (N, N), each row of what was read for it; `labels` are indices of notes in their order, or bars."""

    labels: tuple[int, ...]
    shares: NDArray[np.float32]


def note_map(checkpoint: Checkpoint, found: Thoughts, *, first: int = 0, count: int = MOST_ACROSS) -> ReadingMap:
    """Map `count` notes (1 to MOST_ACROSS) from the one that was read as number `first` on.

    What was read of earlier notes is not in the map, so a row may sum to less than 1. Raises ValueError for a network
    without attention: each of its notes would cost a backward pass.
    """
    if not found.has_attention:
        raise ValueError("a map note by note needs a network with attention: take the one bar by bar")
    _check(count)
    rows = np.flatnonzero(found.placed.note_of != NOTHING)[first : first + count]
    shares = np.zeros((len(rows), len(rows)), dtype=np.float32)
    for number, row in enumerate(rows.tolist()):
        start, read = read_events(checkpoint, found, [row])
        seen = rows[(rows >= start) & (rows < row)]
        shares[number, number - len(seen) : number] = read[seen - start]
    return ReadingMap(tuple(found.placed.note_of[rows].tolist()), shares)


def bar_map(
    checkpoint: Checkpoint,
    found: Thoughts,
    *,
    first: int = 0,
    count: int = MOST_ACROSS,
    on_bar: OnBar | None = None,
) -> ReadingMap:
    """Map `count` bars (1 to MOST_ACROSS) from bar `first` on: the mean, over the notes of a bar, of what was read.

    For a network without attention each bar costs a backward pass; `on_bar` hears of it.
    """
    _check(count)
    placed, bars = found.placed, range(first, min(first + count, len(found.placed.bars)))
    is_note = placed.note_of != NOTHING
    shares = np.zeros((len(bars), len(bars)), dtype=np.float32)
    for number, bar in enumerate(bars):
        rows = np.flatnonzero(is_note & (placed.bar_of == bar))
        if len(rows):
            start, read = read_events(checkpoint, found, rows.tolist())
            seen = slice(start, start + len(read))
            inside = is_note[seen] & (placed.bar_of[seen] >= first)
            np.add.at(shares[number], placed.bar_of[seen][inside] - first, read[inside])
        if on_bar is not None:
            on_bar(number + 1)
    return ReadingMap(tuple(bars), shares)


def _check(count: int) -> None:
    if not 1 <= count <= MOST_ACROSS:
        raise ValueError(f"a map holds 1-{MOST_ACROSS} notes or bars, not {count}")
