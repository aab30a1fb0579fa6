"""Train a network on a benchmark with the project's own loop; what validates best is kept."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from musicdemo.models.build import Network, build_model
from training.benchmarks.columns import PieceSampler
from training.benchmarks.scoring import log_probabilities, nats_per_unit
from training.benchmarks.tasks import Preset, Task
from training.fit import Run
from training.loss import Nats
from training.saving import BEST, LOG
from training.schedule import FitConfig


def train(
    task: Task,
    preset: Preset,
    folder: Path,
    *,
    seed: int,
    max_minutes: float = math.inf,
    report: Callable[[str], None] = print,
) -> None:
    """Train one network from random weights and leave its weights in `folder`; the validation split alone chooses."""
    torch.manual_seed(seed)
    config = FitConfig(
        learning_rate=preset.learning_rate,
        weight_decay=preset.weight_decay,
        ema=preset.ema,
        max_steps=preset.max_steps,
        max_minutes=max_minutes,
        validate_every=preset.validate_every,
        warmup=preset.warmup,
        patience=preset.patience,
        precision="bf16-mixed",
    )
    sampler = PieceSampler(task.pieces["train"], task.layout, preset.draw, seed=seed)
    run = Run(build_model(preset.model_config(task.layout)), sampler, config, folder)
    run.train(lambda model: validation(task, model), report)


def validation(task: Task, model: Network) -> dict[str, Nats]:
    """Measure a network on pieces of the validation split as the benchmark does, without averages or cache."""
    pieces = task.pieces["valid"]
    events = sum(map(len, pieces))
    chosen = pieces[:: max(1, events // _VALID_EVENTS)]
    nats = nats_per_unit(log_probabilities(model, chosen, task.allowed), 1)
    return {task.name: Nats({task.unit: nats}, round(task.units["valid"] * sum(map(len, chosen)) / events))}


_VALID_EVENTS = 20_000
"""A validation during training reads about so many events, of pieces from all over the split."""


def load(task: Task, preset: Preset, folder: Path) -> Network:
    """Read a trained network."""
    model = build_model(preset.model_config(task.layout))
    model.load_state_dict(torch.load(folder / BEST, weights_only=True, map_location="cpu"))
    return model.eval()


def describe_run(folder: Path, seed: int) -> dict[str, Any]:
    """Return what the log of a run says of its best validation."""
    with (folder / LOG).open(newline="") as file:
        lines = list(csv.DictReader(file))
    best = min(lines, key=lambda line: float(line["valid"]))
    return {
        "seed": seed,
        "steps": int(best["step"]),
        "minutes": float(lines[-1]["minutes"]),
        "valid": float(best["valid"]),
    }
