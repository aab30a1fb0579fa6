"""Attention over a recurrent network's own past, whose weights say what was looked at before each prediction.

Before the last recurrent layer stands a block of causal attention, as in SHA-RNN (Merity 2019, "Single Headed
Attention RNN: Stop Thinking With Your Head"): with a_t the lower layers' output for event t and n_t = LayerNorm(a_t),

    q_t = W_q n_t          k_j = W_k n_j + W_p n_(j-1)          v_j = W_v n_j
    w_tj = softmax_j(q_t . k_j / sqrt(d))  over the events t - window < j <= t        (Vaswani et al. 2017, eq. 1)
    y_t = n_t + s W_o sum_j w_tj v_j,  which the last recurrent layer reads

for each of the heads. W_o begins at zero and s is small, so that training begins with the recurrent network alone and
attention comes in as it learns; with s = 1 it drowned the recurrent layers and learned more slowly than they do.

We differ from SHA-RNN in the key: it also knows what stood before event j, so that a context that comes again finds
what followed it the last time, which is how music repeats. There is no position code: the lower layers count.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from musicdemo.models.base import AttentionConfig, ModelConfig, State
from musicdemo.models.heads import ColumnTables, EventHeads
from musicdemo.models.recurrent import RecurrentStack

READING_SCALE = 0.1
"""s: how much of what was read is added."""

Memory = tuple[Tensor, Tensor, Tensor]
"""Keys and values (1, B, S, H) of the last S events, and how many of them (1, B, 1) a row has read, at the end."""


class PastAttention(nn.Module):
    """One block of causal attention over the events of the window."""

    def __init__(self, units: int, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        self.query = nn.Linear(units, units)
        self.key = nn.Linear(units, units)
        self.before = nn.Linear(units, units, bias=False)
        self.value = nn.Linear(units, units)
        self.out = nn.Linear(units, units)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, vectors: Tensor, before: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Attend from vectors (B, T, H); `before` (B, H) is the vector of the event before the first.

        Returns what is read from the past (B, T, H), and the new memory.
        """
        keys, values, known = self._recall(vectors, before, memory)
        query = self._split(self.query(vectors))
        visible = self._visible(vectors.shape[1], keys.shape[1], memory[2][0])
        read = functional.scaled_dot_product_attention(query, self._split(keys), self._split(values), visible)
        first = keys.shape[1] - min(keys.shape[1], self.config.window - 1)
        read = READING_SCALE * self.out(read.transpose(1, 2).flatten(2))
        return read, (keys[None, :, first:], values[None, :, first:], known)

    def weights(self, vectors: Tensor, before: Tensor, memory: Memory) -> Tensor:
        """Return how much of each event is read, (B, heads, T, S + T), for the arguments of `forward`."""
        keys, _, _ = self._recall(vectors, before, memory)
        query = self._split(self.query(vectors))
        scores: Tensor = query @ self._split(keys).transpose(-1, -2) / query.shape[-1] ** 0.5
        visible = self._visible(vectors.shape[1], keys.shape[1], memory[2][0])
        return scores.masked_fill(~visible, -torch.inf).softmax(dim=-1)

    def _recall(self, vectors: Tensor, before: Tensor, memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        """Return keys and values (B, S + T, H) of what is remembered and of `vectors`, and how many are known then."""
        keys, values, known = memory
        shifted = torch.cat([before[:, None].to(vectors.dtype), vectors[:, :-1]], dim=1)
        key, value = self.key(vectors) + self.before(shifted), self.value(vectors)
        known = (known + vectors.shape[1]).clamp(max=self.config.window - 1)
        return torch.cat([keys[0].to(key.dtype), key], dim=1), torch.cat([values[0].to(key.dtype), value], dim=1), known

    def _split(self, vectors: Tensor) -> Tensor:
        """Share the units among the heads: (B, T, H) to (B, heads, T, H / heads)."""
        heads = self.config.heads
        return vectors.view(*vectors.shape[:2], heads, vectors.shape[2] // heads).transpose(1, 2)

    def _visible(self, length: int, total: int, known: Tensor) -> Tensor:
        """Say which of S + T events each of the T last ones may look at, when only `known` (B, 1) of S were read."""
        remembered = total - length
        looked_at = torch.arange(total, device=known.device)
        looking = torch.arange(remembered, total, device=known.device)[:, None]
        near = (looked_at <= looking) & (looked_at > looking - self.config.window)  # (T, S + T)
        read = looked_at >= remembered - known  # (B, S + T)
        return (near & read[:, None])[:, None]


class AttentionModel(nn.Module):
    """Recurrent layers of which the last also reads from the past by attention."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        if config.attention is None:
            raise ValueError("an attention model needs an AttentionConfig")
        self.config = config
        self.tables = ColumnTables(config.sizes, config.embedding)
        self.lower = RecurrentStack(
            config.architecture, config.embedding, config.hidden, layers=config.layers - 1, dropout=config.dropout
        )
        self.norm = nn.LayerNorm(config.hidden)
        self.attention = PastAttention(config.hidden, config.attention)
        self.upper = RecurrentStack(config.architecture, config.hidden, config.hidden, layers=1, dropout=0.0)
        self.dropout = nn.Dropout(config.dropout)
        self.heads = EventHeads(config)

    def start(self, rows: int) -> State:
        """Return the state of `rows` rows that have read nothing: the layers' zeros and an empty memory."""
        layers = tuple(map(_join, self.lower.start(rows), self.upper.start(rows)))
        empty = self.tables.table.new_zeros(1, rows, 0, self.config.hidden)
        return *layers, empty, empty, torch.zeros(1, rows, 1, dtype=torch.int64, device=empty.device)

    def read(self, events: Tensor, state: State) -> tuple[Tensor, State]:
        """Read events (B, T, C) and return hidden vectors (B, T, H), one after each event, and the new state."""
        *layers, keys, values, known = state
        low, before, lower_after = self._low(events, tuple(layers))
        normed = self.norm(low)
        past, memory = self.attention(normed, before, (keys, values, known))
        hidden, upper_after = self.upper(self.dropout(normed + past), tuple(part[-1:].contiguous() for part in layers))
        after = tuple(map(_join, lower_after, upper_after))
        return self.dropout(hidden), (*after, *memory)

    def weights(self, events: Tensor, state: State) -> Tensor:
        """Return what the network looks at after each event, before it predicts the next: (B, heads, T, S + T).

        The first S events of the last dimension are those that `state` remembers; each row sums to 1.
        """
        *layers, keys, values, known = state
        low, before, _ = self._low(events, tuple(layers))
        weights: Tensor = self.attention.weights(self.norm(low), before, (keys, values, known))
        return weights

    def logits(self, hidden: Tensor, events: Tensor, column: int) -> Tensor:
        """Score `column` (..., V) of the next events (..., >= column), of which only the columns before it are read."""
        scores: Tensor = self.heads(hidden, events, column)
        return scores

    def _low(self, events: Tensor, layers: State) -> tuple[Tensor, Tensor, State]:
        """Return what the lower layers give (B, T, H), what they gave last (B, H, normed), and their new state."""
        embedded = self.dropout(self.tables(events, 0, len(self.config.sizes)))
        low, after = self.lower(embedded, tuple(part[:-1].contiguous() for part in layers))
        return low, self.norm(layers[0][-2]), after


def _join(lower: Tensor, upper: Tensor) -> Tensor:
    """Lay the states of the lower layers and of the last one behind each other: (L, B, H)."""
    return torch.cat([lower, upper])
