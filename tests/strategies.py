"""What property tests draw from: notes, tracks and scores that are canonical, as reading a file would leave them.

Canonical: no two notes of a track overlap on one pitch, voices count up in the order of the tracks, neighbouring
metres and tempos differ, tempos are whole hundredths, names are clean.
"""

from hypothesis import strategies as st

from musicdemo.music.midi_track import clean_text
from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track

METERS = [
    Meter(*fraction)
    for fraction in (
        *((4, 4), (3, 4), (2, 4), (6, 8), (9, 8), (12, 8), (2, 2), (3, 8), (5, 4)),
        *((7, 8), (1, 4), (5, 8), (3, 2), (4, 2), (11, 8), (5, 16), (16, 16), (1, 16)),
    )
]
PROGRAMS = (0, 0, 24, 40, 73, 127)
LONGEST_NOTE = 384


def meters() -> st.SearchStrategy[Meter]:
    """Metres, the common ones first."""
    return st.sampled_from(METERS)


def notes(*, last_onset: int = 400) -> st.SearchStrategy[Note]:
    """Single notes, with every pitch, velocity and duration up to the longest."""
    durations = st.one_of(st.integers(1, 24), st.integers(1, LONGEST_NOTE))
    return st.builds(Note, st.integers(0, last_onset), st.integers(0, 127), durations, st.integers(1, 127))


@st.composite
def note_lists(draw: st.DrawFn, *, last_onset: int = 400, max_notes: int = 12) -> tuple[Note, ...]:
    """One or more notes of a track, with chords and repeated notes, but none over another of its pitch."""
    base = draw(st.integers(0, 115))
    near = st.builds(
        Note,
        st.integers(0, last_onset),
        st.one_of(st.integers(base, base + 12), st.integers(0, 127)),
        st.one_of(st.sampled_from((3, 6, 12, 24)), st.integers(1, LONGEST_NOTE)),
        st.integers(1, 127),
    )
    drawn = draw(st.lists(near, min_size=1, max_size=max_notes, unique_by=lambda note: (note.pitch, note.onset)))
    return without_overlaps(drawn)


def without_overlaps(drawn: list[Note]) -> tuple[Note, ...]:
    """Cut each note where the next of its pitch begins; onsets of one pitch must differ."""
    cut = []
    for note in drawn:
        following = (other.onset for other in drawn if other.pitch == note.pitch and other.onset > note.onset)
        end = min((note.end, *following))
        cut.append(Note(note.onset, note.pitch, end - note.onset, note.velocity))
    return tuple(sorted(cut))


def names() -> st.SearchStrategy[str]:
    """Clean names of tracks, often empty, in any script."""
    return st.one_of(st.just(""), st.text(max_size=20).map(clean_text))


def titles() -> st.SearchStrategy[str]:
    """Titles that a reader believes, or none."""
    return st.one_of(st.just(""), names().map(lambda name: clean_text(f"Étude {name}")))


@st.composite
def tracks(draw: st.DrawFn, *, last_onset: int = 400) -> Track:
    """One track of voice 0; drums have program 0."""
    is_drum = draw(st.booleans())
    program = 0 if is_drum else draw(st.sampled_from(PROGRAMS))
    return Track(draw(note_lists(last_onset=last_onset)), program=program, is_drum=is_drum, name=draw(names()))


@st.composite
def meter_maps(draw: st.DrawFn, *, max_changes: int = 3) -> tuple[MeterChange, ...]:
    """A metre at step 0 and changes on bar lines."""
    changes = [MeterChange(0, draw(meters()))]
    for _ in range(draw(st.integers(0, max_changes))):
        last = changes[-1]
        onset = last.onset + draw(st.integers(1, 5)) * last.meter.bar_steps
        others = [meter for meter in METERS if meter != last.meter]
        changes.append(MeterChange(onset, draw(st.sampled_from(others))))
    return tuple(changes)


@st.composite
def tempo_maps(draw: st.DrawFn, *, max_changes: int = 3, last_onset: int = 400) -> tuple[TempoChange, ...]:
    """A tempo at step 0 and changes anywhere, in whole hundredths of a quarter note a minute."""
    onsets = draw(st.sets(st.integers(1, last_onset), max_size=max_changes))
    hundredths = draw(
        st.lists(st.integers(1_000, 40_000), min_size=len(onsets) + 1, max_size=len(onsets) + 1, unique=True)
    )
    return tuple(TempoChange(step, value / 100) for step, value in zip((0, *sorted(onsets)), hundredths, strict=True))


@st.composite
def scores(draw: st.DrawFn, *, min_tracks: int = 1, max_tracks: int = 4, last_onset: int = 400) -> Score:
    """Whole scores: several tracks, also of one program, drums, metre and tempo changes, silence before and between."""
    drawn = draw(st.lists(tracks(last_onset=last_onset), min_size=min_tracks, max_size=max_tracks))
    numbered: list[Track] = []
    for track in drawn:
        voice = sum((other.is_drum, other.program) == (track.is_drum, track.program) for other in numbered)
        numbered.append(Track(track.notes, track.program, track.is_drum, voice, track.name))
    return Score(tuple(numbered), draw(meter_maps()), draw(tempo_maps(last_onset=last_onset)), draw(titles()))
