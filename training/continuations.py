"""Continue held-out pieces and count what can go wrong: a check by numbers of what a model writes.

    python -m training.continuations --checkpoint checkpoints/lstm --data FOLDER --manifests FOLDER

Takes whole pieces from the test split of five corpora, spread evenly over each, continues each by 8 bars at
temperature 1, and writes the counts into the checkpoint's metrics.json and card.
"""

import argparse
import io
import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mido
import pretty_midi

from musicdemo.checkpoint import Checkpoint, load_checkpoint, write_metrics
from musicdemo.generation import Continuation, GenerationSettings, generate
from musicdemo.music.harmony import detect_key, pitch_class_steps, scale
from musicdemo.music.midi import read_midi, write_midi
from musicdemo.music.score import Note, Score
from training.card import write_card
from training.corpus_table import CorpusSpec, read_specs
from training.terminal import run_program

BARS = 8
MAX_SILENT_BARS = 2.0
MAX_REPEATS = 8
CORPORA = ("chorale", "tune", "song", "pop", "game")


@dataclass(frozen=True)
class Finding:
    """What was counted in one continuation."""

    piece: str
    parses: bool
    seed_unchanged: bool
    new_bars: int
    new_notes: int
    longest_silence_bars: float
    longest_repeat: int
    seed_longest_repeat: int
    repeated_bars: float
    """Share of new bars that say just what an earlier bar of the piece said."""
    in_scale: float
    """Share of the new notes' duration that lies in the scale of the seed's key; chance is 7 of 12."""
    seed_in_scale: float
    """The same share of the seed: what there is to reach. Both are NaN where the seed has no key."""

    @property
    def sound(self) -> bool:
        """Whether nothing is broken (a repeat may be wanted, so it is counted apart)."""
        silence_is_short = self.longest_silence_bars <= MAX_SILENT_BARS
        return self.parses and self.seed_unchanged and self.new_bars == BARS and silence_is_short


def examine(piece: str, seed: Score, result: Continuation) -> Finding:
    """Count what can go wrong in one continuation."""
    data = write_midi(result.score)
    pretty_midi.PrettyMIDI(io.BytesIO(data))
    mido.MidiFile(file=io.BytesIO(data))
    before = {track.key: tuple(note for note in track.notes if note.onset < result.join) for track in seed.tracks}
    kept = {track.key: tuple(n for n in track.notes if n.onset < result.join) for track in result.score.tracks}
    bar_steps = result.score.meter_at(result.join).bar_steps
    new = [note for track in result.score.tracks for note in track.notes if note.onset >= result.join]
    return Finding(
        piece=piece,
        parses=read_midi(data).score.note_count == result.score.note_count,
        seed_unchanged={key: notes for key, notes in kept.items() if notes} == before,
        new_bars=result.new_bars,
        new_notes=len(new),
        longest_silence_bars=_longest_silence(new, result.join, result.join + BARS * bar_steps) / bar_steps,
        longest_repeat=_longest_repeat(result.score, result.join),
        seed_longest_repeat=_longest_repeat(seed, 0),
        repeated_bars=_repeated_bars(result),
        in_scale=_in_scale(result.score.clipped(result.join, result.score.end), seed),
        seed_in_scale=_in_scale(seed, seed),
    )


def _longest_silence(notes: list[Note], start: int, end: int) -> int:
    """Return the steps of the longest stretch of [start, end) in which nothing sounds."""
    longest, sounding_until = 0, start
    for note in sorted(notes):
        longest = max(longest, note.onset - sounding_until)
        sounding_until = max(sounding_until, note.end)
    return max(longest, end - sounding_until)


def _longest_repeat(score: Score, join: int) -> int:
    """Most times in a row that one track without chords plays one pitch behind the join; drums may."""
    longest = 0
    for track in score.tracks:
        last, run = None, 0
        for note in track.notes:
            if note.onset >= join and not track.is_drum:
                run = run + 1 if note.pitch == last else 1
                last, longest = note.pitch, max(longest, run)
    return longest


def _in_scale(score: Score, seed: Score) -> float:
    key, sounding = detect_key(seed), pitch_class_steps(score)
    if key is None or not sounding.any():
        return math.nan
    return float(sounding[list(scale(key))].sum() / sounding.sum())


def _repeated_bars(result: Continuation) -> float:
    said: set[frozenset[tuple[Any, ...]]] = set()
    repeats = 0
    for bar in result.score.bars:
        content = frozenset(
            (track.key, note.onset - bar.start, note.pitch, note.duration)
            for track in result.score.tracks
            for note in track.notes
            if bar.start <= note.onset < bar.end
        )
        repeats += bar.start >= result.join and content in said
        said.add(content)
    return repeats / result.new_bars if result.new_bars else 0.0


def held_out_files(spec: CorpusSpec, manifest: Path, count: int) -> Iterator[str]:
    """Yield the paths of `count` pieces of a corpus's test split, spread evenly over it."""
    files: dict[str, dict[str, Any]] = json.loads(manifest.read_text())["files"]
    tests = [path for path, entry in files.items() if entry["split"] == "test" and "rejected" not in entry]
    yield from (f"{spec.folder}/{tests[at * len(tests) // count]}" for at in range(min(count, len(tests))))


def continue_all(
    checkpoint: Checkpoint, data: Path, files: list[str], *, random_seed: int, style: str = "auto"
) -> list[Finding]:
    """Continue each file and examine the result."""
    findings = []
    for number, path in enumerate(files):
        seed = read_midi((data / path).read_bytes()).score
        settings = GenerationSettings(
            bars=BARS, temperature=1.0, random_seed=random_seed + number, style=style, retries=0
        )
        (result,) = generate(checkpoint, settings, seed=seed)
        findings.append(examine(path, seed, result))
        print(findings[-1], result.style, flush=True)
    return findings


def summary(findings: list[Finding]) -> dict[str, Any]:
    """Figures for the card."""
    repeated = statistics.mean(finding.repeated_bars for finding in findings)
    return {
        f"held-out pieces continued by {BARS} bars at temperature 1": len(findings),
        "of them sound (they parse, the seed stands, all bars are there, no silence above 2 bars)": sum(
            finding.sound for finding in findings
        ),
        f"with a pitch more than {MAX_REPEATS} times in a row": sum(f.longest_repeat > MAX_REPEATS for f in findings),
        "seeds that do so themselves": sum(f.seed_longest_repeat > MAX_REPEATS for f in findings),
        "longest silence, in bars": round(max(f.longest_silence_bars for f in findings), 2),
        "median of new notes": statistics.median(f.new_notes for f in findings),
        "new bars that repeat an earlier bar exactly (mean)": f"{repeated:.0%}",
        "new notes in the scale of the seed, by duration (mean; chance is 58%)": _mean_share(
            [f.in_scale for f in findings]
        ),
        "the same of the seeds themselves": _mean_share([f.seed_in_scale for f in findings]),
    }


def _mean_share(shares: list[float]) -> str:
    known = [share for share in shares if not math.isnan(share)]
    return f"{statistics.mean(known):.0%}" if known else "no seed has a key"


def main() -> None:
    """Continue, count, write."""
    parser = argparse.ArgumentParser(prog="python -m training.continuations", description="Continue held-out pieces.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora's files")
    parser.add_argument("--manifests", type=Path, default=Path("data/corpora"), help="what training.corpus wrote")
    parser.add_argument("--corpora", nargs="*", default=CORPORA)
    parser.add_argument("--count", type=int, default=6, help="pieces of each corpus")
    parser.add_argument("--random-seed", type=int, default=0)
    options = parser.parse_args()
    specs = {spec.name: spec for spec in read_specs(Path(__file__).with_name("corpora.toml"))}
    files = [
        path
        for name in options.corpora
        for path in held_out_files(specs[name], options.manifests / f"{name}.json", options.count)
    ]
    checkpoint = load_checkpoint(options.checkpoint)
    findings = continue_all(checkpoint, options.data, files, random_seed=options.random_seed)
    figures = summary(findings)
    write_metrics(options.checkpoint, checkpoint.metrics | {"continuations": figures})
    write_card(options.checkpoint)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    run_program(main)
