"""Train a network on against a discriminator: what maximum likelihood began, a game of two networks goes on with.

    python -m training.adversarial --init-from runs/lstm/best.pt --corpora FOLDER --run runs/gan [--max-minutes 20]

The generator is a recurrent network that was trained by maximum likelihood, and it stays one (game.py). Its averaged
weights are kept as long as they predict held-out music as well as those of the beginning, but for `tolerance`.
A run's folder holds run.json, log.csv (one line a validation), best.pt (the generator), discriminator.pt and, at the
end, checkpoint/: an ordinary checkpoint, whose card says how it was trained.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from musicdemo.models.recurrent import RecurrentModel
from training.beginning import Beginning, begin
from training.dataset import Sampler, load_corpora
from training.files import replace_file
from training.finishing import write_checkpoint
from training.fit import Validate
from training.game import Game, GameConfig
from training.passages import LENGTH, PassageSampler
from training.presets import PRESETS
from training.progress import Line, TrainingError, as_csv
from training.record import commit, write_run
from training.saving import BEST, LOG, save
from training.terminal import run_program
from training.validation import mean_nats, validation

DISCRIMINATOR = "discriminator.pt"

GAME = ("chorale", "hymn", "tune")
"""Corpora whose passages the discriminator reads: music in which a few notes show whether someone meant them."""


def play(game: Game, validate: Validate, folder: Path, report: Callable[[str], None] = print) -> list[Line]:
    """Play to the end; keep the last averaged weights that predict as well as the first, but for the tolerance."""
    folder.mkdir(parents=True, exist_ok=True)
    history: list[Line] = []
    limit = mean_nats(validate(game.average)) + game.config.tolerance
    _keep(game, folder)
    while game.done < 1:
        for _ in range(game.config.validate_every):
            game.step()
            if game.done >= 1:
                break
        began = time.monotonic()
        nats = mean_nats(validate(game.average))
        history.append(_line(game, nats, kept=nats <= limit))
        if nats <= limit:
            _keep(game, folder)
        replace_file(folder / LOG, as_csv(history))
        report(f"{history[-1]} (kept up to {limit:.4f} nats per note)")
        game.seconds += time.monotonic() - began
    return history


def _keep(game: Game, folder: Path) -> None:
    save(game.average.state_dict(), folder / BEST)
    save(game.discriminator.state_dict(), folder / DISCRIMINATOR)


def _line(game: Game, nats: float, *, kept: bool) -> Line:
    line: Line = {"step": game.steps, "minutes": round(game.seconds / 60, 2), "valid": round(nats, 4), "kept": kept}
    return line | {"relaxation": round(game.relaxation, 4)} | game.means()


def main() -> None:
    """Train as the arguments say."""
    options = _options()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    corpora = load_corpora(options.corpora, "train")
    beginning = begin(PRESETS[options.preset], tuple(corpus.name for corpus in corpora), options.init_from)
    if not isinstance(beginning.model, RecurrentModel):
        raise TrainingError("a generator is a recurrent network without attention: give another --init-from")
    styles = beginning.tokenizer.config.styles
    validate = validation(load_corpora(options.corpora, "valid"), "cpu", styles=styles)
    before = mean_nats(validate(beginning.model.eval()))
    sampler = Sampler(corpora, PRESETS[options.preset].sampler, seed=options.seed, styles=styles)
    chosen = [corpus for corpus in corpora if corpus.name in options.game]
    passages = PassageSampler(chosen, styles, seed=options.seed)
    config = _config(options)
    write_run(options.run, _description(options, config, beginning))
    history = play(Game(beginning.model, sampler, passages, config), validate, options.run)
    figures = _figures(history, before)
    folder = write_checkpoint(options.run, beginning, corpora, validate, figures, source=options.corpora)
    print(f"checkpoint in {folder}; {figures}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.adversarial", description="Play against a discriminator.")
    parser.add_argument("--init-from", type=Path, required=True, help="a checkpoint, or a run's best.pt")
    parser.add_argument("--preset", choices=PRESETS, default="lstm", help="of that run, where a best.pt is given")
    parser.add_argument("--corpora", type=Path, default=Path("data/corpora"), help="what training.corpus wrote")
    parser.add_argument("--game", nargs="*", default=GAME, help="corpora whose passages the discriminator reads")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--seed", type=int, default=0)
    for setting in fields(GameConfig):
        kind = type(setting.default)
        parser.add_argument(f"--{setting.name.replace('_', '-')}", type=kind, default=setting.default, metavar="VALUE")
    return parser.parse_args()


def _config(options: argparse.Namespace) -> GameConfig:
    return GameConfig(**{setting.name: getattr(options, setting.name) for setting in fields(GameConfig)})


def _description(options: argparse.Namespace, config: GameConfig, beginning: Beginning) -> dict[str, Any]:
    return {
        "way": "GAN-trained",
        "objective": "a GAN: begun by maximum likelihood, then trained against a discriminator that reads "
        f"{LENGTH} notes behind real ones of {', '.join(options.game)}, the likelihood of all corpora kept in the loss",
        "begun_from": beginning.begun_from,
        "random_seed": options.seed,
        "settings": " ".join(f"{name}={value}" for name, value in asdict(config).items()),
        "styles": ", ".join(beginning.tokenizer.config.styles),
        "commit": commit(),
        "torch": torch.__version__,
    }


def _figures(history: list[Line], before: float) -> dict[str, Any]:
    """Return what the log says of the weights that were kept last, and of those of the beginning."""
    kept = next((line for line in reversed(history) if line["kept"]), None)
    step, minutes, after = (kept["step"], kept["minutes"], kept["valid"]) if kept else (0, 0.0, round(before, 4))
    return {
        "steps": step,
        "minutes": minutes,
        "validation_nats_per_note_before_the_game": round(before, 4),
        "validation_nats_per_note_mean_over_corpora": after,
    }


if __name__ == "__main__":
    run_program(main)
