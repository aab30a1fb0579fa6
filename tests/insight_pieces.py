"""What tests of looking inside share: tiny networks of every kind, and a piece with all that events can be."""

import copy
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from musicdemo.checkpoint import Checkpoint
from musicdemo.music.score import Meter, MeterChange, Note, Score, Track
from tests.tiny import tiny_checkpoint


@cache
def made(architecture: str) -> Checkpoint:
    """A tiny checkpoint, made once; whoever changes its network takes a twin."""
    with TemporaryDirectory() as folder:
        return tiny_checkpoint(Path(folder) / "tiny", architecture=architecture)


def twin(checkpoint: Checkpoint) -> Checkpoint:
    """A copy whose network may be changed."""
    return replace(checkpoint, model=copy.deepcopy(checkpoint.model))


def piece() -> Score:
    """Two players and drums over five bars of 4/4 and 3/4; one bar holds only a long chord's end, one nothing new."""
    melody = (
        Note(0, 60, 12),
        Note(12, 64, 12, 40),
        Note(24, 67, 24),
        Note(96, 72, 48),
        Note(96, 65, 48),
        Note(144, 62, 36),
    )
    bass = (Note(0, 36, 48), Note(96, 41, 24), Note(180, 43, 30))
    beat = tuple(Note(onset, 36 + onset % 5, 1) for onset in range(0, 48, 6))
    tracks = (Track(melody), Track(bass, program=32), Track(beat, is_drum=True))
    return Score(tracks, (MeterChange(0, Meter()), MeterChange(144, Meter(3, 4))))
