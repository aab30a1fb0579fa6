"""Laws of a layer's gates and of the preview of the next note, held to PyTorch's layers and to generation."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.checkpoint import Checkpoint
from musicdemo.generation import GenerationSettings, generate
from musicdemo.insight import (
    NextNote,
    layer_states,
    next_note,
    note_name,
    thoughts,
)
from musicdemo.insight.gates import GATES
from musicdemo.insight.odds import Odds
from musicdemo.music.score import Score
from musicdemo.music.vocabulary import DRUMS, Column
from tests.insight_pieces import made, piece, twin
from tests.tiny import NETWORKS, tune

quick = settings(max_examples=25, deadline=None, derandomize=True)


# Layers


@pytest.mark.parametrize("architecture", NETWORKS)
def test_the_top_layer_by_its_equations_is_what_the_heads_read(architecture: str) -> None:
    checkpoint = made(architecture)
    model, found = checkpoint.model, thoughts(checkpoint, piece())
    with torch.inference_mode():
        x = model.tables(torch.from_numpy(found.placed.events)[None], 0, len(Column))
        hidden = model.stack(x, model.stack.start(1))[0][0]
    top = layer_states(checkpoint, found, layer=checkpoint.config.layers - 1)
    assert len(top.units) == 10  # all that there are
    np.testing.assert_allclose(top.hidden, hidden[:, list(top.units)].numpy(), atol=1e-5)


@pytest.mark.parametrize("architecture", NETWORKS)
def test_gates_lie_between_shut_and_open(architecture: str) -> None:
    checkpoint = made(architecture)
    found = thoughts(checkpoint, piece())
    states = layer_states(checkpoint, found, layer=0)
    assert set(states.gates) == {name for name in GATES.get(checkpoint.config.architecture, ()) if name}
    for gate in states.gates.values():
        assert len(gate) == len(found.placed.events) and (gate > 0).all() and (gate < 1).all()


@pytest.mark.parametrize(
    ("architecture", "gate", "part", "shut_is_silent"),
    [("lstm", "input", 0, True), ("lstm", "forget", 1, False), ("lstm", "output", 3, True), ("gru", "reset", 0, False)],
)
def test_a_gate_is_named_after_the_rows_that_open_it(
    architecture: str, gate: str, part: int, *, shut_is_silent: bool
) -> None:
    """PyTorch stacks W_ii, W_if, W_ig, W_io and W_ir, W_iz, W_in; with nothing let in or out, h stays 0."""
    checkpoint = twin(made(architecture))
    bias = checkpoint.model.stack.weights(0).b
    found = thoughts(checkpoint, piece())
    for push, wanted in ((100.0, 1.0), (-200.0, 0.0)):
        with torch.no_grad():
            bias[10 * part : 10 * part + 10] += push
        assert layer_states(checkpoint, found).gates[gate] == pytest.approx(wanted, abs=1e-6)
    assert bool(layer_states(checkpoint, found).hidden.any()) != shut_is_silent


def test_an_update_gate_that_is_open_keeps_the_old_vector() -> None:
    checkpoint = twin(made("gru"))
    with torch.no_grad():
        checkpoint.model.stack.weights(0).b[10:20] += 100
    states = layer_states(checkpoint, thoughts(checkpoint, piece()))
    assert states.gates["update"].min() > 0.999 and np.abs(states.hidden).max() < 1e-6


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="layers 0-1, not 2"):
        layer_states(made("lstm"), thoughts(made("lstm"), tune()), layer=2)


# The next note


def first_new_pitch(checkpoint: Checkpoint, seed: Score | None, **asked: object) -> str:
    """The pitch that generation writes first, for the first of the tracks that speak, at temperature 0."""
    wished = GenerationSettings(bars=1, temperature=0, retries=0, **asked)  # type: ignore[arg-type]  # free tests
    (made_,) = generate(checkpoint, wished, seed=seed, stepper="torch")
    notes = made_.events[made_.events[:, Column.PITCH] > 0]
    pitch, drums = int(notes[0, Column.PITCH]), notes[0, Column.PROGRAM] == DRUMS
    return note_name(pitch - (129 if drums else 1), is_drum=bool(drums))


@pytest.mark.parametrize("architecture", ["lstm", "attention"])
def test_the_next_note_is_the_one_that_generation_writes(architecture: str) -> None:
    checkpoint = made(architecture)
    for seed in (tune(), tune(is_drum=True), piece()):
        assert next_note(checkpoint, seed).at(0) == [(first_new_pitch(checkpoint, seed), 1.0)]
    for number in (0, 1, 5):
        wanted = first_new_pitch(checkpoint, None, random_seed=number)
        assert next_note(checkpoint, None, random_seed=number).at(0) == [(wanted, 1.0)]


def test_choices_grow_from_one_to_all_that_are_allowed() -> None:
    found = next_note(made("lstm"), tune())
    choices = [found.effective_choices(temperature) for temperature in (0, 0.25, 0.5, 1, 2, 4, 1e9)]
    assert choices[0] == 1 and all(before < after for before, after in pairwise(choices))
    assert choices[-1] == pytest.approx(np.isfinite(found.odds.logits).sum()) == pytest.approx(128)


@given(st.floats(0, 5), st.integers(0, 9), st.floats(0.05, 1))
@quick
def test_what_may_be_drawn_is_shown_with_its_odds(temperature: float, top_k: int, top_p: float) -> None:
    logits = np.random.default_rng(1).normal(scale=2, size=129)
    logits[0] = -np.inf
    found = NextNote("", Odds(logits))
    shown = found.at(temperature, top_k, top_p)
    odds = [share for _, share in shown]
    assert odds == sorted(odds, reverse=True) and 1 <= len(odds) <= 8 and sum(odds) <= 1 + 1e-9
    assert 1 - 1e-9 <= found.effective_choices(temperature, top_k, top_p) <= (top_k or 128) + 1e-6
    if len(odds) < 8:
        assert sum(odds) == pytest.approx(1)


def test_an_unknown_style_is_refused() -> None:
    for look in (thoughts, next_note):
        with pytest.raises(ValueError, match="unknown style 'polka'"):
            look(made("lstm"), tune(), style="polka")
