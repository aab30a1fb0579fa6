"""OnnxStepper: the Stepper that users wait for, over ONNX graphs of one step and of each head.

One thread computes: for steps as small as these more are slower, and wait for each other on a busy machine. The
sessions are shared by all who decode, in any number of threads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from musicdemo.decoding.onnx_past import Past
from musicdemo.decoding.stepper import Events, Hidden, Logits

Part = NDArray[np.float32]


class PastGraph(Protocol):
    """What follows a look at the past, where a network attends to it."""

    @property
    def step(self) -> bytes:
        """A graph from the last layer's h (B, H) and what was read from the past (B, H) to the hidden vectors."""
        ...

    @property
    def top(self) -> int:
        """Which part of the state that h is."""
        ...

    @property
    def heads(self) -> int:
        """How many share the units of queries, keys and values."""
        ...

    @property
    def window(self) -> int:
        """How many events are looked at, the newest among them."""
        ...


class Graphs(Protocol):
    """What an OnnxStepper needs of a network of which K columns are predicted."""

    @property
    def predicted(self) -> tuple[bool, ...]:
        """For each column, whether the network predicts it."""
        ...

    @property
    def start(self) -> tuple[Part, ...]:
        """Each part (.,) of the state of a row that has read nothing."""
        ...

    @property
    def step(self) -> bytes:
        """A graph from events (B, C) and the parts of the state to the new parts and the hidden vectors (B, N).

        With a `past`, to the new parts, value and query (B, H); the last part is then the key of the events.
        """
        ...

    @property
    def heads(self) -> tuple[bytes, ...]:
        """K graphs, each from the hidden vectors and the columns before its own (if any) to logits (B, V)."""
        ...

    @property
    def past(self) -> PastGraph | None:
        """What follows a look at the past."""
        ...


@dataclass(frozen=True)
class OnnxState:
    """Parts (B, .) of the state, and what each row remembers, where a network attends to its past."""

    parts: tuple[Part, ...]
    pasts: tuple[Past, ...] = ()


class OnnxStepper:
    """Step a network by ONNX Runtime. A row's numbers never depend on its batch mates."""

    def __init__(self, graphs: Graphs) -> None:
        self._graphs = graphs
        columns = [column for column, predicted in enumerate(graphs.predicted) if predicted]
        self._step = _Session(graphs.step)
        self._after_past = _Session(graphs.past.step) if graphs.past else None
        self._heads = dict(zip(columns, map(_Session, graphs.heads), strict=True))

    @property
    def predicted(self) -> tuple[bool, ...]:
        """For each column, whether the network predicts it."""
        return self._graphs.predicted

    def start(self, rows: int) -> OnnxState:
        """Return the state of `rows` rows that have read nothing."""
        past = self._graphs.past
        pasts = (Past(past.heads, past.window),) * rows if past else ()
        return OnnxState(tuple(np.repeat(part[None], rows, axis=0) for part in self._graphs.start), pasts)

    def step(self, events: Events, state: OnnxState) -> tuple[Hidden, OnnxState]:
        """Read events (B, T, C) and return the hidden vectors (B, N) after the last, and the new state."""
        if not events.shape[1]:
            raise ValueError("a step needs at least one event")
        hidden, state = self._read(events[:, 0], state)
        for event in range(1, events.shape[1]):
            hidden, state = self._read(events[:, event], state)
        return hidden, state

    def logits(self, hidden: Hidden, partial: Events) -> Logits:
        """Score column c of the next events, of which the first c columns (B, c) are known: logits (B, V)."""
        head = self._heads[partial.shape[1]]
        (logits,) = head(hidden, partial) if partial.shape[1] else head(hidden)
        return logits.astype(np.float64)

    def select(self, state: OnnxState, rows: Sequence[int]) -> OnnxState:
        """Return the state of the given rows, in this order; what they remember is shared, not copied."""
        index = np.array(rows, dtype=np.int64)
        pasts = tuple(state.pasts[row] for row in rows) if state.pasts else ()
        return OnnxState(tuple(part[index] for part in state.parts), pasts)

    def join(self, states: Sequence[OnnxState]) -> OnnxState:
        """Return the rows of several states behind each other."""
        parts = zip(*(state.parts for state in states), strict=True)
        return OnnxState(tuple(map(np.concatenate, parts)), sum((state.pasts for state in states), ()))

    def _read(self, events: Events, state: OnnxState) -> tuple[Hidden, OnnxState]:
        """Read one event a row, (B, C)."""
        if self._after_past is None or self._graphs.past is None:
            *parts, hidden = self._step(events, *state.parts)
            return hidden, OnnxState(tuple(parts))
        *parts, values, queries = self._step(events, *state.parts)
        keys = state.parts[-1]
        pasts = tuple(past.followed_by(*own) for past, *own in zip(state.pasts, keys, values, strict=True))
        read = np.stack([past.read(query) for past, query in zip(pasts, queries, strict=True)])
        (hidden,) = self._after_past(parts[self._graphs.past.top], read)
        return hidden, OnnxState(tuple(parts), pasts)


class _Session:
    """A graph that runs on arrays (B, .), in the order of its inputs."""

    def __init__(self, graph: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.x64quantprecision", "0" if _sums_in_32_bits() else "1")
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._inputs = [value.name for value in self._session.get_inputs()]

    def __call__(self, *arrays: NDArray[Any]) -> list[Part]:
        feed = dict(zip(self._inputs, map(np.ascontiguousarray, arrays), strict=True))
        outputs: list[Part] = self._session.run(None, feed)
        return outputs


def _sums_in_32_bits() -> bool:
    """Whether this processor multiplies u8 by s8 and adds in 32 bits at once (VNNI).

    Others of its kind add in 16 bits, which overflow; there ONNX Runtime shall take a slower product, which is exact.
    """
    extensions = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return "AVX512_ICL" in extensions.get("found", [])  # the extensions that came with Ice Lake, VNNI among them
