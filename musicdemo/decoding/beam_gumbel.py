"""Stochastic beam search: draw different sequences, each as often as sampling without replacement would draw it.

After Kool, van Hoof & Welling 2019 ("Stochastic Beams and Where to Find Them", algorithm 1): whoever adds Gumbel noise
to the log-probability of every sequence and keeps the k highest sums has drawn k of them without replacement. A
beginning's noisy log-probability is the highest of all that goes on from it, so the search need not look at them all.

A beginning's noise is looked up by a key that follows from the seed and its values alone: the Philox stream of its key
holds the noise of its ways on, and behind that their keys (splitting as in Claessen & Palka 2013, "Splittable
pseudorandom number generators using cryptographic hashing", though Philox makes no cryptographic promise). So a
sequence has the same noise in a search of any width, and the first of a wide search are those of a narrow one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musicdemo.decoding.beam_groups import most_probable
from musicdemo.decoding.beam_tree import Floats, Indices, Mask
from musicdemo.decoding.noise import MAX_KEY, uniforms
from musicdemo.decoding.sampling import truncated

_ROOT = MAX_KEY
"""The key of the empty sequence; sampling's rows have the low ones."""

_KEYS = 2.0**53
"""How many keys there are: as many as `uniforms` has numbers."""

_LEAST = 2.0**-54
"""What stands for 0, whose noise would be -inf: half the distance to the next of those numbers."""


@dataclass(frozen=True)
class Stochastic:
    """Draw as many different sequences as the beam is wide, in the order in which they would be drawn one by one.

    `top_k` and `top_p` cut off improbable values as they do in sampling.
    """

    seed: int = 0  # 0 to 2**63 - 1
    top_k: int = 0  # draw among the k most probable values; 0 is off
    top_p: float = 1.0  # (0, 1]; draw among the fewest values that hold this part of what top_k left; 1 is off

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_KEY:
            raise ValueError(f"seed must be 0 to 2**63 - 1, not {self.seed}")
        if self.top_k < 0:
            raise ValueError(f"top_k must be >= 0 (0 is off), not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must lie in (0, 1], not {self.top_p}")


class GumbelSelection:
    """Keeps the highest by log-probability plus noise. What ended stays a rival of what lives."""

    def __init__(self, variety: Stochastic, *, width: int) -> None:
        self._variety, self._width = variety, width
        self._keys = [_ROOT]
        self._drawn = np.zeros(1)  # log-probability of each beam under what it is drawn from
        self._noisy = np.zeros(1)  # the same with noise: the highest of all that goes on from it
        self._ended: list[tuple[float, int]] = []  # the same of what ended, and its node; highest first

    def choose(self, totals: Floats, log_probs: Floats) -> tuple[Indices, Indices]:
        """Return beam and value of the ways on that are kept, in the order of drawing; log_probs (B, V) of the last."""
        noise, keys = self._looked_up(totals.shape[1])
        drawn = self._drawn[:, None] + self._cut(log_probs)
        noisy = conditioned(drawn + noise, self._noisy)
        places = self._highest(noisy)
        beams, values = np.divmod(places, totals.shape[1])
        self._keys = [int(key * _KEYS) for key in keys[beams, values]]
        self._drawn, self._noisy = drawn[beams, values], noisy[beams, values]
        return beams, values

    def retire(self, ended: Mask, nodes: Indices, _totals: Floats, _length: int, /) -> Indices:
        """Note the beams that `ended` (B,), as `nodes` (B,); return those that live on, in their order."""
        self._ended += [(float(self._noisy[row]), int(nodes[row])) for row in np.flatnonzero(ended)]
        self._ended.sort(key=lambda found: -found[0])
        staying = np.flatnonzero(~ended)
        self._keys = [self._keys[row] for row in staying]
        self._drawn, self._noisy = self._drawn[staying], self._noisy[staying]
        return staying

    def finished(self) -> list[int]:
        """Return the nodes of the finished sequences in the order of drawing."""
        return [node for _, node in self._ended]

    def result(self, live: Sequence[int]) -> list[int]:
        """Return the nodes that the search returns in the order of drawing, those among them that have not ended."""
        drawn = self._ended + [(float(noisy), node) for noisy, node in zip(self._noisy, live, strict=True)]
        return [node for _, node in sorted(drawn, key=lambda found: -found[0])]

    def _looked_up(self, values: int) -> tuple[Floats, Floats]:
        """Return the Gumbel noise of the ways on of each beam, and their keys divided by _KEYS: (B, V) each."""
        looked_up = np.stack([uniforms(self._variety.seed, key, 0, 2 * values) for key in self._keys])
        noise = -np.log(-np.log(np.maximum(looked_up[:, :values], _LEAST)))
        return noise, looked_up[:, values:]

    def _cut(self, log_probs: Floats) -> Floats:
        """Return the log-probabilities (B, V) after top_k and top_p."""
        top_k, top_p = self._variety.top_k, self._variety.top_p
        if not top_k and top_p == 1:
            return log_probs
        weights = np.stack([truncated(row, top_k, top_p) for row in np.exp(log_probs)])
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(weights / weights.sum(axis=1, keepdims=True)))

    def _highest(self, noisy: Floats) -> Indices:
        """Return where (flat) the highest of (B, V) lie, highest first, and drop finished ones that lie below."""
        flat = noisy.ravel()
        candidates = most_probable(noisy, noisy, self._width)
        heights = [(float(height), True) for height in flat[candidates]] + [
            (height, False) for height, _ in self._ended
        ]
        kept = sum(is_live for _, is_live in sorted(heights, key=lambda each: -each[0])[: self._width])
        del self._ended[self._width - kept :]
        return candidates[:kept]


def conditioned(noisy: Floats, highest: Floats) -> Floats:
    """Return Gumbels (B, V) conditioned to have the maximum `highest` (B,), from free ones; -inf stays -inf.

    Kool et al. 2019, appendix B.3, in their stable form; a row's maximum comes out exactly.
    """
    top = noisy.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):  # the maximum itself: log 0
        below = np.log(-np.expm1(noisy - top))
    above = highest[:, None] - noisy + below
    return np.asarray(highest[:, None] - np.maximum(above, 0) - np.log1p(np.exp(-np.abs(above))))
