"""The tree of a beam search: every event that was kept for a while, and what it went on from.

A sequence is a node and all that lies between it and the prompt. Nodes lie in arrays, parents before children, so that
a search of a thousand events at width 16 holds a few megabytes. What is kept is decided elsewhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from musicdemo.decoding.stepper import Events, Hypothesis

PROMPT = -1
"""The parent of the nodes that come right behind the prompt."""

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Tree:
    """N nodes, shallow ones first. A node's children have higher numbers than it has itself."""

    parents: Indices
    """(N,) the node that each goes on from, or PROMPT."""
    lengths: Indices
    """(N,) events from the prompt to here, this one included: 1 and more."""
    events: Events
    """(N, C)"""
    log_probs: Floats
    """(N, C) in nats, of the values of this event alone."""
    totals: Floats
    """(N,) log-probability in nats of everything from the prompt to here."""
    ended: Mask
    """(N,) whether the sequence ends here."""

    def __len__(self) -> int:
        return len(self.parents)

    def path(self, node: int) -> Indices:
        """Return the nodes from the prompt to `node`, which is the last of them; none for PROMPT."""
        path = []
        while node != PROMPT:
            path.append(node)
            node = int(self.parents[node])
        return np.array(path[::-1], dtype=np.intp)

    def hypothesis(self, node: int) -> Hypothesis:
        """Return the sequence that `node` is the last event of; for PROMPT the empty one."""
        path = self.path(node)
        return Hypothesis(self.events[path], self.log_probs[path], bool(len(path)) and bool(self.ended[node]))

    @property
    def kept_until(self) -> Indices:
        """(N,) the length of the longest sequence that was kept and goes through each node, at least its own.

        A branch that did not end was pruned while the event behind this many was written, or with the search.
        """
        longest = self.lengths.copy()
        for node in range(len(self) - 1, -1, -1):
            parent = self.parents[node]
            if parent != PROMPT:
                longest[parent] = max(longest[parent], longest[node])
        return longest


class GrowingTree:
    """A tree while it is searched. Nodes are only ever added, so what was handed out never changes."""

    def __init__(self, columns: int) -> None:
        self._size = 0
        places, rows = np.zeros(64, dtype=np.intp), np.zeros((64, columns))
        self._room = Tree(places, places.copy(), rows.astype(np.int64), rows, np.zeros(64), places.astype(np.bool_))

    def append(
        self, parents: Indices, length: int, events: Events, log_probs: Floats, totals: Floats, *, ended: bool
    ) -> Indices:
        """Add nodes of one length, events and log_probs (B, C), and return their numbers (B,)."""
        nodes = np.arange(self._size, self._size + len(parents))
        self._size += len(parents)
        while len(self._room) < self._size:
            self._room = _each(self._room, lambda array: np.concatenate((array, np.zeros_like(array))))
        room = self._room
        room.parents[nodes], room.lengths[nodes], room.ended[nodes] = parents, length, ended
        room.events[nodes], room.log_probs[nodes], room.totals[nodes] = events, log_probs, totals
        return nodes

    def events_to(self, node: int) -> Events:
        """Return the events (T, C) from the prompt to a node."""
        return self._room.events[self._room.path(node)]

    def frozen(self) -> Tree:
        """Return the tree as it stands."""
        return _each(self._room, lambda array: array[: self._size].copy())


class Sequences(Sequence[Events]):
    """The events of some nodes, each put together when somebody looks: few callbacks look at more than the first."""

    def __init__(self, tree: GrowingTree, nodes: Sequence[int]) -> None:
        self._tree, self._nodes = tree, nodes

    def __len__(self) -> int:
        return len(self._nodes)

    @overload
    def __getitem__(self, index: int) -> Events: ...
    @overload
    def __getitem__(self, index: slice) -> "Sequences": ...
    def __getitem__(self, index: int | slice) -> "Events | Sequences":
        if isinstance(index, slice):
            return Sequences(self._tree, self._nodes[index])
        return self._tree.events_to(self._nodes[index])


def _each(tree: Tree, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Tree:
    """Return the tree with all of its arrays changed alike."""
    return Tree(**{name: change(array) for name, array in vars(tree).items()})
