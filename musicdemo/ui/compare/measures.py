"""What a lane is like in numbers: the metrics of its new bars and of its seed, its bits a note, the time it took."""

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st

from musicdemo.checkpoint import Checkpoint
from musicdemo.errors import MusicDemoError
from musicdemo.likelihood import note_nats
from musicdemo.music.metrics import METRICS
from musicdemo.music.score import Score
from musicdemo.music.vocabulary import EMPTY_BAR, END, NEXT_BAR, Column
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.words import say

REMEMBERED = 64
WORDS = {
    "pitch-class entropy": "note_variety",
    "scale consistency": "in_scale",
    "groove consistency": "same_rhythm",
    "polyphony": "at_once",
    "pitch range": "range",
}
"""The plain name of each metric, as a key of the words."""

SHARES = ("scale consistency", "groove consistency")
"""Metrics that are parts of a whole."""


@dataclass(frozen=True)
class Measure:
    """A figure of the new bars in words, with that of the seed beside it ("" where there is none)."""

    name: str
    value: str
    of_seed: str = ""


def metrics_of(piece: Piece) -> list[Measure]:
    """Measure the new bars of a piece and its seed."""
    new, seed = new_part(piece), piece.score.clipped(0, piece.join) if piece.join else None
    return [
        Measure(
            say(f"compare.{WORDS[name]}"),
            _words(name, metric(new)),
            "" if seed is None else _words(name, metric(seed)),
        )
        for name, metric in METRICS.items()
    ]


def costs_of(piece: Piece) -> list[Measure]:
    """Say what tells who wrote a piece: its bits a note under its own model, and how long it took."""
    measures = []
    bits = _remembered_bits(piece)
    if bits is not None:
        measures.append(Measure(say("compare.bits"), f"{bits:.2f}"))
    if "seconds" in piece.recipe:
        measures.append(Measure(say("compare.seconds"), f"{piece.recipe['seconds']:.1f} s"))
    return measures


def new_part(piece: Piece) -> Score:
    """Return the new bars of a piece alone."""
    end = max(piece.score.end, piece.join + 1)
    return piece.score.clipped(piece.join, end)


def bits_a_note(checkpoint: Checkpoint, piece: Piece) -> float:
    """Return what the new bars cost a model in bits a note, without rules and at temperature 1; NaN without a note."""
    nats, events = note_nats(checkpoint, piece.score, style=piece.recipe.get("style", ""))
    times = events[:, Column.TIME]
    bars = np.cumsum((times >= NEXT_BAR) | (times == EMPTY_BAR)) - 1
    seed_bars = sum(bar.start < piece.join for bar in piece.score.bars)
    is_new = (bars >= seed_bars) & (times != END)
    notes = int((events[is_new, Column.PITCH] > 0).sum())
    return float(np.array(nats)[is_new].sum()) / math.log(2) / notes if notes else math.nan


@st.cache_resource(show_spinner=False)
def _bits() -> services.Shelf[float]:
    return services.Shelf(REMEMBERED)


def _remembered_bits(piece: Piece) -> float | None:
    """Return the bits a note under the piece's own model; None where that model is no longer there."""
    known = _bits().get(piece.id)
    if known is not None:
        return known
    try:
        bits = bits_a_note(services.checkpoint(str(piece.recipe["model"])), piece)
    except (MusicDemoError, ValueError):  # a model of the Hub that is gone, or trained anew without this style
        return None
    _bits().put(piece.id, bits)
    return bits


def _words(name: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.0%}" if name in SHARES else f"{value:.2f}".rstrip("0").rstrip(".")
