"""The live sequences of a beam search, side by side while they write one event.

Rows of arrays rather than objects, so that a wide beam costs little more Python than a narrow one. Which ways on are
kept is a Selection's work.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from musicdemo.decoding.beam_tree import Floats, Indices, Mask
from musicdemo.decoding.sampling import log_probabilities
from musicdemo.decoding.stepper import Hidden, Rules, Stepper


class Selection(Protocol):
    """What a search keeps. It begins with one live beam, the prompt, and is told of each change to the live beams."""

    def choose(self, totals: Floats, log_probs: Floats, /) -> tuple[Indices, Indices]:
        """Return beam and value of the ways on that are kept, best first.

        `totals` (B, V) are log-probabilities of all so far, `log_probs` (B, V) those of the last value alone.
        """
        ...

    def retire(self, ended: Mask, nodes: Indices, totals: Floats, length: int, /) -> Indices:
        """Take out the beams that `ended` (B,), as `nodes` (B,) of `length` events; return those that stay."""
        ...

    def finished(self) -> list[int]:
        """Return the nodes of the sequences that ended and are still wanted, best first."""
        ...

    def result(self, live: Sequence[int], /) -> list[int]:
        """Return the nodes of what is found, best first, where `live` are the nodes of the live beams."""
        ...


class Frontier:
    """B beams, best first, and the event that each is writing."""

    def __init__(self, rules: Sequence[Rules], totals: Floats, columns: int) -> None:
        self.rules = list(rules)
        self.origins: Indices = np.arange(len(self.rules))
        """(B,) the row of the hidden vectors that each goes on from."""
        self.totals = totals
        """(B,) log-probability of everything so far, in nats."""
        self.events = np.zeros((len(self.rules), columns), dtype=np.int64)
        self.log_probs = np.zeros((len(self.rules), columns))

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def ended(self) -> Mask:
        """(B,) which have ended."""
        return np.array([rules.finished for rules in self.rules], dtype=np.bool_)

    def give(self, column: int) -> None:
        """Write a given column."""
        for row, rules in enumerate(self.rules):
            value = rules.given(column)
            rules.choose(column, value)
            self.events[row, column] = value

    def branch(self, column: int, stepper: Stepper, hidden: Hidden, selection: Selection, temperature: float) -> None:
        """Write a predicted column in every way that the selection keeps."""
        logits = stepper.logits(hidden[self.origins], self.events[:, :column])
        allowed = np.empty_like(logits)
        for row, rules in enumerate(self.rules):
            allowed[row] = rules.constrain(column, logits[row])
        log_probs = log_probabilities(allowed, temperature)
        beams, values = selection.choose(self.totals[:, None] + log_probs, log_probs)
        chosen = log_probs[beams, values]
        self.keep(beams)
        self.events[:, column], self.log_probs[:, column] = values, chosen
        self.totals = self.totals + chosen
        for rules, value in zip(self.rules, values.tolist(), strict=True):
            rules.choose(column, value)

    def keep(self, beams: Indices) -> None:
        """Go on with these beams, in this order; one may be taken several times."""
        self.rules = _own_rules(self.rules, beams.tolist())
        self.origins, self.totals = self.origins[beams], self.totals[beams]
        self.events, self.log_probs = self.events[beams], self.log_probs[beams]


def _own_rules(rules: Sequence[Rules], beams: Sequence[int]) -> list[Rules]:
    """Return the rules of some beams, of which no two share any: who first takes a beam's keeps them, others copy."""
    held: set[int] = set()
    owned = []
    for beam in beams:
        owned.append(rules[beam].copy() if beam in held else rules[beam])
        held.add(beam)
    return owned
