"""Snapshots of a training: ordinary checkpoints of the steps asked for, measured, and made again alike."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from musicdemo.checkpoint import WEIGHTS, list_checkpoints, load_checkpoint
from musicdemo.generation import GenerationSettings, generate
from musicdemo.models.base import parameter_count
from musicdemo.models.build import Network
from tests.small_corpora import corpus_of, melody, write_corpus
from tests.tiny import music_config, tiny_model, tune
from training import time_machine
from training.dataset import Sampler, SamplerConfig, batches, load_corpora
from training.fit import Run
from training.loss import Nats, measure
from training.progress import TrainingError
from training.schedule import FitConfig
from training.time_machine import SMALL, take_snapshots

STEPS = (0, 1, 3, 4)
TINY = replace(SMALL, hidden=8, embedding=8, head=8, sampler=SamplerConfig(lanes=2, window=12))


@pytest.fixture(autouse=True)
def _quiet_torch() -> Iterator[None]:
    """Programs set threads and seeds for themselves; put back what was."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)


def silent(_: str) -> None:
    """Report nothing."""


def taken(source: Path, output: Path, *, random_seed: int = 0) -> dict[int, bytes]:
    """Take snapshots of a tiny network; return the weights by step."""
    take_snapshots(source, output, preset=TINY, steps=STEPS, random_seed=random_seed, report=silent)
    return {int(folder.name): (folder / WEIGHTS).read_bytes() for folder in output.iterdir()}


def test_a_run_validates_at_its_milestones_and_at_the_regular_steps(tmp_path: Path) -> None:
    told: list[int] = []
    corpus = corpus_of("air", *map(melody, range(3)))
    sampler = Sampler((corpus,), SamplerConfig(lanes=2, window=12, excerpt=40), seed=0)

    def measured(_: Network) -> dict[str, Nats]:
        return {"air": Nats({"pitch": 1.0}, 1)}

    run = Run(
        tiny_model(music_config()),
        sampler,
        FitConfig(max_steps=8, validate_every=4, save_every=100),
        tmp_path,
        listeners=[lambda line, _: told.append(line["step"])],
        milestones={1, 4, 6},
    )
    run.train(measured, silent)
    assert told == [1, 4, 6, 8]


def test_each_step_that_was_asked_for_becomes_a_checkpoint_that_writes_music(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpora", "air")
    assert sorted(taken(tmp_path / "corpora", tmp_path / "out")) == list(STEPS)
    infos = {info.name: info for info in list_checkpoints(tmp_path / "out")}
    assert all(info.metrics["training"]["steps"] == int(name) for name, info in infos.items())
    assert len({info.parameters for info in infos.values()}) == 1
    for name in infos:
        checkpoint = load_checkpoint(tmp_path / "out" / name)
        assert checkpoint.styles == ("air",) and checkpoint.openings["air"]
        (piece,) = generate(checkpoint, GenerationSettings(bars=1, max_polyphony=4), seed=tune(bars=1))
        assert piece.new_bars == 1


def test_what_a_snapshot_says_of_itself_is_measured_on_its_own_weights(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpora", "air")
    taken(tmp_path / "corpora", tmp_path / "out")
    (valid,) = load_corpora(tmp_path / "corpora", "valid")
    for step in STEPS:
        checkpoint = load_checkpoint(tmp_path / "out" / str(step))
        nats = measure(checkpoint.model, batches(list(valid.pieces()), rows=1, style=1), device="cpu")
        row = checkpoint.metrics["held_out"]["air"]
        assert checkpoint.metrics["split"] == "valid"  # this corpus has no piece to test on
        assert row["nats_per_note"] == pytest.approx(nats.per_note, abs=1e-3)
        assert row["pieces"] == 2 and checkpoint.metrics["corpora"]["air"]["name"] == "air"


def test_the_same_seed_takes_the_same_snapshots_and_another_one_others(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpora", "air")
    first = taken(tmp_path / "corpora", tmp_path / "first", random_seed=3)
    assert taken(tmp_path / "corpora", tmp_path / "again", random_seed=3) == first
    other = taken(tmp_path / "corpora", tmp_path / "other", random_seed=4)
    assert all(other[step] != first[step] for step in STEPS)
    assert len(set(first.values())) == len(STEPS)


def test_of_several_corpora_one_must_be_named(tmp_path: Path) -> None:
    write_corpus(tmp_path, "air")
    write_corpus(tmp_path, "band")
    with pytest.raises(TrainingError, match="choose one of air, band"):
        take_snapshots(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_program_takes_a_preset_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path / "corpora", "air")
    preset = tmp_path / "mine.toml"
    preset.write_text('base = "tiny"\nhidden = 8\nlanes = 2\nwindow = 12\n')
    arguments = ("--corpus", tmp_path / "corpora", "--output", tmp_path / "out", "--preset", preset, "--seed", 1)
    monkeypatch.setattr(sys, "argv", ["time_machine", *map(str, arguments)])
    monkeypatch.setattr(time_machine, "STEPS", (0, 1))
    time_machine.main()
    infos = list_checkpoints(tmp_path / "out")
    assert [info.name for info in infos] == ["0", "1"]
    assert infos[0].config.hidden == 8 and infos[0].metrics["training"]["preset"] == str(preset)


def test_seven_snapshots_of_the_small_preset_are_no_more_to_fetch_than_one_shipped_model(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpora", "air")
    take_snapshots(tmp_path / "corpora", tmp_path / "out", steps=(0, 1), report=silent)
    checkpoint = load_checkpoint(tmp_path / "out" / "0")
    assert parameter_count(checkpoint.model) * 2 * 7 < 6_000_000
    assert (tmp_path / "out" / "0" / WEIGHTS).stat().st_size < 1_000_000
