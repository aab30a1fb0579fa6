"""SharedStepper: rows of all who decode with one network at the same time ride in one batch.

A step costs little more for eight rows than for one, and a row's numbers never depend on its batch mates. So while
one call is being computed the others gather, and the next call takes all of them along: nobody waits for company, and
nobody's result says who was there.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musicdemo.decoding.stepper import Events, Hidden, Logits, State, Stepper


@dataclass(eq=False)
class _Call:
    """One event for each row of one caller, and what came of it."""

    events: Events  # (B, 1, C)
    state: State
    answer: tuple[Hidden, State] | None = None


class SharedStepper:
    """A Stepper around another, for any number of threads. A prompt is read event by event: it never holds others up.

    Heads are scored caller by caller, as each stands at a column of its own; the stepper within must bear that.
    """

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper
        self._computing = threading.Lock()
        self._gathered: list[_Call] = []
        self._gathering = threading.Lock()

    @property
    def predicted(self) -> tuple[bool, ...]:
        """For each column, whether the network predicts it."""
        return self._stepper.predicted

    def start(self, rows: int) -> State:
        """Return the state of `rows` rows that have read nothing."""
        return self._stepper.start(rows)

    def step(self, events: Events, state: State) -> tuple[Hidden, State]:
        """Read events (B, T, C) and return the hidden vectors (B, H) after the last, and the new state."""
        if not events.shape[1]:
            raise ValueError("a step needs at least one event")
        hidden, state = self._answer(_Call(events[:, :1], state))
        for event in range(1, events.shape[1]):
            hidden, state = self._answer(_Call(events[:, event : event + 1], state))
        return hidden, state

    def logits(self, hidden: Hidden, partial: Events) -> Logits:
        """Score column c of the next events, of which the first c columns (B, c) are known: logits (B, V)."""
        return self._stepper.logits(hidden, partial)

    def select(self, state: State, rows: Sequence[int]) -> State:
        """Return the state of the given rows, in this order."""
        return self._stepper.select(state, rows)

    def join(self, states: Sequence[State]) -> State:
        """Return the rows of several states behind each other."""
        return self._stepper.join(states)

    def _answer(self, call: _Call) -> tuple[Hidden, State]:
        with self._gathering:
            self._gathered.append(call)
        with self._computing:  # whoever comes first computes for all who came meanwhile
            if call.answer is None:
                self._compute(self._batch_of(call))
        assert call.answer is not None
        return call.answer

    def _batch_of(self, call: _Call) -> list[_Call]:
        """Take all that has gathered; a call whose batch failed in another's hands is tried once more, alone."""
        with self._gathering:
            if call not in self._gathered:
                return [call]
            calls, self._gathered = self._gathered, []
        return calls

    def _compute(self, calls: Sequence[_Call]) -> None:
        events, states = [call.events for call in calls], [call.state for call in calls]
        if len(calls) == 1:
            calls[0].answer = self._stepper.step(events[0], states[0])
            return
        hidden, state = self._stepper.step(np.concatenate(events), self._stepper.join(states))
        first = 0
        for call in calls:
            rows = range(first, first + len(call.events))
            call.answer = hidden[rows.start : rows.stop], self._stepper.select(state, rows)
            first = rows.stop
