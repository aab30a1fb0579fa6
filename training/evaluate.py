"""Measure a checkpoint on the held-out pieces of each corpus, beside two baselines, and write its card.

    python -m training.evaluate --checkpoint checkpoints/lstm --corpora FOLDER [--split test]

Writes metrics.json and README.md into the checkpoint's folder; every figure in the card comes from there.
"""

import argparse
from pathlib import Path
from typing import Any

import torch

from musicdemo.checkpoint import Checkpoint, load_checkpoint, write_metrics
from training.baselines import measure_baselines
from training.card import write_card
from training.dataset import Corpus, batches, load_corpora
from training.loss import measure


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


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description="Measure a checkpoint.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--corpora", type=Path, default=Path("data/corpora"))
    parser.add_argument("--split", choices=("valid", "test"), default="test")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    checkpoint = load_checkpoint(options.checkpoint)
    figures = {}
    for name in checkpoint.styles:
        (train,) = load_corpora(options.corpora, "train", names=(name,))
        (held_out,) = load_corpora(options.corpora, options.split, names=(name,))
        if not len(held_out.lengths):
            print(f"{name:12s} has no piece in the {options.split} split, so it is left out")
            continue
        figures[name] = row = held_out_figures(checkpoint, train, held_out, device=options.device)
        print(f"{name:12s} {row['nats_per_note']:8.3f}  unigram {row['unigram']:7.3f}  bigram {row['bigram']:7.3f}")
    metrics = checkpoint.metrics | {"split": options.split, "held_out": figures}
    write_metrics(options.checkpoint, metrics)
    write_card(options.checkpoint)


if __name__ == "__main__":
    main()
