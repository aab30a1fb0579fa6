"""Measure a checkpoint on held-out pieces, beside two baselines, and what it writes beside what composers wrote.

    python -m training.evaluate --checkpoint checkpoints/lstm --corpora FOLDER [--split test] [--samples 48]
                                [--jsb FOLDER/jsb_chorales/Jsb16thSeparated.json]
    python -m training.evaluate --checkpoint runs/lstm/checkpoint --adversarial runs/gan-1 runs/gan-2 --corpora FOLDER

The second asks whether games that were begun from a checkpoint brought anything (adversarial_evaluation.py). The first
writes metrics.json and README.md into the checkpoint's folder; every figure in the card comes from there.
"""

import argparse
from pathlib import Path
from typing import Any

import torch

from musicdemo.checkpoint import Checkpoint, load_checkpoint, write_metrics
from training.adversarial_evaluation import measure_game
from training.baselines import measure_baselines
from training.benchmarks.note_events import grid_figures
from training.card import write_card
from training.dataset import Corpus, batches, load_corpora
from training.int8_accuracy import int8_figures
from training.loss import measure
from training.sample_metrics import sample_figures
from training.terminal import run_program

SAMPLE_CORPORA = ("chorale", "tune", "song")
"""Corpora of one kind of piece each, so that a measure of them means something."""


def held_out_figures(checkpoint: Checkpoint, train: Corpus, held_out: Corpus, *, device: str) -> dict[str, Any]:
    """Nats per note of the network and of both baselines on the pieces of one corpus."""
    style = checkpoint.tokenizer.style_value(held_out.name)
    model = checkpoint.model.to(device)
    nats = measure(model, batches(list(held_out.pieces()), rows=32, style=style), device=device)
    baseline = measure_baselines(train, held_out)
    return {
        "pieces": len(held_out.lengths),
        "notes": nats.notes,
        "nats_per_note": round(nats.per_note, 4),
        "unigram": round(baseline.unigram, 4),
        "bigram": round(baseline.bigram, 4),
        "columns": {name: round(value / nats.notes, 4) for name, value in nats.columns.items()},
    }


def measure_held_out(checkpoint: Checkpoint, corpora: Path, split: str, *, device: str) -> dict[str, dict[str, Any]]:
    """Measure every corpus that the checkpoint knows and that has pieces in `split`; print a line for each."""
    figures = {}
    here = [name for name in checkpoint.styles if (corpora / f"{name}.npz").exists()]
    if len(here) < len(checkpoint.styles):
        print(f"{corpora} holds {', '.join(here) or 'none'} of the styles that {checkpoint.name} knows")
    for name in here:
        (train,) = load_corpora(corpora, "train", names=(name,))
        (held_out,) = load_corpora(corpora, split, names=(name,))
        if not len(held_out.lengths):
            print(f"{name:12s} has no piece in the {split} split, so it is left out")
            continue
        figures[name] = row = held_out_figures(checkpoint, train, held_out, device=device)
        print(f"{name:12s} {row['nats_per_note']:8.3f}  unigram {row['unigram']:7.3f}  bigram {row['bigram']:7.3f}")
    return figures


def measure_int8(checkpoint: Checkpoint, corpora: Path, split: str, *, names: tuple[str, ...]) -> dict[str, Any]:
    """Measure on the named corpora what decoding in integers costs; print a line."""
    figures = int8_figures(checkpoint, load_corpora(corpora, split, names=names))
    print(f"int8: {figures['int8_nats_per_note']} nats per note, fp32: {figures['fp32_nats_per_note']}")
    return figures


def measure_samples(checkpoint: Checkpoint, corpora: Path, split: str, *, count: int) -> dict[str, dict[str, Any]]:
    """Continue up to `count` pieces of each corpus of SAMPLE_CORPORA that the checkpoint knows, and measure them."""
    figures = {}
    for name in (name for name in SAMPLE_CORPORA if (corpora / f"{name}.npz").exists() and name in checkpoint.styles):
        (held_out,) = load_corpora(corpora, split, names=(name,))
        found = sample_figures(checkpoint, held_out, count=count)
        if found:
            figures[name] = found
            overlaps = {measure: row["overlap"] for measure, row in found["measures"].items()}
            print(f"{name:12s} {found['pieces']} continuations, overlap with real ones: {overlaps}")
    return figures


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description="Measure a checkpoint.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--corpora", type=Path, default=Path("data/corpora"))
    parser.add_argument("--split", choices=("valid", "test"), default="test")
    parser.add_argument(
        "--samples", type=int, default=48, help="pieces of a corpus to continue and measure; 0 for none"
    )
    parser.add_argument("--jsb", type=Path, help="Jsb16thSeparated.json: score the chorales by that benchmark, too")
    parser.add_argument("--adversarial", type=Path, nargs="+", metavar="RUN", help="games begun from this checkpoint")
    parser.add_argument("--pieces", type=int, default=77, help="with --adversarial: at most so many of each corpus")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.adversarial:
        print(measure_game(options.checkpoint, options.adversarial, options.corpora, pieces=options.pieces))
        return
    checkpoint = load_checkpoint(options.checkpoint)
    figures = measure_held_out(checkpoint, options.corpora, options.split, device=options.device)
    metrics = checkpoint.metrics | {"split": options.split, "held_out": figures}
    checkpoint.model.cpu()
    if figures:
        metrics["int8"] = measure_int8(checkpoint, options.corpora, options.split, names=tuple(figures))
    if options.samples:
        metrics["samples"] = measure_samples(checkpoint, options.corpora, options.split, count=options.samples)
    if options.jsb:
        metrics["jsb_16th"] = figures = grid_figures(checkpoint, options.corpora, options.jsb)
        print(
            f"JSB chorales, nats per pitch of the grid: {figures['valid']['nats_per_pitch']} on valid, "
            f"{figures['test']['nats_per_pitch']} on test"
        )
    write_metrics(options.checkpoint, metrics)
    write_card(options.checkpoint)


if __name__ == "__main__":
    run_program(main)
