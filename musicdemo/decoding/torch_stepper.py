"""TorchStepper: the readable reference of the Stepper protocol, over a PyTorch network."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicdemo.decoding.stepper import Events, Hidden, Logits

State = tuple[Tensor, ...]


class Network(Protocol):
    """What a TorchStepper needs of a network; the batch lies on dimension 1 of its state's tensors."""

    config: Any

    def start(self, rows: int) -> State:
        """Return the state of `rows` rows that have read nothing."""
        ...

    def read(self, events: Tensor, state: State) -> tuple[Tensor, State]:
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
        return self._network.start(rows)

    @torch.inference_mode()
    def step(self, events: Events, state: State) -> tuple[Hidden, State]:
        """Read events (B, T, C) and return the hidden vectors (B, H) after the last, and the new state."""
        hidden, states = [], []
        for row, row_events in enumerate(_rows(events)):
            own_state = tuple(_own(part[:, row : row + 1]) for part in state)
            row_hidden, row_state = self._network.read(row_events, own_state)
            hidden.append(row_hidden[:, -1])
            states.append(row_state)
        return torch.cat(hidden).numpy(), tuple(torch.cat(parts, dim=1) for parts in zip(*states, strict=True))

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
        index = torch.tensor(rows, dtype=torch.long)
        return tuple(part.index_select(1, index) for part in state)


def _rows(array: NDArray[Any]) -> tuple[Tensor, ...]:
    """Cut (B, ...) into B tensors (1, ...)."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tuple(_own(row) for row in torch.tensor_split(tensor, len(tensor)))


def _own(part: Tensor) -> Tensor:
    """Copy to memory of its own: on some processors the last bits of a product depend on where its operands lie."""
    return part.clone(memory_format=torch.contiguous_format)
