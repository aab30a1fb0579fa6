"""The shipped models of notes, scored as if they were models of JSB's grid of sixteenths: an upper bound.

A piece of note events says which notes are held and which are struck again; the grid does not, so its cells are an
exact function of the events and -log p(events) >= -log p(cells | the model). Charged are all predicted columns of all
events that make up a chorale, the end included: time, program, voice, pitch, duration and velocity, with the style
given and without the grammar's masks. The sum is shared among the 4 T pitches of the grid.
"""

from pathlib import Path
from typing import Any

from musicdemo.checkpoint import Checkpoint
from training.benchmarks.jsb import read_chorales
from training.dataset import batches, load_corpora
from training.loss import measure

CORPUS = "chorale"
"""The corpus that holds the same chorales as note events."""


def grid_figures(checkpoint: Checkpoint, corpora: Path, chorales: Path) -> dict[str, Any]:
    """Return nats per pitch of the grid on valid and test, and each column's share of them.

    `corpora` is the folder that training.corpus wrote, `chorales` Jsb16thSeparated.json. Raises ValueError where they
    do not hold the same pieces.
    """
    grid = read_chorales(chorales)
    return {split: _split_figures(checkpoint, corpora, split, grid[split]) for split in ("valid", "test")}


def _split_figures(checkpoint: Checkpoint, folder: Path, split: str, grid: list[Any]) -> dict[str, Any]:
    (corpus,) = load_corpora(folder, split, names=(CORPUS,))
    if len(corpus.lengths) != len(grid):
        raise ValueError(f"the corpus has {len(corpus.lengths)} chorales in {split} and the grid {len(grid)}")
    style = checkpoint.tokenizer.style_value(CORPUS) if CORPUS in checkpoint.styles else 0
    nats = measure(checkpoint.model, batches(list(corpus.pieces()), rows=32, style=style))
    pitches = sum(piece.size for piece in grid)
    columns = {name: round(value / pitches, 4) for name, value in nats.columns.items()}
    return {"nats_per_pitch": round(sum(nats.columns.values()) / pitches, 4), "columns": columns}
