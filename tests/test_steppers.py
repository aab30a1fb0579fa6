"""Laws of every stepper: a row is itself in any company, and says what the network says."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.decoding.onnx_stepper import OnnxStepper
from musicdemo.decoding.stepper import Events, Hidden, State, Stepper
from musicdemo.decoding.torch_stepper import TorchStepper
from musicdemo.models.base import AttentionConfig
from musicdemo.models.build import Network
from musicdemo.models.onnx_graph import step_graphs
from tests.tiny import NETWORKS, PREDICTED, SIZES, random_events, tiny_config, tiny_model

STEPPERS: dict[str, Callable[[Network], Stepper]] = {
    "torch": TorchStepper,
    "onnx": lambda network: OnnxStepper(step_graphs(network)),
    "onnx fp32": lambda network: OnnxStepper(step_graphs(network, precision="fp32")),
}
EXACT = ("torch", "onnx fp32")
COLUMNS = [column for column, predicted in enumerate(PREDICTED) if predicted]
quick = settings(max_examples=12, deadline=None, derandomize=True)

each_stepper = pytest.mark.parametrize("kind", STEPPERS)
each_architecture = pytest.mark.parametrize("architecture", NETWORKS)


@cache
def stepper(kind: str, architecture: str, hidden: int, layers: int = 2) -> Stepper:
    return STEPPERS[kind](tiny_model(tiny_config(architecture, hidden=hidden, layers=layers), spread=2.0))


def told(model: Stepper, prompt: Events, later: Events) -> tuple[Hidden, State]:
    """Read a prompt (1, T, C), open one row for each of `later` (B, T, C), and read that event by event."""
    _, state = model.step(prompt, model.start(1))
    state = model.select(state, [0] * len(later))
    hidden = np.zeros((0, 0), dtype=np.float32)
    for t in range(later.shape[1]):
        hidden, state = model.step(later[:, t : t + 1], state)
    return hidden, state


@quick
@each_stepper
@given(
    st.tuples(st.sampled_from(list(NETWORKS)), st.sampled_from([1, 7, 16, 33, 96])),
    st.sampled_from([2, 3, 8, 9, 33, 64]),
    st.integers(1, 4),
    st.integers(0, 99),
)
def test_a_row_among_others_is_the_row_alone_bit_for_bit(
    kind: str, shape: tuple[str, int], rows: int, length: int, seed: int
) -> None:
    model = stepper(kind, *shape)
    prompt, later = random_events((1, 5), random_seed=seed), random_events((rows, length), random_seed=seed + 1)
    together, _ = told(model, prompt, later)
    scores = [model.logits(together, later[:, -1, :column]) for column in COLUMNS]
    for row in range(rows):
        alone, _ = told(model, prompt, later[row : row + 1])
        assert np.array_equal(alone[0], together[row])
        for column, among in zip(COLUMNS, scores, strict=True):
            assert np.array_equal(model.logits(alone, later[row : row + 1, -1, :column])[0], among[row])


@each_stepper
@each_architecture
def test_whole_prompts_side_by_side_are_each_prompt_alone_bit_for_bit(kind: str, architecture: str) -> None:
    model, prompts = stepper(kind, architecture, 33), random_events((4, 9))
    middle = model.step(prompts, model.start(4))[1]
    together, _ = model.step(prompts, middle)
    for row in range(4):
        own = model.step(prompts[row : row + 1], model.start(1))[1]
        assert np.array_equal(model.step(prompts[row : row + 1], own)[0][0], together[row])


@each_stepper
@each_architecture
def test_rows_that_were_selected_go_on_as_those_they_were(kind: str, architecture: str) -> None:
    model, events, more = stepper(kind, architecture, 16), random_events((4, 3)), random_events((4, 1), random_seed=1)
    _, state = model.step(events, model.start(4))
    rows = [3, 1, 1, 0, 2, 3]
    whole, _ = model.step(more, state)
    chosen, _ = model.step(more[rows], model.select(state, rows))
    assert np.array_equal(chosen, whole[rows])


@each_stepper
@each_architecture
def test_rows_that_were_joined_go_on_as_if_each_were_alone(kind: str, architecture: str) -> None:
    model, more = stepper(kind, architecture, 16), random_events((6, 2), random_seed=1)
    states = [model.step(random_events((rows, 4 * rows), random_seed=rows), model.start(rows))[1] for rows in (1, 2, 3)]
    together, _ = model.step(more, model.join(states))
    parts = [more[:1], more[1:3], more[3:]]
    alone = [model.step(part, state)[0] for part, state in zip(parts, states, strict=True)]
    assert np.array_equal(together, np.concatenate(alone))


@each_stepper
@each_architecture
def test_a_state_can_be_gone_on_from_in_several_ways(kind: str, architecture: str) -> None:
    model, ways = stepper(kind, architecture, 16), [random_events((1, 140), random_seed=seed) for seed in (1, 2, 1)]
    _, state = model.step(random_events((1, 5)), model.start(1))
    first, other, again = (model.step(way, state)[0] for way in ways)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@each_stepper
@each_architecture
def test_threads_that_share_a_stepper_do_not_disturb_each_other(kind: str, architecture: str) -> None:
    model = stepper(kind, architecture, 33)
    _, state = model.step(random_events((1, 5)), model.start(1))
    ways = [random_events((1, 40), random_seed=seed) for seed in range(8)]
    alone = [model.step(way, state)[0] for way in ways]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda way: model.step(way, state)[0], ways))
    assert np.array_equal(np.stack(alone), np.stack(together))


@pytest.mark.parametrize("kind", EXACT)
@each_architecture
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_it_says_what_the_network_says(kind: str, architecture: str, layers: int) -> None:
    network = tiny_model(tiny_config(architecture, layers=layers), spread=2.0)
    model, events, following = STEPPERS[kind](network), random_events((3, 8)), random_events((3,), random_seed=1)
    with torch.inference_mode():
        hidden, _ = network.read(torch.from_numpy(events), network.start(3))
    stepped, state = model.step(events[:, :4], model.start(3))
    for t in range(4, 8):
        stepped, state = model.step(events[:, t : t + 1], state)
    tolerance = 1e-4 if network.config.attention else 1e-5  # what attention looks for sharply rounds more
    for column in COLUMNS:
        with torch.inference_mode():
            expected = network.logits(hidden[:, -1], torch.from_numpy(following), column)
        scored = model.logits(stepped, following[:, :column])
        assert scored.dtype == np.float64 and scored.shape == (3, SIZES[column])
        np.testing.assert_allclose(scored, expected.numpy(), rtol=0, atol=tolerance)


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("window", [1, 6, 64, 100])
def test_a_long_past_is_looked_at_as_far_as_the_window_reaches(kind: str, heads: int, window: int) -> None:
    network = tiny_model(tiny_config("lstm", hidden=12, attention=AttentionConfig(heads, window)))
    model, events, following = STEPPERS[kind](network), random_events((2, 170)), random_events((2,), random_seed=1)
    with torch.inference_mode():
        hidden, _ = network.read(torch.from_numpy(events), network.start(2))
        expected = [network.logits(hidden[:, -1], torch.from_numpy(following), column) for column in COLUMNS]
    stepped, state = model.step(events[:, :5], model.start(2))
    for t in range(5, 170):
        stepped, state = model.step(events[:, t : t + 1], state)
    for column, scores in zip(COLUMNS, expected, strict=True):
        np.testing.assert_allclose(model.logits(stepped, following[:, :column]), scores.numpy(), rtol=0, atol=1e-4)


@each_stepper
@each_architecture
def test_it_predicts_what_the_network_predicts_and_leaves_its_arguments_alone(kind: str, architecture: str) -> None:
    model, events = stepper(kind, architecture, 7), random_events((2, 3))
    assert model.predicted == PREDICTED
    hidden, _ = model.step(events, model.start(2))
    kept, kept_events = hidden.copy(), events.copy()
    model.logits(hidden, events[:, 0, :1])
    assert np.array_equal(hidden, kept)
    assert np.array_equal(events, kept_events)
