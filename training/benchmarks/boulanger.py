"""The four sets of Boulanger-Lewandowski et al. 2012: frames of a piano-roll of 88 keys; one event is one frame.

A frame is the set of keys that are down. It is written as its notes from the highest to the lowest and an end, in
predicted columns from left to right, and every next note must lie below the one before: each set has exactly one such
row, so the product of its columns' probabilities is the exact likelihood of the set. Networks with 88 independent
outputs cannot say that notes depend on each other, and the RNN-RBM can only estimate its likelihood (ibid., section 5).
"""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.io import loadmat
from torch import Tensor

from training.benchmarks.columns import LOWEST_VALUE, Events, Layout

KEYS = 88
END = 1
"""The value of a key column with which a frame ends; LOWEST_VALUE + key is a note, 0 what follows an end."""

KEY_SIZE = LOWEST_VALUE + KEYS
MAX_SHIFT, LONGEST_HOLD = 12, 32
PERIOD, BEAT = 48, 4
START = PERIOD + 1

Roll = NDArray[np.uint8]


class Given(IntEnum):
    """The columns that a frame begins with."""

    PHASE = 0
    """1 + number of the frame modulo PERIOD, so that bars of 8, 12 and 16 frames can be told; START opens a piece."""
    BEAT = 1
    """1 + number of the frame modulo BEAT."""
    SHIFT = 2
    """1 + MAX_SHIFT + semitones by which the piece was moved away from the common tonality."""
    COUNT = 3
    """1 + how many notes the last frame had; 0 in the first one."""


@dataclass(frozen=True)
class Frame:
    """The columns of frames of up to `slots` notes: Given, then for each note three columns.

    The given ones follow from the columns to their left: `next`, the highest note of the last frame below the note
    before, and `hold`, for how many frames it has sounded. `key` is predicted.
    """

    slots: int

    def next(self, slot: int) -> int:
        """Return the column of what the last frame has next."""
        return len(Given) + 3 * slot

    def hold(self, slot: int) -> int:
        """Return the column of how long that has sounded."""
        return self.next(slot) + 1

    def key(self, slot: int) -> int:
        """Return the column of the note, highest first."""
        return self.next(slot) + 2

    @property
    def layout(self) -> Layout:
        """The columns as training and scoring see them."""
        every = range(self.slots)
        return Layout(
            sizes=(START + 1, BEAT + 1, 2 * MAX_SHIFT + 2, self.slots + 2)
            + (KEY_SIZE, LONGEST_HOLD + 1, KEY_SIZE) * self.slots,
            predicted=(False,) * len(Given) + (False, False, True) * self.slots,
            pitches=tuple(column(slot) for slot in every for column in (self.next, self.key)),
            relative=tuple(pair for slot in every for pair in self._relative(slot)),
            shift=int(Given.SHIFT),
        )

    def _relative(self, slot: int) -> list[tuple[int, int]]:
        """Score a note by its distance from what the last frame has next, and from the two notes above it."""
        above = [self.key(other) for other in range(max(0, slot - 2), slot)]
        return [(self.key(slot), reference) for reference in (self.next(slot), *above)]

    def encode(self, roll: Roll) -> Events:
        """Return the events (1 + T, C) of a piano-roll (T, 88). Raises ValueError for a frame of more notes."""
        if len(roll) and roll.sum(axis=1).max() > self.slots:
            raise ValueError(f"a frame may have {self.slots} notes, not {roll.sum(axis=1).max()}")
        events = np.zeros((len(roll) + 1, len(self.layout.sizes)), np.int64)
        events[0, Given.PHASE] = START
        number = np.arange(len(roll))
        events[1:, Given.PHASE], events[1:, Given.BEAT] = number % PERIOD + 1, number % BEAT + 1
        events[1:, Given.SHIFT] = MAX_SHIFT + 1
        events[2:, Given.COUNT] = roll[:-1].sum(axis=1) + 1
        last, hold = np.zeros(0, np.int64), np.zeros(KEYS, np.int64)
        for row, frame in zip(events[1:], roll, strict=True):
            notes = np.flatnonzero(frame)[::-1]
            self._write(row, notes.tolist(), last.tolist(), hold)
            last, hold = notes, np.minimum((hold + 1) * frame, LONGEST_HOLD)
        return events

    def _write(self, row: NDArray[np.int64], notes: list[int], last: list[int], hold: NDArray[np.int64]) -> None:
        """Fill in a frame's keys, from the highest to the lowest, beside those of the last frame."""
        for slot in range(min(len(notes) + 1, self.slots)):
            below = next((key for key in last if not slot or key < notes[slot - 1]), None)
            if below is not None:
                row[self.next(slot)], row[self.hold(slot)] = below + LOWEST_VALUE, hold[below]
            row[self.key(slot)] = notes[slot] + LOWEST_VALUE if slot < len(notes) else END

    def allowed(self, events: Tensor, column: int) -> Tensor:
        """Say which values (..., V) of a key column the columns of events (..., C) to its left leave possible."""
        values = torch.arange(KEY_SIZE, device=events.device)
        if column == self.key(0):
            return (values > 0).expand(*events.shape[:-1], -1)
        above = events[..., column - 3, None]
        return (values == END) | ((values >= LOWEST_VALUE) & (values < above))


def read_rolls(path: Path) -> dict[str, list[Roll]]:
    """Read a .mat file of the TCN repository: for each split the piano-rolls (T, 88) of 0 and 1."""
    arrays = loadmat(path)
    return {
        split: [np.asarray(roll, np.uint8) for roll in arrays[f"{split}data"][0]]
        for split in ("train", "valid", "test")
    }
