"""A row's memory of its last events, and the look at it: attention over blocks that rows share until they differ.

    w_j = softmax_j(q . k_j)  over the last `window` events        read = sum_j w_j v_j       for each head

A block is written once, event by event, and never changed: who remembers an earlier event simply sees less of it. So
a row that is taken several times, as beams are, costs nothing; who comes second to write at a place copies the block.
Products are numpy.vecdot's, one dot at a time: their rounding depends on no other row and on no number of threads.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

BLOCK = 128
"""Events of a block."""

_CLAIMING = Lock()


class _Block:
    """Keys (heads, BLOCK, d) and values (heads, d, BLOCK) of events, of which `used` are written."""

    def __init__(self, heads: int, width: int) -> None:
        self.keys = np.zeros((heads, BLOCK, width), dtype=np.float32)
        self.values = np.zeros((heads, width, BLOCK), dtype=np.float32)
        self.used = 0

    def written(self, place: int, key: Vector, value: Vector) -> "_Block":
        """Write key and value (heads, d) at a place; in a copy, where somebody else has written there."""
        with _CLAIMING:
            free = self.used == place
            self.used += free
        block = self if free else self._copied(place)
        block.keys[:, place] = key
        block.values[:, :, place] = value
        return block

    def _copied(self, place: int) -> "_Block":
        block = _Block(len(self.keys), self.keys.shape[2])
        block.keys[:, :place] = self.keys[:, :place]
        block.values[:, :, :place] = self.values[:, :, :place]
        block.used = place + 1
        return block


@dataclass(frozen=True)
class Past:
    """What one row remembers: the last of `length` events in its blocks; older blocks are forgotten."""

    heads: int
    window: int  # events that are looked at, the newest among them
    length: int = 0
    blocks: tuple[_Block, ...] = ()

    def followed_by(self, key: Vector, value: Vector) -> "Past":
        """Return the memory with one more event, of key and value (H,)."""
        key, value = (vector.reshape(self.heads, -1) for vector in (key, value))
        place = self.length % BLOCK
        *full, last = self.blocks if place else (*self.blocks, _Block(*key.shape))
        blocks, length = (*full, last.written(place, key, value)), self.length + 1
        forgotten = max(0, length - self.window) // BLOCK
        return Past(self.heads, self.window, length - forgotten * BLOCK, blocks[forgotten:])

    def read(self, query: Vector) -> Vector:
        """Return what a query (H,), already divided by sqrt(d), reads: (H,)."""
        asked = query.reshape(self.heads, 1, -1)
        scores = np.concatenate([np.vecdot(block.keys, asked) for block in self.blocks], axis=1)  # (heads, S)
        scores[:, self.length :] = -np.inf
        scores[:, : max(0, self.length - self.window)] = -np.inf
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        read: Vector = sum(
            np.vecdot(block.values, part[:, None])
            for block, part in zip(self.blocks, self._parts(weights), strict=True)
        ).reshape(-1)
        return read

    def _parts(self, weights: Vector) -> Iterator[Vector]:
        """Cut weights (heads, S) into those of each block (heads, BLOCK)."""
        for first in range(0, weights.shape[1], BLOCK):
            yield weights[:, first : first + BLOCK]
