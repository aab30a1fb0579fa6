"""Openings: a metre, a tempo and the tracks that play, for music that begins from nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from musicdemo.music.score import DEFAULT_TEMPO, MAX_TEMPO, MIN_TEMPO, Meter, TrackKey
from musicdemo.music.vocabulary import MAX_VOICES


@dataclass(frozen=True)
class Opening:
    """How a piece of some style may begin; `tracks` None leaves open who plays."""

    meter: Meter = Meter()
    tempo: float = DEFAULT_TEMPO
    tracks: frozenset[TrackKey] | None = None

    def __post_init__(self) -> None:
        if not MIN_TEMPO <= self.tempo <= MAX_TEMPO:
            raise ValueError(f"tempo must be {MIN_TEMPO:g}-{MAX_TEMPO:g} quarter notes a minute, not {self.tempo}")
        if self.tracks is not None and not self.tracks:
            raise ValueError("an opening needs at least one track, or None to leave them open")
        for key in self.tracks or ():
            if not (0 <= key.program <= 127 and 0 <= key.voice < MAX_VOICES):
                raise ValueError(f"a track needs program 0-127 and voice 0-{MAX_VOICES - 1}, not {key}")


def drawn_opening(openings: Sequence[Opening], random_seed: int) -> Opening:
    """Draw one of the openings of a style, which lie in falling order of how frequent they are, accordingly."""
    if not openings:
        return Opening()
    frequency = 1 / np.arange(1, len(openings) + 1)  # Zipf's law will do
    chosen = np.random.default_rng(random_seed).choice(len(openings), p=frequency / frequency.sum())
    return openings[int(chosen)]


def to_json(opening: Opening) -> dict[str, Any]:
    """Return an opening as JSON values."""
    return {
        "meter": [opening.meter.numerator, opening.meter.denominator],
        "tempo": opening.tempo,
        "tracks": None if opening.tracks is None else [list(key) for key in sorted(opening.tracks)],
    }


def from_json(document: dict[str, Any]) -> Opening:
    """Read what to_json wrote. Raises ValueError, KeyError or TypeError for anything else."""
    tracks = document["tracks"]
    keys = None if tracks is None else frozenset(TrackKey(bool(d), int(p), int(v)) for d, p, v in tracks)
    return Opening(Meter(*map(int, document["meter"])), float(document["tempo"]), keys)
