"""Train a network on corpora.

    python -m training.train --corpora FOLDER --preset lstm --run runs/lstm [--max-minutes 60] [--resume]

Ends by writing the run's best weights as a checkpoint folder to RUN/checkpoint.
"""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import torch

from musicdemo.checkpoint import save_checkpoint
from musicdemo.models.base import parameter_count
from musicdemo.models.recurrent import RecurrentModel
from musicdemo.music.tokenizer import Tokenizer, TokenizerConfig
from training.dataset import Corpus, Sampler, batches, load_corpora
from training.fit import FitConfig, Run
from training.loss import Nats, measure
from training.openings import common_openings
from training.presets import PRESETS, model_config

_VALID_PIECES, _VALID_EVENTS = 24, 512
"""A validation during training reads the opening events of some pieces of each corpus."""


def validation(corpora: tuple[Corpus, ...], device: str) -> Callable[[RecurrentModel], dict[str, Nats]]:
    """Return a function that measures a network on a fixed part of each corpus's validation split."""
    prepared = {}
    for style, corpus in enumerate(corpora, start=1):
        pieces = list(corpus.pieces())
        chosen = pieces[:: max(1, len(pieces) // _VALID_PIECES)][:_VALID_PIECES]
        if chosen:
            prepared[corpus.name] = list(batches([piece[:_VALID_EVENTS] for piece in chosen], rows=32, style=style))
    return lambda model: {name: measure(model, parts, device=device) for name, parts in prepared.items()}


def main() -> None:
    """Train as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description="Train a network on corpora.")
    parser.add_argument("--corpora", type=Path, default=Path("data/corpora"), help="what training.corpus wrote")
    parser.add_argument("--only", nargs="*", default=[], help="names of the corpora to use (all)")
    parser.add_argument("--preset", choices=PRESETS, default="lstm")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--max-minutes", type=float, default=math.inf)
    parser.add_argument("--max-steps", type=int)
    parser.add_argument("--validate-every", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; on a shared machine one is fastest")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    preset = PRESETS[options.preset]
    corpora = load_corpora(options.corpora, "train", names=tuple(options.only))
    tokenizer = Tokenizer(TokenizerConfig(tuple(corpus.name for corpus in corpora)))
    model = RecurrentModel(model_config(preset, tokenizer))
    config = FitConfig(
        learning_rate=preset.learning_rate,
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
    progress = run.train(validation(held_out, options.device), lambda line: print(line, flush=True))
    model.load_state_dict(torch.load(options.run / "best.pt", weights_only=True))
    openings = {corpus.name: common_openings(corpus) for corpus in corpora}
    save_checkpoint(options.run / "checkpoint", model.cpu().eval(), tokenizer, openings=openings)
    print(f"best at step {progress.best_step}; checkpoint in {options.run / 'checkpoint'}")


if __name__ == "__main__":
    main()
