"""Laws of sharing a network: who else decodes at the same time changes nothing but speed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from musicdemo.decoding.sampling import SamplingConfig, sample
from musicdemo.decoding.shared_stepper import SharedStepper
from musicdemo.decoding.stepper import Events, Hidden, Primed
from musicdemo.decoding.torch_stepper import TorchStepper
from tests.tiny import NETWORKS, random_events, tiny_config, tiny_model
from tests.toy_stepper import ToyChain, ToyRules, random_chain

COMPANY = 6


class Gated(TorchStepper):
    """The reference stepper, which waits before each step until `gate` is open; it counts the rows of each call."""

    def __init__(self, network: Any) -> None:
        super().__init__(network)
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.rows: list[int] = []

    def step(self, events: Events, state: Any) -> tuple[Hidden, Any]:
        self.rows.append(len(events))
        self.entered.set()
        assert self.gate.wait(30)
        return super().step(events, state)


@pytest.mark.parametrize("architecture", NETWORKS)
def test_who_comes_while_another_is_computed_shares_the_next_batch_and_gets_what_it_would_alone(
    architecture: str,
) -> None:
    network = tiny_model(tiny_config(architecture), spread=2.0)
    inner, reference = Gated(network), TorchStepper(network)
    shared = SharedStepper(inner)
    prompts = [random_events((1 + caller % 2, 4), random_seed=caller) for caller in range(COMPANY)]
    with ThreadPoolExecutor(COMPANY) as pool:
        first = pool.submit(shared.step, prompts[0], shared.start(1))
        assert inner.entered.wait(30)
        others = [pool.submit(shared.step, events, shared.start(len(events))) for events in prompts[1:]]
        while len(shared._gathered) < len(others):
            threading.Event().wait(0.001)
        inner.gate.set()
        answers = [future.result(30) for future in (first, *others)]
    assert inner.rows[0] == 1
    assert inner.rows[1] >= sum(map(len, prompts[1:]))  # and the first one's next event, where that comes in time
    for events, (hidden, state) in zip(prompts, answers, strict=True):
        alone, alone_state = reference.step(events[:, :1], reference.start(len(events)))
        for event in range(1, events.shape[1]):
            alone, alone_state = reference.step(events[:, event : event + 1], alone_state)
        assert np.array_equal(hidden, alone)
        for row, alone_row in zip(state, alone_state, strict=True):
            assert all(np.array_equal(mine, its) for mine, its in zip(row, alone_row, strict=True))


def decoded(stepper: Any, chain: ToyChain, seed: int) -> list[Any]:
    primed = Primed(*stepper.step(np.zeros((1, 3, 3), dtype=np.int64), stepper.start(1)))
    rows = sample(stepper, primed, ToyRules(40), SamplingConfig(seed=seed, rows=(0, 1, 2)))
    return [(row.events.tolist(), row.log_probs.tolist()) for row in rows]


def test_many_who_sample_at_once_write_what_each_writes_alone() -> None:
    chain = random_chain(3)
    shared = SharedStepper(chain)
    with ThreadPoolExecutor(COMPANY) as pool:
        together = list(pool.map(lambda seed: decoded(shared, chain, seed), range(4 * COMPANY)))
    assert together == [decoded(chain, chain, seed) for seed in range(4 * COMPANY)]


class Fragile(Gated):
    """A network that has no room for more than one row."""

    def step(self, events: Events, state: Any) -> tuple[Hidden, Any]:
        answer = super().step(events, state)
        if len(events) > 1:
            raise MemoryError("no room")
        return answer


def test_a_batch_that_fails_is_told_to_one_and_the_others_try_again_alone() -> None:
    network = tiny_model(tiny_config())
    fragile, reference = Fragile(network), TorchStepper(network)
    shared = SharedStepper(fragile)
    events = random_events((4, 1))
    with ThreadPoolExecutor(4) as pool:
        callers = [pool.submit(shared.step, events[:1], shared.start(1))]
        assert fragile.entered.wait(30)
        callers += [pool.submit(shared.step, events[row : row + 1], shared.start(1)) for row in range(1, 4)]
        while len(shared._gathered) < 3:
            threading.Event().wait(0.001)
        fragile.gate.set()
        failures = [caller.exception(30) for caller in callers]
    assert [type(failure) for failure in failures if failure] == [MemoryError]
    for row, caller in enumerate(callers):
        if not failures[row]:
            alone, _ = reference.step(events[row : row + 1], reference.start(1))
            assert np.array_equal(caller.result()[0], alone)


def test_a_step_without_events_is_refused() -> None:
    shared = SharedStepper(random_chain(3))
    with pytest.raises(ValueError, match="at least one event"):
        shared.step(np.zeros((1, 0, 3), dtype=np.int64), shared.start(1))
