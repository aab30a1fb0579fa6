"""Laws of passages and of what a network writes behind them."""

import numpy as np
import pytest
import torch

from musicdemo.errors import MidiError
from musicdemo.models.recurrent import RecurrentModel
from musicdemo.music.vocabulary import END, NEXT_BAR, PREDICTED, PROGRAM_SIZE, SAME_BAR, START, TIME_SIZE, Column
from tests.small_corpora import corpus_of, melody
from tests.tiny import TOKENIZER, music_config, tiny_model
from training.openings import tracks_of
from training.passages import LENGTH, PRIMER, PassageSampler, held_out_passages, passage_of, stacked
from training.rollout import _mask, _write_event, choices, write

PIECES = [melody(number, bars=40) for number in range(4)]
CORPUS = corpus_of("band", *PIECES)
PASSAGES = held_out_passages(CORPUS, 2, pieces=4, a_piece=2)


def network(spread: float = 3.0) -> RecurrentModel:
    model = tiny_model(music_config(), spread=spread)
    assert isinstance(model, RecurrentModel)
    return model


def test_the_beginning_of_a_piece_is_a_passage_as_it_stands() -> None:
    events = TOKENIZER.encode(PIECES[0], style="band")[: PRIMER + LENGTH].astype(np.uint16)
    assert np.array_equal(passage_of(events).events, events)


def test_passages_of_held_out_pieces_are_their_music() -> None:
    assert [passage.piece for passage in PASSAGES] == [f"band {number}" for number in range(4) for _ in range(2)]
    for passage in PASSAGES:
        assert passage.events.shape == (PRIMER + LENGTH, len(Column))
        assert set(passage.events[:, Column.STYLE]) == {2} and passage.events[0, Column.TIME] == START
        (track,) = TOKENIZER.decode(passage.events.astype(np.int64)).tracks
        pitches = [note.pitch for note in PIECES[int(passage.piece.split()[1])].tracks[0].notes]
        found = [note.pitch for note in track.notes]
        assert any(pitches[at : at + len(found)] == found for at in range(len(pitches)))


def test_the_same_seed_draws_the_same_passages_and_another_others() -> None:
    first, again, other = (stacked(PassageSampler([CORPUS], ("air", "band"), seed=seed).draw(6)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_corpus_of_short_pieces_is_refused() -> None:
    with pytest.raises(MidiError, match="corpus air has no piece of 128 events"):
        PassageSampler([corpus_of("air", melody(0, bars=20))], ("air",), seed=0)


def test_what_a_network_writes_is_music_under_the_rules() -> None:
    torch.manual_seed(0)
    written = write(network(), PASSAGES).events.numpy()
    primers = stacked(PASSAGES).numpy()[:, :PRIMER]
    assert np.array_equal(written[:, :PRIMER], primers)
    assert not (written[..., Column.TIME] == END).any()
    for events, passage in zip(written, PASSAGES, strict=True):
        assert np.array_equal(passage_of(events.astype(np.uint16)).events, events)  # given columns follow
        notes = TOKENIZER.decode(events).note_count
        assert notes == (events[:, Column.PITCH] > 0).sum() > PRIMER
        assert tracks_of(events.astype(np.uint16)) == passage.tracks
    assert not np.array_equal(written[0, PRIMER:], written[1, PRIMER:])


def test_what_follows_a_primer_may_stay_in_its_bar() -> None:
    for passage in PASSAGES:  # START and 63 notes on the beats of 4/4, so one beat of the bar is left
        grammar = passage.grammar()
        allowed = np.flatnonzero(np.isfinite(grammar.constrain(Column.TIME, np.zeros(TIME_SIZE))))
        assert SAME_BAR + 36 in allowed and SAME_BAR + 12 not in allowed and NEXT_BAR in allowed and END not in allowed
        assert int(passage.events[PRIMER, Column.TIME]) == SAME_BAR + 36


def test_choices_say_what_was_written() -> None:
    model = network()
    written = write(model, PASSAGES)
    chosen = choices(model, written, relaxation=0.7)
    assert tuple(chosen) == PREDICTED
    for column, choice in chosen.items():
        one_hot = torch.nn.functional.one_hot(written.events[..., column], choice.shape[-1]).float()
        torch.testing.assert_close(choice, one_hot, rtol=0, atol=1e-6)


def test_values_are_drawn_as_often_as_the_softmax_says() -> None:
    rows, model = 4000, network()
    torch.manual_seed(1)
    passage = PASSAGES[0]
    with torch.no_grad():
        hidden, _ = model.read(stacked([passage])[:, :PRIMER], model.start(1))
    given = torch.tensor([[passage.grammar().given(column) for column in range(Column.TIME)]])
    with torch.no_grad():
        logits = model.logits(hidden[:, -1], given, Column.TIME)[0] / 0.8
        expected = (logits + _mask([passage.grammar()], Column.TIME, len(logits))[0]).softmax(-1)
        grammar = passage.grammar()
        event, _ = _write_event(model, hidden[:, -1].expand(rows, -1), [grammar.copy() for _ in range(rows)], 0.8)
    found = torch.bincount(event[:, Column.TIME], minlength=len(expected)) / rows
    assert bool(((found - expected).abs() <= 4.5 * (expected * (1 - expected) / rows).sqrt() + 1e-9).all())
    assert int((expected > 0.01).sum()) > 5


def test_a_gradient_reaches_the_weights_through_new_choices_alone() -> None:
    model = network()
    chosen = choices(model, write(model, PASSAGES), relaxation=1.0)
    for column, choice in chosen.items():
        values = torch.arange(choice.shape[-1]).float()
        reached = []
        for part in (choice[:, :PRIMER], choice[:, PRIMER:]):
            model.zero_grad()
            (part @ values).sum().backward(retain_graph=True)
            reached.append(any(weights.grad.any() for weights in model.parameters() if weights.grad is not None))
        assert reached == [False, column not in (Column.PROGRAM, Column.VOICE)]  # one track alone may speak here


def test_forbidden_values_get_no_gradient() -> None:
    model = network()
    written = write(model, PASSAGES)
    logits_bias = dict(model.named_parameters())[f"heads.scores.{int(Column.PROGRAM)}.bias"]
    choice = choices(model, written, relaxation=0.5)[Column.PROGRAM]
    (gradient,) = torch.autograd.grad((choice @ torch.arange(PROGRAM_SIZE).float()).sum(), logits_bias)
    assert torch.isfinite(gradient).all() and not gradient.any()


def test_a_network_learns_through_its_choices_to_write_what_is_rewarded() -> None:
    torch.manual_seed(2)
    model = network(spread=1.0)
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    high = (torch.arange(TOKENIZER.sizes[Column.PITCH]) > 64).float()
    shares = []
    for _ in range(8):
        written = write(model, PASSAGES)
        reward = (choices(model, written, relaxation=1.0)[Column.PITCH][:, PRIMER:] @ high).mean()
        optimizer.zero_grad()
        (-reward).backward()
        optimizer.step()
        shares.append(reward.item())
    assert shares[0] < 0.65 and shares[-1] > 0.85
