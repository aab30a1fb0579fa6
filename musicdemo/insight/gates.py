"""What went on in one layer of a network while it read a score: its gates and its hidden vector, event by event.

The layer is computed from its weights by the equations of models/cells.py, one event after the other; what a gate
does is theirs to say. Gates are shown as means over all units, hidden vectors by the units that vary most.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import linear

from musicdemo.checkpoint import Checkpoint
from musicdemo.insight.reading import Thoughts
from musicdemo.models.base import single_thread
from musicdemo.models.cells import Weights
from musicdemo.models.recurrent import RecurrentStack

MOST_UNITS = 32
GATES = {"lstm": ("input", "forget", None, "output"), "gru": ("reset", "update", None)}
"""Names of the gates of each architecture as its matrices stack them; None is the candidate, which is no gate."""


@dataclass(frozen=True, eq=False)
class LayerStates:
    """One layer after each of T events: `gates` as means over its units (T,), and h (T, U) of its liveliest `units`."""

    layer: int
    gates: dict[str, NDArray[np.float32]]
    units: tuple[int, ...]
    hidden: NDArray[np.float32]


@torch.inference_mode()
def layer_states(checkpoint: Checkpoint, found: Thoughts, *, layer: int = 0) -> LayerStates:
    """Run one layer over what was read, 0 the lowest. Raises ValueError if there is no such layer."""
    if not 0 <= layer < checkpoint.config.layers:
        raise ValueError(f"the network has layers 0-{checkpoint.config.layers - 1}, not {layer}")
    stack = checkpoint.model.stack
    with single_thread():
        x = checkpoint.model.tables(torch.from_numpy(found.placed.events), 0, len(checkpoint.config.sizes))
        for below in range(layer):
            x = hidden_vectors(stack, x, below)
        hidden = hidden_vectors(stack, x, layer)
        gates = _gates(checkpoint.config.architecture, x, hidden, stack.weights(layer))
    liveliest = sorted(hidden.std(dim=0, correction=0).topk(min(MOST_UNITS, hidden.shape[1])).indices.tolist())
    return LayerStates(
        layer,
        {name: values.mean(dim=1).numpy() for name, values in gates.items()},
        tuple(liveliest),
        hidden[:, liveliest].numpy(),
    )


def hidden_vectors(stack: RecurrentStack, x: Tensor, layer: int) -> Tensor:
    """Return h (T, H) of one layer after each of its inputs x (T, I), from a state of zeros."""
    weights = stack.weights(layer)
    state = tuple(part[layer] for part in stack.start(1))
    hidden = []
    for one in x:
        state = stack.kind.cell(one[None], state, weights)
        hidden.append(state[0][0])
    return torch.stack(hidden)


def _gates(architecture: str, x: Tensor, hidden: Tensor, weights: Weights) -> dict[str, Tensor]:
    """Return each gate (T, H): sigma of its rows of W x_t + b + U h_(t-1) + c."""
    before = torch.cat((torch.zeros_like(hidden[:1]), hidden[:-1]))
    names = GATES.get(architecture, ())
    scores = linear(x, weights.W, weights.b) + linear(before, weights.U, weights.c)
    parts = scores.chunk(len(names), dim=-1) if names else ()
    return {name: torch.sigmoid(part) for name, part in zip(names, parts, strict=True) if name}
