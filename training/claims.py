"""May it be said that a game made a network better? Decided by figures, and said in words that follow from them.

A lower temperature makes any network more like its data and less various, so a figure alone shows nothing. What counts
is the front: for each diversity that the network before the game reaches at some temperature, how well a fresh
classifier (two_sample.py) tells it from real music. The claim holds if every seed of the game is told apart less than
the front at its diversity, by more than twice the standard error, and predicts held-out music as well as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from training.passages import LENGTH, PRIMER

SEEDS = 3
TOLERANCE = 0.005
"""Nats per note that a game may cost on the test split."""


@dataclass(frozen=True)
class Point:
    """One way to go on with passages: balanced accuracy of a fresh classifier and its standard error, and diversity."""

    accuracy: float
    error: float
    diversity: float


@dataclass(frozen=True)
class Outcome:
    """What a game with one seed came to; `cost` is what it costs in nats per note on the test split."""

    point: Point
    cost: float


def front_at(front: Sequence[Point], diversity: float) -> float:
    """Return the accuracy of the front at a diversity: on the line between temperatures, or the nearest."""
    ordered = sorted(front, key=lambda point: point.diversity)
    for low, high in pairwise(ordered):
        if diversity <= high.diversity:
            span = high.diversity - low.diversity
            share = min(1.0, max(0.0, (diversity - low.diversity) / span)) if span else 0.0
            return low.accuracy + share * (high.accuracy - low.accuracy)
    return ordered[-1].accuracy


def lies_outside(front: Sequence[Point], point: Point) -> bool:
    """Whether a point is told apart less than the front at its diversity, and is no less various than all of it."""
    if point.diversity < min(each.diversity for each in front):
        return False
    return front_at(front, point.diversity) - point.accuracy > 2 * point.error


def holds(front: Sequence[Point], outcomes: Sequence[Outcome]) -> bool:
    """Whether it may be said that the game made the network write more like people do."""
    outside = all(lies_outside(front, outcome.point) for outcome in outcomes)
    return len(outcomes) >= SEEDS and outside and all(outcome.cost <= TOLERANCE for outcome in outcomes)


def sentence(front: Sequence[Point], outcomes: Sequence[Outcome], *, floor: float) -> str:
    """Say what came of it; `floor` is the accuracy with which real music is told from real music."""
    seeds = f"{len(outcomes)} seed{'s' * (len(outcomes) != 1)}"
    accuracy, expected, cost = (
        sum(values) / len(outcomes)
        for values in (
            [outcome.point.accuracy for outcome in outcomes],
            [front_at(front, outcome.point.diversity) for outcome in outcomes],
            [outcome.cost for outcome in outcomes],
        )
    )
    figures = (
        f"Fresh classifiers tell its continuations from real ones with a balanced accuracy of {accuracy:.3f}; for the "
        f"network before the game at the same diversity it is {expected:.3f}, for real against real {floor:.3f} "
        f"({seeds}, {cost:+.4f} nats per note on the test split)."
    )
    if holds(front, outcomes):
        return f"The game made it write more like people do. {figures}"
    why = "; ".join(_why(front, outcomes))
    return f"It cannot be said that the game made it write more like people do: {why}. {figures}"


def _why(front: Sequence[Point], outcomes: Sequence[Outcome]) -> list[str]:
    """Return what speaks against the claim."""
    inside = sum(not lies_outside(front, outcome.point) for outcome in outcomes)
    dear = sum(outcome.cost > TOLERANCE for outcome in outcomes)
    reasons = []
    if len(outcomes) < SEEDS:
        reasons.append(f"{len(outcomes)} of the {SEEDS} seeds that it takes were played")
    if inside:
        reasons.append(f"{inside} of {len(outcomes)} lie within what a change of temperature does as well")
    if dear:
        reasons.append(f"{dear} of {len(outcomes)} cost more than {TOLERANCE} nats per note")
    return reasons


def section(game: dict[str, Any]) -> str:
    """Return the part of a model card that says what the protocol of adversarial_evaluation.py found."""
    rows = [
        f"| {name} | {row['accuracy']:.3f} ± {row['error']:.3f} | {_decimals(row.get('diversity'))} "
        f"| {row['heard_before']:.3f} | {row['parallel_fifths']:.2f} | {row['parallel_octaves']:.2f} |"
        for name, row in game["sets"].items()
    ]
    head = [
        "| continuations | told from real | diversity | heard before | parallel fifths | parallel octaves |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    return "\n".join(["## Against a discriminator\n", game["conclusion"], "", _WHAT_IS_MEASURED, "", *head, *rows])


def _decimals(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


_WHAT_IS_MEASURED = (
    f"{LENGTH} notes behind {PRIMER} of held-out chorales, hymns and tunes. Told from real: balanced accuracy of fresh "
    "classifiers on pieces that they have not seen, 0.5 where they find no difference. Diversity: share of notes that "
    "two continuations do not have in common. Heard before: share of new four-note figures that a voice has played "
    "already. Parallels: in 100 beats, in chorales and hymns."
)
