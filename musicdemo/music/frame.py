"""Frame: the wishes of one continuation as tables over the values of columns, made once where the prompt ends.

A frame never changes but for what it remembers, so all rows of a continuation share it. What depends on the row is the
grammar's work.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import NamedTuple

import numpy as np

from musicdemo.music.cadence import LastChord, last_chord
from musicdemo.music.cursor import BarPlan, Cursor, Key
from musicdemo.music.masks import Choices, Mask, choices
from musicdemo.music.polyphony import Room
from musicdemo.music.score import TrackKey
from musicdemo.music.vocabulary import (
    DRUM_PITCH,
    DRUMS,
    MAX_VOICES,
    METERS,
    PITCH_SIZE,
    PROGRAM_SIZE,
    VELOCITY_STEP,
    duration_value,
)
from musicdemo.music.wishes import FixedNote, Wishes

_NEVER = 2**62


class Speakers(NamedTuple):
    """Which tracks may speak: programs (PROGRAM_SIZE,), and each program's voices (PROGRAM_SIZE, MAX_VOICES + 1)."""

    programs: Mask
    voices: Mask


class Due(NamedTuple):
    """A fixed note: onset and end in steps of the whole sequence, then values of columns; velocity 0 is open."""

    onset: int
    end: int
    key: Key
    pitch: int
    duration: int
    velocity: int

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Where it stands in the order of events."""
        return self.onset, *self.key, -self.pitch


class Frame:
    """The wishes of a continuation whose first bar begins at step `origin`."""

    def __init__(self, wishes: Wishes, plan: BarPlan, cursor: Cursor) -> None:
        self._wishes = wishes
        self.is_plain = wishes.are_plain
        origin = cursor.bar_start + cursor.bar_steps
        fixed = wishes.fixed
        self.chord: LastChord | None = None
        self.chord_onset = _NEVER
        """Step of the last chord; pitched notes begin there at the latest."""
        if fixed or wishes.cadence:
            steps = _check_end(wishes, plan, cursor.bar + 1)
            if wishes.cadence:
                meter = METERS[plan.at(cursor.bar + (wishes.bars or 1))[0] - 1]
                played = {track_key(key): pitch - 1 for key, pitch in cursor.last_pitches if key[0] != DRUMS}
                self.chord = last_chord(wishes, steps, meter, played)
                self.chord_onset = origin + self.chord.onset
                fixed = (*fixed, self.chord.bass)
        self.dues = tuple(sorted((_due(note, origin) for note in fixed), key=lambda due: due.place))
        """The fixed notes in the order of their events, the bass of the cadence among them."""
        self._choices: dict[Hashable, Choices] = {}
        self._pitches: dict[tuple[Key, bool], Mask] = {}
        self._dues_of: defaultdict[Key, list[Due]] = defaultdict(list)
        for due in self.dues:
            self._dues_of[due.key].append(due)
        self.body = self._speakers(during_chord=False)
        """Who may speak in general."""
        self.at_chord = self._speakers(during_chord=True) if self.chord else self.body
        """Who may speak with the last chord."""
        self.drums = _drums_of(self.body)
        """Who may speak where nothing pitched may begin."""

    def room(self, cursor: Cursor) -> Room | None:
        """Return the room that the fixed notes and what the prompt lets sound leave, or None for any number of notes.

        Raises ValueError where the fixed notes and the bass of a cadence are too many.
        """
        if self._wishes.max_polyphony is None:
            return None
        room = Room(self._wishes.max_polyphony)
        for due in self.dues:
            if due.key[0] != DRUMS:
                room.take(due.onset, due.end)
        if room.is_overfull:
            raise ValueError("the fixed notes leave no room for the bass of the cadence: allow more notes at once")
        for end in cursor.ends:
            room.take(cursor.bar_start + cursor.bar_steps, end)
        return room

    def choices_at(self, place: Hashable, allowed: Callable[[], Mask]) -> Choices:
        """Return the choices that `allowed` works out, where the wishes are plain but once for each place.

        A place is all that they depend on then.
        """
        if not self.is_plain:
            return choices(allowed())
        found = self._choices.get(place)
        if found is None:
            found = self._choices[place] = choices(allowed())
        return found

    def opens(self, start: int, stop: int, room: Room | None) -> Mask:
        """Whether a track may begin a note at steps [start, stop), none of which has been reached."""
        opens = np.full(stop - start, bool(self.body.programs.any()))
        if not self.drums.programs.any():
            if room is not None:
                opens &= room.free(start, stop)
            opens[max(self.chord_onset - start, 0) :] = False  # the bass is a fixed note and opens the last chord
        return opens

    def occupied(self, key: Key, step: int) -> list[int]:
        """Pitch values that the fixed notes of a track hold at a step."""
        return [due.pitch for due in self._dues_of.get(key, ()) if due.onset <= step < due.end]

    def pitches(self, key: Key, *, during_chord: bool) -> Mask:
        """Values (PITCH_SIZE,) that a track may play, in general or with the last chord. Not to be changed."""
        place = (key, during_chord)
        if place not in self._pitches:
            self._pitches[place] = self._made_pitches(key, during_chord=during_chord)
        return self._pitches[place]

    def _made_pitches(self, key: Key, *, during_chord: bool) -> Mask:
        allowed = np.zeros(PITCH_SIZE, dtype=np.bool_)
        if key[0] == DRUMS:
            allowed[DRUM_PITCH:] = True
        elif not self._wishes.ranges and not self._wishes.scale:
            allowed[1:DRUM_PITCH] = True
        else:
            allowed[[pitch + 1 for pitch in self._wishes.pitches(track_key(key))]] = True
        if during_chord and self.chord is not None:
            allowed[1:DRUM_PITCH] &= [self.chord.allows(pitch) for pitch in range(DRUM_PITCH - 1)]
        return allowed

    def _speakers(self, *, during_chord: bool) -> Speakers:
        """Tracks that have a pitch which no fixed note of theirs ever holds, so that they are never without one."""
        voices = np.zeros((PROGRAM_SIZE, MAX_VOICES + 1), dtype=np.bool_)
        if self._wishes.tracks is None:
            voices[1:, 1:] = True
        for track in self._wishes.tracks or ():
            voices[track_value(track)] = True
        if not self.is_plain:
            for program, voice in np.argwhere(voices).tolist():
                held = {due.pitch for due in self._dues_of.get((program, voice), ())}
                allowed = np.flatnonzero(self.pitches((program, voice), during_chord=during_chord)).tolist()
                voices[program, voice] = not held.issuperset(allowed)
        return _speaking(voices)


def track_value(key: TrackKey) -> Key:
    """Values of PROGRAM and VOICE of a track."""
    return (DRUMS if key.is_drum else key.program + 1), min(key.voice, MAX_VOICES - 1) + 1


def track_key(key: Key) -> TrackKey:
    """Return the track of values of PROGRAM and VOICE."""
    is_drum = key[0] == DRUMS
    return TrackKey(is_drum, 0 if is_drum else key[0] - 1, key[1] - 1)


def _due(note: FixedNote, origin: int) -> Due:
    return Due(
        origin + note.onset,
        origin + note.end,
        track_value(note.key),
        note.pitch + (DRUM_PITCH if note.is_drum else 1),
        duration_value(note.duration),
        0 if note.velocity is None else note.velocity // VELOCITY_STEP + 1,
    )


def _check_end(wishes: Wishes, plan: BarPlan, first_bar: int) -> int:
    """Return the length of the new bars in steps; no fixed note may sound behind them."""
    steps = sum(METERS[plan.at(first_bar + bar)[0] - 1].bar_steps for bar in range(wishes.bars or 0))
    late = next((note for note in wishes.fixed if note.end > steps), None)
    if late is not None:
        raise ValueError(
            f"a fixed note ends at step {late.end}, behind the {steps} steps of the new bars: ask for more"
        )
    return steps


def _drums_of(speakers: Speakers) -> Speakers:
    voices = np.zeros_like(speakers.voices)
    voices[DRUMS] = speakers.voices[DRUMS]
    return _speaking(voices)


def _speaking(voices: Mask) -> Speakers:
    programs: Mask = np.logical_or.reduce(voices, axis=1)
    return Speakers(programs, voices)
