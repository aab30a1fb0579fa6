"""What a checkpoint's metrics.json says. It may be a stranger's: a figure that is missing or no figure is None."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_ROWS = 40
MOST_SIGNS = 120
"""So much of a stranger's file is shown, and no more."""

Metrics = Mapping[str, Any]


@dataclass(frozen=True)
class HeldOut:
    """How well a network predicts the held-out pieces of one corpus, in nats a note, and the bigram beside it."""

    corpus: str
    nats: float
    bigram: float | None
    pieces: float | None
    notes: float | None


@dataclass(frozen=True)
class Source:
    """A corpus that a network learned from; counts are of its training split."""

    corpus: str
    source: str
    licence: str
    pieces: float | None
    notes: float | None


@dataclass(frozen=True)
class Measure:
    """A property of music, as composers wrote it and as the network goes on with the same pieces; overlap is 0-1."""

    corpus: str
    name: str
    real: float
    written: float
    overlap: float | None


def entry(metrics: object, *path: str) -> object:
    """Return what lies at a path of names; None where there is nothing."""
    for name in path:
        metrics = metrics.get(name) if isinstance(metrics, Mapping) else None
    return metrics


def number(metrics: object, *path: str) -> float | None:
    """Return the finite number at a path."""
    value = entry(metrics, *path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def text(metrics: object, *path: str) -> str:
    """Return the beginning of the text or the number at a path, on one line; "" where there is none."""
    value = entry(metrics, *path)
    if not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).split())[:MOST_SIGNS]


def held_out(metrics: Metrics) -> list[HeldOut]:
    """List the corpora that a network was measured on."""
    rows = []
    for name, figures in _table(metrics, "held_out"):
        nats = number(figures, "nats_per_note")
        if nats is not None:
            counts = (number(figures, key) for key in ("bigram", "pieces", "notes"))
            rows.append(HeldOut(name, nats, *counts))
    return rows


def sources(metrics: Metrics) -> list[Source]:
    """List the corpora that a network learned from."""
    return [
        Source(
            name,
            text(figures, "source"),
            text(figures, "licence"),
            number(figures, "pieces", "train"),
            number(figures, "notes", "train"),
        )
        for name, figures in _table(metrics, "corpora")
    ]


def measures(metrics: Metrics) -> list[Measure]:
    """List what a network writes beside what composers wrote there."""
    rows = []
    for corpus, figures in _table(metrics, "samples"):
        for name, row in _table(figures, "measures"):
            real, written = number(row, "real"), number(row, "generated")
            if real is not None and written is not None:
                rows.append(Measure(corpus, name, real, written, number(row, "overlap")))
    return rows[:MOST_ROWS]


def told_apart(metrics: Metrics) -> tuple[float, float] | None:
    """Return how often fresh classifiers tell what was written from people's music: before a game, and after it.

    Balanced accuracies, 0.5 by chance; after: the mean over the games of all random seeds.
    """
    before = number(metrics, "game", "sets", "before, temperature 1.0", "accuracy")
    games = [row for name, row in _table(entry(metrics, "game"), "sets") if name.startswith("gan-")]
    after = mean(number(row, "accuracy") for row in games)
    return None if before is None or after is None else (before, after)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean, each value as much as any other; None unless all are there."""
    known = list(values)
    if not known or None in known:
        return None
    return sum(value for value in known if value is not None) / len(known)


def mean_nats(metrics: Metrics) -> float | None:
    """Return the nats a note of a network, the mean over the corpora that it was measured on."""
    return mean(row.nats for row in held_out(metrics))


def mean_bigram(metrics: Metrics) -> float | None:
    """Return the same of the bigram."""
    return mean(row.bigram for row in held_out(metrics))


def _table(metrics: object, name: str) -> list[tuple[str, Any]]:
    found = entry(metrics, name)
    rows = found.items() if isinstance(found, Mapping) else ()
    return [(str(key)[:MOST_SIGNS], row) for key, row in rows][:MOST_ROWS]
