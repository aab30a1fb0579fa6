"""Laws of the comparison of generated with real music."""

from pathlib import Path

import numpy as np
import pytest

from tests.small_corpora import corpus_of, melody
from tests.tiny import tiny_checkpoint
from training.sample_metrics import NEW_BARS, compare, overlapped_area, pairs, sample_figures

RANDOM = np.random.default_rng(0)
SET, SAME, SHIFTED = RANDOM.normal(0, 1, 60), RANDOM.normal(0, 1, 60), RANDOM.normal(4, 1, 60)


def test_sets_that_are_alike_overlap_and_unlike_ones_do_not() -> None:
    assert overlapped_area(SET, SAME) > 0.9
    assert overlapped_area(SET, SHIFTED) < 0.35
    assert overlapped_area(SET, SET + 0.5) > overlapped_area(SET, SET + 1.5)


def test_the_area_is_that_of_two_known_densities() -> None:
    # All distances within are 0, all between are 1: two narrow peaks apart.
    assert overlapped_area(np.zeros(5), np.ones(5)) == pytest.approx(0, abs=1e-3)
    assert overlapped_area(np.zeros(5), np.zeros(7)) == pytest.approx(1, abs=1e-2)


def test_the_area_knows_no_unit() -> None:
    assert overlapped_area(SET, SHIFTED) == pytest.approx(overlapped_area(100 * SET, 100 * SHIFTED), abs=1e-6)


def test_both_continuations_of_a_seed_are_as_long_and_the_short_pieces_are_left_out(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "tiny")
    corpus = corpus_of("air", *(melody(number, bars=18) for number in range(5)), melody(9, bars=12))
    found = pairs(checkpoint, corpus, count=10)
    assert len(found) == 5
    assert len(pairs(checkpoint, corpus, count=2)) == 2
    for pair in found:
        assert len(pair.real.bars) == NEW_BARS
        assert 0 < pair.generated.end <= NEW_BARS * 48
    figures = compare(found)
    assert figures["polyphony"]["real"] == 1
    assert all(0 <= row["overlap"] <= 1.001 for row in figures.values())
    assert sample_figures(checkpoint, corpus, count=10) == {"pieces": 5, "measures": figures}
