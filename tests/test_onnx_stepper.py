"""Laws of the memory of OnnxStepper, held to the definition of attention; test_steppers has what all steppers share."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from musicdemo.decoding.onnx_past import BLOCK, Past
from musicdemo.decoding.onnx_stepper import OnnxStepper
from musicdemo.models.base import AttentionConfig
from musicdemo.models.onnx_graph import step_graphs
from tests.tiny import random_events, tiny_config, tiny_model

quick = settings(max_examples=30, deadline=None, derandomize=True)
Vector = NDArray[np.float32]
UNITS = 6


def vectors(seed: int) -> tuple[Vector, Vector]:
    """Key and value (UNITS,) of an event."""
    key, value = np.random.default_rng(seed).normal(size=(2, UNITS)).astype(np.float32)
    return key, value


def by_definition(heads: int, window: int, events: list[tuple[Vector, Vector]], query: Vector) -> list[float]:
    """softmax over the last `window` events, head by head, in plain Python."""
    width, read = UNITS // heads, list[float]()
    for head in range(heads):
        own = slice(head * width, (head + 1) * width)
        seen = [(key[own].tolist(), value[own].tolist()) for key, value in events[-window:]]
        weights = [math.exp(math.fsum(q * k for q, k in zip(query[own].tolist(), key, strict=True))) for key, _ in seen]
        total = math.fsum(weights)
        for unit in range(width):
            read.append(math.fsum(w * value[unit] for w, (_, value) in zip(weights, seen, strict=True)) / total)
    return read


@quick
@given(
    st.sampled_from([1, 2, 3]),
    st.sampled_from([1, 2, 5, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK]),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, BLOCK + 2)), min_size=1, max_size=8),
)
def test_every_branch_of_a_past_reads_its_own_events_and_no_others(
    heads: int, window: int, growth: list[tuple[int, int]]
) -> None:
    branches = [(Past(heads, window), list[tuple[Vector, Vector]]())]
    for parent, length in growth:  # an older branch goes on, beside those that went on from it before
        past, events = branches[parent % len(branches)]
        for _ in range(length):
            event = vectors(len(branches) * 10_000 + len(events))
            past, events = past.followed_by(*event), [*events, event]
        branches.append((past, events))
    query = vectors(7)[0]
    for past, events in branches[1:]:
        np.testing.assert_allclose(past.read(query), by_definition(heads, window, events, query), rtol=0, atol=1e-5)


@pytest.mark.parametrize("window", [1, BLOCK, 2 * BLOCK + 1])
def test_what_has_left_the_window_is_forgotten(window: int) -> None:
    past = Past(1, window)
    for event in range(6 * BLOCK):
        past = past.followed_by(*vectors(event))
        assert len(past.blocks) <= math.ceil(window / BLOCK) + 1


def test_a_branch_shares_all_blocks_but_the_open_one() -> None:
    trunk = Past(2, 4 * BLOCK)
    for event in range(2 * BLOCK + 5):
        trunk = trunk.followed_by(*vectors(event))
    first, second = (trunk.followed_by(*vectors(event)) for event in (1000, 1001))
    assert [block is shared for block, shared in zip(first.blocks, trunk.blocks, strict=True)] == [True, True, True]
    assert [block is shared for block, shared in zip(second.blocks, trunk.blocks, strict=True)] == [True, True, False]


def test_selecting_a_row_often_copies_nothing_that_it_remembers() -> None:
    model = OnnxStepper(step_graphs(tiny_model(tiny_config("gru", hidden=8, attention=AttentionConfig(2, 4 * BLOCK)))))
    _, state = model.step(random_events((1, BLOCK + 3)), model.start(1))
    many = model.select(state, [0] * 16)
    assert all(past is state.pasts[0] for past in many.pasts)


def test_a_step_without_events_is_refused() -> None:
    model = OnnxStepper(step_graphs(tiny_model(tiny_config())))
    with pytest.raises(ValueError, match="at least one event"):
        model.step(random_events((1, 0)), model.start(1))
