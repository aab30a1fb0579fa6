"""Other beginnings than a tune or a file: notes that are typed, notes that are played, and noise.

Each makes a Score and brings it as the visitor's own music, which the seed doctor then shows.
"""

import streamlit as st

from musicdemo.errors import MidiError
from musicdemo.music.noise import MOST_BARS, NOISE_BARS, noise_score
from musicdemo.music.played_notes import played_score
from musicdemo.music.scales import parse_scale
from musicdemo.music.score import DEFAULT_TEMPO, Meter, Score
from musicdemo.music.typed_notes import typed_score
from musicdemo.ui.asked import LARGEST_RANDOM_SEED, OFF
from musicdemo.ui.components.keyboard import Played, keyboard
from musicdemo.ui.components.piano_roll import instrument_name
from musicdemo.ui.components.tracks import NAMES, note_name
from musicdemo.ui.sections.doctor import USUAL_METERS
from musicdemo.ui.sections.settings import KEYS, TONICS, key_title
from musicdemo.ui.sentences import say_sentence
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import known_words, say

KINDS = ("typing", "playing", "noise")
DRUMS = "drums"
INSTRUMENTS = (*range(128), DRUMS)
GRIDS = (12, 6, 4, 3)
SLOWEST, FASTEST = 40, 240
EXAMPLES = {
    "names": "C4 D4 E4 G4 | E4:2 D4:2 | C4 D4 E4 D4 | C4:1",
    "numbers": "1 2 3 5 | 3 - 2 - | 1 2 3 2 | 1 - - -",
    "drums": "[kick hat]:8 hat:8 [snare hat]:8 hat:8 kick:8 kick:8 [snare hat]:8 openhat:8",
}
SHOWN_NAMES = 48


def beginnings(visit: Visit) -> None:
    """Draw the other beginnings, one at a time."""
    with st.expander(say("beginnings.title"), key="beginnings"):
        kind = st.radio(
            say("beginnings.kind"),
            KINDS,
            horizontal=True,
            key="beginning",
            format_func=lambda name: say(f"beginnings.{name}"),
        )
        {"typing": _typing, "playing": _playing, "noise": _noise}[kind](visit)


def understood(score: Score) -> str:
    """Say what was read, so that a slip of the finger is seen before it is heard."""
    track = score.tracks[0]
    onsets: dict[int, list[str]] = {}
    for note in track.notes:
        onsets.setdefault(note.onset, []).append(note_name(note.pitch))
    words = [names[0] if len(names) == 1 else f"[{' '.join(names)}]" for names in onsets.values()]
    shown = " ".join(words[:SHOWN_NAMES]) + (" …" if len(words) > SHOWN_NAMES else "")
    return say(
        "beginnings.understood",
        notes=score.note_count,
        bars=len(score.bars),
        meter=score.meters[0].meter,
        names="" if track.is_drum else shown,
    )


# --- typing ----------------------------------------------------------------------------------------------------------


def _typing(visit: Visit) -> None:
    instrument = _instrument(INSTRUMENTS)
    meter, tempo = _frame()
    notation, tonic = _notation(instrument)
    text = st.text_area(
        say("beginnings.notes"),
        EXAMPLES[notation],
        key=f"typed_{notation}",
        help=say(f"beginnings.{notation}_help"),
        placeholder=EXAMPLES[notation],
    )
    st.caption(say("beginnings.read_hint"))
    try:
        score = typed_score(text, instrument=str(instrument), meter=meter, tempo=tempo, tonic=tonic)
    except MidiError as error:
        st.text(f"⚠ {say_sentence(str(error))}")
        return
    st.text(understood(score))
    _bring_button(visit, "use_typed", say("beginnings.typed_title"), score)


def _notation(instrument: int | str) -> tuple[str, int | None]:
    """Draw the choice of how notes are written; a tonic belongs to numbers alone."""
    if instrument == DRUMS:
        return "drums", None
    notation = st.radio(
        say("beginnings.notation"),
        ("names", "numbers"),
        horizontal=True,
        key="notation",
        format_func=lambda name: say(f"beginnings.{name}"),
    )
    if notation == "names":
        return notation, None
    tonic = st.selectbox(say("beginnings.tonic"), range(len(NAMES)), key="tonic", format_func=TONICS.__getitem__)
    return notation, tonic


# --- playing ---------------------------------------------------------------------------------------------------------


def _playing(visit: Visit) -> None:
    instrument = _instrument(INSTRUMENTS[:-1])
    meter, tempo = _frame()
    grid = st.selectbox(
        say("beginnings.grid"),
        GRIDS,
        index=GRIDS.index(3),
        key="grid",
        format_func=lambda s: say(f"beginnings.grid_{s}"),
    )

    def take(played: Played) -> None:
        try:
            score = played_score(
                played.presses,
                tempo=played.tempo,
                meter=meter,
                grid_steps=grid,
                program=int(instrument),
                with_metronome=played.with_metronome,
            )
        except ValueError:
            visit.notice = say("beginnings.not_played")
            return
        if score.note_count:
            visit.bring(say("beginnings.played_title"), score)

    keyboard(tempo=tempo, meter=meter, on_played=take)


# --- noise -----------------------------------------------------------------------------------------------------------


def _noise(visit: Visit) -> None:
    st.caption(say("beginnings.noise_about"))
    instrument = _instrument(INSTRUMENTS[:-1])
    meter, tempo = _frame()
    number = st.number_input(
        say("beginnings.number"), 0, LARGEST_RANDOM_SEED, 1, key="noise_number", help=say("beginnings.number_help")
    )
    bars = st.slider(say("beginnings.bars"), 1, MOST_BARS, NOISE_BARS, key="noise_bars")
    scale = st.selectbox(
        say("beginnings.scale"),
        (OFF, *KEYS[2:]),
        key="noise_scale",
        format_func=lambda name: say("beginnings.scale_drawn") if name == OFF else key_title(name),
    )
    score = noise_score(
        number,
        bars=bars,
        scale=None if scale == OFF else parse_scale(scale),
        program=int(instrument),
        meter=meter,
        tempo=tempo,
    )
    _bring_button(visit, "use_noise", say("beginnings.noise_title", number=number), score)


# --- what they share -------------------------------------------------------------------------------------------------


def _instrument(choices: tuple[int | str, ...]) -> int | str:
    return st.selectbox(
        say("beginnings.instrument"), choices, key=f"begin_with_{len(choices)}", format_func=_instrument_title
    )


def _instrument_title(choice: int | str) -> str:
    return say("beginnings.drums") if choice == DRUMS else known_words("instruments", instrument_name(int(choice)))


def _frame() -> tuple[Meter, float]:
    """Draw metre and tempo."""
    left, right = st.columns(2)
    meter = left.selectbox(say("beginnings.meter"), USUAL_METERS, index=USUAL_METERS.index(Meter()), key="begin_meter")
    tempo = right.number_input(say("beginnings.tempo"), SLOWEST, FASTEST, int(DEFAULT_TEMPO), key="begin_tempo")
    return meter, float(tempo)


def _bring_button(visit: Visit, name: str, title: str, score: Score) -> None:
    st.button(say(f"beginnings.{name}"), key=name, on_click=visit.bring, args=(title, score), width="stretch")
