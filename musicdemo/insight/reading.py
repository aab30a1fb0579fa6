"""What a network thought of every note of a score: how surprising it was, what seemed likelier, and what was read.

No rule masks anything here, so the figures are those of likelihood.note_nats. For a network with attention the
weights are kept with which it read its past before each prediction; what other networks read is a question of its
own, and dearer (gradients.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicdemo.checkpoint import Checkpoint
from musicdemo.insight.names import value_name
from musicdemo.insight.note_events import NOTHING, NoteEvents, note_events
from musicdemo.likelihood import AUTO, chosen_style
from musicdemo.models.attention import AttentionModel
from musicdemo.models.base import State, single_thread
from musicdemo.models.build import Network
from musicdemo.music.score import Score
from musicdemo.music.vocabulary import PREDICTED, Column

MAX_NOTES = 4096
"""Of a longer piece only the last bars are looked at, with at most so many notes."""

ALTERNATIVES = 5
WIDEST_WINDOW = 1024
"""Events whose weights are kept; what a wider window gives to earlier ones counts as fallen on no note."""

CHUNK = 256
"""Events that are read at once."""

Weights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NoteThought:
    """Bits (-log2 p) of the whole event of a note and of its pitch alone, given what stands before it in the event.

    `likeliest`: the likeliest pitches there, by name, with their probabilities.
    """

    bits: float
    pitch_bits: float
    likeliest: tuple[tuple[str, float], ...]

    @property
    def probability(self) -> float:
        """Probability of the pitch."""
        return float(2.0**-self.pitch_bits)


@dataclass(frozen=True, eq=False)
class Thoughts:
    """What a network thought of a score in `style`; `notes` has an entry for each note of `placed.order`.

    `weights` (T, W), of a network with attention: how much of event t - 1 - d it read when it predicted event t, the
    mean over its heads. `states` are those after every CHUNK events, of a network without attention.
    """

    style: str
    placed: NoteEvents
    notes: tuple[NoteThought | None, ...]
    weights: Weights | None
    states: tuple[State, ...]

    @property
    def has_attention(self) -> bool:
        """Whether the network says itself what it read."""
        return self.weights is not None


def thoughts(checkpoint: Checkpoint, score: Score, *, style: str = AUTO) -> Thoughts:
    """Let a network read a score and say what it thought of each note; of a long one, of the last MAX_NOTES.

    Raises ValueError for an unknown style.
    """
    with single_thread():
        placed = note_events(checkpoint.tokenizer, score, most=MAX_NOTES)
        style = chosen_style(checkpoint, style, placed.events)
        placed.events[:, Column.STYLE] = checkpoint.tokenizer.style_value(style)
        return _read(checkpoint.model, placed, style)


@torch.inference_mode()
def _read(model: Network, placed: NoteEvents, style: str) -> Thoughts:
    notes: list[NoteThought | None] = [None] * len(placed.order)
    weights, states = [], []
    for first, hidden, following, state, looks in _chunks(model, torch.from_numpy(placed.events)[None]):
        thought = _thoughts_of(model, hidden, following)
        for row, one in enumerate(thought, start=first + 1):
            if placed.note_of[row] != NOTHING:
                notes[placed.note_of[row]] = one
        weights.append(looks)
        states.append(state)
    looked = [part for part in weights if part is not None]
    return Thoughts(
        style,
        placed,
        tuple(notes),
        np.concatenate((np.zeros_like(looked[0][:1]), *looked)) if looked else None,
        () if looked else tuple(states),
    )


def _chunks(model: Network, events: Tensor) -> Iterator[tuple[int, Tensor, Tensor, State, Weights | None]]:
    """Yield, a chunk at a time: its first event, the hidden vectors, the events behind them, the state before them."""
    state = model.start(1)
    for first in range(0, events.shape[1] - 1, CHUNK):
        following = events[:, first + 1 : first + CHUNK + 1]
        read = events[:, first : first + following.shape[1]]
        looks = _banded(model, read, state) if isinstance(model, AttentionModel) else None
        hidden, after = model.read(read, state)
        yield first, hidden, following, state, looks
        state = after


def _banded(model: AttentionModel, events: Tensor, state: State) -> Weights:
    """Return the weights of a chunk (t, W), the latest event first."""
    assert model.config.attention
    weights = model.weights(events, state)[0].mean(dim=0)  # (t, S + t)
    length, total = weights.shape
    back = torch.arange(min(model.config.attention.window, WIDEST_WINDOW))
    column = torch.arange(total - length, total)[:, None] - back  # (t, W)
    return torch.where(column >= 0, weights.gather(1, column.clamp(min=0)), 0.0).numpy()


def _thoughts_of(model: Network, hidden: Tensor, following: Tensor) -> list[NoteThought]:
    """Return what was thought of events (1, t, C), each known by the hidden vector before it (1, t, H)."""
    nats = torch.zeros(following.shape[1], dtype=torch.float64)
    pitch_nats, best = nats, None
    for column in PREDICTED:
        target = following[0, :, column]
        scores = torch.log_softmax(model.logits(hidden, following, column)[0].double(), dim=-1)
        charge = -scores.gather(-1, target[:, None])[:, 0] * (target > 0)
        nats = nats + charge
        if column == Column.PITCH:
            pitch_nats, best = charge, scores[:, 1:].exp().topk(ALTERNATIVES)
    assert best is not None
    return [
        NoteThought(bits, pitch_bits, tuple((value_name(value + 1), p) for value, p in zip(values, odds, strict=True)))
        for bits, pitch_bits, values, odds in zip(
            (nats / log(2)).tolist(),
            (pitch_nats / log(2)).tolist(),
            best.indices.tolist(),
            best.values.tolist(),
            strict=True,
        )
    ]
