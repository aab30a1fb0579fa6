"""Laws of continuing a piece, on a tiny untrained network: what stands, what is added, and what is repeated."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.checkpoint import Checkpoint
from musicdemo.decoding.beam_groups import normalised_score
from musicdemo.generation import (
    REPORT_EVERY,
    STEPPERS,
    Continuation,
    GenerationSettings,
    OnProgress,
    Progress,
    generate,
)
from musicdemo.likelihood import STYLE_COLUMNS, note_nats
from musicdemo.music.midi import read_midi, write_midi
from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track, TrackKey
from musicdemo.music.vocabulary import EMPTY_BAR, END, NEXT_BAR, PREDICTED, Column
from musicdemo.music.wishes import FixedNote
from tests.strategies import scores
from tests.tiny import OPENINGS, TOKENIZER, tiny_checkpoint, tune

quick = settings(max_examples=20, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny")


def one_note() -> Score:
    return Score((Track((Note(0, 60, 12),)),))


def drums() -> Score:
    return tune(is_drum=True)


def changing() -> Score:
    """4/4 then 3/4, at 90 and later at 140, for three players."""
    notes = tuple(Note(12 * i, 55 + i, 12) for i in range(4 + 9))
    tracks = (Track(notes, program=40, name="Vl."), Track(notes[::3], program=40, voice=1), Track(notes, is_drum=True))
    meters, tempos = (
        (MeterChange(0, Meter()), MeterChange(48, Meter(3, 4))),
        (TempoChange(0, 90.0), TempoChange(50, 140.0)),
    )
    return Score(tracks, meters, tempos, "Étude")


def hanging() -> Score:
    """The last notes go on behind the next bar line, 50 steps from where they begin."""
    return Score((Track((*(Note(12 * i, 60 + i, 12) for i in range(3)), Note(36, 70, 50), Note(36, 74, 14))),))


def sparse() -> Score:
    """One note holds on for 80 bars after another."""
    return Score((Track((Note(0, 60, 12), Note(48, 62, 80 * 48))),))


SEEDS = {
    "one note": one_note(),
    "drums": drums(),
    "changing": changing(),
    "hanging": hanging(),
    "70 bars": tune(bars=70),
    "sparse": sparse(),
    "two bars": tune(),
}
each_seed = pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS.keys())


def notes_before(score: Score, step: int) -> dict[TrackKey, list[Note]]:
    found = {track.key: [note for note in track.notes if note.onset < step] for track in score.tracks}
    return {key: notes for key, notes in found.items() if notes}


def check_continuation(made: Continuation, seed: Score, bars: int) -> None:
    """Hold a finished continuation to everything that is promised of it."""
    assert made.finished and made.new_bars == bars
    assert made.join == seed.bars[-1].end
    assert notes_before(made.score, made.join) == notes_before(seed, made.join)
    assert {t.key for t in made.score.tracks} == {t.key for t in seed.tracks}
    meter = seed.bars[-1].meter
    assert made.join + (bars - 2) * meter.bar_steps < made.score.end <= made.join + bars * meter.bar_steps
    assert all(made.score.meter_at(made.join + step) == meter for step in range(bars * meter.bar_steps))
    assert all(made.score.meter_at(step) == seed.meter_at(step) for step in range(made.join))
    assert all(made.score.tempo_at(step) == seed.tempo_at(step) for step in range(made.join))
    times = made.events[:, Column.TIME]
    assert ((times >= NEXT_BAR) | (times == EMPTY_BAR)).sum() == bars and END not in times
    assert made.new_notes == made.score.note_count - seed.note_count == (made.events[:, Column.PITCH] > 0).sum()
    assert made.seed_notes == seed.note_count
    assert made.log_prob <= 0 and math.isfinite(made.log_prob)
    check_midi(made.score)


def check_midi(score: Score) -> None:
    """What was made can be written and read: every onset and pitch, the metres and, to a hundredth, the tempos."""
    read = read_midi(write_midi(score))
    again = read.score
    assert not read.report.overlaps_cut, "MIDI can hold no pitch of a track twice"

    def struck(one: Score) -> Counter[tuple[bool, int, int, int]]:
        found = {(t.key, n.onset, n.pitch) for t in one.tracks for n in t.notes}
        return Counter((key.is_drum, key.program, onset, pitch) for key, onset, pitch in found)

    assert struck(again) == struck(score)
    assert all(again.meter_at(step) == score.meter_at(step) for step in range(score.end))


def same(one: Continuation, other: Continuation) -> bool:
    return np.array_equal(one.events, other.events) and (one.score, one.log_prob) == (other.score, other.log_prob)


@each_seed
@pytest.mark.parametrize("temperature", [0, 1, 5])
def test_a_seed_stands_and_so_many_bars_follow(checkpoint: Checkpoint, seed: Score, temperature: float) -> None:
    asked = GenerationSettings(bars=3, temperature=temperature, variations=2, random_seed=11)
    for made in generate(checkpoint, asked, seed=seed):
        check_continuation(made, seed, 3)


@quick
@given(seed=scores(last_onset=200), bars=st.integers(1, 4), random_seed=st.integers(0, 2**63 - 1))
def test_any_seed_can_be_continued(checkpoint: Checkpoint, seed: Score, bars: int, random_seed: int) -> None:
    (made,) = generate(checkpoint, GenerationSettings(bars=bars, random_seed=random_seed), seed=seed)
    check_continuation(made, seed, bars)


def test_new_bars_move_at_the_tempo_that_ruled_longest(checkpoint: Checkpoint) -> None:
    (made,) = generate(checkpoint, GenerationSettings(bars=2), seed=changing())
    assert made.score.tempo_at(made.join) == 140  # from step 50 of 156
    slow = replace(changing(), tempos=(TempoChange(0, 90.0), TempoChange(100, 140.0)))
    (made,) = generate(checkpoint, GenerationSettings(bars=2), seed=slow)
    assert [made.score.tempo_at(step) for step in (99, 100, made.join)] == [90, 140, 90]


@each_seed
def test_the_same_arguments_make_the_same_piece(checkpoint: Checkpoint, seed: Score) -> None:
    asked = GenerationSettings(bars=2, random_seed=5)
    assert same(*generate(checkpoint, asked, seed=seed), *generate(checkpoint, asked, seed=seed))


def test_another_random_seed_makes_another_piece(checkpoint: Checkpoint) -> None:
    pieces = [generate(checkpoint, GenerationSettings(bars=2, random_seed=n), seed=tune())[0] for n in range(3)]
    assert not any(same(pieces[i], pieces[j]) for i in range(3) for j in range(i))


def test_a_variation_does_not_depend_on_how_many_there_are(checkpoint: Checkpoint) -> None:
    eight = generate(checkpoint, GenerationSettings(bars=2, variations=8), seed=tune())
    assert len(eight) == 8
    for count in (1, 3, 4):
        fewer = generate(checkpoint, GenerationSettings(bars=2, variations=count), seed=tune())
        assert len(fewer) == count and all(map(same, fewer, eight))
    assert len({made.events.tobytes() for made in eight}) == 8


def test_at_temperature_zero_chance_plays_no_part(checkpoint: Checkpoint) -> None:
    cold = [
        generate(checkpoint, GenerationSettings(bars=2, temperature=0, random_seed=n), seed=tune())[0] for n in (1, 2)
    ]
    assert same(*cold)


@pytest.mark.parametrize("random_seed", range(4))
def test_from_nothing_a_piece_begins_as_its_style_does(checkpoint: Checkpoint, random_seed: int) -> None:
    (made,) = generate(checkpoint, GenerationSettings(bars=4, random_seed=random_seed))
    assert made.finished and (made.join, made.seed_notes, made.new_bars) == (0, 0, 4)
    opening = next(o for o in OPENINGS[made.style] if o.meter == made.score.meters[0].meter)
    assert made.score.tempos == (TempoChange(0, opening.tempo),)
    if opening.tracks is not None:
        assert {track.key for track in made.score.tracks} <= opening.tracks
    assert made.new_notes == made.score.note_count > 0
    check_midi(made.score)


def test_an_empty_seed_is_nothing(checkpoint: Checkpoint) -> None:
    asked = GenerationSettings(bars=2, random_seed=3)
    assert same(*generate(checkpoint, asked), *generate(checkpoint, asked, seed=Score((Track(()),))))


def test_beams_are_different_pieces_best_first(checkpoint: Checkpoint) -> None:
    found = generate(checkpoint, GenerationSettings(bars=1, beam_width=4, variations=4), seed=one_note())
    assert len({made.events.tobytes() for made in found}) == len(found) == 4
    ranks = [normalised_score(made.log_prob, len(made.events) + 1, 1.0) for made in found]
    assert ranks == sorted(ranks, reverse=True)
    for made in found:
        check_continuation(made, one_note(), 1)
    (best,) = generate(checkpoint, GenerationSettings(bars=1, beam_width=4), seed=one_note())
    assert same(best, found[0])


def test_a_beam_of_one_takes_the_most_probable_value_each_time(checkpoint: Checkpoint) -> None:
    (beam,) = generate(checkpoint, GenerationSettings(bars=2, beam_width=1), seed=tune())
    (cold,) = generate(checkpoint, GenerationSettings(bars=2, temperature=0), seed=tune())
    assert same(beam, cold)


def watching(seen: list[Progress]) -> OnProgress:
    """Collect what is reported, and never stop."""

    def collect(progress: Progress) -> bool:
        seen.append(progress)
        return True

    return collect


def test_beams_are_of_the_kind_that_was_asked_for(checkpoint: Checkpoint) -> None:
    def found(**how: object) -> list[Continuation]:
        asked = GenerationSettings(bars=2, beam_width=4, variations=4, retries=0, **how)  # type: ignore[arg-type]
        return generate(checkpoint, asked, seed=tune())

    plain, alone = found(beam_kind="plain"), found(beam_kind="diverse", beam_groups=1)
    assert [each.log_prob for each in plain] == [each.log_prob for each in alone]
    diverse, drawn = found(beam_kind="diverse"), found(beam_kind="stochastic")
    assert diverse[0].log_prob == found()[0].log_prob  # what one gets who names no kind
    assert min(each.log_prob for each in diverse) < min(each.log_prob for each in plain)
    assert not np.array_equal(drawn[0].events, found(beam_kind="stochastic", random_seed=1)[0].events)


def test_both_steppers_write_for_any_seed_and_a_third_is_refused(checkpoint: Checkpoint) -> None:
    asked = GenerationSettings(bars=1, temperature=0)
    for name in STEPPERS:
        (made,) = generate(checkpoint, asked, seed=tune(), stepper=name)
        assert made.finished and made.new_notes
    with pytest.raises(ValueError, match="one of onnx, torch, not 'quantum'"):
        generate(checkpoint, asked, seed=tune(), stepper="quantum")


@pytest.mark.parametrize("beam_width", [None, 2])
def test_who_stops_keeps_what_there_is(checkpoint: Checkpoint, beam_width: int | None) -> None:
    seen: list[Progress] = []

    def stop_at_the_second(progress: Progress) -> bool:
        seen.append(progress)
        return len(seen) < 2

    asked = GenerationSettings(bars=32, beam_width=beam_width)
    (made,) = generate(checkpoint, asked, seed=tune(), on_progress=stop_at_the_second)
    assert len(seen) == 2 and not made.finished
    assert len(made.events) == 1 + REPORT_EVERY and made.score == seen[-1].score
    assert notes_before(made.score, made.join) == notes_before(tune(), 96)


@pytest.mark.parametrize("beam_width", [None, 2])
def test_progress_grows_from_the_seed_nearly_to_the_last_bar(checkpoint: Checkpoint, beam_width: int | None) -> None:
    seen: list[Progress] = []
    asked = GenerationSettings(bars=12, beam_width=beam_width, variations=2)
    made = generate(checkpoint, asked, seed=changing(), on_progress=watching(seen))
    assert {(p.bars_total, p.join) for p in seen} == {(12, 48 + 3 * 36)}
    done = [p.bars_done for p in seen]
    assert 0 == done[0] < done[-1] <= 12 and done[-1] >= 12 - REPORT_EVERY
    assert all(notes_before(p.score, p.join) == notes_before(changing(), p.join) for p in seen)
    if beam_width is None:
        assert done == sorted(done)
        final = notes_before(made[0].score, 10**6)
        assert all(set(n) <= set(final[key]) for key, n in notes_before(seen[-2].score, seen[-2].join).items())
    if beam_width is None:
        assert all(map(same, made, generate(checkpoint, asked, seed=changing())))  # being watched changes nothing


def test_who_watches_can_stop_until_the_last_row_has_ended(checkpoint: Checkpoint) -> None:
    longest_wait = 0
    for random_seed in range(3):
        seen: list[Progress] = []
        asked = GenerationSettings(bars=12, variations=12, random_seed=random_seed)
        made = generate(checkpoint, asked, seed=tune(), on_progress=watching(seen))
        lengths = [len(row.events) + 1 for row in made]  # with END
        assert len(seen) == math.ceil(max(lengths) / REPORT_EVERY)
        longest_wait = max(longest_wait, max(lengths) - lengths[0])
    assert longest_wait > REPORT_EVERY  # the first row ended early, or this would show nothing


@torch.inference_mode()
def nats_one_by_one(
    checkpoint: Checkpoint, seed: Score, style: str, columns: Sequence[Column] = PREDICTED
) -> list[float]:
    """Nats of each event after START, by reading them one by one and by the definition of the softmax."""
    events, model = TOKENIZER.encode(seed, style=style), checkpoint.model
    state, nats = model.start(1), []
    for event, following in pairwise(events):
        hidden, state = model.read(torch.from_numpy(event)[None, None], state)
        surprise = 0.0
        for column in columns:
            if following[column]:  # a silent bar and the end have a time and nothing more
                scores = model.logits(hidden[:, 0], torch.from_numpy(following)[None], column)[0].double().tolist()
                surprise += math.log(math.fsum(map(math.exp, scores))) - scores[following[column]]
        nats.append(surprise)
    return nats


@pytest.mark.parametrize("style", ["air", "band"])
@pytest.mark.parametrize("name", ["two bars", "changing", "70 bars"])
def test_nats_are_what_the_network_says_event_by_event(checkpoint: Checkpoint, name: str, style: str) -> None:
    nats, events = note_nats(checkpoint, SEEDS[name], style=style)
    assert nats == pytest.approx(nats_one_by_one(checkpoint, SEEDS[name], style), abs=1e-4)
    assert np.array_equal(events, TOKENIZER.encode(SEEDS[name], style=style)[1:])


@pytest.mark.parametrize(("name", "style"), [("two bars", "air"), ("changing", "band")])
def test_style_auto_is_one_whose_pieces_have_drums_where_the_seed_has(
    checkpoint: Checkpoint, name: str, style: str
) -> None:
    assert generate(checkpoint, GenerationSettings(bars=1), seed=SEEDS[name])[0].style == style
    nats, events = note_nats(checkpoint, SEEDS[name])
    assert nats == note_nats(checkpoint, SEEDS[name], style=style)[0]
    assert set(events[:, Column.STYLE]) == {TOKENIZER.style_value(style)}


@pytest.mark.parametrize("name", ["drums", "two bars", "hanging"])
def test_style_auto_is_the_likeliest_where_the_ensemble_tells_nothing(checkpoint: Checkpoint, name: str) -> None:
    blank = replace(checkpoint, openings={})
    sums = {style: sum(nats_one_by_one(blank, SEEDS[name], style, STYLE_COLUMNS)) for style in blank.styles}
    assert generate(blank, GenerationSettings(bars=1), seed=SEEDS[name])[0].style == min(sums, key=lambda s: sums[s])


def test_a_style_may_be_asked_for_and_an_unknown_one_is_refused(checkpoint: Checkpoint) -> None:
    for style in checkpoint.styles:
        assert generate(checkpoint, GenerationSettings(bars=1, style=style), seed=tune())[0].style == style
    for seed in (tune(), None):
        with pytest.raises(ValueError, match="'polka'; there are: air, band"):
            generate(checkpoint, GenerationSettings(style="polka"), seed=seed)


def test_a_network_without_styles_or_openings_still_plays(tmp_path: Path, checkpoint: Checkpoint) -> None:
    (made,) = generate(replace(checkpoint, openings={}), GenerationSettings(bars=2))
    assert made.finished and str(made.score.meters[0].meter) == "4/4"
    gru = tiny_checkpoint(tmp_path / "gru", architecture="gru")
    check_continuation(generate(gru, GenerationSettings(bars=2), seed=tune())[0], tune(), 2)


def test_threads_are_left_as_they_were(checkpoint: Checkpoint) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        generate(checkpoint, GenerationSettings(bars=1), seed=one_note())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"bars": 0}, {"bars": 65}, {"temperature": -0.1}, {"temperature": 5.1}, {"temperature": math.nan}),
        *({"temperature": math.inf}, {"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.1}, {"top_p": math.nan}),
        *({"beam_width": 0}, {"beam_width": 17}, {"variations": 0}, {"variations": 17}, {"random_seed": -1}),
        *({"random_seed": 2**63}, {"beam_width": 2, "variations": 3}, {"retries": 9}),
        *({"beam_kind": "curved", "beam_width": 2}, {"beam_groups": 3, "beam_width": 2}),
        {"temperature": 0, "beam_kind": "stochastic", "beam_width": 2},
    ],
    ids=str,
)
def test_nonsense_is_refused_in_a_sentence_that_names_it(wrong: dict[str, float]) -> None:
    name = (
        next(iter(wrong))
        .replace("_", "[ -]")
        .replace("beam[ -]width", "beam width")
        .replace("beam[ -]groups", "groups")
    )
    name = name.replace("beam[ -]kind", "kind of beams")
    with pytest.raises(ValueError, match=name):
        GenerationSettings(**wrong)  # type: ignore[arg-type]  # on purpose


def test_wishes_hold_for_a_network_and_their_cost_is_told(checkpoint: Checkpoint) -> None:
    must = FixedNote(60, 61, 12, 100)
    asked = GenerationSettings(
        bars=3, key="C major", ranges="seed", max_polyphony=2, cadence=True, fixed=(must,), variations=2
    )
    for made in generate(checkpoint, asked, seed=tune()):
        (track,) = made.score.tracks
        new = [note for note in track.notes if note.onset >= made.join]
        assert Note(made.join + 60, 61, 12, 100) in new
        free = [note for note in new if note.onset != made.join + 60 or note.pitch != 61]
        assert all(note.pitch % 12 in {0, 2, 4, 5, 7, 9, 11} and 55 <= note.pitch <= 77 for note in free)
        assert all(sum(other.onset <= note.onset < other.end for other in new) <= 2 for note in new)
        end = made.join + 3 * 48
        last = [note for note in new if note.end > end - 24]
        assert min(last).pitch % 12 == 0 and {note.onset for note in last} == {end - 24} and new[-1].end == end
        assert list(made.constraint_bits) == ["fixed notes", "range", "key", "cadence", "polyphony"]
        assert made.constraint_bits["key"] > 0 and all(map(math.isfinite, made.constraint_bits.values()))


@pytest.mark.parametrize("beam_width", [None, 2])
def test_who_wishes_for_nothing_pays_nothing(checkpoint: Checkpoint, beam_width: int | None) -> None:
    (made,) = generate(checkpoint, GenerationSettings(bars=1, beam_width=beam_width), seed=tune())
    assert made.constraint_bits == {}


def test_beams_keep_wishes_too(checkpoint: Checkpoint) -> None:
    (made,) = generate(checkpoint, GenerationSettings(bars=1, beam_width=3, key="C# major"), seed=tune())
    new = [note.pitch % 12 for note in made.score.tracks[0].notes if note.onset >= made.join]
    assert set(new) <= {1, 3, 5, 6, 8, 10, 0} and made.constraint_bits["key"] > 0


def test_wishes_for_what_is_not_there_are_refused(checkpoint: Checkpoint) -> None:
    for asked in ({"key": "detected"}, {"cadence": True}, {"ranges": "seed"}):
        with pytest.raises(ValueError, match="seed"):
            generate(checkpoint, GenerationSettings(bars=1, **asked))
    with pytest.raises(ValueError, match="behind the 48 steps"):
        generate(checkpoint, GenerationSettings(bars=1, fixed=(FixedNote(48, 60, 12),)), seed=tune())


@pytest.fixture(scope="module")
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A network that can hardly leave one pitch: now and then what it draws is degenerate."""
    made = tiny_checkpoint(tmp_path_factory.mktemp("stuck"), spread=1.0)
    with torch.no_grad():
        dict(made.model.named_parameters())[f"heads.scores.{int(Column.PITCH)}.bias"][61] += 14.0
    return made


def test_a_piece_that_got_stuck_is_drawn_again_from_the_next_noise(stuck: Checkpoint) -> None:
    asked = GenerationSettings(bars=16, variations=6, random_seed=1)
    firsts = generate(stuck, replace(asked, retries=0), seed=tune(bars=8))
    pieces = generate(stuck, asked, seed=tune(bars=8))
    assert {bool(made.retries) for made in pieces} == {True, False}
    for first, made in zip(firsts, pieces, strict=True):
        assert first.retries == 0 and first.is_degenerate == bool(first.reason)
        assert made.reason == first.reason and (made.retries > 0) == first.is_degenerate
        assert same(made, first) == (made.is_degenerate or not made.retries)
        check_continuation(made, tune(bars=8), 16)
    alone = generate(stuck, replace(asked, variations=1), seed=tune(bars=8))
    assert all(map(same, alone, pieces))


def test_what_no_chance_made_is_not_drawn_again(stuck: Checkpoint) -> None:
    (cold,) = generate(stuck, GenerationSettings(bars=16, temperature=0), seed=tune(bars=8))
    assert cold.is_degenerate and cold.reason and cold.retries == 0
