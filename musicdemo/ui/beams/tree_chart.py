"""The tree of a beam search as a chart: bars from left to right, a lane for each way on, colour by bits a note.

It can be chosen from at every bar line and wherever a branch ends. What is done with the choice is the page's business.
"""

import math
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from musicdemo.decoding.beam_tree import PROMPT
from musicdemo.generation import Exploration
from musicdemo.ui.beams.tree_layout import Stretch, fork_of, lanes_of, place_of, stretches_of
from musicdemo.ui.words import say

COLOURS = ("#2f6fdb", "#5f84b4", "#8a8a8a", "#b87533", "#de5a1c")
"""From few bits to many: blue to orange, told apart without red and green, and seen on white as on black."""

LANE_PIXELS, LEAST_PIXELS, MOST_PIXELS = 26, 190, 560
FRAME_PIXELS = 120
KEPT_WIDTH, GIVEN_UP_WIDTH = 4, 1.5
MARKER_PIXELS = 10
MOST_TICKS = 12

Broken = list[float | None]
"""Places of a line that None interrupts."""


def tree_chart(found: Exploration) -> go.Figure:
    """Draw the tree; each marker carries the number of its node in the tree as customdata."""
    lanes, stretches = lanes_of(found), stretches_of(found)
    limits = _limits(stretches)
    figure = go.Figure()
    for colour, (low, high) in enumerate(pairwise((0.0, *limits, math.inf))):
        these = [each for each in stretches if _colour(limits, each) == colour]
        for kept in (True, False):
            figure.add_trace(_lines(found, these, lanes, colour, _range_name(low, high), kept=kept))
    figure.add_trace(_forks(found, lanes))
    figure.add_trace(_markers(found, stretches, lanes, limits))
    _number_ends(figure, found, lanes)
    _lay_out(figure, found, lanes)
    return figure


def stop_title(found: Exploration, stretch: Stretch) -> str:
    """Say where the last note of a stretch begins, whose way it is on, and what the stretch cost."""
    whose = ", ".join(str(number + 1) for number in found.branches[stretch.branch].hypotheses)
    bar, beat = divmod(stretch.last, 1)
    return say(
        "alternatives.stop" if whose else "alternatives.stop_given_up",
        bar=int(bar),
        beat=1 + int(beat * found.seam.meter.numerator),
        whose=whose,
        bits=f"{stretch.bits:.1f}",
    )


def _limits(stretches: list[Stretch]) -> tuple[float, ...]:
    """Return the bits a note between two colours, so that each colour is used as often as the next."""
    shares = [number / len(COLOURS) for number in range(1, len(COLOURS))]
    return tuple(np.quantile([each.bits for each in stretches], shares).tolist())


def _colour(limits: tuple[float, ...], stretch: Stretch) -> int:
    return int(np.searchsorted(limits, stretch.bits))


def _range_name(low: float, high: float) -> str:
    return f"{low:.1f}+" if math.isinf(high) else f"{low:.1f}–{high:.1f}"


def _lines(
    found: Exploration, stretches: list[Stretch], lanes: list[int], colour: int, name: str, *, kept: bool
) -> go.Scatter:
    places: Broken = []
    heights: Broken = []
    for each in stretches:
        if bool(found.branches[each.branch].hypotheses) == kept:
            places += [each.start, each.end, None]
            heights += [lanes[each.branch], lanes[each.branch], None]
    width = KEPT_WIDTH if kept else GIVEN_UP_WIDTH
    return _line(places, heights, COLOURS[colour], width, name=name, showlegend=kept)


def _forks(found: Exploration, lanes: list[int]) -> go.Scatter:
    places: Broken = []
    heights: Broken = []
    for number, branch in enumerate(found.branches):
        fork, lane = fork_of(found, branch), 0 if branch.parent == PROMPT else lanes[branch.parent]
        places += [fork, fork, None]
        heights += [lane, lanes[number], None]
    return _line(places, heights, COLOURS[len(COLOURS) // 2], GIVEN_UP_WIDTH, showlegend=False)


def _line(places: Broken, heights: Broken, colour: str, width: float, **rest: object) -> go.Scatter:
    line = {"color": colour, "width": width}
    return go.Scatter(x=places, y=heights, mode="lines", line=line, hoverinfo="skip", **rest)


def _markers(found: Exploration, stretches: list[Stretch], lanes: list[int], limits: tuple[float, ...]) -> go.Scatter:
    stops = [each for each in stretches if each.node is not None]
    return go.Scatter(
        x=[each.end for each in stops],
        y=[lanes[each.branch] for each in stops],
        mode="markers",
        marker={"size": MARKER_PIXELS, "color": [COLOURS[_colour(limits, each)] for each in stops]},
        selected={"marker": {"size": 2 * MARKER_PIXELS}},
        unselected={"marker": {"opacity": 1}},  # the others stay to be chosen
        customdata=[each.node for each in stops],
        hovertext=[stop_title(found, each) for each in stops],
        hoverinfo="text",
        showlegend=False,
    )


def _number_ends(figure: go.Figure, found: Exploration, lanes: list[int]) -> None:
    """Write the number of each alternative behind its end."""
    home = {branch.nodes[-1]: number for number, branch in enumerate(found.branches)}
    for number, node in enumerate(found.nodes):
        if node in home:
            end = place_of(found, found.branches[home[node]].steps[-1])
            place = {"x": end, "y": lanes[home[node]], "xanchor": "left", "xshift": MARKER_PIXELS}
            figure.add_annotation(text=str(number + 1), showarrow=False, **place)


def _legend() -> dict[str, str]:
    return {"text": say("alternatives.bits"), "side": "left"}


def _lay_out(figure: go.Figure, found: Exploration, lanes: list[int]) -> None:
    last = max((branch.kept_until for branch in found.branches), default=found.seam.join)
    bars = place_of(found, last) - place_of(found, found.seam.join)
    figure.update_layout(
        height=min(MOST_PIXELS, max(LEAST_PIXELS, FRAME_PIXELS + LANE_PIXELS * (1 + max(lanes, default=0)))),
        margin={"l": 8, "r": 24, "t": 8, "b": 8},
        dragmode=False,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0.0, "itemclick": False, "title": _legend()},
        hovermode="closest",
        xaxis={"title": say("alternatives.bar"), "fixedrange": True, "zeroline": False},
        yaxis={"visible": False, "fixedrange": True, "autorange": "reversed"},
    )
    figure.update_xaxes(tick0=1, dtick=max(1, math.ceil(bars / MOST_TICKS)))
