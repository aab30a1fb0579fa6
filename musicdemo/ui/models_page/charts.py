"""The two charts of the models page: all models side by side, and one while it learned."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from musicdemo.checkpoint import CheckpointInfo
from musicdemo.hub.name import short_name
from musicdemo.ui.models_page.figures import held_out, mean, mean_bigram, mean_nats, number
from musicdemo.ui.models_page.snapshots import steps_of
from musicdemo.ui.words import say

STILL = {"displayModeBar": False, "scrollZoom": False}
FIELDS = ("time", "pitch", "duration")
"""Columns of an event whose learning is drawn; the others are soon known where all pieces have the same players."""

CLEAR, GRID = "rgba(0,0,0,0)", "rgba(128,128,128,0.25)"
LINES = ("#2a7fc0", "#d0691a", "#28965a", "#c8453b", "#8a6fd1")
"""Seen on white and on black alike."""

INKS = {"light": "#31333f", "dark": "#fafafa"}
TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
BAR_PIXELS, AROUND_PIXELS = 36, 90


def comparison(models: Mapping[str, CheckpointInfo]) -> None:
    """Draw the nats a note of those models that were measured on the corpora of the first measured one."""
    bars = compared(models)
    if not bars:
        return
    labels = [short_name(name) for name, _ in bars]
    values = [nats for _, nats in bars]
    figure = go.Figure(go.Bar(x=values, y=labels, orientation="h", text=[f"{nats:.2f}" for nats in values]))
    figure.update_traces(textposition="inside", marker_color="#2a6fb0", hoverinfo="skip", textfont_color="#ffffff")
    figure.update_layout(height=AROUND_PIXELS + BAR_PIXELS * len(bars), margin={"l": 0, "r": 10, "t": 10, "b": 40})
    figure.update_xaxes(title=say("models.nats_axis"), rangemode="tozero")
    figure.update_yaxes(autorange="reversed", type="category")
    told = say("models.comma").join(f"{label} {value:.3f}" for label, value in zip(labels, values, strict=True))
    _show(figure, key="comparison", alt=say("models.comparison_alt", figures=told))


def compared(models: Mapping[str, CheckpointInfo]) -> list[tuple[str, float]]:
    """Return names and means over the same corpora, the bigram's last; a mean over others would compare nothing."""
    measured = {name: {row.corpus: row for row in held_out(info.metrics)} for name, info in models.items()}
    corpora = next((set(rows) for rows in measured.values() if rows), set())
    bars = []
    for name, rows in measured.items():
        nats = mean(rows[corpus].nats for corpus in corpora) if corpora and corpora <= set(rows) else None
        if nats is not None:
            bars.append((name, nats))
    bigram = mean(rows[corpus].bigram for rows in [measured[bars[0][0]]] for corpus in corpora) if bars else None
    return [*bars, *([(say("models.bigram"), bigram)] if bigram is not None else [])]


def learning_curve(snapshots: Sequence[CheckpointInfo], chosen: CheckpointInfo) -> None:
    """Draw nats over steps, as a whole and for some fields of a note, with the chosen snapshot marked."""
    steps = [f"{steps_of(info):,}" for info in snapshots]
    figure = go.Figure()
    lines = {say("models.curve_all"): [mean_nats(info.metrics) for info in snapshots]}
    lines |= {say(f"models.curve_{field}"): [_field(info, field) for info in snapshots] for field in FIELDS}
    for name, values in lines.items():
        figure.add_scatter(x=steps, y=values, name=name, mode="lines+markers")
    bigram = mean_bigram(chosen.metrics)
    if bigram is not None:
        figure.add_scatter(x=steps, y=[bigram] * len(steps), name=say("models.bigram"), mode="lines", line_dash="dash")
    figure.add_vline(x=list(snapshots).index(chosen), line_width=14, line_color="#808080", opacity=0.3)
    figure.update_layout(
        height=340, margin={"l": 0, "r": 10, "t": 10, "b": 40}, legend={"orientation": "h", "y": -0.25}
    )
    figure.update_xaxes(title=say("models.steps_axis"), type="category")
    figure.update_yaxes(title=say("models.nats_axis"), type="log", tickvals=TICKS, ticktext=[*map(str, TICKS)])
    _show(figure, key="learning", alt=_told(steps, lines[say("models.curve_all")]))


def _show(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a chart in the colours of the page; the greys of Streamlit's theme for charts are too faint to read."""
    ink = INKS["dark" if st.context.theme.type == "dark" else "light"]
    figure.update_layout(font_color=ink, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, colorway=LINES)
    figure.update_xaxes(gridcolor=GRID, fixedrange=True, automargin=True)
    figure.update_yaxes(gridcolor=GRID, fixedrange=True, automargin=True)
    st.plotly_chart(figure, theme=None, config=STILL, key=key, alt=alt)


def _field(info: CheckpointInfo, field: str) -> float | None:
    rows = info.metrics.get("held_out", {}).values()
    return mean(number(row, "columns", field) for row in rows)


def _told(steps: Sequence[str], nats: Sequence[float | None]) -> str:
    pairs = [f"{step}: {value:.2f}" for step, value in zip(steps, nats, strict=True) if value is not None]
    return say("models.curve_alt", figures=say("models.comma").join(pairs))
