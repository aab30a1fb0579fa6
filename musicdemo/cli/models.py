"""`models`: the checkpoints that are here, and how well they predict held-out pieces."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from musicdemo.cli.terminal import say, say_json, table

if TYPE_CHECKING:
    from musicdemo.checkpoint import CheckpointInfo

FIGURES = ("nats_per_note", "bigram", "unigram", "notes", "pieces")


def run(options: Namespace) -> None:
    """List the models."""
    from musicdemo.checkpoint import list_checkpoints

    told = [facts(info) for info in list_checkpoints()]
    if options.json:
        say_json({"models": told})
    else:
        say("\n\n".join(map(text, told)) or "There are no models here.")


def facts(info: "CheckpointInfo") -> dict[str, Any]:
    """Return what a checkpoint says of itself as JSON values; `held_out` is empty where nothing was measured."""
    return {
        "name": info.name,
        "title": info.title,
        "architecture": info.config.architecture,
        "layers": info.config.layers,
        "hidden": info.config.hidden,
        "parameters": info.parameters,
        "corpora": list(info.styles),
        "held_out": info.metrics.get("held_out") or {},
    }


def text(told: dict[str, Any]) -> str:
    """Lay the facts of one model out for reading."""
    rows = [[corpus, *(figures.get(name) for name in FIGURES)] for corpus, figures in told["held_out"].items()]
    shape = f"{told['title']}, {told['layers']} layers of {told['hidden']}, {told['parameters']:,} parameters"
    lines = [f"{told['name']}: {shape}", f"  corpora: {', '.join(told['corpora']) or 'none'}"]
    if rows:
        lines.append(table(rows, head=("held out", "nats a note", "bigram", "unigram", "notes", "pieces")))
    else:
        lines.append("  no held-out figures yet")
    return "\n".join(lines)
