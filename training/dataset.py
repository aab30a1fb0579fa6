"""Corpora of events → the mini-batches that a recurrent network learns from.

Training draws excerpts of pieces into B lanes; each batch is the next window of every lane, so a lane's state can be
carried from batch to batch (truncated backpropagation through time). Every draw is augmented: key, tempo mark,
loudness, and the instrument where a piece has only one.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicdemo.errors import MidiError
from musicdemo.music.vocabulary import (
    DRUM_PITCH,
    DRUMS,
    EMPTY_BAR,
    NEXT_BAR,
    PITCH_REFERENCES,
    START,
    TEMPOS,
    Column,
)

Events = NDArray[np.uint16]
MELODIC_RANGE = (22, 109)
"""Values of PITCH that a transposition may reach: the keys of a piano."""

_PITCHES = (Column.PITCH, *PITCH_REFERENCES)
_REMEMBERED = (Column.NEXT_END, Column.DUE_PROGRAM, Column.DUE_VOICE, Column.KEY, *PITCH_REFERENCES)
"""Given columns that tell of earlier events."""


@dataclass(frozen=True)
class Corpus:
    """The pieces of one split of one corpus: all events (N, C) behind each other, and the length of each piece."""

    name: str
    events: Events
    lengths: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Index of the first event of each piece."""
        return np.cumsum(self.lengths) - self.lengths

    def pieces(self) -> Iterator[Events]:
        """Yield the events (T, C) of each piece."""
        for start, length in zip(self.starts, self.lengths, strict=True):
            yield self.events[start : start + length]


def load_corpora(folder: Path, split: str, *, names: tuple[str, ...] = ()) -> tuple[Corpus, ...]:
    """Read one split of the corpora in `folder` (all, in the order of their names, or those named).

    Raises MidiError if a corpus is missing or if there is none.
    """
    paths = [folder / f"{name}.npz" for name in names] or sorted(folder.glob("*.npz"))
    if not paths or not all(path.exists() for path in paths):
        raise MidiError(
            f"no corpora in {folder} ({', '.join(names) or 'any'}): build them with python -m training.corpus"
        )
    return tuple(_load(path, split) for path in paths)


def _load(path: Path, split: str) -> Corpus:
    with np.load(path) as arrays:
        events, lengths = arrays[f"{split}_events"], arrays[f"{split}_lengths"]
    if events.shape[1] != len(Column):
        raise MidiError(f"{path} was made by another release: its events have {events.shape[1]} columns")
    return Corpus(path.stem, events, lengths)


@dataclass(frozen=True)
class Augmentation:
    """How far a drawn excerpt may be moved from what was written; probabilities in [0, 1]."""

    semitones: int = 6
    tempo_marks: int = 3
    velocity_levels: int = 3
    program_probability: float = 0.3
    style_dropout: float = 0.1


@dataclass(frozen=True)
class SamplerConfig:
    """Batches of `lanes` x `window` events, from excerpts of at most `excerpt` events.

    A corpus of n events is drawn from in proportion to n ** `balance`: 1 is by size, 0 all alike.
    """

    lanes: int = 24
    window: int = 96
    excerpt: int = 1536
    balance: float = 0.6

    def __post_init__(self) -> None:
        if min(self.lanes, self.window) < 1 or self.excerpt < 2 or not 0 <= self.balance <= 1:
            raise ValueError(f"a sampler needs lanes, window >= 1, excerpt >= 2 and balance 0-1: {self}")


class Batch(NamedTuple):
    """Windows of B lanes: events (B, T + 1, C), of which the last T are predicted, and where pieces begin (B, T + 1).

    An event that begins a piece is not predicted, and before it a network has read nothing. `units` is what the loss
    is divided by: the notes among the predicted events, or whatever else a sampler's figures are given for.
    """

    events: NDArray[np.int64]
    begins: NDArray[np.bool_]
    units: int


class Sampler:
    """Draw training batches. Lane i of a seed draws the same whichever other lanes there are, and wherever.

    So the lanes of a batch may be shared among processes: `lanes` are the numbers of those that are drawn here (all of
    the configuration's). `styles` are the names whose values STYLE takes (the corpora's own).
    """

    def __init__(
        self,
        corpora: tuple[Corpus, ...],
        config: SamplerConfig,
        *,
        seed: int,
        lanes: range | None = None,
        styles: tuple[str, ...] = (),
        augmentation: Augmentation | None = None,
    ) -> None:
        self._corpora = [corpus for corpus in corpora if len(corpus.lengths)]
        if not self._corpora:
            raise MidiError("the corpora hold no piece to train on")
        names = styles or tuple(corpus.name for corpus in corpora)
        self._styles = {corpus.name: 1 + names.index(corpus.name) for corpus in self._corpora}
        self._config = config
        self._augmentation = augmentation or Augmentation()
        self._starts = [corpus.starts for corpus in self._corpora]
        share = np.array([float(corpus.lengths.sum()) ** config.balance for corpus in self._corpora])
        drawn_length = np.array([np.minimum(corpus.lengths, config.excerpt).mean() for corpus in self._corpora])
        self._odds = share / drawn_length / (share / drawn_length).sum()
        numbers = range(config.lanes) if lanes is None else lanes
        self._lanes = [_Lane(np.random.default_rng((seed, number))) for number in numbers]

    def batch(self) -> Batch:
        """Return the next window of every lane; its last event is the next window's first."""
        need = self._config.window + 1
        events = np.stack([self._window(lane, need) for lane in self._lanes]).astype(np.int64)
        notes = int((events[:, 1:, Column.PITCH] > 0).sum())
        return Batch(events, events[..., Column.TIME] == START, notes)

    def state(self) -> dict[str, object]:
        """Return what `restore` needs to go on as if nothing had happened: strings and bytes."""
        random = [json.dumps(lane.random.bit_generator.state) for lane in self._lanes]
        return {"random": random, "left": [lane.left.tobytes() for lane in self._lanes]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where another sampler of the same corpora, configuration and lanes was."""
        for lane, random, left in zip(self._lanes, state["random"], state["left"], strict=True):
            lane.random.bit_generator.state = json.loads(random)
            lane.left = np.frombuffer(left, dtype=np.uint16).reshape(-1, len(Column))

    def _window(self, lane: "_Lane", need: int) -> Events:
        parts, length = [lane.left], len(lane.left)
        while length < need:
            parts.append(self._draw(lane.random))
            length += len(parts[-1])
        events = np.concatenate(parts) if len(parts) > 1 else lane.left
        lane.left = events[need - 1 :]
        return events[:need]

    def _draw(self, random: np.random.Generator) -> Events:
        which = int(random.choice(len(self._corpora), p=self._odds))
        corpus, starts = self._corpora[which], self._starts[which]
        piece = int(random.integers(len(starts)))
        events = corpus.events[starts[piece] : starts[piece] + corpus.lengths[piece]]
        events = excerpt(events, self._config.excerpt, random)
        return augment(events, self._styles[corpus.name], self._augmentation, random)


@dataclass
class _Lane:
    """What one lane has drawn and not yet given (T, C), and the numbers that it will draw by."""

    random: np.random.Generator
    left: Events = field(default_factory=lambda: np.zeros((0, len(Column)), np.uint16))


def excerpt(events: Events, length: int, random: np.random.Generator) -> Events:
    """Return a copy of a piece (T, C), or of at most `length` events from a random bar on, opened by START."""
    if len(events) <= length:
        return events.copy()
    crossings = np.flatnonzero((events[:, Column.TIME] >= NEXT_BAR) | (events[:, Column.TIME] == EMPTY_BAR))
    first = int(random.choice(crossings[crossings <= len(events) - length // 2]))
    if first == crossings[0]:
        return events[:length].copy()
    opening = np.zeros_like(events[:1])
    opening[0, Column.TIME] = START
    opening[0, [Column.METER, Column.TEMPO]] = events[first, [Column.METER, Column.TEMPO]]
    body = events[first : first + length - 1].copy()
    body[0, list(_REMEMBERED)] = 0
    return np.concatenate([opening, body])


def augment(events: Events, style: int, how: Augmentation, random: np.random.Generator) -> Events:
    """Set the style and move key, tempo, loudness and instrument of an excerpt (T, C), in place; return it."""
    events[:, Column.STYLE] = 0 if random.random() < how.style_dropout else style
    _transpose(events, how.semitones, random)
    tempo = events[:, Column.TEMPO].astype(np.int64) + random.integers(-how.tempo_marks, how.tempo_marks + 1)
    events[:, Column.TEMPO] = tempo.clip(1, len(TEMPOS))
    sounding = events[:, Column.VELOCITY] > 0
    shift = random.integers(-how.velocity_levels, how.velocity_levels + 1)
    velocity = (events[:, Column.VELOCITY].astype(np.int64) + shift).clip(1, 16)
    events[:, Column.VELOCITY] = np.where(sounding, velocity, 0)
    if random.random() < how.program_probability:
        _change_program(events, random)
    return events


def _transpose(events: Events, semitones: int, random: np.random.Generator) -> None:
    pitches = events[:, list(_PITCHES)]  # an excerpt remembers pitches from before it
    melodic = pitches[(pitches > 0) & (pitches < DRUM_PITCH)]
    if not len(melodic):
        return
    lowest = max(-semitones, min(0, MELODIC_RANGE[0] - int(melodic.min())))
    highest = min(semitones, max(0, MELODIC_RANGE[1] - int(melodic.max())))
    shift = int(random.integers(lowest, highest + 1))
    for column in _PITCHES:
        values = events[:, column].astype(np.int64)
        events[:, column] = np.where((values > 0) & (values < DRUM_PITCH), values + shift, values)
    keys = events[:, Column.KEY].astype(np.int64) - 1
    events[:, Column.KEY] = np.where(keys >= 0, keys // 12 * 12 + (keys + shift) % 12 + 1, 0)


def _change_program(events: Events, random: np.random.Generator) -> None:
    """Give a piece of a single program (not drums) any other one; the order of its tracks does not depend on it."""
    programs = np.unique(events[:, [Column.PROGRAM, Column.DUE_PROGRAM]])
    programs = programs[programs > 0]
    if len(programs) == 1 and programs[0] != DRUMS:
        program = int(random.integers(1, DRUMS))
        for column in (Column.PROGRAM, Column.DUE_PROGRAM):
            events[:, column] = np.where(events[:, column] > 0, program, 0)


def batches(pieces: list[Events], *, rows: int, style: int) -> Iterator[NDArray[np.int64]]:
    """Yield pieces of like length together, as (B, T, C) filled up with zeros, with STYLE set to `style`."""
    order = sorted(range(len(pieces)), key=lambda at: len(pieces[at]))
    for first in range(0, len(order), rows):
        chosen = [pieces[at] for at in order[first : first + rows]]
        batch = np.zeros((len(chosen), max(map(len, chosen)), len(Column)), dtype=np.int64)
        for row, events in enumerate(chosen):
            batch[row, : len(events)] = events
            batch[row, : len(events), Column.STYLE] = style
        yield batch
