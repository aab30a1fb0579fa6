"""The lines of a benchmark's table: one network, transpositions, cache and ensemble are kept apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from musicdemo.models.base import parameter_count
from musicdemo.models.build import Network
from training.benchmarks import cache
from training.benchmarks.columns import Events
from training.benchmarks.scoring import (
    LogProbs,
    log_probabilities,
    mean_probability,
    nats_per_unit,
    over_transpositions,
)
from training.benchmarks.tasks import Benchmark, Task

SPLITS = ("valid", "test")
Scored = dict[str, LogProbs]
"""Log-probabilities for each split."""


def figures(task: Task, benchmark: Benchmark, models: Sequence[Network]) -> list[dict[str, Any]]:
    """Return the lines of the table: what was done, with how many networks, and nats per unit on each split.

    A line for single networks gives the mean over the networks and each one's figures.
    """
    alone = [_scored(task, model, (0,)) for model in models]
    families = {"one network": alone}
    if len(benchmark.shifts) > 1:
        families[f"one network, mean over {len(benchmark.shifts)} transpositions"] = [
            _scored(task, model, benchmark.shifts) for model in models
        ]
    if len(models) > 1:
        together = {
            name.replace("one network", f"{len(models)} networks"): [_mean(each)] for name, each in families.items()
        }
        families |= together
    families |= {f"{name}, cache": [_cached(task, each) for each in members] for name, members in families.items()}
    return [_line(task, name, members) for name, members in families.items()]


def _scored(task: Task, model: Network, shifts: Sequence[int]) -> Scored:
    if len(shifts) == 1:
        return {split: log_probabilities(model, task.pieces[split], task.allowed) for split in SPLITS}
    return {
        split: over_transpositions(model, task.pieces[split], task.layout, task.allowed, shifts) for split in SPLITS
    }


def _mean(members: Sequence[Scored]) -> Scored:
    return {split: mean_probability([member[split] for member in members]) for split in SPLITS}


def _cached(task: Task, scored: Scored) -> Scored:
    """Mix in the cache; its weights are fitted on valid, for valid itself on the half that is not scored."""
    steps = {split: [_chosen(task, piece) for piece in task.pieces[split]] for split in SPLITS}
    mixed: Scored = {
        "test": cache.mix(scored["test"], steps["test"], cache.fit_weights(scored["valid"], steps["valid"]))
    }
    halves = [slice(None, None, 2), slice(1, None, 2)]
    valid: LogProbs = [np.empty(0)] * len(steps["valid"])
    for half, other in zip(halves, reversed(halves), strict=True):
        weights = cache.fit_weights(scored["valid"][other], steps["valid"][other])
        valid[half] = cache.mix(scored["valid"][half], steps["valid"][half], weights)
    return mixed | {"valid": valid}


def _chosen(task: Task, piece: Events) -> Events:
    return piece[1:, list(task.layout.charged)]


def _line(task: Task, name: str, members: Sequence[Scored]) -> dict[str, Any]:
    each = [{split: nats_per_unit(member[split], task.units[split]) for split in SPLITS} for member in members]
    line: dict[str, Any] = {"line": name}
    line |= {split: round(float(np.mean([one[split] for one in each])), 4) for split in SPLITS}
    if len(each) > 1:
        line["each"] = [{split: round(one[split], 4) for split in SPLITS} for one in each]
    return line


def describe(task: Task, models: Sequence[Network]) -> dict[str, Any]:
    """Return what the figures are of: pieces, units and the networks' size."""
    return {
        "unit": f"nats per {task.unit}",
        "pieces": {split: len(task.pieces[split]) for split in ("train", *SPLITS)},
        "units": {split: task.units[split] for split in ("train", *SPLITS)},
        "parameters": parameter_count(models[0]),
    }
