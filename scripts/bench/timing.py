"""Times of actions, and the two things that a step is compared with: reading its weights, and a plain loop."""

import time
import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from musicdemo.models.base import ModelConfig

Name = TypeVar("Name")

TURN = 5
VOCABULARY = 512
"""Values of the plain loop's one head."""


def least_seconds(action: Callable[[], object], *, times: int) -> float:
    """Least wall time of an action after a run to warm up: what it takes where nothing else disturbs it."""
    action()
    return min(_seconds(action) for _ in range(times))


def least_of_each(actions: dict[Name, Callable[[], object]], *, times: int) -> dict[Name, float]:
    """Least wall time of several actions in turns, so that a busy moment falls on all of them.

    In its turn each runs a few times, the first of which finds the weights of the others in the processor's caches.
    """
    rounds = [{name: least_seconds(action, times=TURN) for name, action in actions.items()} for _ in range(times)]
    return {name: min(taken[name] for taken in rounds) for name in actions}


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def recurrent_weights(config: ModelConfig) -> int:
    """Count the numbers in the matrices of an LSTM's layers, which a step must read."""
    below = [config.embedding] + [config.hidden] * (config.layers - 1)
    return sum(4 * config.hidden * (inputs + config.hidden) for inputs in below)


def weight_read(count: int) -> Callable[[], object]:
    """Read `count` weights of 8 bits once and do nothing with them: the floor under every step."""
    weights = np.random.default_rng(0).integers(0, 2**63, size=count // 8)

    def read() -> object:
        return np.bitwise_or.reduce(weights)

    return read


def plain_loop(config: ModelConfig) -> Callable[[], object]:
    """One event of the loop that one would write first: embedding, nn.LSTM, one linear head, softmax, a draw."""
    torch.manual_seed(0)
    embedding = nn.Embedding(VOCABULARY, config.embedding)
    layers = nn.LSTM(config.embedding, config.hidden, config.layers, batch_first=True)
    head = nn.Linear(config.hidden, VOCABULARY)
    token, state = torch.zeros(1, 1, dtype=torch.long), None

    @torch.inference_mode()
    def step() -> object:
        nonlocal token, state
        hidden, state = layers(embedding(token), state)
        token = torch.multinomial(torch.softmax(head(hidden[:, -1]), dim=-1), 1)
        return token

    return step


def without_onednn(step: Callable[[], object]) -> Callable[[], object]:
    """Return the same action without oneDNN, which repacks the weights of nn.LSTM at every call."""

    def slim() -> object:
        with warnings.catch_warnings(action="ignore"), torch.backends.mkldnn.flags(enabled=False):
            return step()

    return slim
