"""Small chorales, piano-rolls and networks for the tests of the benchmarks, and spaces small enough to sum over."""

import itertools

import numpy as np
import torch
from torch import Tensor

from musicdemo.models.build import Network
from tests.tiny import tiny_config, tiny_model
from training.benchmarks import jsb
from training.benchmarks.boulanger import KEYS, Frame
from training.benchmarks.columns import Events, Layout
from training.benchmarks.scoring import LogProbs

CHORALE = np.array([[72, 67, 60, 48], [72, 67, 60, 48], [74, 65, 59, 50], [74, -1, 59, 50], [72, 64, 60, 48]])
"""Steps of soprano, alto, tenor and bass."""

SMALL_KEYS = 4
FRAME = Frame(slots=SMALL_KEYS)
SUNG = (-1, jsb.LOWEST, jsb.LOWEST + 1)
"""A rest and two pitches: with four voices 81 different steps."""


def network(layout: Layout, *, random_seed: int = 0) -> Network:
    """An untrained network that is far from uniform."""
    config = tiny_config("gru", sizes=layout.sizes, predicted=layout.predicted, relative=layout.relative)
    return tiny_model(config, random_seed=random_seed, spread=2.0)


def rolls(*frames: set[int]) -> np.ndarray:
    """A piano-roll with these keys (0-87) down."""
    roll = np.zeros((len(frames), KEYS), np.uint8)
    for step, keys in enumerate(frames):
        roll[step, sorted(keys)] = 1
    return roll


def only_small_keys(events: Tensor, column: int) -> Tensor:
    """The protocol's mask on a keyboard of SMALL_KEYS keys."""
    possible = FRAME.allowed(events, column)
    return possible & (torch.arange(possible.shape[-1]) < 2 + SMALL_KEYS)


def only_sung(events: Tensor, column: int) -> Tensor:
    """Voices that can only do what SUNG lists: values 1, 2 and 3."""
    values = torch.arange(jsb.LAYOUT.sizes[column])
    return ((values >= 1) & (values <= len(SUNG))).expand(*events.shape[:-1], -1)


def frame_subsets() -> list[set[int]]:
    return [set(keys) for size in range(SMALL_KEYS + 1) for keys in itertools.combinations(range(SMALL_KEYS), size)]


def all_steps(past: np.ndarray) -> list[Events]:
    """The past (T, 4) gone on with by each of the 81 steps, as events."""
    return [jsb.encode(np.concatenate([past, [step]])) for step in itertools.product(SUNG, repeat=4)]


def total(scored: LogProbs) -> np.ndarray:
    """The probability of each piece."""
    return np.exp([part.sum() for part in scored])


PAST = np.array([[jsb.LOWEST, -1, jsb.LOWEST + 1, jsb.LOWEST]] * 3 + [[-1] * 4] + [[jsb.LOWEST] * 4])
