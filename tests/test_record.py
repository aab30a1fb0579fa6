"""What is written down of a run, and what a person sees of it while it runs."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from training import record
from training.presets import PRESETS, changed, settings_of
from training.progress import TrainingError
from training.record import best_line, describe_corpora, describe_resumption, read_styles
from training.saving import LOG
from training.watching import Watch


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    return subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_the_commit_is_named_and_so_are_changes_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_HERE", tmp_path)
    assert record.commit() == "unknown"
    git(tmp_path, "init")
    (tmp_path / "tune.txt").write_text("C D E")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "A tune")
    head = git(tmp_path, "rev-parse", "HEAD").strip()
    assert record.commit() == head
    (tmp_path / "tune.txt").write_text("C D F")
    assert record.commit() == f"{head} and changes"


def test_the_settings_that_are_written_down_make_the_preset_again() -> None:
    preset = changed(PRESETS["attention"], {"hidden": 64, "schedule": "plateau", "max_minutes": 3})
    assert changed(PRESETS["gru"], settings_of(preset)) == preset


def test_what_was_otherwise_before_a_run_went_on_stays_on_record() -> None:
    begun = {"settings": "hidden=8 max_steps=5", "commit": "a1", "torch": "2", "device": "cpu"}
    longer = begun | {"settings": "hidden=8 max_steps=9", "commit": "b2"}
    assert describe_resumption(begun, begun, 3) == begun
    once = describe_resumption(begun, longer, 5)
    assert once == longer | {"until_step_5": "max_steps=5, commit a1"}
    assert describe_resumption(once, longer | {"device": "cuda"}, 7) == longer | {
        "device": "cuda",
        "until_step_5": "max_steps=5, commit a1",
        "until_step_7": "device cpu",
    }


def test_the_best_validation_is_found_in_the_log(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="has no validation in its log"):
        best_line(tmp_path)
    (tmp_path / LOG).write_text("step,minutes,events,valid\n10,0.5,100,4.5\n20,1.0,200,3.25\n30,1.5,300,3.5\n")
    found = best_line(tmp_path)
    assert (found["steps"], found["events"], found["minutes"]) == (20, 200, 1.0)
    assert found["validation_nats_per_note_mean_over_corpora"] == 3.25


def test_a_manifest_is_named_by_its_digest_and_may_be_missing(tmp_path: Path) -> None:
    text = '{"name": "air", "pieces": {"train": 3}, "files": {"a.mid": {}}}'
    (tmp_path / "air.json").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    described = describe_corpora(tmp_path, ("air", "reel"))
    assert described == {"air": {"name": "air", "pieces": {"train": 3}, "manifest_sha256": digest}, "reel": {}}


def test_a_folder_without_a_run_has_no_styles(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no run"):
        read_styles(tmp_path)


def test_where_nobody_watches_glances_are_few_and_reports_stay(capsys: pytest.CaptureFixture[str]) -> None:
    often, seldom = Watch(seconds_between=0.0), Watch(seconds_between=1000.0)
    often.glance("step 1")
    seldom.glance("step 2")
    seldom.say("step 3")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("step 3\n", "step 1\n")
