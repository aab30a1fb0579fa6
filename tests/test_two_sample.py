"""Laws of the two-sample test and of what is counted in passages, held to counts by hand."""

import numpy as np
import pytest

from musicdemo.music.score import Note, Score, Track
from tests.small_corpora import corpus_of, melody
from tests.tiny import TOKENIZER, music_config
from training.dataset import Events
from training.passage_measures import FIFTH, OCTAVE, diversity, heard_before, notes_in, parallels
from training.passages import LENGTH, PRIMER, held_out_passages, passage_of
from training.two_sample import ClassifierConfig, Sample, two_sample_test

CONFIG = music_config()
SMALL = ClassifierConfig(folds=2, units=8, epochs=10, rows=8, read=64, learning_rate=1e-2, dropout=0.0)
PASSAGES = held_out_passages(corpus_of("air", *(melody(number, bars=40) for number in range(24))), 1, pieces=24)
PLAIN = [Sample(passage.events, passage.piece) for passage in PASSAGES]


def passage(*voices: tuple[int, ...]) -> Events:
    """Voices of one note a beat, cut where a passage ends."""
    tracks = (Track(tuple(Note(12 * at, p, 12) for at, p in enumerate(line)), voice=v) for v, line in enumerate(voices))
    return passage_of(TOKENIZER.encode(Score(tuple(tracks)))[: PRIMER + LENGTH].astype(np.uint16)).events


def test_sets_that_differ_plainly_are_told_apart() -> None:
    flat = [Sample(passage((60 + number,) * 140), f"air {number}") for number in range(24)]
    verdict = two_sample_test(PLAIN[::2], flat, CONFIG.sizes, CONFIG.relative, SMALL)
    assert verdict.accuracy > 0.9


def test_two_halves_of_one_set_are_not_told_apart() -> None:
    verdict = two_sample_test(PLAIN[::2], PLAIN[1::2], CONFIG.sizes, CONFIG.relative, SMALL)
    assert 0.25 < verdict.accuracy < 0.75


def test_a_classifier_is_asked_about_pieces_that_it_has_not_seen() -> None:
    # The sets differ by piece alone, so whoever had seen the pieces would know them all.
    one = [sample for sample in PLAIN if int(sample.piece.split()[1]) % 2]
    other = [sample for sample in PLAIN if not int(sample.piece.split()[1]) % 2]
    verdict = two_sample_test(one, other, CONFIG.sizes, CONFIG.relative, SMALL)
    assert verdict.accuracy < 0.8


def test_the_same_seed_gives_the_same_verdict() -> None:
    brief = ClassifierConfig(folds=2, units=4, epochs=1)
    verdicts = [two_sample_test(PLAIN[:20], PLAIN[20:40], CONFIG.sizes, (), brief, seed=seed) for seed in (1, 1)]
    assert verdicts[0] == verdicts[1]


def test_fewer_pieces_than_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="5 folds need as many pieces, not 2"):
        two_sample_test(PLAIN[:4], PLAIN[:4], CONFIG.sizes, ())


def test_a_test_without_folds_is_refused() -> None:
    with pytest.raises(ValueError, match="2 folds or more"):
        ClassifierConfig(folds=1)


def test_the_new_notes_are_those_behind_the_primer() -> None:
    line = tuple(50 + at % 20 for at in range(140))
    notes = notes_in(passage(line))
    assert [note.pitch for note in notes] == list(line[: PRIMER + LENGTH - 1])
    assert [note.new for note in notes] == [False] * (PRIMER - 1) + [True] * LENGTH
    assert (notes[70].onset, notes[70].steps) == (70 * 12, 12)


def test_diversity_is_nothing_for_the_same_and_all_for_what_shares_nothing() -> None:
    low, high = passage((60,) * 140), passage((72,) * 140)
    half = passage((60,) * (PRIMER - 1 + LENGTH // 2) + (72,) * 100)
    assert diversity([low], [low]) == 0
    assert diversity([low], [high]) == 1
    assert diversity([low], [half]) == pytest.approx(1 - 32 / 96)
    assert diversity([low, low], [low, high]) == 0.5


def test_a_figure_counts_as_heard_in_whatever_key() -> None:
    pattern = (0, 2, 4, 7)
    there = tuple(60 + pattern[at % 4] for at in range(PRIMER - 1))
    up_a_third = tuple(64 + pattern[at % 4] for at in range(100))
    falling = tuple(100 - at for at in range(100))
    assert heard_before([passage(there + up_a_third)]) == 1
    assert heard_before([passage(there + falling)]) == pytest.approx(60 / 61)  # but for its first time


def test_parallels_are_counted_by_hand() -> None:
    upward = tuple(50 + at % 2 for at in range(80))
    fifths, octaves = tuple(p + 7 for p in upward), tuple(p + 12 for p in upward)
    contrary = tuple(57 - at % 2 for at in range(80))
    # 64 new notes in two voices are 32 or 33 onsets, all but the first of which end a move.
    assert parallels([passage(upward, fifths)], FIFTH) == pytest.approx(100, rel=0.05)
    assert parallels([passage(upward, fifths)], OCTAVE) == 0
    assert parallels([passage(upward, octaves)], OCTAVE) == pytest.approx(100, rel=0.05)
    assert parallels([passage(upward, contrary)], FIFTH) == 0
    held = (50,) * 80
    assert parallels([passage(held, tuple(p + 7 for p in held))], FIFTH) == 0
