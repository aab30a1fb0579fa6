"""What a run is measured on while it trains: the openings of some held-out pieces of each corpus, always the same."""

import numpy as np

from musicdemo.errors import MidiError
from training.baselines import uniform_nats, unigram_nats
from training.dataset import Corpus, batches
from training.fit import Validate
from training.loss import Nats, measure

_PIECES, _EVENTS, _ROWS = 24, 512, 32


def some_openings(corpora: tuple[Corpus, ...]) -> tuple[Corpus, ...]:
    """Return the first events of some pieces of each corpus that has any. Raises MidiError if none has."""
    chosen = []
    for corpus in corpora:
        pieces = list(corpus.pieces())
        parts = [piece[:_EVENTS] for piece in pieces[:: max(1, len(pieces) // _PIECES)][:_PIECES]]
        if parts:
            lengths = np.array([len(part) for part in parts], dtype=np.int64)
            chosen.append(Corpus(corpus.name, np.concatenate(parts), lengths))
    if not chosen:
        raise MidiError("no corpus has a piece to validate on: add files, or give folders named train and valid")
    return tuple(chosen)


def validation(corpora: tuple[Corpus, ...], device: str, *, styles: tuple[str, ...] = ()) -> Validate:
    """Return a function that measures a network on a fixed part of each corpus's validation split.

    `styles` are the names whose values STYLE takes (the corpora's own). Raises MidiError if no corpus has a piece.
    """
    names = styles or tuple(corpus.name for corpus in corpora)
    prepared = {
        part.name: list(batches(list(part.pieces()), rows=_ROWS, style=1 + names.index(part.name)))
        for part in some_openings(corpora)
    }
    return lambda model: {name: measure(model, parts, device=device) for name, parts in prepared.items()}


def references(train: tuple[Corpus, ...], held_out: tuple[Corpus, ...]) -> dict[str, float]:
    """Return what knows no music reaches where `validation` measures: nats per note, the mean over the corpora."""
    trained = {corpus.name: corpus for corpus in train}
    openings = some_openings(held_out)
    return {
        "uniform": sum(uniform_nats(part) for part in openings) / len(openings),
        "unigram": sum(unigram_nats(trained[part.name], part) for part in openings) / len(openings),
    }


def mean_nats(nats: dict[str, Nats]) -> float:
    """Return the nats per note of a validation: the mean over the corpora, each as much as any other."""
    return sum(part.per_note for part in nats.values()) / len(nats)
