"""Passages of real pieces: the notes that a network reads, what a person wrote behind them, and the rules there.

Every given column is written anew by the cursor from the passage's own beginning, for what is real as for what a
network writes; so nothing but the notes can tell the two apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from musicdemo.errors import MidiError
from musicdemo.music.cursor import BarPlan, Cursor
from musicdemo.music.grammar import Grammar
from musicdemo.music.score import TrackKey
from musicdemo.music.vocabulary import EMPTY_BAR, NEXT_BAR, PREDICTED, Column
from musicdemo.music.wishes import Wishes
from training.dataset import Augmentation, Corpus, Events, augment, excerpt
from training.openings import tracks_of

PRIMER, LENGTH = 64, 64
"""Events that are read, START among them, and events that are written behind them."""


@dataclass(frozen=True, eq=False)
class Passage:
    """PRIMER + LENGTH events (T, C), START first and without END; `piece` says where they are from."""

    events: Events
    plan: BarPlan
    tracks: frozenset[TrackKey]
    style: int
    piece: str = ""

    def grammar(self) -> Grammar:
        """Return the rules for what follows the primer: the passage's tracks and bars, and no end."""
        rows = self.events[:PRIMER].tolist()
        wishes = Wishes(bars=len(self.events), tracks=self.tracks)
        grammar = Grammar(self.plan, rows[:-1], style=self.style, wishes=wishes)
        for column, value in enumerate(rows[-1]):  # written, not read: what follows may stay in its bar
            grammar.choose(column, value)
        return grammar


def passage_of(events: Events, *, piece: str = "") -> Passage:
    """Return the passage of events (T, C) whose given columns may tell of notes before the first."""
    crossings = np.flatnonzero((events[:, Column.TIME] >= NEXT_BAR) | (events[:, Column.TIME] == EMPTY_BAR))
    bars = events[crossings][:, [Column.METER, Column.TEMPO]].astype(int)
    plan = BarPlan(tuple((meter, tempo) for meter, tempo in bars.tolist()))
    style = int(events[0, Column.STYLE])
    cursor = Cursor(plan, style=style)
    rows = [cursor.write_event(note) for note in events[:, list(PREDICTED)].tolist()]
    return Passage(np.array(rows, dtype=np.uint16), plan, tracks_of(events), style, piece)


def stacked(passages: Sequence[Passage]) -> Tensor:
    """Return the events of passages, (B, T, C)."""
    return torch.from_numpy(np.stack([passage.events for passage in passages]).astype(np.int64))


class PassageSampler:
    """Draw passages from the training pieces of some styles, each style as often; the same seed draws the same.

    A style is the place of its corpus' name among `styles`. Raises MidiError if a corpus has no piece that is long
    enough.
    """

    def __init__(self, corpora: Sequence[Corpus], styles: Sequence[str], *, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._pieces = {styles.index(corpus.name) + 1: list(_long_pieces(corpus).values()) for corpus in corpora}

    def draw(self, rows: int) -> list[Passage]:
        """Return this many passages, augmented as in training."""
        return [self._one() for _ in range(rows)]

    def _one(self) -> Passage:
        style = int(self._random.choice(list(self._pieces)))
        pieces = self._pieces[style]
        events = _whole_excerpt(pieces[int(self._random.integers(len(pieces)))], self._random)
        return passage_of(augment(events, style, Augmentation(), self._random))


def held_out_passages(corpus: Corpus, style: int, *, pieces: int, a_piece: int = 2, seed: int = 0) -> list[Passage]:
    """Return `a_piece` passages from each of up to `pieces` pieces of a corpus, as they stand, spread over it."""
    random = np.random.default_rng(seed)
    found = _long_pieces(corpus)
    passages = []
    for name in list(found)[:: -(-len(found) // pieces)]:
        for _ in range(a_piece):
            events = _whole_excerpt(found[name], random)
            events[:, Column.STYLE] = style
            passages.append(passage_of(events, piece=name))
    return passages


def _long_pieces(corpus: Corpus) -> dict[str, Events]:
    """Return the pieces that hold a passage, without END, by a name."""
    pieces = {f"{corpus.name} {number}": piece[:-1] for number, piece in enumerate(corpus.pieces())}
    found = {name: piece for name, piece in pieces.items() if len(piece) >= PRIMER + LENGTH}
    if not found:
        raise MidiError(f"corpus {corpus.name} has no piece of {PRIMER + LENGTH} events or more: leave it out")
    return found


def _whole_excerpt(piece: Events, random: np.random.Generator) -> Events:
    """Draw until the excerpt is as long as a passage; the piece's own beginning always is."""
    while True:
        events = excerpt(piece, PRIMER + LENGTH, random)
        if len(events) == PRIMER + LENGTH:
            return events
