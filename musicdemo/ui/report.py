"""What an uploaded file held, said plainly: tracks, metre, tempo, key, and what was repaired, dropped or moved."""

import streamlit as st

from musicdemo.music.harmony import detect_key
from musicdemo.music.midi import MidiReport
from musicdemo.music.score import Score
from musicdemo.ui.components.piano_roll import instrument_name
from musicdemo.ui.visit import OwnFile


def upload_report(own: OwnFile) -> None:
    """Draw the report of the visitor's own file. Names in it are a stranger's: they are shown as plain text only."""
    score, report = own.score, own.report
    changes = len(report.repairs) + len(report.drops) if report else 0
    label = "Your file" if not changes else f"Your file: {changes} thing{'s' * (changes > 1)} mended or left out"
    with st.expander(label, key="report"):
        st.text(facts(score))
        st.dataframe(tracks_table(score), hide_index=True, width="stretch")
        if report:
            st.text("\n".join(changes_made(report)))


def facts(score: Score) -> str:
    """Say metre, tempo, key and length in one line."""
    key = detect_key(score)
    meters = ", ".join(dict.fromkeys(str(change.meter) for change in score.meters))
    tempos = sorted({round(change.tempo) for change in score.tempos})
    tempo = f"{tempos[0]}" if len(tempos) == 1 else f"{tempos[0]}–{tempos[-1]}"
    return (
        f"{len(score.bars)} bars of {meters}, {tempo} quarter notes a minute, "
        f"{'in ' + str(key) if key else 'no clear key'}, {score.note_count} notes"
    )


def tracks_table(score: Score) -> dict[str, list[str | int]]:
    """List the tracks as columns."""
    return {
        "Track": [track.name or f"Track {number}" for number, track in enumerate(score.tracks, start=1)],
        "Instrument": ["Drums" if track.is_drum else instrument_name(track.program) for track in score.tracks],
        "Notes": [len(track.notes) for track in score.tracks],
    }


def changes_made(report: MidiReport) -> list[str]:
    """List what reading changed, a sentence a line."""
    moved = (
        f"{report.notes_moved} notes moved to the grid, by {report.largest_move_quarters:.2f} quarter notes at most."
        if report.notes_moved
        else "No note had to be moved to the grid."
    )
    lines = [f"Repaired: {sentence}" for sentence in report.repairs] + [f"Left out: {s}" for s in report.drops]
    return [*(lines or ["Nothing had to be repaired or left out."]), moved]
