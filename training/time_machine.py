"""Snapshots of one short training, so that a person can hear a network learn: steps 0, 10, 30, 100, 300, 1000, 3000.

    python -m training.time_machine --corpus FOLDER --output FOLDER [--only NAME] [--preset NAME_OR_TOML] [--seed N]

`--corpus` is a folder that training.corpus wrote. Each snapshot is an ordinary checkpoint, OUTPUT/STEPS, of the
averaged weights at that step, measured on held-out pieces. The run itself is forgotten: it is begun anew in minutes.
"""

import argparse
import copy
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from musicdemo.checkpoint import Openings, load_checkpoint, save_checkpoint, write_metrics
from musicdemo.models.build import Network
from musicdemo.music.tokenizer import Tokenizer
from training.beginning import begin
from training.benchmark_guard import refuse_held_out
from training.dataset import Corpus, Sampler, SamplerConfig, load_corpora
from training.evaluate import held_out_figures
from training.fit import Run
from training.machines import start
from training.openings import common_openings
from training.presets import Preset, read_preset
from training.progress import Line, TrainingError
from training.record import describe_corpora, describe_run
from training.schedule import FitConfig
from training.terminal import run_program
from training.validation import validation

STEPS = (0, 10, 30, 100, 300, 1000, 3000)
"""About three snapshots in two decades: what is learned first is learned soon."""

SMALL = Preset(
    "gru",
    hidden=128,
    layers=1,
    embedding=48,
    head=48,
    dropout=0.1,
    sampler=SamplerConfig(lanes=16, window=64),
    fit=FitConfig(learning_rate=4e-3, warmup=30, ema=0.99),
)
"""A network of which seven snapshots are no more to fetch than one shipped model."""


def take_snapshots(
    source: Path,
    output: Path,
    *,
    name: str = "",
    preset: Preset = SMALL,
    preset_name: str = "small",
    steps: tuple[int, ...] = STEPS,
    random_seed: int = 0,
    report: Callable[[str], None] = print,
) -> None:
    """Train on one corpus of `source` and write a checkpoint for each of `steps` (ascending, the last ends the run).

    Raises MidiError if the corpus is missing or has nothing to validate on, TrainingError if `source` holds several
    corpora and none is named, or holds music of a benchmark.
    """
    train = _corpus(source, "train", name)
    valid = _corpus(source, "valid", train.name)
    refuse_held_out(source, (train.name,))
    fit = replace(preset.fit, max_steps=steps[-1], validate_every=steps[-1], save_every=steps[-1], patience=len(steps))
    preset = replace(preset, fit=fit)
    fabric = start(fit.device, precision=fit.precision)
    torch.manual_seed(random_seed)
    beginning = begin(preset, (train.name,), None)
    description = describe_run(
        preset,
        name=preset_name,
        random_seed=random_seed,
        begun_from=beginning.begun_from,
        styles=(train.name,),
        fabric=fabric,
    )
    keep = _keeper(source, output, description, beginning.tokenizer, train)
    if 0 in steps:
        keep({"step": 0, "events": 0, "minutes": 0.0}, beginning.model)
    with tempfile.TemporaryDirectory(prefix="time-machine-") as folder:
        sampler = Sampler((train,), preset.sampler, seed=random_seed)
        run = Run(
            beginning.model, sampler, fit, Path(folder), fabric=fabric, listeners=[keep], milestones=frozenset(steps)
        )
        run.train(validation((valid,), fit.device), report)


def _corpus(source: Path, split: str, name: str) -> Corpus:
    corpora = load_corpora(source, split, names=(name,) if name else ())
    if len(corpora) > 1:
        names = ", ".join(corpus.name for corpus in corpora)
        raise TrainingError(f"{source} holds several corpora: choose one of {names} with --only")
    return corpora[0]


def _keeper(
    source: Path, output: Path, description: dict[str, Any], tokenizer: Tokenizer, train: Corpus
) -> Callable[[Line, Network], None]:
    """Return what a run tells of each validation, and what writes the snapshot then."""
    split = "test" if len(_corpus(source, "test", train.name).lengths) else "valid"
    held_out = _corpus(source, split, train.name)
    openings: Openings = {train.name: common_openings(train)}
    corpora = describe_corpora(source, (train.name,))

    def keep(line: Line, network: Network) -> None:
        folder = output / str(line["step"])
        progress = {"steps": line["step"], "events": line["events"], "minutes": line["minutes"]}
        metrics = {"training": description | progress, "corpora": corpora, "split": split}
        save_checkpoint(folder, _rounded(network), tokenizer, openings=openings, metrics=metrics)
        row = held_out_figures(load_checkpoint(folder), train, held_out, device="cpu")
        write_metrics(folder, metrics | {"held_out": {train.name: row}})

    return keep


@torch.no_grad()
def _rounded(network: Network) -> Network:
    """Return a copy on the CPU whose weights half precision holds exactly."""
    copied = copy.deepcopy(network).cpu().eval()
    for parameter in copied.parameters():
        parameter.copy_(parameter.half().float())
    return copied


def main() -> None:
    """Take snapshots as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m training.time_machine", description="Snapshots of a training.")
    parser.add_argument("--corpus", type=Path, required=True, help="a folder that training.corpus wrote")
    parser.add_argument("--only", default="", metavar="NAME", help="the corpus to use where the folder holds several")
    parser.add_argument("--output", type=Path, required=True, help="where OUTPUT/STEPS are written")
    parser.add_argument("--preset", help="a preset's name, or a TOML file (a small GRU)")
    parser.add_argument("--seed", type=int, default=0, help="of the weights and of what is drawn")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; on a shared machine one is fastest")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    preset = read_preset(options.preset) if options.preset else SMALL
    take_snapshots(
        options.corpus,
        options.output,
        name=options.only,
        preset=preset,
        preset_name=options.preset or "small",
        steps=STEPS,
        random_seed=options.seed,
    )
    print(f"snapshots in {options.output}; the page shows those in checkpoints/snapshots")


if __name__ == "__main__":
    run_program(main)
