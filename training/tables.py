"""Tables over all shipped models, made from their metrics.json alone: no figure in them is typed.

    python -m training.tables

Writes docs/models.md, and the short table between the marks in README.md.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from musicdemo.checkpoint import CheckpointInfo, list_checkpoints
from training.terminal import run_program

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- models: written by python -m training.tables -->", "<!-- models: end -->"
_ORDER = ("rnn", "gru", "lstm", "attention", "gan")


def main() -> None:
    """Write both."""
    infos = shipped_models()
    (ROOT / "docs" / "models.md").write_text(models_page(infos), encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8"), held_out_table(infos)), encoding="utf-8")


def shipped_models(folder: Path | None = None) -> list[CheckpointInfo]:
    """Return the checkpoints that have held-out figures, the plainest architecture first."""
    infos = [
        info for info in (list_checkpoints(folder) if folder else list_checkpoints()) if "held_out" in info.metrics
    ]
    return sorted(infos, key=lambda info: (_ORDER.index(info.name) if info.name in _ORDER else len(_ORDER), info.name))


def with_table(text: str, table: str, *, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """Put a table between the marks of a text. Raises ValueError if they are not there."""
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError(f"the text lacks the marks {marks[0]} and {marks[1]}")
    return f"{before}{begin}\n{table}\n{end}{after}"


def held_out_table(infos: list[CheckpointInfo]) -> str:
    """Nats per note on the test split: a row for each corpus, the best model of it in bold."""
    names = sorted({corpus for info in infos for corpus in info.metrics["held_out"]})
    rows = [_held_out_row(name, infos) for name in names]
    means = [_mean(row["nats_per_note"] for row in info.metrics["held_out"].values()) for info in infos]
    head = ["corpus", *(info.name for info in infos), "bigram"]
    return table(head, [*rows, ["mean", *_best_bold(means), ""]])


def _held_out_row(corpus: str, infos: list[CheckpointInfo]) -> list[str]:
    figures = [info.metrics["held_out"].get(corpus, {}) for info in infos]
    bigram = next(row["bigram"] for row in figures if row)
    return [corpus, *_best_bold([row.get("nats_per_note") for row in figures]), f"{bigram:.3f}"]


def training_table(infos: list[CheckpointInfo]) -> str:
    """How large each model is, and how long it was trained."""
    rows = []
    for info in infos:
        training = info.metrics.get("training", {})
        rows.append(
            [
                info.name,
                info.title,
                f"{info.parameters:,}",
                f"{training['events'] / 1e6:.1f}" if "events" in training else "",
                f"{training.get('minutes', 0):.0f}",
                str(training.get("random_seed", "")),
            ]
        )
    return table(["model", "network", "parameters", "million events", "minutes", "random seed"], rows)


def sample_table(infos: list[CheckpointInfo], corpus: str) -> str:
    """Lay out how what each model writes behind held-out openings measures, beside the composer's own bars."""
    found = {info.name: info.metrics.get("samples", {}).get(corpus, {}).get("measures", {}) for info in infos}
    measures = next((list(rows) for rows in found.values() if rows), [])
    rows = [_sample_row(measure, found) for measure in measures]
    return table(["measure", "real", *found, "most possible"], rows)


def _sample_row(measure: str, found: dict[str, dict[str, Any]]) -> list[str]:
    known = next(rows[measure] for rows in found.values() if rows)
    cells = [
        f"{rows[measure]['generated']} ({rows[measure]['overlap']:.2f})" if rows else "" for rows in found.values()
    ]
    return [measure, str(known["real"]), *cells, f"{known['overlap of real halves']:.2f}"]


def chorale_table(infos: list[CheckpointInfo]) -> str:
    """Nats per pitch on the grid of the JSB chorales, by the protocol in training/benchmarks/README.md."""
    figures = {info.name: info.metrics["jsb_16th"] for info in infos if "jsb_16th" in info.metrics}
    splits = ("valid", "test")
    rows = [[name, *(f"{found[split]['nats_per_pitch']:.3f}" for split in splits)] for name, found in figures.items()]
    return table(["model", *splits], rows)


def continuation_table(infos: list[CheckpointInfo]) -> str:
    """Lay out what was counted in the continuations of held-out files."""
    counted = [info.metrics.get("continuations", {}) for info in infos]
    labels = next((list(figures) for figures in counted if figures), [])
    rows = [[label, *(str(figures.get(label, "")) for figures in counted)] for label in labels]
    return table(["what was counted", *(info.name for info in infos)], rows)


def models_page(infos: list[CheckpointInfo]) -> str:
    """Return the page of all tables."""
    corpora = sorted({corpus for info in infos for corpus in info.metrics.get("samples", {})})
    samples = "\n\n".join(f"### {corpus}\n\n{sample_table(infos, corpus)}" for corpus in corpora)
    return f"""# The shipped models in figures

Written by `python -m training.tables` from each model's metrics.json, which `python -m training.evaluate` and
`python -m training.continuations` write. Each network was trained once: differences of a hundredth or two may be luck.

## Training

{training_table(infos)}

## Held-out pieces

Nats per note on whole pieces of the test split (-log p of all that is predicted, divided by the notes); lower is
better. The bigram knows the training pieces of that very corpus.

{held_out_table(infos)}

## JSB chorales on the grid of sixteenths

Nats per pitch, an upper bound: the models charge for note lengths, voices and loudness, too (protocol:
[training/benchmarks](../training/benchmarks/README.md); networks that were trained for this alone:
[training/figures](../training/figures/README.md)).

{chorale_table(infos)}

## What they write, beside what the composers wrote

Held-out pieces are cut behind eight bars; the composer's next eight bars and the network's are measured (temperature
1, no top-p). A cell holds the mean over the network's bars and, in brackets, the overlapped area of Yang & Lerch 2020
with the real ones; the last column is that area between two halves of the real bars.

{samples}

## Continuations of whole files

{continuation_table(infos)}
"""


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Return a Markdown table; all columns but the first are set to the right."""
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _best_bold(figures: Sequence[float | None]) -> list[str]:
    """Write figures, the smallest in bold."""
    best = min((figure for figure in figures if figure is not None), default=0.0)
    cells = [("" if figure is None else f"{figure:.3f}") for figure in figures]
    return [f"**{cell}**" if figure == best else cell for cell, figure in zip(cells, figures, strict=True)]


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)


if __name__ == "__main__":
    run_program(main)
