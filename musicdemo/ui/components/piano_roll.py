"""The piano roll: a Score as a picture that plays, drawn in the browser by the JavaScript in piano_roll/.

This side lays the Score out in seconds and reads what the visitor asked for on the roll; drawing, playing, keys and
hands live in the JavaScript. Another page than Streamlit's takes roll_html, roll_css and roll_js, and calls mountRoll.
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

from musicdemo.music.note_order import note_order
from musicdemo.music.score import STEPS_PER_BEAT, Bar, Note, Score, Track
from musicdemo.ui.words import known_words, say, section_words

LEAST_PITCHES = 24
"""Rows that a roll has at least, so that a small melody does not become a wall of thick bars."""

MIDDLE_C = 60
NAME_LENGTH = 24
RESEED = "reseed"
ASSETS = Path(__file__).with_suffix("")
SCRIPTS = (
    "measures",
    "notes",
    "frame",
    "theme",
    "player",
    "group",
    "selection",
    "inside",
    "ground",
    "top",
    "card",
    "tracks",
    "hands",
    "keys",
    "controls",
    "roll",
    "mount",
)
"""The files of the one module, what others stand on first; browsers get no import between them."""


def roll_html() -> str:
    """Return the markup of a roll; it holds no text, which mountRoll fills in."""
    return _asset("piano_roll.html")


def roll_css() -> str:
    """Return the styles, all under .roll; colours follow Streamlit's theme or, without it, the system's."""
    return _asset("piano_roll.css")


@cache
def roll_js() -> str:
    """Return the module: mountRoll(element, data, words) for any page, and a default export for Streamlit."""
    return "\n".join(_asset(f"{name}.js") for name in SCRIPTS)


def roll_words(language: str | None = None) -> dict[str, str]:
    """Return the texts of the roll for mountRoll, in `language` or in that of this visit."""
    return section_words("roll", language)


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


_mount = st.components.v2.component("piano_roll", html=roll_html(), css=roll_css(), js=roll_js())


@dataclass(frozen=True)
class RollView:
    """What the roll shows: a Score whose notes before step `join` are the seed, under the words of a heading.

    `identity` changes when the picture is of another piece; `source` is the address of its sound ("" for none yet);
    `link` is the address that may be handed on; `live` says that notes are still being added, and `room` up to which
    step they may come. A picture of the same `family` as the one before, such as a piece and the job that made it,
    takes over its place and its sound. Rolls of one `group` share playhead and selection, and one of them sounds.
    `inside` is the address of what the network thought ("" for none). `height` is in pixels (None: as the page is
    wide); `reseeds` offers to go on from a selection, and whoever shows the roll must then answer it.
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
    family: str = ""
    group: str = ""
    inside: str = ""
    height: int | None = None
    reseeds: bool = True


@dataclass(frozen=True)
class RollAnswer:
    """What the visitor did on the roll: an `action` ("" or "reseed", told once), the bars selected, the note chosen.

    `start` and `end` are grid steps, both bar lines (0 and 0 without a selection); `note` is a place in note_order.
    """

    action: str = ""
    start: int = 0
    end: int = 0
    note: int | None = None


def piano_roll(view: RollView, *, key: str = "piano_roll") -> RollAnswer:
    """Draw the roll `key` of the page; it keeps its place, zoom and sound from one run of the page to the next."""
    data = {**roll_data(view), "words": roll_words(), "drawn_at": time.time()}
    told = _mount(key=key, data=data, on_look_change=_rerun, on_action_change=_rerun)
    return roll_answer(view, look=told.get("look"), action=told.get("action"))


def _rerun() -> None:
    """Be there: Streamlit runs the page again for a value only where it has a callback."""


def roll_answer(view: RollView, *, look: object, action: object) -> RollAnswer:
    """Read what the browser sent, which may be of an earlier picture or a stranger's; such is as if nothing was."""
    state, wish = _of_this(view, look), _of_this(view, action)
    bars = _selected_steps(view, wish) if wish.get("name") == RESEED else None
    start, end = bars or _selected_steps(view, state) or (0, 0)
    return RollAnswer(RESEED if bars else "", start, end, _chosen_note(view, state.get("note")))


def _of_this(view: RollView, sent: object) -> dict[str, Any]:
    return sent if isinstance(sent, dict) and sent.get("id") == view.identity else {}


def _selected_steps(view: RollView, sent: dict[str, Any]) -> tuple[int, int] | None:
    start, end = sent.get("start"), sent.get("end")
    lines = _bar_lines(_bars_to_show(view))
    if type(start) is int and type(end) is int and start < end and {start, end} <= set(lines):
        return start, end
    return None


def _chosen_note(view: RollView, note: object) -> int | None:
    return note if type(note) is int and 0 <= note < view.score.note_count else None


def roll_data(view: RollView, *, language: str | None = None) -> dict[str, Any]:
    """Lay the view out as JSON; a note is (start in s, duration in s, pitch, velocity, number of its track).

    Instruments are named in `language` or in that of this visit.
    """
    score = view.score
    bars = _bars_to_show(view)
    seconds = _seconds_table(score, bars[-1].end if bars else 0)
    low, high = _pitch_range(score)
    return {
        "id": view.identity,
        "family": view.family,
        "group": view.group,
        "title": view.title,
        "subtitle": view.subtitle,
        "source": view.source,
        "link": view.link,
        "live": view.live,
        "inside": view.inside,
        "height": view.height,
        "reseeds": view.reseeds,
        "notes": [_laid_out(track, note, seconds) for track, note in note_order(score)],
        "tracks": _tracks(score, language),
        "bars": [_bar(bar, seconds) for bar in bars],
        "lines": _bar_lines(bars),
        "drums": [[key, known_words("drums", drum_name(key), language=language)] for key in _drum_keys(score)],
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


def track_names(score: Score, *, language: str | None = None) -> list[str]:
    """Name each track by its instrument and, where the file gave one, its own name; players of one kind are counted."""
    kinds = [_kind(track, language) for track in score.tracks]
    totals, seen = Counter(kinds), Counter[str]()
    names = []
    for kind, track in zip(kinds, score.tracks, strict=True):
        seen[kind] += 1
        counted = f"{kind} {seen[kind]}" if totals[kind] > 1 else kind
        own = track.name.strip()[:NAME_LENGTH]
        names.append(f"{own} ({kind})" if own and own.lower() != kind.lower() else counted)
    return names


def _kind(track: Track, language: str | None) -> str:
    if track.is_drum:
        return say("roll.drums", language=language)
    return known_words("instruments", instrument_name(track.program), language=language)


def _tracks(score: Score, language: str | None) -> list[dict[str, Any]]:
    names = track_names(score, language=language)
    return [{"name": name, "drum": track.is_drum} for name, track in zip(names, score.tracks, strict=True)]


def _bars_to_show(view: RollView) -> list[Bar]:
    last = max(view.score.end, view.room)
    return list(takewhile(lambda bar: bar.start < last, view.score.iter_bars()))


def _bar_lines(bars: list[Bar]) -> list[int]:
    return [*(bar.start for bar in bars), bars[-1].end] if bars else [0]


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


def _laid_out(track: int, note: Note, seconds: list[float]) -> list[float]:
    start, end = seconds[note.onset], seconds[note.end]
    return [round(start, 4), round(end - start, 4), note.pitch, note.velocity, track]


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
