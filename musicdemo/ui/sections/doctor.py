"""The seed doctor: what a visitor's own music held, and what of it becomes the seed: tracks, bars, metre, tempo, key.

What was chosen is kept in the SeedEdit of the visit's own file; the key is the wish that stands under Advanced too.
"""

from dataclasses import replace
from typing import Any

import streamlit as st

from musicdemo.music.harmony import detect_key
from musicdemo.music.midi import MidiReport
from musicdemo.music.prompt import prevailing_tempo
from musicdemo.music.scales import DETECTED
from musicdemo.music.score import MAX_TEMPO, MIN_TEMPO, Meter, Score
from musicdemo.music.seed_choice import best_bars
from musicdemo.music.seed_edit import SeedEdit
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.components.piano_roll import track_names
from musicdemo.ui.components.tracks import track_list
from musicdemo.ui.compose import OWN_FILE
from musicdemo.ui.pieces import show_upload
from musicdemo.ui.sections.settings import KEYS, key_title
from musicdemo.ui.sentences import say_sentence
from musicdemo.ui.visit import OwnFile, Visit
from musicdemo.ui.words import say

USUAL_METERS = tuple(
    Meter(numerator, denominator)
    for denominator, numerators in ((4, (2, 3, 4, 5)), (2, (2, 3)), (8, (3, 6, 7, 9, 12)))
    for numerator in numerators
)
KEPT = "kept"
"""What stands in the menu for the metres that the music has: None would be shown as no choice at all."""

_PIECE = "doctor_piece"


def doctor(visit: Visit) -> None:
    """Draw the doctor for the visitor's own music, where that is the seed. Names in it are shown as plain text only."""
    own = visit.own
    if own is None or st.session_state["seed_name"] != OWN_FILE:
        return
    with st.expander(_label(own.report), expanded=True, key="doctor"):
        st.text(facts(own.edit.without_cut(own.score)))
        _tracks(visit, own)
        _meaning(visit, own)
        _bars(visit, own)
        if own.report:
            st.text("\n".join(changes_made(own.report)))


def facts(score: Score) -> str:
    """Say metre, tempo, key and length in one line."""
    key = detect_key(score)
    return say(
        "doctor.facts",
        bars=len(score.bars),
        meter=_meters(score),
        tempo=_tempos(score),
        key=say("doctor.in_key", key=key_title(str(key))) if key else say("doctor.no_key"),
        notes=score.note_count,
    )


def changes_made(report: MidiReport) -> list[str]:
    """List what reading changed, a sentence a line."""
    repaired = [say("doctor.repaired", sentence=say_sentence(sentence)) for sentence in report.repairs]
    dropped = [say("doctor.dropped", sentence=say_sentence(sentence)) for sentence in report.drops]
    moved = say("doctor.moved", count=report.notes_moved, most=f"{report.largest_move_quarters:.2f}")
    return [
        *(repaired + dropped or [say("doctor.untouched")]),
        moved if report.notes_moved else say("doctor.exact"),
    ]


def _label(report: MidiReport | None) -> str:
    count = len(report.repairs) + len(report.drops) if report else 0
    name = {0: "own", 1: "own_mended_one"}.get(count, "own_mended")
    return say(f"doctor.{name}", count=count)


def _meters(score: Score) -> str:
    return ", ".join(dict.fromkeys(str(change.meter) for change in score.meters))


def _tempos(score: Score) -> str:
    tempos = sorted({round(change.tempo) for change in score.tempos})
    return f"{tempos[0]}" if len(tempos) == 1 else f"{tempos[0]}–{tempos[-1]}"


# --- tracks ----------------------------------------------------------------------------------------------------------


def _tracks(visit: Visit, own: OwnFile) -> None:
    keys = [track.key for track in own.score.tracks]
    kept = own.edit.tracks

    def choose(numbers: list[int]) -> None:
        tracks = frozenset(keys[number] for number in numbers)
        _change(visit, tracks=None if len(numbers) == len(keys) else tracks)

    st.caption(say("doctor.tracks_help"))
    track_list(
        own.score,
        track_names(own.score),
        used=[number for number, key in enumerate(keys) if kept is None or key in kept],
        source=f"/p/{_whole(own).id}.wav",
        on_used=choose,
    )


def _whole(own: OwnFile) -> Piece:
    """Return all of the music as a piece with an address; it is laid out once, not at every click."""
    piece = st.session_state.get(_PIECE)
    if not isinstance(piece, Piece) or piece.score is not own.score:
        piece = show_upload(own.title, own.score)
        st.session_state[_PIECE] = piece
    services.previews().put(piece.id, piece)  # others' previews may have taken its place
    return piece


# --- metre, tempo, key -----------------------------------------------------------------------------------------------


def _meaning(visit: Visit, own: OwnFile) -> None:
    meter, tempo, key = st.columns(3)
    with meter:
        _meter(visit, own)
    with tempo:
        _tempo(visit, own)
    with key:
        _key(own)


def _meter(visit: Visit, own: OwnFile) -> None:
    st.session_state["doctor_meter"] = own.edit.meter or KEPT

    def name(choice: Meter | str) -> str:
        return say("doctor.meter_kept", meter=_meters(own.score)) if choice == KEPT else str(choice)

    def choose() -> None:
        choice = st.session_state["doctor_meter"]
        # Other bar lines, other bars: which make the best seed is asked anew.
        _put(visit, _with_best_bars(replace(own.edit, meter=None if choice == KEPT else choice), own.score))

    st.selectbox(
        say("doctor.meter"),
        (KEPT, *USUAL_METERS),
        key="doctor_meter",
        format_func=name,
        help=say("doctor.meter_help"),
        on_change=choose,
    )


def _tempo(visit: Visit, own: OwnFile) -> None:
    usual = prevailing_tempo(own.score)
    st.session_state["doctor_tempo"] = float(round(own.edit.tempo or usual))

    def choose() -> None:
        tempo = st.session_state["doctor_tempo"]
        _change(visit, tempo=None if tempo == round(usual) else tempo)

    st.number_input(
        say("doctor.tempo"),
        MIN_TEMPO,
        MAX_TEMPO,
        step=1.0,
        format="%.0f",
        key="doctor_tempo",
        help=say("doctor.tempo_help", tempo=_tempos(own.score)),
        on_change=choose,
    )


def _key(own: OwnFile) -> None:
    found = detect_key(own.edit.without_cut(own.score))
    st.session_state["doctor_key"] = st.session_state["key"]

    def name(key: str) -> str:
        return say("doctor.key_found", key=key_title(str(found))) if key == DETECTED and found else key_title(key)

    def choose() -> None:
        st.session_state["key"] = st.session_state["doctor_key"]

    st.selectbox(
        say("doctor.key"), KEYS, key="doctor_key", format_func=name, help=say("doctor.key_help"), on_change=choose
    )


# --- bars ------------------------------------------------------------------------------------------------------------


def _bars(visit: Visit, own: OwnFile) -> None:
    whole = own.edit.without_cut(own.score)
    count = len(whole.bars)
    if count > 1:
        _slider(visit, own, count)
    with st.container(horizontal=True):
        st.button(
            say("doctor.best"), key="doctor_best", on_click=lambda: _put(visit, _with_best_bars(own.edit, own.score))
        )
        st.button(say("doctor.whole"), key="doctor_whole", on_click=lambda: _change(visit, bars=None))
        st.button(say("doctor.reset"), key="doctor_reset", on_click=lambda: _put(visit, best_edit(own.score)))
    if own.edit.bars and not _holds_notes(whole, own.edit.bars):
        st.text(say("doctor.silent"))


def _slider(visit: Visit, own: OwnFile, count: int) -> None:
    first, last = own.edit.bars or (1, count)
    st.session_state["doctor_bars"] = (min(first, count), min(last, count))
    st.slider(
        say("doctor.bars"),
        1,
        count,
        key="doctor_bars",
        help=say("doctor.bars_help"),
        on_change=lambda: _change(visit, bars=st.session_state["doctor_bars"]),
    )


def _holds_notes(score: Score, bars: tuple[int, int]) -> bool:
    chosen = score.bars[bars[0] - 1 : bars[1]]
    return bool(chosen) and score.clipped(chosen[0].start, chosen[-1].end).note_count > 0


# --- changes ---------------------------------------------------------------------------------------------------------


def best_edit(score: Score) -> SeedEdit:
    """Return the edit that music begins with: its best bars."""
    return _with_best_bars(SeedEdit(), score)


def _with_best_bars(edit: SeedEdit, score: Score) -> SeedEdit:
    return replace(edit, bars=best_bars(edit.without_cut(score)) if score.note_count else None)


def _change(visit: Visit, **fields: Any) -> None:  # noqa: ANN401  # fields of SeedEdit
    assert visit.own is not None
    _put(visit, replace(visit.own.edit, **fields))


def _put(visit: Visit, edit: SeedEdit) -> None:
    """Keep the edit, and show the seed that it makes."""
    assert visit.own is not None
    visit.own = replace(visit.own, edit=edit)
    visit.show(show_upload(visit.own.title, visit.own.seed))
