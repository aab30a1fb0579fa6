"""The settings of a run, and what follows from them and from how far it is: the learning rate and the end."""

import math
from dataclasses import dataclass

from training.machines import PRECISIONS
from training.progress import Progress

OPTIMIZERS = ("adam", "adamw", "rmsprop")
SCHEDULES = ("cosine", "plateau")

_CLOSINGS_LEFT = 2.5
"""A run in minutes ends early enough for its last validation and for the one after rounding, and some more."""


@dataclass(frozen=True)
class FitConfig:
    """How to train. A run ends after `max_steps` or `max_minutes`, whichever comes first, or by early stopping.

    The learning rate warms up over `warmup` steps. Then it falls by a cosine to `final_rate` of its height at the end,
    or, with "plateau", to half whenever `plateau` validations in a row brought nothing better. `patience` counts
    validations without a better mean over the corpora; `ema` is the decay of the averaged weights. A batch is read in
    `accumulate` parts, one after the other. `weight_decay` is decoupled in AdamW, a penalty in the other two.
    """

    optimizer: str = "adamw"
    schedule: str = "cosine"
    learning_rate: float = 2e-3
    final_rate: float = 0.02
    warmup: int = 200
    plateau: int = 3
    weight_decay: float = 0.02
    clip: float = 1.0
    ema: float = 0.998
    accumulate: int = 1
    max_steps: int = 100_000
    max_minutes: float = math.inf
    validate_every: int = 500
    save_every: int = 500
    watch_every: int = 25
    patience: int = 10
    device: str = "cpu"
    precision: str = "32-true"

    def __post_init__(self) -> None:
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}")
        counts = ("warmup", "plateau", "accumulate", "max_steps", "validate_every", "save_every", "watch_every")
        for name in (*counts, "patience", "learning_rate", "clip", "max_minutes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")
        if not (0 <= self.final_rate <= 1 and 0 <= self.ema < 1 and self.weight_decay >= 0):
            raise ValueError(f"final_rate must be 0-1, ema below 1 and weight_decay at least 0: {self}")


def fraction(progress: Progress, config: FitConfig) -> float:
    """How much of a run is done, 0-1, by its steps or by its minutes."""
    minutes = config.max_minutes - _CLOSINGS_LEFT * progress.closing_seconds / 60
    return min(1.0, max(progress.step / config.max_steps, progress.seconds / 60 / max(minutes, 1e-9)))


def has_ended(progress: Progress, config: FitConfig) -> bool:
    """Whether a run is over, by its length or by early stopping (Prechelt 1998, the criterion UP)."""
    return fraction(progress, config) >= 1 or progress.stale >= config.patience


def learning_rate(progress: Progress, config: FitConfig) -> float:
    """Linear warm-up, times half a cosine (Loshchilov & Hutter 2017, eq. 5) or a halving at each plateau."""
    warm = min(1.0, (progress.step + 1) / config.warmup)
    if config.schedule == "plateau":
        return config.learning_rate * warm * max(config.final_rate, 0.5**progress.plateaus)
    cosine = 0.5 * (1 + math.cos(math.pi * fraction(progress, config)))
    return config.learning_rate * warm * (config.final_rate + (1 - config.final_rate) * cosine)
