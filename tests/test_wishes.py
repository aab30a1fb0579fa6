"""Laws of wishes: whatever is asked for together is kept to the note, by any network, and something is always left."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from musicdemo.decoding.stepper import Events
from musicdemo.music.cadence import last_chord_steps
from musicdemo.music.cursor import BarPlan
from musicdemo.music.grammar import Grammar
from musicdemo.music.instrument_ranges import PitchRange, range_of
from musicdemo.music.scales import SCALES, Scale
from musicdemo.music.score import Meter, Note, Score, Track, TrackKey
from musicdemo.music.vocabulary import DURATIONS, EMPTY_BAR, END, Column, snapped_velocity
from musicdemo.music.wishes import FixedNote, Wishes, fixed_notes
from tests.strategies import meters, scores
from tests.tiny import TOKENIZER
from tests.walks import bars_begun, plan_of, random_scorer, simple_plan, start_row, walk

thorough = settings(max_examples=40, deadline=None, derandomize=True)
PIANO, FLUTE, DRUMMER = TrackKey(False, 0, 0), TrackKey(False, 73, 0), TrackKey(True, 0, 0)
KEYS = (PIANO, TrackKey(False, 0, 1), FLUTE, DRUMMER)
Struck = tuple[TrackKey, Note]


@st.composite
def fixed(draw: st.DrawFn, steps: int) -> FixedNote:
    """A note inside the new bars."""
    onset = draw(st.integers(0, steps - 1))
    duration = draw(st.sampled_from([length for length in DURATIONS if onset + length <= steps]))
    key = draw(st.sampled_from(KEYS))
    velocity = draw(st.one_of(st.none(), st.integers(1, 127)))
    return FixedNote(onset, draw(st.integers(30, 100)), duration, velocity, key.program, key.is_drum, key.voice)


def scales() -> st.SearchStrategy[Scale]:
    return st.builds(Scale, st.integers(0, 11), st.sampled_from(sorted(SCALES)))


@st.composite
def pitch_ranges(draw: st.DrawFn) -> PitchRange:
    low = draw(st.integers(0, 127))
    high = draw(st.integers(low, 127))
    return PitchRange(draw(st.sampled_from([0, 73])), low, high, draw(st.sampled_from([None, 0, 1])))


@st.composite
def wishes(draw: st.DrawFn, meter: Meter) -> Wishes:
    """Any wishes together that do not contradict each other."""
    bars = draw(st.integers(1, 4))
    tracks = draw(st.one_of(st.none(), st.frozensets(st.sampled_from(KEYS), min_size=1)))
    try:
        return Wishes(
            bars,
            tracks,
            draw(st.integers(0, 2)),
            fixed=tuple(draw(st.lists(fixed(bars * meter.bar_steps), max_size=4))),
            cadence=draw(st.one_of(st.none(), scales())),
            ranges=tuple(draw(st.lists(pitch_ranges(), max_size=2))),
            scale=draw(st.one_of(st.none(), scales())),
            max_polyphony=draw(st.one_of(st.none(), st.integers(1, 4))),
        )
    except ValueError:
        reject()


def grammar_of(wished: Wishes, prompt: Score | None, meter: Meter) -> tuple[Grammar, Events, int]:
    """The grammar behind a prompt, the prompt's events and its length in steps."""
    ahead = simple_plan(meter)
    past = [start_row(ahead)] if prompt is None else TOKENIZER.encode(prompt)[:-1].tolist()
    plan = ahead if prompt is None else BarPlan((*plan_of(prompt).values, *ahead.values))
    join = 0 if prompt is None else TOKENIZER.snapped(prompt).bars[-1].end
    return Grammar(plan, past, wishes=wished), np.array(past), join


@thorough
@given(st.data(), st.one_of(st.none(), scores(last_onset=100)), meters(), st.integers(0, 2**32))
def test_all_wishes_are_kept_together_by_any_network(
    data: st.DataObject, prompt: Score | None, meter: Meter, seed: int
) -> None:
    wished = data.draw(wishes(meter))
    try:
        grammar, past, join = grammar_of(wished, prompt, meter)
    except ValueError:
        reject()
    random = np.random.default_rng(seed)
    events = walk(grammar, random_scorer(random, data.draw(st.sampled_from([0.0, 1.0, 5.0, 200.0]))), random)
    assert grammar.finished and bars_begun(events) == wished.bars
    whole = TOKENIZER.decode(np.concatenate((past, events)))
    assert np.array_equal(TOKENIZER.encode(whole)[len(past) : len(past) + len(events) - 1], events[:-1])
    hold_to(wished, TOKENIZER.decode(past), whole, join, meter)


def struck(score: Score) -> list[Struck]:
    return [(track.key, note) for track in score.tracks for note in track.notes]


def hold_to(wished: Wishes, before: Score, whole: Score, join: int, meter: Meter) -> None:
    """Hold all notes behind the join to each wish by its own words."""
    seed = struck(before)
    new = [pair for pair in struck(whole) if pair[1].onset >= join]
    free = [pair for pair in new if not any(stands(pair, note, join) for note in wished.fixed)]
    assert len(new) - len(free) == len(wished.fixed)
    sounding = struck(whole.released())
    assert all(any(stands(pair, note, join) for pair in sounding) for note in wished.fixed)
    pitched = [(key, note) for key, note in free if not key.is_drum]
    if wished.tracks is not None:
        assert {key for key, _ in free} <= wished.tracks
    for key, note in pitched:
        low, high = range_of(key, wished.ranges)
        assert low <= note.pitch <= high
        assert wished.scale is None or note.pitch % 12 in wished.scale.pitch_classes
    if wished.max_polyphony is not None:
        hold_to_polyphony(wished.max_polyphony, seed, [pair for pair in new if pair not in free], pitched)
    if wished.cadence is not None:
        hold_to_cadence(wished.cadence, new, join + (wished.bars or 0) * meter.bar_steps, last_chord_steps(meter))


def hold_to_polyphony(limit: int, seed: list[Struck], fixed: list[Struck], free: list[Struck]) -> None:
    """Wherever a note begins while free notes sound, no more than the limit sound, those that must stand among them."""
    must = [note for key, note in seed + fixed if not key.is_drum]
    written = [note for _, note in free]
    for note in written + must:
        beside = sum(other.onset <= note.onset < other.end for other in must)
        added = sum(other.onset <= note.onset < other.end for other in written)
        assert not added or beside + added <= limit


def stands(pair: Struck, fixed: FixedNote, join: int) -> bool:
    key, note = pair
    same = (key, note.onset, note.pitch, note.duration) == (fixed.key, join + fixed.onset, fixed.pitch, fixed.duration)
    return same and (fixed.velocity is None or note.velocity == snapped_velocity(fixed.velocity))


def hold_to_cadence(scale: Scale, new: list[Struck], end: int, steps: int) -> None:
    """In the last steps a chord of the tonic sounds over the tonic, and the bass holds from their first to the end."""
    last = [note for key, note in new if not key.is_drum and note.end > end - steps]
    bass = min(last, key=lambda note: note.pitch)
    assert bass.pitch % 12 == scale.tonic and (bass.onset, bass.end) == (end - steps, end)
    assert {note.pitch % 12 for note in last} <= scale.triad


@pytest.mark.parametrize(
    ("meter", "part"), [((4, 4), "1/2"), ((3, 4), "2/3"), ((6, 8), "1/2"), ((5, 4), "3/5"), ((1, 4), "1")]
)
def test_the_last_chord_begins_on_the_beat_in_the_middle_of_the_bar(meter: tuple[int, int], part: str) -> None:
    assert last_chord_steps(Meter(*meter)) == Fraction(part) * Meter(*meter).bar_steps


def test_a_melody_that_must_stand_is_harmonised_by_others() -> None:
    melody = Score(
        (Track(tuple(Note(12 * i, pitch, 12) for i, pitch in enumerate((72, 74, 76, 77, 79, 76, 74, 72))), 73),)
    )
    wished = Wishes(2, frozenset({PIANO}), fixed=fixed_notes(TOKENIZER.snapped(melody)))
    grammar, _, _ = grammar_of(wished, None, Meter(4, 4))
    random = np.random.default_rng(1)
    written = TOKENIZER.decode(walk(grammar, random_scorer(random, 1.0), random))
    flute = next(track for track in written.tracks if track.key == FLUTE)
    assert flute.notes == TOKENIZER.snapped(melody).tracks[0].notes
    assert {track.key for track in written.tracks} == {FLUTE, PIANO}


@pytest.mark.parametrize("seed", range(5))
def test_a_fixed_note_is_not_struck_again_while_it_sounds(seed: int) -> None:
    """Only two pitches are left to its track, and one is its own."""
    wished = Wishes(1, frozenset({PIANO}), ranges=(PitchRange(0, 60, 61),), fixed=(FixedNote(0, 60, 48),))
    grammar, _, _ = grammar_of(wished, None, Meter(4, 4))
    random = np.random.default_rng(seed)
    (track,) = TOKENIZER.decode(walk(grammar, random_scorer(random, 1.0), random)).tracks
    assert sum(note.pitch == 60 for note in track.notes) == 1 and track.notes[0].duration == 48


def test_a_bar_is_empty_where_what_sounds_leaves_no_room() -> None:
    """One note of three bars, of which the row reads the first, and only one may sound."""
    held = Score((Track((Note(0, 60, 144),)),))
    wished = Wishes(2, frozenset({PIANO}), max_empty_bars=0, max_polyphony=1)
    grammar = Grammar(simple_plan(), TOKENIZER.encode(held)[:2].tolist(), wishes=wished)
    random = np.random.default_rng(1)
    events = walk(grammar, random_scorer(random, 1.0), random)
    assert events[:, Column.TIME].tolist() == [EMPTY_BAR, EMPTY_BAR, END]


ONE = Wishes(1, frozenset({PIANO}))
FIVE = Scale(0, "major pentatonic")


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: replace(ONE, max_polyphony=0), "at once must be"),
        (lambda: Wishes(cadence=FIVE), "number of bars"),
        (lambda: replace(ONE, scale=FIVE, ranges=(PitchRange(0, 65, 66),)), "no note of the key"),
        (lambda: replace(ONE, fixed=(FixedNote(0, 60, 12), FixedNote(6, 60, 12))), "overlap at step 6"),
        (lambda: replace(ONE, fixed=(FixedNote(0, 60, 12), FixedNote(6, 62, 12)), max_polyphony=1), "more at once"),
        (lambda: FixedNote(0, 60, 50), "cannot last 50"),
        (lambda: FixedNote(0, 128, 12), "pitch 0-127"),
        (lambda: PitchRange(0, 60, 59), "the lower first"),
    ],
)  # fmt: skip
def test_wishes_that_contradict_each_other_are_refused_when_they_are_made(made: Callable[[], object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        made()


@pytest.mark.parametrize(
    ("wished", "why"),
    [
        (Wishes(1, frozenset({DRUMMER}), cadence=FIVE), "no track can play the tonic"),
        (Wishes(1, fixed=(FixedNote(40, 60, 12),)), "behind the 48 steps"),
        (Wishes(1, fixed=(FixedNote(24, 61, 24),), cadence=FIVE), "forbids the fixed note at step 24"),
        (Wishes(1, fixed=(FixedNote(24, 0, 24),), cadence=FIVE), "below all else"),
        (Wishes(1, fixed=(FixedNote(24, 64, 24),), cadence=FIVE, max_polyphony=1), "no room for the bass"),
    ],
)
def test_wishes_that_contradict_the_bars_are_refused_by_the_grammar(wished: Wishes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        grammar_of(wished, None, Meter(4, 4))


def test_stages_grow_from_plain_wishes_to_all() -> None:
    asked = Wishes(
        2, fixed=(FixedNote(0, 60, 12),), cadence=FIVE, ranges=(PitchRange(0, 40, 80),), scale=FIVE, max_polyphony=3
    )
    names, grown = zip(*asked.stages(), strict=True)
    assert names == ("grammar", "fixed notes", "range", "key", "cadence", "polyphony")
    assert grown[0] == Wishes(2) and grown[0].are_plain and grown[-1] == asked
    assert list(replace(asked, fixed=(), ranges=()).stages())[-1][1] == replace(asked, fixed=(), ranges=())


def test_a_fixed_note_stands_value_by_value() -> None:
    wished = Wishes(1, frozenset({PIANO}), fixed=(FixedNote(6, 61, 9, 100, 73),))
    grammar, _, _ = grammar_of(wished, None, Meter(4, 4))
    random = np.random.default_rng(5)
    rows = walk(grammar, random_scorer(random, 1.0), random)
    (row,) = rows[rows[:, Column.PROGRAM] == 74]
    assert (row[Column.PITCH], DURATIONS[row[Column.DURATION] - 1], row[Column.VELOCITY]) == (62, 9, 100 // 8 + 1)
