"""Whatever is done to a held-out piece, the guard knows it again; what is only like it may be trained on."""

import csv
import gzip
import json
import random
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from musicdemo.errors import MidiError
from musicdemo.music.score import Meter, MeterChange, Note, Score, Track
from tests.small_corpora import encode, melody, write_files
from training.benchmark_guard import (
    HELD_OUT_FILE,
    Benchmark,
    Overlap,
    find_overlaps,
    read_held_out,
    refuse_held_out,
    write_held_out,
)
from training.corpus import build
from training.corpus_table import CorpusSpec
from training.hold_out import hold_out
from training.manifest import read_manifest
from training.windows import BEAT, harmony_windows, line_windows, notes_of

TUNE, BARS = 1, 24
BY_FOLDER = CorpusSpec("airs", ".", ("*/*.mid",), split="folder")


def chorale(number: int, *, beats: int = 60) -> Score:
    """Four voices that move on every beat; other numbers give other chords."""
    choose = random.Random(number)
    ranges = ((60, 79), (55, 72), (48, 67), (40, 60))
    tracks = tuple(
        Track(tuple(Note(12 * beat, choose.randint(*span), 12) for beat in range(beats)), voice=voice)
        for voice, span in enumerate(ranges)
    )
    return Score(tracks)


def windows_of(score: Score, kind: str) -> np.ndarray:
    events = encode(score)
    notes = notes_of(events, np.array([len(events)]))
    return np.unique((line_windows(notes) if kind == "line" else harmony_windows(notes, BEAT)).hashes)


def benchmark(score: Score, kind: str) -> Benchmark:
    """A benchmark that holds out this piece alone."""
    hashes = windows_of(score, kind)
    return Benchmark(f"bench {kind}", kind, 1, ("valid:0",), hashes, np.zeros(len(hashes), np.int64))


HELD_OUT = (benchmark(chorale(TUNE), "harmony"), benchmark(melody(TUNE, bars=BARS), "line"))


def found(*scores: Score) -> dict[int, Overlap]:
    pieces = [encode(score) for score in scores]
    return find_overlaps(np.concatenate(pieces), np.array([len(piece) for piece in pieces]), HELD_OUT)


def later(score: Score, steps: int) -> Score:
    tracks = tuple(
        Track(tuple(Note(n.onset + steps, n.pitch, n.duration) for n in track.notes), voice=track.voice)
        for track in score.tracks
    )
    return Score(tracks)


def stretched(score: Score, *, numerator: int, denominator: int) -> Score:
    def new(note: Note) -> Note:
        return Note(note.onset * numerator // denominator, note.pitch, note.duration * numerator // denominator)

    return Score(tuple(Track(tuple(map(new, track.notes)), voice=track.voice) for track in score.tracks))


def halved_notes(score: Score) -> Score:
    """Every note struck twice for half its time, as in an encoding that ties nothing."""
    tracks = tuple(
        Track(tuple(Note(n.onset + at, n.pitch, 6) for n in track.notes for at in (0, 6)), voice=track.voice)
        for track in score.tracks
    )
    return Score(tracks)


def on_a_piano(score: Score) -> Score:
    """All voices in one track, the bass doubled an octave below."""
    notes = [note for track in score.tracks for note in track.notes]
    doubled = [Note(note.onset, note.pitch - 12, note.duration) for note in score.tracks[-1].notes]
    return Score((Track(tuple({(n.onset, n.pitch): n for n in notes + doubled}.values())),))


CHORALE, MELODY = chorale(TUNE), melody(TUNE, bars=BARS)
COPIES = {
    "itself": CHORALE,
    "another key": CHORALE.transposed(-3),
    "re-barred": Score(CHORALE.tracks, (MeterChange(0, Meter(3, 4)),)),
    "with an upbeat": later(CHORALE, 12),
    "off the beat": later(CHORALE, 6),
    "an excerpt": CHORALE.clipped(4 * 48, 9 * 48),
    "doubled values": stretched(CHORALE, numerator=2, denominator=1),
    "halved values": stretched(CHORALE, numerator=1, denominator=2),
    "repeated notes": halved_notes(CHORALE),
    "on a piano": on_a_piano(CHORALE),
    "within a longer piece": chorale(7, beats=120).joined(CHORALE, 30 * 48),
    "a melody": MELODY.transposed(5),
    "a melody in triple time": stretched(MELODY, numerator=3, denominator=2),
    "a melody's excerpt": MELODY.clipped(3 * 48, 12 * 48),
    "a melody over chords": Score((*MELODY.tracks, *(Track(t.notes, program=19) for t in chorale(9).tracks[3:]))),
}


@pytest.mark.parametrize("change", COPIES)
def test_a_changed_copy_is_known_again(change: str) -> None:
    (overlap,) = found(COPIES[change]).values()
    assert overlap.piece == "valid:0" and overlap.share > 0.5


def test_other_music_and_a_bar_or_two_in_common_pass() -> None:
    others = [chorale(number) for number in range(2, 12)] + [melody(number, bars=BARS) for number in range(2, 12)]
    quoting = chorale(20, beats=160).joined(CHORALE.clipped(0, 2 * 48), 40 * 48)
    assert found(*others, quoting) == {}


def test_one_harmony_repeated_is_no_evidence() -> None:
    pumping = Score((Track(tuple(Note(12 * beat, 60 + 7 * (beat % 2), 12) for beat in range(80))),))
    assert not len(windows_of(pumping, "harmony")) and not len(windows_of(pumping, "line"))


def test_pieces_are_told_apart_however_many_lie_behind_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = [chorale(2), CHORALE, melody(3), Score(), MELODY, chorale(4)]
    whole = found(*scores)
    assert set(whole) == {1, 4}
    monkeypatch.setattr("training.benchmark_guard._EVENTS_AT_ONCE", 100)
    assert found(*scores) == whole


def test_drums_and_nothing_at_all_are_no_music_to_compare() -> None:
    assert found(melody(TUNE, bars=BARS, is_drum=True), Score()) == {}
    assert find_overlaps(np.zeros((0, encode(Score()).shape[1]), np.uint16), np.zeros(0, np.int64), HELD_OUT) == {}


def test_notes_are_read_from_events_as_they_sound() -> None:
    meters = (MeterChange(0, Meter(3, 4)), MeterChange(72, Meter(4, 4)))
    notes = (Note(0, 60, 12), Note(30, 64, 48), Note(72 + 96, 67, 6))  # a bar of the second metre is empty
    events = [encode(Score((Track(notes),), meters)), encode(melody(1))]
    read = notes_of(np.concatenate(events), np.array([len(part) for part in events]))
    first = [
        (int(on), int(pitch), int(end - on)) for on, pitch, end in zip(read.onset, read.pitch, read.end, strict=True)
    ][:3]
    assert first == [(note.onset, note.pitch, note.duration) for note in notes]
    assert read.onset[read.piece == 1].tolist() == [note.onset for note in melody(1).tracks[0].notes]


def test_what_is_written_is_read_again_and_always_in_the_same_bytes(tmp_path: Path) -> None:
    write_held_out(HELD_OUT, tmp_path / "one.npz")
    read = read_held_out(tmp_path / "one.npz")
    write_held_out(read, tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    for before, after in zip(HELD_OUT, read, strict=True):
        assert (before.name, before.kind, before.every, before.pieces) == (
            after.name, after.kind, after.every, after.pieces,
        )  # fmt: skip
        assert np.array_equal(before.hashes, after.hashes) and np.array_equal(before.owners, after.owners)


@pytest.mark.parametrize("content", [None, b"", b"no zip", b"PK\3\4 torn"])
def test_without_the_held_out_pieces_nothing_is_waved_through(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "held_out.npz").write_bytes(content)
    with pytest.raises(MidiError, match=r"cannot be read from .*held_out\.npz; make them with"):
        read_held_out(tmp_path / "held_out.npz")


def test_the_shipped_file_is_small_and_holds_the_pieces_of_all_four_benchmarks() -> None:
    assert HELD_OUT_FILE.stat().st_size < 300_000
    sizes = {benchmark.name: len(benchmark.pieces) for benchmark in read_held_out()}
    assert sizes["JSB"] == sizes["JSB voices"] == 76 + 77
    assert sizes["MuseData"] == 135 + 124 and sizes["Piano-midi.de"] == 12 + 25
    assert sizes["Nottingham"] >= 173 + 170


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    """The file of the pieces of HELD_OUT; beside it lies one of no pieces."""
    write_held_out((), tmp_path / "nothing.npz")
    write_held_out(HELD_OUT, tmp_path / "held_out.npz")
    return tmp_path / "held_out.npz"


def built(midi: Path, held_out: Path) -> Path:
    output = midi.parent / "corpora"
    build(BY_FOLDER, midi, output, known={}, processes=1, held_out=held_out)
    return output


def test_a_held_out_piece_leaves_the_training_split_alone_with_its_reason(tmp_path: Path, held_out: Path) -> None:
    write_files(
        tmp_path / "midi", {"train/copy.mid": CHORALE.transposed(2), "train/a.mid": melody(5), "test/b.mid": MELODY}
    )
    output = built(tmp_path / "midi", held_out)
    manifest = read_manifest(output, "airs")
    reason = "music that a benchmark holds out: bench harmony valid:0 (100%)"
    assert manifest["files"]["train/copy.mid"]["rejected"] == reason
    assert manifest["pieces"] == {"train": 1, "valid": 0, "test": 1}
    assert manifest["reasons"] == {"music that a benchmark holds out": 1}
    refuse_held_out(output, ("airs",), held_out=held_out)


def test_training_on_a_held_out_piece_is_refused_by_name_with_and_without_a_manifest(
    tmp_path: Path, held_out: Path
) -> None:
    write_files(tmp_path / "midi", {"train/a.mid": melody(5), "train/copy.mid": CHORALE.transposed(2)})
    output = built(tmp_path / "midi", tmp_path / "nothing.npz")
    with pytest.raises(MidiError, match=r"corpus airs would train on .*: train/copy\.mid is bench harmony valid:0"):
        refuse_held_out(output, ("airs",), held_out=held_out)
    (output / "airs.json").unlink()
    with pytest.raises(MidiError, match=r"train piece 2 is bench harmony valid:0 \(100%\)"):
        refuse_held_out(output, ("airs",), held_out=held_out)


def test_a_seal_holds_for_the_events_that_were_checked_alone(tmp_path: Path, held_out: Path) -> None:
    write_files(tmp_path / "midi", {"train/a.mid": melody(5)})
    output = built(tmp_path / "midi", held_out)
    sealed = (output / "airs.json").read_bytes()
    write_files(tmp_path / "midi", {"train/b.mid": CHORALE})
    built(tmp_path / "midi", tmp_path / "nothing.npz")
    (output / "airs.json").write_bytes(sealed)
    with pytest.raises(MidiError, match="would train on what a benchmark holds out"):
        refuse_held_out(output, ("airs",), held_out=held_out)


def frames(score: Score, *, steps: int) -> list[list[int]]:
    """The pitches that sound at every so many steps."""
    notes = [note for track in score.tracks for note in track.notes]
    return [sorted(n.pitch for n in notes if n.onset <= at < n.end) for at in range(0, score.end, steps)]


def test_the_benchmarks_are_held_out_but_for_what_their_training_splits_hold(tmp_path: Path) -> None:
    (tmp_path / "bl_benchmarks").mkdir()
    chorales = {"train": [chorale(50), chorale(51)], "valid": [chorale(52)], "test": [chorale(53), chorale(50)]}
    for name, steps in (("JSB_Chorales", 12), ("MuseData", 6), ("Piano_midi", 6), ("Nottingham", 6)):
        rolls = {split: [frames(score, steps=steps) for score in scores] for split, scores in chorales.items()}
        with gzip.open(tmp_path / "bl_benchmarks" / f"{name}.json.gz", "wt") as file:
            json.dump(rolls, file)
    for split, scores in chorales.items():
        write_files(tmp_path / "jsb_chorales" / split, {f"{at}.mid": score for at, score in enumerate(scores)})
    tunes = {"train/a.mid": melody(1, bars=BARS), "test/b.mid": melody(2, bars=BARS), "unassigned/c.mid": melody(3)}
    write_files(tmp_path / "nottingham", tunes)
    with (tmp_path / "nottingham" / "split.tsv").open("w", newline="") as table:
        writer = csv.writer(table, delimiter="\t")
        writer.writerow(["file", "split", "BL_sequence"])
        writer.writerows([["train/a.mid", "train", "train:0"], ["test/b.mid", "test", "test:0"]])
        writer.writerow(["unassigned/c.mid", "unassigned", ""])
    held_out = hold_out(tmp_path)
    expected = {2: "valid:0", 3: "test:0", 6: "test/b.mid", 7: "unassigned/c.mid"}
    everything = [encode(score) for score in (*chain(*chorales.values()), *tunes.values())]
    overlaps = find_overlaps(np.concatenate(everything), np.array([len(part) for part in everything]), held_out)
    # Pieces 0 and 1 are trained on, and so is 4, the test piece that equals 0; of the tunes, 5.
    assert {piece: overlap.piece for piece, overlap in overlaps.items()} == expected
