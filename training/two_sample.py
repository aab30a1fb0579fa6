"""Can a fresh network tell two sets of passages apart? The two-sample test of Lopez-Paz & Oquab 2017, section 3.

A classifier learns to tell the sets on some pieces and is asked on others. Its balanced accuracy there is 0.5 when the
sets are alike (or when it has learned nothing: a floor, real against real, and a set that is plainly different belong
beside every figure). The classifier is a recurrent network, so that it shares nothing with the convolutions that a
generator was trained against (discriminator.py).
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from musicdemo.models.discriminator import distances
from musicdemo.models.heads import RELATIVE_REACH, ColumnTables
from musicdemo.music.vocabulary import Column
from training.dataset import Augmentation, Events, augment


@dataclass(frozen=True)
class ClassifierConfig:
    """How a classifier is trained: `epochs` of batches of `rows` passages.

    It reads the last `read` events of a passage and pools what it made of the last `heard`.
    """

    folds: int = 5
    units: int = 64
    epochs: int = 10
    rows: int = 32
    read: int = 96
    learning_rate: float = 4e-3
    dropout: float = 0.3
    heard: int = 64

    def __post_init__(self) -> None:
        if self.folds < 2 or min(self.units, self.epochs, self.rows, self.read, self.heard) < 1:
            raise ValueError(f"a test needs 2 folds or more, and units, epochs, rows and events: {self}")


class Verdict(NamedTuple):
    """Balanced accuracy over the folds, and its standard error."""

    accuracy: float
    error: float


class Sample(NamedTuple):
    """One passage (T, C) and the piece that it continues, by which folds are cut."""

    events: Events
    piece: str


class Classifier(nn.Module):
    """Read passages and say of which set they are."""

    def __init__(self, sizes: tuple[int, ...], relative: tuple[tuple[int, int], ...], config: ClassifierConfig) -> None:
        super().__init__()
        self.sizes, self.relative, self.config = sizes, relative, config
        self.tables = ColumnTables(sizes, config.units)
        self.distances = nn.ModuleList(
            nn.Linear(2 * RELATIVE_REACH + 1, config.units, bias=False) for _ in self.relative
        )
        self.dropout = nn.Dropout(config.dropout)
        self.layer = nn.GRU(config.units, config.units, batch_first=True)
        self.score = nn.Linear(2 * config.units, 1)

    def forward(self, events: Tensor) -> Tensor:
        """Score (B,) passages (B, T, C): above 0 for the second set."""
        events = events[:, -self.config.read :]
        vectors = self.tables(events, 0, len(self.sizes))
        for (column, reference), layer in zip(self.relative, self.distances, strict=True):
            value = functional.one_hot(events[..., column], self.sizes[column]).float()
            vectors = vectors + layer(distances(value, events[..., reference]))
        hidden, _ = self.layer(self.dropout(vectors))
        heard = hidden[:, -self.config.heard :]
        pooled = torch.cat([heard.mean(dim=1), heard.amax(dim=1)], dim=-1)
        scores: Tensor = self.score(self.dropout(pooled))[:, 0]
        return scores


def two_sample_test(
    one: Sequence[Sample],
    other: Sequence[Sample],
    sizes: tuple[int, ...],
    relative: tuple[tuple[int, int], ...],
    config: ClassifierConfig | None = None,
    *,
    seed: int = 0,
) -> Verdict:
    """Train a fresh classifier on all folds but one, for each fold, and return how it does on what it has not seen.

    All passages of a piece, from both sets, lie in one fold. Raises ValueError for fewer pieces than folds.
    """
    config = config or ClassifierConfig()
    pieces = sorted({sample.piece for sample in (*one, *other)})
    if len(pieces) < config.folds:
        raise ValueError(f"{config.folds} folds need as many pieces, not {len(pieces)}")
    order = np.random.default_rng(seed).permutation(len(pieces))
    fold_of = {pieces[at]: place % config.folds for place, at in enumerate(order)}
    labelled = [(sample, 0) for sample in one] + [(sample, 1) for sample in other]
    accuracies = []
    for fold in range(config.folds):
        seen = [case for case in labelled if fold_of[case[0].piece] != fold]
        unseen = [case for case in labelled if fold_of[case[0].piece] == fold]
        with torch.random.fork_rng():
            torch.manual_seed(seed * config.folds + fold)
            classifier = Classifier(sizes, relative, config)
            _train(classifier, seen, config, np.random.default_rng((seed, fold)))
        accuracies.append(_balanced_accuracy(classifier, unseen))
    return Verdict(statistics.mean(accuracies), statistics.stdev(accuracies) / config.folds**0.5)


def _train(
    classifier: Classifier, cases: list[tuple[Sample, int]], config: ClassifierConfig, random: np.random.Generator
) -> None:
    optimizer = torch.optim.AdamW(classifier.parameters(), config.learning_rate, weight_decay=0.05)
    steps = config.epochs * -(-len(cases) // config.rows)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(config.epochs):
        order = random.permutation(len(cases))
        for first in range(0, len(cases), config.rows):
            events, labels = _stack([cases[at] for at in order[first : first + config.rows]], random)
            loss = functional.binary_cross_entropy_with_logits(classifier(events), labels)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()


def _stack(cases: Sequence[tuple[Sample, int]], random: np.random.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Return events (B, T, C), moved in key, tempo and loudness where there is a `random`, and labels (B,)."""
    how = Augmentation(program_probability=0.0, style_dropout=0.0)
    events = [sample.events.copy() for sample, _ in cases]
    if random is not None:
        events = [augment(row, int(row[0, Column.STYLE]), how, random) for row in events]
    labels = torch.tensor([float(label) for _, label in cases])
    return torch.from_numpy(np.stack(events).astype(np.int64)), labels


@torch.no_grad()
def _balanced_accuracy(classifier: Classifier, cases: list[tuple[Sample, int]]) -> float:
    classifier.eval()
    events, labels = _stack(cases)
    right = ((classifier(events) > 0) == (labels > 0)).double()
    return float((right[labels == 0].mean() + right[labels == 1].mean()) / 2)
