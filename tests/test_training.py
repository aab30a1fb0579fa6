"""The whole road from a folder of MIDI to a measured checkpoint, and the counts that judge what a network writes."""

import csv
import dataclasses
import hashlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from musicdemo.checkpoint import WEIGHTS, load_checkpoint
from musicdemo.errors import MidiError
from musicdemo.generation import Continuation, GenerationSettings, generate
from musicdemo.music.midi import read_midi
from musicdemo.music.score import Note, Score, Track
from musicdemo.music.vocabulary import Column
from tests.small_corpora import corpus_of, melody, write_corpus, write_files
from tests.tiny import music_config, tiny_model, tune
from training import continuations, corpus, evaluate, train, validation
from training.continuations import (
    _longest_repeat,
    _longest_silence,
    _repeated_bars,
    examine,
    held_out_files,
    summary,
)
from training.corpus_table import CorpusSpec, read_specs
from training.loss import Nats
from training.progress import TrainingError
from training.terminal import run_program

BAR = 48


def notes(*places: tuple[int, int], pitch: int = 60) -> list[Note]:
    """Notes of one pitch by onset and duration."""
    return [Note(onset, pitch, duration) for onset, duration in places]


def crotchets(pitches: list[int], *, first: int = 0) -> tuple[Note, ...]:
    return tuple(Note(first + 12 * at, pitch, 12) for at, pitch in enumerate(pitches))


def continued(score: Score, *, join: int, new_bars: int = 8) -> Continuation:
    """A continuation as generate would return it."""
    new = sum(note.onset >= join for track in score.tracks for note in track.notes)
    events = np.zeros((0, 0), dtype=np.int64)
    return Continuation(score, join, events, 0.0, new_bars, new, score.note_count - new, "", finished=True)


@pytest.mark.parametrize(
    ("sounding", "longest"),
    [
        ([], 96),
        ([(0, 96)], 0),
        ([(0, 12), (60, 12)], 48),  # between the two
        ([(30, 66)], 30),  # before the first
        ([(0, 12), (12, 12)], 72),  # behind the last
        ([(0, 72), (12, 12), (84, 12)], 12),  # a short note under a long one ends nothing
        ([(90, 200)], 90),  # a note may sound on behind the end
    ],
)
def test_the_longest_silence_is_where_nothing_sounds(sounding: list[tuple[int, int]], longest: int) -> None:
    later = [(onset + BAR, duration) for onset, duration in sounding]
    assert _longest_silence(notes(*later), BAR, BAR + 96) == longest
    assert _longest_silence(notes(*later)[::-1], BAR, BAR + 96) == longest


@pytest.mark.parametrize(
    ("pitches", "longest"),
    [([60, 62, 64, 65], 1), ([60, 60, 60, 62, 60, 60], 3), ([60, 62, 62, 62, 62], 4), ([], 0)],
)
def test_the_longest_repeat_counts_one_pitch_in_a_row(pitches: list[int], longest: int) -> None:
    assert _longest_repeat(Score((Track(crotchets(pitches)),)), 0) == longest


def test_a_repeat_begins_anew_at_the_join_and_in_each_track_and_drums_may() -> None:
    seed, new = crotchets([60] * 8), crotchets([60] * 3, first=96)
    drums = Track(crotchets([36] * 30), is_drum=True)
    assert _longest_repeat(Score((Track(seed + new), Track(new, program=40), drums)), 96) == 3


def test_repeated_bars_are_new_bars_that_were_said_before() -> None:
    one, two = [60, 62, 64, 65], [72, 71, 69, 67]
    louder = tuple(dataclasses.replace(note, velocity=99) for note in crotchets(two, first=3 * BAR))
    melodies = crotchets([*one, *one, *two]) + louder
    # Bars: one | one, two, two. The first and the last of the three new ones were said before.
    assert _repeated_bars(continued(Score((Track(melodies),)), join=BAR, new_bars=3)) == pytest.approx(2 / 3)


def test_the_same_notes_of_another_player_or_length_are_no_repeat() -> None:
    flute, oboe = crotchets([60, 62, 64, 65]), crotchets([60, 62, 64, 65], first=BAR)
    shorter = tuple(dataclasses.replace(note, duration=6, onset=note.onset + BAR) for note in oboe)
    score = Score((Track(flute + shorter, program=73), Track(oboe, program=68)))
    assert _repeated_bars(continued(score, join=BAR, new_bars=2)) == 0
    assert _repeated_bars(continued(Score(), join=0, new_bars=0)) == 0


def with_tail(seed: Score, tail: tuple[Note, ...]) -> Continuation:
    """`seed` of two bars and these notes behind it, as a continuation."""
    (track,) = seed.tracks
    return continued(dataclasses.replace(seed, tracks=(dataclasses.replace(track, notes=track.notes + tail),)), join=96)


def test_a_good_continuation_is_sound() -> None:
    seed = tune(bars=2)
    finding = examine("air.mid", seed, with_tail(seed, crotchets([60, 62] * 16, first=96)))
    assert finding.sound and finding.parses and finding.seed_unchanged
    assert (finding.new_bars, finding.new_notes, finding.longest_repeat) == (8, 32, 1)
    assert finding.longest_silence_bars == 0
    assert finding.repeated_bars == 7 / 8  # the first of the eight equal bars is new


def test_a_silence_of_more_than_two_bars_a_changed_seed_or_a_missing_bar_is_not_sound() -> None:
    seed, tail = tune(bars=2), crotchets([60, 62] * 16, first=96)
    gap = tuple(note for note in tail if not 3 * BAR <= note.onset < 5 * BAR + 24)
    finding = examine("air.mid", seed, with_tail(seed, gap))
    assert finding.longest_silence_bars == 2.5 and not finding.sound
    assert not examine("air.mid", seed.transposed(1), with_tail(seed, tail)).sound
    assert not examine("air.mid", seed, dataclasses.replace(with_tail(seed, tail), new_bars=7)).sound


def test_the_summary_counts_what_was_found() -> None:
    seed, tail = tune(bars=2), crotchets([60, 62] * 16, first=96)
    results = [tail, tail[:4], crotchets([64] * 32, first=96)]
    figures = summary([examine("air.mid", seed, with_tail(seed, new)) for new in results])
    assert list(figures.values()) == [3, 2, 1, 0, 7.0, 32, "58%", "100%", "100%"]  # (7/8 + 0 + 7/8) / 3 = 0.583


def test_notes_outside_the_scale_of_the_seed_are_counted_by_their_length() -> None:
    seed = tune(bars=2)  # in C major
    finding = examine("air.mid", seed, with_tail(seed, crotchets([60, 61, 62, 63, 66, 68, 70, 64], first=96)))
    assert (finding.in_scale, finding.seed_in_scale) == (3 / 8, 1.0)
    drums = tune(bars=2, is_drum=True)
    assert math.isnan(examine("drums.mid", drums, with_tail(drums, crotchets([36] * 8, first=96))).in_scale)


def test_pieces_to_continue_lie_evenly_over_the_test_split(tmp_path: Path) -> None:
    entries = {f"{number:02d}.mid": {"split": "test", "notes": 20} for number in range(12)}
    entries["00.mid"]["split"] = entries["01.mid"]["split"] = "train"
    rejected = {f"{number:02d}.mid": {"split": "test", "notes": 0, "rejected": "empty"} for number in (2, 3)}
    (tmp_path / "air.json").write_text(json.dumps({"files": entries | rejected}))
    spec = CorpusSpec("air", "airs", ("*.mid",))
    assert list(held_out_files(spec, tmp_path / "air.json", 4)) == [f"airs/{n:02d}.mid" for n in (4, 6, 8, 10)]
    assert len(list(held_out_files(spec, tmp_path / "air.json", 99))) == 8


@pytest.fixture
def _quiet_torch() -> Iterator[None]:
    """Programs set threads and seeds for themselves; put back what was."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)


def run(program: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Run the main() of a program with these arguments."""
    monkeypatch.setattr(sys, "argv", [program.__name__, *map(str, arguments)])
    program.main()


@pytest.mark.usefixtures("_quiet_torch")
def test_a_folder_of_midi_becomes_a_measured_checkpoint_that_writes_music(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, corpora, folder = tmp_path / "data", tmp_path / "corpora", tmp_path / "run" / "checkpoint"
    chorale = next(
        spec for spec in read_specs(Path(corpus.__file__).with_name("corpora.toml")) if spec.name == "chorale"
    )
    sizes = {"train": 10, "valid": 2, "test": 2}
    names = [f"{split}/{number}.mid" for split, count in sizes.items() for number in range(count)]
    write_files(data / chorale.folder, {name: melody(at, tempo=100) for at, name in enumerate(names)})
    run(corpus, monkeypatch, "--data", data, "--only", "chorale", "--output", corpora, "--processes", 1)

    common = ("--corpora", corpora, "--run", tmp_path / "run", "--preset", "tiny", "--device", "cpu", "--seed", 3)
    run(train, monkeypatch, *common, "--max-steps", 4, "--validate-every", 2)
    first = (folder / WEIGHTS).read_bytes()
    run(train, monkeypatch, *common, "--max-steps", 6, "--validate-every", 2, "--resume")
    with (tmp_path / "run" / "log.csv").open(newline="") as file:
        assert [line["step"] for line in csv.DictReader(file)] == ["2", "4", "6"]
    after = (folder / WEIGHTS).read_bytes()
    assert after != first
    pieces = {path.name: read_midi(path.read_bytes()).score for path in (tmp_path / "run" / "samples").iterdir()}
    assert set(pieces) == {f"step-{step}{seed}.mid" for step in (2, 4, 6) for seed in ("-minuet-in-g", "")}
    assert all(len(score.bars) >= 4 for name, score in pieces.items() if "minuet" in name)
    assert any((tmp_path / "run" / "board").iterdir())
    run(train, monkeypatch, *common, "--finish")
    assert (folder / WEIGHTS).read_bytes() == after

    run(evaluate, monkeypatch, "--checkpoint", folder, "--corpora", corpora, "--device", "cpu", "--threads", 1)
    run(continuations, monkeypatch, "--checkpoint", folder, "--data", data, "--manifests", corpora, "--count", 1,
        "--corpora", "chorale")  # fmt: skip
    checkpoint = load_checkpoint(folder)
    (row,) = checkpoint.metrics["held_out"].values()
    assert (row["pieces"], row["notes"]) == (2, 40)
    assert sum(row["columns"].values()) == pytest.approx(row["nats_per_note"], abs=1e-3)
    training = checkpoint.metrics["training"]
    assert training["random_seed"] == 3 and "hidden=64" in training["settings"] and training["begun_from"]
    rounded = training["the_same_after_rounding_to_half_precision"]
    assert rounded == pytest.approx(training["validation_nats_per_note_mean_over_corpora"], abs=0.01)
    assert all(torch.equal(value.half().float(), value) for value in checkpoint.model.state_dict().values())
    manifest = hashlib.sha256((corpora / "chorale.json").read_bytes()).hexdigest()
    assert checkpoint.metrics["corpora"]["chorale"]["manifest_sha256"] == manifest
    assert checkpoint.metrics["corpora"]["chorale"]["pieces"] == sizes
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| chorale | 2 | 40 | **{row['nats_per_note']:.3f}** |" in card
    assert "held-out pieces continued by 8 bars at temperature 1: 1" in card

    (opening,) = checkpoint.openings["chorale"]
    assert (opening.tempo, len(opening.tracks or ())) == (100.0, 1)
    (result,) = generate(checkpoint, GenerationSettings(bars=1, style="chorale"), seed=tune())
    assert result.new_bars == 1 and result.score.clipped(0, result.join).note_count == tune().note_count
    assert "chorale" in capsys.readouterr().out


@pytest.mark.usefixtures("_quiet_torch")
def test_a_corpus_without_test_pieces_is_left_out_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run" / "checkpoint"
    files = {f"train/{number}.mid": melody(number) for number in range(3)} | {"valid/a.mid": melody(9)}
    write_files(tmp_path, files)
    spec = CorpusSpec("air", ".", ("*/*.mid",), split="folder")
    corpus.build(spec, tmp_path, tmp_path / "corpora", known={}, processes=1)
    common = ("--corpora", tmp_path / "corpora", "--run", tmp_path / "run", "--preset", "tiny", "--device", "cpu")
    run(train, monkeypatch, *common, "--max-steps", 1)
    run(evaluate, monkeypatch, "--checkpoint", folder, "--corpora", tmp_path / "corpora", "--device", "cpu")
    assert "air          has no piece in the test split" in capsys.readouterr().out
    assert load_checkpoint(folder).metrics["held_out"] == {}


def trained(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Train two steps of a tiny network."""
    small = ("--preset", "tiny", "--device", "cpu", "--no-samples", "--max-steps", 2, "--set", "hidden=8", "lanes=2")
    run(train, monkeypatch, *small, *arguments)


@pytest.mark.usefixtures("_quiet_torch")
def test_a_newcomer_teaches_a_trained_network_a_style_of_his_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path / "shipped", "air")
    write_corpus(tmp_path / "own", "mine", train=3, valid=1)
    trained(monkeypatch, "--corpora", tmp_path / "shipped", "--run", tmp_path / "first")
    first = tmp_path / "first" / "checkpoint"
    trained(monkeypatch, "--corpora", tmp_path / "own", "--run", tmp_path / "second", "--init-from", first)
    checkpoint = load_checkpoint(tmp_path / "second" / "checkpoint")
    assert checkpoint.styles == ("air", "mine") and set(checkpoint.openings) == {"air", "mine"}
    assert checkpoint.metrics["training"]["begun_from"].startswith("checkpoint (weights ")
    for style in checkpoint.styles:
        (piece,) = generate(checkpoint, GenerationSettings(bars=1, style=style))
        assert piece.new_bars == 1


@pytest.mark.usefixtures("_quiet_torch")
def test_a_run_is_neither_overwritten_nor_continued_as_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path / "corpora", "air")
    write_corpus(tmp_path / "corpora", "reel")
    common = ("--corpora", tmp_path / "corpora", "--run", tmp_path / "run")
    with pytest.raises(TrainingError, match=r"holds no run: its run\.json cannot be read"):
        trained(monkeypatch, *common, "--finish")
    trained(monkeypatch, *common)
    with pytest.raises(TrainingError, match="holds a run: go on with --resume"):
        trained(monkeypatch, *common)
    for going_on in ("--resume", "--finish"):
        with pytest.raises(TrainingError, match="begun with the styles air, reel: give the same corpora"):
            trained(monkeypatch, *common, going_on, "--only", "reel")
    with pytest.raises(TrainingError, match="another network than the preset's"):
        trained(monkeypatch, *common, "--finish", "--set", "hidden=9")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--preset", "huge"), "no preset is called 'huge'; there are"),
        (("--set", "hidden"), "--set takes NAME=VALUE, not 'hidden'"),
        (("--set", "volume=11"), "there is no setting 'volume'; there are"),
        (("--schedule", "sine"), "schedule must be one of cosine, plateau, not 'sine'"),
        (("--device", "mps"), "training cannot start on 1 x mps"),
    ],
)
def test_a_mistake_ends_training_with_one_line_and_exit_code_2(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["train", "--run", str(tmp_path / "run"), *arguments])
    with pytest.raises(SystemExit, match="2"):
        run_program(train.main)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)


def test_training_without_pieces_to_validate_on_says_so() -> None:
    with pytest.raises(MidiError, match="no corpus has a piece to validate on"):
        validation.validation((corpus_of("air"),), "cpu")


def test_a_corpus_without_validation_pieces_does_not_shift_the_styles_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validation, "measure", lambda _, parts, **__: Nats({}, int(parts[0][0, 0, Column.STYLE])))
    measure = validation.validation((corpus_of("none"), corpus_of("air", melody(1))), "cpu")
    assert measure(tiny_model(music_config())) == {"air": Nats({}, 2)}
