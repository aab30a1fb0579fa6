"""The model that a command names; one that comes from the Hub is seen coming."""

from typing import TYPE_CHECKING

from musicdemo.cli.terminal import progress_line

if TYPE_CHECKING:
    from musicdemo.checkpoint import Checkpoint


def load_model(name: str) -> "Checkpoint":
    """Load the checkpoint of a name, a folder or OWNER/NAME[@REVISION]. Raises CheckpointError where it is none."""
    from musicdemo.checkpoint import load_checkpoint

    with progress_line() as show:

        def on_bytes(done: int, total: int) -> bool:
            if show:
                show(f"fetching {name}: {done / 1e6:.1f} of {total / 1e6:.1f} MB")
            return True

        return load_checkpoint(name, on_bytes=on_bytes)
