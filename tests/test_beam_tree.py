"""Laws of the tree of a beam search: it holds what was kept with its true probability, and can be gone on from."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.decoding.beam_groups import Diverse
from musicdemo.decoding.beam_gumbel import Stochastic
from musicdemo.decoding.beam_search import MAX_WIDTH, BeamConfig, Search, beam_search, search
from musicdemo.decoding.beam_tree import PROMPT
from musicdemo.decoding.stepper import Events, Primed
from tests.toy_stepper import END, ToyChain, every_sequence, log_prob_of, random_chain

quick = settings(max_examples=40, deadline=None, derandomize=True)
configs = st.builds(
    BeamConfig,
    width=st.integers(3, 9),
    length_penalty=st.sampled_from([0.0, 1.0]),
    temperature=st.sampled_from([0.5, 1.0]),
    max_events=st.sampled_from([3, 40]),
    variety=st.sampled_from([Diverse(), Diverse(2), Diverse(3, 4.0), Stochastic(5), Stochastic(6, top_p=0.8)]),
)
seeds = st.integers(0, 2**32 - 1)


def found_in(chain: ToyChain, config: BeamConfig) -> Search:
    return search(chain, chain.primed(), chain.rules(), config)


@quick
@given(seeds, configs)
def test_every_node_is_a_different_sequence_with_its_true_probability(seed: int, config: BeamConfig) -> None:
    chain = random_chain(seed, longest=6)
    tree = found_in(chain, config).tree
    sequences = [tree.hypothesis(node) for node in range(len(tree))]
    assert len({each.events.tobytes() for each in sequences}) == len(tree) > 0
    for node, each in enumerate(sequences):
        parent = tree.parents[node]
        assert PROMPT <= parent < node
        assert tree.lengths[node] == len(each.events) == (1 if parent == PROMPT else tree.lengths[parent] + 1)
        assert each.finished == tree.ended[node] == (each.events[-1, 1] == END or len(each.events) == 6)
        expected = log_prob_of(chain, each.events, config.temperature)
        np.testing.assert_allclose(each.log_probs, expected, atol=1e-12)
        assert tree.totals[node] == pytest.approx(sum(map(sum, expected)))


@quick
@given(seeds, configs)
def test_the_nodes_that_have_not_ended_are_what_the_stepper_read(seed: int, config: BeamConfig) -> None:
    chain = random_chain(seed, longest=6)
    tree = found_in(chain, config).tree
    going = np.bincount(tree.lengths[~tree.ended], minlength=2)[1:].tolist()
    assert chain.steps == going[: len(chain.steps)]
    assert max(going) <= config.width


@quick
@given(seeds, configs)
def test_the_hypotheses_are_nodes_of_the_tree(seed: int, config: BeamConfig) -> None:
    chain = random_chain(seed, longest=6)
    found = found_in(chain, config)
    for node, hypothesis in zip(found.nodes, found.hypotheses, strict=True):
        again = found.tree.hypothesis(node)
        assert again.events.tolist() == hypothesis.events.tolist()
        assert again.log_probs.tolist() == hypothesis.log_probs.tolist()
        assert again.finished == hypothesis.finished == found.tree.ended[node]
    alone = beam_search(chain, chain.primed(), chain.rules(), config)
    assert [each.events.tolist() for each in alone] == [each.events.tolist() for each in found.hypotheses]


@quick
@given(seeds, configs)
def test_a_branch_was_kept_until_the_longest_sequence_through_it(seed: int, config: BeamConfig) -> None:
    tree = found_in(random_chain(seed, longest=6), config).tree
    paths = [tree.path(node).tolist() for node in range(len(tree))]
    assert tree.kept_until.tolist() == [max(len(path) for path in paths if node in path) for node in range(len(tree))]


@quick
@given(seeds, st.integers(0, 2**16))
def test_a_search_can_go_on_from_any_branch(seed: int, choice: int) -> None:
    """From a node, as wide as what is left, it finds all sequences that go through the node."""
    chain = random_chain(seed, longest=3)
    tree = found_in(chain, BeamConfig(4)).tree
    living = np.flatnonzero(~tree.ended)
    node = int(living[choice % len(living)])
    begun = tree.hypothesis(node).events
    rules = chain.rules()
    for event in begun.tolist():
        for column, value in enumerate(event):
            rules.choose(column, value)
    primed = Primed(*chain.step(begun[None], chain.start(1)))
    found = beam_search(chain, primed, rules, BeamConfig(MAX_WIDTH))
    totals = {
        tuple(map(tuple, [*begun.tolist(), *each.events.tolist()])): tree.totals[node] + each.log_prob for each in found
    }
    beginning = tuple(map(tuple, begun.tolist()))
    every = {key: p for key, p in every_sequence(chain).items() if key[: len(beginning)] == beginning}
    assert totals == pytest.approx(every)


@quick
@given(seeds, configs)
def test_what_the_callback_was_shown_stays_true_when_it_is_looked_at_later(seed: int, config: BeamConfig) -> None:
    at_once: list[list[list[int]]] = []
    later: list[Sequence[Events]] = []

    def on_step(rows: Sequence[Events]) -> bool:
        at_once.append([events.tolist() for events in rows])
        later.append(rows)
        return True

    chain = random_chain(seed, longest=6)
    search(chain, chain.primed(), chain.rules(), config, on_step=on_step)
    assert [[events.tolist() for events in rows] for rows in later] == at_once
    assert [rows[-1].tolist() for rows in later] == [rows[-1] for rows in at_once]
    assert [events.tolist() for events in later[0][1:]] == at_once[0][1:]


def test_a_long_search_keeps_all_of_its_nodes() -> None:
    chain = random_chain(6, longest=300)
    chain.first[:, END] = -20.0
    tree = found_in(chain, BeamConfig(3)).tree
    assert np.bincount(tree.lengths).tolist() == [0] + [3] * 300
    assert tree.kept_until.max() == 300


def test_rules_that_have_ended_leave_a_tree_without_nodes() -> None:
    found = found_in(random_chain(1, longest=0), BeamConfig(3))
    assert (found.nodes, len(found.tree), found.tree.kept_until.tolist()) == ([PROMPT], 0, [])
    assert [(each.events.shape, each.finished) for each in found.hypotheses] == [((0, 3), True)]
