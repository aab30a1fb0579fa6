"""What the benchmarks share: a layout of columns, pieces of such rows, how they are transposed and drawn for training.

A value 0 means "none" in every column. In columns of pitches 1 is a rest and LOWEST_VALUE + n the n-th pitch, so that
a shift of all values from LOWEST_VALUE on is a transposition.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.dataset import Batch

Events = NDArray[np.int64]
REST, LOWEST_VALUE = 1, 2


@dataclass(frozen=True)
class Layout:
    """Columns of an event row: their number of values, which are predicted, which hold pitches, what relates to what.

    `relative` is ModelConfig's. `shift` is the given column, if any, that says by how many semitones a piece was moved.
    The row that opens a piece has zeros everywhere but in column 0.
    """

    sizes: tuple[int, ...]
    predicted: tuple[bool, ...]
    pitches: tuple[int, ...]
    relative: tuple[tuple[int, int], ...]
    shift: int | None = None

    @property
    def charged(self) -> tuple[int, ...]:
        """The predicted columns, from left to right."""
        return tuple(column for column, predicted in enumerate(self.predicted) if predicted)

    def units(self, events: Events) -> int:
        """Return in how many of the events (..., C) something is chosen: what a loss is shared among."""
        return int((events[..., self.charged[0]] > 0).sum())


def transposed(events: Events, layout: Layout, semitones: int) -> Events:
    """Return events (T, C) with all pitches moved. Raises ValueError where a pitch would leave its column."""
    moved = events.copy()
    if layout.shift is not None:
        moved[:, layout.shift] += np.where(moved[:, layout.shift] > 0, semitones, 0)
    for column in layout.pitches:
        values = moved[:, column]
        sounding = values >= LOWEST_VALUE
        values[sounding] += semitones
        if sounding.any() and not LOWEST_VALUE <= values[sounding].min() <= values.max() < layout.sizes[column]:
            raise ValueError(
                f"a shift by {semitones} semitones leaves the {layout.sizes[column]} values of column {column}"
            )
    return moved


def shift_range(events: Events, layout: Layout, semitones: int) -> tuple[int, int]:
    """Return the lowest and the highest shift, at most `semitones` away, that keeps all pitches in their columns."""
    lowest, highest = -semitones, semitones
    for column in layout.pitches:
        values = events[:, column]
        values = values[values >= LOWEST_VALUE]
        if len(values):
            lowest = max(lowest, LOWEST_VALUE - int(values.min()))
            highest = min(highest, layout.sizes[column] - 1 - int(values.max()))
    return min(lowest, 0), max(highest, 0)


@dataclass(frozen=True)
class DrawConfig:
    """Batches of `rows` pieces (or excerpts of at most `excerpt` events), read in windows of `window` events.

    Each drawn piece is moved by up to `semitones`, as far as `shift_range` allows. Each given value is left open (0)
    with probability `forget`, so that a network does not lean on one of several that say the same.
    """

    rows: int = 24
    window: int = 1024
    excerpt: int = 4096
    semitones: int = 0
    forget: float = 0.0


class PieceSampler:
    """Draw training batches for training.fit.Run: every piece once an epoch, pieces of like length together."""

    def __init__(self, pieces: list[Events], layout: Layout, config: DrawConfig, *, seed: int) -> None:
        self._pieces, self._layout, self._config = pieces, layout, config
        self._random = np.random.default_rng(seed)
        self._waiting: list[Batch] = []

    def batch(self) -> Batch:
        """Return the next window; where a batch of pieces begins, `begins` is true in its first column."""
        if not self._waiting:
            self._waiting = [window for rows in self._epoch() for window in self._windows(rows)]
            self._waiting.reverse()
        return self._waiting.pop()

    def state(self) -> dict[str, object]:
        """Return what `restore` needs: an epoch that was under way begins anew."""
        return {"random": json.dumps(self._random.bit_generator.state)}

    def restore(self, state: dict[str, object]) -> None:
        """Go on from where another sampler of the same pieces was."""
        self._random.bit_generator.state = json.loads(str(state["random"]))
        self._waiting = []

    def _epoch(self) -> list[list[Events]]:
        parts = [part for piece in self._pieces for part in self._excerpts(piece)]
        missing = -len(parts) % self._config.rows
        drawn = np.concatenate([self._random.permutation(len(parts)), self._random.integers(len(parts), size=missing)])
        order = sorted(drawn, key=lambda at: len(parts[at]) * self._random.uniform(0.8, 1.2))
        groups = [order[first : first + self._config.rows] for first in range(0, len(order), self._config.rows)]
        self._random.shuffle(groups)
        return [[self._moved(parts[at]) for at in group] for group in groups]

    def _excerpts(self, piece: Events) -> Iterator[Events]:
        if len(piece) <= self._config.excerpt:
            yield piece
            return
        first = 0
        length = int(self._random.integers(self._config.excerpt // 2, self._config.excerpt + 1))
        while first < len(piece) - 1:
            yield piece[first : first + length + 1]
            first, length = first + length, self._config.excerpt

    def _moved(self, piece: Events) -> Events:
        low, high = shift_range(piece, self._layout, self._config.semitones)
        moved = transposed(piece, self._layout, int(self._random.integers(low, high + 1)))
        given = [column for column, predicted in enumerate(self._layout.predicted) if not predicted]
        moved[1:, given] *= self._random.random((len(moved) - 1, len(given))) >= self._config.forget
        return moved

    def _windows(self, rows: list[Events]) -> Iterator[Batch]:
        events = padded(rows)
        for first in range(0, events.shape[1] - 1, self._config.window):
            window = events[:, first : first + self._config.window + 1]
            begins = np.zeros(window.shape[:2], bool)
            begins[:, 0] = first == 0
            yield Batch(window, begins, self._layout.units(window[:, 1:]))


def padded(rows: list[Events]) -> Events:
    """Stack pieces (T, C) to (B, T, C), filled up with zeros."""
    events = np.zeros((len(rows), max(map(len, rows)), rows[0].shape[1]), np.int64)
    for row, piece in enumerate(rows):
        events[row, : len(piece)] = piece
    return events
