"""Measure what a game came to: whether the network is told from people less than before, and is as various.

    python -m training.evaluate --checkpoint runs/lstm/checkpoint --adversarial runs/gan-1 runs/gan-2 --corpora FOLDER

Held-out passages are gone on with by the network before the game at several temperatures, by the same network where
the game's discriminator keeps the best of RESAMPLED drawings, and by the network of each run. Each set meets fresh
classifiers (two_sample.py) and is counted (passage_measures.py). What may be said is decided by claims.py and
written, with all figures, into the metrics and cards of the runs' checkpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from musicdemo.checkpoint import load_checkpoint, write_metrics
from musicdemo.models.base import ModelConfig
from musicdemo.models.discriminator import Discriminator, DiscriminatorConfig
from musicdemo.models.recurrent import RecurrentModel
from training.adversarial import DISCRIMINATOR, GAME
from training.card import write_card
from training.claims import Outcome, Point, sentence
from training.dataset import Events, load_corpora
from training.passage_measures import FIFTH, OCTAVE, diversity, heard_before, parallels
from training.passages import LENGTH, Passage, held_out_passages
from training.progress import TrainingError
from training.rollout import write
from training.saving import load
from training.two_sample import ClassifierConfig, Sample, Verdict, two_sample_test
from training.validation import mean_nats, validation

TEMPERATURES = (0.85, 0.9, 0.95, 1.0, 1.05)
RESAMPLED = 4
VOICES = ("chorale", "hymn")
"""Styles in which voices sing one note at a time, so that parallels can be counted."""

A_PIECE = 3
"""Passages of each held-out piece."""

_ROWS = 64

Pair = tuple[list[Events], list[Events]]
"""Two continuations of each passage."""


@dataclass(frozen=True, eq=False)
class Player:
    """The network of a run and the discriminator that it played against."""

    name: str
    network: RecurrentModel
    discriminator: Discriminator


class Protocol:
    """The passages that all meet, and what is measured of those who go on with them."""

    def __init__(
        self,
        passages: Sequence[Passage],
        others: Sequence[Passage],
        config: ModelConfig,
        test: ClassifierConfig | None = None,
    ) -> None:
        self.passages, self.others, self.config, self.test = passages, others, config, test

    def measure(self, sets: dict[str, Pair]) -> dict[str, dict[str, float]]:
        """Return the figures of each set of continuations, after those of the real ones."""
        real = [passage.events for passage in self.passages]
        floor = self._told_apart([passage.events for passage in self.others], self.others)
        figures = {"real": _rounded(floor) | self._counts(real)}
        print("real", figures["real"], flush=True)
        for name, (one, other) in sets.items():
            verdict = self._told_apart(one, self.passages)
            figures[name] = _rounded(verdict) | {"diversity": round(diversity(one, other), 4)} | self._counts(one)
            print(name, figures[name], flush=True)
        return figures

    def _told_apart(self, events: Sequence[Events], passages: Sequence[Passage]) -> Verdict:
        real = [Sample(passage.events, passage.piece) for passage in self.passages]
        asked = [Sample(each, passage.piece) for each, passage in zip(events, passages, strict=True)]
        return two_sample_test(real, asked, self.config.sizes, self.config.relative, self.test)

    def _counts(self, events: Sequence[Events]) -> dict[str, float]:
        sung = [each for each, passage in zip(events, self.passages, strict=True) if passage.piece.startswith(VOICES)]
        return {
            "heard_before": round(heard_before(events), 4),
            "parallel_fifths": round(parallels(sung, FIFTH), 2),
            "parallel_octaves": round(parallels(sung, OCTAVE), 2),
        }


def continued(network: RecurrentModel, passages: Sequence[Passage], temperature: float, *, seed: int) -> list[Events]:
    """Return what a network makes of each passage, (PRIMER + LENGTH, C) each."""
    found: list[Events] = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for first in range(0, len(passages), _ROWS):
            events = write(network, passages[first : first + _ROWS], temperature=temperature).events
            found += list(events.numpy().astype(np.uint16))
    return found


@torch.no_grad()
def resampled(discriminator: Discriminator, drawn: Sequence[list[Events]]) -> list[Events]:
    """Return of several continuations of each passage the one that the discriminator finds most real."""
    discriminator.eval()
    scores = [discriminator(torch.from_numpy(np.stack(events).astype(np.int64)), LENGTH) for events in drawn]
    best = torch.stack(scores).argmax(dim=0).tolist()
    return [drawn[which][at] for at, which in enumerate(best)]


def all_continuations(
    network: RecurrentModel, players: Sequence[Player], passages: Sequence[Passage]
) -> dict[str, Pair]:
    """Return two continuations of each passage: at each temperature, by resampling, and by each player."""
    drawn = [continued(network, passages, 1.0, seed=seed) for seed in range(2 * RESAMPLED)]
    sets = {_at(1.0): (drawn[0], drawn[1])}
    for temperature in TEMPERATURES:
        if temperature != 1.0:
            one, other = (continued(network, passages, temperature, seed=seed) for seed in range(2))
            sets[_at(temperature)] = (one, other)
    for player in players:
        best = [resampled(player.discriminator, drawn[at::2]) for at in range(2)]
        sets[f"best of {RESAMPLED}, {player.name}"] = (best[0], best[1])
        one, other = (continued(player.network, passages, 1.0, seed=seed) for seed in range(2))
        sets[player.name] = (one, other)
    return sets


def judge(
    mle: Path, runs: Sequence[Path], corpora: Path, *, pieces: int, test: ClassifierConfig | None = None
) -> dict[str, Any]:
    """Measure runs against the checkpoint that they were begun from: all figures, and what they allow to say.

    `pieces` is the most that each corpus of GAME gives. Raises TrainingError if a network cannot have played.
    """
    before = load_checkpoint(mle)
    network, players = _recurrent(before.model, mle), [_player(run) for run in runs]
    nats = validation(load_corpora(corpora, "test"), "cpu", styles=before.styles)
    expected = mean_nats(nats(network))
    costs = {player.name: round(mean_nats(nats(player.network)) - expected, 4) for player in players}
    passages, others = (_passages(corpora, before.styles, pieces=pieces, seed=seed) for seed in range(2))
    figures = Protocol(passages, others, network.config, test).measure(all_continuations(network, players, passages))
    front = [_point(figures[_at(temperature)]) for temperature in TEMPERATURES]
    outcomes = [Outcome(_point(figures[name]), cost) for name, cost in costs.items()]
    conclusion = sentence(front, outcomes, floor=figures["real"]["accuracy"])
    return {"passages": len(passages), "sets": figures, "cost_in_nats_per_note": costs, "conclusion": conclusion}


def _passages(corpora: Path, styles: tuple[str, ...], *, pieces: int, seed: int) -> list[Passage]:
    test = load_corpora(corpora, "test", names=GAME)
    return [
        passage
        for corpus in test
        for passage in held_out_passages(
            corpus, styles.index(corpus.name) + 1, pieces=pieces, a_piece=A_PIECE, seed=seed
        )
    ]


def _player(run: Path) -> Player:
    network = _recurrent(load_checkpoint(run / "checkpoint").model, run)
    discriminator = Discriminator(DiscriminatorConfig.against(network.config))
    discriminator.load_state_dict(load(run / DISCRIMINATOR))
    return Player(run.name, network, discriminator)


def _recurrent(network: object, path: Path) -> RecurrentModel:
    if not isinstance(network, RecurrentModel):
        raise TrainingError(f"{path} holds no recurrent network without attention, and only such play: give another")
    return network


def _at(temperature: float) -> str:
    return f"before, temperature {temperature}"


def _rounded(verdict: Verdict) -> dict[str, float]:
    return {"accuracy": round(verdict.accuracy, 4), "error": round(verdict.error, 4)}


def _point(figures: dict[str, float]) -> Point:
    return Point(figures["accuracy"], figures["error"], figures["diversity"])


def measure_game(mle: Path, runs: Sequence[Path], corpora: Path, *, pieces: int) -> str:
    """Judge runs, write the figures into the metrics and cards of their checkpoints, and return the conclusion."""
    found = judge(mle, runs, corpora, pieces=pieces)
    for run in runs:
        checkpoint = load_checkpoint(run / "checkpoint")
        write_metrics(run / "checkpoint", checkpoint.metrics | {"game": found})
        write_card(run / "checkpoint")
    return str(found["conclusion"])
