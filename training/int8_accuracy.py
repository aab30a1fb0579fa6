"""What decoding in 8-bit integers costs: a network's own scores beside those that decoding uses, on held-out music."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from musicdemo.checkpoint import Checkpoint
from musicdemo.decoding.onnx_stepper import OnnxStepper
from musicdemo.decoding.sampling import log_probabilities
from training.dataset import Corpus, batches
from training.loss import count_notes, predicted_columns

PIECES, EVENTS = 8, 400
"""Of each corpus so many pieces are read, and so many events of the beginning of each: enough for three digits."""

Scores = NDArray[np.float64]


@dataclass
class _Tally:
    """What was seen so far; nats are sums."""

    notes: int = 0
    choices: int = 0
    same_choices: int = 0
    fp32_nats: float = 0.0
    int8_nats: float = 0.0
    largest_error: float = 0.0

    def add(self, exact: Scores, fast: Scores, targets: NDArray[np.int64]) -> None:
        """Count logits (N, V) of both and what was written (N,)."""
        self.choices += len(targets)
        self.same_choices += int((exact.argmax(axis=1) == fast.argmax(axis=1)).sum())
        self.largest_error = max(self.largest_error, float(np.abs(exact - fast).max(initial=0.0)))
        self.fp32_nats += _nats(exact, targets)
        self.int8_nats += _nats(fast, targets)


def int8_figures(checkpoint: Checkpoint, held_out: Iterable[Corpus]) -> dict[str, Any]:
    """Measure on the beginnings of a few pieces of each corpus.

    Returns the notes, nats per note under fp32 and under int8, the share of choices whose most probable value is the
    same, and the largest difference of a logit.
    """
    tally, stepper = _Tally(), OnnxStepper(checkpoint.graphs)
    for corpus in held_out:
        pieces = [piece[:EVENTS] for piece, _ in zip(corpus.pieces(), range(PIECES), strict=False)]
        for events in batches(pieces, rows=PIECES, style=checkpoint.tokenizer.style_value(corpus.name)):
            tally.notes += count_notes(torch.from_numpy(events))
            for exact, fast, targets in _scores(checkpoint, stepper, events):
                tally.add(exact, fast, targets)
    notes, choices = max(tally.notes, 1), max(tally.choices, 1)
    return {
        "notes": tally.notes,
        "fp32_nats_per_note": round(tally.fp32_nats / notes, 4),
        "int8_nats_per_note": round(tally.int8_nats / notes, 4),
        "same_most_probable": round(tally.same_choices / choices, 4),
        "largest_logit_error": round(tally.largest_error, 3),
    }


def _nats(scores: Scores, targets: NDArray[np.int64]) -> float:
    """Sum -log p of what was written (N,) under logits (N, V)."""
    return -sum(float(log_probabilities(row, 1.0)[value]) for row, value in zip(scores, targets, strict=True))


@torch.inference_mode()
def _scores(
    checkpoint: Checkpoint, stepper: OnnxStepper, events: NDArray[np.int64]
) -> Iterator[tuple[Scores, Scores, NDArray[np.int64]]]:
    """Yield the logits (N, V) of the network and of the stepper, and what was written (N,), event by event."""
    model = checkpoint.model
    exact, _ = model.read(torch.from_numpy(events[:, :-1]), model.start(len(events)))
    state = stepper.start(len(events))
    for event in range(events.shape[1] - 1):
        fast, state = stepper.step(events[:, event : event + 1], state)
        following = events[:, event + 1]
        for column in predicted_columns(model):
            charged = following[:, column] > 0
            if charged.any():
                own = following[charged]
                network = model.logits(exact[charged, event], torch.from_numpy(own), column)
                yield network.double().numpy(), stepper.logits(fast[charged], own[:, :column]), own[:, column]
