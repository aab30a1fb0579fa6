"""What a run begins from: random weights, a checkpoint, or another run's best weights.

A checkpoint knows styles. Those of the corpora that it does not know are added behind its own, so that a network keeps
what it knew; each new style begins as the mean of the old ones. A preset with attention adds it to a network that has
none, which then begins as what it was.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from musicdemo.checkpoint import Openings, load_checkpoint
from musicdemo.models.build import Network, build_model
from musicdemo.music.tokenizer import Tokenizer, TokenizerConfig
from training.presets import Preset, model_config
from training.progress import TrainingError
from training.record import read_styles
from training.saving import load

_TABLES = {"tables.table", "heads.tables.table"}
"""Weights with a row for each value of each column; the styles come first in them."""


@dataclass(frozen=True)
class Beginning:
    """A network before its first step, its tokenizer, the openings that it brings along, and where it is from."""

    model: Network
    tokenizer: Tokenizer
    openings: Openings
    begun_from: str


def begin(preset: Preset, corpora: tuple[str, ...], init_from: Path | None) -> Beginning:
    """Return the network that a run on corpora of these names begins with.

    A checkpoint brings its own shape, and from the preset takes dropout, and attention if it has none; a run's best.pt
    has the shape of the preset but may lack attention. Raises CheckpointError or TrainingError if it cannot be used.
    """
    if init_from is None:
        tokenizer = Tokenizer(TokenizerConfig(corpora))
        return Beginning(build_model(model_config(preset, tokenizer)), tokenizer, {}, "random weights")
    if init_from.suffix == ".pt":
        return _from_run(preset, corpora, init_from)
    checkpoint = load_checkpoint(init_from)
    tokenizer = _with_styles(checkpoint.styles, corpora)
    attention = checkpoint.config.attention or preset.attention
    config = replace(checkpoint.config, sizes=tokenizer.sizes, dropout=preset.dropout, attention=attention)
    model = build_model(config)
    weights = _grown(checkpoint.model.state_dict(), len(checkpoint.styles), len(tokenizer.config.styles))
    load_weights(model, _own_attention(model) | weights, init_from)
    begun_from = f"{checkpoint.name} (weights {checkpoint.digest[:12]})"
    return Beginning(model, tokenizer, checkpoint.openings, begun_from)


def load_weights(model: Network, weights: dict[str, Tensor], path: Path) -> None:
    """Give a network the weights that were read from `path`. Raises TrainingError if they are another network's."""
    try:
        model.load_state_dict(weights)
    except (AttributeError, RuntimeError) as error:
        raise TrainingError(f"{path} holds another network than the preset's: give the preset of that run") from error


def _from_run(preset: Preset, corpora: tuple[str, ...], path: Path) -> Beginning:
    weights, styles = load(path), read_styles(path.parent)
    tokenizer = _with_styles(styles, corpora)
    model = build_model(model_config(preset, tokenizer))
    weights = _grown(weights, len(styles), len(tokenizer.config.styles))
    load_weights(model, _own_attention(model) | weights, path)
    return Beginning(model, tokenizer, {}, f"the run {path.parent.name}")


def _own_attention(model: Network) -> dict[str, Tensor]:
    """Return the fresh weights that a network with attention has and one without it lacks."""
    return {name: value for name, value in model.state_dict().items() if name.startswith("attention.")}


def _with_styles(known: tuple[str, ...], corpora: tuple[str, ...]) -> Tokenizer:
    return Tokenizer(TokenizerConfig((*known, *(name for name in corpora if name not in known))))


def _grown(weights: dict[str, Tensor], known: int, wanted: int) -> dict[str, Tensor]:
    """Give the tables rows for `wanted` styles instead of `known`; row 0 is the style that is left open."""
    grown = dict(weights)
    for name in _TABLES & weights.keys():  # foreign weights are refused when they are loaded
        table = weights[name]
        mean = table[min(1, known) : 1 + known].mean(dim=0, keepdim=True)
        new = mean.expand(wanted - known, -1)
        grown[name] = torch.cat([table[: 1 + known], new, table[1 + known :]])
    return grown
