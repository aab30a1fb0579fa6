"""Train and score networks on the public benchmarks, by their protocols.

    python -m training.benchmarks jsb-16th --data FOLDER --runs runs/benchmarks [--seeds 0 1 2] [--train]

With --train the networks that are missing are trained first, one for each seed, each from random weights. The figures
are written to OUTPUT/NAME.json, and all figures there as tables to OUTPUT/README.md. The test split is read only here.
"""

import argparse
import json
import math
from pathlib import Path

import torch

from training.benchmarks.figures import describe, figures
from training.benchmarks.table import write_tables
from training.benchmarks.tasks import BENCHMARKS, load_task
from training.benchmarks.train import describe_run, load, train
from training.saving import BEST


def main() -> None:
    """Train and score as the arguments say."""
    options = _options()
    torch.set_num_threads(options.threads)
    benchmark, task = BENCHMARKS[options.name], load_task(options.name, options.data)
    folders = [options.runs / f"{options.name}-{seed}" for seed in options.seeds]
    for seed, folder in zip(options.seeds, folders, strict=True):
        if options.train and not (folder / BEST).exists():
            train(task, benchmark.preset, folder, seed=seed, max_minutes=options.max_minutes, report=_report)
    models = [load(task, benchmark.preset, folder) for folder in folders]
    document = describe(task, models) | {
        "runs": [describe_run(folder, seed) for seed, folder in zip(options.seeds, folders, strict=True)],
        "lines": figures(task, benchmark, models),
    }
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / f"{options.name}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    write_tables(options.output)
    for line in document["lines"]:
        print(f"{line['line']:60s} valid {line['valid']:.4f}  test {line['test']:.4f}")


def _report(line: str) -> None:
    print(line, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.benchmarks", description="Train and score benchmarks.")
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder with the benchmarks' own files")
    parser.add_argument("--runs", type=Path, default=Path("runs/benchmarks"), help="folder of the networks' runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one network for each")
    parser.add_argument("--train", action="store_true", help="train the networks that are missing")
    parser.add_argument("--max-minutes", type=float, default=math.inf, help="of training, for each network")
    parser.add_argument("--output", type=Path, default=Path("training/figures"), help="where the figures go")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
