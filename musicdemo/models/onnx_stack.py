"""Recurrent layers, and the tables that events are looked up in, as ONNX operators made from modules' weights."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from musicdemo.models.heads import ColumnTables
from musicdemo.models.onnx_cells import ONNX_CELLS
from musicdemo.models.onnx_ops import Factor, GraphBuilder, Weights, check_numbers
from musicdemo.models.recurrent import RecurrentStack

MAX_TABLE = 2**27
"""The most numbers of one table that is multiplied beforehand: half a gigabyte, ten times what a large network has."""


def array_of(tensor: Tensor) -> Weights:
    """Return the numbers of a parameter, wherever it lies. Raises ValueError if one is none."""
    array: Weights = tensor.detach().float().cpu().numpy()
    check_numbers(array)
    return array


def stack_start(stack: RecurrentStack) -> tuple[Weights, ...]:
    """Return the state (H,) of a row that has read nothing, zeros: first the h of all layers, then an LSTM's c."""
    layers, hidden = stack.sizes
    return (np.zeros(hidden, dtype=np.float32),) * (layers * stack.kind.state_parts)


def state_inputs(graph: GraphBuilder, start: Sequence[Weights]) -> list[str]:
    """Declare one input (B, N) for each part (N,) of the state."""
    return [graph.input(f"state_{part}", len(value)) for part, value in enumerate(start)]


def state_outputs(graph: GraphBuilder, after: Sequence[str], start: Sequence[Weights]) -> None:
    """Hand out the new state, part by part."""
    for part, (value, like) in enumerate(zip(after, start, strict=True)):
        graph.output(f"state_{part}_after", value, len(like))


def ready(graph: GraphBuilder, architecture: str, h: str) -> Factor:
    """Make the h (B, H) of a layer ready for products; that of most layers lies in [-1, 1]."""
    return graph.bounded(h) if ONNX_CELLS[architecture].bounded else graph.unbounded(h)


def run_stack(
    graph: GraphBuilder, stack: RecurrentStack, architecture: str, from_input: str, state: Sequence[str]
) -> list[str]:
    """Step every layer; the first has W x + b already, `from_input` (B, G H).

    Returns the new state, whose part L - 1 is the last layer's h.
    """
    cell = ONNX_CELLS[architecture]
    layers, hidden = stack.sizes
    after: list[tuple[str, ...]] = []
    for layer in range(layers):
        w, u, b, c = map(array_of, stack.weights(layer))
        if after:
            from_input = graph.linear(ready(graph, architecture, after[-1][0]), w, b)
        own = state[layer::layers]
        from_past = graph.linear(ready(graph, architecture, own[0]), u, c)
        after.append(cell.step(graph, from_input, from_past, own, hidden))
    return [part for parts in zip(*after, strict=True) for part in parts]


def events_input(graph: GraphBuilder, tables: ColumnTables, *maps: tuple[Weights, Weights]) -> list[str]:
    """Declare events (B, C) and return W e + b (B, O) of their embeddings e, for each of the maps W (O, E), b (O,)."""
    columns = len(tables.offsets)
    events = graph.input("events", columns, integers=True)
    weight, bias = (np.concatenate(parts) for parts in zip(*maps, strict=True))
    mapped = looked_up(graph, events, tables, weight, columns=columns, bias=bias)
    return graph.split(mapped, [len(part) for _, part in maps])


def first_layer(stack: RecurrentStack) -> tuple[Weights, Weights]:
    """Return W (G H, E) and b (G H,) of the layer that reads events."""
    weights = stack.weights(0)
    return array_of(weights.W), array_of(weights.b)


def looked_up(
    graph: GraphBuilder,
    events: str,
    tables: ColumnTables,
    weight: Weights,
    *,
    columns: int,
    bias: Weights | None = None,
) -> str:
    """Return W sum_j E_j[x_j] + b (B, O) over the first columns of events (B, columns), from a table of all E_j W^T.

    Raises ValueError if that table would be larger than MAX_TABLE.
    """
    begins = [*tables.offsets.tolist(), len(tables.table)]
    rows = begins[columns]
    if rows * len(weight) > MAX_TABLE:
        raise ValueError(f"a table of {rows} x {len(weight)} numbers is too large to decode with; at most {MAX_TABLE}")
    table = array_of(tables.table)[:rows] @ weight.T
    if bias is not None:
        table[: begins[1]] += bias  # every event reads one row of the first column's
    return graph.lookup(events, table, np.array(begins[:columns], dtype=np.int64))
