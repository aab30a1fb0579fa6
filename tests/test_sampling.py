"""Laws of the noise and of sampling, on chains that can be enumerated."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.decoding.noise import MAX_KEY, uniform, uniforms
from musicdemo.decoding.sampling import SamplingConfig, log_probabilities, sample
from musicdemo.decoding.stepper import Events, Hypothesis
from musicdemo.errors import GenerationError
from tests.toy_stepper import END, Event, ToyChain, ToyRules, every_sequence, is_allowed, log_prob_of, random_chain

quick = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
configs = st.builds(
    SamplingConfig,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 2.5]),
    top_k=st.integers(0, 4),
    top_p=st.sampled_from([0.2, 0.7, 0.95, 1.0]),
    seed=st.integers(0, MAX_KEY),
    rows=st.just(tuple(range(6))),
    max_events=st.integers(1, 6),
)


def decode(chain: ToyChain, **config: object) -> list[Hypothesis]:
    return sample(chain, chain.primed(), chain.rules(), SamplingConfig(**config))  # type: ignore[arg-type]  # free tests


def as_key(hypothesis: Hypothesis) -> tuple[Event, ...]:
    return tuple(tuple(event) for event in hypothesis.events.tolist())


def one_event(*probabilities: float) -> ToyChain:
    """A chain of a single event, whose column 1 has these probabilities after END, which is next to impossible."""
    first = np.log([[1e-300, *probabilities]])
    return ToyChain(first, np.zeros((1, len(probabilities) + 1, 1)), longest=1)


def philox4x64(key: tuple[int, int], counter: tuple[int, int, int, int]) -> list[int]:
    """Ten rounds as in Salmon et al. 2011, section 3.3 and their Random123 library, in plain integers."""
    word = 2**64
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for _ in range(10):
        product0, product1 = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = product1 // word ^ c1 ^ k0, product1 % word, product0 // word ^ c3 ^ k1, product0 % word
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) % word, (k1 + 0xBB67AE8584CAA73B) % word
    return [c0, c1, c2, c3]


def test_the_reference_generator_gives_the_published_answer() -> None:
    published = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert philox4x64((0, 0), (0, 0, 0, 0)) == published


@quick
@given(st.integers(0, MAX_KEY), st.integers(0, MAX_KEY), st.integers(0, MAX_KEY))
def test_noise_is_philox_keyed_by_seed_and_row_and_counted_by_event_and_column(seed: int, row: int, event: int) -> None:
    bits = [word for block in (1, 2, 3) for word in philox4x64((seed, row), (block, event, 0, 0))]
    assert uniforms(seed, row, event, 12).tolist() == [(word >> 11) / 2**53 for word in bits]
    assert [uniform(seed, row, event, column) for column in (0, 3, 4, 11)] == [
        (bits[c] >> 11) / 2**53 for c in (0, 3, 4, 11)
    ]


def test_noise_is_even_and_differs_in_each_of_its_four_numbers() -> None:
    drawn = {(s, r, e, c): uniform(s, r, e, c) for s in range(6) for r in range(6) for e in range(6) for c in range(6)}
    values = np.sort(list(drawn.values()))
    assert len(set(values.tolist())) == 6**4
    assert values[0] >= 0
    assert values[-1] < 1
    even = (np.arange(6**4) + 0.5) / 6**4
    assert np.abs(values - even).max() < 2 / math.sqrt(6**4)  # Kolmogorov-Smirnov; 1.63 is the 1 % point


@quick
@given(seeds, configs, st.integers(0, 5))
def test_a_row_of_a_batch_equals_the_row_alone(seed: int, config: SamplingConfig, row: int) -> None:
    chain = random_chain(seed)
    in_batch = sample(chain, chain.primed(), chain.rules(), config)[row]
    alone_config = SamplingConfig(
        config.temperature, config.top_k, config.top_p, config.seed, (row,), config.max_events
    )
    alone = sample(chain, chain.primed(), chain.rules(), alone_config)[0]
    assert in_batch.events.tolist() == alone.events.tolist()
    assert in_batch.log_probs.tolist() == alone.log_probs.tolist()
    assert in_batch.finished == alone.finished


@quick
@given(seeds, configs)
def test_what_is_drawn_is_allowed_and_scored_as_the_chain_scores_it(seed: int, config: SamplingConfig) -> None:
    chain = random_chain(seed)
    for hypothesis in sample(chain, chain.primed(), chain.rules(), config):
        expected = log_prob_of(chain, hypothesis.events, config.temperature or 1.0)
        np.testing.assert_allclose(hypothesis.log_probs, expected, atol=1e-12)
        assert math.isfinite(hypothesis.log_prob)
        assert hypothesis.log_prob == pytest.approx(sum(map(sum, expected)))
        assert hypothesis.finished or len(hypothesis.events) == config.max_events


@quick
@given(seeds, st.integers(0, MAX_KEY))
def test_temperature_0_takes_the_most_probable_value_whatever_the_noise(seed: int, noise_seed: int) -> None:
    chain = random_chain(seed)
    past: list[Event] = []
    state = 0
    for event in as_key(decode(chain, temperature=0.0, seed=noise_seed)[0]):
        for column, logits in ((1, chain.first[state]), (2, chain.second[state, event[1]])):
            allowed = [value for value in range(len(logits)) if is_allowed(past, event[:column], value)]
            after_the_end = column == 2 and event[1] == END
            assert event[column] == (0 if after_the_end else max(allowed, key=logits.__getitem__))
        past, state = [*past, event], chain.follow(state, event)


@quick
@given(seeds, st.integers(0, MAX_KEY), st.sampled_from([0.1, 1.0, 5.0]))
def test_top_k_1_and_a_tiny_top_p_and_a_tiny_temperature_are_greedy(seed: int, noise_seed: int, heat: float) -> None:
    chain = random_chain(seed)
    greedy = as_key(decode(chain, temperature=0.0)[0])
    assert as_key(decode(chain, temperature=heat, top_k=1, seed=noise_seed)[0]) == greedy
    assert as_key(decode(chain, temperature=heat, top_p=1e-9, seed=noise_seed)[0]) == greedy
    assert as_key(decode(chain, temperature=1e-320, seed=noise_seed)[0]) == greedy


@quick
@given(seeds, configs)
def test_a_forced_value_is_not_scored_and_is_what_scoring_would_give(seed: int, config: SamplingConfig) -> None:
    knowing, asking = random_chain(seed, second=2), random_chain(seed, second=2)  # column 2 of odd events has one way
    found = sample(knowing, knowing.primed(), knowing.rules(), config)
    expected = sample(asking, asking.primed(), ToyRules(asking.longest), config)
    assert [as_key(each) for each in found] == [as_key(each) for each in expected]
    assert [each.log_probs.tolist() for each in found] == [each.log_probs.tolist() for each in expected]
    chosen = [[event[1] for event in each.events.tolist()] for each in found]
    reached = [any(len(row) > at and row[at] in (1, 2) for row in chosen) for at in (1, 3, 5)]
    free = [any(len(row) > at and row[at] == 3 for row in chosen) for at in (1, 3, 5)]
    saved = sum(some and not all_ways for some, all_ways in zip(reached, free, strict=True))
    assert asking.scored - knowing.scored == saved


@quick
@given(seeds, configs)
def test_limits_that_cut_nothing_change_nothing(seed: int, config: SamplingConfig) -> None:
    chain = random_chain(seed)
    free = SamplingConfig(config.temperature, 0, 1.0, config.seed, config.rows, config.max_events)
    wide = SamplingConfig(config.temperature, 1000, 1.0, config.seed, config.rows, config.max_events)
    found, expected = (sample(chain, chain.primed(), chain.rules(), each) for each in (wide, free))
    assert [as_key(each) for each in found] == [as_key(each) for each in expected]


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.0])
def test_sequences_come_as_often_as_their_probability_says(temperature: float) -> None:
    chain = random_chain(7, longest=2)
    rows = 6000
    expected = every_sequence(chain, temperature)
    counts = Counter(as_key(h) for h in decode(chain, temperature=temperature, seed=5, rows=tuple(range(rows))))
    assert set(counts) <= set(expected)
    likely = {key: rows * math.exp(score) for key, score in expected.items() if rows * math.exp(score) >= 5}
    rest = rows - sum(likely.values())
    cells = [(counts[key], mean) for key, mean in likely.items()] + [(rows - sum(counts[key] for key in likely), rest)]
    chi_square = sum((seen - mean) ** 2 / mean for seen, mean in cells if mean > 1)
    freedom = len(cells) - 1
    assert freedom >= 8
    assert chi_square < freedom + 5 * math.sqrt(2 * freedom)


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [
        (1e-6, {2}),
        (0.4, {2}),
        (0.45, {2, 4}),
        (0.74, {2, 4}),
        (0.76, {2, 4, 1}),
        (0.93, {2, 4, 1, 3}),
        (1.0, {1, 2, 3, 4}),
    ],
)
def test_top_p_keeps_the_fewest_values_that_hold_the_mass(top_p: float, kept: set[int]) -> None:
    chain = one_event(0.15, 0.44, 0.10, 0.31)
    found = decode(chain, top_p=top_p, rows=tuple(range(300)))
    assert {int(hypothesis.events[0, 1]) for hypothesis in found} == kept


def test_top_p_counts_its_mass_in_what_top_k_left() -> None:
    chain = one_event(0.15, 0.44, 0.10, 0.31)  # of the best two, value 2 holds 0.44 / 0.75 = 0.587
    for top_p, kept in ((0.58, {2}), (0.59, {2, 4})):
        found = decode(chain, top_k=2, top_p=top_p, rows=tuple(range(300)))
        assert {int(hypothesis.events[0, 1]) for hypothesis in found} == kept


def test_limits_count_what_the_rules_allow() -> None:
    chain = random_chain(3)
    chain.first[:] = [-9.0, 0.0, 5.0, -1.0]  # value 2 is best, and forbidden right after itself
    chain.longest = 2
    events = decode(chain, top_k=1)[0].events
    assert events[:, 1].tolist() == [2, 1]


@pytest.mark.parametrize(("noise", "value"), [(0.0, 1), (0.26, 2), (1 - 2**-53, 2)])
def test_no_noise_ever_draws_what_has_no_probability(monkeypatch: pytest.MonkeyPatch, noise: float, value: int) -> None:
    monkeypatch.setattr("musicdemo.decoding.sampling.uniforms", lambda *_: np.full(3, noise))
    chain = one_event(0.25, 0.75, 1.0)
    chain.first[0, [0, 3]] = -2000.0  # as good as forbidden: the weight is exactly 0
    assert decode(chain)[0].events[0, 1] == value


def test_log_probs_are_those_before_the_limits_cut() -> None:
    found = decode(one_event(0.2, 0.5, 0.3), top_k=1)[0]
    assert found.log_prob == pytest.approx(math.log(0.5))


def test_what_follows_the_end_of_a_row_is_zero() -> None:
    for seed in range(30):
        for hypothesis in decode(random_chain(seed), seed=seed, rows=(0, 1, 2)):
            for event, log_probs in zip(hypothesis.events.tolist(), hypothesis.log_probs.tolist(), strict=True):
                assert event[1] != END or (event[2] == 0 and log_probs[2] == 0)
            assert END not in hypothesis.events[:-1, 1]


def test_the_stepper_runs_once_an_event_for_the_rows_that_go_on() -> None:
    chain = random_chain(11, longest=5)
    lengths = [len(hypothesis.events) for hypothesis in decode(chain, rows=tuple(range(20)))]
    assert chain.steps == [sum(length > event for length in lengths) for event in range(1, max(lengths))]
    assert len(set(chain.steps)) > 1


def test_a_row_stops_unfinished_at_max_events_and_is_the_beginning_of_the_longer_one() -> None:
    chain = random_chain(4, longest=200)
    chain.first[:, END] = -20.0
    short, long = (decode(chain, max_events=most)[0] for most in (80, 400))
    assert (len(short.events), short.finished) == (80, False)
    assert (len(long.events), long.finished) == (200, True)
    assert short.events.tolist() == long.events[:80].tolist()


def test_the_callback_sees_the_events_grow_and_is_called_once_an_event() -> None:
    chain = random_chain(4, longest=150)
    chain.first[:, END] = -20.0
    seen: list[list[Events]] = []

    def on_step(rows: Sequence[Events]) -> bool:
        seen.append(list(rows))
        return True

    found = sample(chain, chain.primed(), chain.rules(), SamplingConfig(rows=(0, 9)), on_step=on_step)
    assert len(seen) == 150
    for count, rows in enumerate(seen, start=1):
        assert [events.tolist() for events in rows] == [h.events[:count].tolist() for h in found]


def test_a_callback_that_says_no_stops_every_row_with_what_it_has() -> None:
    chain = random_chain(4, longest=50)
    chain.first[:, END] = -20.0
    config = SamplingConfig(rows=(0, 1))
    found = sample(chain, chain.primed(), chain.rules(), config, on_step=lambda rows: len(rows[0]) < 3)
    assert [(len(h.events), h.finished) for h in found] == [(3, False), (3, False)]
    assert len(chain.steps) == 2


def test_rules_that_have_ended_give_empty_rows_and_are_left_as_they_were() -> None:
    chain = random_chain(1, longest=0)
    found = decode(chain, rows=(0, 1))
    assert [(h.events.shape, h.log_prob, h.finished) for h in found] == [((0, 3), 0.0, True)] * 2
    rules = random_chain(1).rules()
    sample(random_chain(1), chain.primed(), rules, SamplingConfig())
    assert (rules.past, rules.partial) == ([], ())


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_scores_that_are_no_numbers_are_refused(broken: float) -> None:
    chain = random_chain(1)
    chain.first[0, 2] = broken
    with pytest.raises(GenerationError, match="nothing can be chosen"):
        decode(chain)


@pytest.mark.parametrize("temperature", [0.0, 1e-320, 1e-5, 1.0, 5.0, 1e300])
def test_log_probabilities_are_never_nan_and_add_up_to_one(temperature: float) -> None:
    found = log_probabilities(np.array([-np.inf, 3e38, 3e38, -3e38, 0.0]), temperature)
    assert found[0] == -np.inf
    assert not np.isnan(found).any()
    assert np.exp(found).sum() == pytest.approx(1.0)
    with pytest.raises(GenerationError):
        log_probabilities(np.full(3, -np.inf), temperature)


@quick
@given(seeds, st.integers(1, 20), st.integers(1, 500), st.sampled_from([0.7, 1.0]))
def test_log_probabilities_of_a_row_are_the_same_to_the_bit_in_any_company(
    seed: int, rows: int, values: int, temperature: float
) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, values)) * 9
    logits[random.random((rows, values)) < 0.4] = -np.inf
    logits[:, 0] = 0.0
    together = log_probabilities(logits, temperature)
    assert [log_probabilities(row, temperature).tolist() for row in logits] == together.tolist()


@pytest.mark.parametrize(
    "nonsense",
    [
        {"temperature": -0.1},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.01},
        {"top_p": math.nan},
        {"seed": -1},
        {"seed": 2**63},
        {"rows": ()},
        {"rows": (0, -1)},
        {"max_events": 0},
        {"max_events": 2**20 + 1},
    ],
)
def test_nonsense_is_refused_in_a_sentence_that_names_the_field(nonsense: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(nonsense))} must"):
        SamplingConfig(**nonsense)  # type: ignore[arg-type]  # that is the test
