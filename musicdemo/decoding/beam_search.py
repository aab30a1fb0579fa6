"""Beam search: keep the most probable sequences side by side, and return the best by length-normalised score.

The stepper runs once an event, the pruning once a predicted column. Partial sequences are compared with others of
as many columns only; one that ends leaves the beam for a pool of finished ones. Nothing here draws at random.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from musicdemo.decoding.sampling import MAX_EVENTS, log_probabilities
from musicdemo.decoding.stepper import Events, Hidden, Hypothesis, OnStep, Primed, Rules, Stepper

MAX_WIDTH = 4096
"""The widest beam; 1-16 is what music needs, more is for searching a small space to its end."""

MAX_LENGTH_PENALTY = 10.0


@dataclass(frozen=True)
class BeamConfig:
    """How wide to search, and what length is worth."""

    width: int = 4  # 1 to MAX_WIDTH sequences side by side; 1 is greedy
    length_penalty: float = 1.0  # 0 to MAX_LENGTH_PENALTY; 0 compares plain log-probabilities
    temperature: float = 1.0  # >= 0; 0 stands for 1, as the search itself is what temperature 0 asks for
    max_events: int = 4096  # 1 to MAX_EVENTS

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WIDTH:
            raise ValueError(f"width must be 1-{MAX_WIDTH} beams, not {self.width}")
        if not 0 <= self.length_penalty <= MAX_LENGTH_PENALTY:
            raise ValueError(f"length_penalty must be 0-{MAX_LENGTH_PENALTY:g}, not {self.length_penalty}")
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature must be a number >= 0, not {self.temperature}")
        if not 1 <= self.max_events <= MAX_EVENTS:
            raise ValueError(f"max_events must be 1-{MAX_EVENTS}, not {self.max_events}")


def beam_search(
    stepper: Stepper, primed: Primed, rules: Rules, config: BeamConfig, *, on_step: OnStep | None = None
) -> list[Hypothesis]:
    """Return at most config.width different sequences, best normalised score first.

    They are the finished ones; only if the search stops (at max_events or by `on_step`) before any sequence has
    ended are they the unfinished ones. `on_step` sees the live sequences, most probable first, then the finished.
    `rules` stays as it is. Raises GenerationError if the stepper's logits are not numbers, or the rules allow no value.
    """
    empty = Hypothesis(*_no_events(len(stepper.predicted)), finished=rules.finished)
    if rules.finished:
        return [empty]
    live, finished = [_Beam(empty, rules.copy(), 0, 0.0)], list[Hypothesis]()
    hidden, state = primed.hidden, primed.state
    for length in range(1, config.max_events + 1):
        live, ended = _write_event(stepper, hidden, live, config)
        finished = _best(finished + ended, config)
        if on_step is not None and not on_step([found.events for found in (*(beam.past for beam in live), *finished)]):
            break
        if length == config.max_events or not _can_improve(live, finished, config):
            break
        state = stepper.select(state, [beam.origin for beam in live])
        hidden, state = stepper.step(np.stack([beam.past.events[-1:] for beam in live]), state)
    return finished or [beam.past for beam in live]


def normalised_score(log_prob: float, length: int, length_penalty: float) -> float:
    """Return what beams are ranked by: log_prob / ((5 + length) / 6) ** length_penalty (Wu et al. 2016, eq. 14).

    `length` counts events. The coverage term of the equation belongs to translation and is left out.
    """
    return log_prob / math.pow((5 + length) / 6, length_penalty)


@dataclass(frozen=True)
class _Beam:
    """A live sequence: its complete events, then the values of the event that is being written."""

    past: Hypothesis
    rules: Rules
    origin: int  # row of the hidden vectors and the state that it goes on from
    log_prob: float  # of everything so far
    values: tuple[int, ...] = ()
    log_probs: tuple[float, ...] = ()

    def with_value(self, value: int, log_prob: float) -> "_Beam":
        """Write the next column; the rules go along and are changed."""
        self.rules.choose(len(self.values), value)
        return replace(
            self,
            log_prob=self.log_prob + log_prob,
            values=(*self.values, value),
            log_probs=(*self.log_probs, log_prob),
        )

    def completed(self, columns: int) -> Hypothesis:
        """Return all events, the last one filled up with zeros."""
        missing = columns - len(self.values)
        return Hypothesis(
            np.concatenate((self.past.events, [self.values + (0,) * missing])),
            np.concatenate((self.past.log_probs, [self.log_probs + (0.0,) * missing])),
            self.rules.finished,
        )


def _no_events(columns: int) -> tuple[Events, NDArray[np.float64]]:
    return np.zeros((0, columns), dtype=np.int64), np.zeros((0, columns))


def _write_event(
    stepper: Stepper, hidden: Hidden, live: Sequence[_Beam], config: BeamConfig
) -> tuple[list[_Beam], list[Hypothesis]]:
    """Grow the beams by one event; return those that live on, most probable first, and what has ended."""
    columns = len(stepper.predicted)
    beams = [replace(beam, origin=row, values=(), log_probs=()) for row, beam in enumerate(live)]
    ended: list[Hypothesis] = []
    for column, predicted in enumerate(stepper.predicted):
        if predicted and beams:
            beams = _expanded(stepper, hidden, beams, config)
        else:
            beams = [beam.with_value(beam.rules.given(column), 0.0) for beam in beams]
        ended += [beam.completed(columns) for beam in beams if beam.rules.finished]
        beams = [beam for beam in beams if not beam.rules.finished]
    return [replace(beam, past=beam.completed(columns)) for beam in beams], ended


def _expanded(stepper: Stepper, hidden: Hidden, beams: Sequence[_Beam], config: BeamConfig) -> list[_Beam]:
    """Write the next column in every way and keep the config.width most probable, best first."""
    column = len(beams[0].values)
    partial = np.array([beam.values for beam in beams], dtype=np.int64)  # (B, column)
    logits = stepper.logits(hidden[[beam.origin for beam in beams]], partial)  # (B, V)
    log_probs = np.stack(
        [
            log_probabilities(beam.rules.constrain(column, row), config.temperature)
            for beam, row in zip(beams, logits, strict=True)
        ]
    )
    totals = log_probs + np.array([beam.log_prob for beam in beams])[:, None]
    parents, values = _most_probable(totals, log_probs, config.width)
    opened = _with_own_rules([beams[parent] for parent in parents])
    return [
        beam.with_value(int(value), float(log_probs[parent, value]))
        for beam, parent, value in zip(opened, parents, values, strict=True)
    ]


def _most_probable(
    totals: NDArray[np.float64], log_probs: NDArray[np.float64], count: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return beam and value of the `count` highest totals (B, V), best first, without those that are -inf.

    Of equal totals comes first the one with the more probable last step, then the better beam, then the lower value.
    """
    flat = totals.ravel()
    floor = np.partition(flat, -count)[-count] if count < flat.size else -np.inf
    candidates = np.flatnonzero((flat >= floor) & (flat > -np.inf))
    order = np.lexsort((-log_probs.ravel()[candidates], -flat[candidates]))[:count]
    parents, values = np.divmod(candidates[order], totals.shape[1])
    return parents, values


def _with_own_rules(beams: Sequence[_Beam]) -> list[_Beam]:
    """Give each beam rules that no other holds: the first of those that share them keeps them, the others copy."""
    held: set[int] = set()
    owners = []
    for beam in beams:
        owners.append(replace(beam, rules=beam.rules.copy()) if id(beam.rules) in held else beam)
        held.add(id(beam.rules))
    return owners


def _best(found: Sequence[Hypothesis], config: BeamConfig) -> list[Hypothesis]:
    """Return the config.width best by normalised score, best first; of equals, what was found first."""
    return sorted(found, key=lambda hypothesis: _score(hypothesis, config), reverse=True)[: config.width]


def _score(found: Hypothesis, config: BeamConfig) -> float:
    return normalised_score(found.log_prob, len(found.events), config.length_penalty)


def _can_improve(live: Sequence[_Beam], finished: Sequence[Hypothesis], config: BeamConfig) -> bool:
    """Whether a live beam may still end with a better score than the worst finished one, or fill the pool.

    No step adds to a log-probability, and the divisor is largest at max_events; so the log-probability of the most
    probable live beam, divided by that, is a bound on every score to come.
    """
    if not live or len(finished) < config.width:
        return bool(live)
    bound = normalised_score(live[0].log_prob, config.max_events, config.length_penalty)
    return bound > _score(finished[-1], config)
