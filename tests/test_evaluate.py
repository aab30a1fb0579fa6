"""How a network is measured: nats per note, the baselines beside it, how pieces open, and the card of it all."""

import itertools
import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from musicdemo.checkpoint import METRICS, write_metrics
from musicdemo.models.build import Network
from musicdemo.music.opening import Opening
from musicdemo.music.score import Meter, Note, Score, Track, TrackKey
from musicdemo.music.vocabulary import DURATIONS, END, PREDICTED, START, TIME_SIZE, Column, column_sizes
from tests.small_corpora import corpus_of, encode, melody
from tests.tiny import music_config, tiny_checkpoint, tiny_model
from training import loss
from training.baselines import _bigram_odds, _cases, measure_baselines
from training.card import write_card
from training.dataset import Corpus, Events, batches
from training.loss import Nats, column_losses, measure
from training.openings import common_openings

PIECES = [encode(melody(number, bars=4 + 2 * number)) for number in range(4)]
PLAYERS = ((0, 0), (0, 1), (1, 0), (1, 1))
QUARTET = Score(tuple(Track(melody(n).tracks[0].notes, p, voice=v) for n, (p, v) in enumerate(PLAYERS)))


def model() -> Network:
    return tiny_model(music_config(), spread=3.0)


def brute_force(network: Network, piece: Events, style: int) -> dict[str, float]:
    """Sum -log p over one piece, an event and a column at a time, without windows or padding."""
    events = torch.from_numpy(piece.astype(np.int64))[None]
    events[..., Column.STYLE] = style
    sums = dict.fromkeys((column.name.lower() for column in PREDICTED), 0.0)
    state = network.start(1)
    for at in range(events.shape[1] - 1):
        hidden, state = network.read(events[:, at : at + 1], state)
        for column in PREDICTED:
            value = int(events[0, at + 1, column])
            if value and not (column == Column.TIME and value == START):
                logits = network.logits(hidden[:, 0], events[:, at + 1], column)
                sums[column.name.lower()] -= float(torch.log_softmax(logits.double(), -1)[0, value])
    return sums


@pytest.mark.parametrize("window", [1, 7, 256])
@torch.no_grad()
def test_nats_in_windows_are_those_of_every_event_by_itself(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "_CHUNK", window)
    network = model()
    found = measure(network, batches(PIECES, rows=3, style=2))
    singly = [brute_force(network, piece, 2) for piece in PIECES]
    assert found.columns == pytest.approx({name: sum(one[name] for one in singly) for name in singly[0]}, rel=1e-5)
    assert found.notes == 4 * (4 + 6 + 8 + 10)
    assert found.per_note == pytest.approx(sum(found.columns.values()) / 112)


def test_a_piece_costs_the_same_in_whatever_company() -> None:
    network = model()
    alone = [measure(network, batches([piece], rows=1, style=1)).per_note for piece in PIECES]
    for rows in (1, 2, 4):
        together = measure(network, batches(PIECES, rows=rows, style=1))
        notes = [int((piece[:, Column.PITCH] > 0).sum()) for piece in PIECES]
        assert together.per_note == pytest.approx(np.average(alone, weights=notes), abs=1e-4)


@torch.no_grad()
def test_padding_and_start_cost_nothing() -> None:
    network, hidden = model(), torch.randn(1, 2, 10, generator=torch.Generator().manual_seed(0))
    following = torch.zeros((1, 2, len(Column)), dtype=torch.int64)
    following[0, 0] = torch.from_numpy(PIECES[0][0].astype(np.int64))
    begins = following[..., Column.TIME] == START
    assert begins.tolist() == [[True, False]]
    assert not column_losses(network, hidden, following, begins).any()


def test_measuring_reads_each_piece_once_filled_up_with_zeros() -> None:
    seen = []
    for batch in batches(PIECES, rows=3, style=2):
        assert len(batch) <= 3
        for row in batch:
            length = int(np.flatnonzero(row[:, Column.TIME] == END)[0]) + 1
            assert not row[length:].any()
            assert (row[:length, Column.STYLE] == 2).all()
            seen.append(row[:length, 1:].tolist())
    assert sorted(seen) == sorted(piece[:, 1:].tolist() for piece in PIECES)


def test_nats_add_up() -> None:
    total = Nats({"time": 1.0, "pitch": 2.0}, 3) + Nats({"time": 0.5, "pitch": 4.0}, 2)
    assert total == Nats({"time": 1.5, "pitch": 6.0}, 5) and total.per_note == 1.5
    assert Nats({}, 0).per_note == 0


def test_baselines_of_two_equal_notes_are_those_worked_out_by_hand() -> None:
    corpus = corpus_of("two", Score((Track((Note(0, 60, 12), Note(12, 60, 12))),)))
    # Times: next bar + 0, this bar + 12, END, once each. The other columns: one value, twice. Add-one smoothing.
    time, rest = 2 / (3 + TIME_SIZE), [3 / (2 + size) for size in (130, 17, 257, len(DURATIONS) + 1, 17)]
    unigram = -(3 * math.log(time) + 2 * sum(map(math.log, rest))) / 2
    # Each context was seen once, with one value: (1 + 1 p) / (1 + 1).
    bigram = -(3 * math.log((1 + time) / 2) + 2 * sum(math.log((1 + odds) / 2) for odds in rest)) / 2
    found = measure_baselines(corpus, corpus)
    assert (found.unigram, found.bigram) == pytest.approx((unigram, bigram))


def cases(corpus: Corpus, column: Column) -> list[tuple[Any, int]]:
    """Context and value of each event that is charged, read piece by piece."""
    found = []
    for piece in corpus.pieces():
        for before, event in itertools.pairwise(piece.tolist()):
            context: Any = before[column]
            if column == Column.VOICE:
                context = (event[Column.PROGRAM], before[Column.VOICE])
            elif column == Column.PITCH:
                context = event[Column.LAST_PITCH]
            if event[column]:
                found.append((context, event[column]))
    return found


def test_baselines_equal_a_count_event_by_event() -> None:
    train, held_out = (
        corpus_of("mixed", QUARTET, melody(4), melody(5)),
        corpus_of("mixed", melody(6), QUARTET.transposed(1)),
    )
    unigram = bigram = 0.0
    for column in PREDICTED:
        seen, size = cases(train, column), column_sizes(0)[column]
        values = Counter(value for _, value in seen)
        followers: defaultdict[Any, Counter[int]] = defaultdict(Counter)
        for context, value in seen:
            followers[context][value] += 1
        for context, value in cases(held_out, column):
            odds = (values[value] + 1) / (len(seen) + size)
            unigram -= math.log(odds)
            after = followers[context]
            mixed = (after[value] + len(after) * odds) / (after.total() + len(after)) if after else odds
            bigram -= math.log(mixed)
    found = measure_baselines(train, held_out)
    notes = 20 + QUARTET.note_count
    assert (found.unigram, found.bigram) == pytest.approx((unigram / notes, bigram / notes))
    assert found.bigram < found.unigram


@pytest.mark.parametrize("column", PREDICTED)
def test_the_odds_of_a_context_sum_to_one(column: Column) -> None:
    seen, size = _cases(corpus_of("mixed", QUARTET, melody(4)), column), column_sizes(0)[column]
    unigram = (np.bincount(seen[1], minlength=size) + 1.0) / (len(seen[1]) + size)
    assert unigram.sum() == pytest.approx(1)
    unseen = int(seen[0].max()) + 1
    for context in {*seen[0].tolist(), unseen}:
        asked = (np.full(size, context), np.arange(size))
        assert _bigram_odds(seen, asked, unigram).sum() == pytest.approx(1)


def ensemble(*programs: int) -> Score:
    """One crotchet for each of some instruments."""
    return Score(tuple(Track((Note(0, 60, 12),), program=program) for program in programs))


def test_openings_are_counted_by_metre_and_ensemble() -> None:
    waltz = [melody(number, meter=Meter(3, 4), tempo=tempo, program=73) for number, tempo in enumerate((60, 80))]
    march = [melody(number, tempo=tempo) for number, tempo in enumerate((152, 100, 120))]
    drums = melody(9, is_drum=True, tempo=92)
    found = common_openings(corpus_of("mixed", *waltz, ensemble(*range(9)), *march, drums, Score()))
    assert found == (
        Opening(Meter(4, 4), 120.0, frozenset({TrackKey(False, 0, 0)})),
        Opening(Meter(3, 4), 80.0, frozenset({TrackKey(False, 73, 0)})),
        Opening(Meter(4, 4), 92.0, frozenset({TrackKey(True, 0, 0)})),
    )
    assert common_openings(corpus_of("mixed", *waltz, *march, drums), count=2) == found[:2]


HELD_OUT = {
    "air": {"pieces": 12, "notes": 3456, "nats_per_note": 4.321, "bigram": 6.543, "unigram": 8.765},
    "band": {"pieces": 7, "notes": 98765, "nats_per_note": 3.101, "bigram": 5.202, "unigram": 9.303},
}


def card_of(folder: Path, metrics: dict[str, Any]) -> str:
    write_metrics(folder, metrics)
    write_card(folder)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_card_shows_the_figures_of_every_corpus(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path)
    card = card_of(tmp_path, {"split": "valid", "held_out": HELD_OUT})
    assert "| air | 12 | 3,456 | **4.321** | 6.543 | 8.765 |" in card
    assert "| band | 7 | 98,765 | **3.101** | 5.202 | 9.303 |" in card
    assert "(valid split)" in card


@pytest.mark.parametrize("name", HELD_OUT["air"])
def test_every_figure_of_the_card_comes_from_the_metrics(name: str, tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path)
    before = card_of(tmp_path, {"split": "test", "held_out": HELD_OUT})
    changed = json.loads(json.dumps(HELD_OUT))
    changed["band"][name] += 1
    after = card_of(tmp_path, {"split": "test", "held_out": changed})
    differing = [old for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
    *in_model_index, in_table = differing
    assert in_table.startswith("| band |")
    assert [line.strip() for line in in_model_index] == ["value: 3.101"] * (name == "nats_per_note")


def test_the_card_says_what_it_was_trained_on_and_how_it_continues(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path)
    corpus = {"source": "a songbook", "licence": "CC0", "pieces": {"train": 1200}, "notes": {"train": 34567}}
    training, continuations = {"random_seed": 5, "steps": 777}, {"of them sound": 29}
    card = card_of(tmp_path, {"training": training, "corpora": {"air": corpus}, "continuations": continuations})
    assert "| air | a songbook | CC0 | 1,200 | 34,567 |" in card
    assert all(line in card for line in ("- random seed: 5", "- steps: 777", "- of them sound: 29"))


def test_a_checkpoint_that_was_never_measured_has_a_card_too(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path)
    (tmp_path / METRICS).unlink()
    write_card(tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    parameters = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    assert f"{parameters:,} parameters" in card and "LSTM of 2 layers with 10 units" in card
    assert "Held-out" not in card and "| corpus |" not in card
