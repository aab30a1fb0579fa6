"""The door between MIDI bytes and Score: read_midi puts any reasonable file on the grid, write_midi writes it out.

Reading checks the bytes first (midi_scan), lets symusic parse the clean copy, lays it on the grid (midi_grid) and
reports as data what was repaired or moved. What a Score cannot hold (pedals, bends, lyrics) is left out.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pretty_midi
from symusic.core import ScoreTick

from musicdemo.errors import MidiError
from musicdemo.music.midi_grid import MAX_NOTE_STEPS, GridTally, grid_meters, grid_tempos, grid_tracks
from musicdemo.music.midi_scan import ScannedMidi, scan_midi
from musicdemo.music.midi_track import MAX_QUARTERS, clean_text, variable_length
from musicdemo.music.score import STEPS_PER_BEAT, Score

MAX_INSTRUMENTS = 512
MAX_HOURS = 3
WRITTEN_RESOLUTION = 480

_EXACT_QUARTERS = 1e-9
_TEXT, _NAME = 0x01, 0x03
_GENERIC_TITLES = frozenset(
    (
        "untitled",
        "unnamed",
        "none",
        "title",
        "tempo",
        "conductor",
        "control",
        "sequence",
        "seq",
        "track",
        "song",
        "midi",
    )
)


@dataclass(frozen=True)
class MidiReport:
    """What reading changed: sentences for people and counts for programs.

    Moves are those of note onsets to the grid, in quarter notes; the mean is over all notes.
    """

    repairs: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    notes_moved: int = 0
    largest_move_quarters: float = 0.0
    mean_move_quarters: float = 0.0
    notes_merged: int = 0
    overlaps_cut: int = 0
    long_notes_cut: int = 0


@dataclass(frozen=True)
class MidiFile:
    """A score that was read, and the report of the reading."""

    score: Score
    report: MidiReport


def read_midi(data: bytes) -> MidiFile:
    """Read a MIDI or RMID file of any origin into a Score.

    Raises:
        MidiError: if the bytes are not MIDI, hold no notes, or break a limit of musicdemo.music.midi_scan.
    """
    scanned = scan_midi(data)
    try:
        parsed = ScoreTick.from_midi(scanned.data)
    except (RuntimeError, ValueError) as error:
        raise MidiError("The file could not be read as MIDI; save it again in another program.") from error
    if len(parsed.tracks) > MAX_INSTRUMENTS:
        raise MidiError(f"The file has {len(parsed.tracks)} instruments; at most {MAX_INSTRUMENTS} are read.")
    tally = GridTally()
    meters, tempos = grid_meters(parsed, tally), grid_tempos(parsed, tally)
    score = Score(grid_tracks(parsed, tally), meters, tempos, _title(scanned.title))
    if score.seconds_at(score.end) > MAX_HOURS * 3600:
        raise MidiError(f"The piece lasts more than {MAX_HOURS} hours; send a shorter one.")
    return MidiFile(score, _report(scanned, tally))


def _report(scanned: ScannedMidi, tally: GridTally) -> MidiReport:
    moves = np.concatenate(tally.moves)
    counts = (
        (tally.merged, "{} struck twice at one moment {} merged into one"),
        (tally.overlaps, "{} struck again while sounding {} cut there"),
        (tally.long_notes, f"{{}} longer than {MAX_NOTE_STEPS // STEPS_PER_BEAT} quarter notes {{}} cut to that"),
    )
    sentences = (text.format(*_plural(count)) for count, text in counts if count)
    return MidiReport(
        repairs=(*scanned.repairs, *tally.repairs, *sentences),
        drops=scanned.drops,
        notes_moved=int(np.count_nonzero(moves > _EXACT_QUARTERS)),
        largest_move_quarters=float(moves.max()),
        mean_move_quarters=float(moves.mean()),
        notes_merged=tally.merged,
        overlaps_cut=tally.overlaps,
        long_notes_cut=tally.long_notes,
    )


def _plural(count: int) -> tuple[str, str]:
    return ("1 note", "was") if count == 1 else (f"{count:,} notes", "were")


def _title(name: str) -> str:
    words = name.lower().split()
    return "" if all(word in _GENERIC_TITLES or word.isdigit() for word in words) else name


def write_midi(score: Score, *, note: str = "") -> bytes:
    """Write the score as a MIDI file of type 1, one chunk a track; the same Score gives the same bytes.

    Tempos are rounded to whole microseconds a quarter note; the title is the name of the first chunk. `note`, such as
    how the piece was made, becomes a text event there, which players and read_midi pass over.

    Raises:
        ValueError: if the score is longer than 20,000 quarter notes.
    """
    last_step = max(score.end, score.meters[-1].onset, score.tempos[-1].onset)
    if last_step > MAX_QUARTERS * STEPS_PER_BEAT:
        raise ValueError(f"a score may be {MAX_QUARTERS:,} quarter notes long, not {last_step / STEPS_PER_BEAT:g}")
    writer = pretty_midi.PrettyMIDI(resolution=WRITTEN_RESOLUTION, charset="utf-8")
    # pretty_midi counts in seconds and has no public way to set a tempo map.
    writer._tick_scales = [(_tick(change.onset), _tick_seconds(change.tempo)) for change in score.tempos]
    writer._update_tick_to_time(_tick(last_step))
    writer.time_signature_changes = [
        pretty_midi.TimeSignature(c.meter.numerator, c.meter.denominator, writer.tick_to_time(_tick(c.onset)))
        for c in score.meters
    ]
    for track in score.tracks:
        instrument = pretty_midi.Instrument(track.program, track.is_drum, clean_text(track.name))
        for sounding in track.notes:
            start, end = (writer.tick_to_time(_tick(step)) for step in (sounding.onset, sounding.end))
            instrument.notes.append(pretty_midi.Note(sounding.velocity, sounding.pitch, start, end))
        writer.instruments.append(instrument)
    buffer = BytesIO()
    writer.write(buffer)
    return _with_texts(buffer.getvalue(), {_NAME: clean_text(score.title), _TEXT: note})


def _tick(step: int) -> int:
    return step * WRITTEN_RESOLUTION // STEPS_PER_BEAT


def _tick_seconds(tempo: float) -> float:
    # The half keeps the writer, which cuts to whole microseconds a quarter note, from landing one below.
    return (round(60e6 / tempo) + 0.5) / 1e6 / WRITTEN_RESOLUTION


def _with_texts(data: bytes, texts: dict[int, str]) -> bytes:
    """Put texts into the first chunk, by the kind of their event; pretty_midi names only instruments."""
    events = b"".join(_text_event(kind, text.encode()) for kind, text in texts.items() if text)
    start = data.index(b"MTrk") + 8
    length = int.from_bytes(data[start - 4 : start])
    return data[: start - 4] + (length + len(events)).to_bytes(4) + events + data[start:]


def _text_event(kind: int, encoded: bytes) -> bytes:
    return bytes((0, 0xFF, kind)) + variable_length(len(encoded)) + encoded
