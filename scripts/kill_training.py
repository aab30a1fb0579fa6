"""Kill training runs at random moments, resume them, and compare each with a run that nobody killed.

    python -m scripts.kill_training --corpora FOLDER [--times 10] [--steps 120] [--preset tiny]

Real processes, real SIGKILL, one thread, 32-bit numbers: then the log (but for its minutes) and every weight must be
equal to the last bit. Prints what it did; ends with 1 if anything differs.
"""

import argparse
import csv
import multiprocessing
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import torch

from training.saving import BEST, LOG, STATE

_PROCESSES = multiprocessing.get_context("forkserver")
"""Processes that begin with the libraries already there, so that a kill hits the run and not Python's start."""


@dataclass
class Outcome:
    """Kills, the steps that runs went on from (none: it began anew), and what differed from the undisturbed run."""

    kills: int = 0
    resumed_at: list[int | None] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def kill_and_compare(folder: Path, arguments: list[str], *, times: int, random_seed: int = 0) -> Outcome:
    """Train with these arguments undisturbed, then with `times` kills, in as many runs as it takes.

    `arguments` are those of training.train but for the run's folder, which will lie in `folder`.
    """
    _PROCESSES.set_forkserver_preload(["training.train"])
    _ended(_start(folder / "first", [*arguments, "--max-steps", "1"]))  # loads the libraries, once for all
    opening = _seconds_of(folder / "second", [*arguments, "--max-steps", "1"])
    training = max(0.0, _seconds_of(folder / "whole", arguments) - opening)
    outcome, choose = Outcome(), random.Random(random_seed)
    for number in count():
        if outcome.kills >= times:
            break
        run = folder / f"killed-{number}"
        while outcome.kills < times:
            process = _start(run, arguments)
            process.join(choose.uniform(opening / 2, opening + 2 * training / times))
            if process.exitcode is not None:
                break
            process.kill()
            process.join()
            outcome.kills += 1
            outcome.resumed_at.append(_step(run))
        if not (run / "checkpoint").exists():
            _ended(_start(run, arguments))
        outcome.differences += differences(folder / "whole", run)
    return outcome


def differences(one: Path, other: Path) -> list[str]:
    """Return in which lines of the log, but for its minutes, and in which weights two finished runs differ."""
    logs = [_log(run) for run in (one, other)]
    found = [f"{other.name}: {theirs} is not {ours}" for ours, theirs in zip(*logs, strict=False) if ours != theirs]
    if len(logs[0]) != len(logs[1]):
        found.append(f"{other.name}: {len(logs[1])} lines in the log, not {len(logs[0])}")
    saved = [torch.load(run / STATE, weights_only=True) for run in (one, other)]
    weights = [
        (f"{part} {name}", saved[0][part][name], saved[1][part][name])
        for part in ("model", "average")
        for name in saved[0][part]
    ]
    best = [torch.load(run / BEST, weights_only=True) for run in (one, other)]
    weights += [(f"best {name}", best[0][name], best[1][name]) for name in best[0]]
    return found + [f"{other.name}: {name}" for name, ours, theirs in weights if not torch.equal(ours, theirs)]


def _log(run: Path) -> list[dict[str, str]]:
    with (run / LOG).open(newline="", encoding="utf-8") as file:
        return [{key: value for key, value in line.items() if key != "minutes"} for line in csv.DictReader(file)]


def _step(run: Path) -> int | None:
    """Return the step of a killed run's last save; a file that is there must be whole."""
    if not (run / STATE).exists():
        return None
    return int(torch.load(run / STATE, weights_only=True)["progress"]["step"])


def _start(run: Path, arguments: list[str]) -> multiprocessing.process.BaseProcess:
    resume = ["--resume"] if (run / STATE).exists() else []
    process = _PROCESSES.Process(target=_train, args=(run, [*arguments, "--run", str(run), *resume]))
    process.start()
    return process


def _seconds_of(run: Path, arguments: list[str]) -> float:
    began = time.monotonic()
    _ended(_start(run, arguments))
    return time.monotonic() - began


def _ended(process: multiprocessing.process.BaseProcess) -> None:
    process.join()
    if process.exitcode:
        raise RuntimeError(f"training ended with {process.exitcode}; the run's out.txt says why")


def _train(run: Path, arguments: list[str]) -> None:
    from training import train

    run.mkdir(parents=True, exist_ok=True)
    with (run / "out.txt").open("a", encoding="utf-8") as sys.stdout:
        sys.stderr = sys.stdout
        sys.argv = ["train", *arguments]
        train.main()


def main() -> None:
    """Kill, compare and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m scripts.kill_training", description=__doc__.split("\n")[0])
    parser.add_argument("--corpora", type=Path, required=True, help="what training.corpus wrote")
    parser.add_argument("--times", type=int, default=10, help="kills")
    parser.add_argument("--steps", type=int, default=120, help="length of a run")
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--random-seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    arguments = ["--corpora", str(options.corpora), "--preset", options.preset, "--max-steps", str(options.steps)]
    arguments += ["--precision", "32-true", "--device", "cpu", "--validate-every", "20", "--save-every", "5"]
    with tempfile.TemporaryDirectory() as folder:
        outcome = kill_and_compare(
            Path(folder), [*arguments, "--no-samples"], times=options.times, random_seed=options.random_seed
        )
    print(f"{outcome.kills} kills; runs went on from step {outcome.resumed_at}")
    print(*(outcome.differences or ["every line of the logs and every weight is equal to the last bit"]), sep="\n")
    sys.exit(bool(outcome.differences))


if __name__ == "__main__":
    main()
