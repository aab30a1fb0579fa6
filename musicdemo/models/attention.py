"""Attention over a recurrent network's own past, whose weights say what was looked at before each prediction.

Behind the last recurrent layer stands a block of causal attention. With h_t that layer's output for event t,
n_t = LayerNorm(h_t), and e_t the embedded event that the first layer reads,

    q_t = W_q n_t          k_j = W_k n_(j-1)          v_j = W_v e_j
    w_tj = softmax_j(q_t . k_j / sqrt(d))  over the events t - window < j <= t        (Vaswani et al. 2017, eq. 1)
    y_t = h_t + W_o sum_j w_tj v_j,  which the heads read

for each of the heads, of d units. A key is what the network knew before event j and a value is event j itself, so a
context that comes again finds what followed it the last time, which is how music repeats: the continuous cache of
Grave, Joulin & Usunier (2017, "Improving Neural Language Models with a Continuous Cache"), section 3. We differ from
it in that W are learned, and in that what was found goes through the heads instead of being counted. W_q and W_k begin
as multiples of the identity, so that like contexts find each other from the first step, and W_o at zero: a recurrent
network that is given attention begins as what it was. There is no position code: the recurrent layers count.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from musicdemo.models.base import AttentionConfig, ModelConfig, State
from musicdemo.models.heads import ColumnTables, EventHeads
from musicdemo.models.recurrent import RecurrentStack

SHARPNESS = 2.0
"""What W_q begins with, times the identity: of d units, equal contexts score SHARPNESS sqrt(d) above unrelated ones."""

Memory = tuple[Tensor, Tensor, Tensor]
"""Keys and values (1, B, S, H) of the last S events, and how many of them (1, B, 1) a row has read, at the end."""


class PastAttention(nn.Module):
    """One block of causal attention over the events of the window; events are embedded in `inputs` units."""

    def __init__(self, inputs: int, units: int, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        self.norm = nn.LayerNorm(units)
        self.query = nn.Linear(units, units)
        self.key = nn.Linear(units, units)
        self.value = nn.Linear(inputs, units)
        self.out = nn.Linear(units, units)
        for layer in (self.query, self.key):
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.query.weight.mul_(SHARPNESS)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, hidden: Tensor, before: Tensor, embedded: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Attend from hidden (B, T, H) to events embedded (B, T, E); `before` (B, H) is the hidden vector before them.

        Returns what is read from the past (B, T, H), and the new memory.
        """
        query, keys, values, known = self._recall(hidden, before, embedded, memory)
        visible = self._visible(hidden.shape[1], keys.shape[1], memory[2][0])
        read = functional.scaled_dot_product_attention(
            self._split(query), self._split(keys), self._split(values), visible
        )
        first = keys.shape[1] - min(keys.shape[1], self.config.window - 1)
        return self.out(read.transpose(1, 2).flatten(2)), (keys[None, :, first:], values[None, :, first:], known)

    def weights(self, hidden: Tensor, before: Tensor, embedded: Tensor, memory: Memory) -> Tensor:
        """Return how much of each event is read, (B, heads, T, S + T), for the arguments of `forward`."""
        query, keys, _, _ = self._recall(hidden, before, embedded, memory)
        query = self._split(query)
        scores: Tensor = query @ self._split(keys).transpose(-1, -2) / query.shape[-1] ** 0.5
        visible = self._visible(hidden.shape[1], keys.shape[1], memory[2][0])
        return scores.masked_fill(~visible, -torch.inf).softmax(dim=-1)

    def _recall(
        self, hidden: Tensor, before: Tensor, embedded: Tensor, memory: Memory
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return queries (B, T, H), all keys and values (B, S + T, H), and how many events are known then."""
        keys, values, known = memory
        normed = self.norm(torch.cat([before[:, None].to(hidden.dtype), hidden], dim=1))
        query, key, value = self.query(normed[:, 1:]), self.key(normed[:, :-1]), self.value(embedded)
        known = (known + hidden.shape[1]).clamp(max=self.config.window - 1)
        keys = torch.cat([keys[0].to(key.dtype), key], dim=1)
        return query, keys, torch.cat([values[0].to(value.dtype), value], dim=1), known

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
    """A stack of recurrent layers over embedded events, of which the last also reads from the past by attention.

    Its parameters have the names of a RecurrentModel's, and those that begin with `attention` besides.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        if config.attention is None:
            raise ValueError("an attention model needs an AttentionConfig")
        self.config = config
        self.tables = ColumnTables(config.sizes, config.embedding)
        self.stack = RecurrentStack(
            config.architecture, config.embedding, config.hidden, layers=config.layers, dropout=config.dropout
        )
        self.attention = PastAttention(config.embedding, config.hidden, config.attention)
        self.dropout = nn.Dropout(config.dropout)
        self.heads = EventHeads(config)

    def start(self, rows: int) -> State:
        """Return the state of `rows` rows that have read nothing: the layers' zeros and an empty memory."""
        empty = self.tables.table.new_zeros(1, rows, 0, self.config.hidden)
        return *self.stack.start(rows), empty, empty, torch.zeros(1, rows, 1, dtype=torch.int64, device=empty.device)

    def read(self, events: Tensor, state: State) -> tuple[Tensor, State]:
        """Read events (B, T, C) and return hidden vectors (B, T, H), one after each event, and the new state."""
        *layers, keys, values, known = state
        embedded, hidden, after = self._recur(events, tuple(layers))
        past, memory = self.attention(hidden, layers[0][-1], embedded, (keys, values, known))
        return self.dropout(hidden + past), (*after, *memory)

    def weights(self, events: Tensor, state: State) -> Tensor:
        """Return what the network looks at after each event, before it predicts the next: (B, heads, T, S + T).

        The first S events of the last dimension are those that `state` remembers; each row sums to 1.
        """
        *layers, keys, values, known = state
        embedded, hidden, _ = self._recur(events, tuple(layers))
        return self.attention.weights(hidden, layers[0][-1], embedded, (keys, values, known))

    def logits(self, hidden: Tensor, events: Tensor, column: int) -> Tensor:
        """Score `column` (..., V) of the next events (..., >= column), of which only the columns before it are read."""
        scores: Tensor = self.heads(hidden, events, column)
        return scores

    def _recur(self, events: Tensor, layers: State) -> tuple[Tensor, Tensor, State]:
        """Return the embedded events (B, T, E), what the layers make of them (B, T, H), and their new state."""
        embedded = self.tables(events, 0, len(self.config.sizes))
        hidden, after = self.stack(self.dropout(embedded), layers)
        return embedded, hidden, after
