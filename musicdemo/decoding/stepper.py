"""The two promises under decoding: a Stepper (a network, one event at a time) and Rules (what may come next).

An event is one row of integers, a value for each column. Some columns are given (the rules know their value),
the others are predicted, each in the light of the columns to its left. Nothing here knows notes or networks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Events = NDArray[np.int64]
"""Event rows, shape (T, C) or (B, T, C): T events of C columns."""

Logits = NDArray[np.float64]
Hidden = NDArray[np.float32]

State = Any
"""What a stepper carries from event to event; only the stepper that made it looks inside."""

OnStep = Callable[[Sequence[Events]], bool]
"""Called after every event with the events so far of each row (a beam search puts its best first); False stops."""


class Stepper(Protocol):
    """A network that reads events and scores the next one, column by column."""

    @property
    def predicted(self) -> tuple[bool, ...]:
        """For each of the C columns, whether the network predicts it (else the rules give it)."""
        ...

    def start(self, rows: int) -> State:
        """Return the state of `rows` rows that have read nothing."""
        ...

    def step(self, events: Events, state: State) -> tuple[Hidden, State]:
        """Read events (B, T, C), T >= 1, and return the hidden vectors (B, H) after the last, and the new state."""
        ...

    def logits(self, hidden: Hidden, partial: Events) -> Logits:
        """Score column c of the next event, from hidden (B, H) and its first c columns (B, c): logits (B, V_c)."""
        ...

    def select(self, state: State, rows: Sequence[int]) -> State:
        """Return the state of the given rows, in this order; a row may be taken several times."""
        ...

    def join(self, states: Sequence[State]) -> State:
        """Return the rows of several states (one or more) behind each other: those of several users in one batch."""
        ...


class Rules(Protocol):
    """What may come next in one row. A fresh copy goes with every row that decoding opens."""

    @property
    def finished(self) -> bool:
        """Whether the row has ended, which a predicted value does; the rest of the event is then filled with zeros."""
        ...

    def given(self, column: int) -> int:
        """Return the value of a given column of the event that is being written."""
        ...

    def forced(self, column: int) -> int | None:
        """Return the value of a predicted column where `constrain` is known to leave but one: none is scored then."""
        ...

    def constrain(self, column: int, logits: Logits) -> Logits:
        """Return logits (V,) with what is not allowed at -inf; at least one value stays finite."""
        ...

    def choose(self, column: int, value: int) -> None:
        """Write the next column, given or predicted; columns come strictly from left to right."""
        ...

    def copy(self) -> "Rules":
        """Return an independent copy in the same place."""
        ...


@dataclass(frozen=True)
class Primed:
    """Where decoding starts: hidden (1, H) and a state of one row, after the prompt was read."""

    hidden: Hidden
    state: State


@dataclass(frozen=True)
class Hypothesis:
    """One decoded sequence: events (T, C), log_probs (T, C) in nats (0 for given columns), and whether it ended."""

    events: Events
    log_probs: NDArray[np.float64]
    finished: bool

    @property
    def log_prob(self) -> float:
        """Log-probability of the whole sequence, in nats, under the rules and temperature it was decoded with."""
        return float(self.log_probs.sum())
