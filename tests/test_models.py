"""Laws of the networks, held to their textbook equations evaluated number by number in plain Python."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from musicdemo.models import cells
from musicdemo.models.base import AttentionConfig, ModelConfig, parameter_count, reset_rows, select_rows
from musicdemo.models.build import build_model
from musicdemo.models.cells import Weights
from musicdemo.models.heads import RelativeScores
from musicdemo.models.recurrent import RecurrentStack
from tests.tiny import NETWORKS, PREDICTED, SIZES, random_events, tiny_config, tiny_model

COLUMNS = [column for column, predicted in enumerate(PREDICTED) if predicted]
Vector = list[float]

each_architecture = pytest.mark.parametrize("architecture", NETWORKS)
each_depth = pytest.mark.parametrize("layers", [2, 3, 4])


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def affine(matrix: list[Vector], vector: Vector, bias: Vector) -> Vector:
    """M v + b, by its definition."""
    return [math.fsum(m * v for m, v in zip(row, vector, strict=True)) + b for row, b in zip(matrix, bias, strict=True)]


def by_the_book(kind: str, x: Vector, h: Vector, c: Vector, w: list[list[Vector]]) -> tuple[Vector, Vector]:
    """One step of one row: the new h and c (c of an LSTM only)."""
    from_input, from_past = affine(w[0], x, w[2]), affine(w[1], h, w[3])  # type: ignore[arg-type]  # biases are vectors
    units = range(len(h))
    if kind.startswith("rnn"):
        squash = math.tanh if kind == "rnn-tanh" else lambda value: max(0.0, value)
        return [squash(from_input[j] + from_past[j]) for j in units], c
    n = len(h)
    if kind == "gru":
        r = [sigmoid(from_input[j] + from_past[j]) for j in units]
        z = [sigmoid(from_input[n + j] + from_past[n + j]) for j in units]
        candidate = [math.tanh(from_input[2 * n + j] + r[j] * from_past[2 * n + j]) for j in units]
        return [(1 - z[j]) * candidate[j] + z[j] * h[j] for j in units], c
    i, f, g, o = ([from_input[k * n + j] + from_past[k * n + j] for j in units] for k in range(4))
    memory = [sigmoid(f[j]) * c[j] + sigmoid(i[j]) * math.tanh(g[j]) for j in units]
    return [sigmoid(o[j]) * math.tanh(memory[j]) for j in units], memory


@pytest.mark.parametrize(
    ("kind", "cell", "gates"),
    [
        *(("rnn-tanh", cells.rnn_tanh, 1), ("rnn-relu", cells.rnn_relu, 1)),
        *(("gru", cells.gru, 3), ("lstm", cells.lstm, 4)),
    ],
)
def test_a_cell_is_its_textbook_equation(kind: str, cell: cells.Cell, gates: int) -> None:
    generator = torch.Generator().manual_seed(5)

    def numbers(*shape: int) -> Tensor:
        return 1.5 * torch.randn(shape, generator=generator, dtype=torch.float64)

    rows, inputs, units = 3, 4, 5
    weights = Weights(
        numbers(gates * units, inputs), numbers(gates * units, units), numbers(gates * units), numbers(gates * units)
    )
    x, h, c = numbers(rows, inputs), numbers(rows, units), numbers(rows, units)
    after = cell(x, (h, c) if kind == "lstm" else (h,), weights)
    for row in range(rows):
        h_by_hand, c_by_hand = by_the_book(
            kind, x[row].tolist(), h[row].tolist(), c[row].tolist(), [part.tolist() for part in weights]
        )
        assert after[0][row].tolist() == pytest.approx(h_by_hand, abs=1e-12)
        if kind == "lstm":
            assert after[1][row].tolist() == pytest.approx(c_by_hand, abs=1e-12)


@each_architecture
@each_depth
def test_events_at_once_or_one_by_one_give_the_same_hidden_vectors_and_state(architecture: str, layers: int) -> None:
    model = tiny_model(tiny_config(architecture, layers=layers, dropout=0.3), spread=1.5)
    events = torch.from_numpy(random_events((3, 20)))
    with torch.inference_mode():
        at_once, state_at_once = model.read(events, model.start(3))
        state, hidden = model.start(3), []
        for event in events.split(1, dim=1):
            one, state = model.read(event, state)
            hidden.append(one)
        head, state_of_head = model.read(events[:, :7], model.start(3))
        tail, _ = model.read(events[:, 7:], state_of_head)
    torch.testing.assert_close(torch.cat(hidden, dim=1), at_once, rtol=0, atol=1e-5)
    torch.testing.assert_close(state, state_at_once, rtol=0, atol=1e-5)
    torch.testing.assert_close(torch.cat((head, tail), dim=1), at_once, rtol=0, atol=1e-5)


@each_architecture
def test_the_state_carries_the_batch_on_dimension_one_so_one_line_selects_rows(architecture: str) -> None:
    model = tiny_model(tiny_config(architecture, layers=3))
    before, after = (torch.from_numpy(random_events((4, 6), random_seed=seed)) for seed in (1, 2))
    rows = torch.tensor([2, 0, 2, 3, 3])
    with torch.inference_mode():
        _, state = model.read(before, model.start(4))
        assert {part.shape[1] for part in state} == {4}
        chosen, _ = model.read(after[rows], select_rows(state, rows))
        directly, _ = model.read(torch.cat((before, after), dim=1)[rows], model.start(5))
    torch.testing.assert_close(chosen, directly[:, 6:], rtol=0, atol=1e-5)


@each_architecture
def test_a_row_that_is_reset_goes_on_as_if_it_had_read_nothing(architecture: str) -> None:
    model = tiny_model(tiny_config(architecture))
    before, after = (torch.from_numpy(random_events((3, 4), random_seed=seed)) for seed in (1, 2))
    with torch.inference_mode():
        _, state = model.read(before, model.start(3))
        went_on, _ = model.read(after, state)
        again, _ = model.read(after, reset_rows(state, torch.tensor([False, True, False])))
        fresh, _ = model.read(after, model.start(3))
    torch.testing.assert_close(again[[0, 2]], went_on[[0, 2]], rtol=0, atol=1e-6)
    torch.testing.assert_close(again[1], fresh[1], rtol=0, atol=1e-6)
    assert not torch.equal(went_on[1], fresh[1])


@each_architecture
def test_nothing_reads_the_future(architecture: str) -> None:
    model = tiny_model(tiny_config(architecture))
    events = torch.from_numpy(random_events((1, 12)))
    with torch.inference_mode():
        before, _ = model.read(events, model.start(1))
        for t in range(12):
            changed = events.clone()
            changed[0, t] = (changed[0, t] + 1) % torch.tensor(SIZES)
            after, _ = model.read(changed, model.start(1))
            assert torch.equal(after[:, :t], before[:, :t])
            assert not torch.equal(after[:, t], before[:, t])


@each_architecture
def test_each_column_of_an_event_is_read(architecture: str) -> None:
    model = tiny_model(tiny_config(architecture))
    event = torch.zeros((1, 1, len(SIZES)), dtype=torch.long)
    with torch.inference_mode():
        seen = [model.read(event, model.start(1))[0]]
        for column in range(len(SIZES)):
            other = event.clone()
            other[..., column] = 1
            seen.append(model.read(other, model.start(1))[0])
    assert all(not torch.equal(one, other) for i, one in enumerate(seen) for other in seen[:i])


@pytest.mark.parametrize("column", COLUMNS)
def test_a_head_reads_the_columns_to_its_left_and_no_others(column: int) -> None:
    model = tiny_model(tiny_config())
    hidden = torch.randn((1, 7), generator=torch.Generator().manual_seed(0))
    event = torch.tensor([[1, 2, 1, 2, 1]])
    with torch.inference_mode():
        scores = model.logits(hidden, event, column)
        assert torch.equal(model.logits(hidden, event[:, :column], column), scores)
        assert not torch.equal(model.logits(hidden + 0.1, event, column), scores)
        for other in range(len(SIZES)):
            changed = event.clone()
            changed[0, other] = 0
            assert torch.equal(model.logits(hidden, changed, column), scores) == (other >= column)
    assert scores.shape == (1, SIZES[column])


@pytest.mark.parametrize("column", COLUMNS)
def test_many_heads_at_once_are_each_head_alone(column: int) -> None:
    model = tiny_model(tiny_config())
    events = torch.from_numpy(random_events((2, 3)))
    with torch.inference_mode():
        hidden, _ = model.read(events, model.start(2))
        together = model.logits(hidden, events, column)
        for row, t in product(range(2), range(3)):
            alone = model.logits(hidden[row, t][None], events[row, t][None], column)[0]
            torch.testing.assert_close(together[row, t], alone, rtol=0, atol=1e-6)


def test_the_probabilities_of_all_events_add_up_to_one() -> None:
    model = tiny_model(tiny_config(), spread=3.0)
    past = torch.from_numpy(random_events((1, 5)))
    with torch.inference_mode():
        hidden, _ = model.read(past, model.start(1))
        for given in product(range(SIZES[0]), range(SIZES[2])):
            choices = product(*(range(SIZES[column]) for column in COLUMNS))
            events = torch.tensor([(given[0], a, given[1], b, c) for a, b, c in choices])  # (60, 5)
            log_prob = sum(
                torch.log_softmax(model.logits(hidden[:, -1].expand(len(events), -1), events, k).double(), -1)[
                    torch.arange(len(events)), events[:, k]
                ]
                for k in COLUMNS
            )
            assert float(torch.as_tensor(log_prob).exp().sum()) == pytest.approx(
                1, abs=1e-6
            )  # logits are single precision


def test_a_relative_score_is_read_at_the_distance_from_the_reference() -> None:
    width, size, reach = 4, 60, 36
    scores = RelativeScores(width, size)
    features = torch.randn((size, width), generator=torch.Generator().manual_seed(1))  # one row for each reference
    with torch.inference_mode():
        added = scores(features, torch.arange(size))
        table = scores.scores.weight.double().tolist()
    for reference, value in product(range(size), range(size)):
        distance = value - reference
        by_hand = 0.0
        if reference > 0 and abs(distance) <= reach:
            by_hand = math.fsum(
                w * f for w, f in zip(table[reach + distance], features[reference].tolist(), strict=True)
            )
        assert float(added[reference, value]) == pytest.approx(by_hand, abs=1e-5)


def test_shifting_a_value_and_its_reference_together_changes_nothing() -> None:
    scores = RelativeScores(4, 100)
    features = torch.randn((1, 4), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        low, high = scores(features, torch.tensor([40])), scores(features, torch.tensor([47]))
        silent = scores(features, torch.tensor([0]))
    assert torch.equal(low[:, :93], high[:, 7:])
    assert not silent.any() and low.any()


def test_an_lstm_begins_with_its_forget_gates_open() -> None:
    stack = RecurrentStack("lstm", 6, 16, layers=2, dropout=0.0)
    reach = 16**-0.5  # PyTorch draws biases from +-1 / sqrt(H)
    for name, bias in stack.layers.named_parameters():
        if name.startswith("bias"):
            centre = np.repeat([0.0, 1.0 if "ih" in name else 0.0, 0.0, 0.0], 16)
            assert np.all(np.abs(bias.detach().numpy() - centre) <= reach)


@pytest.mark.parametrize(("architecture", "gates"), [("rnn-tanh", 1), ("rnn-relu", 1), ("gru", 3), ("lstm", 4)])
def test_parameters_are_counted_by_hand(architecture: str, gates: int) -> None:
    config = ModelConfig(architecture, (3, 4), (False, True), ((1, 0),), embedding=5, hidden=6, layers=2, head=8)
    embeddings = 7 * 5 + 7 * 8
    layers = gates * 6 * (5 + 6 + 2) + gates * 6 * (6 + 6 + 2)
    heads = (6 * 8 + 8) + 8 * 8 + (8 * 4 + 4) + 8 * 73
    assert parameter_count(build_model(config)) == embeddings + layers + heads


@pytest.mark.parametrize(
    "wrong",
    [
        *({"format_version": 2}, {"sizes": (3, 4)}, {"sizes": (), "predicted": ()}, {"sizes": (3, 4, 2, 0, 3)}),
        *({"sizes": (3, 4, 2, 5000, 3)}, {"hidden": 0}, {"hidden": 4096}, {"embedding": 0}, {"head": -1}),
        *({"layers": 0}, {"layers": 9}, {"dropout": 1.0}, {"dropout": -0.1}, {"dropout": math.nan}),
        {"attention": AttentionConfig(2), "hidden": 7},
        *({"relative": ((2, 1),)}, {"relative": ((3, 3),)}, {"relative": ((3, -1),)}, {"relative": ((5, 0),)}),
    ],
    ids=str,
)
def test_a_network_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        tiny_config(**wrong)  # type: ignore[arg-type]  # on purpose


def test_an_unknown_architecture_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'gur'; there are: rnn-tanh, rnn-relu, gru, lstm"):
        build_model(tiny_config("gur"))
