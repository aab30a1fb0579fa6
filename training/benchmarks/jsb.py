"""JSB Chorales on the grid of sixteenths: one event is one sixteenth step of the four voices.

The file is Jsb16thSeparated.json (Huang et al. 2019, "Counterpoint by Convolution", section 5; 229/76/77 chorales).
"""

import json
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musicdemo.music.harmony import key_scores
from training.benchmarks.columns import LOWEST_VALUE, REST, Events, Layout

LOWEST, HIGHEST = 28, 92
"""MIDI pitches that a voice may take: those of the chorales and half an octave around them."""

PITCH_SIZE = LOWEST_VALUE + HIGHEST - LOWEST + 1
STEPS_PER_BAR, LONGEST_HOLD = 16, 32
VOICES, OCTAVE = 4, 12
_TONIC_OCTAVE = 48
_RECENT = 32


class Step(IntEnum):
    """The columns of a step; the voices are in the order in which they are predicted, from the outside inwards."""

    PHASE = 0
    """Given: 1 + place in the nominal bar of four quarters; START opens a piece."""
    HELD_SOPRANO = 1
    """Given: what the soprano sang in the last step; 0 in the first one."""
    HELD_BASS = 2
    HELD_ALTO = 3
    HELD_TENOR = 4
    HOLD_SOPRANO = 5
    """Given: for how many steps it has sung that, 1 - LONGEST_HOLD."""
    HOLD_BASS = 6
    HOLD_ALTO = 7
    HOLD_TENOR = 8
    BEFORE_SOPRANO = 9
    """Given: the last other pitch that it sang; 0 where there is none."""
    BEFORE_BASS = 10
    BEFORE_ALTO = 11
    BEFORE_TENOR = 12
    HOME = 13
    """Given: the tonic, as a pitch in the tenor's octave, of the key that fits all steps so far; 0 in the first one."""
    LOCAL = 14
    """Given: the tonic of the key that fits the last two bars."""
    MODES = 15
    """Given: 1 + whether HOME is minor + 2 x whether LOCAL is."""
    DEGREE_SOPRANO = 16
    """Given: 1 + semitones from HOME up to what the soprano held, without octaves; 0 for none or a rest."""
    DEGREE_BASS = 17
    DEGREE_ALTO = 18
    DEGREE_TENOR = 19
    SOPRANO = 20
    """Predicted: REST or a pitch."""
    BASS = 21
    ALTO = 22
    TENOR = 23


START = STEPS_PER_BAR + 1
FILE_ORDER = (0, 3, 1, 2)
"""Where soprano, bass, alto and tenor stand in a step of the file."""

HELD = (Step.HELD_SOPRANO, Step.HELD_BASS, Step.HELD_ALTO, Step.HELD_TENOR)
BEFORE = (Step.BEFORE_SOPRANO, Step.BEFORE_BASS, Step.BEFORE_ALTO, Step.BEFORE_TENOR)
SUNG = (Step.SOPRANO, Step.BASS, Step.ALTO, Step.TENOR)


def _relative() -> tuple[tuple[int, int], ...]:
    """Score each voice by its distance from what all held, what it sang before, the tonics, and the voices chosen."""
    return tuple(
        (int(sung), int(reference))
        for voice, sung in enumerate(SUNG)
        for reference in (*HELD, BEFORE[voice], Step.HOME, Step.LOCAL, *SUNG[:voice])
    )


LAYOUT = Layout(
    sizes=(
        START + 1,
        *[PITCH_SIZE] * VOICES,
        *[LONGEST_HOLD + 1] * VOICES,
        *[PITCH_SIZE] * (VOICES + 2),
        5,
        *[OCTAVE + 1] * VOICES,
        *[PITCH_SIZE] * VOICES,
    ),
    predicted=tuple(column in SUNG for column in Step),
    pitches=tuple(int(column) for column in (*HELD, *BEFORE, Step.HOME, Step.LOCAL, *SUNG)),
    relative=_relative(),
)


def read_chorales(path: Path) -> dict[str, list[Events]]:
    """Read Jsb16thSeparated.json: for each split the chorales (T, 4) of MIDI pitches, -1 a rest; S, A, T, B."""
    document = json.loads(path.read_text())
    return {split: [np.array(chorale, np.int64) for chorale in chorales] for split, chorales in document.items()}


def encode(chorale: Events) -> Events:
    """Return the events (1 + T, C) of a chorale (T, 4), opened by START. Raises ValueError for a pitch out of range."""
    if (chorale.clip(min=LOWEST) != np.where(chorale < 0, LOWEST, chorale)).any() or chorale.max() > HIGHEST:
        raise ValueError(f"a voice must rest (-1) or sing {LOWEST}-{HIGHEST}")
    sung = np.where(chorale < 0, REST, chorale - LOWEST + LOWEST_VALUE)[:, FILE_ORDER]
    events = np.zeros((len(sung) + 1, len(Step)), np.int64)
    events[0, Step.PHASE] = START
    events[1:, Step.PHASE] = np.arange(len(sung)) % STEPS_PER_BAR + 1
    events[1:, SUNG] = sung
    for voice in range(VOICES):
        _remember(events, voice)
    _find_keys(events, chorale)
    return events


def _remember(events: Events, voice: int) -> None:
    """Fill in what follows from the past of one voice."""
    hold, before = 0, 0
    for step in range(2, len(events)):
        now, last = events[step - 1, SUNG[voice]], events[step - 2, SUNG[voice]]
        if step > 2 and now != last:
            before, hold = int(last), 0
        hold += 1
        events[step, HELD[voice]] = now
        events[step, Step.HOLD_SOPRANO + voice] = min(hold, LONGEST_HOLD)
        events[step, BEFORE[voice]] = before


def _find_keys(events: Events, chorale: Events) -> None:
    """Fill in the keys that fit the past, and where the voices stand in them."""
    sounding = np.zeros((len(chorale), OCTAVE))
    for voice in range(VOICES):
        sings = np.flatnonzero(chorale[:, voice] >= 0)
        sounding[sings, chorale[sings, voice] % OCTAVE] += 1
    total = sounding.cumsum(axis=0)
    recent = total.copy()
    recent[_RECENT:] -= total[:-_RECENT]
    home, local = (key_scores_of(each) for each in (total, recent))
    tonic = home % OCTAVE + _TONIC_OCTAVE - LOWEST + LOWEST_VALUE
    events[2:, Step.HOME] = tonic[:-1]
    events[2:, Step.LOCAL] = local[:-1] % OCTAVE + _TONIC_OCTAVE - LOWEST + LOWEST_VALUE
    events[2:, Step.MODES] = 1 + home[:-1] // OCTAVE + 2 * (local[:-1] // OCTAVE)
    for voice in range(VOICES):
        held = events[2:, HELD[voice]]
        events[2:, Step.DEGREE_SOPRANO + voice] = np.where(held > REST, (held - tonic[:-1]) % OCTAVE + 1, 0)


def key_scores_of(pitch_classes: NDArray[np.float64]) -> Events:
    """Return the best key (T,) for weights of pitch classes (T, 12): 0-11 major from C up, 12-23 minor."""
    return np.asarray(key_scores(pitch_classes.T).argmax(axis=0))
