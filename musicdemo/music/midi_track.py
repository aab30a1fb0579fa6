"""One track of untrusted MIDI: read event by event within limits, and written again with what a Score can keep.

Damage ends a track where it stands, as players do; a broken limit refuses the file.
"""

import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from musicdemo.errors import MidiError

MAX_EVENTS = 300_000
MAX_NOTES = 100_000
MAX_TEMPO_CHANGES = 100_000
MAX_QUARTERS = 20_000
MAX_NAME_LENGTH = 200
MAX_DENOMINATOR_POWER = 7
END_MARK = b"\xff\x2f\x00"

_CHANNEL_DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_SYSTEM_EXCLUSIVE = (0xF0, 0xF7)
_META, _END_OF_TRACK, _NAME, _TEMPO, _TIME_SIGNATURE = 0xFF, 0x2F, 0x03, 0x51, 0x58


@dataclass
class TrackTally:
    """What is counted over all tracks of a file; repairs by kind."""

    last_tick_allowed: int
    events: int = 0
    notes: int = 0
    tempos: int = 0
    unused: int = 0
    repairs: Counter[str] = field(default_factory=Counter)


def clean_text(text: str) -> str:
    """Return text on one line without control, format (bidirectional) or private characters, at most 200 long."""
    spaced = "".join(" " if character in "\t\r\n\u2028\u2029" else character for character in text)
    kept = "".join(character for character in spaced if not unicodedata.category(character).startswith("C"))
    return " ".join(kept[: 4 * MAX_NAME_LENGTH].split())[:MAX_NAME_LENGTH].strip()


def variable_length(number: int) -> bytes:
    """Write a number of at most 28 bits as MIDI does: seven bits a byte, the highest first."""
    octets = [number & 0x7F]
    while number > 0x7F:
        number >>= 7
        octets.append(number & 0x7F | 0x80)
    return bytes(reversed(octets))


class _DamagedError(Exception):
    """The rest of a track cannot be read."""


class TrackCleaner:
    """Reads the events of one track and writes those that are kept: `clean`, with its notes counted and its name."""

    def __init__(self, body: bytes, tally: TrackTally) -> None:
        self.name = ""
        self.notes = 0
        self._body = body
        self._tally = tally
        self._tick = 0
        self._written_tick = 0
        self._parts: list[bytes] = []
        self._sounding: Counter[int] = Counter()
        self._last_release: dict[int, int] = {}
        self._read_all()
        self._release_held_notes()
        self.clean = b"".join(self._parts) + b"\x00" + END_MARK

    def _read_all(self) -> None:
        try:
            if not self._read_events():
                self._tally.repairs["endless"] += 1
        except (_DamagedError, IndexError):  # IndexError: the bytes end inside an event
            self._tally.repairs["damaged"] += 1

    def _read_events(self) -> bool:
        """Read to the end mark or the end of the bytes; return whether there was an end mark."""
        body, running, position = self._body, 0, 0
        while position < len(body):
            delta, position = self._read_number(position)
            self._advance(delta)
            status = running if body[position] < 0x80 else body[position]
            position += body[position] >= 0x80
            if status < 0x80:
                raise _DamagedError
            if status < 0xF0:
                running = status  # which, as players do, survives meta and system events
                position = self._read_channel_message(status, position)
            elif status == _META and body[position] == _END_OF_TRACK:
                return True
            else:
                position = self._read_other(status, position)
        return False

    def _read_other(self, status: int, position: int) -> int:
        if status == _META:
            return self._read_meta(self._body[position], position + 1)
        if status in _SYSTEM_EXCLUSIVE:
            length, position = self._read_number(position)
            return position + length
        return position + _SYSTEM_DATA_BYTES.get(status, 0)

    def _advance(self, delta: int) -> None:
        self._tick += delta
        self._tally.events += 1
        if self._tally.events > MAX_EVENTS:
            raise MidiError(f"The file holds more than {MAX_EVENTS:,} events; send a shorter piece.")
        if self._tick > self._tally.last_tick_allowed:
            raise MidiError(f"The file goes on past {MAX_QUARTERS:,} quarter notes; send a shorter piece.")

    def _read_number(self, position: int) -> tuple[int, int]:
        """Read a variable-length number; return it with the position behind it."""
        number = 0
        for offset in range(4):
            octet = self._body[position + offset]
            number = number << 7 | octet & 0x7F
            if octet < 0x80:
                return number, position + offset + 1
        raise MidiError("The file holds a number longer than 4 bytes, which MIDI does not allow; it is damaged.")

    def _read_channel_message(self, status: int, position: int) -> int:
        end = position + _CHANNEL_DATA_BYTES[status >> 4]
        message = self._body[position:end]
        if len(message) < end - position or not message.isascii():
            raise _DamagedError
        kind, channel = status >> 4, status & 0xF
        if kind == 0x9 and message[1]:
            self._start_note(channel, message)
        elif kind in (0x8, 0x9):
            self._end_note(channel, message[0])
        elif kind == 0xC:
            self._write(bytes((status,)) + message)
        else:
            self._tally.unused += 1
        return end

    def _start_note(self, channel: int, message: bytes) -> None:
        self.notes += 1
        self._tally.notes += 1
        if self._tally.notes > MAX_NOTES:
            raise MidiError(f"The file holds more than {MAX_NOTES:,} notes; send a shorter piece.")
        key = channel << 7 | message[0]
        self._sounding[key] += 1
        self._last_release.pop(key, None)
        self._write(bytes((0x90 | channel,)) + message)

    def _end_note(self, channel: int, pitch: int) -> None:
        key = channel << 7 | pitch
        if self._sounding[key]:
            self._sounding[key] -= 1
            self._last_release[key] = len(self._parts)
            self._write(bytes((0x80 | channel, pitch, 0)))

    def _release_held_notes(self) -> None:
        """End held notes with the last release of their pitch (some programs send one for two notes) or the track."""
        for key, count in self._sounding.items():
            release = bytes((0x80 | key >> 7, key & 0x7F, 0))
            if count and key in self._last_release:
                self._parts[self._last_release[key]] += (b"\x00" + release) * count
            elif count:
                self._write(release)
                self._parts.extend([b"\x00" + release] * (count - 1))
                self._tally.repairs["held"] += count

    def _read_meta(self, kind: int, position: int) -> int:
        length, position = self._read_number(position)
        end = position + length
        if end > len(self._body):
            raise _DamagedError
        content = self._body[position:end]
        if kind == _NAME:
            self._keep_name(content)
        elif kind == _TEMPO:
            self._keep_tempo(content)
        elif kind == _TIME_SIGNATURE:
            self._keep_time_signature(content)
        return end

    def _keep_name(self, content: bytes) -> None:
        name = clean_text(_decoded(content[: 8 * MAX_NAME_LENGTH]))
        if name and not self.name:
            self.name = name
            encoded = name.encode()
            self._write(bytes((_META, _NAME)) + variable_length(len(encoded)) + encoded)

    def _keep_tempo(self, content: bytes) -> None:
        self._tally.tempos += 1
        if self._tally.tempos > MAX_TEMPO_CHANGES:
            raise MidiError(f"The file changes its tempo more than {MAX_TEMPO_CHANGES:,} times; send a shorter piece.")
        if len(content) < 3 or not any(content[:3]):
            self._tally.repairs["tempo"] += 1
        else:
            self._write(bytes((_META, _TEMPO, 3)) + content[:3])

    def _keep_time_signature(self, content: bytes) -> None:
        if len(content) < 2 or content[0] == 0 or content[1] > MAX_DENOMINATOR_POWER:
            self._tally.repairs["metre"] += 1
        else:
            self._write(bytes((_META, _TIME_SIGNATURE, 4)) + content[:2] + b"\x18\x08")

    def _write(self, message: bytes) -> None:
        self._parts.append(variable_length(self._tick - self._written_tick) + message)
        self._written_tick = self._tick


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
