"""The piano roll: a Score as a picture that plays, drawn in the browser by piano_roll.js.

This side only lays the Score out in seconds; drawing, playing and keys live in the JavaScript beside it.
"""

import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import pretty_midi
import streamlit as st

from musicdemo.music.score import STEPS_PER_BEAT, Bar, Score, Track

LEAST_PITCHES = 24
"""Rows that a roll has at least, so that a small melody does not become a wall of thick bars."""

MIDDLE_C = 60
NAME_LENGTH = 24


def _asset(suffix: str) -> str:
    return Path(__file__).with_suffix(suffix).read_text(encoding="utf-8")


_mount = st.components.v2.component("piano_roll", html=_asset(".html"), css=_asset(".css"), js=_asset(".js"))


@dataclass(frozen=True)
class RollView:
    """What the roll shows: a Score whose notes before step `join` are the seed, under the words of a heading.

    `identity` changes when the picture is of another piece; `source` is the address of its sound ("" for none yet);
    `link` is the address that may be handed on; `live` says that notes are still being added, and `room` up to which
    step they may come.
    """

    score: Score
    join: int
    identity: str
    title: str
    subtitle: str = ""
    source: str = ""
    link: str = ""
    live: bool = False
    room: int = 0


def piano_roll(view: RollView) -> None:
    """Draw the roll of the page; it keeps its place, zoom and sound from one run of the page to the next."""
    _mount(key="piano_roll", data={**roll_data(view), "drawn_at": time.time()})


def roll_data(view: RollView) -> dict[str, Any]:
    """Lay the view out as JSON; a note is (start in s, duration in s, pitch, velocity, number of its track)."""
    score = view.score
    bars = _bars_to_show(view)
    seconds = _seconds_table(score, bars[-1].end if bars else 0)
    low, high = _pitch_range(score)
    return {
        "id": view.identity,
        "title": view.title,
        "subtitle": view.subtitle,
        "source": view.source,
        "link": view.link,
        "live": view.live,
        "notes": _notes(score, seconds),
        "tracks": _tracks(score),
        "bars": [_bar(bar, seconds) for bar in bars],
        "drums": [[key, drum_name(key)] for key in _drum_keys(score)],
        "low": low,
        "high": high,
        "join": round(seconds[min(view.join, len(seconds) - 1)], 4),
        "seconds": round(seconds[-1], 4),
    }


@cache
def instrument_name(program: int) -> str:
    """Name General MIDI program 0-127, without the words that all pianos share."""
    return str(pretty_midi.program_to_instrument_name(program)).replace("Acoustic Grand Piano", "Piano")


@cache
def drum_name(key: int) -> str:
    """Name the General MIDI drum of MIDI number `key`."""
    return str(pretty_midi.note_number_to_drum_name(key)) or f"Drum {key}"


def track_names(score: Score) -> list[str]:
    """Name each track by its instrument and, where the file gave one, its own name; players of one kind are counted."""
    kinds = [_kind(track) for track in score.tracks]
    totals, seen = Counter(kinds), Counter[str]()
    names = []
    for kind, track in zip(kinds, score.tracks, strict=True):
        seen[kind] += 1
        counted = f"{kind} {seen[kind]}" if totals[kind] > 1 else kind
        own = track.name.strip()[:NAME_LENGTH]
        names.append(f"{own} ({kind})" if own and own.lower() != kind.lower() else counted)
    return names


def _kind(track: Track) -> str:
    return "Drums" if track.is_drum else instrument_name(track.program)


def _tracks(score: Score) -> list[dict[str, Any]]:
    return [{"name": name, "drum": track.is_drum} for name, track in zip(track_names(score), score.tracks, strict=True)]


def _bars_to_show(view: RollView) -> list[Bar]:
    last = max(view.score.end, view.room)
    return list(takewhile(lambda bar: bar.start < last, view.score.iter_bars()))


def _seconds_table(score: Score, last: int) -> list[float]:
    """Give the playing time of every step from 0 to `last`; one pass instead of a search for every note."""
    tempos = {change.onset: change.tempo for change in score.tempos}
    table, now, step_seconds = [0.0], 0.0, 0.0
    for step in range(last):
        if step in tempos:
            step_seconds = 60.0 / tempos[step] / STEPS_PER_BEAT
        now += step_seconds
        table.append(now)
    return table


def _notes(score: Score, seconds: list[float]) -> list[list[float]]:
    notes = [
        [round(seconds[n.onset], 4), round(seconds[n.end] - seconds[n.onset], 4), n.pitch, n.velocity, index]
        for index, track in enumerate(score.tracks)
        for n in track.notes
    ]
    return sorted(notes)


def _bar(bar: Bar, seconds: list[float]) -> list[float]:
    return [round(seconds[bar.start], 4), round(seconds[bar.end] - seconds[bar.start], 4), bar.meter.numerator]


def _drum_keys(score: Score) -> list[int]:
    return sorted({note.pitch for track in score.tracks if track.is_drum for note in track.notes}, reverse=True)


def _pitch_range(score: Score) -> tuple[int, int]:
    pitches = [note.pitch for track in score.tracks if not track.is_drum for note in track.notes]
    if not pitches:
        return (MIDDLE_C, MIDDLE_C - 1) if _drum_keys(score) else (MIDDLE_C - 12, MIDDLE_C + 12)
    low, high = min(pitches) - 2, max(pitches) + 2
    spare = max(0, LEAST_PITCHES - (high - low + 1))
    return max(0, low - spare // 2), min(127, high + spare - spare // 2)
