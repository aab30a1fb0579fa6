"""Looking inside the network that wrote a piece, or another: what it read for each note, and what its layers did.

Nothing is computed until it is opened, and what costs much only when it is asked for.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from musicdemo.errors import CheckpointError, JobError
from musicdemo.insight import MAX_NOTES, MOST_ACROSS, ReadingMap, note_map
from musicdemo.insight.note_events import NOTHING
from musicdemo.ui import insights
from musicdemo.ui.inside_charts import CONFIG, MARK, gates_chart, map_chart, reads_chart, units_chart
from musicdemo.ui.insights import Insight, label
from musicdemo.ui.plain_text import escaped
from musicdemo.ui.sections.settings import model_title
from musicdemo.ui.sentences import say_sentence
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import say, section_words

NOTES_AT_ONCE, BARS_AT_ONCE = 128, 64
assert max(NOTES_AT_ONCE, BARS_AT_ONCE) <= MOST_ACROSS


def inside(visit: Visit, *, note: int | None = None) -> None:
    """Draw the section, closed at first; `note` is the place in roll order of the note chosen on the roll."""
    panel = st.expander(say("inside.title"), key="inside", on_change="rerun")
    if not panel.open:
        return
    with panel:
        if visit.busy:
            st.caption(say("inside.waiting"))
        elif not visit.shown.score.note_count:
            st.caption(say("inside.empty"))
        elif visit.models:
            st.fragment(_look)(visit, note)


def _look(visit: Visit, note: int | None) -> None:
    piece = visit.shown
    names = [name for name in visit.models if insights.is_here(name)]
    wrote = insights.default_model(piece)
    model = st.selectbox(
        say("inside.model"),
        names,
        index=names.index(wrote) if wrote in names else 0,
        key=f"inside_model_{piece.id}",
        format_func=lambda name: model_title(visit, name),
    )
    try:
        with st.spinner(say("inside.reading")):
            seen = insights.insight(piece, model)
        _views(seen, note)
    except (CheckpointError, JobError) as error:
        st.warning(escaped(say_sentence(str(error))))


def _views(seen: Insight, note: int | None) -> None:
    offered: dict[str, Callable[[], None]] = {
        "notes": lambda: _notes(seen),
        "bars": lambda: _bars(seen),
        "note": lambda: _one_note(seen, note),
        "layer": lambda: _layer(seen),
    }
    if not seen.found.has_attention:
        offered.pop("notes")  # each note would cost a pass through the network
    view = st.segmented_control(
        say("inside.view"),
        list(offered),
        default=next(iter(offered)),
        required=True,
        key=f"inside_view_{len(offered)}",
        format_func=lambda name: say(f"inside.{name}"),
    )
    if view != "layer":
        st.caption(say(f"inside.{_kind(seen)}"))
    placed = seen.found.placed
    if placed.first_bar:
        st.caption(say("inside.long", count=MAX_NOTES, bar=placed.first_bar + 1))
    offered[view or next(iter(offered))]()


def _kind(seen: Insight) -> str:
    return "attention" if seen.found.has_attention else "attribution"


def _notes(seen: Insight) -> None:
    count = int((seen.found.placed.note_of != NOTHING).sum())
    first = _stretch("from_note", count, NOTES_AT_ONCE, start=1)
    found = note_map(seen.checkpoint, seen.found, first=first, count=NOTES_AT_ONCE)
    _map(found, [_numbered(seen, index) for index in found.labels], "", seen)


def _bars(seen: Insight) -> None:
    placed = seen.found.placed
    count = len(placed.bars) - placed.first_bar
    first = placed.first_bar + _stretch("from_bar", count, BARS_AT_ONCE, start=placed.first_bar + 1)
    shown = min(BARS_AT_ONCE, len(placed.bars) - first)
    if seen.found.has_attention:
        found: ReadingMap | None = insights.bars(seen, first=first, count=shown)
    else:
        found = insights.kept_bars(seen, first=first, count=shown) or _measured(seen, first=first, count=shown)
    if found is not None:
        _map(found, [say("inside.bar_number", number=bar + 1) for bar in found.labels], "_bar", seen)


def _measured(seen: Insight, *, first: int, count: int) -> ReadingMap | None:
    """Offer to measure bars, which takes a while, and do so when asked."""
    place = st.empty()
    with place.container():
        st.caption(say("inside.measure_why"))
        if not st.button(say("inside.measure", count=count), key="inside_measure"):
            return None
    bar = place.progress(0.0, text=say("inside.measuring", done=0, total=count))

    def on_bar(done: int) -> None:
        bar.progress(done / count, text=say("inside.measuring", done=done, total=count))

    found = insights.bars(seen, first=first, count=count, on_bar=on_bar)
    place.empty()
    return found


def _stretch(words: str, count: int, most: int, *, start: int) -> int:
    """Ask from where on to show what is longer than the picture; counted from 0."""
    if count <= most:
        return 0
    last = start + count - most
    return int(st.slider(say(f"inside.{words}", count=count), start, last, key=f"inside_{words}_{count}")) - start


def _map(found: ReadingMap, names: list[str], suffix: str, seen: Insight) -> None:
    words = {
        "read": say(f"inside.read{suffix}"),
        "predicted": say(f"inside.predicted{suffix}"),
        "share": say("inside.share"),
        "hover": say(f"inside.hover_{_kind(seen)}", read="%{x}", predicted="%{y}", share="%{z:.1%}"),
    }
    strongest = ""
    if found.shares.any():
        row, column = np.unravel_index(int(found.shares.argmax()), found.shares.shape)
        percent = f"{100 * found.shares[row, column]:.0f}"
        strongest = say("inside.strongest", read=names[column], predicted=names[row], share=percent)
        st.text(strongest)
    _draw(map_chart(found.shares, names, words), "map", strongest)


def _one_note(seen: Insight, note: int | None) -> None:
    count = len(seen.found.notes)
    asked = st.number_input(
        say("inside.which_note", count=count),
        1,
        count,
        value=1 + (_first_new(seen) if note is None or note >= count else note),
        key=f"inside_note_{seen.piece.id}_{note}",
    )
    index = int(asked) - 1
    thought = seen.found.notes[index]
    if thought is None:
        st.text(say("inside.note_unread"))
        return
    likeliest = ", ".join(f"{insights.translated(name)} {100 * share:.0f} %" for name, share in thought.likeliest)
    facts = {"percent": f"{100 * thought.probability:.1f}", "bits": f"{thought.bits:.1f}", "likeliest": likeliest}
    st.text(say("inside.note_facts", label=label(seen, index), **facts))
    with st.spinner(say("inside.computing")):
        reads = insights.reads(seen, index)
    if not reads.notes and not reads.on_no_note:
        st.text(say("inside.note_reads_nothing"))
        return
    shares = {_numbered(seen, other): share for other, share in reads.notes}
    shares[say("inside.on_other_notes")] = max(0.0, 1 - sum(shares.values()) - reads.on_no_note)
    shares[say("inside.on_no_note")] = reads.on_no_note
    _draw(reads_chart(list(shares), list(shares.values()), say("inside.share")), "note", label(seen, index))


def _first_new(seen: Insight) -> int:
    """Return the first note behind the join, or the last of all."""
    onsets = [note.onset for _, note in seen.found.placed.order]
    return min(int(np.searchsorted(onsets, seen.piece.join)), len(onsets) - 1)


def _layer(seen: Insight) -> None:
    config, words = seen.checkpoint.config, section_words("inside")
    numbers = list(range(1, config.layers + 1))
    number = st.segmented_control(
        say("inside.which_layer"), numbers, default=config.layers, required=True, key=f"inside_layer_{config.layers}"
    )
    st.text(say(f"inside.equations_{config.architecture.partition('-')[0]}"))
    with st.spinner(say("inside.computing")):
        states = insights.layer(seen, (number or config.layers) - 1)
    music = slice(1, -1)  # neither START nor END
    bar_of = seen.found.placed.bar_of[music]
    bars = [(int(place), int(bar_of[place]) + 1) for place in np.flatnonzero(np.diff(bar_of, prepend=-1))]
    if states.gates:
        st.text(words["gates"])
        gates = {name: values[music] for name, values in states.gates.items()}
        _draw(gates_chart(gates, bars, words), "gates", words["gates"])
    title = say("inside.units", count=len(states.units))
    st.text(title)
    units = [say("inside.unit", number=unit + 1) for unit in states.units]
    _draw(units_chart(states.hidden[music], units, bars, words), "units", title)


def _numbered(seen: Insight, index: int) -> str:
    return f"{label(seen, index)}{MARK}{index + 1}"


def _draw(figure: Any, key: str, alt: str) -> None:  # noqa: ANN401  # plotly carries no types
    st.plotly_chart(figure, key=f"inside_chart_{key}", config=CONFIG, alt=alt or None)
