"""What comes along: each shipped model loads, fits, writes music, and says of itself what its files say."""

import pytest

from musicdemo import DEFAULT_MODEL
from musicdemo.checkpoint import CHECKPOINTS, list_checkpoints, load_checkpoint
from musicdemo.generation import GenerationSettings, generate
from musicdemo.seeds import shipped_seeds
from training.card import card

MEBIBYTE = 2**20
MODELS = ("attention", "gan", "gru", "lstm", "rnn")
INFOS = {info.name: info for info in list_checkpoints()}


def test_the_five_networks_ship() -> None:
    assert tuple(INFOS) == MODELS
    titles = [info.title for info in INFOS.values()]
    assert titles == ["attention LSTM", "GAN-trained LSTM", "GRU", "LSTM", "plain RNN (tanh)"]
    assert DEFAULT_MODEL in INFOS


def test_no_file_is_too_large_to_be_fetched_by_everybody() -> None:
    sizes = [path.stat().st_size for path in CHECKPOINTS.rglob("*") if path.is_file()]
    assert max(sizes) <= 16 * MEBIBYTE and sum(sizes) <= 60 * MEBIBYTE


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_model_goes_on_with_a_tune(name: str) -> None:
    seed = shipped_seeds()[0].score
    (result,) = generate(load_checkpoint(name), GenerationSettings(bars=2, random_seed=1), seed=seed)
    assert result.new_bars == 2 and result.new_notes > 0 and result.finished


@pytest.mark.parametrize("name", MODELS)
def test_the_card_says_what_the_figures_say(name: str) -> None:
    info = INFOS[name]
    assert (info.folder / "README.md").read_text(encoding="utf-8") == card(info)


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_model_knows_more_than_the_bigram_of_every_corpus(name: str) -> None:
    held_out = INFOS[name].metrics["held_out"]
    assert set(held_out) == set(INFOS[name].styles)
    assert all(row["nats_per_note"] < row["bigram"] for row in held_out.values())
