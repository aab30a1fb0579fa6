"""The heads of heads.py as ONNX graphs: one for each predicted column, from the features that the step hands out.

Their last product stays in fp32: features behind gelu have outliers, which integers bear badly (in int8 a GRU's most
probable value changed in 1.4 % of all choices, so in 0.3 %), and it is too small to cost much.
"""

from collections.abc import Sequence

import numpy as np
from torch import nn

from musicdemo.models.heads import RELATIVE_REACH, ColumnTables, EventHeads, RelativeScores
from musicdemo.models.onnx_ops import GraphBuilder, Weights
from musicdemo.models.onnx_stack import array_of, looked_up


def feature_layer(heads: EventHeads) -> tuple[Weights, Weights]:
    """Return A_k of all predicted columns on each other, (K N, H), and their biases."""
    weights, biases = zip(*map(_parameters, heads.hidden.values()), strict=True)
    return np.concatenate(weights), np.concatenate(biases)


def head_graphs(heads: EventHeads) -> tuple[bytes, ...]:
    """Return the graph of each predicted column, from left to right: from "hidden" and "partial" (B, c) to "logits"."""
    return tuple(_head_graph(heads, column) for column in map(int, heads.hidden))


def _head_graph(heads: EventHeads, column: int) -> bytes:
    graph = GraphBuilder()
    width = heads.tables.table.shape[1]
    features = _own_features(graph, heads, column, width)
    if column:
        partial = graph.input("partial", column, integers=True)
        chosen = heads.chosen[str(column)]
        assert isinstance(chosen, nn.Linear)
        features = graph.op(
            "Add", features, looked_up(graph, partial, heads.tables, array_of(chosen.weight), columns=column)
        )
    weight, bias, relative = _products(heads, column)
    size, beside = len(weight), sum(map(len, relative.values()))
    weight, bias = np.concatenate([weight, *relative.values()]), np.pad(bias, (0, beside))
    logits = graph.linear(graph.unbounded(graph.op("Gelu", features)), weight, bias)
    if relative:
        logits, by_distance = graph.split(logits, [size, beside])
        logits = graph.op("Add", logits, _at_distances(graph, by_distance, list(relative), heads.tables, size=size))
    graph.output("logits", logits, size)
    return graph.build(f"head of column {column}")


def _parameters(layer: nn.Module) -> tuple[Weights, Weights]:
    """Return weight (O, I) and bias (O,) of a linear layer."""
    assert isinstance(layer, nn.Linear)
    return array_of(layer.weight), array_of(layer.bias)


def _own_features(graph: GraphBuilder, heads: EventHeads, column: int, width: int) -> str:
    """Return the features (B, N) of one column, from those of all."""
    columns = list(map(int, heads.hidden))
    hidden = graph.input("hidden", width * len(columns))
    first = columns.index(column) * width
    begin, end, dimension = (graph.constant(np.array([number])) for number in (first, first + width, 1))
    return graph.op("Slice", hidden, begin, end, dimension)


def _products(heads: EventHeads, column: int) -> tuple[Weights, Weights, dict[int, Weights]]:
    """Return U_k, its bias, and for each reference R_k between two rows of zeros: the silence beyond its reach."""
    weight, bias = _parameters(heads.scores[str(column)])
    relative = {}
    for k, reference in heads.references:
        if k == column:
            scores = heads.relative[f"{k}-{reference}"]
            assert isinstance(scores, RelativeScores)
            relative[reference] = np.pad(array_of(scores.scores.weight), ((1, 1), (0, 0)))
    return weight, bias, relative


def _at_distances(
    graph: GraphBuilder, by_distance: str, references: Sequence[int], tables: ColumnTables, *, size: int
) -> str:
    """Sum for every value (B, size) what the scores (B, R (2 reach + 3)) say of its distances from the R references."""
    width = 2 * RELATIVE_REACH + 3
    sizes = np.diff(tables.offsets.tolist(), append=len(tables.table))
    given, values = np.arange(sizes[list(references)].max())[:, None], np.arange(size)
    places = np.clip(values - given + RELATIVE_REACH + 1, 0, width - 1).astype(np.int32)
    places[0] = 0  # where there is no reference all is silent
    known = graph.op("Gather", "partial", graph.constant(np.array(references)), axis=1)  # (B, R)
    place = graph.op("Gather", graph.constant(places), known)  # (B, R, size)
    table = graph.op("Reshape", by_distance, graph.constant(np.array([-1, len(references), width])))
    read = graph.op("GatherElements", table, place, axis=2)
    ones = graph.constant(np.ones((1, len(references)), dtype=np.float32))
    return graph.op("Squeeze", graph.op("MatMul", ones, read), graph.constant(np.array([1])))
