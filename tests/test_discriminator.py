"""Laws of the discriminator, and of choices: weights that a network reads instead of values."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from musicdemo.models.discriminator import Discriminator, DiscriminatorConfig, distances, relativistic_loss
from musicdemo.models.heads import RELATIVE_REACH, ColumnTables
from musicdemo.models.recurrent import RecurrentModel
from tests.tiny import PREDICTED, SIZES, random_events, tiny_config, tiny_model

COLUMNS = [column for column, predicted in enumerate(PREDICTED) if predicted]
EVENTS = torch.from_numpy(random_events((2, 20)))


def network(spread: float = 1.0) -> RecurrentModel:
    model = tiny_model(tiny_config(), spread=spread)
    assert isinstance(model, RecurrentModel)
    return model


def hard_choices(events: Tensor) -> dict[int, Tensor]:
    """For each predicted column the weights that say just what the events say."""
    return {column: functional.one_hot(events[..., column], SIZES[column]).float() for column in COLUMNS}


def soft_choices(events: Tensor) -> dict[int, Tensor]:
    noise = torch.Generator().manual_seed(1)
    return {
        column: torch.rand((*events.shape[:-1], SIZES[column]), generator=noise).softmax(-1).requires_grad_()
        for column in COLUMNS
    }


def discriminator(**shape: int) -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(DiscriminatorConfig(SIZES, ((3, 2),), **{"units": 6, "layers": 2} | shape))


@pytest.mark.parametrize("column", COLUMNS)
def test_choices_of_the_values_themselves_change_nothing(column: int) -> None:
    model = network(spread=2.0)
    chosen = hard_choices(EVENTS)
    with torch.inference_mode():
        hidden, state = model.read(EVENTS, model.start(2))
        hidden_by_choice, state_by_choice = model.read(EVENTS, model.start(2), chosen)
        assert torch.equal(hidden, hidden_by_choice) and all(map(torch.equal, state, state_by_choice))
        assert torch.equal(model.logits(hidden, EVENTS, column), model.logits(hidden, EVENTS, column, chosen))
        judge = discriminator().eval()
        torch.testing.assert_close(judge(EVENTS, 8), judge(EVENTS, 8, chosen))


def test_a_choice_is_read_as_the_mean_of_its_values() -> None:
    tables, chosen = ColumnTables(SIZES, 5), soft_choices(EVENTS)
    read = tables(EVENTS, 0, len(SIZES), chosen)
    begins = [sum(SIZES[:column]) for column in range(len(SIZES))]
    for row, t in ((0, 0), (1, 7)):
        by_hand = sum(
            sum(chosen[k][row, t, v] * tables.table[begins[k] + v] for v in range(SIZES[k]))
            if k in COLUMNS
            else tables.table[begins[k] + int(EVENTS[row, t, k])]
            for k in range(len(SIZES))
        )
        torch.testing.assert_close(read[row, t], by_hand)


def test_a_choice_to_the_right_of_a_column_is_not_read_for_it() -> None:
    model, chosen = network(), soft_choices(EVENTS)
    hidden = torch.randn((2, 20, 7), generator=torch.Generator().manual_seed(2))
    model.logits(hidden, EVENTS, 3, chosen).sum().backward()
    assert [column for column in COLUMNS if chosen[column].grad is not None] == [1]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_score_moves_with_every_choice(column: int) -> None:
    chosen = soft_choices(EVENTS)
    discriminator()(EVENTS, 8, chosen).sum().backward()
    gradient = chosen[column].grad
    assert gradient is not None and bool(gradient[:, -8:].any(dim=-1).all())


def test_the_table_learns_the_same_by_choice_as_by_value() -> None:
    gradients = []
    for chosen in ({}, hard_choices(EVENTS)):
        torch.manual_seed(3)
        tables = ColumnTables(SIZES, 5)
        tables(EVENTS, 0, len(SIZES), chosen).pow(2).sum().backward()
        gradients.append(tables.table.grad)
    torch.testing.assert_close(*gradients)


def test_no_matrix_stretches_a_vector() -> None:
    judge = discriminator()
    for name, parameter in judge.named_parameters():
        if name.endswith("original"):
            parameter.data.mul_(50.0)
    for _ in range(60):  # each pass is one step of the power iteration
        judge(EVENTS, 8)
    judge.eval()
    for layer in (judge.distances["3-2"], judge.score, *judge.layers):
        assert isinstance(layer.weight, Tensor)
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.01)
    assert torch.linalg.matrix_norm(judge.tables.table, 2).item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_score_depends_on_so_many_events_before_and_no_others(layers: int) -> None:
    judge, reach, length = discriminator(layers=layers).eval(), 2**layers - 1, 5
    with torch.inference_mode():
        score = judge(EVENTS, length)
        for before in range(1, 12):
            changed = EVENTS.clone()
            changed[:, -length - before] = (changed[:, -length - before] + 1) % torch.tensor(SIZES)
            assert torch.equal(judge(changed, length), score) == (before > reach)


def test_distances_are_counted_from_the_reference() -> None:
    size = 60
    values = torch.arange(size)
    for reference in range(size):
        counted = distances(functional.one_hot(values, size).float(), torch.full((size,), reference))
        for value in range(size):
            away = value - reference
            expected = torch.zeros(2 * RELATIVE_REACH + 1)
            if reference and abs(away) <= RELATIVE_REACH:
                expected[away + RELATIVE_REACH] = 1
            assert torch.equal(counted[value], expected)


def test_the_relativistic_loss_is_that_of_the_paper() -> None:
    wanted, other = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 3.0])
    by_hand = (math.log1p(math.exp(0.5 - 2.0)) + math.log1p(math.exp(3.0 + 1.0))) / 2
    assert float(relativistic_loss(wanted, other)) == pytest.approx(by_hand)
    assert float(relativistic_loss(wanted, wanted)) == pytest.approx(math.log(2))


@pytest.mark.parametrize("wrong", [{"units": 0}, {"units": 5000}, {"layers": 0}, {"layers": 9}], ids=str)
def test_a_discriminator_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="units and"):
        DiscriminatorConfig(SIZES, (), **wrong)
