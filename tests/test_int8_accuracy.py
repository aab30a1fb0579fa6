"""What integers cost is measured as it is: by the network's own scores, and by what the stepper says."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny import TOKENIZER, tiny_checkpoint, tune
from training.dataset import Corpus, batches
from training.int8_accuracy import int8_figures
from training.loss import measure


def small_corpus() -> Corpus:
    pieces = [TOKENIZER.encode(tune(bars=bars), style="air") for bars in (1, 2, 4)]
    return Corpus("air", np.concatenate(pieces).astype(np.uint16), np.array(list(map(len, pieces))))


@pytest.mark.parametrize("architecture", ["rnn-tanh", "gru", "lstm", "attention"])
def test_fp32_is_what_evaluation_measures_and_int8_lies_near_it(architecture: str, tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "model", architecture=architecture)
    corpus = small_corpus()
    figures = int8_figures(checkpoint, [corpus])
    style = checkpoint.tokenizer.style_value("air")
    expected = measure(checkpoint.model, batches(list(corpus.pieces()), rows=2, style=style))
    assert figures["notes"] == expected.notes == 4 * (1 + 2 + 4)
    assert figures["fp32_nats_per_note"] == pytest.approx(expected.per_note, abs=2e-4)
    assert figures["int8_nats_per_note"] == pytest.approx(expected.per_note, rel=0.01)
    assert 0 < figures["largest_logit_error"] < 1
    assert 0.9 < figures["same_most_probable"] <= 1


def test_a_broken_network_shows(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "model")
    assert checkpoint.graphs is checkpoint.graphs
    with torch.no_grad():  # the graphs are those of the weights that were there when they were made
        dict(checkpoint.model.named_parameters())["heads.hidden.4.bias"].add_(1.0)
    figures = int8_figures(checkpoint, [small_corpus()])
    assert figures["largest_logit_error"] > 0.3
