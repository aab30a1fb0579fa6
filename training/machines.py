"""What a run computes on: a CPU, a GPU, several GPUs or several machines, through Lightning Fabric.

The only file that knows where Fabric comes from: the package `lightning-fabric`, or `lightning`, which holds it too.
"""

import gc
import logging
import os
from typing import Any, Literal, cast

import torch
from torch import distributed

from training.progress import TrainingError

try:
    from lightning_fabric import Fabric
    from lightning_fabric.utilities.exceptions import MisconfigurationException
except ImportError:
    from lightning.fabric import Fabric  # type: ignore[import-not-found,no-redef]
    from lightning.fabric.utilities.exceptions import (  # type: ignore[import-not-found,no-redef]
        MisconfigurationException,
    )

__all__ = [
    "DEVICES",
    "PRECISIONS",
    "Fabric",
    "best_device",
    "gather",
    "leave",
    "random_state",
    "restore_random_state",
    "start",
    "total",
]

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
PRECISIONS: tuple[Precision, ...] = ("32-true", "bf16-mixed", "16-mixed")
"""Numbers of 32 bits; or matrices multiplied in bfloat16, or in half precision with a scaled loss."""

DEVICES = ("cpu", "cuda", "mps")


def best_device() -> str:
    """Return the fastest kind of device that there is."""
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def start(device: str = "cpu", *, precision: str = "32-true", devices: int = 1) -> Fabric:
    """Start this process's part of a run on `devices` devices of a kind: cpu, cuda or mps.

    Under torchrun its environment says how many processes there are, on this machine and on others. Otherwise this
    process starts the others itself. Raises TrainingError for what Fabric refuses, such as a device that is not there.
    """
    if device not in DEVICES:
        raise TrainingError(f"the device must be one of {', '.join(DEVICES)}, not {device!r}")
    local, world = (int(os.environ.get(name, "0")) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    devices, nodes = (local, world // local) if local else (devices, 1)
    logging.getLogger(Fabric.__module__.rpartition(".")[0]).setLevel(logging.WARNING)  # it repeats what was asked for
    strategy = "ddp" if devices * nodes > 1 else "auto"
    try:
        fabric = Fabric(
            accelerator=device,
            devices=devices,
            num_nodes=nodes,
            strategy=strategy,
            precision=cast(Precision, precision),
        )
        fabric.launch()
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        raise TrainingError(f"training cannot start on {devices} x {device} in {precision}: {error}") from error
    return fabric


def total(fabric: Fabric, figures: torch.Tensor) -> torch.Tensor:
    """Return the sum of `figures` over all processes."""
    if fabric.world_size == 1:
        return figures
    return cast(torch.Tensor, fabric.all_reduce(figures, reduce_op="sum"))


def gather(fabric: Fabric, own: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what each process gave, in their order, to every process. Tensors in it must lie on the CPU."""
    if fabric.world_size == 1:
        return [own]
    every: list[Any] = [None] * fabric.world_size
    distributed.all_gather_object(every, own)
    return every


def leave() -> None:
    """End the processes' acquaintance; without it they complain at the end of a run on GPUs.

    To be called when nothing holds the trained network any more: DDP's part of it, were it the last to hold the
    process group, would wait for gloo's threads under Python's lock, and they may wait for that lock.
    """
    gc.collect()
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def random_state() -> dict[str, torch.Tensor]:
    """Return where the random numbers of this process are, on the CPU and on its GPU."""
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_initialized() else {})  # type: ignore[no-untyped-call]


def restore_random_state(states: dict[str, torch.Tensor]) -> None:
    """Go on with the random numbers of random_state()."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
