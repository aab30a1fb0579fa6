"""The shipped seeds: complete, playable by their instruments, in the keys and metres that the tunes are known in."""

from importlib.resources import files
from itertools import combinations, pairwise

import pytest

from musicdemo.music.harmony import detect_key
from musicdemo.music.midi import read_midi, write_midi
from musicdemo.music.score import Meter, Note
from musicdemo.seeds import MENU, Seed, find_seed, shipped_seeds

RANGES = {
    "Flute": (60, 96),
    "Recorder": (60, 86),
    "English Horn": (52, 81),
    "Violin": (55, 100),
    "Fiddle": (55, 100),
    "Viola": (48, 88),
    "Cello": (36, 76),
    "Acoustic Bass": (28, 67),
    "Acoustic Guitar (nylon)": (40, 83),
    "Acoustic Guitar (steel)": (40, 83),
    "Orchestral Harp": (24, 103),
    "Koto": (43, 81),
    "Tenor Sax": (44, 76),
    "Muted Trumpet": (54, 84),
    "Drawbar Organ": (36, 96),
    "Acoustic Grand Piano": (21, 108),
    "Choir Aahs": (40, 81),
}
"""Sounding ranges as orchestration books give them; for a choir, from the basses' E2 to the sopranos' A5."""

every_seed = pytest.mark.parametrize("seed", shipped_seeds(), ids=MENU)


def text_of(name: str) -> str:
    return files("musicdemo").joinpath("seed_scores", f"{name}.txt").read_text(encoding="utf-8")


def test_the_menu_names_each_file_once() -> None:
    written = {path.name for path in files("musicdemo").joinpath("seed_scores").iterdir()}
    assert written == {f"{name}.txt" for name in MENU}
    assert len(MENU) == len(set(MENU)) >= 8


def test_a_seed_is_found_by_its_name_and_another_is_refused() -> None:
    assert find_seed("greensleeves").title == "Greensleeves"
    with pytest.raises(ValueError, match="there is no seed 'yesterday'; there are minuet-in-g"):
        find_seed("yesterday")


@every_seed
def test_a_seed_says_what_it_is_and_where_it_is_from(seed: Seed) -> None:
    assert seed.title == seed.score.title and seed.composer
    assert "general knowledge" in seed.description or seed.composer == "Composed for this project"


@every_seed
def test_every_track_has_bar_lines_and_the_last_bar_is_full(seed: Seed) -> None:
    blocks = text_of(seed.name).split("track:")[1:]
    bars = seed.score.bars
    assert 4 <= len(bars) <= 16
    assert all(block.rstrip().endswith("|") for block in blocks)  # the reader checks a bar at its bar line
    assert all(block.count("|") == len(bars) for block in blocks)


@every_seed
def test_a_seed_survives_a_midi_file(seed: Seed) -> None:
    file = read_midi(write_midi(seed.score))
    assert file.score == seed.score
    assert not file.report.repairs and not file.report.drops


@every_seed
def test_instruments_stay_within_their_ranges(seed: Seed) -> None:
    names = [line.removeprefix("track: ") for line in text_of(seed.name).splitlines() if line.startswith("track:")]
    for name, track in zip(names, seed.score.tracks, strict=True):
        low, high = (35, 81) if track.is_drum else RANGES[name]
        assert all(low <= note.pitch <= high for note in track.notes), name


@pytest.mark.parametrize(
    ("name", "meter", "key"),
    [
        ("minuet-in-g", Meter(3, 4), "G major"),
        ("ode-to-joy", Meter(4, 4), "D major"),
        ("old-hundredth", Meter(4, 4), "G major"),
        ("canon-in-d", Meter(4, 4), "D major"),
        ("greensleeves", Meter(6, 8), "A minor"),
        ("scarborough-fair", Meter(3, 4), "D minor"),
        ("jasmine-flower", Meter(4, 4), "F major"),
        ("irish-washerwoman", Meter(6, 8), "G major"),
        ("quartet-in-e-flat", Meter(4, 4), "E♭ major"),
        ("back-stairs-blues", Meter(4, 4), "F major"),
        ("pocket-groove", Meter(4, 4), "None"),
    ],
)
def test_a_tune_is_in_the_key_and_metre_that_it_is_known_in(name: str, meter: Meter, key: str) -> None:
    score = find_seed(name).score
    assert score.meters[0].meter == meter
    assert str(detect_key(score)) == key


def test_the_reel_uses_the_notes_of_its_dorian_mode_alone() -> None:
    notes = [note for track in find_seed("drowsy-maggie").score.tracks for note in track.notes]
    assert {note.pitch % 12 for note in notes} == {4, 6, 7, 9, 11, 1, 2}  # E F♯ G A B C♯ D


def test_the_hymn_moves_in_four_voices_without_parallel_fifths_or_octaves() -> None:
    voices = [track.notes for track in find_seed("old-hundredth").score.tracks]
    assert len({tuple((note.onset, note.duration) for note in voice) for voice in voices}) == 1
    for upper, lower in combinations(voices, 2):
        assert all(high.pitch >= low.pitch for high, low in zip(upper, lower, strict=True))
        for before, after in pairwise(zip(upper, lower, strict=True)):
            assert not is_parallel(before, after), f"step {after[0].onset}"


def is_parallel(before: tuple[Note, Note], after: tuple[Note, Note]) -> bool:
    """Whether two voices both move, from one perfect fifth or octave to another."""
    intervals = {(upper.pitch - lower.pitch) % 12 for upper, lower in (before, after)}
    moves = before[0].pitch != after[0].pitch and before[1].pitch != after[1].pitch
    return moves and intervals in ({0}, {7})


def test_the_violins_of_the_canon_play_the_same_two_bars_apart() -> None:
    first, second, third, _ = (track.notes for track in find_seed("canon-in-d").score.tracks)
    for follower, delay in ((second, 96), (third, 192)):
        assert [(note.onset - delay, note.pitch) for note in follower] == [
            (note.onset, note.pitch) for note in first[: len(follower)]
        ]


def test_the_blues_is_the_hard_case() -> None:
    score = find_seed("back-stairs-blues").score
    notes = [note for track in score.tracks for note in track.notes]
    assert len(score.tracks) >= 5 and any(track.is_drum for track in score.tracks)
    assert len(score.meters) == len(score.tempos) == 2
    assert any(note.onset % 12 in (4, 8) for note in notes)  # triplets
    assert any(note.onset < bar.start < note.end for note in notes for bar in score.bars)  # over a bar line
    piano = score.tracks[2].notes
    assert any(after.onset < before.end < after.end for before, after in pairwise(piano))


def test_one_seed_is_drums_alone_and_one_is_for_two_hands() -> None:
    assert all(track.is_drum for track in find_seed("pocket-groove").score.tracks)
    right, left = find_seed("minuet-in-g").score.tracks
    assert (right.program, left.program) == (0, 0) and len({note.velocity for note in right.notes}) > 5
