"""Real training processes: killed at random moments, two that share a batch, and one without the MIDI libraries."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scripts.kill_training import kill_and_compare
from tests.small_corpora import write_corpus
from training import train
from training.saving import BEST, LOG, STATE

ROOT = Path(__file__).parents[1]
EXACT = ("--precision", "32-true", "--device", "cpu", "--no-samples")


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """A folder with two small corpora."""
    write_corpus(tmp_path / "corpora", "air")
    write_corpus(tmp_path / "corpora", "reel", train=4)
    return tmp_path / "corpora"


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_goes_on_as_if_it_had_not_been(tmp_path: Path, corpora: Path) -> None:
    arguments = ["--corpora", corpora, "--preset", "tiny", "--max-steps", 40, "--validate-every", 10, "--save-every", 4]
    outcome = kill_and_compare(tmp_path, [*map(str, arguments), *EXACT], times=3, random_seed=1)
    assert outcome.kills == 3
    assert outcome.differences == []


@pytest.mark.slow
def test_two_processes_train_as_one_with_as_many_lanes(
    tmp_path: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ("--corpora", corpora, "--preset", "tiny", "--max-steps", 12, "--validate-every", 4, *EXACT)
    settings = ("--set", "dropout=0", "warmup=4")
    torchrun = (sys.executable, "-m", "torch.distributed.run", *"--nproc-per-node 2 --master-addr 127.0.0.1".split())
    command = (*torchrun, "-m", "training.train", "--run-folder", tmp_path / "two", *common, *settings, "lanes=3")
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(sys, "argv", [*map(str, ("train", "--run", tmp_path / "one", *common, *settings, "lanes=6"))])
    train.main()
    logs = []
    for run in ("one", "two"):
        with (tmp_path / run / LOG).open(newline="") as file:
            logs.append([{k: float(v) for k, v in line.items() if k != "minutes"} for line in csv.DictReader(file)])
    assert len(logs[0]) == 3
    for ours, theirs in zip(*logs, strict=True):
        assert theirs == pytest.approx(ours, rel=1e-4)
    one, two = (torch.load(tmp_path / run / BEST, weights_only=True) for run in ("one", "two"))
    for name, weights in one.items():
        torch.testing.assert_close(two[name], weights, rtol=0, atol=1e-5)


WITHOUT_MIDI = """
import runpy, sys
sys.modules["symusic"] = sys.modules["pretty_midi"] = None  # what a machine that only computes lacks
import training.evaluate
sys.argv = ["train", *sys.argv[1:]]
runpy.run_module("training.train", run_name="__main__")
"""


def test_training_needs_nothing_that_reads_or_writes_midi(tmp_path: Path, corpora: Path) -> None:
    arguments = ["--corpora", corpora, "--run", tmp_path / "run", "--preset", "tiny", "--max-steps", 1]
    command = [sys.executable, "-c", WITHOUT_MIDI, *map(str, arguments), "--device", "cpu"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "pretty_midi is not installed, so no sample pieces are written" in done.stdout
    assert (tmp_path / "run" / "checkpoint" / "model.safetensors").exists() and (tmp_path / "run" / STATE).exists()
