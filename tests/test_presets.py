"""Presets: every setting has one name and one type, and nonsense is refused in a sentence."""

from dataclasses import fields
from pathlib import Path

import pytest

from musicdemo.models.base import AttentionConfig
from musicdemo.models.build import build_model
from tests.tiny import TOKENIZER
from training.dataset import SamplerConfig
from training.presets import PRESETS, Preset, changed, for_fine_tuning, model_config, read_preset, settings_of
from training.progress import TrainingError
from training.schedule import FitConfig


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_a_network(name: str) -> None:
    preset = changed(PRESETS[name], {"hidden": 8, "embedding": 8, "head": 8})
    assert build_model(model_config(preset, TOKENIZER)).config.architecture == preset.architecture


def test_no_two_settings_share_a_name() -> None:
    names = [field.name for kind in (Preset, SamplerConfig, FitConfig) for field in fields(kind)]
    assert len(names) == len(set(names))


def test_a_setting_is_replaced_wherever_it_lies_and_no_other_changes() -> None:
    asked = {"hidden": "512", "lanes": "7", "schedule": "plateau", "clip": "0.5", "attention.window": "64"}
    before, after = settings_of(PRESETS["attention"]), settings_of(changed(PRESETS["attention"], asked))
    wanted = {"hidden": 512, "lanes": 7, "schedule": "plateau", "clip": 0.5, "attention.window": 64}
    assert after == before | wanted


def test_attention_may_be_added_to_a_preset_without_it() -> None:
    assert changed(PRESETS["lstm"], {"attention.heads": 4}).attention == AttentionConfig(heads=4)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("hiden", "3", "there is no setting 'hiden'; there are: accumulate, architecture"),
        ("fit", "3", "there is no setting 'fit'"),
        ("hidden", "many", "hidden must be a whole number, not 'many'"),
        ("hidden", 2.5, "hidden must be a whole number, not 2.5"),
        ("dropout", True, "dropout must be a number, not True"),
        ("optimizer", "sgd", "optimizer must be one of adam, adamw, rmsprop"),
        ("warmup", "0", "warmup must be above 0"),
        ("lanes", "0", "a sampler needs lanes"),
        ("attention.heads", 99, "attention needs 1-16 heads"),
    ],
)
def test_an_unknown_setting_or_value_is_refused_in_a_sentence(name: str, value: object, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        changed(PRESETS["lstm"], {name: value})


def test_a_file_of_ones_own_says_what_differs_from_its_base(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('base = "gru"\nhidden = 64\nlearning_rate = 1\n[attention]\nheads = 4\n')
    asked = {"hidden": 64, "learning_rate": 1.0, "attention.heads": 4}
    assert read_preset(str(path)) == changed(PRESETS["gru"], asked)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hidden =", "is not a TOML file"),
        ("hidden = 64", "no preset is called 'without a base'"),
        ('base = "big"', "no preset is called 'big'; there are rnn"),
        ('base = "lstm"\nbatch = 3', "there is no setting 'batch'"),
    ],
)
def test_a_file_that_is_no_preset_is_refused_in_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=said):
        read_preset(str(path))


def test_fine_tuning_takes_smaller_steps() -> None:
    fast, slow = PRESETS["lstm"].fit, for_fine_tuning(PRESETS["lstm"]).fit
    assert slow.learning_rate == pytest.approx(fast.learning_rate / 10) and slow.warmup < fast.warmup
