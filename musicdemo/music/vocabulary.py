"""The values that each column of an event can take, and how music is snapped to them.

One event is one note (or the start, the end, or a bar in which nothing begins) and one step of a recurrent
network: a row of the columns in `Column`. Some columns are GIVEN: controls (style, metre, tempo) and plain facts
that follow from the notes so far. The others are PREDICTED from left to right, each in the light of all to its
left; fields as in Compound Word (Hsiao et al. 2021, section 3.2) with a time field as in REMI (Huang & Yang 2020).
The value 0 means "none" in every column.
"""

from bisect import bisect_left
from enum import IntEnum

from musicdemo.music.score import DENOMINATORS, MAX_BAR_STEPS, MAX_NUMERATOR, STEPS_PER_BEAT, Meter


class Column(IntEnum):
    """The columns of an event row, in the order in which they are written."""

    STYLE = 0
    """Given: 1 + index of the style; 0 leaves it open."""
    METER = 1
    """Given: metre of the bar that begins if this event crosses the bar line."""
    TEMPO = 2
    """Given: tempo mark of that bar."""
    NEXT_END = 3
    """Given: the time at which the first of the sounding notes ends, as a value of TIME."""
    TIME = 4
    """Predicted: START, END, EMPTY_BAR, or where in this bar or in the next the note begins."""
    DUE_PROGRAM = 5
    """Given: program of the first track whose note ends at this very time and that may still speak."""
    DUE_VOICE = 6
    """Given: voice of that track."""
    PROGRAM = 7
    """Predicted: 1 + General MIDI program, or DRUMS."""
    VOICE = 8
    """Predicted: 1 + which of the tracks of this program."""
    LAST_PITCH = 9
    """Given: the pitch that this track played last, as a value of PITCH."""
    NEAR_PITCH = 10
    """Given: the pitch of the last note of all (drums aside), as a value of PITCH."""
    LOW_PITCH = 11
    """Given: the lowest pitch (drums aside) that sounds now or, where nothing sounds, that sounded last."""
    HIGH_PITCH = 12
    """Given: the highest such pitch."""
    KEY = 13
    """Given: the key that the last notes are in: 1 + tonic for major, 13 + tonic for minor."""
    PITCH = 14
    """Predicted: 1 + pitch; 129 + key for drums."""
    DURATION = 15
    """Predicted: 1 + index into DURATIONS."""
    VELOCITY = 16
    """Predicted: 1 + velocity // VELOCITY_STEP."""


PREDICTED = (Column.TIME, Column.PROGRAM, Column.VOICE, Column.PITCH, Column.DURATION, Column.VELOCITY)
NOTE_COLUMNS = PREDICTED[1:]

PITCH_REFERENCES = (Column.LAST_PITCH, Column.NEAR_PITCH, Column.LOW_PITCH, Column.HIGH_PITCH)
"""Given columns that hold a pitch, on the scale of PITCH."""

START, END, EMPTY_BAR, SAME_BAR = 1, 2, 3, 4
NEXT_BAR = SAME_BAR + MAX_BAR_STEPS
"""SAME_BAR + p and NEXT_BAR + p: a note p steps after the bar line of this bar, or of the next."""

TIME_SIZE = NEXT_BAR + MAX_BAR_STEPS

DRUMS = 129
PROGRAM_SIZE = DRUMS + 1
MAX_VOICES = 16
DRUM_PITCH = 129
PITCH_SIZE = DRUM_PITCH + 128

KEY_SIZE = 25
"""None, twelve major keys and twelve minor ones."""

DURATIONS = (*range(1, 49), *range(51, 97, 3), *range(108, 193, 12), *range(240, 385, 48))
"""Steps that a note may last: each to a bar of 4/4, then sixteenths to two bars, beats to four, bars to eight."""

MAX_DURATION = DURATIONS[-1]
VELOCITY_STEP = 8

TEMPOS = (
    *(20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 63, 66, 69, 72),
    *(76, 80, 84, 88, 92, 96, 100, 104, 108, 112, 116, 120, 126, 132, 138, 144, 152, 160, 168, 176, 184),
    *(192, 200, 208, 216, 228, 240, 252, 264, 276, 288, 304),
)
"""The marks of a metronome (Maelzel's series from 40 to 208, carried on both ways), quarter notes a minute."""

METERS = tuple(
    Meter(numerator, denominator)
    for denominator in DENOMINATORS
    for numerator in range(1, MAX_NUMERATOR + 1)
    if numerator * 4 * STEPS_PER_BEAT // denominator <= MAX_BAR_STEPS
)
METER_VALUES = {meter: value for value, meter in enumerate(METERS, start=1)}


def column_sizes(style_count: int) -> tuple[int, ...]:
    """Return the number of values of each column, with `style_count` styles to choose from."""
    sizes = {
        Column.STYLE: style_count + 1,
        Column.METER: len(METERS) + 1,
        Column.TEMPO: len(TEMPOS) + 1,
        Column.NEXT_END: TIME_SIZE,
        Column.TIME: TIME_SIZE,
        Column.DUE_PROGRAM: PROGRAM_SIZE,
        Column.DUE_VOICE: MAX_VOICES + 1,
        Column.PROGRAM: PROGRAM_SIZE,
        Column.VOICE: MAX_VOICES + 1,
        Column.LAST_PITCH: PITCH_SIZE,
        Column.NEAR_PITCH: PITCH_SIZE,
        Column.LOW_PITCH: PITCH_SIZE,
        Column.HIGH_PITCH: PITCH_SIZE,
        Column.KEY: KEY_SIZE,
        Column.PITCH: PITCH_SIZE,
        Column.DURATION: len(DURATIONS) + 1,
        Column.VELOCITY: 128 // VELOCITY_STEP + 1,
    }
    return tuple(sizes[column] for column in Column)


def nearest(values: tuple[int, ...], wanted: float) -> int:
    """Return the index of the member of ascending `values` nearest to `wanted`, the smaller of two equally near."""
    right = bisect_left(values, wanted)
    if right == 0:
        return 0
    if right == len(values) or wanted - values[right - 1] <= values[right] - wanted:
        return right - 1
    return right


def snapped_velocity(velocity: int) -> int:
    """Return the middle of the velocity's step."""
    return velocity // VELOCITY_STEP * VELOCITY_STEP + VELOCITY_STEP // 2


def duration_value(steps: int) -> int:
    """Return the value of column DURATION for the length nearest to `steps`."""
    return 1 + nearest(DURATIONS, steps)


def tempo_value(tempo: float) -> int:
    """Return the value of column TEMPO for the mark nearest to `tempo`."""
    return 1 + nearest(TEMPOS, tempo)
