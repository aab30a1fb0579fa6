"""The model card of a checkpoint, written from its own files; no figure in it is typed.

Its front matter is what the Hugging Face Hub reads: licence, library, tags, and the held-out figures as a model index.
No pipeline is named: none of the Hub's tasks is music as notes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from musicdemo.checkpoint import CheckpointInfo, read_info
from training.claims import section

_WHAT_NATS_ARE = (
    "Nats per note: -log p of all predicted fields of all events (also of empty bars and the end), divided by the "
    "notes; lower is better. The baselines are estimated on the training pieces of the same corpus: the unigram knows "
    "how frequent each value is, the bigram what came before it.\n"
)


_WHAT_OVERLAP_IS = (
    "Eight bars behind eight bars of held-out pieces, at temperature 1: means over the pieces, and the overlapped area "
    "of Yang & Lerch 2020, 1 where the distances between real and written bars are those among real ones."
)


@dataclass(frozen=True)
class Publication:
    """Where a checkpoint is published (OWNER/NAME), and the piece that is published with it, to be heard."""

    repository: str
    sound: str
    notes: str
    about: str


def write_card(folder: Path) -> None:
    """Write README.md beside the checkpoint's configuration and metrics."""
    (folder / "README.md").write_text(card(read_info(folder)), encoding="utf-8")


def card(info: CheckpointInfo, publication: Publication | None = None) -> str:
    """Return the text of the card; a published one also says how to hear and use the model."""
    parts = [_front_matter(info), _summary(info), _published(publication), _held_out(info.metrics)]
    parts += [_chorales(info.metrics), _samples(info.metrics), _continuations(info.metrics), _game(info.metrics)]
    parts += [_training(info.metrics), _corpora(info.metrics)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_matter(info: CheckpointInfo) -> str:
    data = ModelCardData(
        license="mit",
        library_name="musicdemo",
        tags=["music", "midi", "symbolic-music", "recurrent-neural-network"],
        model_name=info.name,
        eval_results=_model_index(info.metrics) or None,
    )
    return f"---\n{data.to_yaml()}\n---"


def _model_index(metrics: dict[str, Any]) -> list[EvalResult]:
    return [
        EvalResult(
            task_type="other",
            task_name="Prediction of the next note",
            dataset_type=name,
            dataset_name=metrics.get("corpora", {}).get(name, {}).get("source", name),
            dataset_split=metrics["split"],
            metric_type="nats_per_note",
            metric_name="Nats per note (lower is better)",
            metric_value=round(row["nats_per_note"], 4),
        )
        for name, row in metrics.get("held_out", {}).items()
    ]


def _published(publication: Publication | None) -> str:
    if publication is None:
        return ""
    files = f"https://huggingface.co/{publication.repository}/resolve/main"
    return (
        f'## Listen\n\n<audio controls src="{files}/{publication.sound}"></audio>\n\n'
        f"{publication.about} The same as notes: [{publication.notes}]({files}/{publication.notes}).\n\n"
        "## Use it\n\n```sh\n"
        f"python -m musicdemo generate seed.mid --output out.mid --model {publication.repository}\n```"
    )


def _summary(info: CheckpointInfo) -> str:
    config = info.config
    return (
        f"# {info.name}\n\n"
        f"{'An' if info.title.startswith(('a', 'LSTM')) else 'A'} {info.title} of {config.layers} layers with "
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


def _chorales(metrics: dict[str, Any]) -> str:
    figures = metrics.get("jsb_16th")
    if not figures:
        return ""
    return (
        "## JSB chorales on the grid of sixteenths\n\n"
        f"Nats per pitch: {figures['valid']['nats_per_pitch']:.3f} on valid, "
        f"{figures['test']['nats_per_pitch']:.3f} on test; an upper bound, as note lengths, voices and loudness are "
        "charged, too."
    )


def _samples(metrics: dict[str, Any]) -> str:
    rows = [
        f"| {corpus} | {measure} | {row['real']} | {row['generated']} | {row['overlap']:.2f} "
        f"| {row['overlap of real halves']:.2f} |"
        for corpus, found in metrics.get("samples", {}).items()
        for measure, row in found["measures"].items()
    ]
    if not rows:
        return ""
    head = ["| corpus | measure | real | written | overlap | of real halves |", "|---|---|---:|---:|---:|---:|"]
    return "\n".join(["## What it writes, beside what the composers wrote there\n", _WHAT_OVERLAP_IS, "", *head, *rows])


def _continuations(metrics: dict[str, Any]) -> str:
    figures = metrics.get("continuations")
    if not figures:
        return ""
    return "## What it writes\n\n" + "\n".join(f"- {label}: {value}" for label, value in figures.items())


def _game(metrics: dict[str, Any]) -> str:
    return section(metrics["game"]) if "game" in metrics else ""


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
