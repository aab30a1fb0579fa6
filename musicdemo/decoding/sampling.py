"""Sampling: draw each value from what the stepper predicts and the rules allow, one event at a time.

Every row has a noise stream of its own, so its events do not depend on the rows beside it. A row that ends leaves
the batch. Search for the most probable sequence is beam_search's work.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from musicdemo.decoding.noise import MAX_KEY, uniforms
from musicdemo.decoding.stepper import Events, Hidden, Hypothesis, Logits, OnStep, Primed, Rules, Stepper
from musicdemo.errors import GenerationError

Floats = NDArray[np.float64]

MAX_EVENTS = 2**20
"""The most events that any decoding may be asked for."""


@dataclass(frozen=True)
class SamplingConfig:
    """How values are drawn, and which rows: row i is the same sequence whatever else `rows` holds."""

    temperature: float = 1.0  # >= 0; 0 takes the most probable value
    top_k: int = 0  # draw among the k most probable values; 0 is off
    top_p: float = 1.0  # (0, 1]; draw among the fewest values that hold this part of what top_k left; 1 is off
    seed: int = 0  # 0 to 2**63 - 1
    rows: tuple[int, ...] = (0,)  # number of each row's noise stream, 0 to 2**63 - 1
    max_events: int = 4096  # 1 to MAX_EVENTS; a row that is longer stops unfinished

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature must be a number >= 0, not {self.temperature}")
        if self.top_k < 0:
            raise ValueError(f"top_k must be >= 0 (0 is off), not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must lie in (0, 1], not {self.top_p}")
        if not 0 <= self.seed <= MAX_KEY:
            raise ValueError(f"seed must be 0 to 2**63 - 1, not {self.seed}")
        if not self.rows or not all(0 <= row <= MAX_KEY for row in self.rows):
            raise ValueError(f"rows must be one or more numbers from 0 to 2**63 - 1, not {self.rows}")
        if not 1 <= self.max_events <= MAX_EVENTS:
            raise ValueError(f"max_events must be 1-{MAX_EVENTS}, not {self.max_events}")


def sample(
    stepper: Stepper, primed: Primed, rules: Rules, config: SamplingConfig, *, on_step: OnStep | None = None
) -> list[Hypothesis]:
    """Decode one sequence for each of config.rows, in that order, all from the one `primed` state.

    `rules` is copied for each row and stays as it is. The log-probabilities are those of the allowed values at
    config.temperature (at temperature 0: at temperature 1), before top_k and top_p cut any off.
    Raises GenerationError if the stepper's logits are not numbers, or the rules allow no value.
    """
    rows = [_Row(number, rules.copy(), len(stepper.predicted)) for number in config.rows]
    live = [row for row in rows if not row.rules.finished]
    hidden = np.repeat(primed.hidden, len(live), axis=0)
    state = stepper.select(primed.state, [0] * len(live))
    while live:
        _write_event(stepper, hidden, live, config)
        if on_step is not None and not on_step([row.events for row in rows]):
            break
        staying = [i for i, row in enumerate(live) if not row.rules.finished and row.length < config.max_events]
        if not staying:
            break
        if len(staying) < len(live):
            live, state = [live[i] for i in staying], stepper.select(state, staying)
        hidden, state = stepper.step(np.stack([row.events[-1:] for row in live]), state)
    return [Hypothesis(row.events.copy(), row.log_probs.copy(), row.rules.finished) for row in rows]


def log_probabilities(logits: Logits, temperature: float) -> Floats:
    """Return the log-softmax of each row of logits (..., V) at a temperature, where 0 stands for 1; -inf stays -inf.

    A row comes out the same to the bit in any company. Raises GenerationError if the logits of a row hold a NaN or
    +inf, or nothing but -inf.
    """
    shifted = _shifted(logits, logits.max(axis=-1, keepdims=True), temperature)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def _shifted(logits: Logits, top: Floats, temperature: float) -> Floats:
    """Return (logits - top) / temperature, where `top` (..., 1) are the largest logits of each row."""
    if not np.isfinite(top).all():
        wrong = top[~np.isfinite(top)][0]
        raise GenerationError(f"nothing can be chosen from the model's scores (their largest is {wrong}): try another")
    shifted: Floats = logits - top
    if temperature not in (0.0, 1.0):
        with np.errstate(over="ignore"):  # a tiny temperature takes what is far below the top to -inf, as it should
            shifted /= temperature
    return shifted


@dataclass
class _Row:
    """A sequence that is being drawn. Its arrays double when they are full; what was handed out never changes."""

    number: int
    rules: Rules
    columns: int
    length: int = 0
    _events: Events = field(init=False)
    _log_probs: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._events = np.zeros((64, self.columns), dtype=np.int64)
        self._log_probs = np.zeros((64, self.columns))

    @property
    def events(self) -> Events:
        """Events so far, (T, C)."""
        return self._events[: self.length]

    @property
    def log_probs(self) -> Floats:
        """Their log-probabilities, (T, C)."""
        return self._log_probs[: self.length]

    def append(self, event: Events, log_probs: Floats) -> None:
        """Add one event (C,) and its log-probabilities (C,)."""
        if self.length == len(self._events):
            self._events = np.concatenate((self._events, np.zeros_like(self._events)))
            self._log_probs = np.concatenate((self._log_probs, np.zeros_like(self._log_probs)))
        self._events[self.length] = event
        self._log_probs[self.length] = log_probs
        self.length += 1


def _write_event(stepper: Stepper, hidden: Hidden, rows: Sequence[_Row], config: SamplingConfig) -> None:
    """Append one event to each row, given the hidden vectors (B, H) of the rows."""
    columns = len(stepper.predicted)
    noise = [uniforms(config.seed, row.number, row.length, columns) for row in rows]
    events = np.zeros((len(rows), columns), dtype=np.int64)
    log_probs = np.zeros((len(rows), columns))
    writing = list(range(len(rows)))
    for column, predicted in enumerate(stepper.predicted):
        known = [rows[i].rules.forced(column) if predicted else rows[i].rules.given(column) for i in writing]
        logits = _logits(stepper, hidden, events, writing, column) if None in known else ()
        for place, (i, value) in enumerate(zip(writing, known, strict=True)):
            if value is not None:
                events[i, column] = value
            else:
                allowed = rows[i].rules.constrain(column, logits[place])
                events[i, column], log_probs[i, column] = _drawn(allowed, noise[i][column], config)
            rows[i].rules.choose(column, int(events[i, column]))
        if predicted:
            writing = [i for i in writing if not rows[i].rules.finished]
    for row, event, row_log_probs in zip(rows, events, log_probs, strict=True):
        row.append(event, row_log_probs)


def _logits(stepper: Stepper, hidden: Hidden, events: Events, writing: Sequence[int], column: int) -> Logits:
    """Ask for the logits of the rows that are still writing; most often that is all of them, and nothing is copied."""
    if len(writing) == len(events):
        return stepper.logits(hidden, events[:, :column])
    return stepper.logits(hidden[writing], events[writing, :column])


def _drawn(logits: Logits, noise: float, config: SamplingConfig) -> tuple[int, float]:
    """Choose a value by the inverse of the cumulative distribution, at `noise` in [0, 1); with its log-probability."""
    value = int(logits.argmax())
    shifted = _shifted(logits, logits[value : value + 1], config.temperature)
    weights = np.exp(shifted)  # 1 for the most probable value
    total = weights.sum()
    if config.temperature > 0 and config.top_k != 1 and total * config.top_p > 1:  # else it alone is left
        values = _kept(weights, config.top_k, config.top_p)
        cumulative = weights[values].cumsum()
        value = int(values[cumulative.searchsorted(noise * cumulative[-1], side="right")])
    return value, float(shifted[value] - np.log(total))


def truncated(weights: Floats, top_k: int, top_p: float) -> Floats:
    """Return weights (V,) with 0 where top_k and then top_p cut off; of equal weights the lower value stays."""
    left = np.zeros_like(weights)
    kept = _kept(weights, top_k, top_p)
    left[kept] = weights[kept]
    return left


def _kept(weights: Floats, top_k: int, top_p: float) -> NDArray[np.intp]:
    """Return in ascending order which values top_k and then top_p leave."""
    if not top_k and top_p == 1:
        return np.arange(len(weights))
    order = np.argsort(-weights, kind="stable")
    if top_k:
        order = order[:top_k]
    if top_p < 1:
        mass = weights[order].cumsum()
        order = order[: int(mass.searchsorted(top_p * mass[-1])) + 1]
    return np.sort(order)
