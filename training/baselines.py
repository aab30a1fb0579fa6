"""Two baselines that know a corpus but no music, charged exactly as the networks are.

Unigram: each column by its own frequencies, add-one smoothed. Bigram: each column given one plain fact (usually the
same column of the event before), interpolated with the unigram by Witten & Bell's rule (1991, method C). Both are
estimated on the training split of the very corpus that they are measured on, an advantage the networks lack.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.vocabulary import PREDICTED, START, Column, column_sizes
from training.dataset import Corpus, Events

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """Nats per note of both baselines on held-out pieces."""

    unigram: float
    bigram: float


def measure_baselines(train: Corpus, held_out: Corpus) -> Baseline:
    """Estimate both baselines on `train` and measure them on `held_out`."""
    bigram = 0.0
    for column in PREDICTED:
        seen, asked = _cases(train, column), _cases(held_out, column)
        bigram -= float(np.log(_bigram_odds(seen, asked, _unigram_odds(seen, column))).sum())
    return Baseline(unigram_nats(train, held_out), bigram / _notes(held_out))


def unigram_nats(train: Corpus, held_out: Corpus) -> float:
    """Nats per note of `held_out` under the frequencies of `train`."""
    nats = 0.0
    for column in PREDICTED:
        odds = _unigram_odds(_cases(train, column), column)
        nats -= float(np.log(odds[_cases(held_out, column)[1]]).sum())
    return nats / _notes(held_out)


def uniform_nats(held_out: Corpus) -> float:
    """Nats per note of one who finds every value of a column alike: where a network begins."""
    cases = {column: len(_cases(held_out, column)[1]) for column in PREDICTED}
    return sum(count * float(np.log(column_sizes(0)[column])) for column, count in cases.items()) / _notes(held_out)


def _notes(corpus: Corpus) -> int:
    return max(1, int((corpus.events[:, Column.PITCH] > 0).sum()))


def _unigram_odds(seen: tuple[NDArray[np.int64], NDArray[np.int64]], column: Column) -> Counts:
    frequencies = np.bincount(seen[1], minlength=column_sizes(0)[column]) + 1.0
    odds: Counts = frequencies / frequencies.sum()
    return odds


def _bigram_odds(
    seen: tuple[NDArray[np.int64], NDArray[np.int64]],
    asked: tuple[NDArray[np.int64], NDArray[np.int64]],
    unigram_odds: Counts,
) -> Counts:
    """p(value | context) = (count + distinct * p(value)) / (total + distinct), for each asked case."""
    contexts = 1 + int(max(seen[0].max(initial=0), asked[0].max(initial=0)))
    counts = np.zeros((contexts, len(unigram_odds)))
    np.add.at(counts, seen, 1.0)
    total, distinct = counts.sum(axis=1), (counts > 0).sum(axis=1)
    context, value = asked
    known = counts[context, value] + distinct[context] * unigram_odds[value]
    everything = total[context] + distinct[context]
    return np.where(everything > 0, known / np.maximum(everything, 1), unigram_odds[value])


def _cases(corpus: Corpus, column: Column) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return context and value of every event that a network would be charged for in `column`."""
    events = corpus.events
    charged = events[:, column] > 0
    if column == Column.TIME:
        charged &= events[:, Column.TIME] != START
    return _context(events, column)[charged], events[charged, column].astype(np.int64)


def _context(events: Events, column: Column) -> NDArray[np.int64]:
    """Return the fact that the bigram of a column is given."""
    before = np.roll(events, 1, axis=0)
    if column == Column.PITCH:
        return events[:, Column.LAST_PITCH].astype(np.int64)
    if column == Column.VOICE:
        voices = column_sizes(0)[Column.VOICE]
        return events[:, Column.PROGRAM].astype(np.int64) * voices + before[:, Column.VOICE]
    return before[:, column].astype(np.int64)
