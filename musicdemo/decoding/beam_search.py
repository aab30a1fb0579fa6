"""Beam search: keep several sequences side by side, and return the best, or different draws, and the tree of it all.

The stepper runs once an event, the pruning once a predicted column. Which ways on are kept is the selection's: the most
probable (beam_groups) or the luckiest (beam_gumbel).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from musicdemo.decoding.beam_frontier import Frontier, Selection
from musicdemo.decoding.beam_groups import Diverse, GroupSelection
from musicdemo.decoding.beam_gumbel import GumbelSelection, Stochastic
from musicdemo.decoding.beam_tree import PROMPT, GrowingTree, Indices, Sequences, Tree
from musicdemo.decoding.sampling import MAX_EVENTS
from musicdemo.decoding.stepper import Hidden, Hypothesis, OnStep, Primed, Rules, Stepper

MAX_WIDTH = 4096
"""The widest beam; 1-16 is what music needs, more is for searching a small space to its end."""

MAX_LENGTH_PENALTY = 10.0


@dataclass(frozen=True)
class BeamConfig:
    """How wide to search, what length is worth, and how the beams are made to differ."""

    width: int = 4  # 1 to MAX_WIDTH sequences side by side; 1 is greedy
    length_penalty: float = 1.0  # 0 to MAX_LENGTH_PENALTY; 0 compares log-probabilities; draws are not compared
    temperature: float = 1.0  # >= 0; 0 stands for 1, as the search itself is what temperature 0 asks for
    max_events: int = 4096  # 1 to MAX_EVENTS
    variety: Diverse | Stochastic = Diverse()  # of one group: a plain beam search

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WIDTH:
            raise ValueError(f"width must be 1-{MAX_WIDTH} beams, not {self.width}")
        if not 0 <= self.length_penalty <= MAX_LENGTH_PENALTY:
            raise ValueError(f"length_penalty must be 0-{MAX_LENGTH_PENALTY:g}, not {self.length_penalty}")
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature must be a number >= 0, not {self.temperature}")
        if not 1 <= self.max_events <= MAX_EVENTS:
            raise ValueError(f"max_events must be 1-{MAX_EVENTS}, not {self.max_events}")
        if isinstance(self.variety, Diverse) and self.variety.groups > self.width:
            raise ValueError(f"{self.variety.groups} groups need a width of at least {self.variety.groups} beams")
        if isinstance(self.variety, Stochastic) and self.temperature == 0:
            raise ValueError("temperature must be above 0 where sequences are drawn: at 0 there is but one to draw")


@dataclass(frozen=True)
class Search:
    """What a beam search found, best first (or in the order of drawing), and where it looked.

    `nodes` says where in the tree each hypothesis ends; PROMPT for one that is empty.
    """

    hypotheses: list[Hypothesis]
    nodes: list[int]
    tree: Tree


def beam_search(
    stepper: Stepper, primed: Primed, rules: Rules, config: BeamConfig, *, on_step: OnStep | None = None
) -> list[Hypothesis]:
    """Return the hypotheses that `search` finds."""
    return search(stepper, primed, rules, config, on_step=on_step).hypotheses


def search(
    stepper: Stepper, primed: Primed, rules: Rules, config: BeamConfig, *, on_step: OnStep | None = None
) -> Search:
    """Find at most config.width different sequences; those that avoid each other are ranked by normalised score.

    They are the finished ones; only if the search stops (at max_events or by `on_step`) before any sequence has ended
    are they the unfinished ones. Of draws, as in sampling, those that were stopped are returned beside the finished.
    `on_step` sees the live sequences, best first, then the finished; it stays true to what it was when looked at later.
    `rules` stays as it is. Raises GenerationError if the stepper's logits are not numbers, or the rules allow no value.
    """
    beams = _Beams(stepper, primed, rules, config)
    for length in range(1, config.max_events + 1):
        if not beams.live:
            break
        beams.write_event(length)
        if on_step is not None and not on_step(beams.sequences()):
            break
        if length < config.max_events and beams.live:
            beams.step()
    return beams.found()


def _selection(config: BeamConfig) -> Selection:
    if isinstance(config.variety, Stochastic):
        return GumbelSelection(config.variety, width=config.width)
    return GroupSelection(
        config.variety, width=config.width, length_penalty=config.length_penalty, max_events=config.max_events
    )


class _Beams:
    """A search at work: the live beams between two events, and the tree that they grow."""

    def __init__(self, stepper: Stepper, primed: Primed, rules: Rules, config: BeamConfig) -> None:
        self._stepper, self._config = stepper, config
        self._selection = _selection(config)
        self._hidden: Hidden = primed.hidden
        self._state = primed.state
        self._columns = len(stepper.predicted)
        self._tree = GrowingTree(self._columns)
        self._nodes: Indices = np.array([PROMPT])
        self._frontier = Frontier([rules.copy()], np.zeros(1), self._columns)
        self._is_over = rules.finished

    @property
    def live(self) -> bool:
        """Whether any sequence goes on."""
        return not self._is_over and len(self._frontier) > 0

    def write_event(self, length: int) -> None:
        """Grow the beams by their event number `length`, counted from 1."""
        frontier = Frontier(self._frontier.rules, self._frontier.totals, self._columns)
        self._frontier = frontier
        for column, predicted in enumerate(self._stepper.predicted):
            if not predicted:
                frontier.give(column)
            elif len(frontier):
                frontier.branch(column, self._stepper, self._hidden, self._selection, self._config.temperature)
                self._retire(length)
        self._nodes = self._append(np.arange(len(frontier)), length, ended=False)

    def step(self) -> None:
        """Let the stepper read what was written."""
        frontier = self._frontier
        state = self._stepper.select(self._state, frontier.origins.tolist())
        self._hidden, self._state = self._stepper.step(frontier.events[:, None], state)

    def sequences(self) -> Sequences:
        """Return the live sequences and the finished, as they are now."""
        return Sequences(self._tree, [*self._nodes.tolist(), *self._selection.finished()])

    def found(self) -> Search:
        """Return what was found, as it is now."""
        tree = self._tree.frozen()
        if self._is_over:
            return Search([replace(tree.hypothesis(PROMPT), finished=True)], [PROMPT], tree)
        nodes = self._selection.result(self._nodes.tolist())
        return Search([tree.hypothesis(node) for node in nodes], nodes, tree)

    def _retire(self, length: int) -> None:
        """Part with the sequences that have ended, and with those that cannot come in any more because of them."""
        ended = self._frontier.ended
        if not ended.any():
            return
        nodes = np.full(len(ended), PROMPT)
        nodes[ended] = self._append(np.flatnonzero(ended), length, ended=True)
        self._frontier.keep(self._selection.retire(ended, nodes, self._frontier.totals, length))

    def _append(self, beams: Indices, length: int, *, ended: bool) -> Indices:
        frontier = self._frontier
        parents = self._nodes[frontier.origins[beams]]
        events, log_probs, totals = frontier.events[beams], frontier.log_probs[beams], frontier.totals[beams]
        return self._tree.append(parents, length, events, log_probs, totals, ended=ended)
