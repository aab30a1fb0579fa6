"""The contract of every network here: it reads rows of integers and scores the columns of the next row.

Letters: B rows of a batch, T events, C columns, H hidden units, L layers, V values of a column. A network knows
which columns are predicted and how many values each has; what they mean is another room's business.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

FORMAT_VERSION = 1
MAX_LAYERS, MAX_UNITS, MAX_COLUMNS, MAX_VALUES = 8, 2048, 64, 4096

MAX_HEADS, MAX_WINDOW = 16, 8192

TITLES = {"rnn-tanh": "plain RNN (tanh)", "rnn-relu": "plain RNN (ReLU)", "gru": "GRU", "lstm": "LSTM"}

State = tuple[Tensor, ...]
"""What a network carries from event to event: tensors (L, B, ...), the batch always on dimension 1."""


@dataclass(frozen=True)
class AttentionConfig:
    """Attention over a network's own past: `heads` share the units evenly and see the last `window` events."""

    heads: int = 1
    window: int = 512

    def __post_init__(self) -> None:
        if not 1 <= self.heads <= MAX_HEADS or not 1 <= self.window <= MAX_WINDOW:
            raise ValueError(
                f"attention needs 1-{MAX_HEADS} heads and a window of 1-{MAX_WINDOW} events, "
                f"not {self.heads} and {self.window}"
            )


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a network.

    `architecture` is one of recurrent.ARCHITECTURES; with `attention` the heads also read from the past.
    `relative` lists pairs (predicted column, given column to its left): the head of the first also scores the
    distance from the second's value, which makes a shift of both free.
    """

    architecture: str
    sizes: tuple[int, ...]
    predicted: tuple[bool, ...]
    relative: tuple[tuple[int, int], ...] = ()
    embedding: int = 256
    hidden: int = 384
    layers: int = 2
    head: int = 192
    dropout: float = 0.1
    attention: AttentionConfig | None = None
    format_version: int = FORMAT_VERSION

    @property
    def title(self) -> str:
        """What a person calls such a network."""
        name = TITLES.get(self.architecture, self.architecture)
        return f"attention {name}" if self.attention else name

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise ValueError(f"model format {self.format_version} is not {FORMAT_VERSION}, the one this release reads")
        if len(self.sizes) != len(self.predicted) or not 1 <= len(self.sizes) <= MAX_COLUMNS:
            raise ValueError(f"{len(self.sizes)} sizes and {len(self.predicted)} flags do not describe the columns")
        if not all(1 <= size <= MAX_VALUES for size in self.sizes):
            raise ValueError(f"a column needs 1-{MAX_VALUES} values, not {self.sizes}")
        for name in ("embedding", "hidden", "head"):
            if not 1 <= getattr(self, name) <= MAX_UNITS:
                raise ValueError(f"{name} must be 1-{MAX_UNITS} units, not {getattr(self, name)}")
        if not 1 <= self.layers <= MAX_LAYERS or not 0 <= self.dropout < 1:
            raise ValueError(f"layers must be 1-{MAX_LAYERS} and dropout in [0, 1): {self.layers}, {self.dropout}")
        if self.attention and self.hidden % self.attention.heads:
            raise ValueError(
                f"{self.attention.heads} heads of attention cannot share {self.hidden} hidden units evenly"
            )
        for column, reference in self.relative:
            if not (0 <= reference < column < len(self.sizes) and self.predicted[column]):
                raise ValueError(f"column {column} cannot be scored relative to column {reference}")


class MusicModel(Protocol):
    """What training and steppers ask of a network."""

    config: ModelConfig

    def start(self, rows: int) -> State:
        """Return the state of `rows` rows that have read nothing: zeros, and tensors that hold nothing."""
        ...

    def read(self, events: Tensor, state: State) -> tuple[Tensor, State]:
        """Read events (B, T, C) and return hidden vectors (B, T, H), one after each event, and the new state."""
        ...

    def logits(self, hidden: Tensor, events: Tensor, column: int) -> Tensor:
        """Score `column` (..., V) of the next events (..., >= column), of which only the columns before it are read."""
        ...


def select_rows(state: State, rows: Tensor) -> State:
    """Return the state of the given rows (their order kept, repeats allowed)."""
    return tuple(part.index_select(1, rows) for part in state)


def reset_rows(state: State, rows: Tensor) -> State:
    """Return the state with those rows that have a True in `rows` (B,) as if they had read nothing."""
    return tuple(part.masked_fill(rows.view(1, -1, *[1] * (part.ndim - 2)), 0) for part in state)


def parameter_count(model: torch.nn.Module) -> int:
    """Return the number of trainable numbers of a network."""
    return sum(parameter.numel() for parameter in model.parameters())


@contextmanager
def single_thread() -> Iterator[None]:
    """Compute on one thread: for one event at a time more are slower, and results must not depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
