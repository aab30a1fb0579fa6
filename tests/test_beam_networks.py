"""Laws of beam search on real networks, through every stepper: what is found is what the network says, read whole."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from musicdemo.decoding.beam_groups import Diverse, normalised_score
from musicdemo.decoding.beam_gumbel import Stochastic
from musicdemo.decoding.beam_search import MAX_WIDTH, BeamConfig, beam_search
from musicdemo.decoding.onnx_stepper import OnnxStepper
from musicdemo.decoding.sampling import SamplingConfig, sample
from musicdemo.decoding.stepper import Events, Hypothesis, Primed, Stepper
from musicdemo.decoding.torch_stepper import TorchStepper
from musicdemo.models.build import Network
from musicdemo.models.onnx_graph import step_graphs
from tests.tiny import NETWORKS, random_events, tiny_config, tiny_model
from tests.toy_stepper import Event, ToyRules, every_sequence, random_chain

STEPPERS: dict[str, tuple[Callable[[Network], Stepper], float]] = {
    "torch": (TorchStepper, 2e-5),
    "onnx": (lambda network: OnnxStepper(step_graphs(network, precision="fp32")), 1e-4),
    "onnx int8": (lambda network: OnnxStepper(step_graphs(network)), 0.25),  # coarse for networks of seven units
}
"""How each is made, and how far it may be off in a log-probability, in nats."""

SIZES, PREDICTED = (2, 4, 3), (False, True, True)
"""The columns of ToyRules, so that its rules hold for networks, too."""

PROMPT = random_events((5,), sizes=SIZES, random_seed=3)
VARIETIES = (Diverse(), Diverse(2, 1.0), Diverse(4, 0.5), Stochastic(8), Stochastic(9, top_p=0.8))


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Network:
    config = tiny_config(request.param, sizes=SIZES, predicted=PREDICTED, relative=((2, 1),))
    return tiny_model(config, spread=2.0)


@pytest.fixture(params=STEPPERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stepper(kind: str, network: Network) -> Stepper:
    return STEPPERS[kind][0](network)


@pytest.fixture
def tolerance(kind: str) -> float:
    return STEPPERS[kind][1]


def search(stepper: Stepper, config: BeamConfig, *, longest: int = 6) -> list[Hypothesis]:
    primed = Primed(*stepper.step(PROMPT[None], stepper.start(1)))
    return beam_search(stepper, primed, ToyRules(longest), config)


def as_key(hypothesis: Hypothesis) -> tuple[Event, ...]:
    return tuple(tuple(event) for event in hypothesis.events.tolist())


def forced(network: Network, events: Events, *, longest: int, temperature: float) -> list[list[float]]:
    """The log-probability of every value (T, 3), from one reading of the whole piece, under the same rules."""
    piece = torch.from_numpy(np.concatenate((PROMPT, events)))[None]
    with torch.inference_mode():
        hidden, _ = network.read(piece, network.start(1))
    rules, scores = ToyRules(longest), []
    for event, before in zip(events, hidden[0, len(PROMPT) - 1 :], strict=False):
        row = [0.0, 0.0, 0.0]
        for column in range(3):
            if column and not rules.finished:
                with torch.inference_mode():
                    logits = network.logits(before[None], torch.from_numpy(event)[None], column)[0].double()
                allowed = torch.from_numpy(rules.constrain(column, logits.numpy()))
                row[column] = float((allowed / temperature).log_softmax(0)[event[column]])
            if not rules.finished:
                rules.choose(column, int(event[column]))
        scores.append(row)
    return scores


def total(scores: Sequence[Sequence[float]]) -> float:
    return sum(map(sum, scores))


def test_a_beam_as_wide_as_the_space_ranks_it_as_brute_force_does(
    network: Network, stepper: Stepper, tolerance: float
) -> None:
    every = {
        key: forced(network, np.array(key), longest=2, temperature=1.0)
        for key in every_sequence(random_chain(0, longest=2))
    }
    scores = {key: normalised_score(total(each), len(key), 1.0) for key, each in every.items()}
    found = search(stepper, BeamConfig(MAX_WIDTH), longest=2)
    assert len({as_key(each) for each in found}) == len(found) == len(every)
    np.testing.assert_allclose(
        [scores[as_key(each)] for each in found], sorted(scores.values(), reverse=True), atol=2 * tolerance
    )
    for width in (1, 2, 3, 5, 8):  # none finds a better one than there is
        (best, *_) = search(stepper, BeamConfig(width), longest=2)
        assert as_key(best) in scores
        assert normalised_score(best.log_prob, len(best.events), 1.0) <= max(scores.values()) + tolerance


def test_stochastic_beams_as_wide_as_the_space_draw_all_of_it_once(stepper: Stepper) -> None:
    found = search(stepper, BeamConfig(MAX_WIDTH, variety=Stochastic(2)), longest=2)
    assert sorted(map(as_key, found)) == sorted(every_sequence(random_chain(0, longest=2)))


def test_width_1_is_greedy(stepper: Stepper) -> None:
    primed = Primed(*stepper.step(PROMPT[None], stepper.start(1)))
    (greedy,) = sample(stepper, primed, ToyRules(6), SamplingConfig(temperature=0.0))
    (found,) = search(stepper, BeamConfig(1))
    assert found.events.tolist() == greedy.events.tolist()
    assert found.log_probs.tolist() == greedy.log_probs.tolist()


@pytest.mark.parametrize("variety", VARIETIES, ids=str)
@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_what_is_found_is_different_and_has_the_probability_that_the_network_gives_it(
    network: Network, stepper: Stepper, tolerance: float, variety: Diverse | Stochastic, temperature: float
) -> None:
    found = search(stepper, BeamConfig(6, temperature=temperature, variety=variety))
    assert len({as_key(each) for each in found}) == len(found) >= 2
    for each in found:
        expected = forced(network, each.events, longest=6, temperature=temperature)
        np.testing.assert_allclose(each.log_probs, expected, atol=tolerance / temperature)


@pytest.mark.parametrize("variety", VARIETIES[:4:3], ids=str)
def test_a_sequence_has_the_same_numbers_in_a_search_of_any_width(
    stepper: Stepper, variety: Diverse | Stochastic
) -> None:
    narrow, wide = (
        {as_key(each): each for each in search(stepper, BeamConfig(width, variety=variety))} for width in (3, 12)
    )
    shared = narrow.keys() & wide.keys()
    assert shared
    for key in shared:
        assert narrow[key].log_probs.tolist() == wide[key].log_probs.tolist()


def test_the_first_draws_of_a_wide_search_are_those_of_a_narrow_one(stepper: Stepper) -> None:
    narrow, wide = (search(stepper, BeamConfig(width, variety=Stochastic(4))) for width in (3, 12))
    assert [as_key(each) for each in narrow] == [as_key(each) for each in wide[:3]]
