"""Heads: from a hidden vector to the columns of the next event, each predicted given those to its left.

p(event | past) = prod_k p(x_k | hidden, x_1 ... x_(k-1)), the chain rule over the columns of one event. For column k

    z_k      = gelu(A_k hidden + P_k sum_(j<k) E_j[x_j])
    logits_k = U_k z_k  (+ R_k z_k, read at the distance from a reference column)

so the network steps once an event, and a column costs only these small matrices.

Where a gradient shall reach the choice x_j itself (a generator's, see discriminator.py), E_j[x_j] is read as c_j E_j
with weights c_j over the values; for 1 at x_j and 0 elsewhere that is the same.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from musicdemo.models.base import ModelConfig

Choices = Mapping[int, Tensor]
"""For some columns of events (..., C): weights (..., V) over their values, to be read instead of the value."""

RELATIVE_REACH = 36
"""Distances from -36 to 36 have a score of their own; beyond, a relative head is silent."""


class ColumnTables(nn.Module):
    """One embedding table for each column, laid behind each other; looking up a row sums over its columns."""

    def __init__(self, sizes: tuple[int, ...], width: int) -> None:
        super().__init__()
        offsets = torch.tensor((0, *sizes[:-1])).cumsum(0)
        self.offsets: Tensor
        self.register_buffer("offsets", offsets, persistent=False)
        self.table = nn.Parameter(torch.randn(sum(sizes), width) * len(sizes) ** -0.5)

    def forward(self, events: Tensor, first: int, last: int, choices: Choices | None = None) -> Tensor:
        """Sum the embeddings of columns [first, last) of events (..., C): (..., width)."""
        values = events[..., first:last] + self.offsets[first:last]
        bags = functional.embedding_bag(values.reshape(-1, last - first), self.table, mode="sum")
        bags = bags.reshape(*events.shape[:-1], self.table.shape[1])
        for column, choice in (choices or {}).items():
            if first <= column < last:
                bags = bags + self._correction(events[..., column], choice, int(self.offsets[column]))
        return bags

    def _correction(self, values: Tensor, choice: Tensor, offset: int) -> Tensor:
        """Return what the weights `choice` (..., V) make different from `values` (...): (..., width).

        It teaches the choice and not the table, which learns by what was looked up.
        """
        size = choice.shape[-1]
        return (choice - functional.one_hot(values, size)) @ self.table.detach()[offset : offset + size]


class RelativeScores(nn.Module):
    """Scores of a value by its distance from a reference value; nothing is added where the reference is 0."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.scores = nn.Linear(width, 2 * RELATIVE_REACH + 1, bias=False)
        self.values: Tensor
        self.register_buffer("values", torch.arange(size), persistent=False)

    def forward(self, features: Tensor, reference: Tensor) -> Tensor:
        """From features (..., width) and reference (...), return what to add to the logits (..., size)."""
        scores = functional.pad(self.scores(features), (1, 1))  # silent ends
        distance = (self.values - reference[..., None]).clamp(-RELATIVE_REACH - 1, RELATIVE_REACH + 1)
        distance = torch.where(reference[..., None] > 0, distance, RELATIVE_REACH + 1)
        return scores.gather(-1, distance + RELATIVE_REACH + 1)


class EventHeads(nn.Module):
    """The heads of all predicted columns."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        columns = [column for column, predicted in enumerate(config.predicted) if predicted]
        self.tables = ColumnTables(config.sizes, config.head)
        self.hidden = nn.ModuleDict({str(k): nn.Linear(config.hidden, config.head) for k in columns})
        self.chosen = nn.ModuleDict({str(k): nn.Linear(config.head, config.head, bias=False) for k in columns if k})
        self.scores = nn.ModuleDict({str(k): nn.Linear(config.head, config.sizes[k]) for k in columns})
        self.references = config.relative
        self.relative = nn.ModuleDict(
            {f"{k}-{reference}": RelativeScores(config.head, config.sizes[k]) for k, reference in self.references}
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor, events: Tensor, column: int, choices: Choices | None = None) -> Tensor:
        """Score `column`: logits (..., V) from hidden (..., H) and events (..., >= column)."""
        features = self.hidden[str(column)](hidden)
        if column:
            features = features + self.chosen[str(column)](self.tables(events, 0, column, choices))
        features = self.dropout(functional.gelu(features))
        logits: Tensor = self.scores[str(column)](features)
        for k, reference in self.references:
            if k == column:
                logits = logits + self.relative[f"{k}-{reference}"](features, events[..., reference])
        return logits
