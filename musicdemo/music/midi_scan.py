"""The bounded look at untrusted MIDI bytes that comes before any library sees them.

It walks the file once, refuses what breaks a limit, and writes a clean copy that holds only what a Score can
keep: notes, programs, tempos, time signatures and names. What players forgive is forgiven here and counted.
Standard: "Standard MIDI Files 1.0" (MIDI Manufacturers Association, 1996).
"""

import struct
from dataclasses import dataclass

from musicdemo.errors import MidiError
from musicdemo.music.midi_track import END_MARK, MAX_QUARTERS, TrackCleaner, TrackTally

MAX_BYTES = 2_000_000
MAX_TRACKS = 256
MAX_TICK = 2**31 - 1
MAX_DIVISION = 0x7FFF

_HEADER = struct.Struct(">4sIHHH")

_REPAIRS = {
    "length": ("1 track had a wrong length in its header", "{} tracks had a wrong length in their headers"),
    "endless": ("1 track had no end mark", "{} tracks had no end mark"),
    "damaged": ("1 track was read only up to a damaged place", "{} tracks were read only up to a damaged place"),
    "held": (
        "1 note was never released and ends with its track",
        "{} notes were never released and end with their track",
    ),
    "tempo": ("1 meaningless tempo was ignored", "{} meaningless tempos were ignored"),
    "metre": ("1 meaningless time signature was ignored", "{} meaningless time signatures were ignored"),
    "patterns": ("the separate patterns of this file (type 2) all begin at once",) * 2,
}
"""What players forgive, in a sentence for one and a sentence for several."""


@dataclass(frozen=True)
class ScannedMidi:
    """A clean MIDI file of type 1, the title found in the original, and a sentence for each repair and drop."""

    data: bytes
    title: str
    repairs: tuple[str, ...]
    drops: tuple[str, ...]


def scan_midi(data: bytes) -> ScannedMidi:
    """Check the bytes of a MIDI or RMID file against the limits here and in midi_track and return a clean copy.

    Raises:
        MidiError: if it is no MIDI file, breaks a limit, counts time in SMPTE frames, or holds no note.
    """
    if len(data) > MAX_BYTES:
        raise MidiError(f"The file has {len(data):,} bytes; at most {MAX_BYTES:,} are read.")
    data = _unwrap_rmid(data)
    if len(data) < _HEADER.size or data[:4] != b"MThd":
        raise MidiError("This is not a MIDI file: it does not begin with MThd.")
    _, _, midi_type, _, division = _HEADER.unpack_from(data)
    _check_division(division)
    tally = TrackTally(min(MAX_TICK, MAX_QUARTERS * division))
    if midi_type == 2:
        tally.repairs["patterns"] = 1
    tracks = [TrackCleaner(body, tally) for body in _track_bodies(data, tally)]
    if tally.notes == 0:
        raise MidiError("The file holds no notes.")
    chunks = [b"MTrk" + struct.pack(">I", len(track.clean)) + track.clean for track in tracks]
    header = _HEADER.pack(b"MThd", 6, 1, len(chunks), division)
    has_title = midi_type == 0 or tracks[0].notes == 0
    return ScannedMidi(
        data=header + b"".join(chunks),
        title=tracks[0].name if has_title else "",
        repairs=tuple(_REPAIRS[kind][count > 1].format(count) for kind, count in tally.repairs.items()),
        drops=(f"controller, pedal and pitch-bend events are not kept ({tally.unused:,})",) if tally.unused else (),
    )


def _check_division(division: int) -> None:
    if division > MAX_DIVISION:
        raise MidiError("The file counts time in SMPTE frames; save it again with ticks per quarter note.")
    if division == 0:
        raise MidiError("The header says that a quarter note has 0 ticks; save the file again in another program.")


def _unwrap_rmid(data: bytes) -> bytes:
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    position = 12
    while position + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        if name == b"data":
            return data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    raise MidiError("This RMID file holds no MIDI data.")


def _track_bodies(data: bytes, tally: TrackTally) -> list[bytes]:
    """Cut out the contents of the track chunks; where a length leads nowhere, a track ends where the next begins."""
    bodies = []
    position = data.find(b"MTrk")  # whatever length the header claims
    while 0 <= position <= len(data) - 8:
        name, length = struct.unpack_from(">4sI", data, position)
        start, end = position + 8, position + 8 + length
        believable = end == len(data) or data[end - 3 : end] == END_MARK or _is_chunk_name(data[end : end + 4])
        if not believable:
            following = data.find(b"MTrk", start)
            end = following if following >= 0 else len(data)
        if name == b"MTrk":
            bodies.append(data[start:end])
            if not believable:
                tally.repairs["length"] += 1
        position = end
    if not 1 <= len(bodies) <= MAX_TRACKS:
        raise MidiError(f"The file has {len(bodies)} tracks; 1-{MAX_TRACKS} are read.")
    return bodies


def _is_chunk_name(name: bytes) -> bool:
    return len(name) == 4 and name.isascii() and name.isalnum()
