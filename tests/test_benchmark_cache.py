"""The cache beside a network: what followed the longest match, from the past alone, mixed in as a probability."""

import itertools

import numpy as np
import pytest

from tests.small_benchmarks import (
    FRAME,
    SUNG,
    all_steps,
    frame_subsets,
    network,
    only_small_keys,
    only_sung,
    rolls,
    total,
)
from training.benchmarks import cache, jsb
from training.benchmarks.scoring import log_probabilities, nats_per_unit

WEIGHTS = np.array([0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])


def repeating_past() -> np.ndarray:
    """Nine steps, and then the first five of them again."""
    steps = np.random.default_rng(3).choice(SUNG, size=(9, 4))
    return np.concatenate([steps, steps[:5]])


def test_a_cache_mixed_in_leaves_a_probability_of_steps() -> None:
    pieces = all_steps(repeating_past())
    chosen = [piece[1:, list(jsb.LAYOUT.charged)] for piece in pieces]
    mixed = cache.mix(log_probabilities(network(jsb.LAYOUT), pieces, only_sung), chosen, WEIGHTS)
    assert total([part[-1:] for part in mixed]).sum() == pytest.approx(1, abs=1e-6)


def test_a_cache_mixed_in_leaves_a_probability_of_frames() -> None:
    past = [{0}, {3, 1}, set(), {2, 1, 0}, {3}, {3, 2}] * 2
    pieces = [FRAME.encode(rolls(*past, keys)) for keys in frame_subsets()]
    chosen = [piece[1:, list(FRAME.layout.charged)] for piece in pieces]
    mixed = cache.mix(log_probabilities(network(FRAME.layout), pieces, only_small_keys), chosen, WEIGHTS)
    last = total([part[-1:] for part in mixed])
    assert last.sum() == pytest.approx(1, abs=1e-6)
    assert frame_subsets()[int(last.argmax())] == past[0]


def test_a_cache_proposes_what_followed_the_longest_match() -> None:
    steps = np.array([[5], [6], [7], [8], [9], [6], [7], [4], [5], [6], [7], [2]])
    proposed, matches = cache.proposals(steps)
    assert matches[-1] == 3
    assert proposed[-1, 0] == 8  # not 4, which followed the later and shorter match


def test_a_cache_proposes_a_voice_only_while_the_voices_before_it_agree() -> None:
    steps = np.array([[2, 3, 4], [5, 6, 7], [2, 3, 4], [5, 8, 7]])
    proposed, _ = cache.proposals(steps)
    assert proposed[-1].tolist() == [5, 6, 0]


@pytest.mark.parametrize("seed", range(3))
def test_a_cache_reads_only_the_past(seed: int) -> None:
    steps = np.random.default_rng(seed).integers(1, 3, size=(30, 4))
    proposed, matches = cache.proposals(steps)
    for length in (1, 9, 20):
        cut, cut_matches = cache.proposals(steps[:length])
        assert (cut == proposed[:length]).all()
        assert (cut_matches == matches[:length]).all()


def test_the_weights_of_a_cache_are_the_likeliest() -> None:
    steps = [np.tile(np.random.default_rng(seed).integers(1, 4, size=(10, 2)), (3, 1)) for seed in range(3)]
    scored = [np.log(np.full(piece.shape, 0.4)) for piece in steps]
    weights = cache.fit_weights(scored, steps)
    best = nats_per_unit(cache.mix(scored, steps, weights), 1)
    for kind, change in itertools.product(range(1, len(weights)), (-0.02, 0.02)):
        other = weights.copy()
        other[kind] = np.clip(other[kind] + change, 0, 0.98)
        assert nats_per_unit(cache.mix(scored, steps, other), 1) >= best - 1e-6


def test_no_class_of_matches_gets_all_the_weight_however_often_it_was_right() -> None:
    steps = [np.tile(np.arange(1, 21).reshape(10, 2), (3, 1))]
    weights = cache.fit_weights([np.log(np.full(steps[0].shape, 0.4))], steps)
    assert 0.9 < weights.max() < 1
