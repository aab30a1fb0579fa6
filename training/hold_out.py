"""Make held_out.npz, the hashes by which benchmark_guard.py knows the benchmarks' valid and test pieces.

    python -m training.hold_out --data FOLDER

FOLDER holds `bl_benchmarks` (the piano rolls of Boulanger-Lewandowski et al. 2012, "Modeling temporal dependencies in
high-dimensional sequences", as JSON), `jsb_chorales` (the chorales as MIDI) and `nottingham` (the tunes as MIDI, with
split.tsv, which names the sequence of the benchmark that each tune is). JSB is held out twice: by its harmony, and by
the lines of its voices, as in a hymn that has the tune but another setting. A window that the benchmark's own training
split holds as well is no evidence and is left out. So is one of JSB's training split, as people train on that: some
forty of its chorales are valid or test pieces of MuseData, and no rule can serve both.
"""

import argparse
import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from musicdemo.errors import MidiError
from musicdemo.music.midi import read_midi
from training.benchmark_guard import HELD_OUT_FILE, Benchmark, write_held_out
from training.terminal import run_program
from training.windows import BEAT, RATES, Hashes, PieceNotes, harmony_windows, line_windows

_HELD_OUT_SPLITS = ("valid", "test")
_ROLLS = {"JSB": ("JSB_Chorales", 12, 1), "MuseData": ("MuseData", 6, 4), "Piano-midi.de": ("Piano_midi", 6, 2)}
"""Name of the file, steps from frame to frame, and one window in how many is kept."""

_VOICES, _VOICES_EVERY = "JSB voices", 4
_TUNES, _TUNES_EVERY = "Nottingham", 2


def hold_out(data: Path) -> tuple[Benchmark, ...]:
    """Read the benchmarks in `data`; MidiError or OSError if one cannot be read."""
    chorales = {split: _midi_notes(_chorale_paths(data, split)) for split in ("train", *_HELD_OUT_SPLITS)}
    # MuseData's rolls begin off the beat, so the chorales are read at every rate.
    trained_chorales = np.concatenate([harmony_windows(chorales["train"], rate).hashes for rate in RATES])
    benchmarks = []
    for name, (file, steps, every) in _ROLLS.items():
        rolls = _read_rolls(data, file)
        trained = np.union1d(trained_chorales, np.concatenate(_harmonies(rolls["train"], steps)))
        pieces = {
            f"{split}:{number}": hashes
            for split in _HELD_OUT_SPLITS
            for number, hashes in enumerate(_harmonies(rolls[split], steps))
        }
        benchmarks.append(_benchmark(name, "harmony", every, pieces, trained))
    voices = {
        f"{split}:{number}": hashes
        for split in _HELD_OUT_SPLITS
        for number, hashes in enumerate(_split(chorales[split], is_line=True))
    }
    trained_voices = line_windows(chorales["train"]).hashes
    benchmarks.append(_benchmark(_VOICES, "line", _VOICES_EVERY, voices, trained_voices))
    return (*benchmarks, _tunes(data))


def _chorale_paths(data: Path, split: str) -> list[Path]:
    folder = data / "jsb_chorales" / split
    paths = sorted(folder.glob("*.mid"))
    if not paths:
        raise MidiError(f"{folder} holds no chorale as MIDI")
    return paths


def _read_rolls(data: Path, name: str) -> dict[str, Any]:
    path = data / "bl_benchmarks" / f"{name}.json.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rolls: dict[str, Any] = json.load(file)
    except (ValueError, EOFError) as error:
        raise MidiError(f"{path} is not a benchmark's piano rolls as JSON: {error}") from error
    return rolls


def _harmonies(sequences: list[list[list[int]]], steps: int) -> list[Hashes]:
    return _split(_roll_notes(sequences, steps), is_line=False)


def _roll_notes(sequences: list[list[list[int]]], steps: int) -> PieceNotes:
    """Return each pitch of each frame as a note of one frame."""
    rows = [
        (piece, 0, at * steps, (at + 1) * steps, pitch)
        for piece, frames in enumerate(sequences)
        for at, frame in enumerate(frames)
        for pitch in frame
    ]
    return PieceNotes(len(sequences), *np.array(rows, np.int64).reshape(-1, 5).T)


def _split(notes: PieceNotes, *, is_line: bool) -> list[Hashes]:
    """Return the different hashes of each piece's windows."""
    windows = line_windows(notes) if is_line else harmony_windows(notes, BEAT)
    return [np.unique(windows.hashes[windows.piece == piece]) for piece in range(notes.pieces)]


def _tunes(data: Path) -> Benchmark:
    """Hold out Nottingham's tunes as MIDI, which is finer than the rolls, and as rolls those that have no MIDI.

    Tunes that could not be matched to any sequence are held out, too: one of the rolls may be theirs.
    """
    folder = data / "nottingham"
    with (folder / "split.tsv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    notes = _midi_notes([folder / row["file"] for row in rows])
    lines = dict(zip((row["file"] for row in rows), _split(notes, is_line=True), strict=True))
    rolls = _read_rolls(data, _TUNES)
    matched = {row["BL_sequence"] for row in rows}
    held_out = {row["file"]: lines[row["file"]] for row in rows if row["split"] != "train"}
    for split in _HELD_OUT_SPLITS:
        for number, hashes in enumerate(_split(_roll_notes(rolls[split], 6), is_line=True)):
            if f"{split}:{number}" not in matched:
                held_out[f"{split}:{number}"] = hashes
    trained = np.unique(np.concatenate([lines[row["file"]] for row in rows if row["split"] == "train"]))
    return _benchmark(_TUNES, "line", _TUNES_EVERY, held_out, trained)


def _midi_notes(paths: list[Path]) -> PieceNotes:
    table = [note for piece, path in enumerate(paths) for note in _notes(piece, path.read_bytes())]
    return PieceNotes(len(paths), *np.array(table, np.int64).reshape(-1, 5).T)


def _notes(piece: int, midi: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    for number, track in enumerate(read_midi(midi).score.tracks):
        if not track.is_drum:
            yield from ((piece, number, note.onset, note.end, note.pitch) for note in track.notes)


def _benchmark(name: str, kind: str, every: int, pieces: dict[str, Hashes], trained: Hashes) -> Benchmark:
    kept = [hashes[(hashes % np.uint64(every) == 0) & ~np.isin(hashes, trained)] for hashes in pieces.values()]
    hashes, owners = np.concatenate(kept), np.repeat(np.arange(len(kept)), [len(part) for part in kept])
    order = np.argsort(hashes, kind="stable")
    return Benchmark(name, kind, every, tuple(pieces), hashes[order], owners[order])


def main() -> None:
    """Write the file and say what it knows."""
    parser = argparse.ArgumentParser(prog="python -m training.hold_out", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the benchmarks")
    parser.add_argument("--output", type=Path, default=HELD_OUT_FILE)
    options = parser.parse_args()
    benchmarks = hold_out(options.data)
    write_held_out(benchmarks, options.output)
    for benchmark in benchmarks:
        blind = len(benchmark.pieces) - len(np.unique(benchmark.owners))
        print(
            f"{benchmark.name:14s} {len(benchmark.pieces)} pieces, {len(benchmark.hashes):,} windows"
            f" (one in {benchmark.every} is kept), {blind} pieces without any"
        )
    print(f"{options.output}: {options.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    run_program(main)
