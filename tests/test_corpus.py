"""From folders of MIDI to files of events: nothing is lost without a reason, nothing leaks between the splits."""

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musicdemo.errors import MidiError
from musicdemo.music.score import Note, Score, Track
from musicdemo.music.vocabulary import Column
from tests.small_corpora import TOKENIZER, encode, melody, write_files
from training.corpus import build, fingerprint, main
from training.corpus_table import SPLITS, CorpusSpec, Piece, find_pieces, read_specs, split_of, spread
from training.dataset import Corpus, load_corpora
from training.manifest import read_manifest

BY_HASH = CorpusSpec("airs", ".", ("**/*.mid",))
BY_FOLDER = CorpusSpec("airs", ".", ("*/*.mid",), split="folder")


def built(spec: CorpusSpec, folder: Path, known: dict[bytes, str] | None = None) -> dict[str, Any]:
    """Build a corpus from `folder` into its sister folder "corpora"; return the manifest as it was written."""
    manifest = build(spec, folder, folder.parent / "corpora", known={} if known is None else known, processes=1)
    written = json.loads((folder.parent / "corpora" / f"{spec.name}.json").read_text())
    assert written == manifest
    return manifest


def loaded(folder: Path, name: str, split: str) -> Corpus:
    (corpus,) = load_corpora(folder.parent / "corpora", split, names=(name,))
    return corpus


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    """An empty folder for MIDI files."""
    folder = tmp_path / "midi"
    folder.mkdir()
    return folder


def test_the_split_is_decided_by_the_name_of_the_piece_alone(midi: Path) -> None:
    names = [f"air {number}.mid" for number in range(60)]
    write_files(midi, dict.fromkeys(names, b""))
    alone = {piece.path: piece.split for piece in find_pieces(BY_HASH, midi)}
    write_files(midi, {f"more/{name}": b"" for name in [*names, "new.mid"]})
    together = {piece.path: piece.split for piece in find_pieces(BY_HASH, midi)}
    assert all(together[name] == together[f"more/{name}"] == alone[name] for name in names)
    for name, split in alone.items():
        percent = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 100
        assert split == ("test" if percent < 5 else "valid" if percent < 10 else "train")


def test_versions_of_one_piece_share_a_split() -> None:
    spec = CorpusSpec("band", ".", ("*.mid",), piece=r"([^/]+)__[^_/]+\.mid$")
    for piece in range(200):
        splits = {split_of(spec, f"song {piece}__{style}.mid") for style in ("Swing", "Bossa", "Polka")}
        assert len(splits) == 1


def test_nine_pieces_of_ten_are_for_training_and_the_rest_is_shared() -> None:
    splits = [split_of(BY_HASH, f"{number}.mid") for number in range(4000)]
    assert splits.count("train") / 4000 == pytest.approx(0.9, abs=0.02)
    assert splits.count("valid") / 4000 == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        (CorpusSpec("band", ".", ("**/*.mid",), piece=r"(.+)__\w+\.mid$"), "song.mid"),
        (BY_FOLDER, "drafts/song.mid"),
    ],
)
def test_a_file_that_belongs_to_no_split_is_named(spec: CorpusSpec, path: str, midi: Path) -> None:
    write_files(midi, {path: b""})
    with pytest.raises(MidiError, match=rf"corpus {spec.name}: '{path}'"):
        find_pieces(spec, midi)


def test_a_copy_in_another_key_and_loudness_is_dropped(midi: Path) -> None:
    tune = melody(1)
    louder = Score((Track(tuple(Note(n.onset, n.pitch, n.duration, 120) for n in tune.tracks[0].notes)),))
    write_files(midi, {"train/a.mid": tune, "train/b.mid": louder.transposed(-5), "train/c.mid": melody(2)})
    files = built(BY_FOLDER, midi)["files"]
    assert files["train/b.mid"] == {"split": "train", "notes": 0, "rejected": "the same music as airs/train/a.mid"}
    assert len(loaded(midi, "airs", "train").lengths) == 2


def test_a_piece_with_one_other_interval_is_no_copy(midi: Path) -> None:
    first, *rest = melody(1).tracks[0].notes
    other = Score((Track((Note(first.onset, first.pitch + 1, first.duration), *rest)),))
    write_files(midi, {"train/a.mid": melody(1), "train/b.mid": other})
    assert built(BY_FOLDER, midi)["rejected"] == 0


def test_a_copy_of_a_test_piece_never_stays_in_training(midi: Path) -> None:
    tune = melody(1)
    write_files(midi, {"train/a.mid": tune.transposed(2), "test/z.mid": tune, "train/b.mid": melody(2)})
    manifest = built(BY_FOLDER, midi)
    assert manifest["files"]["train/a.mid"]["rejected"] == "the same music as airs/test/z.mid"
    assert manifest["pieces"] == {"train": 1, "valid": 0, "test": 1}


def test_a_copy_of_another_corpus_is_dropped_whatever_its_split(midi: Path) -> None:
    known: dict[bytes, str] = {}
    write_files(midi / "one", {"train/a.mid": melody(1), "test/b.mid": melody(2)})
    write_files(midi / "two", {"train/c.mid": melody(2), "test/d.mid": melody(1), "train/e.mid": melody(3)})
    for folder in ("one", "two"):
        built(CorpusSpec(folder, folder, ("*/*.mid",), split="folder"), midi, known)
    kept = {name: len(loaded(midi, "two", name).lengths) for name in ("train", "test")}
    assert kept == {"train": 1, "test": 0}


def test_every_file_is_in_the_manifest_with_its_notes_or_a_reason(midi: Path) -> None:
    write_files(
        midi,
        {
            "train/good.mid": melody(1),
            "valid/good.mid": melody(2, bars=6),
            "train/garbage.mid": b"RIFF or raff" * 9,
            "train/empty.mid": b"",
            "train/short.mid": melody(3, bars=3),
            "train/listed.mid": melody(4),
        },
    )
    (midi / "leave_out.tsv").write_text("file\tbars\nmidi/listed.mid\t5\n")
    spec = CorpusSpec("airs", ".", ("*/*.mid",), split="folder", exclude=("leave_out.tsv",))
    manifest = built(spec, midi)
    files = manifest["files"]
    assert set(files) == {path.relative_to(midi).as_posix() for path in midi.rglob("*.mid")}
    assert {name: entry["notes"] for name, entry in files.items() if "rejected" not in entry} == {
        "train/good.mid": 20,
        "valid/good.mid": 24,
    }
    assert "not a MIDI file" in files["train/garbage.mid"]["rejected"]
    assert "not a MIDI file" in files["train/empty.mid"]["rejected"]
    assert files["train/short.mid"]["rejected"] == "fewer than 16 notes"
    assert files["train/listed.mid"]["rejected"] == "listed in an exclusion table"
    assert manifest["rejected"] == 4
    assert manifest["notes"] == {"train": 20, "valid": 24, "test": 0}


def test_what_is_kept_is_what_the_files_say(midi: Path) -> None:
    tunes = [melody(1), melody(2, bars=7, program=40)]
    write_files(midi, {f"train/{number}.mid": tune for number, tune in enumerate(tunes)})
    built(BY_FOLDER, midi)
    decoded = [TOKENIZER.decode(piece.astype(np.int64)) for piece in loaded(midi, "airs", "train").pieces()]
    assert decoded == [TOKENIZER.snapped(tune) for tune in tunes]


@pytest.mark.parametrize("spec", [BY_HASH, BY_FOLDER])
@pytest.mark.parametrize("files", [{}, {"train/a.mid": b"MThd"}, {"test/a.mid": melody(1, bars=2)}])
def test_a_corpus_with_nothing_to_train_on_fails_by_name(
    spec: CorpusSpec, files: dict[str, Score | bytes], midi: Path
) -> None:
    write_files(midi, files)
    with pytest.raises(MidiError, match=f"corpus airs: no piece is left to train on, of {len(files)} files: "):
        built(spec, midi)
    assert not list((midi.parent / "corpora").glob("airs.*"))


def test_replaced_programs_keep_their_tracks_apart(midi: Path) -> None:
    tracks = [Track(melody(number).tracks[0].notes, program=p) for number, p in enumerate((52, 68, 0))]
    twin = Track(melody(9).tracks[0].notes, program=68, voice=1)
    write_files(midi, {"train/a.mid": Score((*tracks, twin))})
    spec = CorpusSpec("airs", ".", ("*/*.mid",), split="folder", programs={"68": 52})
    built(spec, midi)
    (piece,) = loaded(midi, "airs", "train").pieces()
    score = TOKENIZER.decode(piece.astype(np.int64))
    pitches = {track.key: [note.pitch for note in track.notes] for track in score.tracks}
    wanted = {(False, 0, 0): 2, (False, 52, 0): 0, (False, 52, 1): 1, (False, 52, 2): 9}
    assert pitches == {key: [note.pitch for note in melody(number).tracks[0].notes] for key, number in wanted.items()}


def test_an_unknown_kind_of_split_is_refused() -> None:
    with pytest.raises(ValueError, match="corpus airs: split must be hash or folder, not 'table'"):
        CorpusSpec("airs", ".", ("*.mid",), split="table")


def test_the_table_of_corpora_can_be_read() -> None:
    specs = read_specs(Path(__file__).parents[1] / "training" / "corpora.toml")
    assert len({spec.name for spec in specs}) == len(specs) >= 5
    assert all(spec.files and spec.source and spec.licence for spec in specs)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [("[air", "is not a table"), ("[air]\nfolder = 'a'", "files"), ("[air]\nfolder='a'\nfiles=[]\nsplit='x'", "hash")],
)
def test_a_table_that_cannot_be_used_is_named(table: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(table)
    with pytest.raises(MidiError, match=rf"mine\.toml.*{complaint}"):
        read_specs(tmp_path / "mine.toml")


def sizes_of_own(midi: Path, count: int) -> list[int]:
    """Pieces for training, validation and test that a folder of so many files gives."""
    write_files(midi, {f"{number}.mid": melody(number) for number in range(count)})
    return list(built(BY_HASH, midi)["pieces"].values())


@pytest.mark.parametrize(
    ("count", "valid", "test"), [(1, 0, 0), (2, 1, 0), (3, 1, 0), (9, 1, 0), (10, 1, 1), (20, 1, 1)]
)
def test_a_small_folder_keeps_a_piece_for_validation_and_from_ten_on_one_for_a_test(
    count: int, valid: int, test: int, midi: Path
) -> None:
    sizes = sizes_of_own(midi, count)
    assert sum(sizes) == count and sizes[0] >= 1
    assert sizes[1] >= valid and sizes[2] >= test


def test_no_piece_moves_where_chance_filled_every_split() -> None:
    pieces = [Piece(name, split_of(BY_HASH, name), encode(melody(1))) for name in (f"{n}.mid" for n in range(100))]
    assert {piece.split for piece in pieces} == set(SPLITS)
    assert [piece.split for piece in spread(BY_HASH, pieces)] == [piece.split for piece in pieces]


def test_the_versions_of_a_piece_move_together() -> None:
    spec = CorpusSpec("band", ".", ("*.mid",), piece=r"([^/]+)__[^_/]+\.mid$")
    names = [f"song {number}__{style}.mid" for number in range(2) for style in ("Swing", "Bossa")]
    spread_out = spread(spec, [Piece(name, "train", encode(melody(1))) for name in names])
    assert sorted(piece.split for piece in spread_out) == ["train", "train", "valid", "valid"]
    assert spread_out[0].split == spread_out[1].split


def test_a_piece_is_left_to_train_on_wherever_chance_put_them() -> None:
    for splits in (["train", "test"], ["valid", "test"], ["test", "test"], ["test", "test", "train"], ["valid"]):
        pieces = [Piece(f"{number}.mid", split, encode(melody(1))) for number, split in enumerate(splits)]
        after = [piece.split for piece in spread(BY_HASH, pieces)]
        assert after.count("train") >= 1 and after.count("valid") >= (len(splits) > 1)


def test_pieces_that_were_left_out_fill_no_split(midi: Path) -> None:
    write_files(midi, {f"{number}.mid": b"torn" for number in range(30)} | {"a.mid": melody(1), "b.mid": melody(2)})
    assert built(BY_HASH, midi)["pieces"] == {"train": 1, "valid": 1, "test": 0}


def test_a_corpus_is_made_again_only_if_something_that_it_follows_from_changed(midi: Path) -> None:
    write_files(midi, {f"train/{number}.mid": melody(number) for number in range(3)})
    built(BY_FOLDER, midi)
    events_file = midi.parent / "corpora" / "airs.npz"

    def is_made_again(spec: CorpusSpec = BY_FOLDER, known: dict[bytes, str] | None = None) -> bool:
        before = events_file.stat().st_ino  # replacing a file gives it another number
        built(spec, midi, known)
        return events_file.stat().st_ino != before

    assert not is_made_again()
    write_files(midi, {"train/new.mid": melody(9)})
    assert is_made_again() and not is_made_again()
    write_files(midi, {"train/new.mid": melody(10, bars=9)})
    assert is_made_again()
    assert is_made_again(CorpusSpec("airs", ".", ("*/*.mid",), split="folder", licence="CC0"))
    assert is_made_again(known={fingerprint(encode(melody(1))): "hymn/a.mid"})
    events_file.write_bytes(events_file.read_bytes()[:-50])
    assert is_made_again()


def test_an_unchanged_corpus_still_keeps_its_pieces_out_of_later_ones(midi: Path) -> None:
    specs = [CorpusSpec(name, name, ("*/*.mid",), split="folder") for name in ("one", "two")]
    write_files(midi / "one", {"train/a.mid": melody(1), "test/b.mid": melody(2)})
    built(specs[0], midi)
    write_files(midi / "two", {"train/c.mid": melody(2), "train/d.mid": melody(3)})
    known: dict[bytes, str] = {}
    built(specs[0], midi, known)
    assert built(specs[1], midi, known)["files"]["train/c.mid"]["rejected"] == "the same music as one/test/b.mid"


def test_a_piece_of_a_corpus_that_is_not_built_again_is_not_taken_twice(
    midi: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "".join(f"[{name}]\nfolder='{name}'\nfiles=['*/*.mid']\nsplit='folder'\n" for name in ("one", "two"))
    (midi / "corpora.toml").write_text(table)
    write_files(midi, {"one/train/a.mid": melody(1), "two/train/b.mid": melody(1), "two/train/c.mid": melody(2)})
    write_files(midi, {"mine/a.mid": melody(2), "mine/b.mid": melody(3)})
    output = midi.parent / "corpora"
    table_of = ["--data", str(midi), "--corpora", str(midi / "corpora.toml")]
    for arguments in ([*table_of, "--only", "one"], [*table_of, "--only", "two"], ["--midi", str(midi / "mine")]):
        monkeypatch.setattr(sys, "argv", ["corpus", *arguments, "--output", str(output), "--processes", "1"])
        main()
    rejected = {name: read_manifest(output, name)["reasons"] for name in ("one", "two", "own")}
    assert rejected == {"one": {}, "two": {"the same music as another piece": 1}} | {"own": rejected["two"]}


def test_a_folder_of_ones_own_becomes_a_corpus(
    midi: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(midi, {f"{number}.mid": melody(number) for number in range(3)})
    write_files(midi, {"deep/er/four.MID": melody(4), "five.midi": melody(5), "notes.txt": b"not music"})
    write_files(midi, {"sung.KAR": melody(6), "torn.rmi": b"RIFF", "copy.mid": melody(4).transposed(3)})
    (midi / "a folder.mid").mkdir()
    output = midi.parent / "corpora"
    arguments = ["--midi", str(midi), "--style", "mine", "--output", str(output), "--processes", "1"]
    monkeypatch.setattr(sys, "argv", ["corpus", *arguments])
    main()
    said = capsys.readouterr().out
    assert said.startswith("mine ")
    assert "1 left out: the same music as another piece" in said and "1 left out: This is not a MIDI file" in said
    assert "6 pieces are few" in said and "nothing is left to test on" in said
    assert "1 not looked at: their names do not end in .mid" in said
    manifest = json.loads((output / "mine.json").read_text())
    names = {"0.mid", "1.mid", "2.mid", "deep/er/four.MID", "five.midi", "sung.KAR", "torn.rmi", "copy.mid"}
    assert set(manifest["files"]) == names
    splits = [load_corpora(output, split)[0] for split in ("train", "valid", "test")]
    assert sum(len(split.lengths) for split in splits) == 6
    assert sum(int((split.events[:, Column.PITCH] > 0).sum()) for split in splits) == 120


def test_without_a_folder_the_program_says_which_to_give(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["corpus"])
    with pytest.raises(SystemExit):
        main()
    assert "give --data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--midi", "nowhere"], "corpus own: there is no folder nowhere"),
        (["--midi", ".", "--style", "../mine"], "a corpus is named with letters, digits, _ and -, not '../mine'"),
        (["--data", ".", "--only", "jazz"], "no corpus is called jazz; there are: chorale,"),
    ],
)
def test_arguments_that_lead_nowhere_are_named(
    arguments: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["corpus", *arguments])
    with pytest.raises(MidiError, match=re.escape(complaint)):
        main()
