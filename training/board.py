"""The log as TensorBoard shows it: `tensorboard --logdir RUN/board` draws what stands in log.csv."""

from pathlib import Path
from typing import Any

from musicdemo.models.build import Network
from training.fit import Listener
from training.progress import Line

_PLACES = {"learning_rate": "steps", "gradient_norm": "steps", "train": "nats per note", "valid": "nats per note"}


def board_writer(folder: Path) -> Listener:
    """Return a listener that writes every figure to `folder`. Raises ImportError where tensorboardX is missing."""
    from tensorboardX import SummaryWriter

    writers: list[Any] = []  # tensorboardX has no types

    def write(line: Line, _: Network) -> None:
        if not writers:  # what a killed run wrote from here on is not shown
            writers.append(SummaryWriter(str(folder), purge_step=line["step"]))
        for name, value in line.items():
            if name not in ("step", "minutes", "events"):
                writers[0].add_scalar(f"{_PLACES.get(name, 'corpora')}/{name}", value, line["step"])
        writers[0].flush()

    return write
