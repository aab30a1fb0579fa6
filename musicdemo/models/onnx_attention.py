"""A network with attention as two ONNX graphs: the recurrent step, and what follows its look at the past.

The equations are those of attention.py. The key of an event is known as soon as the event before it is read, so it is
part of the state; the values W_v e_j are looked up with the first layer's input; W_q is divided by sqrt(d) beforehand.
"""

from dataclasses import dataclass

import numpy as np

from musicdemo.models.attention import AttentionModel, PastAttention
from musicdemo.models.onnx_heads import feature_layer
from musicdemo.models.onnx_ops import GraphBuilder, Precision, Weights
from musicdemo.models.onnx_stack import (
    array_of,
    events_input,
    first_layer,
    ready,
    run_stack,
    stack_start,
    state_inputs,
    state_outputs,
)


@dataclass(frozen=True, eq=False)
class PastGraph:
    """What follows a look at the past, and how far that goes.

    `step` reads `top` (B, H), the last layer's h, and `read` (B, H), what was read from the past, and returns the
    hidden vectors (B, K N).
    """

    step: bytes
    top: int  # the part of the state that is the last layer's h
    heads: int
    window: int  # events that are looked at, the newest among them


def attentive_start(network: AttentionModel) -> tuple[Weights, ...]:
    """Return the state of a row that has read nothing: that of the layers, and the key (H,) of the first event."""
    key = network.attention.key
    first = array_of(key.weight) @ array_of(network.attention.norm.bias) + array_of(key.bias)  # the norm of zeros
    return *stack_start(network.stack), first


def attentive_step(network: AttentionModel, precision: Precision) -> bytes:
    """Return the graph from events and the state, which ends with their key, to the new state, value and query."""
    units, start = network.config.hidden, attentive_start(network)
    graph = GraphBuilder(precision)
    value = array_of(network.attention.value.weight), array_of(network.attention.value.bias)
    from_input, read = events_input(graph, network.tables, first_layer(network.stack), value)
    *state, _ = state_inputs(graph, start)
    after = run_stack(graph, network.stack, network.config.architecture, from_input, state)
    query, key = _query_and_next_key(graph, network.attention, after[_top(network)])
    state_outputs(graph, [*after, key], start)
    for name, vector in {"value": read, "query": query}.items():
        graph.output(name, vector, units)
    return graph.build("one step, before the past is read")


def past_graph(network: AttentionModel, precision: Precision) -> PastGraph:
    """Return the graph from `top` and `read` to "hidden": A_k (h + W_o read), as A_k h + (A_k W_o) read."""
    attention, graph = network.attention, GraphBuilder(precision)
    top, read = (graph.input(name, network.config.hidden) for name in ("top", "read"))
    weight, bias = feature_layer(network.heads)
    known = graph.linear(ready(graph, network.config.architecture, top), weight, bias)
    out, out_bias = array_of(attention.out.weight), array_of(attention.out.bias)
    found = graph.linear(graph.unbounded(read), weight @ out, weight @ out_bias)
    graph.output("hidden", graph.op("Add", known, found), len(bias))
    step = graph.build("one step, after the past was read")
    return PastGraph(step, _top(network), attention.config.heads, attention.config.window)


def _top(network: AttentionModel) -> int:
    return network.config.layers - 1


def _query_and_next_key(graph: GraphBuilder, attention: PastAttention, top: str) -> list[str]:
    """Return W_q n / sqrt(d) and W_k n, each (B, H), of the norm n of the last layer's h."""
    units = len(attention.norm.bias)
    gain, bias = (graph.constant(array_of(part)) for part in (attention.norm.weight, attention.norm.bias))
    normed = graph.unbounded(graph.op("LayerNormalization", top, gain, bias, axis=-1, epsilon=attention.norm.eps))
    scale = np.float32((units // attention.config.heads) ** -0.5)
    query, key = attention.query, attention.key
    weight = np.concatenate([scale * array_of(query.weight), array_of(key.weight)])
    both = graph.linear(normed, weight, np.concatenate([scale * array_of(query.bias), array_of(key.bias)]))
    return graph.split(both, [units, units])
