"""The training loop: its schedule, its averages, when it stops, and that a stopped run goes on as if it had not."""

import csv
import dataclasses
import math
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from musicdemo.models.base import AttentionConfig, ModelConfig
from musicdemo.models.build import Network
from musicdemo.music.vocabulary import Column
from tests.small_corpora import corpus_of, melody
from tests.tiny import music_config, tiny_model
from training import fit
from training.dataset import Augmentation, Batch, Corpus, Sampler, SamplerConfig
from training.fit import Run, Validate
from training.loss import Nats
from training.progress import Progress, TrainingError, glance, sentence, verdict
from training.saving import STATE, save
from training.schedule import OPTIMIZERS, FitConfig, learning_rate
from training.validation import references, validation

LANES = SamplerConfig(lanes=2, window=12, excerpt=40)
STILL = Augmentation(semitones=0, tempo_marks=0, velocity_levels=0, program_probability=0.0, style_dropout=0.0)
CORPUS = corpus_of("air", *map(melody, range(3)))


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    """Dropout draws from the global generator; leave it as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        yield


def run_in(folder: Path, config: FitConfig, *, seed: int = 0, corpus: Corpus = CORPUS) -> Run:
    """A fresh run of a tiny network."""
    return Run(tiny_model(music_config()), Sampler((corpus,), LANES, seed=seed), config, folder)


def silent(_: str) -> None:
    """Report nothing."""


def measured(*figures: float) -> Validate:
    """A validation that finds these nats per note, one after the other."""
    left = iter(figures)
    return lambda _: {"air": Nats({"pitch": next(left)}, 1)}


def log_lines(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def weights_of(model: Network) -> dict[str, np.ndarray]:
    return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}


def equal_weights(one: Network, other: Network) -> bool:
    ours, theirs = weights_of(one), weights_of(other)
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 0.1),  # a tenth of the warm-up, the cosine at its height
        (4, 0.5 * (0.1 + 0.9 * (1 + math.cos(math.pi / 50)) / 2)),
        (50, 0.55),  # half way: (0.1 + 1) / 2 of the height
        (75, 0.1 + 0.9 * (1 - math.sqrt(0.5)) / 2),
        (200, 0.1),  # the end
        (300, 0.1),
    ],
)
def test_the_learning_rate_warms_up_and_falls_by_a_cosine(step: int, rate: float) -> None:
    total = 100 if step in (50, 75) else 200
    config = FitConfig(learning_rate=2.0, final_rate=0.1, warmup=10, max_steps=total)
    assert learning_rate(Progress(step=step), config) == pytest.approx(2 * rate)


def test_the_schedule_follows_the_clock_where_minutes_end_first() -> None:
    config = FitConfig(learning_rate=1.0, final_rate=0.1, warmup=1, max_steps=1000, max_minutes=4)
    assert learning_rate(Progress(step=10, seconds=120), config) == pytest.approx(0.55)
    assert learning_rate(Progress(step=10, seconds=999), config) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimizer": "sgd"},
        {"schedule": "sine"},
        {"precision": "8"},
        {"max_steps": 0},
        {"validate_every": 0},
        {"save_every": 0},
        {"accumulate": 0},
        {"patience": 0},
        {"warmup": 0},
        {"max_minutes": 0},
        {"learning_rate": float("nan")},
        {"ema": 1.0},
    ],
)
def test_a_run_refuses_nonsense(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        FitConfig(**wrong)  # type: ignore[arg-type]  # that is what is refused


class KilledError(Exception):
    """The machine went away."""


def killed_at(number: int, validate: Validate) -> Validate:
    """The same validation, but the machine goes away during this one (1 is the first)."""
    calls = iter(range(1, 1000))

    def measure(model: Network) -> dict[str, Nats]:
        if next(calls) == number:
            raise KilledError
        return validate(model)

    return measure


REMEMBERING = dataclasses.replace(music_config(), attention=AttentionConfig(heads=2, window=20))
"""A network whose state grows and holds whole numbers, too."""


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("network", [music_config(), REMEMBERING], ids=["recurrent", "attention"])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    optimizer: str, network: ModelConfig, tmp_path: Path
) -> None:
    config = FitConfig(optimizer=optimizer, max_steps=12, validate_every=3, warmup=4)

    def run_in(folder: Path, config: FitConfig, *, seed: int = 0) -> Run:
        return Run(tiny_model(network), Sampler((CORPUS,), LANES, seed=seed), config, folder)

    validate = validation((corpus_of("air", melody(8)),), "cpu")
    whole = run_in(tmp_path / "whole", config)
    random = torch.get_rng_state()
    whole.train(validate, silent)

    torch.set_rng_state(random)
    with pytest.raises(KilledError):
        run_in(tmp_path / "parts", config).train(killed_at(3, validate), silent)
    torch.manual_seed(12345)
    resumed = run_in(tmp_path / "parts", config, seed=99)
    resumed.resume()
    assert resumed.progress.step == 6
    resumed.train(validate, silent)

    figures = ("step", "events", "learning_rate", "gradient_norm", "train", "valid", "air")
    lines = [
        [{name: line[name] for name in figures} for line in log_lines(tmp_path / run)] for run in ("whole", "parts")
    ]
    assert lines[0] == lines[1] and len(lines[0]) == 4
    assert equal_weights(whole.model, resumed.model)
    assert equal_weights(whole.average, resumed.average)


def test_a_run_stops_after_as_many_stale_validations_as_its_patience(tmp_path: Path) -> None:
    config = FitConfig(max_steps=100, validate_every=2, patience=3)
    run, kept = run_in(tmp_path, config), {}

    def validate(model: Network) -> dict[str, Nats]:
        kept[run.progress.step] = weights_of(model)
        return figures(model)

    figures = measured(5.0, 4.0, 4.5, 3.0, 3.0, 9.0, 3.5)
    end = run.train(validate, silent)
    assert (end.step, end.best_step, end.best, end.stale) == (14, 8, 3.0, 3)
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    assert all(np.array_equal(best[name].numpy(), value) for name, value in kept[8].items())
    assert [line["valid"] for line in log_lines(tmp_path)] == ["5.0", "4.0", "4.5", "3.0", "3.0", "9.0", "3.5"]

    again = run_in(tmp_path, config)
    again.resume()
    assert again.train(measured(), silent).step == 14


def test_the_best_is_the_mean_over_corpora_not_over_notes(tmp_path: Path) -> None:
    found = iter([{"a": (2.0, 1), "b": (4.0, 99)}, {"a": (1.0, 1), "b": (4.5, 99)}])
    run = run_in(tmp_path, FitConfig(max_steps=2, validate_every=1))
    end = run.train(lambda _: {name: Nats({"pitch": v * n}, n) for name, (v, n) in next(found).items()}, silent)
    assert (end.best, end.best_step) == (2.75, 2)


def test_the_log_has_a_line_for_each_validation(tmp_path: Path) -> None:
    reports: list[str] = []
    run_in(tmp_path, FitConfig(max_steps=7, validate_every=3)).train(measured(3.0, 2.0, 2.5), reports.append)
    lines = log_lines(tmp_path)
    assert [line["step"] for line in lines] == ["3", "6", "7"]
    assert [line["events"] for line in lines] == ["72", "144", "168"]  # 2 lanes x 12 events a step
    assert [line["air"] for line in lines] == ["3.0", "2.0", "2.5"]
    assert "still improving" in reports[1] and "no better since step 6" in reports[2]
    assert all(float(line["gradient_norm"]) > 0 and float(line["learning_rate"]) > 0 for line in lines)


def test_averaged_weights_follow_their_formula(tmp_path: Path) -> None:
    run = run_in(tmp_path, FitConfig(ema=0.25, warmup=1, learning_rate=0.05))
    mean = {name: value.detach().clone() for name, value in run.average.named_parameters()}
    for step in range(6):
        run._step()
        decay = min(0.25, (1 + step) / (10 + step))
        for name, value in run.model.named_parameters():
            mean[name] = decay * mean[name] + (1 - decay) * value.detach()
    for name, value in run.average.named_parameters():
        torch.testing.assert_close(value, mean[name], rtol=1e-5, atol=1e-6)
    assert not equal_weights(run.average, run.model)


@pytest.mark.parametrize(("optimizer", "rate"), [("adamw", 0.02), ("rmsprop", 0.01)])
def test_a_piece_can_be_learned_by_heart(optimizer: str, rate: float, tmp_path: Path) -> None:
    config = dataclasses.replace(music_config(), hidden=48, embedding=24, head=24, layers=1, dropout=0.0)
    lanes = Sampler((corpus_of("air", melody(1)),), LANES, seed=0, augmentation=STILL)
    how = FitConfig(optimizer=optimizer, learning_rate=rate, warmup=30, max_steps=90)
    run = Run(tiny_model(config), lanes, how, tmp_path)
    nats = []
    for _ in range(90):
        run._step()
        run._collect()
        nats.append(run.progress.train_loss)
        run.progress.nats, run.progress.units = 0.0, 0
    assert sum(nats[-5:]) / 5 < 0.15 * nats[0]


def test_weight_decay_spares_the_biases(tmp_path: Path) -> None:
    run = run_in(tmp_path, FitConfig(weight_decay=0.5))
    decayed = {id(p): group["weight_decay"] for group in run.optimizer.param_groups for p in group["params"]}
    assert len(decayed) == len(list(run.model.parameters()))
    for parameter in run.model.parameters():
        assert decayed[id(parameter)] == (0.5 if parameter.ndim > 1 else 0.0)


def test_a_lane_carries_its_state_until_a_piece_begins(tmp_path: Path) -> None:
    run = run_in(tmp_path, FitConfig())
    run._step()
    (state,) = run._states
    assert state is not None
    for carried, kept in zip(run._carried(0, torch.tensor([True, False])), state, strict=True):
        assert not carried[:, 0].any()
        assert torch.equal(carried[:, 1], kept[:, 1]) and kept[:, 1].any()


def test_a_step_of_nothing_but_silence_changes_no_weight_to_nonsense(tmp_path: Path) -> None:
    run = run_in(tmp_path, FitConfig())
    silence = np.zeros((2, 13, len(Column)), dtype=np.int64)
    nothing = Batch(silence, silence[..., 0] > 0, 0)
    run.sampler.batch = lambda: nothing  # type: ignore[method-assign]  # such a window is too rare to wait for
    run._step()
    run._collect()
    assert all(torch.isfinite(parameter).all() for parameter in run.model.parameters())


def test_on_a_plateau_the_learning_rate_halves_and_no_further_than_its_floor() -> None:
    config = FitConfig(schedule="plateau", learning_rate=1.0, final_rate=0.2, warmup=1, plateau=2)
    progress, rates = Progress(), []
    for found in (5.0, 6.0, 6.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0):
        progress.note({"air": Nats({"pitch": found}, 1)}, rate=1.0, plateau=config.plateau)
        rates.append(learning_rate(progress, config))
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2]


def test_a_run_in_minutes_leaves_time_to_validate_and_to_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    run = run_in(tmp_path, FitConfig(max_minutes=5, validate_every=20))
    monkeypatch.setattr(fit, "time", SimpleNamespace(monotonic=lambda: now[0]))
    draw = run.sampler.batch

    def batch_in_a_second() -> Batch:
        now[0] += 1
        return draw()

    def validate_in_half_a_minute(_: Network) -> dict[str, Nats]:
        now[0] += 30
        return {"air": Nats({"pitch": 1.0}, 1)}

    run.sampler.batch = batch_in_a_second  # type: ignore[method-assign]  # a clock of our own
    end = run.train(validate_in_half_a_minute, silent)
    assert log_lines(tmp_path)[-1]["step"] == str(end.step)
    assert 220 < now[0] < 300 - 30


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ([(4.0, 4.0), (3.0, 3.5)], "still improving"),
        ([(4.0, 3.5), (3.8, 3.6)], "no better since step 1"),  # one validation proves nothing
        ([(4.0, 3.5), (3.8, 3.6), (3.7, 3.7)], "overfitting since step 1"),
        ([(4.0, 3.5), (4.1, 3.6), (4.2, 3.7)], "no better since step 1"),  # training fares no better either
        ([(4.0, 3.5), (3.8, 3.6), (3.7, 3.5)], "no better since step 1"),  # it does not rise
    ],
)
def test_the_verdict_tells_a_pause_from_overfitting(figures: list[tuple[float, float]], said: str) -> None:
    progress = Progress()
    for train, valid in figures:
        progress.step, progress.nats, progress.units = progress.step + 1, train, 1
        progress.note({"air": Nats({"pitch": valid}, 1)}, rate=0.1, plateau=3)
    assert verdict(progress) == said


def test_a_report_compares_with_what_knows_no_music() -> None:
    progress = Progress(step=1200, seconds=120.0, events=240_000, nats=8.0, units=2)
    progress.note({"air": Nats({"pitch": 3.0}, 1)}, rate=0.1, plateau=3)
    said = sentence(progress, {"uniform": 25.9, "unigram": 7.6})
    assert said == (
        "step 1,200 · 2.0 min · 2,000 events/s · train 4.000 · valid 3.000 nats (uniform 25.90, unigram 7.60) "
        "· still improving"
    )
    progress.step, progress.nats, progress.units = 1250, 9.0, 3
    assert glance(progress, 0.25) == (
        "step 1,250 · 25.0% · 2,000 events/s · at most 6 min left · train 3.000 · valid 3.000"
    )


def test_a_network_of_equal_odds_would_reach_the_uniform_figure() -> None:
    corpus = corpus_of("air", melody(8))
    model = tiny_model(music_config())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    figures = references((CORPUS,), (corpus,))
    found = validation((corpus,), "cpu")(model)["air"].per_note
    assert figures["uniform"] == pytest.approx(found, rel=1e-5)
    assert figures["unigram"] < figures["uniform"]


def test_a_batch_in_parts_gives_the_gradients_of_the_whole(tmp_path: Path) -> None:
    config = dataclasses.replace(music_config(), dropout=0.0)
    runs = []
    for parts in (1, 2):
        sampler = Sampler((CORPUS,), dataclasses.replace(LANES, lanes=4), seed=0)
        how = FitConfig(accumulate=parts, learning_rate=0.01, warmup=1)
        runs.append(Run(tiny_model(config), sampler, how, tmp_path / str(parts)))
        for _ in range(8):
            runs[-1]._step()
        runs[-1]._collect()
    whole, halves = runs
    for name, value in whole.model.named_parameters():
        torch.testing.assert_close(dict(halves.model.named_parameters())[name], value, rtol=1e-4, atol=1e-5)
    assert halves.progress.nats == pytest.approx(whole.progress.nats, rel=1e-5)
    assert halves.progress.norms == pytest.approx(whole.progress.norms, rel=1e-4)


def saved_run(folder: Path) -> Run:
    run = run_in(folder, FitConfig(max_steps=2, validate_every=1))
    run.train(measured(3.0, 2.0), silent)
    return run


@pytest.mark.parametrize("damage", ["missing", "empty", "torn", "foreign"])
def test_a_state_that_is_missing_or_torn_is_refused_in_a_sentence(damage: str, tmp_path: Path) -> None:
    path = saved_run(tmp_path).folder / STATE
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "torn": whole[: len(whole) // 2], "foreign": b"no state" * 9}[damage])
    with pytest.raises(TrainingError, match=r"state\.pt is"):
        run_in(tmp_path, FitConfig()).resume()


def test_a_state_of_another_network_or_other_parts_is_refused(tmp_path: Path) -> None:
    saved_run(tmp_path)
    other = tiny_model(dataclasses.replace(music_config(), hidden=11))
    for model, config in ((other, FitConfig()), (tiny_model(music_config()), FitConfig(accumulate=2))):
        with pytest.raises(TrainingError, match="of another network, or of other settings"):
            Run(model, Sampler((CORPUS,), LANES, seed=0), config, tmp_path).resume()


def test_a_run_of_two_processes_does_not_go_on_with_one(tmp_path: Path) -> None:
    saved_run(tmp_path)
    state = torch.load(tmp_path / STATE, weights_only=True)
    save(state | {"processes": state["processes"] * 2}, tmp_path / STATE)
    with pytest.raises(TrainingError, match="made by 2 processes and cannot go on with 1"):
        run_in(tmp_path, FitConfig()).resume()


def test_while_a_new_state_is_written_the_old_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = saved_run(tmp_path)
    before = (tmp_path / STATE).read_bytes()
    run.progress.step = 99

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run.save()
    assert (tmp_path / STATE).read_bytes() == before
    assert not list(tmp_path.glob(".*.draft"))


def test_a_loss_that_is_no_number_ends_the_run_and_is_not_saved(tmp_path: Path) -> None:
    run = saved_run(tmp_path)
    before = (tmp_path / STATE).read_bytes()
    with torch.no_grad():
        next(run.model.parameters()).fill_(math.nan)
    run._step()
    with pytest.raises(TrainingError, match="at step 3 the loss is no number"):
        run.save()
    assert (tmp_path / STATE).read_bytes() == before


def test_listeners_are_told_of_each_validation(tmp_path: Path) -> None:
    run, heard = run_in(tmp_path, FitConfig(max_steps=4, validate_every=2)), []
    run.listeners = [lambda line, model: heard.append((line["step"], line["valid"], model is run.average))]
    run.train(measured(3.0, 2.0), silent)
    assert heard == [(2, 3.0, True), (4, 2.0, True)]
