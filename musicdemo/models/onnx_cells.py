"""One step of each recurrent layer as ONNX operators: the equations of cells.py on the sums of their products.

`from_input` is W x + b, `from_past` is U h + c, each (B, G H) for G gates; the state is h, for an LSTM h and c.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from musicdemo.models.onnx_ops import GraphBuilder

Cell = Callable[[GraphBuilder, str, str, Sequence[str], int], tuple[str, ...]]
"""From a graph, from_input, from_past, the state and H to the new state, whose first part is the new h."""


class OnnxCell(NamedTuple):
    """A cell, and whether its h lies in [-1, 1]: then its products need no scale but a fixed one."""

    step: Cell
    bounded: bool


def rnn_tanh(graph: GraphBuilder, from_input: str, from_past: str, _: Sequence[str], __: int) -> tuple[str, ...]:
    """h_t = tanh(W x_t + b + U h_(t-1) + c)."""
    return (graph.op("Tanh", graph.op("Add", from_input, from_past)),)


def rnn_relu(graph: GraphBuilder, from_input: str, from_past: str, _: Sequence[str], __: int) -> tuple[str, ...]:
    """h_t = max(0, W x_t + b + U h_(t-1) + c)."""
    return (graph.op("Relu", graph.op("Add", from_input, from_past)),)


def gru(graph: GraphBuilder, from_input: str, from_past: str, state: Sequence[str], hidden: int) -> tuple[str, ...]:
    """h_t = (1 - z) n + z h_(t-1), computed as n + z (h_(t-1) - n)."""
    input_gates, input_new = graph.split(from_input, [2 * hidden, hidden])
    past_gates, past_new = graph.split(from_past, [2 * hidden, hidden])
    reset, update = graph.split(graph.op("Sigmoid", graph.op("Add", input_gates, past_gates)), [hidden, hidden])
    new = graph.op("Tanh", graph.op("Add", input_new, graph.op("Mul", reset, past_new)))
    return (graph.op("Add", new, graph.op("Mul", update, graph.op("Sub", state[0], new))),)


def lstm(graph: GraphBuilder, from_input: str, from_past: str, state: Sequence[str], hidden: int) -> tuple[str, ...]:
    """c_t = f c_(t-1) + i g and h_t = o tanh(c_t)."""
    i, f, g, o = graph.split(graph.op("Add", from_input, from_past), [hidden] * 4)
    kept = graph.op("Mul", graph.op("Sigmoid", f), state[1])
    memory = graph.op("Add", kept, graph.op("Mul", graph.op("Sigmoid", i), graph.op("Tanh", g)))
    return graph.op("Mul", graph.op("Sigmoid", o), graph.op("Tanh", memory)), memory


ONNX_CELLS = {
    "rnn-tanh": OnnxCell(rnn_tanh, bounded=True),
    "rnn-relu": OnnxCell(rnn_relu, bounded=False),
    "gru": OnnxCell(gru, bounded=True),
    "lstm": OnnxCell(lstm, bounded=True),
}
