"""Presets: what is trained, in numbers. A published checkpoint is a preset, a manifest of corpora and a seed."""

from dataclasses import dataclass

from musicdemo.models.base import ModelConfig
from musicdemo.music.tokenizer import Tokenizer
from musicdemo.music.vocabulary import Column
from training.dataset import SamplerConfig


@dataclass(frozen=True)
class Preset:
    """Shape of the network and the settings that differ between networks."""

    architecture: str
    hidden: int = 384
    layers: int = 2
    embedding: int = 256
    head: int = 192
    dropout: float = 0.1
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    max_steps: int = 100_000
    sampler: SamplerConfig = SamplerConfig()


PRESETS = {
    "lstm": Preset("lstm"),
    "tiny": Preset("lstm", hidden=64, layers=1, embedding=32, head=32, sampler=SamplerConfig(lanes=8, window=32)),
}


def model_config(preset: Preset, tokenizer: Tokenizer) -> ModelConfig:
    """Return the configuration of a preset's network for the events of `tokenizer`."""
    return ModelConfig(
        architecture=preset.architecture,
        sizes=tokenizer.sizes,
        predicted=tokenizer.predicted,
        relative=((int(Column.PITCH), int(Column.LAST_PITCH)), (int(Column.PITCH), int(Column.NEAR_PITCH))),
        embedding=preset.embedding,
        hidden=preset.hidden,
        layers=preset.layers,
        head=preset.head,
        dropout=preset.dropout,
    )
