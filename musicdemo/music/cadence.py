"""Cadence: how a piece is made to end. A last chord on the tonic triad, with the tonic in the bass, held to the end.

It is struck at the beat in the middle of the last bar (3/4: the second; a bar of one beat: the first). There one track
must play the tonic and hold it to the last bar line. Other pitched notes may be struck with it, all of the triad,
above the bass, and as long; none begins later and none from before sounds into it. Fixed notes stand nevertheless,
and so does what the seed still holds. Drums are free.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from musicdemo.music.harmony import PITCH_CLASSES
from musicdemo.music.instrument_ranges import INSTRUMENT_RANGES
from musicdemo.music.scales import Scale
from musicdemo.music.score import STEPS_PER_BEAT, Meter, TrackKey
from musicdemo.music.wishes import FixedNote, Wishes

USUAL_BASS = 48
"""Where the bass is looked for if its track has not played yet."""

_PIANO = TrackKey(is_drum=False, program=0, voice=0)


@dataclass(frozen=True, slots=True)
class LastChord:
    """The onset of the last chord, in steps from the first new bar line, its bass, and the pitches above."""

    bass: FixedNote
    classes: frozenset[int]

    @property
    def onset(self) -> int:
        """When it is struck."""
        return self.bass.onset

    def allows(self, pitch: int) -> bool:
        """Whether a pitch may sound above the bass."""
        return pitch > self.bass.pitch and pitch % PITCH_CLASSES in self.classes


def last_chord_steps(meter: Meter) -> int:
    """Return how long the last chord of a bar sounds: half the bar, or up to a beat more."""
    beat = 4 * STEPS_PER_BEAT // meter.denominator
    return meter.bar_steps - meter.bar_steps // 2 // beat * beat


def last_chord(wishes: Wishes, end: int, meter: Meter, played: Mapping[TrackKey, int]) -> LastChord:
    """Return the last chord of new bars that are `end` steps long and close in `meter`.

    `played` holds the last pitch of each pitched track that the seed has. The bass is the track that played lowest,
    or the lowest instrument; it takes the tonic nearest to where it was. Raises ValueError where no track can.
    """
    scale = wishes.cadence
    assert scale is not None
    steps = last_chord_steps(meter)
    held = [note for note in wishes.fixed if not note.is_drum and note.end > end - steps]
    strange = next((note for note in held if note.pitch % PITCH_CLASSES not in scale.triad), None)
    if strange is not None:
        raise ValueError(f"the cadence forbids the fixed note at step {strange.onset}: it sounds into another chord")
    ceiling = min((note.pitch for note in held), default=128)
    for key in _basses(wishes, played):
        pitch = _tonic(wishes, scale, key, ceiling=ceiling, near=played.get(key, USUAL_BASS))
        if pitch is not None:
            bass = FixedNote(end - steps, pitch, steps, None, key.program, voice=key.voice)
            return LastChord(bass, scale.triad)
    raise ValueError("no track can play the tonic of the cadence below all else: widen a range or allow another track")


def _basses(wishes: Wishes, played: Mapping[TrackKey, int]) -> Iterable[TrackKey]:
    """Return the pitched tracks that may speak, the lowest first."""
    keys = {*played} or {_PIANO} if wishes.tracks is None else {key for key in wishes.tracks if not key.is_drum}
    return sorted(keys, key=lambda key: (played.get(key, INSTRUMENT_RANGES[key.program][0]), -key.voice))


def _tonic(wishes: Wishes, scale: Scale, key: TrackKey, *, ceiling: int, near: int) -> int | None:
    pitches = (pitch for pitch in wishes.pitches(key) if pitch < ceiling and pitch % PITCH_CLASSES == scale.tonic)
    return min(pitches, key=lambda pitch: abs(pitch - near), default=None)
