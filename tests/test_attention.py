"""Laws of attention, held to its equations evaluated number by number in plain Python."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from musicdemo.models.attention import AttentionModel, PastAttention
from musicdemo.models.base import AttentionConfig
from tests.tiny import random_events, tiny_config, tiny_model

Vector = list[float]


def affine(layer: nn.Module, vector: Vector) -> Vector:
    """M v + b, by its definition."""
    parameters = {name: value.tolist() for name, value in layer.named_parameters()}
    bias = parameters.get("bias", [0.0] * len(parameters["weight"]))
    return [
        math.fsum(m * v for m, v in zip(row, vector, strict=True)) + b
        for row, b in zip(parameters["weight"], bias, strict=True)
    ]


def normed(layer: nn.LayerNorm, vector: Vector) -> Vector:
    """LayerNorm by its definition (Ba, Kiros & Hinton 2016, eq. 4)."""
    mean = math.fsum(vector) / len(vector)
    spread = math.fsum((v - mean) ** 2 for v in vector) / len(vector)
    gains, biases = layer.weight.tolist(), layer.bias.tolist()
    return [g * (v - mean) / (spread + layer.eps) ** 0.5 + b for v, g, b in zip(vector, gains, biases, strict=True)]


def by_the_book(block: PastAttention, hidden: list[Vector], before: Vector, embedded: list[Vector]) -> list[list[Any]]:
    """What is read after each of the events, and its weights over all of them, head by head."""
    heads, window = block.config.heads, block.config.window
    units = len(before) // heads
    queries = [affine(block.query, normed(block.norm, h)) for h in hidden]
    keys = [affine(block.key, normed(block.norm, h)) for h in (before, *hidden[:-1])]
    values = [affine(block.value, e) for e in embedded]
    read: list[Vector] = []
    weights: list[list[Vector]] = []
    for t, q in enumerate(queries):
        mixed: Vector = []
        weights.append([])
        for head in range(heads):
            part = slice(head * units, (head + 1) * units)
            odds = [0.0] * len(hidden)
            for j in range(max(0, t - window + 1), t + 1):
                odds[j] = math.exp(math.fsum(map(math.prod, zip(q[part], keys[j][part], strict=True))) / units**0.5)
            shares = [value / math.fsum(odds) for value in odds]
            weights[-1].append(shares)
            mixed += [math.fsum(w * v[part][k] for w, v in zip(shares, values, strict=True)) for k in range(units)]
        read.append(affine(block.out, mixed))
    return [read, weights]


def empty_memory(rows: int, units: int) -> tuple[Tensor, Tensor, Tensor]:
    nothing = torch.zeros(1, rows, 0, units)
    return nothing, nothing, torch.zeros(1, rows, 1, dtype=torch.int64)


@pytest.mark.parametrize(("heads", "window"), [(1, 3), (2, 3), (3, 50)])
def test_the_block_is_its_equations(heads: int, window: int) -> None:
    torch.manual_seed(heads)
    block = PastAttention(4, 6, AttentionConfig(heads, window))
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    hidden, before, embedded = torch.randn(1, 7, 6), torch.randn(1, 6), torch.randn(1, 7, 4)
    with torch.inference_mode():
        read, _ = block(hidden, before, embedded, empty_memory(1, 6))
        weights = block.weights(hidden, before, embedded, empty_memory(1, 6))
    by_hand, shares = by_the_book(block, hidden[0].tolist(), before[0].tolist(), embedded[0].tolist())
    torch.testing.assert_close(read[0], torch.tensor(by_hand), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(weights[0], torch.tensor(shares).transpose(0, 1), rtol=1e-5, atol=1e-5)


def test_a_recurrent_network_that_is_given_attention_begins_as_what_it_was() -> None:
    torch.manual_seed(0)
    plain, config = tiny_model(tiny_config(), spread=2.0), tiny_config("attention")
    model = AttentionModel(config)
    lacking = model.load_state_dict(plain.state_dict(), strict=False)
    assert not lacking.unexpected_keys and all(name.startswith("attention.") for name in lacking.missing_keys)
    events = torch.from_numpy(random_events((2, 9)))
    hidden, _ = model.eval().read(events, model.start(2))
    assert torch.equal(hidden, plain.read(events, plain.start(2))[0])
    torch.autograd.backward(hidden.sum())
    assert model.attention.out.weight.grad is not None and model.attention.out.weight.grad.any()  # and learns


def test_from_the_first_step_a_context_that_comes_again_finds_what_followed_it() -> None:
    block = PastAttention(3, 64, AttentionConfig(heads=1, window=20))
    torch.manual_seed(0)
    bar = torch.randn(1, 8, 64)
    hidden = torch.cat([bar, bar], dim=1)
    weights = block.weights(hidden, torch.zeros(1, 64), torch.randn(1, 16, 3), empty_memory(1, 64))
    for t in range(8, 15):
        assert int(weights[0, 0, t].argmax()) == t - 7  # the event behind the one that is as t, a bar before
        assert weights[0, 0, t].max() > 0.5


def test_weights_are_shares_of_the_window_and_name_the_same_events_however_they_are_read() -> None:
    config = tiny_config("attention", hidden=8, attention=AttentionConfig(heads=2, window=5))
    model = tiny_model(config)
    assert isinstance(model, AttentionModel)
    events = torch.from_numpy(random_events((2, 12)))
    with torch.inference_mode():
        whole = model.weights(events, model.start(2))
        _, state = model.read(events[:, :9], model.start(2))
        tail = model.weights(events[:, 9:], state)  # looks at the 4 that are remembered and at itself
    torch.testing.assert_close(whole.sum(dim=-1), torch.ones(2, 2, 12))
    for t in range(12):
        seen = whole[:, :, t] > 0
        assert seen[..., max(0, t - 4) : t + 1].all() and seen.sum() == 2 * 2 * min(5, t + 1)
    torch.testing.assert_close(tail, whole[:, :, 9:, 5:], rtol=0, atol=1e-5)


def test_the_memory_never_grows_beyond_the_window() -> None:
    model = tiny_model(tiny_config("attention"))
    state = model.start(1)
    with torch.inference_mode():
        for length in (3, 1, 9, 1, 1):
            _, state = model.read(torch.from_numpy(random_events((1, length))), state)
            assert state[-3].shape[2] == state[-2].shape[2] == int(state[-1]) <= 5


def test_what_fell_out_of_the_window_reaches_attention_no_more() -> None:
    model = tiny_model(tiny_config("attention"), spread=2.0)
    assert isinstance(model, AttentionModel)
    weights = model.weights(torch.from_numpy(random_events((1, 20))), model.start(1))
    assert not weights[0, 0, 15, :10].any()
