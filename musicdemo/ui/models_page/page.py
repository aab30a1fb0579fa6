"""The models page from top to bottom: one seed for all, a chart, the cards, the Hub, the time machine."""

import streamlit as st

from musicdemo.ui.hub_models import hub_controls, settle_fetch
from musicdemo.ui.models_page.cards import card, in_order
from musicdemo.ui.models_page.charts import comparison
from musicdemo.ui.models_page.listening import notice
from musicdemo.ui.models_page.seed_choice import choose_seed
from musicdemo.ui.models_page.time_machine import time_machine
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import say

CARDS_A_ROW = 2


def models_page(visit: Visit) -> None:
    """Draw the page for this visit."""
    settle_fetch(visit)
    notices = st.container()
    st.header(say("models.title"), anchor=False)
    st.markdown(say("models.about"))
    seed_name = choose_seed(say("models.seed"), key="models_seed")
    names = in_order(list(visit.models))
    if not names:
        st.warning(say("main.no_model"))
    comparison({name: visit.models[name] for name in names})
    for first in range(0, len(names), CARDS_A_ROW):
        columns = st.columns(CARDS_A_ROW, gap="medium")
        for column, name in zip(columns, names[first : first + CARDS_A_ROW], strict=False):
            with column:
                card(visit, name, seed_name)
    st.header(say("hub.title"), anchor=False)
    st.markdown(say("hub.about"))
    hub_controls(visit)
    with notices:  # drawn last, for what is drawn above may have brought one
        notice(visit)
    st.fragment(time_machine)(visit)  # a move of its slider need not draw all cards again
