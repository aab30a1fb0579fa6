"""Fine-tuning: a network keeps what it knows, and learns a style that it did not know."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from musicdemo.checkpoint import load_checkpoint, save_checkpoint
from musicdemo.errors import CheckpointError
from musicdemo.models.base import AttentionConfig
from musicdemo.models.build import build_model
from musicdemo.music.tokenizer import Tokenizer, TokenizerConfig
from musicdemo.music.vocabulary import Column
from tests.small_corpora import encode, melody
from training.beginning import begin
from training.presets import PRESETS, changed, model_config
from training.progress import TrainingError
from training.record import RUN
from training.saving import BEST, save

SMALL = changed(PRESETS["tiny"], {"hidden": 12, "embedding": 8, "head": 8, "dropout": 0.0})


def checkpoint_of(folder: Path, *styles: str) -> Path:
    tokenizer = Tokenizer(TokenizerConfig(styles))
    save_checkpoint(folder, build_model(model_config(SMALL, tokenizer)), tokenizer, openings={})
    return folder


def scores_of(model: torch.nn.Module, style: int) -> torch.Tensor:
    """Logits of the next time after a melody in this style."""
    events = torch.from_numpy(encode(melody(1)).astype("int64"))[None]
    events[..., Column.STYLE] = style
    with torch.no_grad():
        hidden, _ = model.eval().read(events, model.start(1))  # type: ignore[operator]
        return model.logits(hidden, events, Column.PITCH)  # type: ignore[operator]


def test_a_network_reads_the_styles_it_knew_as_before(tmp_path: Path) -> None:
    folder = checkpoint_of(tmp_path / "model", "air", "reel")
    old, new = load_checkpoint(folder).model, begin(SMALL, ("mine", "reel", "yours"), folder)
    assert new.tokenizer.config.styles == ("air", "reel", "mine", "yours")
    for style in range(3):
        assert torch.equal(scores_of(old, style), scores_of(new.model, style))


def test_a_new_style_begins_as_the_mean_of_the_old_ones(tmp_path: Path) -> None:
    folder = checkpoint_of(tmp_path / "model", "air", "reel")
    table = begin(SMALL, ("mine",), folder).model.tables.table
    torch.testing.assert_close(table[3], (table[1] + table[2]) / 2)


def test_a_network_without_styles_gets_its_first_from_the_open_one(tmp_path: Path) -> None:
    beginning = begin(SMALL, ("mine",), checkpoint_of(tmp_path / "model"))
    assert torch.equal(beginning.model.tables.table[1], beginning.model.tables.table[0])


def test_a_checkpoint_brings_its_shape_and_the_preset_the_dropout(tmp_path: Path) -> None:
    folder = checkpoint_of(tmp_path / "model", "air")
    beginning = begin(changed(PRESETS["lstm"], {"dropout": 0.4}), ("air",), folder)
    assert (beginning.model.config.hidden, beginning.model.config.dropout) == (12, 0.4)
    assert beginning.begun_from == f"model (weights {load_checkpoint(folder).digest[:12]})"


def test_a_network_is_given_attention_by_a_preset_that_has_it_and_begins_as_what_it_was(tmp_path: Path) -> None:
    looking_back = changed(SMALL, {"attention.heads": 3, "attention.window": 9})
    folder, path = checkpoint_of(tmp_path / "model", "air"), best_of(tmp_path / "run", "air")
    for source in (folder, path):
        old, new = begin(SMALL, ("air",), source).model, begin(looking_back, ("air",), source).model
        assert new.config == replace(old.config, attention=AttentionConfig(3, 9))
        assert torch.equal(scores_of(old, 1), scores_of(new, 1))


def test_a_network_with_attention_keeps_its_own(tmp_path: Path) -> None:
    looking_back, tokenizer = changed(SMALL, {"attention.heads": 3}), Tokenizer(TokenizerConfig(("air",)))
    model = build_model(model_config(looking_back, tokenizer))
    torch.nn.init.normal_(model.get_parameter("attention.out.weight"))
    save_checkpoint(tmp_path / "model", model, tokenizer, openings={})
    for preset in (SMALL, changed(SMALL, {"attention.heads": 2})):
        begun = begin(preset, ("air",), tmp_path / "model").model
        assert begun.config.attention == AttentionConfig(3)
        assert torch.equal(scores_of(begun, 1), scores_of(model, 1))


def best_of(folder: Path, *styles: str) -> Path:
    folder.mkdir()
    (folder / RUN).write_text(f'{{"styles": "{", ".join(styles)}"}}')
    save(build_model(model_config(SMALL, Tokenizer(TokenizerConfig(styles)))).state_dict(), folder / BEST)
    return folder / BEST


def test_another_runs_best_weights_know_their_styles(tmp_path: Path) -> None:
    path = best_of(tmp_path / "run", "air", "reel")
    beginning = begin(SMALL, ("mine", "air"), path)
    assert beginning.tokenizer.config.styles == ("air", "reel", "mine")
    rows = torch.load(path, weights_only=True)["heads.tables.table"]
    assert torch.equal(beginning.model.heads.tables.table[:3], rows[:3])


def test_weights_of_another_shape_or_none_at_all_are_refused_in_a_sentence(tmp_path: Path) -> None:
    path = best_of(tmp_path / "run", "air")
    with pytest.raises(TrainingError, match="another network than the preset's"):
        begin(PRESETS["tiny"], ("air",), path)
    save({"something": torch.zeros(1)}, path)
    with pytest.raises(TrainingError, match="another network than the preset's"):
        begin(SMALL, ("air",), path)
    with pytest.raises(CheckpointError, match="there is no model"):
        begin(SMALL, ("air",), tmp_path / "nothing")
    with pytest.raises(TrainingError, match="is not there"):
        begin(SMALL, ("air",), tmp_path / "best.pt")
