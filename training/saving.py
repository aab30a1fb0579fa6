"""What a run keeps in its folder so that it can go on: files that are whole or not there, whatever happens.

state.pt   all that a run needs to go on        best.pt   the averaged weights that validated best
"""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from training.files import replace_file
from training.progress import TrainingError

STATE, BEST, LOG = "state.pt", "best.pt", "log.csv"


def save(document: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values; until the new file is whole, the one before it stays."""
    content = io.BytesIO()
    torch.save(document, content)
    replace_file(path, content.getvalue())


def load(path: Path) -> dict[str, Any]:
    """Read what `save` wrote, onto the CPU. Raises TrainingError if it is missing or torn; no code in it is run."""
    if not path.exists():
        raise TrainingError(f"{path} is not there: the run was stopped before its first save, begin it anew")
    try:
        document: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise TrainingError(f"{path} is torn or no file of ours: take another one, or begin anew") from error
    return document


def forget_drafts(folder: Path) -> None:
    """Remove what a killed process was writing when it ended."""
    for draft in folder.glob(".*.draft"):
        draft.unlink(missing_ok=True)
