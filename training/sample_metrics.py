"""Compare what a network writes with what the composers wrote at the same places, by the measures of music/metrics.py.

Held-out pieces are cut behind their first bars; the network continues them, and both continuations are measured.
For each measure the two sets are compared by the overlapped area of Yang & Lerch 2020 ("On the evaluation of
generative models in music", section 3.3): the distances within the real set against those between the sets. The area
between two halves of the real set says how much agreement the measure could show at all.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicdemo.checkpoint import Checkpoint
from musicdemo.generation import GenerationSettings, generate
from musicdemo.music.metrics import METRICS
from musicdemo.music.score import Score
from musicdemo.music.tokenizer import Tokenizer
from training.dataset import Corpus

SEED_BARS = NEW_BARS = 8
_GRID = 1000
"""Points at which two densities are compared."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two continuations of one seed: the composer's and the network's, each from its first bar on."""

    real: Score
    generated: Score


def pairs(checkpoint: Checkpoint, corpus: Corpus, *, count: int, temperature: float = 1.0) -> list[Pair]:
    """Continue up to `count` pieces of a corpus, spread evenly over those that are long enough."""
    scores = [Tokenizer().decode(events.astype(np.int64)) for events in corpus.pieces()]
    long_enough = [score for score in scores if len(score.bars) >= SEED_BARS + NEW_BARS]
    chosen = [long_enough[at * len(long_enough) // count] for at in range(min(count, len(long_enough)))]
    if len(long_enough) <= count:
        chosen = long_enough
    return [
        _pair(checkpoint, score, corpus.name, temperature=temperature, random_seed=number)
        for number, score in enumerate(chosen)
    ]


def _pair(checkpoint: Checkpoint, score: Score, style: str, *, temperature: float, random_seed: int) -> Pair:
    bars = score.bars
    join, end = bars[SEED_BARS].start, bars[SEED_BARS + NEW_BARS - 1].end
    settings = GenerationSettings(
        bars=NEW_BARS,
        temperature=temperature,
        top_p=1,
        random_seed=random_seed,
        style=style,
        retries=0,  # what it writes, not what we would rather show
    )
    (result,) = generate(checkpoint, settings, seed=score.clipped(0, join))
    return Pair(score.clipped(join, end), result.score.clipped(result.join, result.score.end))


def compare(found: list[Pair]) -> dict[str, dict[str, float]]:
    """Return for each measure the means of both sets, their overlapped area, and that of two halves of the real set."""
    figures = {}
    for name, measure in METRICS.items():
        real, generated = (
            _numbers([measure(score) for score in scores])
            for scores in ([pair.real for pair in found], [pair.generated for pair in found])
        )
        figures[name] = {
            "real": round(float(real.mean()), 3),
            "generated": round(float(generated.mean()), 3),
            "overlap": round(overlapped_area(real, generated), 3),
            "overlap of real halves": round(overlapped_area(real[::2], real[1::2]), 3),
        }
    return figures


def overlapped_area(reference: Values, other: Values) -> float:
    """Return how far the distances from `reference` (N,) to `other` (M,) look like those within it: 0 to 1."""
    within = np.abs(reference[:, None] - reference)[np.triu_indices(len(reference), 1)]
    between = np.abs(reference[:, None] - other).ravel()
    if not len(within) or not len(between):
        return math.nan
    both = np.concatenate([within, between])
    margin = 3 * max(_bandwidth(within), _bandwidth(between))
    points = np.linspace(both.min() - margin, both.max() + margin, _GRID)
    shared = np.minimum(_density(within, points), _density(between, points))
    return float(np.trapezoid(shared, points).item())


def _density(values: Values, points: Values) -> Values:
    """Estimate the density of `values` at `points` with Gaussian kernels of the width of Scott 1992, equation 6.42."""
    width = _bandwidth(values)
    kernels: Values = np.exp(-0.5 * ((points[:, None] - values) / width) ** 2)
    return np.asarray(kernels.sum(axis=1) / (len(values) * width * math.sqrt(2 * math.pi)))


def _bandwidth(values: Values) -> float:
    return max(float(values.std() * len(values) ** -0.2), 1e-6)


def _numbers(values: list[float]) -> Values:
    numbers = np.array(values, dtype=np.float64)
    return numbers[~np.isnan(numbers)]


def sample_figures(checkpoint: Checkpoint, corpus: Corpus, *, count: int) -> dict[str, Any]:
    """Continue up to `count` held-out pieces and return what `compare` finds, with the number of pieces."""
    found = pairs(checkpoint, corpus, count=count)
    return {"pieces": len(found), "measures": compare(found)} if len(found) > 3 else {}
