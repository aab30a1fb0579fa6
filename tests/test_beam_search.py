"""Laws of beam search, against plain enumeration of chains that are small enough."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.decoding.beam_groups import normalised_score
from musicdemo.decoding.beam_search import MAX_WIDTH, BeamConfig, beam_search
from musicdemo.decoding.sampling import SamplingConfig, sample
from musicdemo.decoding.stepper import Events, Hypothesis
from musicdemo.errors import GenerationError
from tests.toy_stepper import END, Event, ToyChain, every_sequence, log_prob_of, random_chain

quick = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
widths = st.integers(1, 16)
penalties = st.sampled_from([0.0, 0.6, 1.0, 2.0])
heats = st.sampled_from([0.5, 1.0, 2.0])


def search(chain: ToyChain, config: BeamConfig) -> list[Hypothesis]:
    return beam_search(chain, chain.primed(), chain.rules(), config)


def as_key(hypothesis: Hypothesis) -> tuple[Event, ...]:
    return tuple(tuple(event) for event in hypothesis.events.tolist())


def wu_score(log_prob: float, length: int, penalty: float) -> float:
    return log_prob * 6**penalty / (5 + length) ** penalty


def assert_best_of_all(found: Sequence[Hypothesis], chain: ToyChain, config: BeamConfig) -> None:
    """The best of every sequence that can end, in order; equals may change places."""
    every = {
        key: wu_score(log_prob, len(key), config.length_penalty)
        for key, log_prob in every_sequence(chain, config.temperature).items()
    }
    best = sorted(every.values(), reverse=True)[: config.width]
    assert len({as_key(each) for each in found}) == len(best)
    np.testing.assert_allclose([every[as_key(each)] for each in found], best, rtol=1e-9)


@settings(quick, max_examples=15)
@given(seeds, penalties, heats)
def test_a_beam_as_wide_as_the_space_ranks_it_as_brute_force_does(seed: int, penalty: float, heat: float) -> None:
    chain = random_chain(seed)
    config = BeamConfig(MAX_WIDTH, penalty, heat)
    found = search(chain, config)
    assert {len(each.events) for each in found} == {1, 2, 3}  # the ranking mixes lengths
    assert_best_of_all(found, chain, config)


@settings(quick, max_examples=100)
@given(seeds, penalties, st.integers(4, 8), st.sampled_from([-2.0, 0.0, 2.0]))
def test_stopping_early_never_costs_a_better_sequence(seed: int, penalty: float, width: int, end: float) -> None:
    chain = random_chain(seed, first=3, second=2, longest=7)
    chain.first[:, END] += end
    chain.second[:] = [0.0, -80.0]  # two ways on at first, then one: a beam of 4 follows both and both ends
    config = BeamConfig(width, penalty, max_events=7)
    assert_best_of_all(search(chain, config), chain, config)


@quick
@given(seeds, heats)
def test_width_1_is_greedy(seed: int, heat: float) -> None:
    chain = random_chain(seed, longest=6)
    greedy = sample(chain, chain.primed(), chain.rules(), SamplingConfig(temperature=0.0))[0]
    cold = search(chain, BeamConfig(1, temperature=0.0))
    assert [as_key(each) for each in cold] == [as_key(greedy)]
    assert cold[0].log_probs.tolist() == greedy.log_probs.tolist()
    assert [as_key(each) for each in search(chain, BeamConfig(1, temperature=heat))] == [as_key(greedy)]


@quick
@given(seeds, widths, penalties, heats, st.integers(1, 6))
def test_what_is_found_is_different_allowed_and_scored_as_the_chain_scores_it(
    seed: int, width: int, penalty: float, heat: float, max_events: int
) -> None:
    chain = random_chain(seed, longest=5)
    found = search(chain, BeamConfig(width, penalty, heat, max_events))
    assert 1 <= len(found) <= width
    assert len({as_key(each) for each in found}) == len(found)
    for each in found:
        expected = log_prob_of(chain, each.events, heat)
        np.testing.assert_allclose(each.log_probs, expected, atol=1e-12)
        assert math.isfinite(each.log_prob)
        assert each.log_prob == pytest.approx(sum(map(sum, expected)))
        assert END not in each.events[:-1, 1]
    scores = [normalised_score(each.log_prob, len(each.events), penalty) for each in found]
    assert scores == sorted(scores, reverse=True)
    assert len({each.finished for each in found}) == 1


@quick
@given(seeds, widths)
def test_a_beam_returns_as_many_as_it_is_wide_if_the_space_holds_them(seed: int, width: int) -> None:
    chain = random_chain(seed)
    found = search(chain, BeamConfig(width))
    assert len(found) == min(width, len(every_sequence(chain)))
    assert all(each.finished for each in found)


@quick
@given(seeds, widths, penalties)
def test_the_same_search_gives_the_same_answer(seed: int, width: int, penalty: float) -> None:
    first, second = (search(random_chain(seed), BeamConfig(width, penalty)) for _ in range(2))
    assert [as_key(each) for each in first] == [as_key(each) for each in second]


def test_of_equal_sequences_the_lower_values_come_first() -> None:
    chain = ToyChain(np.zeros((5, 4)), np.zeros((5, 4, 3)), longest=1)
    expected = [((0, 0, 0),), ((0, 1, 0),), ((0, 1, 1),), ((0, 1, 2),), ((0, 2, 0),)]
    assert [as_key(each) for each in search(chain, BeamConfig(5, length_penalty=0.0))] == expected


def test_the_length_penalty_is_that_of_wu_and_others() -> None:
    assert normalised_score(-3.0, 7, 1.0) == pytest.approx(-1.5)  # (5 + 7) / 6 = 2
    assert normalised_score(-3.0, 13, 2.0) == pytest.approx(-1 / 3)  # (5 + 13) / 6 = 3
    assert normalised_score(-3.0, 13, 0.0) == -3.0


def test_a_length_penalty_can_turn_the_ranking_round() -> None:
    """By hand: ending at once has probability 0.3; of two events the second is certain, so the best way on has 0.28."""
    first, second = np.full((5, 3), -60.0), np.full((5, 3, 2), -60.0)
    first[0] = np.log([0.3, 0.28, 0.28])
    second[0, :, 0] = 0.0
    first[1:, 1] = 5.0
    first[1:, 2] = 0.0
    first[1:, END] = 60.0
    chain = ToyChain(first, second, longest=3)
    plain, weighed = (search(chain, BeamConfig(4, penalty))[0] for penalty in (0.0, 2.0))
    assert len(plain.events) == 1
    assert len(weighed.events) == 2


def test_the_stepper_runs_once_an_event_and_stops_when_the_pool_cannot_be_beaten() -> None:
    chain = random_chain(2, longest=40)
    chain.first[:, END] = 6.0  # ending is far likelier than anything else, whenever it comes
    search(chain, BeamConfig(2, length_penalty=0.0))
    assert len(chain.steps) < 6
    chain.steps.clear()
    chain.first[:, END] = -30.0
    search(chain, BeamConfig(3))
    assert chain.steps == [3] * 39


def test_a_search_that_meets_max_events_returns_the_unfinished_only_if_none_has_ended() -> None:
    chain = random_chain(6, longest=50)
    chain.first[:, END] = -20.0
    found = search(chain, BeamConfig(3, max_events=4))
    assert [(len(each.events), each.finished) for each in found] == [(4, False)] * 3
    chain.first[:, END] = 3.0
    assert all(each.finished for each in search(chain, BeamConfig(3, max_events=4)))


def test_the_callback_sees_the_best_grow_and_false_stops() -> None:
    chain = random_chain(6, longest=9)
    chain.first[:, END] = -20.0
    seen: list[list[Events]] = []

    def on_step(rows: Sequence[Events]) -> bool:
        seen.append(list(rows))
        return len(seen) < 5

    found = beam_search(chain, chain.primed(), chain.rules(), BeamConfig(3), on_step=on_step)
    assert [len(rows[0]) for rows in seen] == [1, 2, 3, 4, 5]
    assert [each.events.tolist() for each in found] == [rows.tolist() for rows in seen[-1]]
    assert [each.finished for each in found] == [False] * 3
    assert len(chain.steps) == 4


def test_the_last_call_shows_the_finished_best_first() -> None:
    chain = random_chain(6)
    seen: list[list[Events]] = []

    def on_step(rows: Sequence[Events]) -> bool:
        seen.append(list(rows))
        return True

    found = beam_search(chain, chain.primed(), chain.rules(), BeamConfig(200), on_step=on_step)
    assert [events.tolist() for events in seen[-1]] == [each.events.tolist() for each in found]


def test_rules_that_have_ended_give_one_empty_sequence_and_are_left_as_they_were() -> None:
    found = search(random_chain(1, longest=0), BeamConfig(3))
    assert [(each.events.shape, each.log_prob, each.finished) for each in found] == [((0, 3), 0.0, True)]
    chain = random_chain(1)
    rules = chain.rules()
    beam_search(chain, chain.primed(), rules, BeamConfig(3))
    assert (rules.past, rules.partial) == ([], ())


def test_scores_that_are_no_numbers_are_refused() -> None:
    chain = random_chain(1)
    chain.first[0, 2] = math.nan
    with pytest.raises(GenerationError, match="nothing can be chosen"):
        search(chain, BeamConfig(3))


@pytest.mark.parametrize(
    "nonsense",
    [
        {"width": 0},
        {"width": MAX_WIDTH + 1},
        {"length_penalty": -0.1},
        {"length_penalty": math.nan},
        {"length_penalty": 11.0},
        {"temperature": -1.0},
        {"temperature": math.nan},
        {"max_events": 0},
    ],
)
def test_nonsense_is_refused_in_a_sentence_that_names_the_field(nonsense: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(nonsense))} must"):
        BeamConfig(**nonsense)  # type: ignore[arg-type]  # that is the test
