"""Cross entropy over the predicted columns, and the held-out figure that every table uses: nats per note.

Nats per note = the sum of -log p over all predicted columns of all events (notes, empty bars and the end; given
columns cost nothing), divided by the number of notes. It is measured without any mask, so it is an upper bound on
what the grammar would leave.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from musicdemo.models.base import MusicModel
from musicdemo.music.vocabulary import Column

_CHUNK = 256
"""Events that are read at once when a piece is measured; the state is carried."""


@dataclass(frozen=True)
class Nats:
    """Summed -log p for each predicted column, and the notes that they are shared among."""

    columns: dict[str, float]
    notes: int

    @property
    def per_note(self) -> float:
        """Nats per note, all columns together."""
        return sum(self.columns.values()) / max(self.notes, 1)

    def __add__(self, other: "Nats") -> "Nats":
        columns = {name: self.columns.get(name, 0.0) + value for name, value in other.columns.items()}
        return Nats(columns, self.notes + other.notes)


def predicted_columns(model: MusicModel) -> tuple[int, ...]:
    """Return the columns that a network predicts, from left to right."""
    return tuple(column for column, predicted in enumerate(model.config.predicted) if predicted)


def column_losses(model: MusicModel, hidden: Tensor, following: Tensor, begins: Tensor | None = None) -> Tensor:
    """Sum -log p of each predicted column (K,) from hidden (B, T, H) and the events that follow (B, T, C).

    Zeros (nothing to predict) are not charged, nor are events that begin a piece, where `begins` (B, T) is true.
    """
    losses = []
    for column in predicted_columns(model):
        target = following[..., column]
        if begins is not None:
            target = target.masked_fill(begins, 0)
        charged = target > 0
        logits = model.logits(hidden[charged], following[charged], column).float()
        losses.append(functional.cross_entropy(logits, target[charged], reduction="sum"))
    return torch.stack(losses)


def count_notes(events: Tensor) -> int:
    """Return how many of the events (..., C) are notes."""
    return int((events[..., Column.PITCH] > 0).sum())


@torch.no_grad()
def measure(model: MusicModel, batches: Iterable[NDArray[np.int64]], *, device: str = "cpu") -> Nats:
    """Measure whole pieces, each batch (B, T, C) from an empty state, filled up with zeros."""
    total = Nats({Column(column).name.lower(): 0.0 for column in predicted_columns(model)}, 0)
    for batch in batches:
        total = total + _measure_batch(model, torch.from_numpy(batch).to(device))
    return total


def _measure_batch(model: MusicModel, events: Tensor) -> Nats:
    state = model.start(len(events))
    columns = predicted_columns(model)
    sums = torch.zeros(len(columns), dtype=torch.float64)
    for first in range(0, events.shape[1] - 1, _CHUNK):
        following = events[:, first + 1 : first + _CHUNK + 1]
        hidden, state = model.read(events[:, first : first + following.shape[1]], state)
        sums += column_losses(model, hidden, following).double().cpu()
    names = [Column(column).name.lower() for column in columns]
    return Nats(dict(zip(names, sums.tolist(), strict=True)), count_notes(events))
