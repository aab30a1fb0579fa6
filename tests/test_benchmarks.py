"""The protocols of the public benchmarks: what is scored is a probability of the piece, and it reads only the past."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from musicdemo.likelihood import note_nats
from musicdemo.models.build import Network
from tests.small_benchmarks import (
    CHORALE,
    FRAME,
    PAST,
    SMALL_KEYS,
    all_steps,
    frame_subsets,
    network,
    only_small_keys,
    only_sung,
    rolls,
    total,
)
from tests.small_corpora import corpus_of, melody
from tests.tiny import tiny_checkpoint
from training.benchmarks import boulanger, jsb
from training.benchmarks.boulanger import KEYS, Given
from training.benchmarks.columns import DrawConfig, Events, PieceSampler, shift_range, transposed
from training.benchmarks.figures import figures
from training.benchmarks.jsb import Step
from training.benchmarks.note_events import grid_figures
from training.benchmarks.scoring import (
    Allowed,
    log_probabilities,
    mean_probability,
    nats_per_unit,
    over_transpositions,
    something,
)
from training.benchmarks.table import write_tables
from training.benchmarks.tasks import BENCHMARKS, Benchmark, Preset, Task, load_task
from training.benchmarks.train import load, train


def test_the_probabilities_of_all_sets_of_keys_sum_to_one() -> None:
    pieces = [FRAME.encode(rolls(keys)) for keys in frame_subsets()]
    probabilities = total(log_probabilities(network(FRAME.layout), pieces, only_small_keys))
    assert len(probabilities) == 2**SMALL_KEYS
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)


def test_the_probabilities_of_all_pairs_of_frames_sum_to_one() -> None:
    pairs = itertools.product(frame_subsets(), repeat=2)
    pieces = [FRAME.encode(rolls(*pair)) for pair in pairs]
    assert total(log_probabilities(network(FRAME.layout), pieces, only_small_keys)).sum() == pytest.approx(1)


def test_a_set_of_keys_is_written_in_one_way_and_can_be_read_back() -> None:
    frames = [{0, 40, 87}, set(), {40}, {3, 4}]
    keys = FRAME.encode(rolls(*frames))[1:, list(FRAME.layout.charged)]
    assert [set(row[row >= 2] - 2) for row in keys] == frames
    assert keys[0].tolist() == [89, 42, 2, boulanger.END]
    assert keys[1].tolist() == [boulanger.END, 0, 0, 0]


def test_a_frame_of_more_notes_than_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="4 notes"):
        FRAME.encode(rolls(set(range(5))))


def test_no_key_is_allowed_above_the_last_one_and_after_the_lowest_the_frame_ends() -> None:
    events = torch.from_numpy(FRAME.encode(rolls({0, 5})))[1]
    assert FRAME.allowed(events, FRAME.key(0)).sum() == 1 + KEYS
    assert FRAME.allowed(events, FRAME.key(1)).nonzero().flatten().tolist() == [boulanger.END, 2, 3, 4, 5, 6]
    assert FRAME.allowed(events, FRAME.key(2)).nonzero().flatten().tolist() == [boulanger.END]


def test_a_note_is_told_what_the_last_frame_has_below_the_note_before_it_and_for_how_long() -> None:
    last = FRAME.encode(rolls({9, 5}, {9, 5, 3}, {9, 4}))[3]
    told = [(last[FRAME.next(slot)] - 2, last[FRAME.hold(slot)]) for slot in range(3)]
    assert told == [(9, 2), (5, 2), (3, 1)]


@pytest.mark.parametrize("past", [PAST[:0], PAST[:1], PAST])
def test_the_probabilities_of_all_steps_sum_to_one_after_any_past(past: np.ndarray) -> None:
    scored = log_probabilities(network(jsb.LAYOUT), all_steps(past), only_sung)
    assert total([part[-1:] for part in scored]).sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("benchmark", ["jsb", "boulanger"])
def test_a_later_step_changes_no_earlier_probability(benchmark: str) -> None:
    if benchmark == "jsb":
        other = CHORALE.copy()
        other[-1] = [60, 60, 48, 40]
        pieces, layout = [jsb.encode(CHORALE), jsb.encode(other)], jsb.LAYOUT
        allowed: Allowed = something(layout)
    else:
        pieces = [FRAME.encode(rolls({3, 9}, {4}, last)) for last in ({60, 2}, {8, 7})]
        layout, allowed = FRAME.layout, FRAME.allowed
    one, two = log_probabilities(network(layout), pieces, allowed)
    same = 4 if benchmark == "jsb" else 2
    np.testing.assert_allclose(one[:same], two[:same], atol=1e-6)
    assert not np.allclose(one[same:], two[same:])


def test_the_first_step_is_scored() -> None:
    scored = log_probabilities(network(jsb.LAYOUT), [jsb.encode(CHORALE[:1])], something(jsb.LAYOUT))
    assert scored[0].shape == (1, 4)
    assert (scored[0] < 0).all()


def test_what_is_given_at_a_step_is_known_before_it() -> None:
    given = [column for column in Step if column not in jsb.SUNG]
    for length in range(1, len(CHORALE)):
        cut = jsb.encode(np.concatenate([CHORALE[:length], [[60, 60, 60, 60]]]))
        assert (cut[-1, given] == jsb.encode(CHORALE)[length + 1, given]).all()


def test_samples_of_a_network_cost_as_many_nats_as_its_entropy() -> None:
    model = network(jsb.LAYOUT)
    outcomes = all_steps(PAST)
    probabilities = total([part[-1:] for part in log_probabilities(model, outcomes, only_sung)])
    entropy = -(probabilities * np.log(probabilities)).sum()
    drawn = sampled_steps(model, PAST, count=4000)
    nats = [-part[-1].sum() for part in log_probabilities(model, drawn, only_sung)]
    assert np.mean(nats) == pytest.approx(entropy, abs=4 * np.std(nats) / len(nats) ** 0.5)


def sampled_steps(model: Network, past: np.ndarray, *, count: int) -> list[Events]:
    """Draw the step after `past` column by column."""
    events = torch.from_numpy(jsb.encode(np.concatenate([past, [[-1] * 4]]))).expand(count, -1, -1).clone()
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        hidden, _ = model.read(events[:, :-1], model.start(count))
        for column in jsb.SUNG:
            logits = model.logits(hidden[:, -1], events[:, -1], column)
            logits = logits.masked_fill(~only_sung(events[:, -1], column), -torch.inf)
            events[:, -1, column] = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
    return list(events.numpy())


def test_a_mean_of_networks_is_a_probability() -> None:
    members = [log_probabilities(network(jsb.LAYOUT, random_seed=seed), all_steps(PAST), only_sung) for seed in (0, 1)]
    mean = mean_probability(members)
    assert total([part[-1:] for part in mean]).sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(np.exp(mean[5]), (np.exp(members[0][5]) + np.exp(members[1][5])) / 2)


def test_a_mean_over_transpositions_gives_a_step_the_mean_of_what_each_gives_it() -> None:
    model, shifts, piece = network(jsb.LAYOUT), (-1, 0, 2), jsb.encode(CHORALE)
    (mean,) = over_transpositions(model, [piece], jsb.LAYOUT, something(jsb.LAYOUT), shifts)
    moved = [transposed(piece, jsb.LAYOUT, shift) for shift in shifts]
    each = [np.exp(part) for part in log_probabilities(model, moved, something(jsb.LAYOUT))]
    np.testing.assert_allclose(np.exp(mean), np.mean(each, axis=0), rtol=1e-5)


def test_a_mean_over_transpositions_gives_no_pitch_more_than_there_is() -> None:
    """A soprano runs over all pitches that every shift leaves in range; the rest is what lies outside."""
    pieces = [jsb.encode(np.array([[pitch, 60, 60, 60]])) for pitch in range(jsb.LOWEST + 1, jsb.HIGHEST - 1)]
    scored = over_transpositions(network(jsb.LAYOUT), pieces, jsb.LAYOUT, something(jsb.LAYOUT), (-1, 0, 2))
    assert 0 < sum(np.exp(part[0, 0]) for part in scored) < 1


def test_pieces_weigh_by_their_length() -> None:
    scored = [np.log(np.full((1, 4), 0.5)), np.log(np.full((3, 4), 0.25))]
    by_hand = (4 * np.log(2) + 12 * np.log(4)) / 16
    assert nats_per_unit(scored, 16) == pytest.approx(by_hand)


def test_a_transposed_chorale_is_the_chorale_of_transposed_pitches() -> None:
    moved = np.where(CHORALE < 0, CHORALE, CHORALE + 2)
    events, expected = transposed(jsb.encode(CHORALE), jsb.LAYOUT, 2), jsb.encode(moved)
    assert (events == expected).all()
    with pytest.raises(ValueError, match="shift"):
        transposed(events, jsb.LAYOUT, 60)


def test_a_piece_is_moved_only_where_its_pitches_have_room_and_its_key_is_told() -> None:
    piece = FRAME.encode(rolls({0, 80}))
    assert shift_range(piece, FRAME.layout, 6) == (0, 6)
    moved = transposed(piece, FRAME.layout, 6)
    assert (moved[1:, Given.SHIFT] - piece[1:, Given.SHIFT] == 6).all()
    assert (moved[0] == piece[0]).all()


def test_an_epoch_draws_every_event_once_and_reads_long_pieces_in_windows() -> None:
    pieces = [FRAME.encode(rolls(*[{key}] * 7)) for key in range(4)]
    sampler = PieceSampler(pieces, FRAME.layout, DrawConfig(rows=2, window=4, excerpt=100), seed=0)
    per_group = -(-(len(pieces[0]) - 1) // 4)
    drawn = [sampler.batch() for _ in range(2 * per_group)]
    assert sum(batch.units for batch in drawn) == len(pieces) * 7
    assert [bool(batch.begins[0, 0]) for batch in drawn] == [True, False] * 2


def test_given_values_are_left_open_at_random_in_training_and_chosen_ones_never() -> None:
    piece = jsb.encode(np.tile(CHORALE, (40, 1)))
    given = [column for column in Step if column not in jsb.SUNG]
    drawn = PieceSampler([piece], jsb.LAYOUT, DrawConfig(rows=1, forget=0.3), seed=0).batch().events[0]
    assert (drawn[:, jsb.SUNG] == piece[:, jsb.SUNG]).all()
    changed = drawn[1:, given] != piece[1:, given]
    assert not drawn[1:, given][changed].any()
    assert changed[piece[1:, given] > 0].mean() == pytest.approx(0.3, abs=0.05)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with three splits of one chorale each."""
    path = tmp_path / BENCHMARKS["jsb-16th"].file
    path.parent.mkdir()
    chorales = [CHORALE.tolist(), CHORALE[1:].tolist()]
    path.write_text(json.dumps(dict.fromkeys(("train", "valid", "test"), chorales)))
    return tmp_path


@pytest.fixture
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.mark.usefixtures("_seeded")
def test_a_benchmark_is_trained_scored_and_tabled(data: Path) -> None:
    preset = Preset(hidden=8, max_steps=1, validate_every=1, draw=DrawConfig(rows=2))
    task = load_task("jsb-16th", data)
    assert task.units == dict.fromkeys(("train", "valid", "test"), 4 * 9)
    folder = data / "run"
    train(task, preset, folder, seed=0, report=lambda _: None)
    model = load(task, preset, folder)
    benchmark = Benchmark("", lambda *_: task, preset, shifts=(0, 1))
    lines = {line["line"]: line for line in figures(task, benchmark, [model, network(jsb.LAYOUT)])}
    assert len(lines) == 8
    by_hand = nats_per_unit(log_probabilities(model, task.pieces["test"], task.allowed), task.units["test"])
    assert lines["one network"]["each"][0]["test"] == pytest.approx(by_hand, abs=1e-4)
    document = {"unit": "nats per pitch", "pieces": dict.fromkeys(task.pieces, 2), "parameters": 5}
    runs = [{"seed": 0, "steps": 1, "minutes": 0.1, "valid": 1.0}]
    (data / "jsb-16th.json").write_text(json.dumps(document | {"runs": runs, "lines": list(lines.values())}))
    write_tables(data)
    assert f"| {lines['one network']['valid']:.3f} |" in (data / "README.md").read_text()


def test_a_model_of_notes_is_charged_for_all_its_events_and_shared_among_the_pitches_of_the_grid(
    tmp_path: Path, data: Path
) -> None:
    checkpoint, songs = tiny_checkpoint(tmp_path / "model"), [melody(1), melody(2, bars=2)]
    corpus = corpus_of("chorale", *songs)
    arrays = {f"{split}_{name}": getattr(corpus, name) for split in ("valid", "test") for name in ("events", "lengths")}
    np.savez(tmp_path / "chorale.npz", **arrays)
    figures_of = grid_figures(checkpoint, tmp_path, data / BENCHMARKS["jsb-16th"].file)
    by_hand = sum(sum(note_nats(checkpoint, song, style="")[0]) for song in songs) / (4 * 9)
    assert figures_of["test"]["nats_per_pitch"] == pytest.approx(by_hand, abs=1e-3)
    assert sum(figures_of["valid"]["columns"].values()) == pytest.approx(by_hand, abs=1e-2)


def test_a_task_reads_what_it_was_given(data: Path) -> None:
    task: Task = load_task("jsb-16th", data)
    assert [len(piece) for piece in task.pieces["valid"]] == [6, 5]
