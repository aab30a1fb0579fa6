"""What is written down of a run, so that a published checkpoint is a preset, manifests, a seed and a commit."""

import csv
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import torch

from training.files import replace_file
from training.machines import Fabric
from training.manifest import read_manifest
from training.presets import Preset, settings_of
from training.progress import TrainingError
from training.saving import LOG

RUN = "run.json"
"""How a run was begun: what its log and its weights belong to."""

_UNTIL = "until_step_"
_HERE = Path(__file__).resolve().parent


def describe_run(
    preset: Preset, *, name: str, random_seed: int, begun_from: str, styles: tuple[str, ...], fabric: Fabric
) -> dict[str, Any]:
    """Return what is known of a run before its first step, in plain values."""
    settings = " ".join(f"{key}={value}" for key, value in settings_of(preset).items())
    return {
        "preset": name,
        "settings": settings,
        "random_seed": random_seed,
        "begun_from": begun_from,
        "styles": ", ".join(styles),
        "commit": commit(),
        "torch": torch.__version__,
        "device": _device_name(fabric),
    }


def describe_resumption(before: dict[str, Any], now: dict[str, Any], step: int) -> dict[str, Any]:
    """Return what is known of a run that goes on at `step`: what is so now, and what was otherwise until then."""
    past = {key: value for key, value in before.items() if key.startswith(_UNTIL)}
    old, new = str(before.get("settings", "")).split(), str(now["settings"]).split()
    changes = [setting for setting in old if setting not in new]
    changes += [f"{key} {before[key]}" for key in ("commit", "torch", "device") if before.get(key) != now[key]]
    return now | past | ({f"{_UNTIL}{step}": ", ".join(changes)} if changes else {})


def write_run(folder: Path, description: dict[str, Any]) -> None:
    """Write run.json."""
    replace_file(folder / RUN, (json.dumps(description, indent=1, ensure_ascii=False) + "\n").encode())


def read_run(folder: Path) -> dict[str, Any]:
    """Read run.json. Raises TrainingError if the folder holds no run."""
    try:
        description: dict[str, Any] = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder} holds no run: its {RUN} cannot be read") from error
    return description


def read_styles(folder: Path) -> tuple[str, ...]:
    """Return the styles that a run's network knows, in the order of their values."""
    return tuple(style for style in str(read_run(folder)["styles"]).split(", ") if style)


def best_line(folder: Path) -> dict[str, Any]:
    """Return what the log says of the best validation. Raises TrainingError if there was none."""
    try:
        with (folder / LOG).open(newline="", encoding="utf-8") as file:
            best = min(csv.DictReader(file), key=lambda line: float(line["valid"]))
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{folder} has no validation in its {LOG} yet: let it train longer") from error
    return {
        "steps": int(best["step"]),
        "events": int(best["events"]),
        "minutes": float(best["minutes"]),
        "validation_nats_per_note_mean_over_corpora": float(best["valid"]),
    }


def describe_corpora(folder: Path, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the manifests of corpora without their lists of files, each with the SHA-256 of the whole of it."""
    described = {}
    for name in names:
        manifest, path = read_manifest(folder, name), folder / f"{name}.json"
        figures = {key: value for key, value in manifest.items() if key != "files"}
        digest = {"manifest_sha256": hashlib.sha256(path.read_bytes()).hexdigest()} if path.is_file() else {}
        described[name] = figures | digest
    return described


def commit() -> str:
    """Return the commit of this program, and whether it was changed since; "unknown" where there is no git."""
    try:
        head = _git("rev-parse", "HEAD")
        return f"{head} and changes" if _git("status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=_HERE, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def _device_name(fabric: Fabric) -> str:
    name = torch.cuda.get_device_name(fabric.device) if fabric.device.type == "cuda" else fabric.device.type
    return f"{fabric.world_size} x {name}" if fabric.world_size > 1 else name
