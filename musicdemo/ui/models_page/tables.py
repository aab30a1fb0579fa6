"""The tables of a card, which open on demand: held-out figures, what the network writes, what it learned from."""

import streamlit as st

from musicdemo.checkpoint import CheckpointInfo
from musicdemo.ui.models_page.figures import held_out, measures, number, sources
from musicdemo.ui.plain_text import escaped
from musicdemo.ui.words import known_words, say

MEASURES = {
    "pitch-class entropy": "entropy",
    "scale consistency": "scale",
    "groove consistency": "groove",
    "polyphony": "polyphony",
    "pitch range": "range",
}
"""Names in metrics.json → names in words/models.toml."""

Columns = dict[str, list[str]]


def tables(info: CheckpointInfo) -> None:
    """Draw the tables of one model; those that its file has no figures for are left out."""
    found = [
        ("held_out", held_out_table(info)),
        ("writes", writes_table(info)),
        ("corpora", sources_table(info)),
    ]
    filled = [(name, columns) for name, columns in found if columns]
    if not filled:
        return
    opened = st.expander(say("models.figures"), key=f"figures_{info.name}", on_change="rerun")
    if opened.open:
        with opened:
            for name, columns in filled:
                st.caption(say(f"models.{name}_about"))
                st.table(columns, hide_index=True, alt=say(f"models.{name}_about"))
            st.text(int8_line(info))


def int8_line(info: CheckpointInfo) -> str:
    """Say what decoding in 8-bit integers costs; "" where it was not measured."""
    whole, full = (number(info.metrics, "int8", f"{kind}_nats_per_note") for kind in ("int8", "fp32"))
    return "" if whole is None or full is None else say("models.int8", cost=_figure(whole - full, "+.4f"))


def held_out_table(info: CheckpointInfo) -> Columns:
    """Lay out nats a note by corpus, beside the bigram's."""
    rows = held_out(info.metrics)
    columns = {
        say("models.corpus"): [_style(row.corpus) for row in rows],
        say("models.this_model"): [f"{row.nats:.3f}" for row in rows],
        say("models.bigram"): [_figure(row.bigram, ".3f") for row in rows],
        say("models.pieces"): [_figure(row.pieces, ",.0f") for row in rows],
        say("models.notes"): [_figure(row.notes, ",.0f") for row in rows],
    }
    return columns if rows else {}


def writes_table(info: CheckpointInfo) -> Columns:
    """Lay out what the network writes beside what composers wrote there."""
    rows = measures(info.metrics)
    columns = {
        say("models.corpus"): [_style(row.corpus) for row in rows],
        say("models.measure"): [_measure(row.name) for row in rows],
        say("models.real"): [_figure(row.real, ".3g") for row in rows],
        say("models.written"): [_figure(row.written, ".3g") for row in rows],
        say("models.overlap"): [_figure(row.overlap, ".2f") for row in rows],
    }
    return columns if rows else {}


def sources_table(info: CheckpointInfo) -> Columns:
    """Lay out the corpora with where they are from and their licences, in their makers' words."""
    rows = sources(info.metrics)
    columns = {
        say("models.corpus"): [_style(row.corpus) for row in rows],
        say("models.source"): [escaped(row.source) for row in rows],
        say("models.licence"): [escaped(row.licence) for row in rows],
        say("models.notes"): [_figure(row.notes, ",.0f") for row in rows],
    }
    return columns if rows else {}


def _style(name: str) -> str:
    return escaped(known_words("styles", name))


def _measure(name: str) -> str:
    return say(f"models.measure_{MEASURES[name]}") if name in MEASURES else escaped(name)


def _figure(value: float | None, spec: str) -> str:
    return "–" if value is None else format(value, spec).replace("-", "−")
