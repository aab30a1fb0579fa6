"""Checkpoints: a folder of safetensors and JSON that holds a network and all that is needed to use it.

They ship in a folder of the program, lie in folders of users, or come from the Hugging Face Hub.

    model.safetensors   the weights              config.json      ModelConfig, tokenizer digest, sha256 of the weights
    tokenizer.json      the tokenizer            openings.json    for each style, how its pieces begin
    metrics.json        measured figures         README.md        the model card

No pickle is read or written. What is torn, foreign or from another tokenizer is refused in one sentence.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from musicdemo.errors import CheckpointError, TokenError
from musicdemo.hub.fetch import OnBytes, Wanted, fetch
from musicdemo.hub.kept import forget, name_of
from musicdemo.hub.name import HubName, read_name
from musicdemo.models.base import AttentionConfig, ModelConfig, parameter_count
from musicdemo.models.build import Network, build_model
from musicdemo.models.onnx_graph import StepGraphs, step_graphs
from musicdemo.models.recurrent import ARCHITECTURES
from musicdemo.music.opening import Opening, from_json, to_json
from musicdemo.music.tokenizer import Tokenizer

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
"""Where the shipped checkpoints are."""

WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"
METRICS, OPENINGS = "metrics.json", "openings.json"
FROM_HUB = (
    Wanted(WEIGHTS, 64 * 2**20),
    *(Wanted(path, 4 * 2**20) for path in (CONFIG, TOKENIZER)),
    *(Wanted(path, 4 * 2**20, optional=True) for path in (OPENINGS, METRICS)),
)
"""What is fetched of a model on the Hub; nothing else is asked for."""

_ENTRIES = {"model": dict, "parameters": int, "tokenizer": str, "weights": str}
"""What config.json holds, beside the seal that is computed over it."""

Openings = dict[str, tuple[Opening, ...]]
"""For each style how its pieces begin, the most frequent first."""


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says of itself; no weights are read for it."""

    name: str
    folder: Path
    config: ModelConfig
    parameters: int
    styles: tuple[str, ...]
    metrics: dict[str, Any]

    @property
    def title(self) -> str:
        """What a person calls the network: "attention LSTM", or "GAN-trained LSTM"."""
        training = self.metrics.get("training")
        way = str(training.get("way", "")) if isinstance(training, dict) else ""
        return f"{way} {self.config.title}".strip()


@dataclass(frozen=True)
class Checkpoint:
    """A network ready for use."""

    name: str
    folder: Path
    config: ModelConfig
    tokenizer: Tokenizer
    model: Network
    openings: Openings
    metrics: dict[str, Any]

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of the styles that the network can be asked for."""
        return self.tokenizer.config.styles

    @cached_property
    def graphs(self) -> StepGraphs:
        """The network as ONNX graphs, which decoding reads; made when they are first asked for.

        Raises CheckpointError if the weights cannot be decoded with.
        """
        try:
            return step_graphs(self.model)
        except ValueError as error:
            raise CheckpointError(f"checkpoint {self.name}: {error}") from error

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights, in hexadecimal."""
        return hashlib.sha256((self.folder / WEIGHTS).read_bytes()).hexdigest()


def save_checkpoint(
    folder: Path,
    model: Network,
    tokenizer: Tokenizer,
    *,
    openings: Openings | None = None,
    metrics: dict[str, Any] | None = None,
) -> None:
    """Write a checkpoint folder; files that are there are replaced one by one, the configuration last.

    Weights that half precision holds exactly are stored so, in half the space.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = save({name: _compact(tensor) for name, tensor in model.state_dict().items()})
    config = {
        "model": asdict(model.config),
        "parameters": parameter_count(model),
        "tokenizer": tokenizer.digest,
        "weights": hashlib.sha256(weights).hexdigest(),
    }
    _write(folder / WEIGHTS, weights)
    _write(folder / TOKENIZER, tokenizer.to_json().encode())
    described = {style: [to_json(opening) for opening in chosen] for style, chosen in (openings or {}).items()}
    _write(folder / OPENINGS, _json(described))
    _write(folder / METRICS, _json(metrics or {}))
    _write(folder / CONFIG, _json(config | {"seal": _seal(config)}))


def write_metrics(folder: Path, metrics: dict[str, Any]) -> None:
    """Replace the measured figures of a checkpoint."""
    _write(folder / METRICS, _json(metrics))


def list_checkpoints(folder: Path = CHECKPOINTS) -> tuple[CheckpointInfo, ...]:
    """Describe the checkpoints in `folder`, by name; one that cannot be read is left out."""
    infos = []
    for config in sorted(folder.glob(f"*/{CONFIG}")):
        try:
            infos.append(read_info(config.parent))
        except CheckpointError:
            continue
    return tuple(infos)


def read_info(folder: Path) -> CheckpointInfo:
    """Describe the checkpoint in `folder`. Raises CheckpointError if it is none, or torn."""
    document = _read_document(folder)
    tokenizer = _read_tokenizer(folder, document)
    config = _read_config(folder, document)
    if config.sizes != tokenizer.sizes or config.predicted != tokenizer.predicted:
        raise CheckpointError(f"checkpoint {folder.name}: the network and the tokenizer do not fit together")
    metrics = _read_json(folder / METRICS) if (folder / METRICS).exists() else {}
    return CheckpointInfo(name_of(folder), folder, config, document["parameters"], tokenizer.config.styles, metrics)


def load_checkpoint(name: str | Path, *, on_bytes: OnBytes | None = None) -> Checkpoint:
    """Load the checkpoint that find_checkpoint finds.

    Raises CheckpointError if there is none, or if it is torn or was made for another tokenizer.
    """
    folder = find_checkpoint(name, on_bytes=on_bytes)
    try:
        return _load(folder)
    except CheckpointError:
        forget(folder)  # a model of the Hub that is damaged here is fetched anew the next time
        raise


def _load(folder: Path) -> Checkpoint:
    info = read_info(folder)
    document = _read_document(folder)
    model = _empty_model(info)
    tensors = _read_weights(folder, document["weights"])
    wanted = {key: value.shape for key, value in model.state_dict().items()}
    if {key: value.shape for key, value in tensors.items()} != wanted or parameter_count(model) != info.parameters:
        raise CheckpointError(f"checkpoint {folder.name}: the weights are not those of the network in {CONFIG}")
    model.load_state_dict(tensors)
    tokenizer, openings = _read_tokenizer(folder, document), _read_openings(folder)
    return Checkpoint(info.name, folder, info.config, tokenizer, model, openings, info.metrics)


def find_checkpoint(name: str | Path, *, on_bytes: OnBytes | None = None) -> Path:
    """Return the folder of a checkpoint: a shipped one's name, a folder, or OWNER/NAME[@REVISION] on the Hub.

    They are tried in this order, and the Hub only for a str that names nothing here; `on_bytes` hears of that alone.
    Raises CheckpointError if it is none of them, or if the Hub does not give it.
    """
    for folder in (CHECKPOINTS / name, Path(name)):
        if _holds_checkpoint(folder):
            return folder
    on_hub = _hub_name(name) if isinstance(name, str) else None
    if on_hub:
        return fetch(on_hub, FROM_HUB, on_bytes=on_bytes)
    names = ", ".join(info.name for info in list_checkpoints()) or "none"
    raise CheckpointError(f"there is no model {str(name)!r}; there are: {names}")


def _hub_name(name: str) -> HubName | None:
    on_hub = read_name(name)
    return on_hub if on_hub and not Path(name).exists() else None  # a folder without a checkpoint is a mistake


def _holds_checkpoint(folder: Path) -> bool:
    try:
        return (folder / CONFIG).is_file()
    except OSError:  # no file can have such a name
        return False


def _seal(document: dict[str, Any]) -> str:
    """SHA-256 of the entries of config.json, so that a flipped bit in it is noticed as one in the weights is."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _read_document(folder: Path) -> dict[str, Any]:
    """Return the entries of config.json; a file without a seal may hold nothing else."""
    document = _read_json(folder / CONFIG)
    seal = document.pop("seal", None) if document.keys() != _ENTRIES.keys() else _seal(document)
    if seal != _seal(document):
        raise CheckpointError(f"checkpoint {folder.name}: {CONFIG} is damaged; fetch it again")
    if not all(isinstance(document.get(key), kind) for key, kind in _ENTRIES.items()):
        raise CheckpointError(f"checkpoint {folder.name}: {CONFIG} describes no network")
    return document


def _empty_model(info: CheckpointInfo) -> Network:
    try:
        return build_model(info.config).eval()
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"checkpoint {info.name}: {CONFIG} describes no network ({error})") from error


def _read_config(folder: Path, document: dict[str, Any]) -> ModelConfig:
    try:
        fields = dict(document["model"])
        for key in ("sizes", "predicted"):
            fields[key] = tuple(fields[key])
        fields["relative"] = tuple((int(a), int(b)) for a, b in fields["relative"])
        if fields.get("attention") is not None:
            fields["attention"] = AttentionConfig(**fields["attention"])
        config = ModelConfig(**fields)
        if config.architecture not in ARCHITECTURES:
            raise ValueError(f"unknown architecture {config.architecture!r}")
        return config
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"checkpoint {folder.name}: {CONFIG} describes no network ({error})") from error


def _read_tokenizer(folder: Path, document: dict[str, Any]) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_json((folder / TOKENIZER).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, TokenError, RecursionError) as error:
        raise CheckpointError(f"checkpoint {folder.name}: {TOKENIZER} cannot be used ({error})") from error
    if tokenizer.digest != document["tokenizer"]:
        raise CheckpointError(f"checkpoint {folder.name} was trained with another tokenizer than the one beside it")
    return tokenizer


def _read_openings(folder: Path) -> Openings:
    if not (folder / OPENINGS).exists():
        return {}
    document = _read_json(folder / OPENINGS)
    try:
        return {style: tuple(from_json(opening) for opening in chosen) for style, chosen in document.items()}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"checkpoint {folder.name}: {OPENINGS} cannot be used ({error})") from error


def _read_weights(folder: Path, digest: str) -> dict[str, torch.Tensor]:
    try:
        data = (folder / WEIGHTS).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise CheckpointError(f"checkpoint {folder.name}: {WEIGHTS} is damaged; fetch it again")
        return {name: tensor.float() for name, tensor in load(data).items()}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"checkpoint {folder.name}: {WEIGHTS} cannot be read") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"checkpoint {path.parent.name}: {path.name} cannot be read") from error
    if not isinstance(document, dict):
        raise CheckpointError(f"checkpoint {path.parent.name}: {path.name} does not hold an object")
    return document


def _compact(tensor: torch.Tensor) -> torch.Tensor:
    half = tensor.half()
    return (half if torch.equal(half.float(), tensor) else tensor).contiguous()


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
