"""Diverse beam search: groups of beams, each of which avoids what those before it chose. One group is plain search.

Sequences are compared by log-probability while they grow, with others of as many columns only, and by length-normalised
score once they have ended. Nothing here draws at random.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from musicdemo.decoding.beam_tree import Floats, Indices, Mask

MAX_PENALTY = 100.0


@dataclass(frozen=True)
class Diverse:
    """How many groups the beams are divided into, and how strongly these avoid each other; one group is a plain search.

    `penalty` is what a value loses, in nats, for each beam of an earlier group that chose it in the same column of the
    same event: the Hamming diversity of Vijayakumar et al. 2018 ("Diverse Beam Search", section 3, equation 5). It
    weighs in that one choice only; what beams are ranked by afterwards, and what is reported, is log-probability.
    """

    groups: int = 1  # 1 to the width of the beam
    penalty: float = 0.5  # 0 to MAX_PENALTY nats

    def __post_init__(self) -> None:
        if self.groups < 1:
            raise ValueError(f"groups must be 1 or more, not {self.groups}")
        if not 0 <= self.penalty <= MAX_PENALTY:
            raise ValueError(f"penalty must be 0-{MAX_PENALTY:g} nats, not {self.penalty}")


def normalised_score(log_prob: float, length: int, length_penalty: float) -> float:
    """Return what sequences are ranked by: log_prob / ((5 + length) / 6) ** length_penalty (Wu et al. 2016, eq. 14).

    `length` counts events. The coverage term of the equation belongs to translation and is left out.
    """
    return log_prob / math.pow((5 + length) / 6, length_penalty)


def most_probable(totals: Floats, log_probs: Floats, count: int) -> Indices:
    """Return where (flat) the `count` highest totals (B, V) lie, best first, without those that are -inf.

    Of equal totals comes first the one with the more probable last step, then the better beam, then the lower value.
    """
    flat = totals.ravel()
    (candidates,) = (flat > -np.inf).nonzero()
    if count < len(candidates):
        left = flat[candidates]
        candidates = candidates[left >= np.partition(left, -count)[-count]]
    if len(candidates) <= 1:
        return candidates
    order = np.lexsort((-log_probs.ravel()[candidates], -flat[candidates]))[:count]
    return np.asarray(candidates[order])


class GroupSelection:
    """Keeps the most probable of each group. A beam that several groups hold is one row, and computed once.

    What ended is no rival of what lives: each group has a pool of its best finished sequences besides its beams.
    """

    def __init__(self, variety: Diverse, *, width: int, length_penalty: float, max_events: int) -> None:
        self._penalty, self._length_penalty, self._max_events = variety.penalty, length_penalty, max_events
        more = width % variety.groups  # so many groups have one beam more
        self._groups = [_Group(width // variety.groups + (i < more)) for i in range(variety.groups)]

    def choose(self, totals: Floats, log_probs: Floats) -> tuple[Indices, Indices]:
        """Return beam and value of the ways on that are kept, most probable first; from (B, V), log_probs the last."""
        taken = np.zeros(totals.shape[1])
        picked = []
        for group in self._groups:
            places = self._picked(group, totals, log_probs, taken)
            taken += np.bincount(places % len(taken), minlength=len(taken))
            picked.append(places)
        places, members = _merged(picked, totals, log_probs)
        for group, own in zip(self._groups, members, strict=True):
            group.members = own
        return np.divmod(places, totals.shape[1])

    def retire(self, ended: Mask, nodes: Indices, totals: Floats, length: int) -> Indices:
        """Move the beams that `ended` (B,) to the pools, as `nodes` (B,); return those that stay, in order."""
        for group in self._groups:
            for row in group.members[ended[group.members]]:
                group.add(normalised_score(float(totals[row]), length, self._length_penalty), int(nodes[row]))
            living = group.members[~ended[group.members]]
            group.members = living[self._can_improve(group, totals[living])]
        staying = np.unique(np.concatenate([group.members for group in self._groups]))
        for group in self._groups:
            group.members = np.searchsorted(staying, group.members)
        return np.asarray(staying)

    def finished(self) -> list[int]:
        """Return the nodes of the finished sequences, best first; of equals, what was found first."""
        found = {node: score for group in self._groups for score, node in group.pool}
        return sorted(found, key=lambda node: (-found[node], node))

    def result(self, live: Sequence[int]) -> list[int]:
        """Return the nodes that the search returns: the finished or, if there are none, those that live."""
        return self.finished() or list(live)

    def _picked(self, group: "_Group", totals: Floats, log_probs: Floats, taken: Floats) -> Indices:
        own = totals[group.members]
        wanted = own - self._penalty * taken
        if group.is_full:
            wanted[~self._can_improve(group, own)] = -np.inf
        beams, values = np.divmod(most_probable(wanted, log_probs[group.members], group.width), totals.shape[1])
        return np.asarray(group.members[beams] * totals.shape[1] + values)

    def _can_improve(self, group: "_Group", totals: Floats) -> Mask:
        """Tell which totals (of any shape) may still end with a score that comes into the group's pool.

        No step adds to a log-probability, and the divisor is largest at max_events; so the log-probability so far,
        divided by that, is a bound on every score to come, and without knowing the network there is no lower one.
        """
        if not group.is_full:
            return np.ones(totals.shape, dtype=np.bool_)
        return totals * normalised_score(1.0, self._max_events, self._length_penalty) > group.pool[-1][0]


class _Group:
    """Some beams, by their rows, and the best sequences (score, node) that ended from them, best first."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.members: Indices = np.zeros(1, dtype=np.intp)
        self.pool: list[tuple[float, int]] = []

    @property
    def is_full(self) -> bool:
        """Whether what ends from now on must be better than what it holds."""
        return len(self.pool) == self.width

    def add(self, score: float, node: int) -> None:
        """Put a finished sequence into the pool, if it is good enough."""
        self.pool.append((score, node))
        self.pool.sort(key=lambda found: -found[0])
        del self.pool[self.width :]


def _merged(picked: Sequence[Indices], totals: Floats, log_probs: Floats) -> tuple[Indices, list[Indices]]:
    """Return each of the flat places once, most probable first, and where each group's own lie among them."""
    if len(picked) == 1:
        return picked[0], [np.arange(len(picked[0]))]
    once, found = np.unique(np.concatenate(picked), return_inverse=True)
    order = np.lexsort((-log_probs.ravel()[once], -totals.ravel()[once]))
    ranks = np.argsort(order)[found]
    ends = accumulate(map(len, picked), initial=0)
    return once[order], [ranks[first:end] for first, end in pairwise(ends)]
