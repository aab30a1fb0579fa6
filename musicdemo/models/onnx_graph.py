"""From a network to ONNX graphs of one step and of its heads: what decoding at full speed needs.

The graphs are not stored in a checkpoint; they are made from the weights when they are wanted, in a fraction of a
second. So nothing but safetensors and JSON ever comes from a stranger, and graph and weights cannot disagree.

The first layer reads a sum of embeddings, so its W x is a sum of rows of the tables E_j W^T, multiplied here once and
for all; P_k sum_j E_j[x_j] of a head is another. The products A_k hidden of all heads are one, at the end of the step:
what the step hands out as `hidden` are these features, side by side. Dropout does nothing in inference.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicdemo.models.attention import AttentionModel
from musicdemo.models.build import Network
from musicdemo.models.onnx_attention import PastGraph, attentive_start, attentive_step, past_graph
from musicdemo.models.onnx_heads import feature_layer, head_graphs
from musicdemo.models.onnx_ops import GraphBuilder, Precision, Weights
from musicdemo.models.onnx_stack import (
    events_input,
    first_layer,
    ready,
    run_stack,
    stack_start,
    state_inputs,
    state_outputs,
)
from musicdemo.models.recurrent import RecurrentModel


@dataclass(frozen=True, eq=False)
class StepGraphs:
    """A network as serialised ONNX graphs. B rows, C columns, K of them predicted, N units of a head.

    `step` reads events (B, C) and the state, a part (B, .) for each of `start`, and returns the new state and the
    hidden vectors (B, K N). With a `past` it returns, instead of the latter, the event's value and the query (B, H);
    the event's key is the last part of the state. `heads[i]` reads the hidden vectors and the first columns of the
    next event, and scores the i-th predicted column.
    """

    predicted: tuple[bool, ...]
    start: tuple[Weights, ...]  # each part of the state (.,) of a row that has read nothing
    step: bytes
    heads: tuple[bytes, ...]
    past: PastGraph | None = None


def step_graphs(network: Network, *, precision: Precision = "int8") -> StepGraphs:
    """Return the graphs of a network. Raises ValueError if weights are no numbers, or a table would be too large."""
    past = None
    if isinstance(network, AttentionModel):
        start, step = attentive_start(network), attentive_step(network, precision)
        past = past_graph(network, precision)
    else:
        start, step = stack_start(network.stack), _whole_step(network, precision)
    return StepGraphs(network.config.predicted, start, step, head_graphs(network.heads), past)


def export_onnx(network: Network, folder: Path, *, precision: Precision = "int8") -> None:
    """Write the graphs for other runtimes: step.onnx, head-COLUMN.onnx, and start.npz, the parts of the first state.

    A network with attention also has past.onnx; between it and step.onnx comes the look at the past, which is the
    caller's: softmax_j(query . key_j) over the last events of the window, for each head, and the sum of the values.
    """
    graphs = step_graphs(network, precision=precision)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "step.onnx").write_bytes(graphs.step)
    if graphs.past:
        (folder / "past.onnx").write_bytes(graphs.past.step)
    columns = [column for column, predicted in enumerate(graphs.predicted) if predicted]
    for column, head in zip(columns, graphs.heads, strict=True):
        (folder / f"head-{column}.onnx").write_bytes(head)
    np.savez(folder / "start.npz", *graphs.start)


def _whole_step(network: RecurrentModel, precision: Precision) -> bytes:
    start = stack_start(network.stack)
    graph = GraphBuilder(precision)
    (from_input,) = events_input(graph, network.tables, first_layer(network.stack))
    state = state_inputs(graph, start)
    after = run_stack(graph, network.stack, network.config.architecture, from_input, state)
    top = ready(graph, network.config.architecture, after[network.config.layers - 1])
    weight, bias = feature_layer(network.heads)
    state_outputs(graph, after, start)
    graph.output("hidden", graph.linear(top, weight, bias), len(bias))
    return graph.build("one step")
