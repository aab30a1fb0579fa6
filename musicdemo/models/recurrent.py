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
from musicdemo.models.heads import Choices, ColumnTables, EventHeads

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


class RecurrentStack(nn.Module):
    """L recurrent layers of one kind, each reading what the one below it gives."""

    def __init__(self, architecture: str, inputs: int, hidden: int, *, layers: int, dropout: float) -> None:
        super().__init__()
        if architecture not in ARCHITECTURES:
            raise ValueError(f"unknown architecture {architecture!r}; there are: {', '.join(ARCHITECTURES)}")
        self.kind = ARCHITECTURES[architecture]
        self.sizes = layers, hidden
        between = dropout if layers > 1 else 0.0
        self.layers = self.kind.layers(inputs, hidden, layers, batch_first=True, dropout=between)
        if architecture == "lstm":
            self._open_forget_gates(hidden)

    def start(self, rows: int) -> State:
        """Return zeros, each part (L, B, H)."""
        layers, hidden = self.sizes
        zeros = next(self.layers.parameters()).new_zeros
        return tuple(zeros(layers, rows, hidden) for _ in range(self.kind.state_parts))

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Read x (B, T, I) and return the last layer's hidden vectors (B, T, H) and the new state."""
        if x.shape[1] == 1 and not self.training:
            return self._step(x[:, 0], state)
        hidden, after = self.layers(x, state if len(state) > 1 else state[0])
        return hidden, after if isinstance(after, tuple) else (after,)

    def weights(self, layer: int) -> cells.Weights:
        """Return the parameters of one layer, the lowest is 0."""
        return cells.Weights(*(getattr(self.layers, f"{name}_l{layer}") for name in _PARAMETERS))

    def _step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Read one vector a row (B, I) by the cells' equations: for one event faster than PyTorch's layers."""
        after = []
        for layer in range(self.sizes[0]):
            after.append(self.kind.cell(x, tuple(part[layer] for part in state), self.weights(layer)))
            x = after[-1][0]
        return x[:, None], tuple(torch.stack(parts) for parts in zip(*after, strict=True))

    def _open_forget_gates(self, hidden: int) -> None:
        """Begin an LSTM with forget gates open: bias 1 (Jozefowicz et al. 2015, section 2.2)."""
        with torch.no_grad():
            for name, bias in self.layers.named_parameters():
                if name.startswith("bias_ih"):
                    bias[hidden : 2 * hidden] += 1.0


class RecurrentModel(nn.Module):
    """A stack of recurrent layers over embedded events, with a head for each predicted column."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.tables = ColumnTables(config.sizes, config.embedding)
        self.stack = RecurrentStack(
            config.architecture, config.embedding, config.hidden, layers=config.layers, dropout=config.dropout
        )
        self.dropout = nn.Dropout(config.dropout)
        self.heads = EventHeads(config)

    def start(self, rows: int) -> State:
        """Return zeros: the state of `rows` rows that have read nothing."""
        return self.stack.start(rows)

    def read(self, events: Tensor, state: State, choices: Choices | None = None) -> tuple[Tensor, State]:
        """Read events (B, T, C) and return hidden vectors (B, T, H), one after each event, and the new state."""
        embedded = self.dropout(self.tables(events, 0, len(self.config.sizes), choices))
        hidden, after = self.stack(embedded, state)
        return self.dropout(hidden), after

    def logits(self, hidden: Tensor, events: Tensor, column: int, choices: Choices | None = None) -> Tensor:
        """Score `column` (..., V) of the next events (..., >= column), of which only the columns before it are read."""
        scores: Tensor = self.heads(hidden, events, column, choices)
        return scores


_PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
