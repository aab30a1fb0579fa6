"""What else a beam search found: alternatives to hear and keep, and the tree to go on from anywhere."""

import math
from typing import Any

import streamlit as st

from musicdemo.errors import JobError
from musicdemo.generation import Continuation, Exploration, Progress
from musicdemo.jobs import Job
from musicdemo.music.score import Score
from musicdemo.music.seed_edit import SeedEdit
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.beams.explorations import explorations, is_searched, is_the_same, number_of, search_again
from musicdemo.ui.beams.tree_chart import stop_title, tree_chart
from musicdemo.ui.beams.tree_layout import Stretch, stretches_of
from musicdemo.ui.components.piano_roll import RollView, piano_roll
from musicdemo.ui.pieces import show_upload
from musicdemo.ui.visit import FINAL_STATES, Entry, Visit
from musicdemo.ui.words import say

WATCH_SECONDS = 0.5
ROLL_PIXELS = 200
GROUP = "studio"
"""Rolls of the studio share a playhead, and one of them sounds."""

NO_STOP = -1
_JOB_KEY = "search_again_of"


def alternatives(visit: Visit) -> None:
    """Draw what the search behind the piece on the stage found; nothing for a piece that was not searched for."""
    piece = visit.shown
    if visit.busy or not is_searched(piece):
        return
    found = explorations().get(piece.id)
    with st.container(border=True, key="alternatives"):
        st.subheader(say("alternatives.title"), anchor=False)
        if found is None:
            _search_again(visit, piece)
            return
        if not is_the_same(found, piece):
            st.info(say("alternatives.changed"))
        _choice(visit, piece, found)
        _tree(visit, piece, found)


def _choice(visit: Visit, piece: Piece, found: Exploration) -> None:
    """Draw the alternatives to choose from, and the chosen one."""
    st.caption(say("alternatives.hint", count=len(found.continuations)))
    numbers = range(len(found.continuations))
    key = f"alternative_{piece.id}"
    st.session_state.setdefault(key, min(number_of(piece), len(numbers) - 1))
    number = st.radio(
        say("alternatives.which"),
        numbers,
        key=key,
        horizontal=True,
        format_func=lambda number: say(
            "alternatives.choice", number=number + 1, bits=f"{bits_a_note(found.continuations[number]):.2f}"
        ),
    )
    made = found.continuations[number]
    title = say("alternatives.number", number=number + 1)
    _roll(piece, made.score, made.join, f"alternative-{number}", title, key="alternatives_roll")
    st.text(_facts(found, number))
    st.button(
        say("alternatives.keep"),
        key="keep_alternative",
        on_click=_keep,
        args=(visit, piece, found, number),
        disabled=number == number_of(piece) and is_the_same(found, piece),
        help=say("alternatives.keep_help"),
    )


def _facts(found: Exploration, number: int) -> str:
    made = found.continuations[number]
    facts = say(
        "alternatives.facts",
        notes=made.new_notes,
        bits=f"{bits_a_note(made):.2f}",
        total=f"{-made.log_prob / math.log(2):.0f}",
    )
    if number == 0:
        return facts
    share = shared_notes(made, found.continuations[0])
    return f"{facts} {say('alternatives.shared', share=f'{share:.0%}')}"


def bits_a_note(made: Continuation) -> float:
    """Return what the new part cost the network, in bits a note, under the rules and the temperature of the search."""
    return -made.log_prob / math.log(2) / max(1, made.new_notes)


def shared_notes(one: Continuation, other: Continuation) -> float:
    """Return the part of the new notes of `one` that stand in `other`, too: same track, onset, pitch and duration."""
    ours, theirs = _new_notes(one), _new_notes(other)
    return len(ours & theirs) / max(1, len(ours))


def _new_notes(made: Continuation) -> set[tuple[Any, ...]]:
    notes = ((track.key, note) for track in made.score.tracks for note in track.notes)
    return {(key, note.onset, note.pitch, note.duration) for key, note in notes if note.onset >= made.join}


def _tree(visit: Visit, piece: Piece, found: Exploration) -> None:
    """Draw the tree, and what it says at the place that was chosen in it."""
    st.markdown(f"**{say('alternatives.tree')}**")
    st.caption(say("alternatives.tree_hint"))
    chart, menu = f"tree_{piece.id}", f"stop_{piece.id}"
    st.plotly_chart(
        tree_chart(found),
        key=chart,
        on_select=lambda: _take_choice(chart, menu),
        selection_mode="points",
        config={"displayModeBar": False},
        alt=say("alternatives.tree_alt", count=len(found.branches)),
    )
    stops = {each.node: each for each in stretches_of(found) if each.node is not None}
    node = st.selectbox(
        say("alternatives.place"),
        [NO_STOP, *stops],
        key=menu,
        format_func=lambda node: _stop_words(found, stops, node),
    )
    if node in stops:
        score = found.score_at(node)
        _roll(piece, score, found.seam.join, f"node-{node}", stop_title(found, stops[node]), key="branch_roll")
        st.button(say("alternatives.go_on"), key="go_on_from_branch", on_click=_bring, args=(visit, piece, score))


def _stop_words(found: Exploration, stops: dict[int, Stretch], node: int) -> str:
    return stop_title(found, stops[node]) if node in stops else say("alternatives.no_place")


def _take_choice(chart: str, menu: str) -> None:
    """Let a click on a marker of the tree choose in the menu, where it can be undone and reached by keyboard."""
    points = st.session_state[chart]["selection"]["points"]
    if points and "customdata" in points[0]:
        data = points[0]["customdata"]
        st.session_state[menu] = int(data[0] if isinstance(data, list) else data)


def _roll(piece: Piece, score: Score, join: int, name: str, title: str, *, key: str) -> None:
    """Draw a low roll of a score that is not saved; its sound has an address as long as the server remembers it."""
    view = RollView(
        score=score,
        join=join,
        identity=f"{piece.id}-{name}",
        title=title,
        source=f"/p/{show_upload(piece.title, score).id}.wav",
        family=f"{piece.id}-{key}",  # the next one to be heard takes over the place of the last
        group=GROUP,
        height=ROLL_PIXELS,
        reseeds=False,
    )
    piano_roll(view, key=key)


def _keep(visit: Visit, piece: Piece, found: Exploration, number: int) -> None:
    """Save an alternative as a piece of its own, and put it on the stage."""
    made = found.continuations[number]
    recipe = {
        **piece.recipe,
        "alternative": number,
        "log_prob": made.log_prob,
        "new_notes": made.new_notes,
        "new_bars": made.new_bars,
        "finished": made.finished,
        "constraint_bits": made.constraint_bits,
        "reason": made.reason,
        "is_degenerate": made.is_degenerate,
    }
    kept = services.piece_store().save(
        title=piece.title, score=made.score, join=made.join, events=made.events, recipe=recipe
    )
    explorations().put(kept.id, found)
    visit.show(kept)
    visit.history = [*visit.history, Entry(kept)]


def _bring(visit: Visit, piece: Piece, score: Score) -> None:
    # all of it, not its best bars: it is the end that was chosen
    visit.bring(say("alternatives.branch_title", title=piece.title), score, edit=SeedEdit())


def _search_again(visit: Visit, piece: Piece) -> None:
    """Offer to do the search again, and show how far that is."""
    name, job = st.session_state.get(_JOB_KEY, ("", None))
    if name != piece.id or job is None:
        st.caption(say("alternatives.forgotten"))
        st.button(say("alternatives.again"), key="search_again", on_click=_start, args=(visit, piece))
        return
    st.fragment(_watch, run_every=WATCH_SECONDS)(visit, job)


def _start(visit: Visit, piece: Piece) -> None:
    try:
        job = services.job_queue().submit(lambda control: search_again(control, piece))
    except JobError as error:
        visit.notice = str(error)
        return
    st.session_state[_JOB_KEY] = (piece.id, job)


def _watch(visit: Visit, job: Job[Exploration]) -> None:
    if job.state in FINAL_STATES:
        st.session_state[_JOB_KEY] = ("", None)
        visit.notice = job.error or ""
        st.rerun()
    progress = job.progress
    if isinstance(progress, Progress):
        words = say("alternatives.searching", done=progress.bars_done, total=progress.bars_total)
        st.progress(min(1.0, progress.bars_done / progress.bars_total), text=words)
    else:
        words = say("alternatives.waiting", place=job.place) if job.place else say("alternatives.starting")
        st.progress(0.0, text=words)
    st.button(say("alternatives.stop_search"), key="stop_search", on_click=job.stop)
