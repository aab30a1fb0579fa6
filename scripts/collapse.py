"""Do beams say the same thing over and over? Alternatives by every way to decode, measured beside composers' own bars.

    python -m scripts.collapse --model lstm

Continues shipped seeds by samples and by plain, diverse and stochastic beams of several widths, and writes the tables
of docs/beam-search.md. Beams differ in their events by definition; what is counted here is what a listener hears.
"""

import argparse
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

from musicdemo import DEFAULT_MODEL
from musicdemo.checkpoint import Checkpoint, load_checkpoint
from musicdemo.generation import GenerationSettings, generate
from musicdemo.likelihood import note_nats
from musicdemo.music.score import Score
from musicdemo.seeds import find_seed
from training.tables import ROOT, table, with_table

PAGE = ROOT / "docs" / "beam-search.md"
MARKS = {
    name: (f"<!-- {name}: written by python -m scripts.collapse -->", f"<!-- {name}: end -->")
    for name in ("ways", "groups")
}
SEEDS = ("minuet-in-g", "old-hundredth", "drowsy-maggie", "scarborough-fair", "canon-in-d", "ode-to-joy")
WIDTHS = (1, 2, 4, 8, 16)
FIGURE = 4
"""Notes of a melodic figure."""

HEAD = [
    "",
    "width",
    "different",
    "notes shared",
    "figures shared",
    "longest run",
    "said before",
    "nats a note",
    "notes",
]

Ways = dict[str, Any]
"""Settings that say how alternatives are found."""

SAMPLES: Ways = {}
PLAIN: Ways = {"beam_kind": "plain"}
STOCHASTIC: Ways = {"beam_kind": "stochastic"}


def diverse(groups: int, penalty: float = 0.5) -> Ways:
    """Return the settings of beams in groups."""
    return {"beam_kind": "diverse", "beam_groups": groups, "beam_penalty": penalty}


@dataclass(frozen=True)
class Passage:
    """Some bars, and what they cost a network in nats."""

    score: Score
    nats: float


@dataclass(frozen=True)
class Task:
    """A tune to go on with by some bars."""

    checkpoint: Checkpoint
    tune: Score
    bars: int


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(prog="python -m scripts.collapse", description="Measure how alike beams are.")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--bars", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help=f"1-{len(SEEDS)}")
    options = parser.parse_args()
    checkpoint = load_checkpoint(Path(options.model) if Path(options.model).is_dir() else options.model)
    began = time.process_time()
    tasks = [Task(checkpoint, find_seed(name).score, options.bars) for name in SEEDS[: options.seeds]]
    tables = {"ways": ways_table(tasks), "groups": groups_table(tasks)}
    text = PAGE.read_text(encoding="utf-8")
    for name, rows in tables.items():
        note = f"{checkpoint.name}, {options.bars} bars behind each of {len(tasks)} tunes:\n\n"
        text = with_table(text, note + rows, marks=MARKS[name])
    PAGE.write_text(text, encoding="utf-8")
    print(f"{tables['ways']}\n\n{tables['groups']}\n\n{time.process_time() - began:.0f} s of one core; wrote {PAGE}")


def ways_table(tasks: Sequence[Task]) -> str:
    """Every way to decode by every width."""
    rows = [["composers", "", *measured([own_bars(task) for task in tasks])]]
    for name, by_width in (
        ("sampling", _first_of_the_widest(tasks, SAMPLES)),
        ("beams", {width: [alternatives(task, width, PLAIN) for task in tasks] for width in WIDTHS}),
        ("diverse beams", {width: [alternatives(task, width, diverse(width)) for task in tasks] for width in WIDTHS}),
        ("stochastic beams", _first_of_the_widest(tasks, STOCHASTIC)),
    ):
        rows += [[name, str(width), *measured(found)] for width, found in by_width.items()]
    return table(HEAD, rows)


def groups_table(tasks: Sequence[Task], width: int = 8) -> str:
    """Diverse beams of one width in groups of several sizes, by several penalties."""
    rows = []
    for groups in (2, 4, 8):
        for penalty in (0.25, 0.5, 1.0, 2.0, 4.0):
            found = [alternatives(task, width, diverse(groups, penalty)) for task in tasks]
            rows.append([f"{groups} groups", f"{penalty:g}", *measured(found)])
    return table(["", "penalty", *HEAD[2:]], rows)


def _first_of_the_widest(tasks: Sequence[Task], ways: Ways) -> dict[int, list[list[Passage]]]:
    """Draws do not depend on how many there are, so the widest search holds them all."""
    widest = [alternatives(task, WIDTHS[-1], ways) for task in tasks]
    return {width: [found[:width] for found in widest] for width in WIDTHS}


def alternatives(task: Task, width: int, ways: Ways) -> list[Passage]:
    """Return up to `width` ways to go on with a tune at temperature 1, the first or best first."""
    width_of_beams = width if ways else None
    settings = GenerationSettings(bars=task.bars, variations=width, retries=0, beam_width=width_of_beams, **ways)
    found = generate(task.checkpoint, settings, seed=task.tune)
    return [Passage(each.score.clipped(each.join, each.score.end + 1), -each.log_prob) for each in found]


def own_bars(task: Task) -> list[Passage]:
    """Return the tune itself in passages of as many bars, whose nats are those that the whole costs its network."""
    bars = task.tune.bars
    nats, _ = note_nats(task.checkpoint, task.tune)
    a_note = math.fsum(nats) / task.tune.note_count
    parts = [bars[i : i + task.bars] for i in range(0, len(bars) - task.bars + 1, task.bars)]
    scores = [task.tune.clipped(part[0].start, part[-1].end) for part in parts]
    return [Passage(score, a_note * score.note_count) for score in scores]


def measured(found: Sequence[Sequence[Passage]]) -> list[str]:
    """Return the cells of a row for the alternatives behind each tune: means over alternatives, then over tunes."""
    different = _mean(len({heard(passage.score) for passage in passages}) for passages in found)
    pairs = [[(one.score, other.score) for one, other in combinations(passages, 2)] for passages in found]
    notes = _mean(_mean(overlap(heard(one), heard(other)) for one, other in each) for each in pairs)
    figures = _mean(
        _mean(overlap(frozenset(figures_of(one)), frozenset(figures_of(other))) for one, other in each)
        for each in pairs
    )
    runs = _mean(_mean(longest_run(passage.score) for passage in passages) for passages in found)
    said = _mean(_mean(said_before(passage.score) for passage in passages) for passages in found)
    nats = _mean(_mean(passage.nats / max(passage.score.note_count, 1) for passage in passages) for passages in found)
    count = _mean(_mean(passage.score.note_count for passage in passages) for passages in found)
    return [
        f"{different:.1f}",
        _share(notes),
        _share(figures),
        f"{runs:.1f}",
        _share(said),
        f"{nats:.2f}",
        f"{count:.0f}",
    ]


def heard(score: Score) -> frozenset[tuple[object, ...]]:
    """Return the notes by what makes them the same to a listener: onset, track, pitch and length, not loudness."""
    return frozenset((n.onset, track.key, n.pitch, n.duration) for track in score.tracks for n in track.notes)


def lines(score: Score) -> Iterator[list[int]]:
    """Yield the pitches of each track that is no drum, its highest at each onset."""
    for track in score.tracks:
        if not track.is_drum:
            top = {note.onset: note.pitch for note in sorted(track.notes, key=lambda note: note.pitch)}
            yield [top[onset] for onset in sorted(top)]


def figures_of(score: Score) -> list[tuple[int, ...]]:
    """Return every FIGURE pitches in a row of every line."""
    return [tuple(line[i : i + FIGURE]) for line in lines(score) for i in range(len(line) - FIGURE + 1)]


def longest_run(score: Score) -> int:
    """Return how often the most repeated pitch is struck in a row in any line; 0 without a line."""
    return max((len(list(run)) for line in lines(score) for _, run in groupby(line)), default=0)


def said_before(score: Score) -> float:
    """Return the share of the figures that some line has already played at the same pitches; NaN without any."""
    figures = figures_of(score)
    return 1 - len(set(figures)) / len(figures) if figures else math.nan


def overlap(one: frozenset[tuple[object, ...]], other: frozenset[tuple[object, ...]]) -> float:
    """Return |one and other| / |one or other| (Jaccard 1912), 0 to 1; NaN for two empty sets."""
    return len(one & other) / len(one | other) if one | other else math.nan


def _share(figure: float) -> str:
    return "" if math.isnan(figure) else f"{100 * figure:.0f} %"


def _mean(values: Iterable[float]) -> float:
    """Return the mean of those that are numbers; NaN if none is."""
    numbers = [value for value in values if not math.isnan(value)]
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


if __name__ == "__main__":
    main()
