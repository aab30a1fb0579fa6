"""From networks and pieces to log-probabilities, and from these to the figure of a benchmark.

Everything here is arithmetic on arrays (T, K): the log-probability of each of the K charged columns of every event,
given all that came before. A mean of probabilities over networks or transpositions is taken for each column by
itself: each factor of the chain rule is then a mean of distributions, hence a distribution.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicdemo.models.build import Network
from training.benchmarks.columns import Events, Layout, padded, transposed
from training.loss import predicted_columns

LogProbs = list[NDArray[np.float64]]
"""For each piece (T, K): what each charged column of each event after the first has; 0 where it chose nothing."""

Allowed = Callable[[Tensor, int], Tensor]
"""From events (..., C) and a column to the values (..., V) that what stands before it leaves possible."""

_ROWS, _CHUNK = 32, 256


def something(layout: Layout) -> Allowed:
    """Allow every value but 0, which means that there is nothing to choose."""
    return lambda events, column: (torch.arange(layout.sizes[column]) > 0).expand(*events.shape[:-1], -1)


@torch.inference_mode()
def log_probabilities(model: Network, pieces: Sequence[Events], allowed: Allowed) -> LogProbs:
    """Score whole pieces (1 + T, C), each from an empty state, with impossible values masked out: exact."""
    scored: dict[int, NDArray[np.float64]] = {}
    order = sorted(range(len(pieces)), key=lambda at: len(pieces[at]))
    for first in range(0, len(order), _ROWS):
        chosen = order[first : first + _ROWS]
        batch = _score_rows(model, torch.from_numpy(padded([pieces[at] for at in chosen])), allowed)
        for row, at in enumerate(chosen):
            scored[at] = batch[row, : len(pieces[at]) - 1]
    return [scored[at] for at in range(len(pieces))]


def _score_rows(model: Network, events: Tensor, allowed: Allowed) -> NDArray[np.float64]:
    """Score rows of pieces (B, 1 + T, C): (B, T, K)."""
    state, parts = model.start(len(events)), []
    for first in range(0, events.shape[1] - 1, _CHUNK):
        following = events[:, first + 1 : first + _CHUNK + 1]
        hidden, state = model.read(events[:, first : first + following.shape[1]], state)
        scores = [column_scores(model, hidden, following, column, allowed) for column in predicted_columns(model)]
        parts.append(torch.stack(scores, dim=-1).numpy())
    return np.concatenate(parts, axis=1)


def column_scores(model: Network, hidden: Tensor, following: Tensor, column: int, allowed: Allowed) -> Tensor:
    """Log-probability (B, T) that `column` of the following events (B, T, C) has; 0 where it is 0."""
    target = following[..., column]
    charged = target > 0
    scores = torch.zeros(target.shape, dtype=torch.float64)
    if charged.any():
        logits = model.logits(hidden[charged], following[charged], column).double()
        logits = logits.masked_fill(~allowed(following[charged], column), -torch.inf)
        scores[charged] = logits.log_softmax(dim=-1).gather(-1, target[charged][:, None])[:, 0]
    return scores


def over_transpositions(
    model: Network, pieces: Sequence[Events], layout: Layout, allowed: Allowed, shifts: Iterable[int]
) -> LogProbs:
    """Score pieces as the mean over the same `shifts`, in semitones, for all: which ones must not depend on a piece."""
    moved = ([transposed(piece, layout, shift) for piece in pieces] for shift in shifts)
    return mean_probability([log_probabilities(model, each, allowed) for each in moved])


def mean_probability(members: Sequence[LogProbs]) -> LogProbs:
    """Return the mean of the probabilities of several networks or transpositions, as log-probabilities."""
    return [np.logaddexp.reduce(parts) - np.log(len(parts)) for parts in zip(*members, strict=True)]


def nats_per_unit(scored: LogProbs, units: int) -> float:
    """Share the summed -log p of all pieces among all their `units`, pitches or frames; long pieces weigh more."""
    return -sum(float(part.sum()) for part in scored) / units
