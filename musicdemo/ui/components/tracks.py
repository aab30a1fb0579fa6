"""The tracks of a score, a row each: use it or not, its name and facts, a small picture, and a button that plays it.

Drawing and playing live in tracks.js; which tracks are used is kept by whoever draws the list.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from musicdemo.music.score import Score, Track
from musicdemo.ui.words import say, section_words

KEY = "tracks"
NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
PICTURE_NOTES = 300
"""A picture this small shows no more; of a longer track, every so many-th note is drawn."""

SPACE = 1000


def _asset(suffix: str) -> str:
    return Path(__file__).with_suffix(suffix).read_text(encoding="utf-8")


_mount = st.components.v2.component("tracks", html=_asset(".html"), css=_asset(".css"), js=_asset(".js"))


def track_list(
    score: Score, names: list[str], *, used: list[int], source: str, on_used: Callable[[list[int]], None]
) -> None:
    """Draw the list; `on_used` is called, before the page is drawn anew, with the numbers of the tracks to use.

    `source` is the address of the score's sound, which plays some of its tracks alone when asked with ?tracks=.
    """

    def hand_over() -> None:
        on_used(chosen_tracks(st.session_state[KEY]["used"], len(score.tracks)))

    _mount(key=KEY, data=list_data(score, names, used=used, source=source), on_used_change=hand_over)


def chosen_tracks(value: Any, count: int) -> list[int]:  # noqa: ANN401  # whatever a browser may send
    """Read the numbers that the browser sent. Raises ValueError for what tracks.js does not send."""
    numbers = set(range(count))
    if not isinstance(value, list) or not value or any(type(one) not in (int, float) for one in value):
        raise ValueError(f"a list of numbers of tracks was expected, not {value!r:.60}")
    if not numbers.issuperset(value):
        raise ValueError(f"tracks are numbered from 0 to {count - 1}, which {value!r:.60} are not")
    return sorted({int(one) for one in value})


def list_data(score: Score, names: list[str], *, used: list[int], source: str) -> dict[str, Any]:
    """Lay the list out as JSON."""
    end = max(1, score.end)
    tracks = [
        {"name": name, "facts": track_facts(track), "notes": _picture(track, end)}
        for name, track in zip(names, score.tracks, strict=True)
    ]
    return {"tracks": tracks, "used": used, "source": source, "words": section_words("tracks")}


def track_facts(track: Track) -> str:
    """Say how many notes a track has, and from which to which."""
    pitches = [note.pitch for note in track.notes]
    if not pitches:
        return say("tracks.empty")
    if track.is_drum:
        return say("tracks.drum_facts", notes=len(pitches), drums=len(set(pitches)))
    return say("tracks.facts", notes=len(pitches), low=note_name(min(pitches)), high=note_name(max(pitches)))


def note_name(pitch: int) -> str:
    """Name a MIDI pitch; 60 is C4."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def _picture(track: Track, end: int) -> list[list[int]]:
    """Place notes as (left, length, height) in a square of SPACE."""
    shown = track.notes[:: len(track.notes) // PICTURE_NOTES + 1]
    low = min((note.pitch for note in shown), default=0)
    high = max((note.pitch for note in shown), default=0)
    span = max(12, high - low)
    base = low - (span - (high - low)) / 2
    return [
        [note.onset * SPACE // end, max(1, note.duration * SPACE // end), round((note.pitch - base) / span * SPACE)]
        for note in shown
    ]
