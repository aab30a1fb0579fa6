"""Notation: music that people can type, read into a Score. "C4 E4 G4 C5" is a whole piece: four quarter notes.

A text is a header, then tracks. A line that begins with # is a comment; order within each part is free.

    header    title: composer: about:        any words
              metre: 4/4, 3/4 from bar 9     4/4 unless said otherwise
              tempo: 120, 96.5 from bar 9    quarter notes a minute, 120 unless said otherwise
    track     track: violin                  a General MIDI name, a part of one, a number 0-127, or drums
              name: Soprano                  what the track is called
              velocity: 84                   1-127, 80 unless said otherwise
              unit: 8                        the length of a note that names none; 4, a quarter, unless said otherwise
    notes     C4  F#3  Bb5                   a name and an octave; C4 is middle C
              kick  snare  hat               in a track of drums, a name from DRUMS
              [C4 E4 G4]                     a chord
              r   R                          a rest; a rest for a whole bar
              |   %                          a bar line, which checks the bar; the bar before once more
              @96                            this velocity from here on
    suffixes  :1 :2 :4 :8 :16 :32            the length as a fraction of a whole note; :8t is a triplet eighth
              .                              dotted, as in C4:2. or, with the unit, C4.
              @96                            the velocity of this note or chord alone
              ~                              tied to the same pitch in what follows

Suffixes stand in this order: C4:8t.@96~. Inside a chord a note may have a length of its own, and then sounds that
long, while the chord's length says when the music goes on: [C3:1 G4]:4 E4 holds C3 under what follows. Where a track
has bar lines, each bar must be full; only the last may end early. What Score cannot say (slurs, words, voices on one
staff) is left out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

from pretty_midi.constants import INSTRUMENT_MAP

from musicdemo.errors import MidiError
from musicdemo.music.score import (
    DEFAULT_TEMPO,
    MAX_TEMPO,
    MIN_TEMPO,
    STEPS_PER_BEAT,
    Meter,
    MeterChange,
    Note,
    Score,
    TempoChange,
    Track,
)

MAX_CHARACTERS = 20_000
MAX_TRACK_NOTES = 10_000

DRUMS = {
    "kick": 36,
    "rim": 37,
    "snare": 38,
    "clap": 39,
    "hat": 42,
    "pedalhat": 44,
    "lowtom": 45,
    "openhat": 46,
    "midtom": 47,
    "crash": 49,
    "hightom": 50,
    "ride": 51,
    "ridebell": 53,
    "tambourine": 54,
    "cowbell": 56,
    "shaker": 70,
}
"""Drum names and their keys in the General MIDI percussion map."""

_PIECE_SETTINGS = ("title", "composer", "about", "metre", "tempo")
_TRACK_SETTINGS = ("track", "name", "velocity", "unit")
_SETTING = re.compile(rf"({'|'.join(_PIECE_SETTINGS + _TRACK_SETTINGS)})\s*:\s*(.*)")
_CHANGE = re.compile(r"\s*(\S+?)(?:\s+from\s+bar\s+([0-9]{1,3}))?\s*")
_TOKEN = re.compile(r"\[[^\]|]*\][^\s|\[]*|\||[^\s|]+")
_ITEM = re.compile(r"(\[[^\]]*\]|[^:.@~\[\]]+)(?::([0-9]+t?))?(\.*)(?:@([0-9]+))?(~?)")
_PITCH = re.compile(r"([A-Ga-g])([#♯]{0,2}|[b♭]{0,2})(-?[0-9])")
_LENGTHS = {str(name): Fraction(4 * STEPS_PER_BEAT, name) for name in (1, 2, 4, 8, 16, 32)}
_PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_EXAMPLES = "write for example C4, F#4:8, r:2, [C4 E4 G4] or |"


class _Token(NamedTuple):
    """A word of the text and the line that it stands on."""

    text: str
    line: int


@dataclass
class _Pen:
    """A track that is being written: where the pen stands, in steps, and what it wrote."""

    program: int = 0
    is_drum: bool = False
    name: str = ""
    velocity: int = 80
    unit: int = STEPS_PER_BEAT
    position: int = 0
    bar_start: int = 0
    bar_number: int = 1
    bar: list[_Token] = field(default_factory=list)
    bar_before: list[_Token] = field(default_factory=list)
    tied: dict[int, Note] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def read_notation(text: str) -> Score:
    """Read a text in this module's notation.

    Raises MidiError, in a sentence that names the line and the word, for what cannot be read and for a bar that is
    not full; also for a text without a note or longer than MAX_CHARACTERS.
    """
    settings, body = _split(text)
    frame = _read_frame(settings)
    pens: list[_Pen] = []
    for token in body:
        _read_body_line(token, pens, frame)
    for pen in pens:
        _close_track(pen, frame)
    if not any(pen.notes for pen in pens):
        raise MidiError("The text holds no notes; write for example C4 E4 G4 C5.")
    return replace(frame, tracks=_tracks(pen for pen in pens if pen.notes))


def read_header(text: str) -> dict[str, str]:
    """Return what the header of a text says, by setting, read no further; raises MidiError as read_notation does."""
    return {setting: token.text for setting, token in _split(text)[0].items()}


def _split(text: str) -> tuple[dict[str, _Token], list[_Token]]:
    """Part a text into the settings of the piece and the lines of its tracks."""
    if len(text) > MAX_CHARACTERS:
        raise MidiError(f"The text has {len(text)} characters; {MAX_CHARACTERS} is the most that can be read.")
    settings: dict[str, _Token] = {}
    body: list[_Token] = []
    for number, line in enumerate(text.splitlines(), start=1):
        token = _Token(line.strip(), number)
        setting = _SETTING.fullmatch(token.text)
        if setting is None or setting[1] in _TRACK_SETTINGS:
            body += [token] if token.text and not token.text.startswith("#") else []
        elif body or setting[1] in settings:
            raise _wrong(token, f"{setting[1]} stands once, above the first track")
        else:
            settings[setting[1]] = _Token(setting[2], number)
    return settings, body


def _read_frame(settings: dict[str, _Token]) -> Score:
    """Return a score without tracks: title, metres and tempos."""
    metre = settings.get("metre", _Token("4/4", 0))
    tempo = settings.get("tempo", _Token(f"{DEFAULT_TEMPO:g}", 0))
    score = Score(title=settings["title"].text if "title" in settings else "")
    for value, bar in _read_changes(metre):
        change = MeterChange(_bar_start(score, bar), _read_meter(value, metre))
        score = _extended(score, metre, meters=(*score.meters, change) if change.onset else (change,))
    for value, bar in _read_changes(tempo):
        step = _bar_start(score, bar)
        pace = _read_tempo(value, step, tempo)
        score = _extended(score, tempo, tempos=(*score.tempos, pace) if step else (pace,))
    return score


def _extended(score: Score, token: _Token, **changes: tuple[MeterChange, ...] | tuple[TempoChange, ...]) -> Score:
    try:
        return replace(score, **changes)  # type: ignore[arg-type]  # replace cannot see which field is which
    except ValueError as error:
        raise _wrong(token, "changes stand in the order of their bars, each bar once") from error


def _read_changes(token: _Token) -> list[tuple[str, int]]:
    """Read "4/4, 3/4 from bar 9" as [("4/4", 1), ("3/4", 9)]."""
    changes: list[tuple[str, int]] = []
    for part in token.text.split(","):
        change = _CHANGE.fullmatch(part)
        bar = int(change[2] or 1) if change else 0
        if change is None or (bar == 1) != (not changes) or bar == 0:
            raise _wrong(token, "write one value, then changes with commas between, such as 4/4, 3/4 from bar 9")
        changes.append((change[1], bar))
    return changes


def _bar_start(score: Score, number: int) -> int:
    return next(islice(score.iter_bars(), number - 1, None)).start


def _read_meter(value: str, token: _Token) -> Meter:
    parts = re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})", value)
    if parts is None:
        raise _wrong(token, "a metre is written as 4/4 or 6/8")
    try:
        return Meter(int(parts[1]), int(parts[2]))
    except ValueError as error:
        raise _wrong(token, str(error)) from error


def _read_tempo(value: str, step: int, token: _Token) -> TempoChange:
    try:
        return TempoChange(step, float(value))
    except ValueError as error:
        raise _wrong(token, f"a tempo is {MIN_TEMPO:g}-{MAX_TEMPO:g} quarter notes a minute") from error


def _read_body_line(line: _Token, pens: list[_Pen], frame: Score) -> None:
    setting = _SETTING.fullmatch(line.text)
    if not pens or (setting and setting[1] == "track"):
        pens.append(_Pen())
    if setting:
        _set(pens[-1], setting[1], _Token(setting[2], line.line))
        return
    for word in _TOKEN.findall(line.text):
        _write(pens[-1], _Token(word, line.line), frame)


def _set(pen: _Pen, setting: str, token: _Token) -> None:
    """Change one setting of a track."""
    if setting == "track":
        pen.is_drum = token.text.lower() == "drums"
        pen.program = 0 if pen.is_drum else _read_program(token)
    elif setting == "name":
        pen.name = token.text
    elif setting == "velocity":
        pen.velocity = _read_velocity(token.text, token)
    else:
        length = re.fullmatch(r"([0-9]+t?)(\.*)", token.text)
        if length is None:
            raise _wrong(token, "a unit is a length such as 8, 8t or 4.")
        pen.unit = _steps(length[1], length[2], token, unit=pen.unit)


def _read_program(token: _Token) -> int:
    """Find a General MIDI program by number, by name, or by the first name that contains the words."""
    wanted = token.text.lower()
    names = [name.lower() for name in INSTRUMENT_MAP]
    if re.fullmatch("[0-9]{1,3}", wanted) and int(wanted) < len(names):
        return int(wanted)
    found = [name for name in names if wanted == name] or [name for name in names if wanted and wanted in name]
    if not found:
        raise _wrong(token, "no such instrument; write a name such as piano, violin or drums, or a number 0-127")
    return names.index(found[0])


def _write(pen: _Pen, token: _Token, frame: Score) -> None:
    """Write one word of a line of notes."""
    if token.text == "|":
        _close_bar(pen, token, frame)
    elif token.text == "%":
        if not pen.bar_before or pen.bar:
            raise _wrong(token, "there is no bar just before it that could be repeated")
        for repeated in pen.bar_before:
            _write(pen, repeated, frame)
    else:
        pen.bar.append(token)
        _write_word(pen, token, frame)


def _write_word(pen: _Pen, token: _Token, frame: Score) -> None:
    if token.text == "R":
        _sound(pen, {}, token, is_tied=False)
        pen.position += frame.meter_at(pen.position).bar_steps
    elif token.text.startswith("@"):
        pen.velocity = _read_velocity(token.text[1:], token)
    else:
        _write_item(pen, token)


def _write_item(pen: _Pen, token: _Token) -> None:
    """Write a note, a chord or a rest, and move on by its length."""
    item = _ITEM.fullmatch(token.text)
    if item is None:
        raise _wrong(token, f"this is no note, rest, chord or bar line; {_EXAMPLES}")
    what, length, dots, velocity, tie = item.groups()
    steps = _steps(length, dots, token, unit=pen.unit)
    loudness = pen.velocity if velocity is None else _read_velocity(velocity, token)
    sounds: dict[int, Note] = {}
    for word in what[1:-1].split() if what.startswith("[") else [what] if what != "r" else []:
        note = _read_sound(word, pen, token, steps=steps, velocity=loudness)
        if note.pitch in sounds:
            raise _wrong(token, f"{word} stands twice in one chord")
        sounds[note.pitch] = note
    if not sounds and (tie or what != "r"):
        raise _wrong(token, "a rest cannot be tied, and a chord needs a note")
    _sound(pen, sounds, token, is_tied=bool(tie))
    pen.position += steps


def _read_sound(word: str, pen: _Pen, token: _Token, *, steps: int, velocity: int) -> Note:
    """Read one pitch, alone or within a chord, as a note at the pen."""
    item = _ITEM.fullmatch(word)
    if item is None or item[5]:
        raise _wrong(token, f"this is no note, rest, chord or bar line; {_EXAMPLES}")
    what, length, dots, loudness, _ = item.groups()
    own_steps = _steps(length, dots, token, unit=steps)
    own_velocity = velocity if loudness is None else _read_velocity(loudness, token)
    pitch = _read_drum(what, token) if pen.is_drum else _read_pitch(what, token)
    return Note(pen.position, pitch, own_steps, own_velocity)


def _read_drum(word: str, token: _Token) -> int:
    if word.lower() not in DRUMS:
        raise _wrong(token, f"no such drum; there are {', '.join(DRUMS)}")
    return DRUMS[word.lower()]


def _read_pitch(word: str, token: _Token) -> int:
    parts = _PITCH.fullmatch(word)
    if parts is None:
        raise _wrong(token, f"this is no note, rest, chord or bar line; {_EXAMPLES}")
    sharps = sum(1 if sign in "#♯" else -1 for sign in parts[2])
    pitch = 12 * (int(parts[3]) + 1) + _PITCH_CLASSES[parts[1].upper()] + sharps
    if not 0 <= pitch <= 127:
        raise _wrong(token, "pitches go from C-1 to G9")
    return pitch


def _read_velocity(word: str, token: _Token) -> int:
    if not re.fullmatch("[0-9]{1,3}", word) or not 1 <= int(word) <= 127:
        raise _wrong(token, "a velocity is 1-127")
    return int(word)


def _steps(length: str | None, dots: str, token: _Token, *, unit: int) -> int:
    """Return a length in steps; without a length of its own it is that of `unit` steps."""
    steps = Fraction(unit) if length is None else _LENGTHS.get(length.rstrip("t"))
    if steps is None or len(dots) > 2:
        raise _wrong(token, "a length is :1, :2, :4, :8, :16 or :32, with t for a triplet and at most two dots")
    steps *= Fraction(2, 3) if length and length.endswith("t") else 1
    steps *= 2 - Fraction(1, 2 ** len(dots))
    if steps.denominator != 1:
        raise _wrong(token, f"this length does not fall on the grid of {STEPS_PER_BEAT} steps a quarter note")
    return int(steps)


def _sound(pen: _Pen, sounds: dict[int, Note], token: _Token, *, is_tied: bool) -> None:
    """Write the notes that begin at the pen, or go on there where the last ones were tied to them."""
    if not pen.tied.keys() <= sounds.keys():
        raise _wrong(token, "the note before is tied, and its pitch does not follow")
    joined = {pitch: _joined(pen.tied.get(pitch), note) for pitch, note in sounds.items()}
    pen.tied = joined if is_tied else {}
    pen.notes += [] if is_tied else joined.values()
    if len(pen.notes) > MAX_TRACK_NOTES:
        raise _wrong(token, f"a track has at most {MAX_TRACK_NOTES} notes")


def _joined(begun: Note | None, note: Note) -> Note:
    return note if begun is None else replace(begun, duration=note.end - begun.onset)


def _close_bar(pen: _Pen, token: _Token, frame: Score) -> None:
    """Check the bar that ends at the pen; a bar line right after another says nothing new."""
    if pen.position == pen.bar_start:
        return
    meter = frame.meter_at(pen.bar_start)
    _check_bar(pen, token, meter, is_full=pen.position - pen.bar_start == meter.bar_steps)
    pen.bar_start, pen.bar_number = pen.position, pen.bar_number + 1
    pen.bar_before, pen.bar = pen.bar, []


def _close_track(pen: _Pen, frame: Score) -> None:
    """Check what stands behind the last bar line, and that no tie is left open."""
    if pen.tied:
        raise _wrong(pen.bar[-1] if pen.bar else pen.bar_before[-1], "the last note is tied to nothing")
    if pen.bar and pen.bar_number > 1:
        meter = frame.meter_at(pen.bar_start)
        _check_bar(pen, pen.bar[-1], meter, is_full=pen.position - pen.bar_start <= meter.bar_steps)


def _check_bar(pen: _Pen, token: _Token, meter: Meter, *, is_full: bool) -> None:
    if not is_full:
        beats, wanted = (pen.position - pen.bar_start) / STEPS_PER_BEAT, meter.bar_steps / STEPS_PER_BEAT
        raise _wrong(token, f"bar {pen.bar_number} lasts {beats:.4g} quarter notes; a bar of {meter} lasts {wanted:g}")


def _tracks(pens: Iterable[_Pen]) -> tuple[Track, ...]:
    """Make tracks; those of one instrument are told apart by their voice."""
    tracks: list[Track] = []
    for pen in pens:
        voice = sum((pen.is_drum, pen.program) == (track.is_drum, track.program) for track in tracks)
        tracks.append(Track(tuple(pen.notes), pen.program, pen.is_drum, voice, pen.name))
    return tuple(tracks)


def _wrong(token: _Token, why: str) -> MidiError:
    shown = token.text if len(token.text) <= 40 else token.text[:39] + "…"
    return MidiError(f"Line {token.line}, “{shown}”: {why}.")
