"""How fast the shipped models decode here: `make bench`. Figures are of one thread; compare ratios, not machines.

Also python -m scripts.bench --model NAME.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from musicdemo.checkpoint import Checkpoint, load_checkpoint
from musicdemo.decoding.stepper import Events, Hidden
from musicdemo.decoding.torch_stepper import TorchStepper
from musicdemo.generation import GenerationSettings, Progress, generate
from musicdemo.models.base import ModelConfig
from musicdemo.render.audio import render_audio
from musicdemo.seeds import find_seed

FOUR_PART_SEED = "old-hundredth"
BARS = 16


def median_seconds(action: Callable[[], object], *, times: int) -> float:
    """Median wall time of an action, after one run to warm up."""
    action()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def naive_step(config: ModelConfig) -> Callable[[], object]:
    """One event through PyTorch's own LSTM layer of the same size: the loop that one would write first."""
    layer = nn.LSTM(config.embedding, config.hidden, config.layers, batch_first=True).eval()
    x = torch.zeros(1, 1, config.embedding)

    def step() -> object:
        with torch.inference_mode():
            return layer(x)

    return step


def steps(checkpoint: Checkpoint) -> dict[str, float]:
    """Seconds of one recurrent step and of the heads of one event, for one row and for eight."""
    stepper = TorchStepper(checkpoint.model)
    columns = [column for column, predicted in enumerate(checkpoint.config.predicted) if predicted]
    figures = {}
    for rows in (1, 8):
        events = np.ones((rows, 1, len(checkpoint.config.sizes)), dtype=np.int64)
        hidden, state = stepper.step(events, stepper.start(rows))
        step = partial(stepper.step, events, state)
        heads = partial(_all_heads, stepper, hidden, events[:, 0], columns)
        figures[f"recurrent step, {rows} rows"] = median_seconds(step, times=100)
        figures[f"heads of an event, {rows} rows"] = median_seconds(heads, times=50)
    figures["naive nn.LSTM step, 1 row"] = median_seconds(naive_step(checkpoint.config), times=100)
    return figures


def _all_heads(stepper: TorchStepper, hidden: Hidden, event: Events, columns: list[int]) -> None:
    for column in columns:
        stepper.logits(hidden, event[:, :column])


def pieces(checkpoint: Checkpoint) -> dict[str, float]:
    """Seconds until the first notes, of a whole continuation, and of its sound."""
    seed = find_seed(FOUR_PART_SEED).score
    first: list[float] = []
    began = time.perf_counter()

    def note_time(_: Progress) -> bool:
        first.append(time.perf_counter() - began)
        return True

    (result,) = generate(checkpoint, GenerationSettings(bars=BARS), seed=seed, on_progress=note_time)
    whole = time.perf_counter() - began
    audio = median_seconds(lambda: render_audio(result.score), times=3)
    beams = GenerationSettings(bars=BARS, beam_width=8)
    return {
        "first new note of a four-part seed": first[0],
        f"{BARS} bars behind it ({result.new_notes} notes)": whole,
        f"{BARS} bars behind it, beam width 8": median_seconds(lambda: generate(checkpoint, beams, seed=seed), times=1),
        f"sound of it ({result.score.seconds_at(result.score.end):.0f} s of music)": audio,
    }


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description="Measure speed and memory.")
    parser.add_argument("--model", default="lstm")
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = load_checkpoint(Path(options.model) if Path(options.model).is_dir() else options.model)
    figures = steps(checkpoint) | pieces(checkpoint)
    step = figures["recurrent step, 1 rows"]
    print(f"{checkpoint.name}, one thread; ratio = times the recurrent step of one row\n")
    print("| what | seconds | ratio |\n|---|---:|---:|")
    for name, seconds in figures.items():
        print(f"| {name} | {seconds:.5f} | {seconds / step:.1f} |")
    print(f"\nPeak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
