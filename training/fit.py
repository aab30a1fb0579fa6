"""The training loop: cross entropy, AdamW or RMSProp, warm-up and cosine, clipping, EMA, early stopping, resume.

A run's folder holds log.csv (one line a validation), best.pt (the averaged weights that validated best) and
state.pt (all that `resume` needs). What is published is made from best.pt by checkpoint.py.
"""

import copy
import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from musicdemo.models.base import State
from musicdemo.models.recurrent import RecurrentModel
from musicdemo.music.vocabulary import START, Column
from training.dataset import Sampler
from training.loss import Nats, column_losses, count_notes

Validate = Callable[[RecurrentModel], dict[str, Nats]]
OPTIMIZERS = ("adamw", "rmsprop")


@dataclass(frozen=True)
class FitConfig:
    """How to train. A run ends after `max_steps` or `max_minutes`, whichever comes first, or by early stopping.

    The learning rate warms up over `warmup` steps and falls by a cosine to `final_rate` of its height at the end.
    `patience` counts validations without a better mean over the corpora; `ema` is the decay of the averaged weights.
    """

    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    final_rate: float = 0.02
    warmup: int = 200
    weight_decay: float = 0.02
    clip: float = 1.0
    ema: float = 0.998
    max_steps: int = 100_000
    max_minutes: float = math.inf
    validate_every: int = 500
    patience: int = 10
    bf16: bool = False
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {OPTIMIZERS}, not {self.optimizer!r}")
        if min(self.max_steps, self.validate_every, self.patience, self.warmup) < 1 or self.max_minutes <= 0:
            raise ValueError(f"steps, minutes and patience must be positive: {self}")


@dataclass
class Progress:
    """Where a run is."""

    step: int = 0
    seconds: float = 0.0
    events: int = 0
    best: float = math.inf
    best_step: int = 0
    stale: int = 0
    nats: float = 0.0
    notes: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def fraction(self, config: FitConfig) -> float:
        """How much of the run is done, 0-1."""
        return min(1.0, max(self.step / config.max_steps, self.seconds / 60 / config.max_minutes))


def learning_rate(progress: Progress, config: FitConfig) -> float:
    """Linear warm-up, then half a cosine (Loshchilov & Hutter 2017, eq. 5)."""
    warm = min(1.0, (progress.step + 1) / config.warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * progress.fraction(config)))
    return config.learning_rate * warm * (config.final_rate + (1 - config.final_rate) * cosine)


class Run:
    """One training run in one folder."""

    def __init__(self, model: RecurrentModel, sampler: Sampler, config: FitConfig, folder: Path) -> None:
        self.model = model.to(config.device)
        self.average = copy.deepcopy(self.model).eval()
        self.sampler, self.config, self.folder = sampler, config, folder
        self.progress = Progress()
        self.optimizer = _optimizer(self.model, config)
        self._state: State | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def train(self, validate: Validate, report: Callable[[str], None] = print) -> Progress:
        """Train to the end; `validate` measures the averaged weights on each corpus."""
        while self.progress.fraction(self.config) < 1 and self.progress.stale < self.config.patience:
            began = time.monotonic()
            for _ in range(self.config.validate_every):
                self._step()
                if self.progress.fraction(self.config) >= 1:
                    break
                self.progress.seconds += time.monotonic() - began
                began = time.monotonic()
            report(self._validated(validate(self.average)))
            self.progress.seconds += time.monotonic() - began
            self.save()
        return self.progress

    def _step(self) -> None:
        batch = torch.from_numpy(self.sampler.batch()).to(self.config.device)
        state = self._carried(batch)
        self.model.train()
        with torch.autocast(self.config.device, torch.bfloat16, enabled=self.config.bf16):
            hidden, state = self.model.read(batch[:, :-1], state)
            losses = column_losses(self.model, hidden, batch[:, 1:])
        notes = count_notes(batch[:, 1:])
        loss = losses.sum() / max(notes, 1)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.progress, self.config)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self._state = tuple(part.detach() for part in state)
        self._average()
        self.progress.step += 1
        self.progress.events += batch.shape[0] * (batch.shape[1] - 1)
        self.progress.nats += float(losses.detach().sum())
        self.progress.notes += notes

    def _carried(self, batch: torch.Tensor) -> State:
        """Carry each lane's state, but begin from zeros where the window begins with START."""
        if self._state is None:
            return self.model.start(len(batch))
        goes_on = batch[:, 0, Column.TIME] != START
        return tuple(part * goes_on[None, :, None].to(part.dtype) for part in self._state)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.ema, (1 + self.progress.step) / (10 + self.progress.step))
        for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    def _validated(self, nats: dict[str, Nats]) -> str:
        now = self.progress
        mean = sum(part.per_note for part in nats.values()) / len(nats)
        line: dict[str, Any] = {
            "step": now.step,
            "minutes": round(now.seconds / 60, 2),
            "events": now.events,
            "train": round(now.nats / max(now.notes, 1), 4),
            "valid": round(mean, 4),
        } | {name: round(part.per_note, 4) for name, part in nats.items()}
        if mean < now.best:
            now.best, now.best_step, now.stale = mean, now.step, 0
            _save(self.average.state_dict(), self.folder / "best.pt")
        else:
            now.stale += 1
        now.nats, now.notes = 0.0, 0
        now.history.append(line)
        self._write_log()
        rate = now.events / max(now.seconds, 1e-9)
        return f"{line} · {rate:.0f} events/s · {_verdict(now)}"

    def _write_log(self) -> None:
        with (self.folder / "log.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.progress.history[0]))
            writer.writeheader()
            writer.writerows(self.progress.history)

    def save(self) -> None:
        """Write all that `resume` needs, in one move."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": vars(self.progress),
            "sampler": self.sampler.state(),
            "state": self._state,
            "random": torch.get_rng_state(),
        }
        _save(state, self.folder / "state.pt")

    def resume(self) -> None:
        """Go on from the last save, as if the run had never stopped."""
        saved = torch.load(self.folder / "state.pt", weights_only=True, map_location=self.config.device)
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.progress = Progress(**saved["progress"])
        self.sampler.restore(saved["sampler"])
        self._state = saved["state"]
        torch.set_rng_state(saved["random"].cpu())


def _verdict(progress: Progress) -> str:
    if progress.stale == 0:
        return "still improving"
    return f"no better since step {progress.best_step}"


def _optimizer(model: nn.Module, config: FitConfig) -> torch.optim.Optimizer:
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr=config.learning_rate)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))


def _save(document: dict[str, Any], path: Path) -> None:
    beside = path.with_suffix(".part")
    torch.save(document, beside)
    beside.replace(path)
