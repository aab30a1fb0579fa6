"""Presets: what is trained and how, in numbers. A published checkpoint is a preset, manifests, a seed and a commit.

Every setting has a name of its own, by which `changed` and a TOML file of one's own replace it: those of the network
here, those of the batches in SamplerConfig, those of the training in FitConfig, `attention.heads` and
`attention.window`. Such a file says which preset it is `base`d on, and what differs:

    base = "lstm"
    hidden = 512
    schedule = "plateau"
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from musicdemo.models.base import AttentionConfig, ModelConfig
from musicdemo.music.tokenizer import Tokenizer
from musicdemo.music.vocabulary import PITCH_REFERENCES, Column
from training.dataset import SamplerConfig
from training.progress import TrainingError
from training.schedule import FitConfig

_KINDS = {int: "a whole number", float: "a number", str: "a word"}
_FINE_TUNING_RATE = 0.1
_FIT = FitConfig(learning_rate=2e-3, validate_every=400, save_every=400, precision="bf16-mixed")


@dataclass(frozen=True)
class Preset:
    """Shape of the network, how batches are drawn, and how it is trained."""

    architecture: str
    hidden: int = 384
    layers: int = 2
    embedding: int = 256
    head: int = 192
    dropout: float = 0.05
    attention: AttentionConfig | None = None
    sampler: SamplerConfig = SamplerConfig()
    fit: FitConfig = _FIT


PRESETS = {
    "rnn": Preset("rnn-tanh"),
    "gru": Preset("gru"),
    "lstm": Preset("lstm"),
    "attention": Preset("lstm", attention=AttentionConfig()),
    "tiny": Preset("lstm", hidden=64, layers=1, embedding=32, head=32, sampler=SamplerConfig(lanes=8, window=32)),
}


def read_preset(name: str) -> Preset:
    """Return the preset of this name, or the one in a TOML file. Raises TrainingError if there is none."""
    if not name.endswith(".toml"):
        if name not in PRESETS:
            raise TrainingError(f"no preset is called {name!r}; there are {', '.join(PRESETS)}, or give a .toml file")
        return PRESETS[name]
    try:
        table = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{name} is not a TOML file: {error}") from error
    base = read_preset(str(table.pop("base", "without a base")))
    return changed(base, _flat(table))


def changed(preset: Preset, settings: Mapping[str, object]) -> Preset:
    """Replace settings by their names; text is read as the setting's type.

    Raises TrainingError, in one sentence, for a name that there is not or a value that the setting cannot have.
    """
    for name, value in settings.items():
        section = _section_of(name)
        owner: Any = getattr(preset, section) or AttentionConfig() if section else preset
        key = name.removeprefix("attention.")
        try:
            after: Any = replace(owner, **{key: _typed(name, value, get_type_hints(type(owner))[key])})
        except ValueError as error:
            raise TrainingError(str(error)) from error
        changes: dict[str, Any] = {section: after}
        preset = replace(preset, **changes) if section else after
    return preset


def for_fine_tuning(preset: Preset) -> Preset:
    """Return a preset that goes on from trained weights: smaller steps, a short warm-up, and a look more often."""
    rate = preset.fit.learning_rate * _FINE_TUNING_RATE
    return replace(preset, fit=replace(preset.fit, learning_rate=rate, warmup=50, validate_every=100, save_every=100))


def settings_of(preset: Preset) -> dict[str, object]:
    """Return every setting by its name; an endless one is left out."""
    table = asdict(preset)
    table |= {key: value for section in ("sampler", "fit") for key, value in table.pop(section).items()}
    attention = table.pop("attention")
    table |= _flat({"attention": attention}) if attention else {}
    return {name: value for name, value in table.items() if value != math.inf}


def _section_of(name: str) -> str:
    """Return the field of Preset that holds a setting; empty for those of the network."""
    homes = {"": Preset, "sampler": SamplerConfig, "fit": FitConfig}
    known = {field.name: home for home, kind in homes.items() for field in fields(kind)}
    known |= {f"attention.{field.name}": "attention" for field in fields(AttentionConfig)}
    names = sorted(known.keys() - {"attention", "sampler", "fit"})
    if name not in names:
        raise TrainingError(f"there is no setting {name!r}; there are: {', '.join(names)}")
    return known[name]


def _typed(name: str, value: object, kind: type) -> object:
    if isinstance(value, bool) or not isinstance(value, kind | str | (int if kind is float else kind)):
        raise ValueError(f"{name} must be {_KINDS[kind]}, not {value!r}")
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{name} must be {_KINDS[kind]}, not {value!r}") from None


def _flat(table: Mapping[str, Any]) -> dict[str, object]:
    inner = {f"{key}.{name}": v for key, t in table.items() if isinstance(t, dict) for name, v in t.items()}
    return {key: value for key, value in table.items() if not isinstance(value, dict)} | inner


def model_config(preset: Preset, tokenizer: Tokenizer) -> ModelConfig:
    """Return the configuration of a preset's network for the events of `tokenizer`."""
    return ModelConfig(
        architecture=preset.architecture,
        sizes=tokenizer.sizes,
        predicted=tokenizer.predicted,
        relative=tuple((int(Column.PITCH), int(reference)) for reference in PITCH_REFERENCES),
        embedding=preset.embedding,
        hidden=preset.hidden,
        layers=preset.layers,
        head=preset.head,
        dropout=preset.dropout,
        attention=preset.attention,
    )
