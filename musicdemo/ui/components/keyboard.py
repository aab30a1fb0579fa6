"""A piano to play on in the page; what was played comes back as presses, once for each click on "use it".

Sound, keys and metronome live in keyboard.js; what the browser sends is a stranger's and believed only after a check.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from musicdemo.music.played_notes import MAX_PRESSES, Press
from musicdemo.music.score import MAX_TEMPO, MIN_TEMPO, Meter
from musicdemo.ui.words import section_words

KEY = "keyboard"


def _asset(suffix: str) -> str:
    return Path(__file__).with_suffix(suffix).read_text(encoding="utf-8")


_mount = st.components.v2.component("keyboard", html=_asset(".html"), css=_asset(".css"), js=_asset(".js"))


@dataclass(frozen=True)
class Played:
    """What was played: presses in seconds, the tempo that then held, and whether the metronome ran."""

    presses: tuple[Press, ...]
    tempo: float
    with_metronome: bool


def keyboard(*, tempo: float, meter: Meter, on_played: Callable[[Played], None]) -> None:
    """Draw the keyboard; `on_played` is called, before the page is drawn anew, with what its visitor wants to use."""

    def hand_over() -> None:
        on_played(played(st.session_state[KEY]["played"]))

    beat = 4 / meter.denominator
    data = {"tempo": tempo, "beats": meter.numerator, "beat": beat, "words": section_words("keyboard")}
    _mount(key=KEY, data=data, on_played_change=hand_over)


def played(value: Any) -> Played:  # noqa: ANN401  # whatever a browser may send
    """Read what the browser sent. Raises ValueError for what keyboard.js does not send."""
    try:
        rows, tempo, with_metronome = value["presses"], float(value["tempo"]), value["metronome"]
        if not isinstance(with_metronome, bool) or not isinstance(rows, list) or len(rows) > MAX_PRESSES:
            raise ValueError(f"a list of at most {MAX_PRESSES} presses and a yes or no were expected")
        presses = tuple(Press(_whole(pitch), float(start), float(end)) for pitch, start, end in rows)
    except (KeyError, TypeError) as error:
        raise ValueError(f"what was played is malformed: {error}") from error
    if not MIN_TEMPO <= tempo <= MAX_TEMPO:
        raise ValueError(f"tempo must be {MIN_TEMPO:g}-{MAX_TEMPO:g} quarter notes a minute, not {tempo}")
    return Played(presses, tempo, with_metronome)


def _whole(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is not int:
        raise TypeError(f"a whole number was expected, not {value!r:.40}")
    return value
