"""The game of a generator against a discriminator, and its protocol, played from corpora to a card."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from musicdemo.checkpoint import load_checkpoint, write_metrics
from musicdemo.generation import GenerationSettings, generate
from musicdemo.models.recurrent import RecurrentModel
from tests.small_corpora import corpus_of, melody
from tests.tiny import music_config, tiny_checkpoint, tiny_model, tune
from training import adversarial, adversarial_evaluation
from training.adversarial import DISCRIMINATOR, play
from training.card import write_card
from training.dataset import Sampler, SamplerConfig
from training.game import FIGURES, Game, GameConfig
from training.loss import Nats
from training.passages import PassageSampler, held_out_passages
from training.progress import TrainingError
from training.two_sample import ClassifierConfig

NAMES = ("chorale", "hymn", "tune")
TRAIN = corpus_of("air", *(melody(number, bars=36) for number in range(6)))
QUICK = GameConfig(rows=2, head_start=1, max_steps=3, validate_every=2, learning_rate=1e-2)


def game(config: GameConfig = QUICK, *, seed: int = 0) -> Game:
    torch.manual_seed(seed)
    model = tiny_model(music_config())
    assert isinstance(model, RecurrentModel)
    sampler = Sampler((TRAIN,), SamplerConfig(lanes=2, window=8), seed=seed)
    return Game(model, sampler, PassageSampler([TRAIN], ("air", "band"), seed=seed), config)


def weights(model: torch.nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(map(torch.equal, one, other))


def write_corpora(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in NAMES:
        splits: dict[str, np.ndarray] = {}
        for at, split in enumerate(("train", "valid", "test")):
            corpus = corpus_of(name, *(melody(10 * at + number, bars=36) for number in range(3)))
            splits |= {f"{split}_events": corpus.events, f"{split}_lengths": corpus.lengths}
        manifest = {"source": "melodies", "licence": "none", "pieces": {"train": 3}, "notes": {"train": 324}}
        (folder / f"{name}.json").write_text(json.dumps(manifest))
        np.savez(folder / f"{name}.npz", allow_pickle=False, **splits)


def test_in_the_head_start_the_discriminator_alone_learns() -> None:
    played = game()
    generator, judge = weights(played.generator), weights(played.discriminator)
    played.step()
    assert same(weights(played.generator), generator) and not same(weights(played.discriminator), judge)
    judge = weights(played.discriminator)
    played.step()
    assert not same(weights(played.generator), generator) and not same(weights(played.discriminator), judge)
    assert not same(weights(played.average), generator)
    assert set(played.means()) == set(FIGURES)


def test_without_its_weight_the_discriminator_teaches_the_generator_nothing() -> None:
    learned = []
    for weight, scale in ((0.0, 1.0), (0.0, 100.0), (0.1, 1.0)):
        played = game(GameConfig(rows=2, head_start=0, weight=weight))
        played.discriminator.scale.data.fill_(scale)
        played.step()
        learned.append(weights(played.generator))
    assert same(learned[0], learned[1]) and not same(learned[0], learned[2])


def test_the_relaxation_falls_to_its_last_value_by_equal_factors() -> None:
    played = game(GameConfig(max_steps=4, last_relaxation=0.01))
    relaxations = []
    for played.steps in range(5):
        relaxations.append(played.relaxation)
    assert relaxations == pytest.approx([1, 0.1**0.5, 0.1, 0.1**1.5, 0.01])


def test_the_same_seed_plays_the_same_game() -> None:
    ends = []
    for seed in (1, 1, 2):
        played = game(seed=seed)
        played.step()
        played.step()
        ends.append(weights(played.generator))
    assert same(ends[0], ends[1]) and not same(ends[0], ends[2])


@pytest.mark.parametrize("loss", [0.0, 0.004, 0.006])
def test_weights_that_predict_worse_are_not_kept(loss: float, tmp_path: Path) -> None:
    played = game()
    before = weights(played.average)
    measured = iter((Nats({"pitch": 2.0}, 1), Nats({"pitch": 2.0 + loss}, 1), Nats({"pitch": 3.0}, 1)))
    history = play(played, lambda _: {"air": next(measured)}, tmp_path, lambda _: None)
    assert [(line["step"], line["kept"]) for line in history] == [(2, loss <= 0.005), (3, False)]
    kept = torch.load(tmp_path / "best.pt", weights_only=True)
    assert same([kept[name] for name, _ in played.average.named_parameters()], before) == (loss > 0.005)
    assert (tmp_path / DISCRIMINATOR).exists()
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_resampling_keeps_what_the_discriminator_finds_most_real() -> None:
    played = game()
    passages = held_out_passages(TRAIN, 1, pieces=3, a_piece=1)
    drawn = [adversarial_evaluation.continued(played.generator, passages, 1.0, seed=seed) for seed in range(3)]
    best = adversarial_evaluation.resampled(played.discriminator, drawn)
    for at, chosen in enumerate(best):
        options = torch.from_numpy(np.stack([each[at] for each in drawn]).astype(np.int64))
        scores = played.discriminator(options, 64)
        assert np.array_equal(chosen, options[int(scores.argmax())].numpy())


def test_from_corpora_to_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpora(tmp_path / "corpora")
    tiny_checkpoint(tmp_path / "mle")
    arguments = ("--init-from", tmp_path / "mle", "--corpora", tmp_path / "corpora", "--run", tmp_path / "gan")
    settings = ("--rows", 2, "--head-start", 1, "--max-steps", 2, "--preset", "tiny")
    monkeypatch.setattr(sys, "argv", ["adversarial", *map(str, (*arguments, *settings))])
    adversarial.main()
    checkpoint = load_checkpoint(tmp_path / "gan" / "checkpoint")
    assert checkpoint.metrics["training"]["objective"].startswith("a GAN: begun by maximum likelihood")
    assert checkpoint.metrics["training"]["begun_from"].startswith("mle")
    (result,) = generate(checkpoint, GenerationSettings(bars=1, style="chorale"), seed=tune())
    assert result.new_bars == 1

    monkeypatch.setattr(adversarial_evaluation, "TEMPERATURES", (0.9, 1.0))
    monkeypatch.setattr(adversarial_evaluation, "RESAMPLED", 1)
    quick = ClassifierConfig(folds=2, units=4, epochs=1)
    found = adversarial_evaluation.judge(
        tmp_path / "gan" / "checkpoint", [tmp_path / "gan"], tmp_path / "corpora", pieces=1, test=quick
    )
    assert list(found["sets"]) == [
        *("real", "before, temperature 1.0", "before, temperature 0.9", "best of 1, gan", "gan")
    ]
    assert found["cost_in_nats_per_note"] == {"gan": 0.0}
    assert "1 of the 3 seeds that it takes were played" in found["conclusion"]
    assert json.loads(json.dumps(found)) == found
    write_metrics(checkpoint.folder, checkpoint.metrics | {"game": found})
    write_card(checkpoint.folder)
    assert found["conclusion"] in (checkpoint.folder / "README.md").read_text(encoding="utf-8")
    assert "best of 1, gan" in capsys.readouterr().out


def test_a_network_with_attention_cannot_play(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "attention", architecture="attention")
    with pytest.raises(TrainingError, match="holds no recurrent network without attention"):
        adversarial_evaluation._recurrent(checkpoint.model, tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"rows": 0}, {"max_minutes": 0.0}, {"weight": -1.0}, {"last_relaxation": 0.0}, {"ema": 1.0}], ids=str
)
def test_a_game_that_cannot_be_played_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        GameConfig(**wrong)  # type: ignore[arg-type]  # on purpose
