"""What the page says, in each of its languages. The texts stand in words/<section>.toml, one table a key.

Which language is the visitor's is decided once a run of the script (choose_language) and kept for the visit.
"""

import tomllib
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

LANGUAGES = {"en": "English", "zh": "简体中文"}
DEFAULT_LANGUAGE = "en"
FOLDER = Path(__file__).with_name("words")
_STATE_KEY = "language"
_PARAMETER = "lang"


def say(key: str, /, *, language: str | None = None, **values: object) -> str:
    """Return the text of `section.name`, its placeholders filled in, in `language` or in that of this visit."""
    section, _, name = key.partition(".")
    return section_words(section, language)[name].format(**values)


def section_words(section: str, language: str | None = None) -> dict[str, str]:
    """Return all texts of a section by name, as a component in the browser needs them."""
    return _section(section, language or visit_language())


def known_words(section: str, name: str, default: str | None = None, *, language: str | None = None) -> str:
    """Return the text for a name of the domain, such as an instrument's or a style's; where none is known, `default`.

    English names stand in the domain itself, so these sections hold the other languages alone.
    """
    return section_words(section, language).get(name, name if default is None else default)


def visit_language() -> str:
    """Return the language of this visit; the default one outside the page's script."""
    if get_script_run_ctx() is None:
        return DEFAULT_LANGUAGE
    return str(st.session_state.get(_STATE_KEY, DEFAULT_LANGUAGE))


def choose_language() -> None:
    """Take the language that the address names or, at first, that of the browser."""
    asked = st.query_params.get(_PARAMETER)
    if asked in LANGUAGES:
        st.session_state[_STATE_KEY] = asked
    elif _STATE_KEY not in st.session_state:
        st.session_state[_STATE_KEY] = nearest_language(st.context.locale or "")


def language_switch() -> None:
    """Draw the switch between the languages; the address then names the chosen one, so that a link keeps it."""
    now = visit_language()
    other = next(code for code in LANGUAGES if code != now)
    st.button(LANGUAGES[other], key="switch_language", on_click=_switch, args=(other,))


def nearest_language(wanted: str) -> str:
    """Return the language for a browser's wish such as "zh-CN" or a whole Accept-Language header."""
    first = wanted.split(",", maxsplit=1)[0].strip().lower()
    return next((code for code in LANGUAGES if first.split("-")[0] == code), DEFAULT_LANGUAGE)


def _switch(code: str) -> None:
    st.session_state[_STATE_KEY] = code
    st.query_params[_PARAMETER] = code


@cache
def _section(section: str, language: str) -> dict[str, str]:
    tables = tomllib.loads((FOLDER / f"{section}.toml").read_text(encoding="utf-8"))
    return {name: texts[language] for name, texts in tables.items() if language in texts}
