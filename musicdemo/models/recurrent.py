"""Recurrent networks: plain RNN (tanh or ReLU), GRU and LSTM; which of them is a value of the configuration.

Events are embedded (x_t is the sum of a vector for each column), pass through a stack of layers whose equations
are in cells.py, and leave through a head for each predicted column (heads.py).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from musicdemo.models import cells
from musicdemo.models.base import ModelConfig, State
from musicdemo.models.heads import ColumnTables, EventHeads

Layers = nn.RNN | nn.GRU | nn.LSTM


class Architecture(NamedTuple):
    """PyTorch's layers for whole windows, the cell for one step, and how many tensors the state has."""

    layers: Callable[..., Layers]
    cell: cells.Cell
    state_parts: int


ARCHITECTURES = {
    "rnn-tanh": Architecture(nn.RNN, cells.rnn_tanh, 1),
    "rnn-relu": Architecture(lambda *sizes, **how: nn.RNN(*sizes, nonlinearity="relu", **how), cells.rnn_relu, 1),
    "gru": Architecture(nn.GRU, cells.gru, 1),
    "lstm": Architecture(nn.LSTM, cells.lstm, 2),
}


class RecurrentModel(nn.Module):
    """A stack of recurrent layers over embedded events, with a head for each predicted column."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        if config.architecture not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise ValueError(f"unknown architecture {config.architecture!r}; there are: {known}")
        self.config = config
        self._architecture = ARCHITECTURES[config.architecture]
        self.tables = ColumnTables(config.sizes, config.embedding)
        self.layers = self._architecture.layers(
            config.embedding,
            config.hidden,
            config.layers,
            batch_first=True,
            dropout=config.dropout if config.layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(config.dropout)
        self.heads = EventHeads(config)
        self._open_forget_gates()

    def start(self, rows: int) -> State:
        """Return zeros: the state of `rows` rows that have read nothing."""
        shape = (self.config.layers, rows, self.config.hidden)
        return tuple(self.tables.table.new_zeros(shape) for _ in range(self._architecture.state_parts))

    def read(self, events: Tensor, state: State) -> tuple[Tensor, State]:
        """Read events (B, T, C) and return hidden vectors (B, T, H), one after each event, and the new state."""
        embedded = self.dropout(self.tables(events, 0, len(self.config.sizes)))
        if events.shape[1] == 1 and not self.training:
            return self._step(embedded, state)
        hidden, after = self.layers(embedded, state if len(state) > 1 else state[0])
        return self.dropout(hidden), after if isinstance(after, tuple) else (after,)

    def logits(self, hidden: Tensor, events: Tensor, column: int) -> Tensor:
        """Score `column` (..., V) of the next events (..., >= column), of which only the columns before it are read."""
        scores: Tensor = self.heads(hidden, events, column)
        return scores

    def _step(self, embedded: Tensor, state: State) -> tuple[Tensor, State]:
        """Read one embedded event (B, 1, E), by the cells' equations: for one event faster than PyTorch's layers."""
        x, after = embedded[:, 0], []
        for layer in range(self.config.layers):
            weights = cells.Weights(*(getattr(self.layers, f"{name}_l{layer}") for name in _PARAMETERS))
            after.append(self._architecture.cell(x, tuple(part[layer] for part in state), weights))
            x = after[-1][0]
        return x[:, None], tuple(torch.stack(parts) for parts in zip(*after, strict=True))

    def _open_forget_gates(self) -> None:
        """Begin an LSTM with forget gates open: bias 1 (Jozefowicz et al. 2015, section 2.2)."""
        if self.config.architecture != "lstm":
            return
        with torch.no_grad():
            for name, bias in self.layers.named_parameters():
                if name.startswith("bias_ih"):
                    bias[self.config.hidden : 2 * self.config.hidden] += 1.0


_PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
