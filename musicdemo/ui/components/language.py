"""What tells a browser and a screen reader which language the page speaks: Streamlit itself always says English."""

import streamlit as st

_mount = st.components.v2.component(
    "language", html="<span></span>", js="export default ({ data }) => { document.documentElement.lang = data }"
)


def tell_language(tag: str) -> None:
    """Name the language of the page, such as "zh-Hans"."""
    _mount(key="language_tag", data=tag, height=1)
