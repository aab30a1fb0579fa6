"""The studio page: the stage first and large, the controls beside it (below it on a phone)."""

import streamlit as st

from musicdemo.ui import services
from musicdemo.ui.asked import prepare
from musicdemo.ui.plain_text import escaped
from musicdemo.ui.sections.actions import main_button
from musicdemo.ui.sections.alternatives import alternatives
from musicdemo.ui.sections.doctor import doctor
from musicdemo.ui.sections.history import history
from musicdemo.ui.sections.inside import inside
from musicdemo.ui.sections.seed import seed_controls
from musicdemo.ui.sections.settings import setting_controls
from musicdemo.ui.sentences import say_sentence
from musicdemo.ui.stage import stage
from musicdemo.ui.visit import Visit, current_visit, follow_address, settle_task
from musicdemo.ui.words import say


def studio() -> None:
    """Draw the page for the visitor of this session."""
    visit = current_visit()
    settle_task(visit)
    follow_address(visit)
    prepare(visit)
    st.caption(say("main.tagline"))
    with st.container():  # always there, so that a notice moves nothing and the music plays on
        _notices(visit)
    left, right = st.columns([2.4, 1], gap="medium")
    # The controls go first over the wire: who sees the roll change finds them up to date, and no click is lost.
    with right, st.container(border=True, key="controls"):
        main_button(visit)  # first, so that on a phone it follows the roll
        seed_controls(visit)
        setting_controls(visit)
    with left:
        stage(visit)
        alternatives(visit)
        doctor(visit)
        inside(visit, note=visit.note)
        history(visit)


def _notices(visit: Visit) -> None:
    if not services.checkpoints():
        st.warning(say("main.no_model"))
    if visit.notice:
        st.error(escaped(say_sentence(visit.notice)))
        visit.notice = ""
