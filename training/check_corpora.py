"""Run read_midi, and the tokenizer's round trip, over every MIDI file of some folders and print what came of it.

    python -m training.check_corpora FOLDER...

The figures say how many files load, why the others do not, and what the grid costs; training/LOG.md keeps them.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from symusic.core import ScoreTick

from musicdemo.errors import MidiError, MusicDemoError
from musicdemo.music.midi import read_midi
from musicdemo.music.midi_grid import grid_moves
from musicdemo.music.midi_scan import scan_midi
from musicdemo.music.score import STEPS_PER_BEAT, Score
from musicdemo.music.tokenizer import Tokenizer
from training.corpus_table import SUFFIXES
from training.terminal import Progress, run_program

_LARGEST_MOVE = 0.5 / STEPS_PER_BEAT
_BINS = 1000


@dataclass
class Figures:
    """Counts over one file or many; move_counts is a histogram of onset moves, up to half a grid step."""

    files: int = 0
    loaded: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    notes: int = 0
    moved: int = 0
    move_quarters: float = 0.0
    merged: int = 0
    overlaps: int = 0
    long_notes: int = 0
    round_trip_failures: list[str] = field(default_factory=list)
    move_counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))

    def add(self, other: "Figures") -> None:
        """Add the figures of another file."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def percentile_move(self, percent: float) -> float:
        """Return the move that `percent` of the notes stay below, in quarter notes, to a bin's width."""
        if not self.notes:
            return 0.0
        wanted = percent / 100 * self.move_counts.sum()
        return float(np.searchsorted(self.move_counts.cumsum(), wanted) + 1) * _LARGEST_MOVE / _BINS


def check_file(path: Path) -> Figures:
    """Read one file and return its figures; a refusal is a figure too."""
    figures = Figures(files=1)
    try:
        data = path.read_bytes()
        midi = read_midi(data)
    except OSError as error:
        figures.reasons[f"cannot be opened: {error.strerror}"] += 1
        return figures
    except MidiError as error:
        figures.reasons[str(error)] += 1
        return figures
    report = midi.report
    figures.loaded, figures.repaired = 1, int(bool(report.repairs))
    figures.notes, figures.moved = midi.score.note_count, report.notes_moved
    figures.merged, figures.overlaps, figures.long_notes = (
        report.notes_merged,
        report.overlaps_cut,
        report.long_notes_cut,
    )
    moves = _moves(data)
    figures.move_quarters = float(moves.sum())
    figures.move_counts = np.histogram(np.minimum(moves, _LARGEST_MOVE), _BINS, (0.0, _LARGEST_MOVE))[0]
    problem = _round_trip_problem(midi.score)
    if problem:
        figures.round_trip_failures.append(f"{path}: {problem}")
    return figures


def _moves(data: bytes) -> NDArray[np.float64]:
    parsed = ScoreTick.from_midi(scan_midi(data).data)
    ticks = [track.notes.numpy()["time"].astype(np.int64) for track in parsed.tracks]
    return grid_moves(np.concatenate(ticks), parsed.ticks_per_quarter)


def _round_trip_problem(score: Score) -> str:
    """Say how decode(encode(score)) differs from the snapped score, or nothing."""
    tokenizer = Tokenizer()
    try:
        decoded = tokenizer.decode(tokenizer.encode(score))
    except (MusicDemoError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return "" if decoded == tokenizer.snapped(score) else "decodes to another score"


def check_folder(folder: Path, *, processes: int | None = None) -> Figures:
    """Check every MIDI file below `folder` on `processes` cores (all); MidiError if it is no folder or holds none."""
    if not folder.is_dir():
        raise MidiError(f"there is no folder {folder}")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.is_dir())
    if not paths:
        raise MidiError(f"{folder} holds no file whose name ends in {', '.join(SUFFIXES)}")
    total, progress = Figures(), Progress(str(folder), len(paths))
    with ProcessPoolExecutor(processes) as pool:
        for figures in pool.map(check_file, paths, chunksize=8):
            total.add(figures)
            progress.show(total.files)
    progress.close()
    return total


def describe(figures: Figures) -> Iterable[str]:
    """Yield the lines that tell the figures."""
    read = max(int(figures.move_counts.sum()), 1)
    yield f"files {figures.files:,}, loaded {figures.loaded:,}, of these repaired {figures.repaired:,}"
    for reason, count in figures.reasons.most_common():
        yield f"  rejected {count:,}: {reason}"
    yield f"notes {figures.notes:,}, moved by the grid {1000 * figures.moved / read:.1f} of 1000"
    mean, high = figures.move_quarters / read, figures.percentile_move(99)
    yield f"onset moves in quarter notes: mean {mean:.5f}, 99th percentile {high:.5f}"
    yield f"merged {figures.merged:,}, cut at a repeat {figures.overlaps:,}, cut for length {figures.long_notes:,}"
    yield f"round trips through the tokenizer that fail: {len(figures.round_trip_failures):,}"
    yield from (f"  {failure}" for failure in figures.round_trip_failures[:10])


def main() -> None:
    """Check the folders that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m training.check_corpora", description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--processes", type=int, help="worker processes (as many as there are cores)")
    options = parser.parse_args()
    for folder in options.folders:
        figures = check_folder(folder, processes=options.processes)
        print(f"{folder}", *describe(figures), sep="\n  ", flush=True)


if __name__ == "__main__":
    run_program(main)
