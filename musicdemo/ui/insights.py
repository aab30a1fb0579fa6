"""What networks think of pieces, for the page and the routes: a network reads a piece once, for all visitors.

One thread at a time computes here, so that music never waits for those who look inside.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Semaphore

import numpy as np
import streamlit as st

from musicdemo import DEFAULT_MODEL
from musicdemo.checkpoint import Checkpoint
from musicdemo.errors import CheckpointError, JobError
from musicdemo.hub.kept import kept_folder
from musicdemo.hub.name import read_name
from musicdemo.insight import (
    LayerStates,
    NextNote,
    ReadingMap,
    Reads,
    Thoughts,
    bar_map,
    layer_states,
    next_note,
    note_name,
    note_reads,
    thoughts,
)
from musicdemo.insight.maps import OnBar
from musicdemo.likelihood import AUTO
from musicdemo.music.score import Score
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.words import known_words, say

PIECES_KEPT, READS_KEPT, MAPS_KEPT, NEXT_KEPT = 8, 256, 32, 64
PATIENCE_SECONDS, MOST_WAITING = 20.0, 8
"""So long, and with so many others, one waits for one's turn before one is sent away: threads are few."""


@dataclass(frozen=True)
class Insight:
    """A piece as a network read it."""

    name: str
    piece: Piece
    checkpoint: Checkpoint
    found: Thoughts

    @property
    def key(self) -> str:
        """What tells it from others."""
        return f"{self.name} {self.piece.id}"


def default_model(piece: Piece) -> str:
    """Return the model that wrote a piece, if it is still there, or else the default one."""
    wrote = str(piece.recipe.get("model", ""))
    here = services.checkpoints()
    return wrote if is_here(wrote) else DEFAULT_MODEL if DEFAULT_MODEL in here else next(iter(here), DEFAULT_MODEL)


def is_here(model: str) -> bool:
    """Whether a model ships or was fetched already: nobody fetches one by looking inside."""
    name = read_name(model)
    return model in services.checkpoints() or (name is not None and kept_folder(name) is not None)


def insight(piece: Piece, model: str) -> Insight:
    """Let a network read a piece, once. Raises CheckpointError for a model that is not here, JobError when busy."""
    if not is_here(model):
        raise CheckpointError(f"there is no model {model!r} here")
    checkpoint = services.checkpoint(model)
    kept, key = _thoughts(), f"{model} {piece.id}"
    found = kept.get(key)
    if found is None:
        with _turn():
            found = kept.get(key) or thoughts(checkpoint, piece.score, style=_style(piece, checkpoint))
            kept.put(key, found)
    return Insight(model, piece, checkpoint, found)


def reads(seen: Insight, index: int) -> Reads:
    """Return what the network read before note `index`, once where that is dear. Raises JobError when busy."""
    if seen.found.has_attention:
        return note_reads(seen.checkpoint, seen.found, index)
    kept, key = _reads(), f"{seen.key} {index}"
    one = kept.get(key)
    if one is None:
        with _turn():
            one = note_reads(seen.checkpoint, seen.found, index)
        kept.put(key, one)
    return one


def kept_bars(seen: Insight, *, first: int, count: int) -> ReadingMap | None:
    """Return the map of bars if it was made before."""
    return _bar_maps().get(f"{seen.key} {first} {count}")


def bars(seen: Insight, *, first: int, count: int, on_bar: OnBar | None = None) -> ReadingMap:
    """Return the map of `count` bars from `first` on, once. Raises JobError when busy."""
    found = kept_bars(seen, first=first, count=count)
    if found is None:
        with _turn():
            found = bar_map(seen.checkpoint, seen.found, first=first, count=count, on_bar=on_bar)
        _bar_maps().put(f"{seen.key} {first} {count}", found)
    return found


def layer(seen: Insight, number: int) -> LayerStates:
    """Return what went on in a layer, once. Raises JobError when busy."""
    kept, key = _layers(), f"{seen.key} {number}"
    states = kept.get(key)
    if states is None:
        with _turn():
            states = layer_states(seen.checkpoint, seen.found, layer=number)
        kept.put(key, states)
    return states


def following(model: str, seed: Score | None, *, style: str, random_seed: int) -> NextNote:
    """Return the odds of the note after a seed, once; the random seed matters only from nothing.

    A style that the model does not know is as if none was asked for. Raises CheckpointError.
    """
    checkpoint = services.checkpoint(model)
    style = style if style in checkpoint.styles else AUTO
    kept, key = _next_notes(), f"{model} {style} {hash(seed) if seed else random_seed}"
    one = kept.get(key)
    if one is None:
        one = next_note(checkpoint, seed, style=style, random_seed=random_seed)
        kept.put(key, one)
    return one


def label(seen: Insight, index: int) -> str:
    """Name a note by bar, beat and pitch: "3:2.5 G4"."""
    number, note = seen.found.placed.order[index]
    score = seen.piece.score
    at = np.searchsorted([bar.start for bar in seen.found.placed.bars], note.onset, side="right") - 1
    bar = seen.found.placed.bars[int(at)]
    beat = 1 + (note.onset - bar.start) * bar.meter.denominator / 48
    return f"{at + 1}:{beat:.3g} {translated(note_name(note.pitch, is_drum=score.tracks[number].is_drum))}"


def translated(name: str, *, language: str | None = None) -> str:
    """Return the name of a pitch or a drum in a language: pitches are called alike in all."""
    return known_words("drums", name, language=language)


def _style(piece: Piece, checkpoint: Checkpoint) -> str:
    style = piece.recipe.get("style")
    return style if isinstance(style, str) and style in ("", *checkpoint.styles) else AUTO


@contextmanager
def _turn() -> Iterator[None]:
    """Wait until nobody else computes. Raises JobError if that takes too long."""
    line, desk = _queue()
    if not line.acquire(blocking=False):
        raise JobError(say("inside.busy"))
    try:
        if not desk.acquire(timeout=PATIENCE_SECONDS):
            raise JobError(say("inside.busy"))
        try:
            yield
        finally:
            desk.release()
    finally:
        line.release()


@st.cache_resource(show_spinner=False)
def _queue() -> tuple[Semaphore, Semaphore]:
    """Return who may wait, and who may compute."""
    return Semaphore(MOST_WAITING), Semaphore(1)


@st.cache_resource(show_spinner=False)
def _thoughts() -> services.Shelf[Thoughts]:
    return services.Shelf(PIECES_KEPT)


@st.cache_resource(show_spinner=False)
def _reads() -> services.Shelf[Reads]:
    return services.Shelf(READS_KEPT)


@st.cache_resource(show_spinner=False)
def _bar_maps() -> services.Shelf[ReadingMap]:
    return services.Shelf(MAPS_KEPT)


@st.cache_resource(show_spinner=False)
def _layers() -> services.Shelf[LayerStates]:
    return services.Shelf(MAPS_KEPT)


@st.cache_resource(show_spinner=False)
def _next_notes() -> services.Shelf[NextNote]:
    return services.Shelf(NEXT_KEPT)
