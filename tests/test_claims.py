"""What may be claimed follows from the figures, both ways."""

import pytest

from training.claims import Outcome, Point, front_at, holds, lies_outside, section, sentence

FRONT = [Point(0.80, 0.02, 0.5), Point(0.85, 0.02, 0.6), Point(0.90, 0.02, 0.7)]
BETTER = Outcome(Point(0.70, 0.02, 0.65), 0.001)
NO_BETTER = Outcome(Point(0.86, 0.02, 0.65), 0.001)
DEAR = Outcome(BETTER.point, 0.006)


@pytest.mark.parametrize(
    ("diversity", "accuracy"), [(0.5, 0.8), (0.55, 0.825), (0.6, 0.85), (0.68, 0.89), (0.9, 0.9), (0.1, 0.8)]
)
def test_the_front_is_a_line_from_temperature_to_temperature(diversity: float, accuracy: float) -> None:
    assert front_at(FRONT, diversity) == pytest.approx(accuracy)
    assert front_at(FRONT[::-1], diversity) == pytest.approx(accuracy)


@pytest.mark.parametrize(
    ("point", "outside"),
    [
        (Point(0.80, 0.02, 0.6), True),
        (Point(0.82, 0.02, 0.6), False),  # within two standard errors
        (Point(0.80, 0.03, 0.6), False),
        (Point(0.50, 0.01, 0.4), False),  # less various than every temperature
        (Point(0.80, 0.02, 0.9), True),  # more various, and told apart less than the most various
        (Point(0.95, 0.02, 0.6), False),
    ],
)
def test_a_point_lies_outside_if_no_temperature_does_the_same(point: Point, *, outside: bool) -> None:
    assert lies_outside(FRONT, point) == outside


@pytest.mark.parametrize(
    ("outcomes", "claim"),
    [
        ([BETTER] * 3, True),
        ([BETTER] * 2, False),
        ([BETTER, BETTER, NO_BETTER], False),
        ([BETTER, BETTER, DEAR], False),
    ],
)
def test_a_claim_takes_three_seeds_outside_the_front_at_no_cost(outcomes: list[Outcome], *, claim: bool) -> None:
    assert holds(FRONT, outcomes) == claim
    assert sentence(FRONT, outcomes, floor=0.5).startswith("The game made it write more like people do.") == claim


def test_what_cannot_be_said_is_said_with_its_reasons_and_figures() -> None:
    text = sentence(FRONT, [NO_BETTER, DEAR], floor=0.497)
    assert text.startswith("It cannot be said that the game made it write more like people do: ")
    assert "2 of the 3 seeds that it takes were played" in text
    assert "1 of 2 lie within what a change of temperature does as well" in text
    assert "1 of 2 cost more than 0.005 nats per note" in text
    assert "accuracy of 0.780" in text and "diversity it is 0.875" in text and "real against real 0.497" in text
    assert "2 seeds, +0.0035 nats per note" in text
    assert "1 seed, " in sentence(FRONT, [BETTER], floor=0.5)


def test_the_card_shows_each_set_and_the_conclusion() -> None:
    counts = {"accuracy": 0.5, "error": 0.01, "heard_before": 0.4, "parallel_fifths": 0.3, "parallel_octaves": 0.9}
    text = section({"sets": {"real": counts, "gan": counts | {"diversity": 0.75}}, "conclusion": "It is so."})
    assert "It is so." in text
    assert "| real | 0.500 ± 0.010 |  | 0.400 | 0.30 | 0.90 |" in text
    assert "| gan | 0.500 ± 0.010 | 0.750 | 0.400 | 0.30 | 0.90 |" in text
