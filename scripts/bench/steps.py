"""What one event costs: the step of a network and the heads of its columns, for every architecture and runtime."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from musicdemo.decoding.stepper import Events, Stepper
from musicdemo.models.base import ModelConfig
from musicdemo.models.build import Network, build_model
from scripts.bench.timing import least_of_each, plain_loop, recurrent_weights, weight_read, without_onednn

ROWS = (1, 8, 64)
LENGTHS = (256, 1024, 4096)


def lstm_2x512(like: ModelConfig) -> Network:
    """Return an untrained LSTM of the size that others publish figures for, over the columns of a shipped network."""
    shape = replace(like, architecture="lstm", attention=None, embedding=512, hidden=512, layers=2)
    return build_model(shape).eval()


def event_of(stepper: Stepper, rows: int, *, random_seed: int = 0) -> Events:
    """Return one event for each row, of values that every column has."""
    return np.random.default_rng(random_seed).integers(0, 3, size=(rows, 1, len(stepper.predicted)))


def one_step(stepper: Stepper, rows: int) -> Callable[[], object]:
    """Return the recurrent step of `rows` rows, as an action."""
    events = event_of(stepper, rows)
    state = stepper.step(events, stepper.start(rows))[1]

    def step() -> object:
        nonlocal state
        _, state = stepper.step(events, state)
        return state

    return step


def all_heads(stepper: Stepper, rows: int) -> Callable[[], object]:
    """Return the scores of every predicted column of `rows` rows, as an action."""
    events = event_of(stepper, rows)
    hidden, _ = stepper.step(events, stepper.start(rows))
    columns = [column for column, predicted in enumerate(stepper.predicted) if predicted]

    def heads() -> object:
        return [stepper.logits(hidden, events[:, 0, :column]) for column in columns]

    return heads


def against_the_floor(config: ModelConfig, fast: Stepper, reference: Stepper, *, times: int) -> dict[str, float]:
    """Seconds of an LSTM's step beside what it is compared with, all in turns."""
    actions: dict[str, Callable[[], object]] = {
        "int8 weight read": weight_read(recurrent_weights(config)),
        "plain nn.LSTM loop": plain_loop(config),
        "plain nn.LSTM loop without oneDNN": without_onednn(plain_loop(config)),
        "TorchStepper, 1 row": one_step(reference, 1),
    }
    actions |= {f"OnnxStepper, {rows} rows": one_step(fast, rows) for rows in (1, 8, 16, 64)}
    return least_of_each(actions, times=times)


def by_rows(steppers: dict[str, Stepper], *, times: int) -> dict[str, float]:
    """Seconds of step and heads of one event, for several numbers of rows."""
    figures = dict[str, float]()
    for rows in ROWS:
        actions = {f"{name}, step, {rows} rows": one_step(stepper, rows) for name, stepper in steppers.items()}
        actions |= {f"{name}, heads, {rows} rows": all_heads(stepper, rows) for name, stepper in steppers.items()}
        figures |= least_of_each(actions, times=max(3, times // rows))
    return figures


def by_length(stepper: Stepper, *, lengths: Sequence[int] = LENGTHS, times: int = 20) -> dict[int, float]:
    """Seconds of the step behind so many events."""
    state, figures = stepper.start(1), dict[int, float]()
    for event in range(max(lengths) + 1):
        if event in lengths:
            figures[event] = least_of_each({"step": _again(stepper, state)}, times=times)["step"]
        _, state = stepper.step(event_of(stepper, 1, random_seed=event), state)
    return figures


def _again(stepper: Stepper, state: object) -> Callable[[], object]:
    events = event_of(stepper, 1)

    def step() -> object:
        return stepper.step(events, state)

    return step
