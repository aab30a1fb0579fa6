"""How likely a network finds a piece, event by event, and under which style it finds it likeliest."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicdemo.checkpoint import Checkpoint
from musicdemo.models.base import single_thread
from musicdemo.models.build import Network
from musicdemo.music.score import Score
from musicdemo.music.tokenizer import Events
from musicdemo.music.vocabulary import DRUMS, PREDICTED, START, Column

AUTO = "auto"
"""The name that asks for the likeliest style."""

MAX_PROBE_EVENTS = 384
"""Events of a piece that are enough to tell its style."""

STYLE_COLUMNS = (Column.TIME, Column.PITCH, Column.DURATION)
"""What tells a style: how notes move; instruments and loudness say more about who wrote a file than about its music."""

_CHUNK = 256
"""Events that are scored at once."""


def note_nats(checkpoint: Checkpoint, score: Score, *, style: str = AUTO) -> tuple[list[float], Events]:
    """Score a piece under a network: nats (-log p) of every event after START, and those events (T, C).

    No rule masks anything here, so the figures compare with the held-out tables. Raises ValueError for an unknown
    style.
    """
    tokenizer = checkpoint.tokenizer
    with single_thread():
        events = tokenizer.encode(score, style=chosen_style(checkpoint, style, tokenizer.encode(score)))
        nats = _event_nats(checkpoint, events[None])[0]
    return nats.tolist(), events[1:]


def chosen_style(checkpoint: Checkpoint, style: str, events: Events) -> str:
    """Return `style`, or for "auto" the one under which the events (T, C) are likeliest."""
    if style != AUTO:
        checkpoint.tokenizer.style_value(style)  # raises for an unknown one
        return style
    if not checkpoint.styles:
        return ""
    styles = _plausible_styles(checkpoint, events)
    candidates = np.repeat(events[None, :MAX_PROBE_EVENTS], len(styles), axis=0)
    candidates[:, :, Column.STYLE] = [[checkpoint.tokenizer.style_value(name)] for name in styles]
    nats = _event_nats(checkpoint, candidates, columns=STYLE_COLUMNS).sum(axis=1)
    return styles[int(nats.argmin())]


def _plausible_styles(checkpoint: Checkpoint, events: Events) -> tuple[str, ...]:
    """Return the styles in which pieces with drums, without, or of drums alone occur as in `events`; or else all."""
    programs = events[events[:, Column.PROGRAM] > 0, Column.PROGRAM]
    wanted = {bool(drums) for drums in programs == DRUMS}

    def occurs(style: str) -> bool:
        ensembles = (opening.tracks or () for opening in checkpoint.openings.get(style, ()))
        return any({key.is_drum for key in tracks} == wanted for tracks in ensembles)

    return tuple(style for style in checkpoint.styles if occurs(style)) or checkpoint.styles


@torch.inference_mode()
def column_logits(checkpoint: Checkpoint, prompt: Events, events: Events) -> dict[Column, NDArray[np.float64]]:
    """Return for each predicted column the logits (T, V) with which a network met events (T, C) behind a prompt."""
    model, both = checkpoint.model, torch.from_numpy(np.concatenate((prompt, events)))[None]
    parts: dict[Column, list[NDArray[np.float64]]] = {column: [] for column in PREDICTED}
    with single_thread():
        for hidden, following in _read_in_chunks(model, both):
            for column in PREDICTED:
                parts[column].append(model.logits(hidden, following, column)[0].double().numpy())
    return {column: np.concatenate(logits)[len(prompt) - 1 :] for column, logits in parts.items()}


@torch.inference_mode()
def _event_nats(
    checkpoint: Checkpoint, events: Events, *, columns: tuple[Column, ...] = PREDICTED
) -> NDArray[np.float64]:
    """Nats of each event after the first, (B, T - 1), for events (B, T, C)."""
    model, tensor = checkpoint.model, torch.from_numpy(np.ascontiguousarray(events))
    parts = [np.zeros((len(tensor), 0))]
    for hidden, following in _read_in_chunks(model, tensor):
        parts.append(_column_nats(model, hidden, following, columns).numpy())
    return np.concatenate(parts, axis=1)


def _read_in_chunks(model: Network, events: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield hidden vectors (B, t, H) and the events (B, t, C) behind them, in pieces, to bound the memory."""
    state = model.start(len(events))
    for first in range(0, events.shape[1] - 1, _CHUNK):
        following = events[:, first + 1 : first + _CHUNK + 1]
        hidden, state = model.read(events[:, first : first + following.shape[1]], state)
        yield hidden, following


def _column_nats(model: Network, hidden: Tensor, following: Tensor, columns: tuple[Column, ...]) -> Tensor:
    """Nats of events (B, T, C) of which hidden (B, T, H) knows all that came before: (B, T)."""
    nats = torch.zeros(following.shape[:2], dtype=torch.float64)
    for column in columns:
        target = following[..., column]
        scores = torch.log_softmax(model.logits(hidden, following, column).double(), dim=-1)
        charged = (target > 0) & (following[..., Column.TIME] != START)
        nats -= scores.gather(-1, target[..., None])[..., 0] * charged
    return nats
