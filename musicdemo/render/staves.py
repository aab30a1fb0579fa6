"""Staves: a Score as it stands on paper before any format is chosen: parts, staves, clefs, voices and their signs.

Notes of one moment and length are a chord; what overlaps otherwise stands in another voice. Slurs, articulation and
fingering are left out, since a Score does not hold them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

import pretty_midi

from musicdemo.music.harmony import Key
from musicdemo.music.midi_track import clean_text
from musicdemo.music.score import Bar, Note, Score, Track
from musicdemo.music.spelling import signature, signature_alter, spell
from musicdemo.render.note_values import Piece, Value, bar_spans, beam_steps, beat_steps, written_pieces

MIDDLE_C = 60
KEYBOARDS = frozenset((*range(8), *range(16, 22), 8, 46))
"""Programs that may be written on two staves: pianos, organs, accordion, celesta and harp."""

FEET = frozenset((35, 36, 44))
"""Drum keys that a drummer plays with the feet; they have a voice of their own."""

_GUITARS, _BASSES, _VIOLA = range(24, 32), (*range(32, 40), 43), 41
_FAR_OUT = 26
"""Semitones from middle C beyond which notes are written an octave nearer."""

_HAND_SPAN = 12
"""Semitones that one hand strikes together; wider chords are shared between two staves."""

_SECOND_STAFF_SHARE = 1 / 8
"""What share of a keyboard's notes must belong on the other staff for it to be drawn."""


@dataclass(frozen=True, slots=True)
class Clef:
    """Its sign (G, F, C or percussion), the line it stands on, and the octaves by which it shifts the notes."""

    sign: str
    line: int
    octaves: int = 0


TREBLE, BASS, ALTO, PERCUSSION = Clef("G", 2), Clef("F", 4), Clef("C", 3), Clef("percussion", 2)


@dataclass(frozen=True, slots=True)
class Sign:
    """A rest (no notes), a chord, or a part of a chord: `is_tied` to the sign after it, `was_tied` to the one before.

    `start` counts steps from the beginning of its bar.
    """

    piece: Piece
    notes: tuple[Note, ...] = ()
    is_tied: bool = False
    was_tied: bool = False

    @property
    def start(self) -> int:
        """Step of the bar at which it stands."""
        return self.piece.start

    @property
    def value(self) -> Value:
        """How long it is written."""
        return self.piece.value


Signs = tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class Staff:
    """A clef and voices; a voice has one tuple of signs a bar, filling it, and an empty one where it is silent."""

    clef: Clef
    voices: tuple[tuple[Signs, ...], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One player: a name, the track, and one or two staves."""

    name: str
    track: Track
    staves: tuple[Staff, ...]


@dataclass(frozen=True, slots=True)
class _Chord:
    onset: int
    end: int
    notes: tuple[Note, ...]


def bars_on_paper(score: Score) -> tuple[Bar, ...]:
    """Return the bars that are written: all that sound, and one for an empty score."""
    return score.bars or (next(score.iter_bars()),)


def lay_out(score: Score) -> tuple[Part, ...]:
    """Write every track of the score that has notes as a part; an empty score has one silent part.

    Onsets, pitches and lengths stay as they are, but a stroke of the drums is written as long as until the next one,
    at most to the end of its beat: its length in a file means nothing.
    """
    bars = bars_on_paper(score)
    tracks = [track for track in score.tracks if track.notes] or [Track(())]
    players = Counter((track.program, track.is_drum) for track in tracks)
    # Two tracks of one keyboard are its two hands, and each has its staff.
    alone = (players[track.program, track.is_drum] == 1 for track in tracks)
    return tuple(
        Part(part_name(track), track, _staves(track, bars, is_alone=is_alone))
        for track, is_alone in zip(tracks, alone, strict=True)
    )


def part_name(track: Track) -> str:
    """Return the track's own name or that of its instrument."""
    kind = "Drums" if track.is_drum else str(pretty_midi.program_to_instrument_name(track.program))
    return clean_text(track.name) or kind.replace("Acoustic Grand Piano", "Piano")


def beamed(signs: Signs, bar: Bar) -> list[Signs]:
    """Group the signs of a bar, in order; those of one group, where it has several, stand under one beam."""
    groups: list[Signs] = []
    for sign in signs:
        if groups and _share_beam(groups[-1][-1], sign, beam_steps(bar.meter)):
            groups[-1] = (*groups[-1], sign)
        else:
            groups.append((sign,))
    return groups


def shown_accidentals(voices: Sequence[Signs], key: Key | None) -> list[frozenset[tuple[int, int]]]:
    """Say for each voice of a staff in a bar which notes, as (start, pitch), need an accidental before them.

    It holds for its line or space to the end of the bar; a tie carries it over a bar line, and nothing else does.
    Drums have none, whatever the key: leave them out.
    """
    fifths = signature(key)
    in_force: dict[tuple[str, int], int] = {}
    shown: list[set[tuple[int, int]]] = [set() for _ in voices]
    signs = [(sign.start, number, sign) for number, voice in enumerate(voices) for sign in voice]
    for start, number, sign in sorted(signs, key=lambda entry: entry[:2]):
        for note in sign.notes if not sign.was_tied else ():
            letter, alter, octave = spell(note.pitch, key)
            if in_force.get((letter, octave), signature_alter(letter, fifths)) != alter:
                shown[number].add((start, note.pitch))
            in_force[letter, octave] = alter
    return [frozenset(notes) for notes in shown]


def _share_beam(before: Sign, sign: Sign, unit: int) -> bool:
    both = (before, sign)
    return (
        all(one.notes and one.value.beams for one in both)
        and before.start // unit == sign.start // unit
        and before.piece.triplet == sign.piece.triplet
    )


def _staves(track: Track, bars: Sequence[Bar], *, is_alone: bool) -> tuple[Staff, ...]:
    if track.is_drum:
        hands, feet = (_strokes([n for n in track.notes if (n.pitch in FEET) == foot], bars) for foot in (False, True))
        return (_staff(PERCUSSION, [voice for voice in (hands, feet) if voice], bars),)
    if track.program in KEYBOARDS and is_alone:
        above, below = _hands(track.notes)
        if min(len(above), len(below)) > _SECOND_STAFF_SHARE * len(track.notes):
            return (_staff(TREBLE, _voices(_chords(above)), bars), _staff(BASS, _voices(_chords(below)), bars))
    return (_staff(_clef(track), _voices(_chords(track.notes)), bars),)


def _hands(notes: Sequence[Note]) -> tuple[list[Note], list[Note]]:
    """Part what a keyboard plays into what stands above and below; what one hand can strike at once stays together."""
    above: list[Note] = []
    below: list[Note] = []
    for _, struck in groupby(notes, key=lambda note: note.onset):
        chord = sorted(struck, key=lambda note: note.pitch)
        lowest, highest = chord[0].pitch, chord[-1].pitch
        is_high = lowest + highest >= 2 * MIDDLE_C
        for note in chord:
            stands_above = is_high if highest - lowest <= _HAND_SPAN else note.pitch >= MIDDLE_C
            (above if stands_above else below).append(note)
    return above, below


def _clef(track: Track) -> Clef:
    """Choose a clef; those of guitars and basses say that they sound an octave lower."""
    middle = median(note.pitch for note in track.notes) if track.notes else MIDDLE_C
    if track.program in _GUITARS:
        return replace(TREBLE, octaves=-1)
    if track.program in _BASSES:
        return replace(BASS, octaves=-1)
    if abs(middle - MIDDLE_C) > _FAR_OUT:
        return replace(TREBLE, octaves=1) if middle > MIDDLE_C else replace(BASS, octaves=-1)
    if track.program == _VIOLA:
        return ALTO
    return TREBLE if middle >= MIDDLE_C - 1 else BASS


def _chords(notes: Iterable[Note]) -> list[_Chord]:
    by_time: dict[tuple[int, int], list[Note]] = defaultdict(list)
    for note in notes:
        by_time[note.onset, note.end].append(note)
    return [_Chord(onset, end, tuple(sounding)) for (onset, end), sounding in by_time.items()]


def _strokes(notes: Sequence[Note], bars: Sequence[Bar]) -> list[_Chord]:
    """Return strokes of one moment as a chord, as long as until the next or to the end of the beat."""
    chords = []
    moments = [(onset, tuple(struck)) for onset, struck in groupby(sorted(notes), key=lambda note: note.onset)]
    bar_index = 0
    for (onset, struck), (following, _) in pairwise([*moments, (bars[-1].end, ())]):
        while bars[bar_index].end <= onset:
            bar_index += 1
        bar = bars[bar_index]
        beat = beat_steps(bar.meter)
        beat_end = onset + beat - (onset - bar.start) % beat
        chords.append(_Chord(onset, min(following, beat_end, bar.end), struck))
    return chords


def _voices(chords: Iterable[_Chord]) -> list[list[_Chord]]:
    """Put each chord into the first voice that is free, the highest of one moment first; there is at least one."""
    voices: list[list[_Chord]] = [[]]
    for chord in sorted(chords, key=lambda chord: (chord.onset, -chord.notes[-1].pitch, chord.end)):
        free = next((voice for voice in voices if not voice or voice[-1].end <= chord.onset), None)
        if free is None:
            voices.append(free := [])
        free.append(chord)
    return voices


def _staff(clef: Clef, voices: Sequence[Sequence[_Chord]], bars: Sequence[Bar]) -> Staff:
    return Staff(clef, tuple(_voice(chords, bars) for chords in voices))


def _voice(chords: Sequence[_Chord], bars: Sequence[Bar]) -> tuple[Signs, ...]:
    by_bar: list[list[_Chord]] = [[] for _ in bars]
    index = 0
    for chord in chords:
        while bars[index].end <= chord.onset:
            index += 1
        last = index
        while last < len(bars) and bars[last].start < chord.end:
            by_bar[last].append(chord)
            last += 1
    return tuple(_signs(sounding, bar) if sounding else () for sounding, bar in zip(by_bar, bars, strict=True))


def _signs(chords: Sequence[_Chord], bar: Bar) -> Signs:
    """Write what sounds in a bar, and rests between."""
    cuts = [step - bar.start for chord in chords for step in (chord.onset, chord.end)]
    spans = bar_spans(bar, cuts)
    signs: list[Sign] = []
    now = bar.start
    for chord in chords:
        start, end = max(chord.onset, bar.start), min(chord.end, bar.end)
        rests = written_pieces(now - bar.start, start - bar.start, bar.meter, spans, is_rest=True)
        pieces = written_pieces(start - bar.start, end - bar.start, bar.meter, spans, is_rest=False)
        signs += [Sign(piece) for piece in rests]
        signs += [_part_of(chord, piece, bar) for piece in pieces]
        now = end
    rests = written_pieces(now - bar.start, bar.end - bar.start, bar.meter, spans, is_rest=True)
    return (*signs, *(Sign(piece) for piece in rests))


def _part_of(chord: _Chord, piece: Piece, bar: Bar) -> Sign:
    return Sign(
        piece,
        chord.notes,
        is_tied=bar.start + piece.end < chord.end,
        was_tied=bar.start + piece.start > chord.onset,
    )
