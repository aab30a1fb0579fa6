"""A seed made of noise: notes that chance put together, so that one hears what a network makes of them.

Only the frame is musical, so that the network has something to hold on to: one scale, a grid of eighth notes, full
bars. Within it every choice is independent of all others and equally likely:

    scale       the one that is asked for, or a tonic of twelve and a name among DRAWN_SCALES
    step        a rest one time in eight, otherwise a note; the first is always a note
    length      one, two, three or four eighths, cut at the bar line
    pitch       any note of the scale from middle C up to the B two octaves above
    velocity    any from 56 to 104
"""

import numpy as np

from musicdemo.music.harmony import PITCH_CLASSES
from musicdemo.music.scales import Scale
from musicdemo.music.score import DEFAULT_TEMPO, STEPS_PER_BEAT, Meter, MeterChange, Note, Score, TempoChange, Track

USUAL_METER = Meter()
DRAWN_SCALES = ("major", "natural minor", "dorian", "major pentatonic")
NOISE_BARS, MOST_BARS = 4, 16
EIGHTH = STEPS_PER_BEAT // 2
LONGEST_EIGHTHS = 4
REST_SHARE = 1 / 8
PITCHES = range(60, 84)
VELOCITIES = range(56, 105)


def noise_score(
    random_seed: int,
    *,
    bars: int = NOISE_BARS,
    scale: Scale | None = None,
    program: int = 0,
    meter: Meter = USUAL_METER,
    tempo: float = DEFAULT_TEMPO,
) -> Score:
    """Draw a score of `bars` bars (1-16) for one instrument; the same arguments give the same score.

    Raises ValueError for another number of bars.
    """
    if not 1 <= bars <= MOST_BARS:
        raise ValueError(f"noise lasts 1-{MOST_BARS} bars, not {bars}")
    chance = np.random.default_rng(random_seed)
    drawn = drawn_scale(chance)
    pitches = [p for p in PITCHES if p % PITCH_CLASSES in (scale or drawn).pitch_classes]
    notes: list[Note] = []
    for bar in range(bars):
        notes += _bar(chance, bar * meter.bar_steps, meter, pitches, is_first=bar == 0)
    return Score((Track(tuple(notes), program),), (MeterChange(0, meter),), (TempoChange(0, tempo),))


def drawn_scale(chance: np.random.Generator) -> Scale:
    """Draw a tonic and one of DRAWN_SCALES."""
    return Scale(int(chance.integers(PITCH_CLASSES)), DRAWN_SCALES[int(chance.integers(len(DRAWN_SCALES)))])


def _bar(chance: np.random.Generator, start: int, meter: Meter, pitches: list[int], *, is_first: bool) -> list[Note]:
    notes: list[Note] = []
    position = 0
    while position < meter.bar_steps:
        length = min(EIGHTH * int(chance.integers(1, LONGEST_EIGHTHS + 1)), meter.bar_steps - position)
        rests = chance.random() < REST_SHARE and not (is_first and position == 0)
        pitch, velocity = int(chance.choice(pitches)), int(chance.choice(VELOCITIES))
        if not rests:
            notes.append(Note(start + position, pitch, length, velocity))
        position += length
    return notes
