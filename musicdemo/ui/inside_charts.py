"""Charts of what went on inside a network, by Plotly: maps of what was read, bars for one note, gates over time.

They take figures and words and know neither networks nor Streamlit. Colours come from the page's theme; where a map is
empty it is clear, so that it suits light and dark.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Figure = Any  # plotly carries no types
Ticks = Sequence[tuple[int, int]]
"""Place of the first event of each bar, and the bar's number."""

HEAT = ((0.0, "rgba(213, 94, 0, 0)"), (0.5, "rgba(213, 94, 0, 0.75)"), (1.0, "rgba(160, 20, 60, 1)"))
MOST_TICKS = 12
MARK = " ·"
"""Stands in a name before the number that tells it from others."""

MAP_PIXELS, CHART_PIXELS = 520, 260
COLOUR_BAR = {"orientation": "h", "thickness": 8, "x": 0.5, "y": 1.01, "yanchor": "bottom"}
"""Above the picture, so that a phone's width is left to it."""

CONFIG: dict[str, Any] = {"displaylogo": False, "displayModeBar": False}


def map_chart(shares: NDArray[np.float32], names: Sequence[str], words: Mapping[str, str]) -> Figure:
    """Draw shares (N, N) by names that differ: rows were predicted, columns read. An axis leaves out what follows MARK.

    `words`: read, predicted and share, and hover, which says %{x}, %{y} and %{z}.
    """
    from plotly import graph_objects

    places = names[:: max(1, -(-len(names) // MOST_TICKS))]
    heat = graph_objects.Heatmap(
        x=names,
        y=names,
        z=shares,
        colorscale=HEAT,
        zmin=0,
        zmax=_top(shares),
        hovertemplate=f"{words['hover']}<extra></extra>",
        colorbar={**COLOUR_BAR, "title": {"text": words["share"], "side": "top"}, "tickformat": ".0%"},
    )
    figure = graph_objects.Figure(heat)
    ticks = {"tickvals": places, "ticktext": [name.partition(MARK)[0] for name in places], "tickfont": {"size": 11}}
    axis = {"type": "category", "showgrid": False, "zeroline": False, **ticks}
    figure.update_xaxes(title=words["read"], tickangle=-60, **axis)
    figure.update_yaxes(title=words["predicted"], autorange="reversed", **axis)
    return _sized(figure, MAP_PIXELS)


def reads_chart(names: Sequence[str], shares: Sequence[float], share: str) -> Figure:
    """Draw shares as bars under names that differ, the first on top."""
    from plotly import graph_objects

    bars = graph_objects.Bar(
        y=names,
        x=shares,
        orientation="h",
        text=[f"{100 * value:.0f} %" for value in shares],
        textposition="auto",
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    figure = graph_objects.Figure(bars)
    figure.update_xaxes(title=share, tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(type="category", autorange="reversed")
    return _sized(figure, CHART_PIXELS + 24 * len(names))


def gates_chart(gates: Mapping[str, NDArray[np.float32]], bars: Ticks, words: Mapping[str, str]) -> Figure:
    """Draw each gate, a mean between 0 and 1 for each event, over the bars. `words`: bar_axis, openness, and names."""
    from plotly import graph_objects

    lines = [
        graph_objects.Scatter(
            y=values,
            name=words[f"gate_{gate}"],
            mode="lines",
            line={"dash": dash, "width": 1.5},
            hovertemplate="%{y:.2f}",
        )
        for (gate, values), dash in zip(gates.items(), ("solid", "dash", "dot"), strict=False)
    ]
    figure = graph_objects.Figure(lines)
    _bar_axis(figure, bars, words["bar_axis"])
    figure.update_yaxes(title=words["openness"], range=[0, 1])
    figure.update_layout(legend={"orientation": "h", "y": 1.12, "x": 0}, hovermode="x unified")
    return _sized(figure, CHART_PIXELS)


def units_chart(hidden: NDArray[np.float32], units: Sequence[str], bars: Ticks, words: Mapping[str, str]) -> Figure:
    """Draw hidden units (T, U) over the bars, white at 0."""
    from plotly import graph_objects

    heat = graph_objects.Heatmap(
        z=hidden.T,
        y=units,
        colorscale="PuOr",
        zmid=0,
        hovertemplate="%{y}: %{z:.2f}<extra></extra>",
        colorbar={**COLOUR_BAR, "title": {"text": "h", "side": "top"}},
    )
    figure = graph_objects.Figure(heat)
    _bar_axis(figure, bars, words["bar_axis"])
    figure.update_yaxes(type="category", showgrid=False)
    return _sized(figure, CHART_PIXELS + 8 * len(units))


def _bar_axis(figure: Figure, bars: Ticks, title: str) -> None:
    every = max(1, -(-len(bars) // MOST_TICKS))
    shown = bars[::every]
    figure.update_xaxes(
        title=title,
        tickvals=[place for place, _ in shown],
        ticktext=[str(number) for _, number in shown],
        tickangle=0,
        showgrid=True,
        zeroline=False,
    )


def _sized(figure: Figure, pixels: int) -> Figure:
    figure.update_layout(height=pixels, margin={"l": 8, "r": 8, "t": 24, "b": 8}, dragmode="zoom")
    return figure


def _top(shares: NDArray[np.float32]) -> float:
    """Return the share that gets the fullest colour: few outliers shall not wash out the rest."""
    seen = shares[shares > 0]
    return float(np.quantile(seen, 0.995)) if len(seen) else 1.0
