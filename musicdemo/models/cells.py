"""One step of each recurrent layer, written as its equations; training uses PyTorch's layers for whole windows.

x is the input (B, I), h the hidden vector (B, H). W and U stack the gates' matrices row by row, b and c their biases:
the layout of torch.nn.RNN, GRU and LSTM, so both read the same parameters, and a test holds them to each other.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear


class Weights(NamedTuple):
    """Parameters of one layer for G gates: W (G H, I), U (G H, H), b and c (G H,)."""

    W: Tensor
    U: Tensor
    b: Tensor
    c: Tensor


CellState = tuple[Tensor, ...]
Cell = Callable[[Tensor, CellState, Weights], CellState]
"""From x, the state and the weights to the new state, whose first part is the new h."""


def rnn_tanh(x: Tensor, state: CellState, weights: Weights) -> CellState:
    """h_t = tanh(W x_t + b + U h_(t-1) + c). Elman 1990."""
    return (torch.tanh(_all_gates(x, state[0], weights)),)


def rnn_relu(x: Tensor, state: CellState, weights: Weights) -> CellState:
    """h_t = max(0, W x_t + b + U h_(t-1) + c). Le et al. 2015."""
    return (torch.relu(_all_gates(x, state[0], weights)),)


def gru(x: Tensor, state: CellState, weights: Weights) -> CellState:
    """Reset gate r, update gate z, candidate n; h_t = (1 - z) n + z h_(t-1).

    Cho et al. 2014, equations 5-8, with two differences that PyTorch shares with cuDNN: z keeps the old
    vector instead of the new one, and r acts on U h + c instead of on h.
    """
    (h,) = state
    from_input = linear(x, weights.W, weights.b).chunk(3, dim=-1)
    from_past = linear(h, weights.U, weights.c).chunk(3, dim=-1)
    r = torch.sigmoid(from_input[0] + from_past[0])
    z = torch.sigmoid(from_input[1] + from_past[1])
    n = torch.tanh(from_input[2] + r * from_past[2])
    return ((1 - z) * n + z * h,)


def lstm(x: Tensor, state: CellState, weights: Weights) -> CellState:
    """Input gate i, forget gate f, output gate o, candidate g; c_t = f c_(t-1) + i g and h_t = o tanh(c_t).

    Hochreiter & Schmidhuber 1997, with the forget gate of Gers, Schmidhuber & Cummins 2000.
    """
    h, memory = state
    i, f, g, o = _all_gates(x, h, weights).chunk(4, dim=-1)
    memory = torch.sigmoid(f) * memory + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(memory), memory


def _all_gates(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    return linear(x, weights.W, weights.b) + linear(h, weights.U, weights.c)
