"""MusicXML 4.0 (W3C Music Notation Community Group 2021): a Score as notation programs read it, one part a track.

Everything that a Score holds is written, spelled in the piece's key; how it is laid on pages is the reader's affair.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from musicdemo.music.harmony import Key, detect_key
from musicdemo.music.midi_track import clean_text
from musicdemo.music.score import STEPS_PER_BEAT, Bar, Score, TempoChange
from musicdemo.music.spelling import signature
from musicdemo.render.drum_staff import drum_place
from musicdemo.render.musicxml_notes import NotePen, add, drum_instrument, write_rest_bar, write_signs
from musicdemo.render.note_values import beat_steps
from musicdemo.render.staves import Clef, Part, bars_on_paper, lay_out, shown_accidentals

DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">'
)
_LEAST_NEW_TEMPO = 0.05
"""How much the tempo must change until a reader is told; a player is told every change."""

_TEMPO_WORDS = ((60, "Largo"), (76, "Adagio"), (108, "Andante"), (120, "Moderato"), (168, "Allegro"))
_FASTEST_WORD = "Presto"
_DRUM_CHANNEL, _CHANNELS = 10, 16


@dataclass(frozen=True)
class _Piece:
    """What all parts share: bars, key, tempo changes by bar, and the step of the join."""

    bars: tuple[Bar, ...]
    key: Key | None
    tempos: dict[int, list[tuple[TempoChange, bool]]]
    join: int


def write_musicxml(score: Score, *, join: int = 0) -> bytes:
    """Write the score as UTF-8; if `join` is a bar line within, a double bar shows where the new notes begin."""
    root = Element("score-partwise", version="4.0")
    if title := clean_text(score.title):
        add(add(root, "work"), "work-title", title)
    add(add(add(root, "identification"), "encoding"), "software", "musicdemo")
    parts = lay_out(score)
    names = add(root, "part-list")
    for number, part in enumerate(parts, start=1):
        _list_part(names, part, number)
    bars = bars_on_paper(score)
    piece = _Piece(bars, detect_key(score), _tempos_by_bar(score, bars), join)
    for number, part in enumerate(parts, start=1):
        _write_part(add(root, "part", id=f"P{number}"), piece, part, number)
    ET.indent(root)
    body = str(ET.tostring(root, "unicode"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{DOCTYPE}\n{body}\n'.encode()


def _list_part(names: Element, part: Part, number: int) -> None:
    """Name a part and its instrument; of drums, every drum."""
    track = part.track
    listed = add(names, "score-part", id=f"P{number}")
    add(listed, "part-name", part.name)
    keys = sorted({note.pitch for note in track.notes}) if track.is_drum else []
    for key in keys:
        instrument = add(listed, "score-instrument", id=drum_instrument(number, key))
        add(instrument, "instrument-name", drum_place(key).name)
    for key in keys:
        midi = add(listed, "midi-instrument", id=drum_instrument(number, key))
        add(midi, "midi-channel", _DRUM_CHANNEL)
        add(midi, "midi-program", 1)
        add(midi, "midi-unpitched", key + 1)
    if not track.is_drum:
        add(add(listed, "score-instrument", id=f"P{number}-I1"), "instrument-name", part.name)
        midi = add(listed, "midi-instrument", id=f"P{number}-I1")
        add(midi, "midi-channel", _channel(number))
        add(midi, "midi-program", track.program + 1)


def _channel(number: int) -> int:
    channel = (number - 1) % (_CHANNELS - 1) + 1
    return channel + (channel >= _DRUM_CHANNEL)


def _write_part(written: Element, piece: _Piece, part: Part, number: int) -> None:
    for index, bar in enumerate(piece.bars):
        measure = add(written, "measure", number=str(index + 1))
        _write_attributes(measure, piece, part, index)
        for change, is_news in piece.tempos.get(bar.start, ()) if number == 1 else ():
            _write_tempo(measure, change, bar, is_news=is_news)
        _write_voices(measure, piece, part, number, index)
        is_last = bar is piece.bars[-1]
        if is_last or bar.end == piece.join:
            line = add(measure, "barline", location="right")
            add(line, "bar-style", "light-heavy" if is_last else "light-light")


def _write_attributes(measure: Element, piece: _Piece, part: Part, index: int) -> None:
    """Say what is new: everything in the first bar, later the metre."""
    meter = piece.bars[index].meter
    if index and meter == piece.bars[index - 1].meter:
        return
    attributes = add(measure, "attributes")
    if not index:
        add(attributes, "divisions", STEPS_PER_BEAT)
        key = add(attributes, "key")
        add(key, "fifths", 0 if part.track.is_drum else signature(piece.key))
        if piece.key and not part.track.is_drum:
            add(key, "mode", piece.key.mode)
    time = add(attributes, "time")
    add(time, "beats", meter.numerator)
    add(time, "beat-type", meter.denominator)
    if not index:
        if len(part.staves) > 1:
            add(attributes, "staves", len(part.staves))
        for number, staff in enumerate(part.staves, start=1):
            _write_clef(attributes, staff.clef, number if len(part.staves) > 1 else 0)


def _write_clef(attributes: Element, clef: Clef, number: int) -> None:
    written = add(attributes, "clef", **({"number": str(number)} if number else {}))
    add(written, "sign", clef.sign)
    if clef.sign != "percussion":
        add(written, "line", clef.line)
    if clef.octaves:
        add(written, "clef-octave-change", clef.octaves)


def _tempos_by_bar(score: Score, bars: Sequence[Bar]) -> dict[int, list[tuple[TempoChange, bool]]]:
    """Return the tempo changes by the start of their bar, and of each whether a reader is told."""
    by_bar: dict[int, list[tuple[TempoChange, bool]]] = defaultdict(list)
    starts = [bar.start for bar in bars]
    told = 0.0
    for change in score.tempos:
        if change.onset < bars[-1].end:
            is_news = abs(change.tempo - told) >= _LEAST_NEW_TEMPO * told
            told = change.tempo if is_news else told
            by_bar[starts[bisect_right(starts, change.onset) - 1]].append((change, is_news))
    return by_bar


def _write_tempo(measure: Element, change: TempoChange, bar: Bar, *, is_news: bool) -> None:
    direction = measure
    if is_news:
        direction = add(measure, "direction", placement="above")
        if not change.onset:
            add(add(direction, "direction-type"), "words", _tempo_word(change.tempo))
        metronome = add(add(direction, "direction-type"), "metronome", parentheses="no")
        beat = beat_steps(bar.meter) / STEPS_PER_BEAT
        add(metronome, "beat-unit", "quarter")
        if beat > 1:
            add(metronome, "beat-unit-dot")
        add(metronome, "per-minute", f"{change.tempo / max(1.0, beat):.4g}")
    if change.onset > bar.start and is_news:
        add(direction, "offset", change.onset - bar.start, sound="yes")
    sound = add(direction, "sound", tempo=f"{change.tempo:g}")
    if change.onset > bar.start and not is_news:
        add(sound, "offset", change.onset - bar.start)


def _tempo_word(tempo: float) -> str:
    return next((word for limit, word in _TEMPO_WORDS if tempo < limit), _FASTEST_WORD)


def _write_voices(measure: Element, piece: _Piece, part: Part, number: int, index: int) -> None:
    """Write the voices of a bar one after the other, each from its beginning."""
    bar, voice_number, is_begun = piece.bars[index], 0, False
    for staff_number, staff in enumerate(part.staves, start=1):
        sounding = [voice[index] for voice in staff.voices]
        shown = [] if part.track.is_drum else shown_accidentals(sounding, piece.key)
        is_alone = sum(1 for signs in sounding if signs) == 1
        for place, signs in enumerate(sounding):
            voice_number += 1
            if not signs and (place or any(sounding)):
                continue
            if is_begun:
                add(add(measure, "backup"), "duration", bar.meter.bar_steps)
            is_begun = True
            pen = NotePen(
                measure=measure,
                part=number,
                voice=voice_number,
                staff=staff_number if len(part.staves) > 1 else 0,
                key=piece.key,
                is_drum=part.track.is_drum,
                accidentals=shown[place] if shown else frozenset(),
                hides_rests=place > 0 and not is_alone,
            )
            if signs:
                write_signs(pen, signs, bar)
            else:
                write_rest_bar(pen, bar)
