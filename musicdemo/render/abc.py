"""ABC 2.1 (Walshaw and others 2011): a Score as text that folk players and many programs read.

Voices, chords, ties, triplets, metre and tempo changes are written. Loudness is left out, which ABC has no numbers for.
Drums stand at the pitch of their MIDI number, on channel 10. A tempo that changes within a beam is written behind it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from musicdemo.music.harmony import Key, detect_key
from musicdemo.music.midi_track import clean_text
from musicdemo.music.score import STEPS_PER_BEAT, Bar, Score
from musicdemo.music.spelling import Spelling, signature, signature_alter, spell
from musicdemo.render.note_values import Value
from musicdemo.render.staves import Part, Sign, Signs, bars_on_paper, beamed, lay_out

BARS_A_LINE = 4
_UNIT = 16
_ACCIDENTALS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
_CLEFS = {"G": "treble", "F": "bass", "C": "alto", "percussion": "perc"}
_ASCII_SIGNS = str.maketrans("♯♭", "#b")
_DRUM_CHANNEL = 10
_MIDDLE_OCTAVE = 4


@dataclass(frozen=True)
class _Voice:
    """One voice by its name in the text: its bars, and whether its rests are seen."""

    name: str
    part: Part
    clef: str
    bars: tuple[Signs, ...]
    is_first: bool


def write_abc(score: Score, *, join: int = 0) -> str:
    """Write the score; if `join` is a bar line within, a double bar shows where the new notes begin."""
    key = detect_key(score)
    staves = _voices(lay_out(score))
    bars = bars_on_paper(score)
    lines = [
        "%abc-2.1",
        "X:1",
        f"T:{_text(score.title) or 'Untitled'}",
        f"M:{bars[0].meter}",
        f"L:1/{_UNIT}",
        f"Q:{_tempo(score.tempos[0].tempo)}",
        "%%score " + " ".join(_group(part_staves) for part_staves in staves),
        f"K:{_key(key)}",
    ]
    tempos = {change.onset: change.tempo for change in score.tempos[1:]}
    for number, voice in enumerate(voice for part in staves for staff in part for voice in staff):
        lines += _head(voice)
        lines += _lines(_bars(voice, bars, key, {} if number else tempos), bars, join)
    return "\n".join(lines) + "\n"


def _voices(parts: Sequence[Part]) -> list[list[list[_Voice]]]:
    """Name the voices, by part and staff."""
    counted = iter(range(1, 1 + sum(len(staff.voices) for part in parts for staff in part.staves)))
    return [
        [
            [
                _Voice(str(next(counted)), part, _CLEFS[staff.clef.sign], voice, is_first=place == 0)
                for place, voice in enumerate(staff.voices)
            ]
            for staff in part.staves
        ]
        for part in parts
    ]


def _group(staves: Sequence[Sequence[_Voice]]) -> str:
    names = [" ".join(voice.name for voice in staff) for staff in staves]
    shared = [f"({name})" if " " in name else name for name in names]
    return shared[0] if len(shared) == 1 else "{" + " | ".join(shared) + "}"


def _head(voice: _Voice) -> list[str]:
    track = voice.part.track
    name = _text(voice.part.name).replace('"', "'")
    sound = f"channel {_DRUM_CHANNEL}" if track.is_drum else f"program {track.program}"
    return [f'V:{voice.name} clef={voice.clef} name="{name}"', f"%%MIDI {sound}"]


def _text(words: str) -> str:
    """Return words that ABC takes as they are: its own signs are marked."""
    return "".join(f"\\{sign}" if sign in "\\%&" else sign for sign in clean_text(words))


def _key(key: Key | None) -> str:
    return "C" if key is None else str(key).translate(_ASCII_SIGNS).replace(" minor", "m").replace(" major", "")


def _tempo(tempo: float) -> str:
    return f"1/4={tempo:g}"


def _lines(written: Sequence[str], bars: Sequence[Bar], join: int) -> Iterator[str]:
    """Put bar lines behind the bars, and some bars on a line."""
    closed = []
    for text, bar in zip(written, bars, strict=True):
        line = "|]" if bar is bars[-1] else "||" if bar.end == join else "|"
        closed.append(f"{text} {line}")
    for start in range(0, len(closed), BARS_A_LINE):
        yield " ".join(closed[start : start + BARS_A_LINE])


def _bars(voice: _Voice, bars: Sequence[Bar], key: Key | None, tempos: Mapping[int, float]) -> list[str]:
    """Write each bar without its bar line, in a voice that tells the tempo changes given."""
    waiting = sorted(tempos)
    written = []
    for index, (signs, bar) in enumerate(zip(voice.bars, bars, strict=True)):
        words = [f"[M:{bar.meter}]"] if index and bar.meter != bars[index - 1].meter else []
        pen = _BarPen(key, rest="z" if voice.is_first else "x")
        for start, word in pen.groups(signs, bar):
            while waiting and waiting[0] <= bar.start + start:
                words.append(f"[Q:{_tempo(tempos[waiting.pop(0)])}]")
            words.append(word)
        written.append(" ".join(words))
    return written


class _BarPen:
    """Writes the signs of one bar of one voice, and remembers which accidentals stand in it."""

    def __init__(self, key: Key | None, *, rest: str) -> None:
        self._key = key
        self._fifths = signature(key)
        self._rest = rest
        self._in_force: dict[str, int] = {}

    def groups(self, signs: Signs, bar: Bar) -> Iterator[tuple[int, str]]:
        """Yield what stands under one beam as one word, with the step at which it begins."""
        if not signs:
            yield 0, self._rest + _length(Fraction(bar.meter.bar_steps * _UNIT, 4 * STEPS_PER_BEAT))
        for group in beamed(signs, bar):
            yield group[0].start, "".join(self._sign(sign, signs) for sign in group)

    def _sign(self, sign: Sign, signs: Signs) -> str:
        length = _length(_written(sign.value))
        return _triplet(sign, signs) + (self._chord(sign, length) if sign.notes else self._rest + length)

    def _chord(self, sign: Sign, length: str) -> str:
        tie = "-" if sign.is_tied else ""
        heads = [self._head(spell(note.pitch, self._key)) for note in sign.notes]
        if len(heads) == 1:
            return heads[0] + length + tie
        return "[" + "".join(head + tie for head in heads) + "]" + length

    def _head(self, spelling: Spelling) -> str:
        """Name a pitch, with an accidental unless all readers agree without one.

        Some let an accidental hold for its own octave and some for all, so both must be as the note wants them.
        """
        letter, alter, octave = spelling
        places = (letter, f"{letter}{octave}")
        stands = all(self._in_force.get(place, signature_alter(letter, self._fifths)) == alter for place in places)
        self._in_force |= dict.fromkeys(places, alter) if not stands else {}
        return ("" if stands else _ACCIDENTALS[alter]) + _pitch(letter, octave)


def _pitch(letter: str, octave: int) -> str:
    if octave <= _MIDDLE_OCTAVE:
        return letter + "," * (_MIDDLE_OCTAVE - octave)
    return letter.lower() + "'" * (octave - _MIDDLE_OCTAVE - 1)


def _written(value: Value) -> Fraction:
    """Return the length of a value as it looks, in units; a triplet around it makes it shorter."""
    return Fraction(value.base * _UNIT, 32) * (Fraction(3, 2) if value.is_dotted else 1)


def _length(units: Fraction) -> str:
    above = "" if units.numerator == 1 else str(units.numerator)
    return above + ("" if units.denominator == 1 else f"/{units.denominator}")


def _triplet(sign: Sign, signs: Signs) -> str:
    """Open the triplet that begins with this sign: three in the time of two, over so many signs."""
    triplet = sign.piece.triplet
    if triplet is None or sign.start != triplet.start:
        return ""
    return f"(3:2:{sum(other.piece.triplet == triplet for other in signs)}"
