"""The script that Streamlit runs for every visitor: it sets the page up and opens the room that was asked for."""

from pathlib import Path

import streamlit as st

from musicdemo.ui.asked import hold
from musicdemo.ui.components.language import tell_language
from musicdemo.ui.routes.shell import PAGES
from musicdemo.ui.words import choose_language, language_switch, say

HERE = Path(__file__).parent
STYLE = """<style>
/* Streamlit lays its own header over ours: clicks go through it, but for its menu. */
.stAppHeader { background: transparent; pointer-events: none; }
.stAppHeader * { pointer-events: none; }
.stMainMenu, .stMainMenu *, .stStatusWidget * { pointer-events: auto; }
.stMainBlockContainer { padding: 1rem 2rem 3rem; max-width: 1500px; }
.st-key-header { padding-right: 2.5rem; } /* the menu of Streamlit lies there */
.stMainBlockContainer h1 { padding: 0; font-size: 1.9rem; }
/* Streamlit's own tones for these are fainter than 4.5 to 1. */
[data-testid="stCaptionContainer"] { color: inherit; opacity: 0.8; }
[data-testid="stSliderThumbValue"], [data-testid="stSliderThumbValue"] p { color: inherit; }
/* A chosen segment in the accent colour is too faint on its tint. */
.stApp button[data-variant][data-selected="true"] { color: inherit; }
@media (max-width: 640px) {
  .stApp .stTable table :is(td, th) { padding: 0.2rem; white-space: normal; }
  .stApp .stTable table p { font-size: 0.75rem; white-space: normal; overflow-wrap: break-word; }
}
@media (max-width: 640px) { .stMainBlockContainer { padding: 1rem 0.75rem 3rem; } }
</style>"""

st.set_page_config(page_title="musicdemo", page_icon=str(HERE / "icon.png"), layout="wide")
st.html(STYLE)
choose_language()
hold()
pages = [
    st.Page(HERE / "views" / f"{name}.py", title=say(f"main.{name}"), url_path=name, default=name == "studio")
    for name in PAGES
]
page = st.navigation(pages, position="hidden")
with st.container(horizontal=True, vertical_alignment="center", key="header"):
    st.title("musicdemo", anchor=False, width="stretch")
    for link in pages:
        st.page_link(link)
    language_switch()
tell_language(say("main.tag"))
page.run()
