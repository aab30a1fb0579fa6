"""Train a network on corpora.

    python -m training.train --run runs/lstm --corpora FOLDER --preset lstm [--max-minutes 60] [--resume | --finish]

Ends by writing the run's best weights as a checkpoint to RUN/checkpoint; --finish does only that, for a run that
was stopped. On several GPUs give --devices, or start it by torchrun, on one machine or on several; there write
--run-folder, because torchrun believes that --run is its own.
"""

import argparse
from pathlib import Path

import torch

from musicdemo.models.base import parameter_count
from training.beginning import Beginning, begin
from training.benchmark_guard import refuse_held_out
from training.board import board_writer
from training.dataset import Corpus, Sampler, load_corpora
from training.finishing import write_checkpoint
from training.fit import Listener, Run
from training.machines import DEVICES, Fabric, best_device, leave, start
from training.openings import common_openings
from training.presets import PRESETS, Preset, changed, for_fine_tuning, read_preset
from training.progress import TrainingError
from training.record import (
    best_line,
    describe_resumption,
    describe_run,
    read_run,
    read_styles,
    write_run,
)
from training.samples import sample_writer
from training.saving import STATE
from training.terminal import run_program
from training.validation import references, validation
from training.watching import Watch

_SHORTHANDS = {
    "learning_rate": "height of the learning rate",
    "schedule": "cosine or plateau",
    "precision": "32-true, bf16-mixed or 16-mixed",
    "accumulate": "parts of a batch that are read one after the other",
    "max_steps": "end after so many steps",
    "max_minutes": "end after so many minutes of training and validating, to which the cosine is fitted",
    "validate_every": "steps between validations",
    "save_every": "steps between saves; there is one at each validation as well",
}
"""Settings that have an option of their own; --set takes any."""


def main() -> None:
    """Train as the arguments say."""
    _train(_options())
    leave()


def _train(options: argparse.Namespace) -> None:
    preset = _chosen_preset(options)
    _refuse_to_begin_anew(options)
    fabric = start(options.device, precision=preset.fit.precision, devices=options.devices)
    torch.set_num_threads(options.threads)
    corpora = load_corpora(options.corpora, "train", names=tuple(options.only))
    held_out = load_corpora(options.corpora, "valid", names=tuple(options.only))
    refuse_held_out(options.corpora, tuple(corpus.name for corpus in corpora))
    torch.manual_seed(options.seed)
    beginning = begin(preset, tuple(corpus.name for corpus in corpora), options.init_from)
    if options.resume or options.finish:
        _refuse_other_styles(options, beginning)
    validate = validation(held_out, str(fabric.device), styles=beginning.tokenizer.config.styles)
    watch = Watch()
    if not options.finish:
        run = _run(options, preset, beginning, corpora, fabric)
        if fabric.is_global_zero:
            run.references = references(corpora, held_out)
            watch.say(f"{options.preset}: {parameter_count(beginning.model):,} parameters, {len(corpora)} corpora")
        run.train(validate, watch.say, watch=watch.glance)
    if fabric.is_global_zero:
        figures = best_line(options.run)
        folder = write_checkpoint(
            options.run, beginning, corpora, validate, figures, source=options.corpora, device=fabric.device
        )
        print(f"checkpoint in {folder}; measure it with python -m training.evaluate --checkpoint {folder}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train", description="Train a network on corpora.")
    parser.add_argument("--corpora", type=Path, default=Path("data/corpora"), help="what training.corpus wrote")
    parser.add_argument("--only", nargs="*", default=[], help="names of the corpora to use (all)")
    parser.add_argument("--preset", default="lstm", help=f"{', '.join(PRESETS)}, or a TOML file of your own")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="replace settings of the preset")
    for name, meaning in _SHORTHANDS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", help=meaning)
    parser.add_argument("--run", "--run-folder", type=Path, required=True, help="folder of the run")
    parser.add_argument("--init-from", type=Path, help="fine-tune: a checkpoint, or another run's best.pt")
    parser.add_argument("--seed", type=_seed, default=0, help="of the weights and of what is drawn")
    parser.add_argument("--device", choices=DEVICES, default=best_device())
    parser.add_argument("--devices", type=int, default=1, help="how many of them; torchrun says it by itself")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; on a shared machine one is fastest")
    parser.add_argument("--no-samples", action="store_true", help="write no sample pieces")
    going_on = parser.add_mutually_exclusive_group()
    going_on.add_argument("--resume", action="store_true", help="go on from the run's last save, same arguments")
    going_on.add_argument("--finish", action="store_true", help="only write the checkpoint of a run that was stopped")
    return parser.parse_args()


def _seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < 2**63:
        raise argparse.ArgumentTypeError("a random seed is 0 or more")
    return seed


def _chosen_preset(options: argparse.Namespace) -> Preset:
    """Return the preset with all that the arguments change in it."""
    preset = read_preset(options.preset)
    if options.init_from:
        preset = for_fine_tuning(preset)
    pairs = [text.partition("=") for text in options.set]
    bare = [name for name, equals, _ in pairs if not equals]
    if bare:
        raise TrainingError(f"--set takes NAME=VALUE, not {bare[0]!r}")
    short = {name: getattr(options, name) for name in _SHORTHANDS if getattr(options, name) is not None}
    return changed(preset, {name: value for name, _, value in pairs} | short | {"device": options.device})


def _refuse_to_begin_anew(options: argparse.Namespace) -> None:
    """Raise TrainingError before a run would be overwritten."""
    if (options.run / STATE).exists() and not (options.resume or options.finish):
        raise TrainingError(f"{options.run} holds a run: go on with --resume, or name another folder")


def _refuse_other_styles(options: argparse.Namespace, beginning: Beginning) -> None:
    """Raise TrainingError if the run that is to go on was begun with other styles, or in another order."""
    known = read_styles(options.run)
    if known != beginning.tokenizer.config.styles:
        raise TrainingError(f"{options.run} was begun with the styles {', '.join(known)}: give the same corpora")


def _run(
    options: argparse.Namespace, preset: Preset, beginning: Beginning, corpora: tuple[Corpus, ...], fabric: Fabric
) -> Run:
    lanes = preset.sampler.lanes * preset.fit.accumulate
    own = range(fabric.global_rank * lanes, (fabric.global_rank + 1) * lanes)
    styles = beginning.tokenizer.config.styles
    sampler = Sampler(corpora, preset.sampler, seed=options.seed, lanes=own, styles=styles)
    listeners = _listeners(options, beginning, corpora) if fabric.is_global_zero else []
    run = Run(beginning.model, sampler, preset.fit, options.run, fabric=fabric, listeners=listeners)
    torch.manual_seed(options.seed + 1 + fabric.global_rank)  # each process drops other units
    description = describe_run(
        preset,
        name=options.preset,
        random_seed=options.seed,
        begun_from=beginning.begun_from,
        styles=styles,
        fabric=fabric,
    )
    if options.resume:
        run.resume()
        description = describe_resumption(read_run(options.run), description, run.progress.step)
    if fabric.is_global_zero:
        write_run(options.run, description)
    return run


def _listeners(options: argparse.Namespace, beginning: Beginning, corpora: tuple[Corpus, ...]) -> list[Listener]:
    """Return who is told of validations; where a library is missing one sentence says what is left out."""
    listeners = []
    try:
        listeners.append(board_writer(options.run / "board"))
    except ImportError:
        print("tensorboardX is not installed, so nothing is written for TensorBoard; log.csv has it all")
    if options.no_samples:
        return listeners
    openings = beginning.openings | {corpus.name: common_openings(corpus) for corpus in corpora}
    try:
        tokenizer, folder = beginning.tokenizer, options.run / "samples"
        listeners.append(sample_writer(folder, tokenizer, openings, style=corpora[0].name))
    except ImportError as error:
        print(f"{error.name} is not installed, so no sample pieces are written")
    return listeners


if __name__ == "__main__":
    run_program(main)
