"""What the temperature means for the very next note: the pitches that may be drawn, and between how many one wavers.

The network reads the seed once; a move of a slider costs a softmax.
"""

from html import escape

import streamlit as st

from musicdemo.errors import CheckpointError
from musicdemo.ui import insights
from musicdemo.ui.asked import OFF, chosen_seed
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import say

STYLE = """<style>
ul.next-note.next-note { list-style: none; margin: 0; padding: 0; font-size: 0.8rem; line-height: 1.35; }
.next-note.next-note li { display: grid;
  grid-template-columns: minmax(2.6rem, auto) 1fr 3.2rem; gap: 0.5rem; align-items: center;
  margin: 0; padding: 0; font-size: inherit; }
.next-note i { height: 0.55rem; border-radius: 2px; background: currentColor; opacity: 0.55; min-width: 1px; }
.next-note b { font-weight: 400; text-align: right; font-variant-numeric: tabular-nums; }
</style>"""


def preview(visit: Visit) -> None:
    """Draw the odds of the first new note at the settings that the controls stand at."""
    state = st.session_state
    if not visit.models:
        return
    if state["beam_width"] != OFF:
        st.caption(say("inside.preview_beam"))
        return
    try:
        found = insights.following(
            state["model"], chosen_seed(visit), style=state["style"], random_seed=state["random_seed"]
        )
    except CheckpointError:
        return  # the model menu is where a broken model is spoken of
    asked = state["temperature"], state["top_k"], state["top_p"]
    st.caption(say("inside.preview", choices=f"{found.effective_choices(*asked):.1f}"))
    st.html(STYLE + bars_html(found.at(*asked)))


def bars_html(odds: list[tuple[str, float]]) -> str:
    """Lay out names and probabilities as a list with bars."""
    rows = "".join(
        f'<li><span>{escape(insights.translated(name))}</span><i style="width:{share:.1%}" aria-hidden="true"></i>'
        f"<b>{escape(say('inside.percent', value=f'{100 * share:.0f}'))}</b></li>"
        for name, share in odds
    )
    return f'<ul class="next-note" aria-label="{escape(say("inside.preview_list"))}">{rows}</ul>'
