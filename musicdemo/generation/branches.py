"""Look at a whole beam search: all that it found, and the tree of what it kept for a while, in musical time.

The tree of decoding counts events; here its unbranched runs become branches with steps, so that they can be drawn over
a piano roll and gone on from. How they are drawn is another room's work.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musicdemo.checkpoint import Checkpoint
from musicdemo.decoding.beam_tree import PROMPT, Indices, Tree
from musicdemo.generation.seam import Seam, crosses_bar_line
from musicdemo.generation.settings import GenerationSettings
from musicdemo.generation.task import Continuation, OnProgress, Task, stepper_of
from musicdemo.models.base import single_thread
from musicdemo.music.score import Score
from musicdemo.music.vocabulary import Column


@dataclass(frozen=True, eq=False)
class Branch:
    """A run of T events in which no way forks; steps are those of the whole piece, seed included."""

    parent: int
    """Number of the branch that it goes on from, or PROMPT."""
    nodes: tuple[int, ...]
    """(T,) numbers of its events in the tree, the last of which is where it ends or forks."""
    steps: tuple[int, ...]
    """(T,) onset of each event; that of the end of the music is a bar line."""
    log_probs: tuple[float, ...]
    """(T,) log-probability of each event, in nats."""
    total: float
    """Log-probability of everything from the join to the end of this branch, in nats."""
    notes: int
    """Notes among the events."""
    kept_until: int
    """Step of the last event that was kept of any way through here."""
    hypotheses: tuple[int, ...]
    """Numbers of the hypotheses that come through here, best first; none for a branch that was given up."""


@dataclass(frozen=True, eq=False)
class Exploration:
    """What a beam search found, best first (or in the order of drawing), and where it looked.

    `nodes` says where in the tree each continuation ends. Branches are in the order in which they were begun.
    """

    continuations: list[Continuation]
    nodes: list[int]
    branches: tuple[Branch, ...]
    tree: Tree
    seam: Seam

    def score_at(self, node: int) -> Score:
        """Return the seed and the notes up to a node of the tree, itself included, cut at the next bar line.

        Continued, it goes on behind that bar line. Raises ValueError for a node that the tree does not have.
        """
        if not PROMPT < node < len(self.tree):
            raise ValueError(f"the tree has nodes 0-{len(self.tree) - 1}, not {node}")
        return self.seam.score_of(self.tree.hypothesis(node).events)[0]


def explore(
    checkpoint: Checkpoint,
    settings: GenerationSettings,
    *,
    seed: Score | None = None,
    on_progress: OnProgress | None = None,
    stepper: str = "onnx",
) -> Exploration:
    """Continue `seed` by a beam search as `generate` does, and return all of it, not only the best.

    The first `settings.variations` continuations are those of `generate`. Raises ValueError where no beam width is
    asked for, and for what `generate` refuses.
    """
    if settings.beam_width is None:
        raise ValueError("only a beam search leaves branches: set a beam width")
    with single_thread():
        task = Task(checkpoint, settings, seed, stepper_of(checkpoint, stepper))
        found = task.search(on_progress)
        continuations = [task.searched(each) for each in found.hypotheses]
    return Exploration(continuations, found.nodes, branches(found.tree, found.nodes, task.seam), found.tree, task.seam)


def branches(tree: Tree, ends: Sequence[int], seam: Seam) -> tuple[Branch, ...]:
    """Merge the nodes of a tree into branches; `ends` are the nodes at which hypotheses end."""
    runs = _runs(tree)
    home = {node: number for number, run in enumerate(runs) for node in run}
    home[PROMPT] = PROMPT
    parents = [home[int(tree.parents[run[0]])] for run in runs]
    through = _hypotheses_through(parents, [home[node] for node in ends])
    steps = _steps(tree, seam)
    until = _last_below(parents, [int(steps[run[-1]]) for run in runs])
    nats = tree.log_probs.sum(axis=1)
    is_note = tree.events[:, Column.PITCH] > 0
    return tuple(
        Branch(
            parent=parents[number],
            nodes=tuple(run),
            steps=tuple(steps[run].tolist()),
            log_probs=tuple(nats[run].tolist()),
            total=float(tree.totals[run[-1]]),
            notes=int(is_note[run].sum()),
            kept_until=until[number],
            hypotheses=tuple(through[number]),
        )
        for number, run in enumerate(runs)
    )


def _runs(tree: Tree) -> list[list[int]]:
    """Return the unbranched runs of nodes; each begins behind the prompt or behind a fork."""
    children = np.bincount(tree.parents[tree.parents != PROMPT], minlength=len(tree))
    runs: list[list[int]] = []
    run_of: dict[int, list[int]] = {}
    for node, parent in enumerate(tree.parents.tolist()):
        if parent == PROMPT or children[parent] > 1:
            run_of[node] = []
            runs.append(run_of[node])
        else:
            run_of[node] = run_of[parent]
        run_of[node].append(node)
    return runs


def _hypotheses_through(parents: list[int], ends: list[int]) -> list[list[int]]:
    through: list[list[int]] = [[] for _ in parents]
    for hypothesis, branch in enumerate(ends):
        while branch != PROMPT:
            through[branch].append(hypothesis)
            branch = parents[branch]  # noqa: PLW2901  # a walk to the root
    return through


def _last_below(parents: list[int], lasts: list[int]) -> list[int]:
    """Return for each branch the last of the steps `lasts` of itself and of all that went on from it."""
    until = lasts[:]
    for branch in range(len(parents) - 1, -1, -1):
        if parents[branch] != PROMPT:
            until[parents[branch]] = max(until[parents[branch]], until[branch])
    return until


def _steps(tree: Tree, seam: Seam) -> Indices:
    """Return the onset (N,) of every node, as a step of the whole piece."""
    steps, bars = np.zeros(len(tree), dtype=np.intp), np.full(len(tree), -1)
    for node, (parent, time) in enumerate(
        zip(tree.parents.tolist(), tree.events[:, Column.TIME].tolist(), strict=True)
    ):
        bars[node] = (-1 if parent == PROMPT else bars[parent]) + crosses_bar_line(time)
        steps[node] = seam.onset(time, int(bars[node]))
    return steps
