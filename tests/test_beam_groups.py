"""Laws of diverse beam search, against a plain loop over lists that knows nothing of the code under test."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.decoding.beam_groups import Diverse, most_probable
from musicdemo.decoding.beam_search import BeamConfig, beam_search
from musicdemo.decoding.stepper import Hypothesis
from tests.toy_stepper import END, Event, ToyChain, given_value, is_allowed, random_chain

quick = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
penalties = st.sampled_from([0.0, 0.3, 1.0, 8.0])

Beam = tuple[tuple[Event, ...], Event, int, float]
"""Complete events, the event that is being written, the chain's state, and the log-probability so far."""


def search(chain: ToyChain, width: int, variety: Diverse, **config: float) -> list[Hypothesis]:
    return beam_search(chain, chain.primed(), chain.rules(), BeamConfig(width, variety=variety, **config))  # type: ignore[arg-type]  # floats


def as_key(hypothesis: Hypothesis) -> tuple[Event, ...]:
    return tuple(tuple(event) for event in hypothesis.events.tolist())


def endless_chain(seed: int, longest: int) -> ToyChain:
    """A chain whose sequences all have `longest` events, as END is never worth its price; no two are as probable."""
    random = np.random.default_rng(seed)
    chain = ToyChain(random.normal(size=(997, 4)), random.normal(size=(997, 4, 3)), longest)
    chain.first[:, END] = -200.0
    return chain


def ways_on(chain: ToyChain, beam: Beam) -> list[Beam]:
    past, partial, state, total = beam
    logits = chain.first[state] if len(partial) == 1 else chain.second[state, partial[1]]
    weights = {v: math.exp(x) for v, x in enumerate(logits.tolist()) if is_allowed(past, partial, v)}
    mass = math.log(math.fsum(weights.values()))
    return [(past, (*partial, value), state, total + math.log(weight) - mass) for value, weight in weights.items()]


def by_lists(chain: ToyChain, sizes: Sequence[int], penalty: float) -> list[list[Beam]]:
    """Vijayakumar et al. 2018, algorithm 1, with the diversity of section 3."""
    groups: list[list[Beam]] = [[((), (), 0, 0.0)] for _ in sizes]
    for _ in range(chain.longest):
        groups = [[(past, (given_value(past),), state, total) for past, _, state, total in g] for g in groups]
        for _column in (1, 2):
            taken: list[int] = []
            for i, size in enumerate(sizes):
                found = [way for beam in groups[i] for way in ways_on(chain, beam)]
                found.sort(key=lambda way: way[3] - penalty * taken.count(way[1][-1]), reverse=True)
                groups[i] = found[:size]
                taken = [*taken, *(way[1][-1] for way in groups[i])]
        groups = [[((*p, e), (), chain.follow(state, e), total) for p, e, state, total in group] for group in groups]
    return groups


@quick
@given(seeds, penalties, st.sampled_from([(2, (1, 1)), (5, (3, 2)), (6, (2, 2, 2)), (4, (2, 1, 1)), (3, (3,))]))
def test_it_is_the_published_algorithm(seed: int, penalty: float, sizes: tuple[int, tuple[int, ...]]) -> None:
    width, groups = sizes
    chain = endless_chain(seed, longest=4)
    expected = {past: total for group in by_lists(chain, groups, penalty) for past, _, _, total in group}
    found = search(chain, width, Diverse(len(groups), penalty))
    assert {as_key(each) for each in found} == set(expected)
    for each in found:
        assert each.log_prob == pytest.approx(expected[as_key(each)])


@quick
@given(seeds, penalties, st.integers(1, 4), st.integers(1, 4))
def test_the_first_group_is_a_plain_search_of_its_own(seed: int, penalty: float, size: int, groups: int) -> None:
    chain = random_chain(seed, longest=5)
    plain = {as_key(each) for each in search(chain, size, Diverse())}
    assert plain <= {as_key(each) for each in search(chain, size * groups, Diverse(groups, penalty))}


@quick
@given(seeds, st.integers(1, 4), st.integers(2, 4))
def test_without_a_penalty_all_groups_find_the_same_and_are_computed_once(seed: int, size: int, groups: int) -> None:
    chain, other = random_chain(seed, longest=5), random_chain(seed, longest=5)
    plain, apart = search(chain, size, Diverse()), search(other, size * groups, Diverse(groups, 0.0))
    assert [as_key(each) for each in apart] == [as_key(each) for each in plain]
    assert other.steps == chain.steps


@pytest.mark.parametrize(
    ("penalty", "values"),
    [
        (0.2, {2}),  # 0.5 against 0.3 is ln 5/3 = 0.51 nats, and the third group loses 0.4 at most
        (0.4, {2, 1}),  # the third loses 0.8 where the second still lost 0.4
        (0.6, {2, 1}),  # the third loses 0.6 at either, and 0.5 against 0.2 is 0.92 nats
        (1.0, {2, 1, 3}),
    ],
)
def test_a_group_gives_up_at_most_the_penalty_to_be_different(penalty: float, values: set[int]) -> None:
    chain = ToyChain(np.log([[1e-300, 0.3, 0.5, 0.2]]), np.zeros((1, 4, 1)), longest=1)
    found = search(chain, 3, Diverse(3, penalty))
    assert {int(each.events[0, 1]) for each in found} == values
    assert sorted(found, key=lambda each: -each.log_prob) == found


@quick
@given(seeds, st.integers(2, 6))
def test_a_high_penalty_makes_groups_differ_wherever_the_rules_let_them(seed: int, width: int) -> None:
    chain = endless_chain(seed, longest=3)
    found = search(chain, width, Diverse(width, 100.0))
    first = [int(each.events[0, 1]) for each in found]
    assert len(set(first)) == min(width, 3)


@quick
@given(seeds, st.integers(1, 12), st.booleans())
def test_the_most_probable_are_those_of_a_full_sort(seed: int, count: int, with_ties: bool) -> None:
    random = np.random.default_rng(seed)
    log_probs = random.normal(size=(3, 5)).round(0 if with_ties else 9)
    log_probs[random.random((3, 5)) < 0.3] = -np.inf
    totals = log_probs + random.normal(size=(3, 1)).round(0 if with_ties else 9)
    places = [place for place in range(15) if np.isfinite(totals.ravel()[place])]
    places.sort(key=lambda place: (-totals.ravel()[place], -log_probs.ravel()[place], place))
    assert most_probable(totals, log_probs, count).tolist() == places[:count]


@pytest.mark.parametrize("nonsense", [{"groups": 0}, {"penalty": -0.1}, {"penalty": 101.0}, {"penalty": math.nan}])
def test_nonsense_is_refused_in_a_sentence_that_names_the_field(nonsense: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(nonsense))} must"):
        Diverse(**nonsense)  # type: ignore[arg-type]  # that is the test


def test_more_groups_than_beams_are_refused() -> None:
    with pytest.raises(ValueError, match="5 groups need a width of at least 5"):
        BeamConfig(4, variety=Diverse(5))
