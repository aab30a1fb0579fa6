"""Where a run is, and what it says of itself: the lines of log.csv, a sentence for a person, a verdict in words."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from musicdemo.errors import MusicDemoError
from training.loss import Nats

Line = dict[str, Any]
"""A line of log.csv: figures by the names of their columns."""


class TrainingError(MusicDemoError):
    """A run cannot begin or go on."""


@dataclass
class Progress:
    """Where a run is, and the figures since its last validation: summed nats and gradient norms, units and steps."""

    step: int = 0
    seconds: float = 0.0
    closing_seconds: float = 0.0
    events: int = 0
    best: float = math.inf
    best_step: int = 0
    stale: int = 0
    plateaus: int = 0
    nats: float = 0.0
    norms: float = 0.0
    units: int = 0
    steps: int = 0
    history: list[Line] = field(default_factory=list)

    @property
    def train_loss(self) -> float:
        """Nats per unit since the last validation, as trained: with dropout and augmentation."""
        return self.nats / max(self.units, 1)

    def note(self, nats: Mapping[str, Nats], *, rate: float, plateau: int) -> bool:
        """Enter a validation: nats of each corpus, under this learning rate. Returns whether it is the best so far."""
        mean = sum(part.per_note for part in nats.values()) / len(nats)
        line: Line = {
            "step": self.step,
            "minutes": round(self.seconds / 60, 2),
            "events": self.events,
            "learning_rate": float(f"{rate:.4g}"),
            "gradient_norm": round(self.norms / max(self.steps, 1), 4),
            "train": round(self.train_loss, 4),
            "valid": round(mean, 4),
        }
        self.history.append(line | {name: round(part.per_note, 4) for name, part in nats.items()})
        self.nats, self.norms, self.units, self.steps = 0.0, 0.0, 0, 0
        if mean < self.best:
            self.best, self.best_step, self.stale = mean, self.step, 0
            return True
        self.stale += 1
        self.plateaus += self.stale % plateau == 0
        return False


def verdict(progress: Progress) -> str:
    """Say in words how the validations go."""
    if progress.stale == 0:
        return "still improving"
    since = [line for line in progress.history if line["step"] >= progress.best_step]
    rises = len(since) > 2 and since[-1]["valid"] > since[0]["valid"]
    if rises and since[-1]["train"] < since[0]["train"]:
        return f"overfitting since step {progress.best_step}"
    return f"no better since step {progress.best_step}"


def sentence(progress: Progress, references: Mapping[str, float]) -> str:
    """Say the last validation beside figures to compare it with; what each corpus has stands in the log."""
    line = progress.history[-1]
    beside = ", ".join(f"{name} {value:.2f}" for name, value in references.items())
    return (
        f"step {line['step']:,} · {line['minutes']:.1f} min · {_speed(progress)} · train {line['train']:.3f} · "
        f"valid {line['valid']:.3f} nats{f' ({beside})' * bool(beside)} · {verdict(progress)}"
    )


def glance(progress: Progress, done: float) -> str:
    """Say in a few words where a run is between two validations; `done` is the fraction that lies behind it."""
    left = progress.seconds * (1 - done) / max(done, 1e-9) / 60
    valid = f" · valid {progress.history[-1]['valid']:.3f}" if progress.history else ""
    loss = f" · train {progress.train_loss:.3f}{valid}"
    return f"step {progress.step:,} · {done:.1%} · {_speed(progress)} · at most {left:.0f} min left{loss}"


def as_csv(history: list[Line]) -> bytes:
    """Return log.csv."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue().encode()


def _speed(progress: Progress) -> str:
    return f"{progress.events / max(progress.seconds, 1e-9):,.0f} events/s"
