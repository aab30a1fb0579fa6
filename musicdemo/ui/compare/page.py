"""The page that compares: questions, lanes that fill as their jobs finish, and in a blind comparison the vote."""

from html import escape

import streamlit as st

from musicdemo.errors import JobError
from musicdemo.generation import Progress
from musicdemo.hub.name import short_name
from musicdemo.ui.compare.asking import ON_STAGE, beginning, questions, wishes
from musicdemo.ui.compare.ballots import ballot, result_words, tallies
from musicdemo.ui.compare.lanes import LETTERS, Comparison, Lane, current_comparison, start, write_address
from musicdemo.ui.compare.measures import Measure, costs_of, metrics_of
from musicdemo.ui.components.piano_roll import RollView, piano_roll
from musicdemo.ui.compose import Task
from musicdemo.ui.pieces import show_upload
from musicdemo.ui.plain_text import escaped
from musicdemo.ui.routes.live import live_source
from musicdemo.ui.sentences import say_sentence
from musicdemo.ui.visit import Visit, current_visit
from musicdemo.ui.words import say

WATCH_SECONDS = 0.4
GROUP = "compare"
ROLL_PIXELS = 190
STYLE = """<style>
.measures { display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; margin: 0; }
.measures div { display: flex; flex-direction: column; }
.measures dt { font-size: 0.8rem; opacity: 0.85; }
.measures dd { margin: 0; font-weight: 600; }
.measures dd span { font-weight: 400; }
</style>"""


def compare() -> None:
    """Draw the page for the visitor of this session."""
    visit = current_visit()
    comparison, problems = current_comparison()
    write_address(comparison)
    st.html(STYLE)
    st.caption(say("compare.tagline"))
    with st.container():  # always there, so that a notice moves nothing and the music plays on
        _notices(visit, problems)
    with st.container(border=True, key="compare_questions"):
        questions(visit)
        _button(visit, comparison)
    if comparison.lanes:
        _results(visit, comparison)
    else:
        _empty(visit)
    with st.expander(say("compare.tally"), key="compare_tally"):
        tallies()


def _results(visit: Visit, comparison: Comparison) -> None:
    vote = "" if comparison.is_busy else result_words(comparison)
    comparison.is_blind = comparison.is_blind and not vote
    st.fragment(_lanes, run_every=WATCH_SECONDS if comparison.is_busy else None)(comparison)
    if vote:
        st.success(vote)
    elif comparison.is_blind and not comparison.is_busy:
        ballot(visit, comparison)


def _notices(visit: Visit, problems: list[str]) -> None:
    if not visit.models:
        st.warning(say("main.no_model"))
    for sentence in (*problems, *filter(None, [visit.notice])):
        st.error(escaped(say_sentence(sentence)))
    visit.notice = ""


def _button(visit: Visit, comparison: Comparison) -> None:
    if comparison.is_busy:
        st.button(say("compare.stop"), key="compare_stop", on_click=comparison.stop, width="stretch")
        return
    st.button(
        say("compare.go"),
        key="compare_go",
        type="primary",
        width="stretch",
        on_click=_start,
        args=(visit, comparison),
        disabled=not visit.models,
    )


def _start(visit: Visit, comparison: Comparison) -> None:
    try:
        start(comparison, wishes(visit), is_blind=st.session_state["compare_blind"])
    except (JobError, ValueError) as error:
        visit.notice = str(error)


def _empty(visit: Visit) -> None:
    """Show what all lanes would begin with."""
    seed = beginning(visit, st.session_state.get("compare_seed", ON_STAGE))
    st.caption(say("compare.empty"))
    if seed.score:
        preview = show_upload(seed.title, seed.score)
        view = RollView(
            score=seed.score,
            join=preview.join,
            identity=preview.id,
            title=seed.title,
            source=f"/p/{preview.id}.wav",
            group=GROUP,
            height=ROLL_PIXELS,
            reseeds=False,
        )
        piano_roll(view, key="compare_seed_roll")


def _lanes(comparison: Comparison) -> None:
    for number, lane in enumerate(comparison.lanes):
        with st.container(border=True, key=f"lane_{number}"):
            title = say("compare.lane", letter=LETTERS[number]) if comparison.is_blind else _name(number, lane)
            if lane.piece is None and lane.task is not None:
                piano_roll(_view_of_task(lane, lane.task, title), key=f"lane_roll_{number}")
                _progress(lane.task, number)
            else:
                piano_roll(_view_of_piece(lane, title, comparison), key=f"lane_roll_{number}")
                _measured(lane, comparison)
    if any(map(_has_ended, comparison.lanes)):
        st.rerun()


def _has_ended(lane: Lane) -> bool:
    return lane.piece is None and lane.task is not None and lane.task.job.wait(0)


def _name(number: int, lane: Lane) -> str:
    return say(
        "compare.name",
        letter=LETTERS[number],
        model=short_name(lane.model),
        temperature=f"{lane.temperature:g}",
    )


def _view_of_piece(lane: Lane, title: str, comparison: Comparison) -> RollView:
    piece = lane.piece
    assert piece is not None
    blind = comparison.is_blind
    return RollView(
        score=piece.score,
        join=piece.join,
        identity=piece.id,
        title=title,
        source=f"/p/{piece.id}.wav",
        link="" if blind else f"/p/{piece.id}",
        family=lane.name,
        group=GROUP,
        height=ROLL_PIXELS,
        reseeds=False,
    )


def _view_of_task(lane: Lane, task: Task, title: str) -> RollView:
    score, join = task.so_far
    return RollView(
        score=score,
        join=join,
        identity=task.job.id,
        title=title,
        source=live_source(task),
        live=True,
        room=task.room,
        family=lane.name,
        group=GROUP,
        height=ROLL_PIXELS,
        reseeds=False,
    )


def _progress(task: Task, number: int) -> None:
    progress = task.job.progress
    with st.container(horizontal=True, vertical_alignment="center"):
        if task.job.place:
            st.progress(0.0, text=say("stage.waiting", place=task.job.place))
        elif isinstance(progress, Progress):
            done = min(1.0, progress.bars_done / progress.bars_total)
            st.progress(done, text=say("stage.bars_done", done=progress.bars_done, total=progress.bars_total))
        else:
            st.progress(0.0, text=say("stage.reading" if task.wish.seed else "stage.starting"))
        st.button(say("compare.stop_lane", letter=LETTERS[number]), key=f"stop_lane_{number}", on_click=task.job.stop)


def _measured(lane: Lane, comparison: Comparison) -> None:
    """Draw the figures of a lane; those that would tell who wrote it wait until that is told."""
    piece = lane.piece
    assert piece is not None
    measures = [*metrics_of(piece), *([] if comparison.is_blind or comparison.is_busy else costs_of(piece))]
    st.html(f'<dl class="measures">{"".join(map(_measure, measures))}</dl>')
    if not comparison.is_blind:
        st.page_link("views/studio.py", label=say("compare.open"), query_params={"piece": piece.id}, width="content")


def _measure(measure: Measure) -> str:
    seed = f" <span>({escape(say('compare.of_seed', value=measure.of_seed))})</span>" if measure.of_seed else ""
    return f"<div><dt>{escape(measure.name)}</dt><dd>{escape(measure.value)}{seed}</dd></div>"
