"""Train a network on corpora.

    python -m training.train --run runs/lstm --corpora FOLDER --preset lstm [--max-minutes 60] [--resume | --finish]

Ends by writing the run's best weights as a checkpoint to RUN/checkpoint; --finish does only that, for a run that
was stopped.
"""

import argparse
import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from musicdemo.checkpoint import save_checkpoint
from musicdemo.errors import MidiError
from musicdemo.models.base import parameter_count
from musicdemo.models.recurrent import RecurrentModel
from musicdemo.music.tokenizer import Tokenizer, TokenizerConfig
from training.dataset import Corpus, Sampler, batches, load_corpora, read_manifests
from training.fit import FitConfig, Run
from training.loss import Nats, measure
from training.openings import common_openings
from training.presets import PRESETS, Preset, model_config

_VALID_PIECES, _VALID_EVENTS = 24, 512
"""A validation during training reads the opening events of some pieces of each corpus."""


def validation(corpora: tuple[Corpus, ...], device: str) -> Callable[[RecurrentModel], dict[str, Nats]]:
    """Return a function that measures a network on a fixed part of each corpus's validation split.

    Raises MidiError if no corpus has a piece there.
    """
    prepared = {}
    for style, corpus in enumerate(corpora, start=1):
        pieces = list(corpus.pieces())
        chosen = pieces[:: max(1, len(pieces) // _VALID_PIECES)][:_VALID_PIECES]
        if chosen:
            prepared[corpus.name] = list(batches([piece[:_VALID_EVENTS] for piece in chosen], rows=32, style=style))
    if not prepared:
        raise MidiError("no corpus has a piece to validate on: add files, or give folders named train and valid")
    return lambda model: {name: measure(model, parts, device=device) for name, parts in prepared.items()}


def main() -> None:
    """Train as the arguments say."""
    options = _options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    corpora = load_corpora(options.corpora, "train", names=tuple(options.only))
    tokenizer = Tokenizer(TokenizerConfig(tuple(corpus.name for corpus in corpora)))
    model = RecurrentModel(model_config(PRESETS[options.preset], tokenizer))
    if options.init_from:
        model.load_state_dict(torch.load(options.init_from, weights_only=True, map_location="cpu"))
    if not options.finish:
        _train(options, model, corpora)
    model.load_state_dict(torch.load(options.run / "best.pt", weights_only=True, map_location="cpu"))
    openings = {corpus.name: common_openings(corpus) for corpus in corpora}
    manifests = read_manifests(options.corpora, tuple(corpus.name for corpus in corpora))
    metrics = {"training": _summary(options), "corpora": manifests}
    save_checkpoint(options.run / "checkpoint", model.cpu().eval(), tokenizer, openings=openings, metrics=metrics)
    print(f"checkpoint in {options.run / 'checkpoint'}; measure it with python -m training.evaluate")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train", description="Train a network on corpora.")
    parser.add_argument("--corpora", type=Path, default=Path("data/corpora"), help="what training.corpus wrote")
    parser.add_argument("--only", nargs="*", default=[], help="names of the corpora to use (all)")
    parser.add_argument("--preset", choices=PRESETS, default="lstm")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--init-from", type=Path, help="begin from these weights (another run's best.pt)")
    parser.add_argument("--learning-rate", type=float, help="instead of the preset's")
    parser.add_argument("--max-minutes", type=float, default=math.inf)
    parser.add_argument("--max-steps", type=int)
    parser.add_argument("--validate-every", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; on a shared machine one is fastest")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last save")
    parser.add_argument("--finish", action="store_true", help="only write the checkpoint of a run that was stopped")
    return parser.parse_args()


def _train(options: argparse.Namespace, model: RecurrentModel, corpora: tuple[Corpus, ...]) -> None:
    preset: Preset = PRESETS[options.preset]
    config = FitConfig(
        learning_rate=options.learning_rate or preset.learning_rate,
        optimizer=preset.optimizer,
        max_minutes=options.max_minutes,
        max_steps=options.max_steps or preset.max_steps,
        validate_every=options.validate_every,
        device=options.device,
        bf16=True,
    )
    run = Run(model, Sampler(corpora, preset.sampler, seed=options.seed), config, options.run)
    if options.resume:
        run.resume()
    print(f"{options.preset}: {parameter_count(model):,} parameters, corpora {', '.join(c.name for c in corpora)}")
    held_out = load_corpora(options.corpora, "valid", names=tuple(options.only))
    run.train(validation(held_out, options.device), lambda line: print(line, flush=True))


def _summary(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the run's log says of its best validation."""
    with (options.run / "log.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    best = min(lines, key=lambda line: float(line["valid"]))
    return {
        "preset": options.preset,
        "random_seed": options.seed,
        "begun_from": options.init_from.parent.name if options.init_from else "random weights",
        "steps": int(best["step"]),
        "events": int(best["events"]),
        "minutes": float(best["minutes"]),
        "validation_nats_per_note_mean_over_corpora": float(best["valid"]),
    }


if __name__ == "__main__":
    main()
