"""Laws of looking inside: each figure is held to the network's own answer, got by another road."""

import copy
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from musicdemo.insight import (
    MOST_READS,
    Reads,
    Thoughts,
    all_reads,
    attribution,
    bar_map,
    layer_states,
    note_map,
    note_name,
    note_reads,
    thoughts,
)
from musicdemo.insight.note_events import NOTHING, note_events
from musicdemo.likelihood import column_logits, note_nats
from musicdemo.models.attention import AttentionModel
from musicdemo.models.recurrent import RecurrentModel
from musicdemo.music.note_order import note_order
from musicdemo.music.score import Note, Score, Track
from musicdemo.music.vocabulary import DRUMS, PREDICTED, SAME_BAR, Column
from musicdemo.ui.components.piano_roll import RollView, roll_data
from tests.insight_pieces import made, piece, twin
from tests.strategies import scores
from tests.tiny import NETWORKS, TOKENIZER, tune

quick = settings(max_examples=25, deadline=None, derandomize=True)


# Which event is which note


@quick
@given(scores())
def test_notes_are_listed_as_the_roll_lists_them(score: Score) -> None:
    drawn = roll_data(RollView(score, 0, "id", "title"))["notes"]
    assert [(note.pitch, note.velocity, track) for track, note in note_order(score)] == [tuple(n[2:]) for n in drawn]


@quick
@given(scores())
def test_an_event_stands_for_a_note_of_its_time_track_and_pitch(score: Score) -> None:
    placed = note_events(TOKENIZER, score, most=1000)
    for row, event in enumerate(placed.events):
        index = int(placed.note_of[row])
        assert (index == NOTHING) == (event[Column.TIME] < SAME_BAR)
        if index != NOTHING:
            number, note = placed.order[index]
            bar = placed.bars[placed.bar_of[row]]
            said, drums = TOKENIZER.describe(event), score.tracks[number].is_drum
            position = int(said["time"].split("+")[1])
            assert placed.row_of[index] == row and bar.start + position == note.onset < bar.end
            assert int(said["pitch"]) == note.pitch and (event[Column.PROGRAM] == DRUMS) == drums
            assert drums or int(said["program"]) == score.tracks[number].program
    assert (placed.row_of >= 0).sum() == (placed.note_of >= 0).sum()


def test_of_one_pitch_struck_twice_at_once_the_longer_is_the_one_that_was_read() -> None:
    placed = note_events(TOKENIZER, Score((Track((Note(0, 60, 12), Note(0, 60, 24))),)), most=10)
    assert placed.row_of.tolist() == [NOTHING, 1] and placed.events[1, Column.DURATION] == 24


def test_of_a_long_piece_the_last_whole_bars_are_read_as_if_it_began_there() -> None:
    score, begun = tune(bars=6), tune(bars=6).clipped(4 * 48, 6 * 48)
    placed = note_events(TOKENIZER, score, most=11)
    assert placed.row_of.tolist() == [*[NOTHING] * 16, *range(1, 9)] and placed.first_bar == 4
    assert np.array_equal(placed.events, TOKENIZER.encode(begun))
    assert [bar - 4 for bar in placed.bar_of] == note_events(TOKENIZER, begun, most=11).bar_of.tolist()


def test_bars_without_notes_count_too_and_a_bar_too_full_is_cut() -> None:
    far = Score((Track((Note(0, 60, 12), Note(48 * 50, 60, 12))),))
    assert note_events(TOKENIZER, far, most=20).first_bar == 31
    full = note_events(TOKENIZER, Score((Track(tuple(Note(i, 60, 1) for i in range(40))),)), most=20)
    assert full.row_of.tolist() == [*range(1, 21), *[NOTHING] * 20] and len(full.events) == 21


@pytest.mark.parametrize("architecture", ["lstm", "attention"])
def test_an_empty_score_holds_no_thought(architecture: str) -> None:
    found = thoughts(made(architecture), Score())
    assert found.notes == () and layer_states(made(architecture), found).hidden.shape[0] == 2
    assert bar_map(made(architecture), found).labels == ()


# What was thought


@pytest.mark.parametrize("architecture", ["gru", "attention"])
@pytest.mark.parametrize("style", ["auto", "band", ""])
def test_the_bits_of_a_note_are_the_nats_of_its_event(architecture: str, style: str) -> None:
    checkpoint, score = made(architecture), piece()
    nats, _ = note_nats(checkpoint, score, style=style)
    found = thoughts(checkpoint, score, style=style)
    rows = found.placed.row_of
    assert [note.bits for note in found.notes if note] == pytest.approx([nats[row - 1] / math.log(2) for row in rows])
    others = set(range(1, len(nats) + 1)) - set(rows.tolist())
    total = sum(note.bits for note in found.notes if note) + sum(nats[row - 1] for row in others) / math.log(2)
    assert total == pytest.approx(sum(nats) / math.log(2))


def test_the_likeliest_pitches_are_those_of_the_softmax() -> None:
    checkpoint = made("lstm")
    found = thoughts(checkpoint, piece(), style="air")
    events = found.placed.events
    logits = column_logits(checkpoint, events[:1], events[1:])[Column.PITCH]
    odds = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for note, row in zip(found.notes, found.placed.row_of, strict=True):
        assert note is not None
        assert note.probability == pytest.approx(odds[row - 1, events[row, Column.PITCH]])
        best = sorted(odds[row - 1, 1:], reverse=True)[:5]
        assert [share for _, share in note.likeliest] == pytest.approx(best)
        assert all(after <= before for before, after in pairwise(best))


def test_names_are_those_of_the_keyboard_and_the_drum_kit() -> None:
    assert [note_name(pitch) for pitch in (0, 60, 61, 127)] == ["C-1", "C4", "C♯4", "G9"]
    assert note_name(38, is_drum=True) == "Acoustic Snare" and note_name(5, is_drum=True) == "Drum 5"


# What was read


def test_attention_is_that_of_the_step_before_the_note_also_across_chunks() -> None:
    checkpoint, score = made("attention"), tune(bars=70)
    assert isinstance(checkpoint.model, AttentionModel)
    found = thoughts(checkpoint, score, style="air")
    events = found.placed.events
    with torch.inference_mode():
        whole = checkpoint.model.weights(torch.from_numpy(events)[None], checkpoint.model.start(1))[0].mean(dim=0)
    for index in (0, 3, 4, 254, 255, 256, 257, 279):
        row = int(found.placed.row_of[index])
        wanted = {int(found.placed.note_of[e]): float(whole[row - 1, e]) for e in range(max(0, row - 6), row)}
        got = note_reads(checkpoint, found, index)
        assert dict(got.notes) == pytest.approx({note: share for note, share in wanted.items() if note != NOTHING})
        assert got.on_no_note == pytest.approx(wanted.get(NOTHING, 0.0), abs=1e-6)


@pytest.mark.parametrize("architecture", NETWORKS)
def test_shares_of_notes_and_of_no_note_sum_to_one_and_the_largest_come_first(architecture: str) -> None:
    checkpoint = made(architecture)
    found = thoughts(checkpoint, piece())
    for index in range(len(found.notes)):
        reads = note_reads(checkpoint, found, index)
        shares = [share for _, share in reads.notes]
        assert len(shares) <= MOST_READS and shares == sorted(shares, reverse=True) and min(shares, default=1) > 0
        assert all(found.placed.row_of[note] < found.placed.row_of[index] for note, _ in reads.notes)
        if len(shares) < MOST_READS:
            assert sum(shares) + reads.on_no_note == pytest.approx(1, abs=1e-5)
        assert sum(shares) + reads.on_no_note <= 1 + 1e-5


def test_a_note_that_was_not_read_reads_nothing() -> None:
    found = thoughts(made("lstm"), Score((Track((Note(0, 60, 12), Note(0, 60, 24))),)))
    assert found.notes[0] is None and note_reads(made("lstm"), found, 0) == Reads()


def log_p(model: RecurrentModel, found: Thoughts, row: int, scales: torch.Tensor) -> float:
    """Log-probability of event `row` when each earlier embedded event is scaled, in double precision."""
    events = torch.from_numpy(found.placed.events)[None]
    embedded = model.tables(events[:, :row], 0, events.shape[2]) * scales[:row, None]
    hidden, _ = model.stack(embedded, model.start(1))
    total = 0.0
    for column in PREDICTED:
        scores = torch.log_softmax(model.logits(hidden[:, -1:], events[:, row : row + 1], column), dim=-1)[0, 0]
        total += float(scores[events[0, row, column]]) if events[0, row, column] else 0.0
    return total


@pytest.mark.parametrize("architecture", ["rnn-tanh", "gru", "lstm"])
def test_attribution_is_how_log_p_changes_when_an_event_is_scaled(architecture: str) -> None:
    checkpoint = made(architecture)
    found, row, step = thoughts(checkpoint, piece(), style="air"), 9, 1e-5
    exact = copy.deepcopy(checkpoint.model).double()
    assert isinstance(exact, RecurrentModel)
    slopes = []
    with torch.inference_mode():
        for event in range(row):
            up, down = torch.ones(row, dtype=torch.float64), torch.ones(row, dtype=torch.float64)
            up[event] += step
            down[event] -= step
            slopes.append(abs(log_p(exact, found, row, up) - log_p(exact, found, row, down)))
    start, shares = attribution(checkpoint.model, found, [row])
    assert start == 0 and shares.tolist() == pytest.approx([slope / sum(slopes) for slope in slopes], abs=1e-4)


def test_a_network_without_a_past_is_attributed_to_the_event_just_before() -> None:
    checkpoint = twin(made("rnn-tanh"))
    with torch.no_grad():
        for layer in range(checkpoint.config.layers):
            checkpoint.model.stack.weights(layer).U.zero_()
    found = thoughts(checkpoint, tune(bars=3))
    for index in (1, 5, 11):
        ((note, share),) = note_reads(checkpoint, found, index).notes
        assert note == index - 1 and share == pytest.approx(1)


def test_heads_that_hear_nothing_are_attributed_to_nothing() -> None:
    checkpoint = twin(made("gru"))
    with torch.no_grad():
        for name, parameter in checkpoint.model.heads.hidden.named_parameters():
            parameter.mul_(0 if name.endswith("weight") else 1)
    assert note_reads(checkpoint, thoughts(checkpoint, tune()), 6) == Reads()


def test_attribution_looks_back_so_far_and_is_the_same_from_a_kept_state(monkeypatch) -> None:
    checkpoint, score = made("gru"), tune(bars=80)
    found, row = thoughts(checkpoint, score, style="air"), 300
    _, whole = attribution(checkpoint.model, found, [row])
    monkeypatch.setattr("musicdemo.insight.gradients.WINDOW", 20)
    start, near = attribution(checkpoint.model, found, [row])
    assert start == 280 and near == pytest.approx(whole[280:] / whole[280:].sum(), abs=1e-4)


def test_a_network_with_attention_is_asked_for_its_weights_instead() -> None:
    with pytest.raises(ValueError, match="ask for its weights"):
        attribution(made("attention").model, thoughts(made("attention"), tune()), [3])
    with pytest.raises(ValueError, match="bar by bar"):
        note_map(made("lstm"), thoughts(made("lstm"), tune()))


# Maps


def test_a_map_of_notes_holds_what_each_note_read() -> None:
    checkpoint = made("attention")
    found = thoughts(checkpoint, piece())
    whole = note_map(checkpoint, found)
    reads = all_reads(checkpoint, found)
    assert reads is not None and sorted(whole.labels) == list(range(len(found.notes)))
    for predicted, row in zip(whole.labels, whole.shares, strict=True):
        read = {label: share for label, share in zip(whole.labels, row.tolist(), strict=True) if share}
        assert read == pytest.approx(dict(reads[predicted].notes), abs=1e-6)
    part = note_map(checkpoint, found, first=4, count=5)
    assert part.labels == whole.labels[4:9] and np.array_equal(part.shares, whole.shares[4:9, 4:9])


@pytest.mark.parametrize("architecture", ["attention", "rnn-tanh"])
def test_a_map_of_bars_never_looks_ahead_and_gives_away_at_most_all(architecture: str) -> None:
    checkpoint, done = made(architecture), list[int]()
    found = thoughts(checkpoint, piece())
    whole = bar_map(checkpoint, found, on_bar=done.append)
    assert whole.labels == tuple(range(5)) and done == [1, 2, 3, 4, 5]
    assert np.array_equal(whole.shares, np.tril(whole.shares)) and (whole.shares.sum(axis=1) <= 1 + 1e-5).all()
    assert not whole.shares[1].any() and not whole.shares[:, 1].any()  # nothing begins in the second bar
    part = bar_map(checkpoint, found, first=2, count=2)
    assert part.labels == (2, 3) and np.allclose(part.shares, whole.shares[2:4, 2:4])


def test_a_bar_reads_what_its_notes_read_on_average() -> None:
    checkpoint = made("attention")
    found = thoughts(checkpoint, tune(bars=4))
    for bar, row in enumerate(bar_map(checkpoint, found).shares.tolist()):
        wanted = np.zeros(4)
        for index in range(4 * bar, 4 * bar + 4):
            for note, share in note_reads(checkpoint, found, index).notes:
                wanted[note // 4] += share / 4
        assert row == pytest.approx(wanted.tolist(), abs=1e-6)
