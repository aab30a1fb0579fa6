"""`score`: how much each note of a MIDI file surprises a model."""

from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from musicdemo.cli.files import read_midi_file
from musicdemo.cli.model import load_model
from musicdemo.cli.terminal import say, say_json, table
from musicdemo.music.frame import track_value
from musicdemo.music.score import Score
from musicdemo.music.vocabulary import DRUM_PITCH, DRUMS, EMPTY_BAR, NEXT_BAR, SAME_BAR, Column

if TYPE_CHECKING:
    from musicdemo.checkpoint import Checkpoint
    from musicdemo.music.tokenizer import Events

MAX_BARS_SHOWN = 32


def run(options: Namespace) -> None:
    """Score a file under a model. Raises UsageError or OSError if it cannot be read, CheckpointError for the model."""
    score = read_midi_file(options.file).score
    told = {"file": str(options.file)} | surprise(load_model(options.model), score)
    if options.json:
        say_json(told)
    else:
        say(_text(told))


def surprise(checkpoint: "Checkpoint", score: Score) -> dict[str, Any]:
    """Return nats for every note, and the sum over all events shared among the notes, as the held-out tables do it."""
    from musicdemo.likelihood import note_nats

    nats, events = note_nats(checkpoint, score)
    notes = list(_notes(score, nats, events))
    style = int(events[0, Column.STYLE])
    return {
        "model": checkpoint.name,
        "style": checkpoint.styles[style - 1] if style else "",
        "note_count": len(notes),
        "total_nats": sum(nats),
        "other_nats": sum(nats[at] for at in range(len(nats)) if not events[at, Column.PITCH]),
        "nats_per_note": sum(nats) / len(notes),
        "notes": notes,
    }


def _notes(score: Score, nats: list[float], events: "Events") -> Iterator[dict[str, Any]]:
    """Yield the notes among the events; bars and tracks are counted from 1, tracks as `inspect` does, steps from 0."""
    numbers = {track_value(track.key): number for number, track in enumerate(score.tracks, start=1)}
    bar = 0
    for row, surprised in zip(events.tolist(), nats, strict=True):
        time, program, pitch = row[Column.TIME], row[Column.PROGRAM], row[Column.PITCH]
        bar += time >= NEXT_BAR or time == EMPTY_BAR
        if pitch:
            yield {
                "bar": bar,
                "step": time - (NEXT_BAR if time >= NEXT_BAR else SAME_BAR),
                "track": numbers[program, row[Column.VOICE]],
                "pitch": pitch - (DRUM_PITCH if program == DRUMS else 1),
                "nats": surprised,
            }


def _text(told: dict[str, Any]) -> str:
    bars: dict[int, list[float]] = {}
    for note in told["notes"]:
        bars.setdefault(note["bar"], []).append(note["nats"])
    rows = [(bar, len(nats), sum(nats) / len(nats)) for bar, nats in list(bars.items())[:MAX_BARS_SHOWN]]
    more = len(bars) - len(rows)
    style = f", style {told['style']}" if told["style"] else ""
    summary = (
        f"{told['file']} under {told['model']}{style}: {told['nats_per_note']:.3f} nats a note "
        f"({told['note_count']:,} notes; {told['other_nats']:.1f} of {told['total_nats']:.1f} nats go to empty bars "
        "and the end)"
    )
    lines = [summary, table(rows, head=("bar", "notes", "nats a note"))]
    return "\n".join(lines + ([f"  and {more:,} more bars; --json tells every note"] if more else []))
