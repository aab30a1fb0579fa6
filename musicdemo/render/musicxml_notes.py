"""The notes of one voice in one bar as elements of MusicXML, in the order that its schema asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from musicdemo.music.harmony import Key
from musicdemo.music.score import Bar, Note
from musicdemo.music.spelling import spell
from musicdemo.render.drum_staff import drum_place
from musicdemo.render.note_values import Value
from musicdemo.render.staves import Sign, Signs, beamed

_TYPES = {64: "breve", 32: "whole", 16: "half", 8: "quarter", 4: "eighth", 2: "16th", 1: "32nd"}
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_FORTE = 90
"""The velocity in whose per cents MusicXML counts loudness."""


@dataclass(frozen=True)
class NotePen:
    """Where notes are written: measure, number of the part, voice, and staff (0 where the part has only one)."""

    measure: Element
    part: int
    voice: int
    staff: int
    key: Key | None
    is_drum: bool
    accidentals: frozenset[tuple[int, int]]
    """Start and pitch of the notes that show an accidental."""

    hides_rests: bool
    """Whether another voice fills the bar too, so that rests of this one would only be in the way."""


def add(parent: Element, tag: str, text: object = None, /, **attributes: str) -> Element:
    """Append an element to `parent`, with a text where one is given, and return it."""
    element = SubElement(parent, tag, attributes)
    if text is not None:
        element.text = str(text)
    return element


def drum_instrument(part: int, key: int) -> str:
    """Name the drum of MIDI number `key` within a document."""
    return f"P{part}-I{key + 1}"


def write_rest_bar(pen: NotePen, bar: Bar) -> None:
    """Write a rest for the whole bar."""
    note = add(pen.measure, "note")
    add(note, "rest", measure="yes")
    add(note, "duration", bar.meter.bar_steps)
    add(note, "voice", pen.voice)
    _add_staff(note, pen)


def write_signs(pen: NotePen, signs: Signs, bar: Bar) -> None:
    """Write the signs of a bar, with beams over what belongs together."""
    for group in beamed(signs, bar):
        for index, sign in enumerate(group):
            if sign.notes:
                _write_chord(pen, sign, _beams(group, index))
            else:
                _write_rest(pen, sign)


def _write_rest(pen: NotePen, sign: Sign) -> None:
    note = add(pen.measure, "note")
    if pen.hides_rests:
        note.set("print-object", "no")
    add(note, "rest")
    add(note, "duration", sign.value.steps)
    _add_value(note, pen, sign.value)
    _add_staff(note, pen)
    _add_notations(note, sign, is_first=True)


def _write_chord(pen: NotePen, sign: Sign, beams: Sequence[str]) -> None:
    for place, sounding in enumerate(sign.notes):
        note = add(pen.measure, "note", dynamics=f"{100 * sounding.velocity / _FORTE:.2f}")
        if place:
            add(note, "chord")
        _add_pitch(note, pen, sounding)
        add(note, "duration", sign.value.steps)
        for kind in _ties(sign):
            add(note, "tie", type=kind)
        if pen.is_drum:
            add(note, "instrument", id=drum_instrument(pen.part, sounding.pitch))
        shows = (sign.start, sounding.pitch) in pen.accidentals and not sign.was_tied
        _add_value(note, pen, sign.value, alter=spell(sounding.pitch, pen.key).alter if shows else None)
        if pen.is_drum and (head := drum_place(sounding.pitch).head) != "normal":
            add(note, "notehead", head)
        _add_staff(note, pen)
        for number, beam in enumerate(beams if not place else (), start=1):
            add(note, "beam", beam, number=str(number))
        _add_notations(note, sign, is_first=not place)


def _add_pitch(note: Element, pen: NotePen, sounding: Note) -> None:
    if pen.is_drum:
        place = drum_place(sounding.pitch)
        unpitched = add(note, "unpitched")
        add(unpitched, "display-step", place.letter)
        add(unpitched, "display-octave", place.octave)
        return
    spelling = spell(sounding.pitch, pen.key)
    pitch = add(note, "pitch")
    add(pitch, "step", spelling.letter)
    if spelling.alter:
        add(pitch, "alter", spelling.alter)
    add(pitch, "octave", spelling.octave)


def _add_value(note: Element, pen: NotePen, value: Value, *, alter: int | None = None) -> None:
    add(note, "voice", pen.voice)
    add(note, "type", _TYPES[value.base])
    if value.is_dotted:
        add(note, "dot")
    if alter is not None:
        add(note, "accidental", _ACCIDENTALS[alter])
    if value.is_triplet:
        ratio = add(note, "time-modification")
        add(ratio, "actual-notes", 3)
        add(ratio, "normal-notes", 2)


def _add_staff(note: Element, pen: NotePen) -> None:
    if pen.staff:
        add(note, "staff", pen.staff)


def _add_notations(note: Element, sign: Sign, *, is_first: bool) -> None:
    ties = [("tied", kind) for kind in _ties(sign)]
    marks = ties + [("tuplet", kind) for kind in _tuplet_ends(sign) if is_first]
    if marks:
        notations = add(note, "notations")
        for tag, kind in marks:
            add(notations, tag, type=kind)


def _ties(sign: Sign) -> list[str]:
    return ["stop"] * sign.was_tied + ["start"] * sign.is_tied


def _tuplet_ends(sign: Sign) -> list[str]:
    triplet = sign.piece.triplet
    if triplet is None:
        return []
    return ["start"] * (sign.start == triplet.start) + ["stop"] * (sign.piece.end == triplet.end)


def _beams(group: Signs, index: int) -> list[str]:
    """Say for each beam of a sign whether it begins, goes on, ends, or is a stub."""
    if len(group) == 1:
        return []
    before = group[index - 1].value.beams if index else 0
    after = group[index + 1].value.beams if index + 1 < len(group) else 0
    names = {(True, True): "continue", (True, False): "end", (False, True): "begin"}
    stub = "backward hook" if index else "forward hook"
    return [names.get((level <= before, level <= after), stub) for level in range(1, group[index].value.beams + 1)]
