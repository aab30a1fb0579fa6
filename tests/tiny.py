"""Tokenizer, networks and checkpoints so small that a test can make them; untrained, of fixed random seeds."""

from pathlib import Path

import numpy as np
import torch

from musicdemo.checkpoint import Checkpoint, Openings, load_checkpoint, save_checkpoint
from musicdemo.decoding.stepper import Events
from musicdemo.models.base import AttentionConfig, ModelConfig
from musicdemo.models.build import Network, build_model
from musicdemo.models.recurrent import ARCHITECTURES
from musicdemo.music.opening import Opening
from musicdemo.music.score import Meter, Note, Score, TempoChange, Track, TrackKey
from musicdemo.music.tokenizer import Tokenizer, TokenizerConfig
from musicdemo.music.vocabulary import NEXT_BAR, SAME_BAR, Column

torch.set_num_threads(1)  # two threads wait for each other longer than these networks compute

TOKENIZER = Tokenizer(TokenizerConfig(("air", "band")))
OPENINGS: Openings = {
    "air": (Opening(Meter(6, 8), 96.0, frozenset({TrackKey(False, 73, 0)})), Opening()),
    "band": (Opening(Meter(4, 4), 120.0, frozenset({TrackKey(False, 0, 0), TrackKey(True, 0, 0)})),),
}

NETWORKS = (*ARCHITECTURES, "attention")
"""What tiny_config can be asked for."""

SIZES, PREDICTED = (3, 4, 2, 5, 3), (False, True, False, True, True)
"""Columns for networks that need no music."""


def tiny_config(architecture: str = "lstm", **changes: object) -> ModelConfig:
    """A network of a few units over SIZES, in which column 3 is also scored relative to column 2.

    "attention" is an LSTM with attention over the last six events.
    """
    if architecture == "attention":
        architecture, changes = "lstm", {"attention": AttentionConfig(heads=1, window=6)} | changes
    shape: dict[str, object] = {"embedding": 6, "hidden": 7, "layers": 2, "head": 5, "relative": ((3, 2),)}
    columns: dict[str, object] = {"sizes": SIZES, "predicted": PREDICTED}
    return ModelConfig(architecture, **columns | shape | changes)  # type: ignore[arg-type]  # free tests


def tiny_model(config: ModelConfig, *, random_seed: int = 0, spread: float = 1.0) -> Network:
    """A network with random weights, also where training begins with zeros; `spread` above 1 makes it more decided."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(random_seed)
        model = build_model(config).eval()
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=0.3)
            parameter.mul_(spread)
    return model


def random_events(shape: tuple[int, ...], *, sizes: tuple[int, ...] = SIZES, random_seed: int = 0) -> Events:
    """Events (*shape, C) with each column uniform over its values."""
    return np.random.default_rng(random_seed).integers(0, sizes, size=(*shape, len(sizes)))


def music_config(architecture: str = "lstm", *, tokenizer: Tokenizer = TOKENIZER) -> ModelConfig:
    """A tiny network over the tokenizer's columns."""
    return tiny_config(
        architecture,
        sizes=tokenizer.sizes,
        predicted=tokenizer.predicted,
        relative=((int(Column.PITCH), int(Column.LAST_PITCH)),),
        hidden=10,
    )


def tiny_checkpoint(folder: Path, *, architecture: str = "lstm", spread: float = 2.0) -> Checkpoint:
    """Save a tiny untrained checkpoint in `folder` and load it; it writes some five notes a bar."""
    model = tiny_model(music_config(architecture), spread=spread)
    with torch.no_grad():
        dict(model.named_parameters())[f"heads.scores.{int(Column.TIME)}.bias"][SAME_BAR:NEXT_BAR] += 2.0
    save_checkpoint(folder, model, TOKENIZER, openings=OPENINGS, metrics={"air": {"nats": 9.5}})
    return load_checkpoint(folder)


def tune(*, bars: int = 2, program: int = 0, is_drum: bool = False) -> Score:
    """Quarter notes in 4/4, up and down a scale."""
    scale = (60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62)
    notes = tuple(Note(12 * i, scale[i % len(scale)], 12) for i in range(4 * bars))
    return Score((Track(notes, program=program, is_drum=is_drum),), tempos=(TempoChange(0, 100.0),))
