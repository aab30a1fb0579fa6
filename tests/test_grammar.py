"""Laws of the grammar: it allows whatever encode writes, and whatever it allows is music."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from musicdemo.decoding.sampling import SamplingConfig, sample
from musicdemo.decoding.stepper import Events, Primed
from musicdemo.decoding.torch_stepper import TorchStepper
from musicdemo.music.cursor import BarPlan
from musicdemo.music.frame import track_value
from musicdemo.music.grammar import Grammar
from musicdemo.music.score import Meter, Score, TrackKey
from musicdemo.music.vocabulary import (
    DRUM_PITCH,
    DRUMS,
    EMPTY_BAR,
    END,
    METERS,
    NEXT_BAR,
    PREDICTED,
    SAME_BAR,
    Column,
)
from musicdemo.music.wishes import Wishes
from tests.strategies import meters, scores
from tests.tiny import TOKENIZER, music_config, tiny_model, tune
from tests.walks import SIZES, bars_begun, drawn, follow, plan_of, random_scorer, simple_plan, start_row, walk

quick = settings(max_examples=50, deadline=None, derandomize=True)
ANY_SILENCE = Wishes(max_empty_bars=None)


@quick
@given(scores(), st.sampled_from(["", "air", "band"]))
def test_whatever_encode_writes_is_allowed_and_its_given_columns_are_the_cursors(score: Score, style: str) -> None:
    events = TOKENIZER.encode(score, style=style).tolist()
    grammar = Grammar(plan_of(score), events[:1], style=TOKENIZER.style_value(style), wishes=ANY_SILENCE)
    for row in events[1:]:
        follow(grammar, row)
    assert grammar.finished


@quick
@given(scores(), st.data())
def test_a_grammar_that_reads_a_prompt_stands_where_one_stands_that_wrote_it(score: Score, data: st.DataObject) -> None:
    events, plan = TOKENIZER.encode(score).tolist(), plan_of(score)
    crossing = [i for i, row in enumerate(events[1:], 1) if row[Column.TIME] >= NEXT_BAR or row[Column.TIME] < SAME_BAR]
    at = data.draw(st.sampled_from(crossing))  # a continuation begins with a new bar
    grammar = Grammar(plan, events[:at], wishes=ANY_SILENCE)
    for row in events[at:]:
        follow(grammar, row)
    assert grammar.finished
    assert grammar.bars_begun == bars_begun(np.array(events[at:]))


@st.composite
def wishes(draw: st.DrawFn) -> Wishes:
    keys = st.builds(TrackKey, st.just(False), st.sampled_from([0, 24, 127]), st.integers(0, 17))
    some = st.frozensets(st.one_of(keys, st.just(TrackKey(True, 0, 0))), min_size=1, max_size=4)
    return Wishes(draw(st.integers(1, 8)), draw(st.one_of(st.none(), some)), draw(st.integers(0, 3)))


@quick
@given(wishes(), st.one_of(st.none(), scores(last_onset=150)), meters(), st.integers(0, 2**32), st.data())
def test_whatever_the_grammar_allows_decodes_and_keeps_the_wishes(
    wished: Wishes, prompt: Score | None, meter: Meter, seed: int, data: st.DataObject
) -> None:
    random = np.random.default_rng(seed)
    ahead = simple_plan(meter)
    past = [start_row(ahead)] if prompt is None else TOKENIZER.encode(prompt)[:-1].tolist()
    plan = ahead if prompt is None else BarPlan((*plan_of(prompt).values, *ahead.values))
    grammar = Grammar(plan, past, wishes=wished)
    events = walk(grammar, random_scorer(random, data.draw(st.sampled_from([0.0, 1.0, 5.0, 200.0]))), random)
    assert grammar.finished and bars_begun(events) == wished.bars == grammar.bars_begun
    check_continuation(np.array(past), events, wished)


@quick
@given(wishes(), st.one_of(st.none(), scores(last_onset=150)), st.integers(0, 2**32))
def test_what_was_worked_out_once_is_what_would_be_worked_out_again(
    wished: Wishes, prompt: Score | None, seed: int
) -> None:
    random, ahead = np.random.default_rng(seed), simple_plan()
    past = [start_row(ahead)] if prompt is None else TOKENIZER.encode(prompt)[:-1].tolist()
    plan = ahead if prompt is None else BarPlan((*plan_of(prompt).values, *ahead.values))
    grammar = Grammar(plan, past, wishes=wished)
    known = grammar._frame._choices
    for _ in range(40):
        for column in Column:
            value = 0 if column in PREDICTED else grammar.given(column)
            if column in PREDICTED:
                scores_now = random.normal(size=SIZES[column])
                remembered, before = grammar.constrain(column, scores_now), dict(known)
                known.clear()
                assert np.array_equal(grammar.constrain(column, scores_now), remembered)
                known.update(before)
                value = int(remembered.argmax())
            grammar.choose(column, value)
            if grammar.finished:
                assert known
                return


def check_continuation(past: Events, events: Events, wished: Wishes) -> None:
    """Decode it, alone and behind its past, and hold it to its wishes."""
    alone, whole = TOKENIZER.decode(events), TOKENIZER.decode(np.concatenate((past, events)))
    before = TOKENIZER.decode(past)
    join = before.note_count
    assert whole.note_count == join + alone.note_count == join + int((events[:, Column.PITCH] > 0).sum())
    behind = {(t.key, n) for t in whole.tracks for n in t.notes} - {(t.key, n) for t in before.tracks for n in t.notes}
    first = min((n.onset for _, n in behind), default=10**6)
    assert first >= sum(lengths_of_bars(past))
    if wished.tracks is not None:
        assert {track_value(t.key) for t in alone.tracks} <= {track_value(key) for key in wished.tracks}
    assert longest_run(events[:, Column.TIME] == EMPTY_BAR) <= (wished.max_empty_bars or 0)
    assert np.array_equal(TOKENIZER.encode(whole)[len(past) : len(past) + len(events) - 1], events[:-1])


def lengths_of_bars(events: Events) -> list[int]:
    time = events[:, Column.TIME]
    return [METERS[row[Column.METER] - 1].bar_steps for row in events[(time >= NEXT_BAR) | (time == EMPTY_BAR)]]


def longest_run(flags: NDArray[np.bool_]) -> int:
    longest = run = 0
    for flag in flags.tolist():
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def test_an_untrained_network_at_temperature_five_writes_music() -> None:
    model = TorchStepper(tiny_model(music_config(), spread=4.0))
    prompt = TOKENIZER.encode(tune())[:-1]
    primed = Primed(*model.step(prompt[None], model.start(1)))
    wished = Wishes(bars=3, tracks=frozenset({TrackKey(False, 0, 0), TrackKey(True, 0, 0)}))
    rules = Grammar(plan_of(tune()), prompt.tolist(), wishes=wished)
    for row in sample(model, primed, rules, SamplingConfig(temperature=5, seed=1, rows=tuple(range(6)))):
        assert row.finished and bars_begun(row.events) == 3
        check_continuation(prompt, row.events, wished)


def test_a_network_that_would_never_move_on_is_moved_on() -> None:
    """It wants the earliest time and the highest pitch; two drummers have 128 keys each at each of the 3 steps."""
    wished = Wishes(bars=2, tracks=frozenset({TrackKey(True, 0, 0), TrackKey(True, 0, 1)}))
    plan = simple_plan(Meter(1, 16))
    grammar = Grammar(plan, [start_row(plan)], wishes=wished)

    def stubborn(column: int) -> NDArray[np.float64]:
        ramp = 1000 * np.arange(SIZES[column], dtype=np.float64)
        if column == Column.TIME:
            ramp[END] = 1e6
        return -ramp if column in (Column.TIME, Column.VOICE) else ramp

    events = walk(grammar, stubborn, np.random.default_rng(0))
    assert grammar.finished
    assert len(events) == 2 * 3 * 2 * 128 + 1
    assert TOKENIZER.decode(events).note_count == 2 * 3 * 2 * 128


def test_at_one_moment_tracks_speak_in_order_and_their_pitches_fall() -> None:
    random = np.random.default_rng(7)
    plan = simple_plan()

    def crowded(column: int) -> NDArray[np.float64]:
        logits = random.normal(size=SIZES[column])
        if column == Column.TIME:
            logits[SAME_BAR:NEXT_BAR] += 60 - 3.0 * np.arange(NEXT_BAR - SAME_BAR)
        return logits

    tracks = frozenset({TrackKey(False, 0, 0), TrackKey(False, 0, 1), TrackKey(True, 0, 0)})
    events = walk(Grammar(plan, [start_row(plan)], wishes=Wishes(8, tracks)), crowded, random)
    chords = 0
    for before, row in pairwise(events[:-1].tolist()):
        if row[Column.TIME] < NEXT_BAR and row[Column.TIME] - SAME_BAR == place_in_bar(before):
            assert speaker(before) < speaker(row)
            chords += 1
    assert chords > 10


def place_in_bar(row: list[int]) -> int:
    return (row[Column.TIME] - SAME_BAR) % (NEXT_BAR - SAME_BAR)


def speaker(row: list[int]) -> tuple[int, int, int]:
    return row[Column.PROGRAM], row[Column.VOICE], -row[Column.PITCH]


@quick
@given(st.integers(0, 2**32), st.integers(1, 3), meters())
def test_in_the_last_bar_end_takes_the_joint_probability_of_leaving_it(seed: int, bars: int, meter: Meter) -> None:
    random = np.random.default_rng(seed)
    plan = simple_plan(meter)
    bounded = Grammar(plan, [start_row(plan)], wishes=Wishes(bars))
    free = Grammar(plan, [start_row(plan)], wishes=Wishes(None))
    while bounded.bars_begun < bars:
        row = drawn(bounded, random_scorer(random, 2.0), random)
        follow(free, row)
    for grammar in (bounded, free):
        for column in range(Column.TIME):
            grammar.choose(column, grammar.given(column))
    logits = 3 * random.normal(size=SIZES[Column.TIME])
    weights = {i: math.exp(x) for i, x in enumerate(free.constrain(Column.TIME, logits).tolist()) if x > -math.inf}
    leaving = math.fsum(weight for i, weight in weights.items() if not SAME_BAR <= i < NEXT_BAR)
    after = {i: math.exp(x) for i, x in enumerate(bounded.constrain(Column.TIME, logits).tolist()) if x > -math.inf}
    assert after[END] == pytest.approx(leaving)
    assert {i: w for i, w in after.items() if i != END} == pytest.approx(
        {i: w for i, w in weights.items() if SAME_BAR <= i < NEXT_BAR}
    )
    assert math.fsum(after.values()) == pytest.approx(math.fsum(weights.values()))


def test_before_the_last_bar_nothing_ends() -> None:
    plan = simple_plan()
    grammar = Grammar(plan, [start_row(plan)], wishes=Wishes(2))
    for _ in range(2):
        assert grammar.constrain(Column.TIME, np.zeros(SIZES[Column.TIME]))[END] == -np.inf
        note = [NEXT_BAR, 0, 0, 1, 1, *[0] * 5, 61, 12, 11]
        follow(grammar, [0, *plan.at(0), grammar.given(Column.NEXT_END), *due_filled(grammar, note)])
    assert np.isfinite(grammar.constrain(Column.TIME, np.zeros(SIZES[Column.TIME]))[END])


def due_filled(grammar: Grammar, note: list[int]) -> list[int]:
    """Ask a copy for the given columns of a note's row from TIME on."""
    twin, filled = grammar.copy(), note[:]
    for column in Column:
        value = filled[column - Column.TIME] if column in PREDICTED else twin.given(column)
        twin.choose(column, value)
        if column >= Column.TIME:
            filled[column - Column.TIME] = value
    return filled


def test_a_bar_may_be_silent_only_while_a_note_sounds_into_it() -> None:
    plan = simple_plan()

    def may_pass(duration_value: int, *, program: int = 1, pitch: int = 61, wished: Wishes = Wishes()) -> bool:  # noqa: B008  # frozen
        rows = [start_row(plan), [0, *plan.at(0), 0, NEXT_BAR, 0, 0, program, 1, *[0] * 5, pitch, duration_value, 11]]
        grammar = Grammar(plan, rows, wishes=wished)
        return bool(np.isfinite(grammar.constrain(Column.TIME, np.zeros(SIZES[Column.TIME]))[EMPTY_BAR]))

    assert not may_pass(48)  # a whole note ends at the bar line
    assert may_pass(49)  # 51 steps go on behind it
    assert not may_pass(49, program=DRUMS, pitch=DRUM_PITCH + 36)  # drums do not ring
    assert not may_pass(49, wished=Wishes(max_empty_bars=0))
    assert may_pass(1, wished=ANY_SILENCE)


def test_of_a_piece_for_one_track_alone_program_and_voice_are_forced_and_of_an_empty_bar_all() -> None:
    plan = simple_plan()
    track = TrackKey(False, 40, 1)
    grammar = Grammar(plan, [start_row(plan)], wishes=Wishes(4, frozenset({track}), max_empty_bars=None))
    for time, expected in ((NEXT_BAR, (*track_value(track), None, None, None)), (EMPTY_BAR, (0, 0, 0, 0, 0))):
        twin, found = grammar.copy(), list[int | None]()
        for column in Column:
            if column in PREDICTED and column != Column.TIME:
                found.append(twin.forced(column))
            value = {Column.TIME: time, Column.PROGRAM: 41, Column.VOICE: 2}.get(column, 60)
            twin.choose(column, value if column in PREDICTED else twin.given(column))
        assert tuple(found) == expected


def test_a_copy_goes_its_own_way() -> None:
    plan = simple_plan()
    grammar = Grammar(plan, [start_row(plan)], wishes=Wishes(4))
    random = np.random.default_rng(3)
    walk(grammar, random_scorer(random, 1.0), random, max_events=2)
    twin = grammar.copy()
    before = [grammar.given(column) for column in range(Column.TIME)]
    walk(twin, random_scorer(random, 1.0), random)
    assert twin.finished and not grammar.finished
    assert [grammar.given(column) for column in range(Column.TIME)] == before
    assert len(walk(grammar, random_scorer(random, 1.0), random)) > 0 and grammar.finished


def test_wishes_that_nothing_could_fulfil_are_refused() -> None:
    with pytest.raises(ValueError, match="bars"):
        Wishes(bars=0)
    with pytest.raises(ValueError, match="track"):
        replace(Wishes(), tracks=frozenset())
