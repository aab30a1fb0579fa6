"""Input attribution: how much each earlier event moved a prediction, for networks that do not say what they read.

Gradient x input: with x_j the embedded event j and p the probability of the predicted notes (of several, the mean of
log p),

    a_j = | sum_d x_jd  d log p / d x_jd |

(Shrikumar et al. 2016, "Not Just a Black Box", section 2; the gradient alone: Simonyan, Vedaldi & Zisserman 2013).
It estimates to first order what would change without event j. It is no attention: the network weighs nothing by it. We
differ in that a_j is given as its share of the sum, and only of the last WINDOW events before the first predicted one,
as far as attention reaches here; what lies before is read without being counted.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicdemo.insight.reading import CHUNK, Thoughts
from musicdemo.models.attention import AttentionModel
from musicdemo.models.base import State, single_thread
from musicdemo.models.build import Network
from musicdemo.models.recurrent import RecurrentModel
from musicdemo.music.vocabulary import PREDICTED, Column

WINDOW = 512


def attribution(model: Network, found: Thoughts, rows: list[int]) -> tuple[int, NDArray[np.float64]]:
    """Share the predictions of events `rows` (ascending, from 1 on) out among the events before the last of them.

    Returns the first event of the window and the shares from there on; they sum to 1, or are all 0 where nothing that
    was read makes a difference. Raises ValueError for a network with attention, which says itself what it read.
    """
    if isinstance(model, AttentionModel):
        raise ValueError("a network with attention says itself what it read: ask for its weights")
    events = torch.from_numpy(found.placed.events)[None]
    start, last = max(0, rows[0] - WINDOW), rows[-1]
    with single_thread():
        embedded = model.tables(events[:, start:last], 0, events.shape[2]).detach().requires_grad_()
        hidden, _ = model.stack(embedded, _state_before(model, found.states, events, start))
        at = torch.tensor(rows)
        (gradient,) = torch.autograd.grad(_log_probability(model, hidden[:, at - 1 - start], events[:, at]), embedded)
    moved = (embedded.detach() * gradient)[0].double().sum(dim=-1).abs()
    return start, (moved / moved.sum().clamp(min=torch.finfo(torch.float64).tiny)).numpy()


@torch.no_grad()
def _state_before(model: RecurrentModel, states: tuple[State, ...], events: Tensor, row: int) -> State:
    """Return the state before event `row`, from the nearest one that was kept."""
    chunk = row // CHUNK
    state = tuple(part.clone() for part in states[chunk])  # those that were kept cannot be differentiated through
    if row > chunk * CHUNK:
        _, state = model.read(events[:, chunk * CHUNK : row], state)
    return state


def _log_probability(model: RecurrentModel, hidden: Tensor, events: Tensor) -> Tensor:
    """Return the mean of log p of events (1, t, C), each known by the hidden vector before it (1, t, H)."""
    total = torch.zeros(())
    for column in PREDICTED:
        target = events[..., column]
        scores = torch.log_softmax(model.logits(hidden, events, Column(column)), dim=-1)
        total = total + (scores.gather(-1, target[..., None])[..., 0] * (target > 0)).sum()
    return total / events.shape[1]
