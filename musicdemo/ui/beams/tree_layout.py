"""Where the branches of a beam search lie in a picture: places on an axis of bars, lanes beside each other.

Nothing here draws; tree_chart does.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby, pairwise

from musicdemo.decoding.beam_tree import PROMPT
from musicdemo.generation import Branch, Exploration
from musicdemo.music.vocabulary import END, Column


@dataclass(frozen=True)
class Stretch:
    """What a branch does within one bar: from place `start` to `end` on the axis of bars, at so many bits a note.

    `node` is the last note of it in the tree, from which music can be gone on, and `last` the place of that note; None
    and `end` where there is no note.
    """

    branch: int
    start: float
    end: float
    bits: float
    node: int | None
    last: float


def stretches_of(found: Exploration) -> list[Stretch]:
    """Cut every branch at the bar lines; its first stretch begins where it leaves its parent."""
    stretches = []
    for number, branch in enumerate(found.branches):
        bars = _bars(found, branch)
        starts = [fork_of(found, branch), *(place_of(found, branch.steps[events[0]]) for events in bars[1:])]
        for events, (start, end) in zip(bars, pairwise([*starts, place_of(found, branch.steps[-1])]), strict=True):
            notes = [index for index in events if _value(found, branch, index, Column.PITCH)]
            bits = -sum(branch.log_probs[index] for index in events) / math.log(2) / max(1, len(notes))
            node = branch.nodes[notes[-1]] if notes else None
            last = place_of(found, branch.steps[notes[-1]]) if notes else end
            stretches.append(Stretch(number, start, end, bits, node, last))
    return stretches


def lanes_of(found: Exploration) -> list[int]:
    """Return the lane of each branch: what goes on best stays in its lane, the others take the next that is free."""
    branches = found.branches
    heirs = _heirs(branches)
    taken: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    lanes = [0] * len(branches)
    heads = [number for number, branch in enumerate(branches) if heirs.get(branch.parent) != number]
    for head in sorted(heads, key=lambda number: _rank(branches, number)):
        parent, until = branches[head].parent, branches[head].kept_until
        start = found.seam.join if parent == PROMPT else branches[parent].steps[-1]
        lane = 0 if parent == PROMPT else lanes[parent] + 1
        while any(start <= end and begin <= until for begin, end in taken[lane]):
            lane += 1
        taken[lane].append((start, until))
        number: int | None = head
        while number is not None:
            lanes[number] = lane
            number = heirs.get(number)
    return lanes


def place_of(found: Exploration, step: int) -> float:
    """Return a step on the axis of bars: 5.0 is the bar line before the fifth bar of the piece."""
    seam = found.seam
    bars_before = 0 if seam.seed is None else len(seam.seed.bars)
    return 1 + bars_before + (step - seam.join) / seam.meter.bar_steps


def fork_of(found: Exploration, branch: Branch) -> float:
    """Return the place on the axis of bars at which a branch leaves its parent, or the join."""
    return place_of(found, found.seam.join if branch.parent == PROMPT else found.branches[branch.parent].steps[-1])


def _value(found: Exploration, branch: Branch, index: int, column: Column) -> int:
    return int(found.tree.events[branch.nodes[index], column])


def _bars(found: Exploration, branch: Branch) -> list[list[int]]:
    """Return the events of a branch, as their places in it, bar by bar; the end belongs to the bar that it ends."""
    seam = found.seam

    def bar_of(index: int) -> int:
        is_end = _value(found, branch, index, Column.TIME) == END
        return (branch.steps[index] - seam.join - is_end) // seam.meter.bar_steps

    return [list(events) for _, events in groupby(range(len(branch.nodes)), key=bar_of)]


def _rank(branches: tuple[Branch, ...], number: int) -> tuple[float, int, int]:
    """Order branches: by the best hypothesis that comes of them, then by how long they were kept."""
    branch = branches[number]
    return (min(branch.hypotheses, default=math.inf), -branch.kept_until, number)


def _heirs(branches: tuple[Branch, ...]) -> dict[int, int]:
    """Return for each branch that forks the one of its children that stays in its lane."""
    heirs: dict[int, int] = {}
    for number, branch in enumerate(branches):
        best = heirs.get(branch.parent)
        if branch.parent != PROMPT and (best is None or _rank(branches, number) < _rank(branches, best)):
            heirs[branch.parent] = number
    return heirs
