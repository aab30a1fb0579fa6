"""What training reads: excerpts and augmentation keep the music, and the sampler's lanes are repeatable."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.errors import MidiError
from musicdemo.music.score import Meter, MeterChange, Note, Score, Track
from musicdemo.music.vocabulary import (
    DRUM_PITCH,
    EMPTY_BAR,
    END,
    NEXT_BAR,
    PREDICTED,
    START,
    TEMPOS,
    Column,
    column_sizes,
)
from tests.small_corpora import TOKENIZER, corpus_of, encode, melody
from tests.strategies import scores
from training.dataset import (
    Augmentation,
    Corpus,
    Events,
    Sampler,
    SamplerConfig,
    augment,
    excerpt,
    load_corpora,
)

quick = settings(max_examples=30, deadline=None, derandomize=True)

STILL = Augmentation(semitones=0, tempo_marks=0, velocity_levels=0, program_probability=0.0, style_dropout=0.0)
KEY_ONLY = Augmentation(semitones=6, tempo_marks=0, velocity_levels=0, program_probability=0.0, style_dropout=0.0)
UNTOUCHED = [Column.METER, Column.NEXT_END, Column.TIME, Column.DUE_VOICE, Column.VOICE, Column.DURATION]
SEEDS = st.integers(0, 2**32 - 1)
PIECES = scores(max_tracks=2, last_onset=150).map(encode)
LANES = SamplerConfig(lanes=3, window=16, excerpt=30)


def decode(events: Events) -> Score:
    return TOKENIZER.decode(events.astype(np.int64) * (np.arange(len(Column)) != Column.STYLE))


def shifts_of(before: Events, after: Events, column: Column, *, below: int) -> set[int]:
    """By how much the values of a column moved, where there was one and it was less than `below`."""
    old, new = before[:, column].astype(int), after[:, column].astype(int)
    chosen = (old > 0) & (old < below)
    return set((new - old)[chosen].tolist())


@quick
@given(PIECES, SEEDS)
def test_a_change_of_key_is_the_transposed_piece(piece: Events, seed: int) -> None:
    moved = augment(piece.copy(), 2, KEY_ONLY, np.random.default_rng(seed))
    shifts = shifts_of(piece, moved, Column.PITCH, below=DRUM_PITCH)
    assert len(shifts) <= 1
    shift = shifts.pop() if shifts else 0
    assert -6 <= shift <= 6
    assert decode(moved) == decode(piece).transposed(shift)
    assert shifts_of(piece, moved, Column.LAST_PITCH, below=DRUM_PITCH) <= {shift}


@quick
@given(PIECES, SEEDS, st.integers(2, 40))
def test_augmentation_moves_key_tempo_loudness_and_a_lone_instrument_and_nothing_else(
    piece: Events, seed: int, length: int
) -> None:
    random = np.random.default_rng(seed)
    before = excerpt(piece, length, random)
    after = augment(before.copy(), 2, Augmentation(program_probability=0.5, style_dropout=0.5), random)
    assert np.array_equal(after[:, UNTOUCHED], before[:, UNTOUCHED])
    assert ((after == 0) == (before == 0))[:, 1:].all()
    assert set(after[:, Column.STYLE].tolist()) in ({0}, {2})
    drums = before[:, Column.PITCH] >= DRUM_PITCH
    for column in (Column.PROGRAM, Column.LAST_PITCH, Column.PITCH):
        assert np.array_equal(after[drums, column], before[drums, column])
    pitches = shifts_of(before, after, Column.PITCH, below=DRUM_PITCH)
    assert len(pitches | shifts_of(before, after, Column.LAST_PITCH, below=DRUM_PITCH)) <= 1
    programs = {int(program) for program in before[:, Column.PROGRAM] if program}
    if len(programs) > 1:
        assert np.array_equal(after[:, Column.PROGRAM], before[:, Column.PROGRAM])
    assert len({int(program) for program in after[:, Column.PROGRAM] if program}) == len(programs)


@quick
@given(PIECES, SEEDS, st.integers(2, 40))
def test_every_value_of_a_drawn_excerpt_is_one_that_a_network_knows(piece: Events, seed: int, length: int) -> None:
    random = np.random.default_rng(seed)
    drawn = augment(excerpt(piece, length, random), 1, Augmentation(semitones=12, program_probability=0.5), random)
    assert (drawn < np.array(column_sizes(1))).all()
    melodic = drawn[:, Column.PROGRAM] != 129
    for column in (Column.PITCH, Column.LAST_PITCH):
        assert (drawn[melodic, column] < DRUM_PITCH).all()
    assert decode(drawn).note_count == (drawn[:, Column.PITCH] > 0).sum()


def two_voices(low: int) -> Events:
    """A voice on each first beat, and one on each second that plays `low` in its first bar and then middle C."""
    first = tuple(Note(48 * bar, 64, 12) for bar in range(8))
    second = tuple(Note(48 * bar + 12, low if bar == 0 else 60, 12) for bar in range(8))
    return encode(Score((Track(first), Track(second, voice=1))))


@pytest.mark.parametrize("extreme", [0, 3, 124, 127])
def test_a_pitch_remembered_from_before_the_excerpt_limits_the_change_of_key(extreme: int) -> None:
    piece = two_voices(extreme)
    for seed in range(80):
        random = np.random.default_rng(seed)
        drawn = augment(excerpt(piece, 15, random), 1, KEY_ONLY, random)
        remembered = drawn[:, Column.LAST_PITCH]
        assert (remembered < DRUM_PITCH).all()
        assert set(drawn[remembered > 0, Column.PITCH]) <= set(range(1, DRUM_PITCH))


@quick
@given(PIECES, SEEDS, st.integers(2, 30))
def test_an_excerpt_is_a_run_of_events_from_a_bar_line_on_behind_start(piece: Events, seed: int, length: int) -> None:
    original = piece.copy()
    drawn = excerpt(piece, length, np.random.default_rng(seed))
    drawn_values = drawn[1:, list(PREDICTED)].tolist()
    drawn[:] = 0
    assert np.array_equal(piece, original)  # what is drawn is a copy
    drawn = excerpt(piece, length, np.random.default_rng(seed))
    assert len(drawn) <= length or len(piece) <= length
    assert drawn[0, Column.TIME] == START and not drawn[0, list(PREDICTED[1:])].any()
    values = piece[:, list(PREDICTED)].tolist()
    starts = [at for at in range(1, len(piece)) if values[at : at + len(drawn) - 1] == drawn_values]
    bar_lines = [at for at in starts if piece[at, Column.TIME] >= NEXT_BAR or piece[at, Column.TIME] == EMPTY_BAR]
    assert bar_lines
    bar_line_marks = {tuple(piece[at, [Column.METER, Column.TEMPO]]) for at in bar_lines}
    assert tuple(drawn[0, [Column.METER, Column.TEMPO]]) in bar_line_marks


@quick
@given(scores(max_tracks=2, last_onset=150), SEEDS)
def test_an_excerpt_decodes_to_notes_of_the_piece(score: Score, seed: int) -> None:
    piece = encode(score)
    heard = decode(excerpt(piece, 12, np.random.default_rng(seed)))
    whole = decode(piece)
    offsets = [bar.start for bar in whole.bars]
    assert any(notes_of(heard, offset) <= notes_of(whole, 0) for offset in offsets)


def notes_of(score: Score, offset: int) -> set[tuple[object, ...]]:
    """Every note with its track, `offset` steps later."""
    return {(t.key, n.onset + offset, n.pitch, n.duration, n.velocity) for t in score.tracks for n in t.notes}


def test_a_piece_that_fits_is_drawn_whole() -> None:
    piece = encode(melody(1))
    assert np.array_equal(excerpt(piece, len(piece), np.random.default_rng(0)), piece)


def test_tempo_and_loudness_move_by_one_amount_and_stop_at_their_ends() -> None:
    piece = encode(melody(1, tempo=TEMPOS[1]))
    how = Augmentation(semitones=0, tempo_marks=3, velocity_levels=3, program_probability=0.0, style_dropout=0.0)
    tempos, velocities = set(), set()
    for seed in range(60):
        moved = augment(piece.copy(), 1, how, np.random.default_rng(seed))
        assert len(set(moved[:, Column.TEMPO].tolist())) == 1
        sounding = moved[:, Column.PITCH] > 0
        tempos.add(int(moved[0, Column.TEMPO]))
        velocities |= set(moved[sounding, Column.VELOCITY].tolist())
        assert not moved[~sounding, Column.VELOCITY].any()
    assert tempos == {1, 2, 3, 4, 5}  # the mark is the second slowest
    assert velocities == set(range(8, 15))  # velocity 84 has the value 11


def test_an_instrument_is_changed_in_all_columns_that_name_it() -> None:
    how = Augmentation(program_probability=1.0)
    programs = set()
    for seed in range(40):
        moved = augment(encode(melody(1, program=40)), 1, how, np.random.default_rng(seed))
        named = {*moved[:, Column.PROGRAM].tolist(), *moved[:, Column.DUE_PROGRAM].tolist()} - {0}
        assert len(named) == 1
        programs |= named
    assert len(programs) > 20 and max(programs) <= 128


def test_an_instrument_that_another_was_sounding_over_is_kept() -> None:
    held = Track((Note(0, 40, 60),), program=32)
    tune = Track(tuple(Note(12 * beat, 70, 12) for beat in range(32)), program=73)
    piece = encode(Score((held, tune)))
    for seed in range(40):
        random = np.random.default_rng(seed)
        before = excerpt(piece, 12, random)
        after = augment(before.copy(), 1, Augmentation(program_probability=1.0), random)
        named = (Column.PROGRAM, Column.DUE_PROGRAM)
        assert len(np.unique(after[:, named])) == len(np.unique(before[:, named]))


def test_the_style_is_left_open_as_often_as_asked() -> None:
    random, piece = np.random.default_rng(0), encode(melody(1))
    how = Augmentation(style_dropout=0.25)
    styles = [int(augment(piece.copy(), 3, how, random)[0, Column.STYLE]) for _ in range(800)]
    assert set(styles) == {0, 3}
    assert styles.count(0) / 800 == pytest.approx(0.25, abs=0.06)


def sampler(seed: int, config: SamplerConfig = LANES) -> Sampler:
    corpora = (corpus_of("one", *map(melody, range(4))), corpus_of("two", melody(5, bars=9), melody(6, bars=16)))
    return Sampler(corpora, config, seed=seed)


def test_the_same_seed_draws_the_same_batches() -> None:
    first, second, other = sampler(3), sampler(3), sampler(4)
    for _ in range(5):
        batch = first.batch()
        assert batch.events.shape == (3, 17, len(Column))
        assert np.array_equal(batch.events, second.batch().events)
        assert not np.array_equal(batch.events, other.batch().events)


def test_a_batch_says_where_pieces_begin_and_how_many_notes_it_predicts() -> None:
    lanes = sampler(3)
    for _ in range(5):
        batch = lanes.batch()
        assert np.array_equal(batch.begins, batch.events[..., Column.TIME] == START)
        assert batch.units == (batch.events[:, 1:, Column.PITCH] > 0).sum()


def test_a_lane_draws_the_same_in_any_company() -> None:
    corpora = (corpus_of("one", *map(melody, range(4))), corpus_of("two", melody(5, bars=9)))
    whole = Sampler(corpora, SamplerConfig(lanes=5, window=16, excerpt=30), seed=3)
    parts = [Sampler(corpora, LANES, seed=3, lanes=lanes) for lanes in (range(2), range(2, 5))]
    for _ in range(12):
        drawn = np.concatenate([part.batch().events for part in parts])
        assert np.array_equal(whole.batch().events, drawn)
        assert len({row.tobytes() for row in drawn}) == 5


def test_each_lane_goes_on_with_the_last_event_of_its_window() -> None:
    lanes = sampler(1)
    before = lanes.batch().events
    for _ in range(20):
        after = lanes.batch().events
        assert np.array_equal(after[:, 0], before[:, -1])
        before = after


def test_a_lane_is_whole_excerpts_laid_end_to_end() -> None:
    lanes = sampler(2, SamplerConfig(lanes=1, window=10, excerpt=1000))
    times = np.concatenate([lanes.batch().events[0, :-1, Column.TIME] for _ in range(40)])
    assert times[0] == START
    assert np.array_equal(np.flatnonzero(times[1:] == START), np.flatnonzero(times[:-1] == END))


def test_a_restored_sampler_goes_on_identically() -> None:
    lanes, later = sampler(1), sampler(99)
    for _ in range(7):
        lanes.batch()
    kept = BytesIO()
    torch.save(lanes.state(), kept)
    kept.seek(0)
    later.restore(torch.load(kept, weights_only=True))
    for _ in range(10):
        assert np.array_equal(lanes.batch().events, later.batch().events)


def test_styles_may_be_more_than_the_corpora_and_in_another_order() -> None:
    corpora = (corpus_of("reel", melody(1)), corpus_of("air", melody(2)))
    lanes = Sampler(corpora, LANES, seed=0, styles=("air", "hymn", "reel"), augmentation=STILL)
    styles = {int(value) for _ in range(20) for value in lanes.batch().events[..., Column.STYLE].ravel()}
    assert styles == {1, 3}


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_corpora_are_drawn_by_their_size_to_the_power_of_the_balance(balance: float) -> None:
    large = corpus_of("large", *(melody(number, bars=20) for number in range(4)))
    small = corpus_of("small", *(melody(number, bars=4) for number in range(4)))
    # 4 pieces of 80 notes and of 16, each with START and END: 328 events to 72.
    share = 328**balance / (328**balance + 72**balance)
    lanes = Sampler((large, small), SamplerConfig(lanes=8, window=100, balance=balance), seed=0, augmentation=STILL)
    styles = np.concatenate([lanes.batch().events[..., Column.STYLE].ravel() for _ in range(80)])
    assert (styles == 1).mean() == pytest.approx(share, abs=0.04)


def test_a_corpus_without_pieces_keeps_the_styles_of_the_others() -> None:
    lanes = Sampler((corpus_of("none"), corpus_of("some", melody(1))), LANES, seed=0, augmentation=STILL)
    assert (lanes.batch().events[..., Column.STYLE] == 2).all()


def test_a_sampler_without_any_piece_says_so() -> None:
    with pytest.raises(MidiError, match="no piece to train on"):
        Sampler((corpus_of("none"),), LANES, seed=0)


@pytest.mark.parametrize("wrong", [{"lanes": 0}, {"window": 0}, {"excerpt": 1}, {"balance": -0.1}, {"balance": 1.1}])
def test_a_sampler_refuses_nonsense(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a sampler needs"):
        SamplerConfig(**wrong)


def save(path: Path, corpus: Corpus, *, columns: int = len(Column)) -> None:
    np.savez(path, train_events=corpus.events[:, :columns], train_lengths=corpus.lengths)


def test_corpora_are_read_in_the_order_of_their_names_or_as_named(tmp_path: Path) -> None:
    for name in ("reel", "air"):
        save(tmp_path / f"{name}.npz", corpus_of(name, melody(1)))
    assert [corpus.name for corpus in load_corpora(tmp_path, "train")] == ["air", "reel"]
    assert [corpus.name for corpus in load_corpora(tmp_path, "train", names=("reel", "air"))] == ["reel", "air"]


def test_a_missing_or_foreign_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MidiError, match="no corpora in"):
        load_corpora(tmp_path, "train")
    save(tmp_path / "old.npz", corpus_of("old", melody(1)), columns=5)
    with pytest.raises(MidiError, match=r"no corpora in .*\(old, new\)"):
        load_corpora(tmp_path, "train", names=("old", "new"))
    with pytest.raises(MidiError, match="another release: its events have 5 columns"):
        load_corpora(tmp_path, "train")


def test_a_metre_of_its_own_opens_each_excerpt() -> None:
    notes = tuple(Note(12 * beat, 60 + beat % 5, 12) for beat in range(40))
    piece = encode(Score((Track(notes),), (MeterChange(0, Meter(4, 4)), MeterChange(48, Meter(3, 4)))))
    for seed in range(20):
        drawn = excerpt(piece, 12, np.random.default_rng(seed))
        score = decode(drawn)
        assert score.meters[0].meter == (
            Meter(4, 4) if drawn[1, Column.METER] == piece[0, Column.METER] else Meter(3, 4)
        )
        assert drawn[0, Column.METER] == drawn[1, Column.METER]
