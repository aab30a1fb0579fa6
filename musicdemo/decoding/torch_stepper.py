"""TorchStepper: the readable reference of the Stepper protocol, over a PyTorch network."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicdemo.decoding.stepper import Events, Hidden, Logits

RowState = tuple[Tensor, ...]
State = tuple[RowState, ...]
"""For each row what the network carries, a batch of one."""


class Network(Protocol):
    """What a TorchStepper needs of a network."""

    config: Any

    def start(self, rows: int) -> RowState:
        """Return the state of `rows` rows that have read nothing."""
        ...

    def read(self, events: Tensor, state: RowState) -> tuple[Tensor, RowState]:
        """Read events (B, T, C) and return hidden vectors (B, T, H) and the new state."""
        ...

    def logits(self, hidden: Tensor, events: Tensor, column: int) -> Tensor:
        """Score a column of the next events."""
        ...


class TorchStepper:
    """Step a PyTorch network row by row.

    Matrix products over a batch round differently from those over one row, so rows are computed one at a time:
    a row's numbers never depend on its batch mates.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    @property
    def predicted(self) -> tuple[bool, ...]:
        """For each column, whether the network predicts it."""
        flags: tuple[bool, ...] = self._network.config.predicted
        return flags

    def start(self, rows: int) -> State:
        """Return the state of `rows` rows that have read nothing."""
        return (self._network.start(1),) * rows

    @torch.inference_mode()
    def step(self, events: Events, state: State) -> tuple[Hidden, State]:
        """Read events (B, T, C) and return the hidden vectors (B, H) after the last, and the new state."""
        read = [
            self._network.read(own_events, tuple(map(_own, own_state)))
            for own_events, own_state in zip(_rows(events), state, strict=True)
        ]
        return torch.cat([hidden[:, -1] for hidden, _ in read]).numpy(), tuple(after for _, after in read)

    @torch.inference_mode()
    def logits(self, hidden: Hidden, partial: Events) -> Logits:
        """Score column c of the next events, of which the first c columns (B, c) are known: logits (B, V)."""
        rows = [
            self._network.logits(row_hidden, row_partial, partial.shape[1])
            for row_hidden, row_partial in zip(_rows(hidden), _rows(partial), strict=True)
        ]
        return torch.cat(rows).double().numpy()

    def select(self, state: State, rows: Sequence[int]) -> State:
        """Return the state of the given rows, in this order."""
        return tuple(state[row] for row in rows)

    def join(self, states: Sequence[State]) -> State:
        """Return the rows of several states behind each other."""
        return tuple(row for state in states for row in state)


def _rows(array: NDArray[Any]) -> tuple[Tensor, ...]:
    """Cut (B, ...) into B tensors (1, ...)."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tuple(_own(row) for row in torch.tensor_split(tensor, len(tensor)))


def _own(part: Tensor) -> Tensor:
    """Copy to memory of its own: on some processors the last bits of a product depend on where its operands lie."""
    return part.clone(memory_format=torch.contiguous_format)
