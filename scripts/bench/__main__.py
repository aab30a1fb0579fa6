"""Measure and write docs/benchmarks.md: python -m scripts.bench [--quick] [--no-page]."""

import argparse
import datetime as dt
import os
import platform
import resource
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from musicdemo.checkpoint import CHECKPOINTS, Checkpoint, load_checkpoint
from musicdemo.decoding.onnx_stepper import OnnxStepper
from musicdemo.decoding.torch_stepper import TorchStepper
from musicdemo.models.onnx_graph import step_graphs
from scripts import roll_frames
from scripts.bench import beams, page, pieces, steps
from scripts.bench.peers import TOKENS_A_NOTE, gpt2_seconds_a_token
from scripts.bench.timing import least_of_each
from training.tables import ROOT, shipped_models, table

DOCUMENT = ROOT / "docs" / "benchmarks.md"
WIDTHS = (1, 2, 4, 8, 16)
ROWS = (1, 8, 16)
SEARCHED = ("lstm", "attention")
MODEL = "attention"
"""The network that whole pieces are measured with: what the page begins with."""

INTRODUCTION = """# Benchmarks

Written by `make bench` on {day}:
{machine}.
One thread, the least of several tries, things to be compared in turns. Machines differ; compare the ratios.
"""


def micro(seconds: float) -> str:
    """Write seconds as microseconds."""
    return f"{seconds * 1e6:,.0f}"


def floor_section(times: int) -> str:
    """Compare the step of a 2 x 512 LSTM with reading its weights, and with the loop one would write first."""
    network = steps.lstm_2x512(load_checkpoint("lstm").config)
    fast, reference = OnnxStepper(step_graphs(network)), TorchStepper(network)
    figures = steps.against_the_floor(network.config, fast, reference, times=times)
    floor, loop = figures["int8 weight read"], figures["plain nn.LSTM loop"]
    rows = [
        [name, micro(seconds), f"{seconds / floor:.2f}", f"{loop / seconds:.1f}"] for name, seconds in figures.items()
    ]
    return (
        "## One step of an LSTM of 2 x 512 units (random weights)\n\n"
        "The floor is to read as many weights of 8 bits once. The plain loop is embedding, `nn.LSTM`, one head of 512\n"
        "values, softmax and a draw; oneDNN, which PyTorch takes by default, repacks its weights at every call.\n\n"
        + table(["", "microseconds", "times the floor", "times as fast as the plain loop"], rows)
    )


def networks_section(checkpoints: list[Checkpoint], times: int) -> str:
    """Compare the runtimes on every shipped network."""
    rows = []
    for checkpoint in checkpoints:
        steppers = {"onnx": OnnxStepper(checkpoint.graphs), "torch": TorchStepper(checkpoint.model)}
        figures = steps.by_rows(steppers, times=times)  # type: ignore[arg-type]
        for name in steppers:
            own = [figures[f"{name}, {part}, {count} rows"] for count in steps.ROWS for part in ("step", "heads")]
            rows.append([checkpoint.name, name, *map(micro, own)])
    head = ["network", "runtime", *(f"{part}, {count} rows" for count in steps.ROWS for part in ("step", "heads"))]
    return "## One event of every network, in microseconds\n\n" + table(head, rows)


def length_section(checkpoints: list[Checkpoint]) -> str:
    """Show what a step costs behind how many events."""
    rows = []
    for checkpoint in checkpoints:
        figures = steps.by_length(OnnxStepper(checkpoint.graphs))
        ratio = figures[max(figures)] / figures[min(figures)]
        rows.append([checkpoint.name, *map(micro, figures.values()), f"{ratio:.2f}"])
    head = ["network", *(f"{length:,} events" for length in steps.LENGTHS), "last / first"]
    return "## A step behind a long past, in microseconds\n\n" + table(head, rows)


def pieces_section(checkpoints: list[Checkpoint]) -> str:
    """Show what whole pieces cost, beside a Transformer's notes."""
    peer = gpt2_seconds_a_token() * TOKENS_A_NOTE
    rows = []
    for checkpoint in checkpoints:
        whole, _ = pieces.seconds_of(checkpoint)
        named, notes = pieces.seconds_of(checkpoint, style=pieces.STYLE)
        rows.append(
            [checkpoint.name, f"{whole:.3f}", f"{named:.3f}", micro(named / notes), f"{peer * notes / named:.0f}"]
        )
    return (
        f"## {pieces.BARS} bars behind a four-part seed\n\n"
        "What a visitor waits for, and without the time that it takes to find the seed's style. The peer is a GPT-2\n"
        f"of 6 layers of 512 units by `transformers`, {TOKENS_A_NOTE} tokens a note: {micro(peer)} microseconds.\n\n"
        + table(["network", "seconds", "style named", "microseconds a note", "times fewer than the peer"], rows)
    )


def rows_section(times: int) -> str:
    """Show what more rows cost an LSTM's step, and how much of that the processor's products are."""
    network = steps.lstm_2x512(load_checkpoint("lstm").config)
    stepper = OnnxStepper(step_graphs(network))
    actions: dict[tuple[str, int], Callable[[], object]] = {}
    for rows in ROWS:
        actions["products alone", rows] = beams.products(network.config, rows)
        actions["step", rows] = steps.one_step(stepper, rows)
        actions["heads", rows] = steps.all_heads(stepper, rows)
    figures = least_of_each(actions, times=times)
    for rows in ROWS:
        figures["step and heads", rows] = figures["step", rows] + figures["heads", rows]
    names = dict.fromkeys(name for name, _ in figures)
    lines = [
        [name, *(micro(figures[name, rows]) for rows in ROWS), f"{figures[name, 16] / figures[name, 1]:.2f}"]
        for name in names
    ]
    return (
        "## Rows of one batch (LSTM of 2 x 512 units), in microseconds\n\n"
        "The products alone are those of 8-bit integers that a step cannot do without. One row reads each weight for\n"
        "one product, sixteen for sixteen: from some rows on the processor is busy multiplying, no longer reading.\n\n"
        + table(["", *(f"{rows} rows" for rows in ROWS), "16 rows / 1 row"], lines)
    )


def beams_section(checkpoints: Sequence[Checkpoint], times: int) -> str:
    """Show what an event of beam search costs, rules and bookkeeping and all."""
    rows = []
    for checkpoint in checkpoints:
        figures = beams.searches(
            OnnxStepper(checkpoint.graphs),
            checkpoint.tokenizer,
            pieces.seed(),
            style=pieces.STYLE,
            widths=WIDTHS,
            times=times,
        )
        for kind in beams.KINDS:
            taken = [figures[kind, width] for width in WIDTHS]
            rows.append([checkpoint.name, kind, *map(micro, taken), f"{taken[-1] / taken[0]:.2f}"])
    head = ["network", "beams", *(f"width {width}" for width in WIDTHS), "last / first"]
    return "## One event of beam search, in microseconds\n\n" + table(head, rows)


def queue_section(checkpoint: Checkpoint) -> str:
    """Show how long visitors wait who press the button at the same moment."""
    rows = []
    for visitors in (1, 4, 16):
        for workers in (1, 4):
            first, done = pieces.through_the_queue(checkpoint, visitors=visitors, workers=workers)
            rows.append([f"{visitors}", f"{workers}", f"{first:.2f}", f"{done:.2f}"])
    head = ["visitors", "workers", "seconds until each has a first note", "seconds until all pieces are done"]
    return f"## {pieces.BARS} bars through the queue ({checkpoint.name})\n\n" + table(head, rows)


def rest_section(checkpoint: Checkpoint) -> str:
    """Show what sound and memory cost."""
    seconds, lasts = pieces.sound(checkpoint)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        "## Besides\n\n"
        f"- Sound of {lasts:.0f} seconds of music: {seconds:.2f} seconds.\n"
        f"- Peak memory of this process, all networks and the peer loaded: {memory:.0f} MiB."
    )


def _machine() -> str:
    told = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    facts = dict(
        reversed([(key.strip(), value.strip()) for key, _, value in (x.partition(":") for x in told.splitlines())])
    )
    names = ("model name", "cpu family", "model")
    model = ", ".join(f"{name} {facts[name]}" for name in names if name in facts) or platform.machine()
    model = model.removeprefix("model name ")
    return (
        f"{model}, {os.cpu_count()} cores; PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}, "
        f"NumPy {np.__version__}"
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description="Measure speed and memory.")
    parser.add_argument("--quick", action="store_true", help="fewer tries")
    parser.add_argument("--no-page", action="store_true", help="leave out what is measured in a browser")
    options = parser.parse_args()
    torch.set_num_threads(1)
    times = 10 if options.quick else 60
    checkpoints = [load_checkpoint(info.name) for info in shipped_models(CHECKPOINTS)]
    main_one = next(checkpoint for checkpoint in checkpoints if checkpoint.name == MODEL)
    day = dt.datetime.now(dt.UTC).date()
    sections = [
        INTRODUCTION.format(day=day, machine=_machine()).rstrip(),
        floor_section(times),
        networks_section(checkpoints, times),
        length_section(checkpoints),
        pieces_section(checkpoints),
        rows_section(times),
        beams_section([checkpoint for checkpoint in checkpoints if checkpoint.name in SEARCHED], max(1, times // 20)),
        queue_section(main_one),
        rest_section(main_one),
    ]
    if not options.no_page:
        sections += [page.section(), roll_frames.section()]
    text = "\n\n".join(sections) + "\n"
    print(text)
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
