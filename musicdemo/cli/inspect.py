"""`inspect`: what a MIDI file holds, and what reading it changed."""

from argparse import Namespace
from bisect import bisect_right
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import pretty_midi

from musicdemo.cli.files import read_midi_file
from musicdemo.cli.terminal import say, say_json, table
from musicdemo.music.harmony import detect_key
from musicdemo.music.midi import MidiFile, MidiReport
from musicdemo.music.score import MeterChange, Score, TempoChange, Track

MAX_CHANGES_SHOWN = 8


def run(options: Namespace) -> None:
    """Tell what a file holds. Raises UsageError if it is not MIDI, OSError if it cannot be read."""
    midi = read_midi_file(options.file)
    told = {"file": str(options.file)} | facts(midi)
    if options.json:
        say_json(told)
    else:
        say(_text(told))


def facts(midi: MidiFile) -> dict[str, Any]:
    """Return what is known of a file as JSON values; bars and tracks are counted from 1."""
    score, key = midi.score, detect_key(midi.score)
    return {
        "title": score.title,
        "bars": len(score.bars),
        "notes": score.note_count,
        "seconds": round(score.seconds_at(score.end), 2),
        "key": None if key is None else str(key),
        "metre": str(score.meters[0].meter),
        "metre_changes": [
            {"bar": bar, "metre": str(change.meter)}
            for bar, change in zip(_bar_numbers(score, score.meters), score.meters, strict=True)
        ],
        "tempo": score.tempos[0].tempo,
        "tempo_changes": [
            {"bar": bar, "tempo": change.tempo}
            for bar, change in zip(_bar_numbers(score, score.tempos), score.tempos, strict=True)
        ],
        "tracks": [_track_facts(number, track) for number, track in enumerate(score.tracks, start=1)],
        "repaired": list(midi.report.repairs),
        "dropped": list(midi.report.drops),
        "moved": _moves(midi.report),
    }


def _track_facts(number: int, track: Track) -> dict[str, Any]:
    return {
        "track": number,
        "name": track.name,
        "program": track.program,
        "instrument": "Drums" if track.is_drum else str(pretty_midi.program_to_instrument_name(track.program)),
        "drums": track.is_drum,
        "notes": len(track.notes),
    }


def _moves(report: MidiReport) -> dict[str, Any]:
    return {
        "notes": report.notes_moved,
        "largest_quarters": round(report.largest_move_quarters, 4),
        "mean_quarters": round(report.mean_move_quarters, 4),
    }


def _bar_numbers(score: Score, changes: Sequence[MeterChange] | Sequence[TempoChange]) -> list[int]:
    last = changes[-1].onset
    starts = [bar.start for bar in takewhile(lambda bar: bar.start <= last, score.iter_bars())]
    return [bisect_right(starts, change.onset) for change in changes]


def _text(told: dict[str, Any]) -> str:
    tracks = [[t["track"], t["name"] or "-", t["program"], t["instrument"], t["notes"]] for t in told["tracks"]]
    moved = told["moved"]
    lines = [
        f"{told['file']}" + (f": {told['title']}" if told["title"] else ""),
        f"{told['bars']:,} bars, {told['notes']:,} notes, {told['seconds']:.1f} seconds",
        f"key:      {told['key'] or 'none is clear'}",
        f"metre:    {_changes(told['metre_changes'], 'metre')}",
        f"tempo:    {_changes(told['tempo_changes'], 'tempo')} quarter notes a minute",
        table(tracks, head=("track", "name", "program", "instrument", "notes")),
        *(f"repaired: {sentence}" for sentence in told["repaired"]),
        *(f"dropped:  {sentence}" for sentence in told["dropped"]),
    ]
    if moved["notes"]:
        lines.append(f"moved:    {moved['notes']:,} notes, by {moved['largest_quarters']:g} quarter notes at most")
    return "\n".join(lines)


def _changes(changes: list[dict[str, Any]], kind: str) -> str:
    values = [f"{change[kind]:g}" if kind == "tempo" else change[kind] for change in changes[:MAX_CHANGES_SHOWN]]
    later = zip(values[1:], changes[1:], strict=False)
    shown = [values[0], *(f"{value} from bar {change['bar']}" for value, change in later)]
    more = len(changes) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
