"""The training loop: cross entropy, a scheduled optimizer, clipping, averaged weights, early stopping, resume.

A run's folder holds log.csv (one line a validation), best.pt (the averaged weights that validated best) and
state.pt (all that `resume` needs). What is published is made from best.pt by checkpoint.py. Several processes may
share a batch; the loss is divided by the units of the whole of it, so that their number changes nothing but speed.
"""

import copy
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from musicdemo.models.base import State, reset_rows
from musicdemo.models.build import Network
from training.dataset import Batch
from training.files import replace_file
from training.loss import Nats, column_losses
from training.machines import Fabric, gather, random_state, restore_random_state, start, total
from training.progress import Line, Progress, TrainingError, as_csv, glance, sentence
from training.saving import BEST, LOG, STATE, forget_drafts, load, save
from training.schedule import FitConfig, fraction, has_ended, learning_rate

Validate = Callable[[Network], dict[str, Nats]]
"""Measures a network on each corpus."""

Listener = Callable[[Line, Network], None]
"""Told of each validation: its line of the log, and the averaged weights."""


class Batches(Protocol):
    """Where batches come from; the rows go on from batch to batch."""

    def batch(self) -> Batch:
        """Return the next window of every row of this process."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs, in tensors and plain values."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        ...


class Objective(nn.Module):
    """What is minimised. One call, so that Fabric sees where a pass begins and ends."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, events: Tensor, begins: Tensor, state: State) -> tuple[Tensor, State]:
        """Return -log p of each column (K,) of all events (B, T + 1, C) but the first, summed, and the new state."""
        hidden, state = self.network.read(events[:, :-1], state)
        return column_losses(self.network, hidden, events[:, 1:], begins[:, 1:]), state


class Run:
    """One training run in one folder, or this process's part of it.

    `references` are figures to show the validation beside. `listeners` are told of each validation; at the steps of
    `milestones` there is one besides the regular ones.
    """

    def __init__(
        self,
        model: Network,
        sampler: Batches,
        config: FitConfig,
        folder: Path,
        *,
        fabric: Fabric | None = None,
        references: Mapping[str, float] | None = None,
        listeners: Sequence[Listener] = (),
        milestones: Collection[int] = (),
    ) -> None:
        self.fabric = fabric or start(config.device, precision=config.precision)
        self.model, self.sampler, self.config, self.folder = model, sampler, config, folder
        self.references, self.listeners, self.milestones = references or {}, listeners, milestones
        self.objective, self.optimizer = self.fabric.setup(Objective(model), _optimizer(model, config))
        self.average = copy.deepcopy(model).eval()
        self.progress = Progress()
        self._states: list[State | None] = [None] * config.accumulate
        self._sums = torch.zeros(2, device=self.fabric.device)  # nats and gradient norms that progress lacks
        self._since = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)

    def train(
        self, validate: Validate, report: Callable[[str], None] = print, *, watch: Callable[[str], None] | None = None
    ) -> Progress:
        """Train to the end; `validate` measures the averaged weights on each corpus.

        The first process reports a sentence at each validation, and a glance every few steps to who watches. Raises
        TrainingError if the loss is no number any more; what was saved before that stays.
        """
        self._since = time.monotonic()
        while not has_ended(self.progress, self.config):
            self._step()
            if self._is_due(self.config.watch_every):
                self._collect()
                if watch and self.fabric.is_global_zero:
                    watch(glance(self.progress, fraction(self.progress, self.config)))
            if self._is_validation_due():
                self._close(validate, report)
            elif self._is_due(self.config.save_every):
                self.save()
        return self.progress

    def _step(self) -> None:
        batch = self.sampler.batch()
        units = self._agree(batch.units)
        parts = zip(self._parts(batch.events), self._parts(batch.begins), strict=True)
        rate = learning_rate(self.progress, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        self.model.train()
        for part, (events, begins) in enumerate(parts):
            with self.fabric.no_backward_sync(self.objective, enabled=part + 1 < self.config.accumulate):
                losses, state = self.objective(events, begins, self._carried(part, begins[:, 0]))
                # Processes average their gradients, so a sum over all of them needs their number.
                self.fabric.backward(losses.sum() * (self.fabric.world_size / max(units, 1)))
            self._states[part] = tuple(tensor.detach() for tensor in state)
            self._sums[0] += losses.detach().sum()
        norm = self.fabric.clip_gradients(
            self.objective, self.optimizer, max_norm=self.config.clip, error_if_nonfinite=False
        )
        assert norm is not None
        self.optimizer.step()
        self._average()
        self._sums[1] += norm / self.fabric.world_size
        self.progress.step += 1
        self.progress.steps += 1
        self.progress.units += units
        self.progress.events += batch.begins[:, 1:].size * self.fabric.world_size

    def _agree(self, units: int) -> int:
        """Return the units of all processes; go on with the first one's clock, so that all end at the same step."""
        now = time.monotonic()
        seconds, self._since = self.progress.seconds + now - self._since, now
        if self.fabric.world_size > 1:
            own = [float(units), seconds * self.fabric.is_global_zero]
            shared = total(self.fabric, torch.tensor(own, dtype=torch.float64, device=self.fabric.device)).tolist()
            units, seconds = int(shared[0]), shared[1]
        self.progress.seconds = seconds
        return units

    def _parts(self, rows: NDArray[Any]) -> tuple[Tensor, ...]:
        return torch.from_numpy(rows).to(self.fabric.device).tensor_split(self.config.accumulate)

    def _carried(self, part: int, begins: Tensor) -> State:
        """Carry each row's state, but begin from nothing where the window begins a piece: `begins` (B,)."""
        state = self._states[part]
        return self.model.start(len(begins)) if state is None else reset_rows(state, begins)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.ema, (1 + self.progress.step) / (10 + self.progress.step))
        for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    def _is_due(self, every: int) -> bool:
        return self.progress.step % every == 0

    def _is_validation_due(self) -> bool:
        at_milestone = self.progress.step in self.milestones
        return at_milestone or self._is_due(self.config.validate_every) or fraction(self.progress, self.config) >= 1

    def _collect(self) -> None:
        """Fetch the sums from the device and from the other processes."""
        nats, norms = total(self.fabric, self._sums).tolist()
        self._sums = torch.zeros_like(self._sums)
        if not math.isfinite(nats):
            raise TrainingError(
                f"at step {self.progress.step} the loss is no number any more: choose a smaller learning_rate or clip"
            )
        self.progress.nats += nats
        self.progress.norms += norms

    def _close(self, validate: Validate, report: Callable[[str], None]) -> None:
        """End a stretch of steps: validate, tell of it, save."""
        began = time.monotonic()
        self._collect()
        now, first = self.progress, self.fabric.is_global_zero
        nats = self.fabric.broadcast(validate(self.average) if first else {})
        is_best = now.note(nats, rate=learning_rate(now, self.config), plateau=self.config.plateau)
        if first:
            if is_best:
                save(self.average.state_dict(), self.folder / BEST)
            replace_file(self.folder / LOG, as_csv(now.history))
            report(sentence(now, self.references))
            for listener in self.listeners:
                listener(now.history[-1], self.average)
        self._agree(0)
        self.save()
        now.closing_seconds = self.fabric.broadcast(max(now.closing_seconds, time.monotonic() - began))

    def save(self) -> None:
        """Write all that `resume` needs, in one move."""
        self._collect()
        states = [state and tuple(tensor.cpu() for tensor in state) for state in self._states]
        own = {"sampler": self.sampler.state(), "states": states, "random": random_state()}
        document = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.fabric.strategy.precision.state_dict(),
            "progress": vars(self.progress),
            "processes": gather(self.fabric, own),
        }
        if self.fabric.is_global_zero:
            save(document, self.folder / STATE)

    def resume(self) -> None:
        """Go on from the last save, as if the run had never stopped. Raises TrainingError if it cannot be done."""
        saved = load(self.folder / STATE)
        try:
            self._restore(saved)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(f"{self.folder / STATE} is of another network, or of other settings") from error
        if self.fabric.is_global_zero:
            forget_drafts(self.folder)

    def _restore(self, saved: dict[str, Any]) -> None:
        processes = saved["processes"]
        if len(processes) != self.fabric.world_size:
            raise TrainingError(
                f"the run was made by {len(processes)} processes and cannot go on with {self.fabric.world_size}"
            )
        own = processes[self.fabric.global_rank]
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.fabric.strategy.precision.load_state_dict(saved["scaler"])
        self.progress = Progress(**saved["progress"])
        self.sampler.restore(own["sampler"])
        device = self.fabric.device
        self._states = [state and tuple(tensor.to(device) for tensor in state) for state in own["states"]]
        if len(self._states) != self.config.accumulate:
            raise ValueError("another number of parts")
        restore_random_state(own["random"])


def _optimizer(model: nn.Module, config: FitConfig) -> torch.optim.Optimizer:
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr=config.learning_rate)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=config.learning_rate, betas=(0.9, 0.98))
