"""Cost: how much of what a network would have written its wishes forbade, in bits, kind by kind.

The masks of the grammar leave a network a part of its probability. Each time it chose, -log2 of the part that a kind of
wishes left, beyond what was left without it, is what that kind cost: 0 where it wanted nothing else, 1 bit where half
of what it wanted was forbidden. Measured at temperature 1, before top-k and top-p, on what was written.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.grammar import Grammar
from musicdemo.music.tokenizer import Events
from musicdemo.music.vocabulary import PREDICTED, Column

ColumnLogits = Mapping[Column, NDArray[np.float64]]
"""For each predicted column the logits (T, V) for the events that were written."""


def wish_bits(grammar: Grammar, events: Events, logits: ColumnLogits) -> dict[str, float]:
    """Return what each kind of wish cost in events (T, C) that were written from `grammar` on, in bits.

    Kinds are counted one after another, in the order of Wishes.stages, so that they add up to the cost of all.
    """
    kinds, wishes = zip(*grammar.wishes.stages(), strict=True)
    stages = [grammar.under(wish) for wish in wishes]
    nats = np.zeros(len(stages))
    for number, row in enumerate(events.tolist()):
        for column in Column:
            if column in PREDICTED:
                nats += [_log_mass(stage.constrain(column, logits[column][number])) for stage in stages]
            for stage in stages:
                stage.choose(column, row[column])
            if stages[-1].finished:
                break
    bits = -np.diff(nats) / math.log(2)
    return dict(zip(kinds[1:], bits.tolist(), strict=True))


def _log_mass(logits: NDArray[np.float64]) -> float:
    return float(np.logaddexp.reduce(logits))
