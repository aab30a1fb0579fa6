"""The end of a run: its best weights become an ordinary checkpoint in RUN/checkpoint."""

from pathlib import Path
from typing import Any

import torch

from musicdemo.checkpoint import save_checkpoint
from training.beginning import Beginning, load_weights
from training.dataset import Corpus
from training.fit import Validate
from training.openings import common_openings
from training.record import describe_corpora, read_run
from training.saving import BEST, load
from training.validation import mean_nats


@torch.no_grad()
def write_checkpoint(
    run: Path,
    beginning: Beginning,
    corpora: tuple[Corpus, ...],
    validate: Validate,
    figures: dict[str, Any],
    *,
    source: Path,
    device: str | torch.device = "cpu",
) -> Path:
    """Write the best weights, rounded to half precision, which halves what is to be fetched; return the folder.

    `figures` join what is recorded of the run; the corpora's manifests are read from `source`.
    """
    model = beginning.model
    load_weights(model, load(run / BEST), run / BEST)
    model.to(device).eval()
    for parameter in model.parameters():
        parameter.copy_(parameter.half().float())
    rounded = {"the_same_after_rounding_to_half_precision": round(mean_nats(validate(model)), 4)}
    openings = beginning.openings | {corpus.name: common_openings(corpus) for corpus in corpora}
    metrics: dict[str, Any] = {
        "training": read_run(run) | figures | rounded,
        "corpora": describe_corpora(source, tuple(corpus.name for corpus in corpora)),
    }
    folder = run / "checkpoint"
    save_checkpoint(folder, model.cpu(), beginning.tokenizer, openings=openings, metrics=metrics)
    return folder
