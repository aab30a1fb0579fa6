"""Melodies that a test makes by a seed, and corpora and folders of them."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from musicdemo.music.midi import write_midi
from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track
from musicdemo.music.tokenizer import Tokenizer
from musicdemo.music.vocabulary import Column
from training.dataset import Corpus, Events

TOKENIZER = Tokenizer()
COMMON_TIME = Meter(4, 4)
SCALE = (57, 59, 60, 62, 64, 65, 67, 69, 71, 72, 74, 76)


def melody(
    number: int,
    *,
    bars: int = 5,
    program: int = 0,
    tempo: float = 120.0,
    meter: Meter = COMMON_TIME,
    is_drum: bool = False,
) -> Score:
    """The melody of this number, a note on every beat; other numbers give other melodies."""
    choose = random.Random(number)
    onsets = range(0, bars * meter.bar_steps, 12)
    notes = tuple(Note(onset, choose.choice(SCALE), choose.choice((6, 12, 12)), 84) for onset in onsets)
    track = Track(notes, program=program, is_drum=is_drum)
    return Score((track,), (MeterChange(0, meter),), (TempoChange(0, tempo),))


def encode(score: Score) -> Events:
    """The events of a score as corpora hold them."""
    return TOKENIZER.encode(score).astype(np.uint16)


def corpus_of(name: str, *scores: Score) -> Corpus:
    """A split of a corpus that holds these scores."""
    pieces = [encode(score) for score in scores]
    events = np.concatenate([np.zeros((0, len(Column)), np.uint16), *pieces])
    return Corpus(name, events, np.array([len(piece) for piece in pieces], dtype=np.int64))


def write_files(folder: Path, files: Mapping[str, Score | bytes]) -> None:
    """Write scores as MIDI, and bytes as they are, to paths in `folder`."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else write_midi(content))


def write_corpus(folder: Path, name: str, *, train: int = 6, valid: int = 2) -> None:
    """Write NAME.npz as training.corpus does, of this many melodies, and a manifest."""
    splits = {"train": range(train), "valid": range(train, train + valid), "test": range(0)}
    arrays: dict[str, Any] = {}
    for split, numbers in splits.items():
        corpus = corpus_of(name, *(melody(number, bars=4 + number % 3) for number in numbers))
        arrays |= {f"{split}_events": corpus.events, f"{split}_lengths": corpus.lengths}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / f"{name}.npz", **arrays)
    (folder / f"{name}.json").write_text(f'{{"name": "{name}", "files": {{}}}}', encoding="utf-8")
