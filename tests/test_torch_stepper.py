"""Laws of the reference stepper: a row is itself in any company, and says what the network says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.decoding.stepper import Events, Hidden
from musicdemo.decoding.torch_stepper import State, TorchStepper
from tests.tiny import NETWORKS, PREDICTED, SIZES, random_events, tiny_config, tiny_model

COLUMNS = [column for column, predicted in enumerate(PREDICTED) if predicted]
quick = settings(max_examples=12, deadline=None, derandomize=True)


def stepper(architecture: str, hidden: int, layers: int = 2) -> TorchStepper:
    return TorchStepper(tiny_model(tiny_config(architecture, hidden=hidden, layers=layers), spread=2.0))


def told(model: TorchStepper, prompt: Events, later: Events) -> tuple[Hidden, State]:
    """Read a prompt (1, T, C), open one row for each of `later` (B, T, C), and read that event by event."""
    _, state = model.step(prompt, model.start(1))
    state = model.select(state, [0] * len(later))
    hidden = np.zeros((0, 0), dtype=np.float32)
    for t in range(later.shape[1]):
        hidden, state = model.step(later[:, t : t + 1], state)
    return hidden, state


@quick
@given(
    st.sampled_from(list(NETWORKS)),
    st.sampled_from([1, 7, 16, 33, 96]),
    st.integers(2, 9),
    st.integers(1, 4),
    st.integers(0, 99),
)
def test_a_row_among_others_is_the_row_alone_bit_for_bit(
    architecture: str, units: int, rows: int, length: int, seed: int
) -> None:
    model = stepper(architecture, units)
    prompt, later = random_events((1, 5), random_seed=seed), random_events((rows, length), random_seed=seed + 1)
    together, states = told(model, prompt, later)
    for row in range(rows):
        alone, state = told(model, prompt, later[row : row + 1])
        assert np.array_equal(alone[0], together[row])
        assert all(torch.equal(part[:, 0], parts[:, row]) for part, parts in zip(state, states, strict=True))
        for column in COLUMNS:
            partial = later[:, -1, :column]
            one = model.logits(alone, partial[row : row + 1])
            assert np.array_equal(one[0], model.logits(together, partial)[row])


@pytest.mark.parametrize("architecture", NETWORKS)
def test_whole_prompts_side_by_side_are_each_prompt_alone_bit_for_bit(architecture: str) -> None:
    model, prompts = stepper(architecture, 33), random_events((4, 9))
    middle = model.step(prompts, model.start(4))[1]
    together, _ = model.step(prompts, middle)
    for row in range(4):
        own = model.step(prompts[row : row + 1], model.start(1))[1]
        assert np.array_equal(model.step(prompts[row : row + 1], own)[0][0], together[row])


@pytest.mark.parametrize("architecture", NETWORKS)
def test_rows_that_were_selected_go_on_as_those_they_were(architecture: str) -> None:
    model, events, more = stepper(architecture, 16), random_events((4, 3)), random_events((4, 1), random_seed=1)
    _, state = model.step(events, model.start(4))
    rows = [3, 1, 1, 0, 2, 3]
    whole, _ = model.step(more, state)
    chosen, _ = model.step(more[rows], model.select(state, rows))
    assert np.array_equal(chosen, whole[rows])


@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("layers", [2, 3])
def test_it_says_what_the_network_says(architecture: str, layers: int) -> None:
    network = tiny_model(tiny_config(architecture, layers=layers), spread=2.0)
    model, events, following = TorchStepper(network), random_events((3, 8)), random_events((3,), random_seed=1)
    with torch.inference_mode():
        hidden, _ = network.read(torch.from_numpy(events), network.start(3))
    stepped, state = model.step(events[:, :4], model.start(3))
    for t in range(4, 8):
        stepped, state = model.step(events[:, t : t + 1], state)
    np.testing.assert_allclose(stepped, hidden[:, -1].numpy(), rtol=0, atol=1e-5)
    for column in COLUMNS:
        with torch.inference_mode():
            expected = network.logits(hidden[:, -1], torch.from_numpy(following), column)
        scored = model.logits(stepped, following[:, :column])
        assert scored.dtype == np.float64 and scored.shape == (3, SIZES[column])
        np.testing.assert_allclose(scored, expected.numpy(), rtol=0, atol=1e-5)


def test_it_predicts_the_columns_that_the_network_predicts_and_leaves_its_arguments_alone() -> None:
    model, events = stepper("lstm", 7), random_events((2, 3))
    assert model.predicted == PREDICTED
    state = model.start(2)
    kept, kept_events = [part.clone() for part in state], events.copy()
    hidden, _ = model.step(events, state)
    model.logits(hidden, events[:, 0, :1])
    assert all(torch.equal(before, after) for before, after in zip(kept, state, strict=True))
    assert np.array_equal(events, kept_events)
