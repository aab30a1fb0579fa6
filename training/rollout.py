"""Let a network go on with passages, and then let a gradient reach it through what it wrote.

The value of each predicted column is drawn under the grammar's mask by the Gumbel-max trick, and in the backward
pass the draw is taken for a softmax at the `relaxation` temperature t (Jang et al. 2017, section 2.2, "straight-through
Gumbel-Softmax"; Maddison et al. 2017): with Gumbel noise g, -inf where the grammar forbids,

    forward   c = one-hot of argmax(logits + g)        backward   dc = d softmax((logits + g) / t)

What is written is an exact sample at every t. The gradient is approximate in more than this relaxation: it reaches an
event's later columns through its earlier ones, but later events only as the discriminator hears them together, since
the network reads its own past as plain values. So all events are scored in one pass over the window instead of 64 that
wait for each other, which made a step of training twice as fast and spares the gradient the way through 64 relaxed
draws. Given columns (and with them the grammar's masks) are facts of the values that were drawn and pass on none.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from musicdemo.models.recurrent import RecurrentModel
from musicdemo.music.grammar import Grammar
from training.passages import LENGTH, PRIMER, Passage, stacked


class Written(NamedTuple):
    """Events (B, PRIMER + LENGTH, C), and by column the noise (B, LENGTH, V) by which the last LENGTH were drawn."""

    events: Tensor
    noise: dict[int, Tensor]


@torch.no_grad()
def write(model: RecurrentModel, passages: Sequence[Passage], *, temperature: float = 1.0) -> Written:
    """Write LENGTH events behind the primer of each passage, drawn at `temperature` with torch's random numbers."""
    model.eval()
    grammars = [passage.grammar() for passage in passages]
    events, noises = [stacked(passages)[:, :PRIMER]], list[dict[int, Tensor]]()
    hidden, state = model.read(events[0], model.start(len(passages)))
    for _ in range(LENGTH):
        event, noise = _write_event(model, hidden[:, -1], grammars, temperature)
        events.append(event[:, None])
        noises.append(noise)
        hidden, state = model.read(events[-1], state)
    together = {column: torch.stack([noise[column] for noise in noises], dim=1) for column in noises[0]}
    return Written(torch.cat(events, dim=1), together)


def choices(model: RecurrentModel, written: Written, *, relaxation: float) -> dict[int, Tensor]:
    """Return what was written as choices (B, T, V) by column, through which a gradient reaches the network.

    Their values are 1 at what was drawn and 0 elsewhere; those of the primer are constants.
    """
    model.eval()
    events = written.events
    hidden, _ = model.read(events[:, :-1], model.start(len(events)))
    hidden, following = hidden[:, -LENGTH:], events[:, -LENGTH:]
    chosen: dict[int, Tensor] = {}
    for column, noise in written.noise.items():
        soft = ((model.logits(hidden, following, column, chosen) + noise) / relaxation).softmax(dim=-1)
        chosen[column] = _one_hot(following[..., column], soft) + (soft - soft.detach())
    return {
        column: torch.cat([_one_hot(events[:, :PRIMER, column], choice), choice], dim=1)
        for column, choice in chosen.items()
    }


def _write_event(
    model: RecurrentModel, hidden: Tensor, grammars: Sequence[Grammar], temperature: float
) -> tuple[Tensor, dict[int, Tensor]]:
    """Write one event (B, C) for each row of hidden (B, H); return it and its noise (B, V) by column."""
    event = torch.zeros((len(grammars), len(model.config.sizes)), dtype=torch.int64)
    noises: dict[int, Tensor] = {}
    for column, predicted in enumerate(model.config.predicted):
        if predicted:
            logits = model.logits(hidden, event, column) / temperature
            noises[column] = _gumbel(logits) + _mask(grammars, column, logits.shape[-1])
            event[:, column] = (logits + noises[column]).argmax(dim=-1)
        else:
            event[:, column] = torch.tensor([grammar.given(column) for grammar in grammars])
        for grammar, value in zip(grammars, event[:, column].tolist(), strict=True):
            grammar.choose(column, value)
    return event, noises


def _gumbel(like: Tensor) -> Tensor:
    """Draw -log of exponential noise: the index of the largest logits + noise follows their softmax."""
    return -torch.empty_like(like).exponential_().log()


def _mask(grammars: Sequence[Grammar], column: int, size: int) -> Tensor:
    """Return 0 for what each row may take next and -inf for the rest, (B, V)."""
    open_to_all = np.zeros(size)
    return torch.from_numpy(np.stack([grammar.constrain(column, open_to_all) for grammar in grammars])).float()


def _one_hot(values: Tensor, like: Tensor) -> Tensor:
    return functional.one_hot(values, like.shape[-1]).to(like.dtype)
