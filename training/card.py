"""The model card of a checkpoint, written from its own files; no figure in it is typed."""

from pathlib import Path
from typing import Any

from musicdemo.checkpoint import CheckpointInfo, read_info

_ARCHITECTURES = {"lstm": "An LSTM", "gru": "A GRU", "rnn-tanh": "A plain RNN (tanh)", "rnn-relu": "A plain RNN (ReLU)"}

_WHAT_NATS_ARE = (
    "Nats per note: -log p of all predicted fields of all events (also of empty bars and the end), divided by the "
    "notes; lower is better. The baselines are estimated on the training pieces of the same corpus: the unigram knows "
    "how frequent each value is, the bigram what came before it.\n"
)


def write_card(folder: Path) -> None:
    """Write README.md beside the checkpoint's configuration and metrics."""
    info = read_info(folder)
    parts = [_front_matter(), _summary(info), _held_out(info.metrics), _continuations(info.metrics)]
    parts += [_training(info.metrics), _corpora(info.metrics)]
    (folder / "README.md").write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")


def _front_matter() -> str:
    return (
        "---\nlicense: mit\nlibrary_name: musicdemo\ntags: [music, midi, symbolic-music, recurrent-neural-network]\n---"
    )


def _summary(info: CheckpointInfo) -> str:
    config = info.config
    return (
        f"# {info.name}\n\n"
        f"{_ARCHITECTURES.get(config.architecture, config.architecture)} of {config.layers} layers with "
        f"{config.hidden} units each ({info.parameters:,} parameters) that continues music, one note an event.\n"
        "It reads the notes so far and predicts the next one field by field: when, who, which voice, what pitch, how "
        "long, how loud. Metre, tempo and style are given to it."
    )


def _held_out(metrics: dict[str, Any]) -> str:
    figures = metrics.get("held_out")
    if not figures:
        return ""
    rows = [
        f"| {name} | {row['pieces']:,} | {row['notes']:,} | **{row['nats_per_note']:.3f}** | {row['bigram']:.3f} "
        f"| {row['unigram']:.3f} |"
        for name, row in figures.items()
    ]
    return "\n".join(
        [
            f"## Held-out pieces ({metrics['split']} split)\n",
            _WHAT_NATS_ARE,
            "| corpus | pieces | notes | this model | bigram | unigram |",
            "|---|---:|---:|---:|---:|---:|",
            *rows,
            "\nRegenerate with `python -m training.evaluate`.",
        ]
    )


def _continuations(metrics: dict[str, Any]) -> str:
    figures = metrics.get("continuations")
    if not figures:
        return ""
    return "## What it writes\n\n" + "\n".join(f"- {label}: {value}" for label, value in figures.items())


def _training(metrics: dict[str, Any]) -> str:
    figures = metrics.get("training")
    if not figures:
        return ""
    return "## Training\n\n" + "\n".join(f"- {label.replace('_', ' ')}: {value}" for label, value in figures.items())


def _corpora(metrics: dict[str, Any]) -> str:
    corpora = metrics.get("corpora")
    if not corpora:
        return ""
    rows = [
        f"| {name} | {corpus['source']} | {corpus['licence']} | {corpus['pieces']['train']:,} "
        f"| {corpus['notes']['train']:,} |"
        for name, corpus in corpora.items()
    ]
    head = ["| style | corpus | licence | training pieces | training notes |", "|---|---|---|---:|---:|"]
    credit = "\nThe makers of these collections are named in THIRD_PARTY.md of the repository."
    return "## Corpora\n\n" + "\n".join([*head, *rows, credit])
