"""Laws of stochastic beam search: it draws without replacement, as exact enumeration of small chains says it should."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.decoding.beam_gumbel import Stochastic, conditioned
from musicdemo.decoding.beam_search import MAX_WIDTH, BeamConfig, beam_search
from musicdemo.decoding.noise import MAX_KEY
from musicdemo.decoding.sampling import SamplingConfig, sample
from musicdemo.decoding.stepper import Hypothesis
from tests.toy_stepper import END, Event, ToyChain, every_sequence, log_prob_of, random_chain

quick = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
noise_seeds = st.integers(0, MAX_KEY)
heats = st.sampled_from([0.5, 1.0, 2.0])

Key = tuple[Event, ...]


def draw(chain: ToyChain, width: int, seed: int, *, temperature: float = 1.0, **limits: float) -> list[Hypothesis]:
    config = BeamConfig(width, temperature=temperature, variety=Stochastic(seed, **limits))  # type: ignore[arg-type]  # floats
    return beam_search(chain, chain.primed(), chain.rules(), config)


def as_key(hypothesis: Hypothesis) -> Key:
    return tuple(tuple(event) for event in hypothesis.events.tolist())


def assert_as_often(counts: Mapping[Any, int], probabilities: Mapping[Any, float], draws: int) -> None:
    """Pearson's chi-square of the cells that are expected five times or more, and of the rest as one."""
    assert set(counts) <= set(probabilities)
    likely = {key: draws * p for key, p in probabilities.items() if draws * p >= 5}
    cells = [(counts.get(key, 0), mean) for key, mean in likely.items()]
    rest = draws - math.fsum(likely.values())
    cells += [(draws - sum(seen for seen, _ in cells), rest)] if rest > 5 else []
    chi_square = math.fsum((seen - mean) ** 2 / mean for seen, mean in cells)
    freedom = len(cells) - 1
    assert freedom >= 8
    assert chi_square < freedom + 5 * math.sqrt(2 * freedom)


def ordered_draws(probabilities: Mapping[Key, float], count: int) -> dict[tuple[Key, ...], float]:
    """The probability of each way to draw `count` sequences one after another without putting any back."""
    drawn: dict[tuple[Key, ...], float] = {(): 1.0}
    for _ in range(count):
        drawn = {
            (*before, key): chance * probabilities[key] / (1 - math.fsum(probabilities[each] for each in before))
            for before, chance in drawn.items()
            for key in probabilities.keys() - set(before)
        }
    return drawn


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.0])
def test_sequences_are_drawn_as_often_and_in_the_order_in_which_they_come_without_replacement(
    temperature: float,
) -> None:
    chain, draws = random_chain(7, longest=2), 1000
    exact = ordered_draws({k: math.exp(p) for k, p in every_sequence(chain, temperature).items()}, 2)
    counts = Counter(tuple(map(as_key, draw(chain, 2, seed, temperature=temperature))) for seed in range(draws))
    assert_as_often(counts, exact, draws)


def test_each_sequence_is_among_the_drawn_as_often_as_its_inclusion_probability_says() -> None:
    chain, draws, width = random_chain(8, longest=2, first=3), 1000, 3
    exact = ordered_draws({key: math.exp(p) for key, p in every_sequence(chain).items()}, width)
    included: dict[Key, float] = {}
    for keys, chance in exact.items():
        for key in keys:
            included[key] = included.get(key, 0.0) + chance
    counts = Counter(key for seed in range(draws) for key in map(as_key, draw(chain, width, seed)))
    for key, chance in included.items():
        assert abs(counts[key] - draws * chance) <= 5 * math.sqrt(draws * chance * (1 - chance)) + 1


@settings(quick, max_examples=15)
@given(seeds, noise_seeds, heats)
def test_a_beam_as_wide_as_the_space_draws_every_sequence_once(seed: int, noise_seed: int, heat: float) -> None:
    chain = random_chain(seed)
    every = every_sequence(chain, heat)
    found = draw(chain, MAX_WIDTH, noise_seed, temperature=heat)
    assert sorted(map(as_key, found)) == sorted(every)
    for each in found:
        assert each.finished
        np.testing.assert_allclose(each.log_probs, log_prob_of(chain, each.events, heat), atol=1e-12)


@quick
@given(seeds, noise_seeds, st.integers(1, 12), st.integers(1, 12), st.integers(1, 6))
def test_the_first_of_a_wide_search_are_those_of_a_narrow_one(
    seed: int, noise_seed: int, one: int, other: int, max_events: int
) -> None:
    chain, (narrow, wide) = random_chain(seed, longest=5), sorted((one, other))
    few, many = (
        beam_search(
            chain, chain.primed(), chain.rules(), BeamConfig(w, max_events=max_events, variety=Stochastic(noise_seed))
        )
        for w in (narrow, wide)
    )
    assert [(as_key(each), each.finished) for each in few] == [(as_key(each), each.finished) for each in many[:narrow]]
    assert len({as_key(each) for each in many}) == len(many) == wide


@quick
@given(seeds, noise_seeds)
def test_a_seed_means_one_result_and_another_seed_another(seed: int, noise_seed: int) -> None:
    chain = random_chain(seed, longest=12)
    chain.first[:, END] = -20.0
    once, twice, other = (draw(chain, 4, each) for each in (noise_seed, noise_seed, (noise_seed + 1) % MAX_KEY))
    assert list(map(as_key, once)) == list(map(as_key, twice))
    assert list(map(as_key, once)) != list(map(as_key, other))


def test_a_cold_search_draws_the_most_probable_first() -> None:
    chain = random_chain(5, longest=4)
    greedy = sample(chain, chain.primed(), chain.rules(), SamplingConfig(temperature=0.0))[0]
    assert as_key(draw(chain, 3, 1, temperature=1e-3)[0]) == as_key(greedy)


@pytest.mark.parametrize(("limits", "kept"), [({"top_k": 2}, {2, 4}), ({"top_p": 0.76}, {2, 4, 1}), ({}, {1, 2, 3, 4})])
def test_top_k_and_top_p_cut_as_in_sampling(limits: dict[str, float], kept: set[int]) -> None:
    chain = ToyChain(np.log([[1e-300, 0.15, 0.44, 0.10, 0.31]]), np.zeros((1, 5, 1)), longest=1)
    found = draw(chain, 4, 0, **limits)
    assert {int(each.events[0, 1]) for each in found} == kept
    for each in found:  # what is reported is the probability before anything was cut
        np.testing.assert_allclose(each.log_probs, log_prob_of(chain, each.events), atol=1e-12)


def test_what_is_cut_off_is_drawn_from_in_proportion() -> None:
    chain, draws = ToyChain(np.log([[1e-300, 0.15, 0.44, 0.10, 0.31]]), np.zeros((1, 5, 1)), longest=1), 800
    first = sum(int(draw(chain, 1, seed, top_k=2)[0].events[0, 1]) == 2 for seed in range(draws))
    chance = 0.44 / 0.75
    assert abs(first - draws * chance) < 4 * math.sqrt(draws * chance * (1 - chance))


def test_draws_that_meet_max_events_are_returned_beside_those_that_ended() -> None:
    chain = random_chain(3, longest=50)
    config = BeamConfig(8, max_events=2, variety=Stochastic(4))
    found = beam_search(chain, chain.primed(), chain.rules(), config)
    assert len(found) == 8
    assert {(len(each.events), each.finished) for each in found} >= {(1, True), (2, False)}
    assert all(each.finished or len(each.events) == 2 for each in found)


@quick
@given(seeds, st.floats(-30, 30))
def test_conditioned_noise_has_the_highest_that_was_asked_for_and_keeps_the_order(seed: int, highest: float) -> None:
    free = np.random.default_rng(seed).gumbel(size=(2, 9)) * 20
    free[0, 3] = -np.inf
    bound = conditioned(free, np.array([highest, 0.0]))
    assert bound.max(axis=1).tolist() == [highest, 0.0]
    assert bound[0, 3] == -np.inf
    for row, given_row in zip(bound, free, strict=True):
        assert (np.diff(row[np.argsort(given_row)][1:]) >= 0).all()
    exact = -np.log(np.exp(-highest) - np.exp(-free[0].max()) + np.exp(-free[0]))  # Kool et al. 2019, equation 23
    sound = np.isfinite(exact) & (np.abs(free[0]) < 15)
    if abs(highest) < 15 and abs(free[0].max()) < 15:
        np.testing.assert_allclose(bound[0][sound], exact[sound], atol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 1 - 2**-53])
def test_the_lowest_and_the_highest_noise_are_numbers_too(monkeypatch: pytest.MonkeyPatch, noise: float) -> None:
    monkeypatch.setattr("musicdemo.decoding.beam_gumbel.uniforms", lambda *asked: np.full(asked[-1], noise))
    chain = random_chain(1)
    found = draw(chain, 5, 0)
    assert len({as_key(each) for each in found}) == 5
    assert {as_key(each) for each in found} <= every_sequence(chain).keys()


@pytest.mark.parametrize("nonsense", [{"seed": -1}, {"seed": 2**63}, {"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.1}])
def test_nonsense_is_refused_in_a_sentence_that_names_the_field(nonsense: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(nonsense))} must"):
        Stochastic(**nonsense)  # type: ignore[arg-type]  # that is the test


def test_temperature_0_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature must be above 0"):
        BeamConfig(4, temperature=0.0, variety=Stochastic())
