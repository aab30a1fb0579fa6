"""A decoding problem so small that it can be solved by hand: a Markov chain of events with one given column, two
predicted ones, and rules that forbid, end inside an event, and end after one.

`every_sequence` solves it by plain enumeration, with nothing of the code under test.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from musicdemo.decoding.stepper import Events, Hidden, Logits, Primed, Rules, State

Event = tuple[int, ...]

END = 0
"""The value of column 1 that ends a sequence inside its event."""


def given_value(past: Sequence[Event]) -> int:
    """Column 0: it counts the events in twos."""
    return len(past) % 2


def is_allowed(past: Sequence[Event], partial: Event, value: int) -> bool:
    """Column 1 may not repeat itself from event to event; in column 2 a value is left out in events of kind 1."""
    if len(partial) == 1:
        return not past or past[-1][1] != value
    return not (partial[0] == 1 and value == partial[1] - 1)


@dataclass
class ToyChain:
    """The tables, (S, V1) for column 1 and (S, V1, V2) for column 2, and S states; it counts what it is asked."""

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    longest: int
    steps: list[int] = field(default_factory=list)  # rows of each call
    scored: int = 0  # calls for logits

    @property
    def predicted(self) -> tuple[bool, ...]:
        return (False, True, True)

    def follow(self, state: int, event: Sequence[int]) -> int:
        """The state after an event: it remembers the whole past, so that a row taken for another would show."""
        return (3 * state + event[0] + 2 * event[1] + 5 * event[2] + 1) % len(self.first)

    def start(self, rows: int) -> State:
        return [0] * rows

    def step(self, events: Events, state: State) -> tuple[Hidden, State]:
        assert events.shape == (len(state), events.shape[1], 3)
        self.steps.append(len(state))
        after = list(state)
        for i in range(events.shape[1]):
            after = [self.follow(old, event) for old, event in zip(after, events[:, i].tolist(), strict=True)]
        return np.array(after, dtype=np.float32)[:, None], after

    def logits(self, hidden: Hidden, partial: Events) -> Logits:
        assert len(hidden) == len(partial) > 0
        self.scored += 1
        states = hidden[:, 0].astype(np.int64)
        return self.first[states] if partial.shape[1] == 1 else self.second[states, partial[:, 1]]

    def select(self, state: State, rows: Sequence[int]) -> State:
        return [state[row] for row in rows]

    def join(self, states: Sequence[State]) -> State:
        return [row for state in states for row in state]

    def primed(self) -> Primed:
        """Where every sequence begins: state 0."""
        return Primed(np.zeros((1, 1), dtype=np.float32), self.start(1))

    def rules(self) -> "ToyRules":
        """Fresh rules."""
        return ToyRules(self.longest, sizes=(0, *self.second.shape[1:]))


@dataclass
class ToyRules:
    """A sequence ends when END is written, or after `longest` events. Who knows no sizes knows not what is forced."""

    longest: int
    past: list[Event] = field(default_factory=list)
    partial: Event = ()
    sizes: tuple[int, ...] = (0, 0, 0)

    @property
    def finished(self) -> bool:
        return len(self.past) == self.longest or self.partial[1:2] == (END,)

    def given(self, column: int) -> int:
        assert column == 0
        assert not self.finished
        return given_value(self.past)

    def forced(self, column: int) -> int | None:
        assert column == len(self.partial)
        assert not self.finished
        values = [value for value in range(self.sizes[column]) if is_allowed(self.past, self.partial, value)]
        return values[0] if len(values) == 1 else None

    def constrain(self, column: int, logits: Logits) -> Logits:
        assert column == len(self.partial)
        assert not self.finished
        allowed = [is_allowed(self.past, self.partial, value) for value in range(len(logits))]
        return np.where(allowed, logits, -np.inf)

    def choose(self, column: int, value: int) -> None:
        assert column == len(self.partial)
        assert not self.finished
        assert column == 0 or is_allowed(self.past, self.partial, value)
        self.partial = (*self.partial, value)
        if len(self.partial) == 3:
            self.past, self.partial = [*self.past, self.partial], ()

    def copy(self) -> Rules:
        return ToyRules(self.longest, list(self.past), self.partial, self.sizes)


def random_chain(seed: int, *, first: int = 4, second: int = 3, longest: int = 3, spread: float = 1.5) -> ToyChain:
    """Tables drawn at random, with 5 states."""
    random = np.random.default_rng(seed)
    return ToyChain(spread * random.normal(size=(5, first)), spread * random.normal(size=(5, first, second)), longest)


def every_sequence(chain: ToyChain, temperature: float = 1.0) -> dict[tuple[Event, ...], float]:
    """Every sequence that can end, with its log-probability."""
    return dict(_ends(chain, temperature, (), 0, 0.0))


def log_prob_of(chain: ToyChain, events: Events, temperature: float = 1.0) -> list[list[float]]:
    """The log-probability of every value of a sequence, finished or not, (T, 3)."""
    past: list[Event] = []
    scores: list[list[float]] = []
    state = 0
    for event in map(tuple, events.tolist()):
        row = [0.0, _choices(chain.first[state], temperature, past, event[:1])[event[1]], 0.0]
        if event[1] != END:
            row[2] = _choices(chain.second[state, event[1]], temperature, past, event[:2])[event[2]]
        scores.append(row)
        past, state = [*past, event], chain.follow(state, event)
    return scores


def _ends(
    chain: ToyChain, temperature: float, past: tuple[Event, ...], state: int, log_prob: float
) -> Iterator[tuple[tuple[Event, ...], float]]:
    if len(past) == chain.longest:
        yield past, log_prob
        return
    given = given_value(past)
    for one, one_score in _choices(chain.first[state], temperature, past, (given,)).items():
        if one == END:
            yield (*past, (given, END, 0)), log_prob + one_score
            continue
        for two, two_score in _choices(chain.second[state, one], temperature, past, (given, one)).items():
            event = (given, one, two)
            after = chain.follow(state, event)
            yield from _ends(chain, temperature, (*past, event), after, log_prob + one_score + two_score)


def _choices(
    logits: NDArray[np.float64], temperature: float, past: Sequence[Event], partial: Event
) -> dict[int, float]:
    """Allowed values and their log-probabilities, by the definition of the softmax."""
    weights = {v: math.exp(x / temperature) for v, x in enumerate(logits.tolist()) if is_allowed(past, partial, v)}
    total = math.fsum(weights.values())
    return {value: math.log(weight / total) for value, weight in weights.items()}
