"""What followed when the last steps were heard before: a cache of one piece, mixed with a network after training.

At each step the longest stretch of steps that just ended and also ended somewhere earlier in the piece is looked up
(longest match first, as in PPM; Cleary & Witten 1984), and the step that followed it then is proposed now, voice by
voice as long as the voices chosen so far agree:

    p(x) = (1 - w) p_network(x) + w [x = proposed]

with a weight w for each class of match lengths, and none where nothing is proposed. A probability over x for every
past; nothing of what comes is read. The idea of a cache beside a network: Grave et al. 2017 (continuous cache).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.benchmarks.scoring import LogProbs

Integers = NDArray[np.int64]

BOUNDS = (4, 8, 12, 16, 24, 32)
"""A match of fewer steps than the first bound proposes nothing; each bound begins a class of lengths."""

_ROUNDS, _MOST = 60, 0.98
"""Rounds of expectation maximisation; and the most weight a class may get, lest one miss cost everything."""


def proposals(steps: Integers) -> tuple[Integers, Integers]:
    """Return for each value of steps (T, K), in the order of choice, what is proposed (0: nothing) and the match (T,).

    The match is the number of steps that were heard before in the same order, right before this one.
    """
    proposed, matches = np.zeros_like(steps), np.zeros(len(steps), np.int64)
    kinds = np.unique(steps, axis=0, return_inverse=True)[1].ravel()
    lengths = np.zeros(len(steps), np.int64)  # lengths[j]: how far back the steps before j and before now agree
    for now in range(1, len(steps)):
        lengths[1:now] = np.where(kinds[: now - 1] == kinds[now - 1], lengths[: now - 1] + 1, 0)
        if not lengths[1:now].any():
            continue
        then = now - 1 - int(lengths[1:now][::-1].argmax())
        matches[now] = lengths[then]
        agree = np.cumprod(np.concatenate([[True], steps[then, :-1] == steps[now, :-1]]))
        proposed[now] = steps[then] * agree
    return proposed, matches


def classes(proposed: Integers, matches: Integers) -> Integers:
    """Return the class (T, K) of each proposal, 0 where there is none."""
    return np.where(proposed > 0, np.searchsorted(BOUNDS, matches, side="right")[:, None], 0)


def mix(scored: LogProbs, steps: Sequence[Integers], weights: NDArray[np.float64]) -> LogProbs:
    """Mix log-probabilities (T, K) with each piece's cache; `weights` has one in [0, 1) for each class, 0 for none."""
    mixed = []
    for part, piece in zip(scored, steps, strict=True):
        proposed, matches = proposals(piece)
        weight = weights[classes(proposed, matches)]
        mixed.append(np.log((1 - weight) * np.exp(part) + weight * (proposed == piece)))
    return mixed


def fit_weights(scored: LogProbs, steps: Sequence[Integers]) -> NDArray[np.float64]:
    """Return the weights under which the pieces are likeliest, by expectation maximisation for each class."""
    found = [proposals(piece) for piece in steps]
    kinds = np.concatenate([classes(*each).ravel() for each in found])
    hits = np.concatenate([(each[0] == piece).ravel() for each, piece in zip(found, steps, strict=True)])
    network = np.exp(np.concatenate([part.ravel() for part in scored]))
    weights = np.full(len(BOUNDS) + 1, 0.1)
    weights[0] = 0.0
    for kind in range(1, len(weights)):
        hit, other = hits[kinds == kind], network[kinds == kind]
        for _ in range(_ROUNDS if len(hit) else 0):
            cached = weights[kind] * hit
            weights[kind] = min(float(np.mean(cached / (cached + (1 - weights[kind]) * other))), _MOST)
    return weights
