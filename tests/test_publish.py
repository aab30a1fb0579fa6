"""Publishing: the whole circle from a checkpoint's folder over the Hub to music, and what is refused on the way."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import ModelCard, constants
from starlette.responses import Response

from musicdemo.checkpoint import FROM_HUB, METRICS, WEIGHTS, load_checkpoint, write_metrics
from musicdemo.cli.main import main as musicdemo
from musicdemo.errors import CheckpointError
from musicdemo.music.midi import read_midi
from musicdemo.seeds import shipped_seeds
from tests.local_hub import OWNER, TOKEN, LocalHub, running_hub
from tests.tiny import tiny_checkpoint
from training import publish as publishing
from training.publish import publish

# The Hub's library (2.4) hands a file to its HTTP client in a way that the client would rather not have.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

REPOSITORY = f"{OWNER}/tiny"
HELD_OUT = {"air": {"pieces": 3, "notes": 120, "nats_per_note": 4.25, "bigram": 6.5, "unigram": 8.75}}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalHub]:
    """A Hub without repositories, for which this machine has a token; large files go there over plain HTTP."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
    with running_hub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint with measured figures, and things beside it that are nobody's business."""
    folder = tmp_path / "tiny"
    tiny_checkpoint(folder)
    write_metrics(folder, {"split": "test", "held_out": HELD_OUT})
    (folder / "best.pt").write_bytes(b"a training run's own")
    (folder / ".env").write_text("SECRET=1")
    return folder


def test_what_is_published_can_be_fetched_and_makes_the_same_music(
    hub: LocalHub, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = publish(folder, REPOSITORY)
    for model, output in ((str(folder), "here.mid"), (str(published.name), "hub.mid")):
        assert musicdemo(["generate", "--bars", "2", "--model", model, "--output", str(tmp_path / output)]) == 0
    here, from_hub = (read_midi((tmp_path / name).read_bytes()).score for name in ("here.mid", "hub.mid"))
    assert here == from_hub
    assert load_checkpoint(f"{REPOSITORY}@{published.tag}").name == str(published.name)
    assert load_checkpoint(REPOSITORY).digest == load_checkpoint(folder).digest


def test_the_files_of_a_checkpoint_its_card_and_a_piece_are_uploaded_and_nothing_else(
    hub: LocalHub, folder: Path
) -> None:
    published = publish(folder, REPOSITORY)
    files = hub.repositories[REPOSITORY].commits[published.name.revision]
    ours = {wanted.path for wanted in FROM_HUB}
    assert set(files) == ours | {"README.md", "sample.mid", "sample.ogg", ".gitattributes"}  # the last is the Hub's
    assert all(files[path] == (folder / path).read_bytes() for path in ours)
    seed, piece = shipped_seeds()[0].score, read_midi(files["sample.mid"]).score
    assert len(piece.bars) == len(seed.bars) + publishing.SAMPLE_SETTINGS.bars
    assert files["sample.ogg"].startswith(b"OggS")


def test_without_fluidsynth_the_piece_is_a_wav(
    hub: LocalHub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    published = publish(folder, REPOSITORY)
    files = hub.repositories[REPOSITORY].commits[published.name.revision]
    assert files["sample.wav"].startswith(b"RIFF") and "sample.ogg" not in files
    assert b"/sample.wav" in files["README.md"]


def test_the_card_is_what_the_hub_reads_and_plays_the_piece(hub: LocalHub, folder: Path) -> None:
    published = publish(folder, REPOSITORY)
    card = ModelCard(hub.repositories[REPOSITORY].commits[published.name.revision]["README.md"].decode())
    told = card.data.to_dict()
    assert (told["license"], told["library_name"]) == ("mit", "musicdemo")
    (figure,) = told["model-index"][0]["results"]
    assert figure["dataset"] == {"type": "air", "name": "air", "split": "test"}
    assert figure["metrics"][0]["value"] == 4.25
    assert f'<audio controls src="https://huggingface.co/{REPOSITORY}/resolve/main/sample.ogg">' in card.text
    assert f"--model {REPOSITORY}\n" in card.text


def test_publishing_again_makes_no_new_commit_and_new_figures_do(hub: LocalHub, folder: Path) -> None:
    first, again = publish(folder, REPOSITORY), publish(folder, REPOSITORY)
    assert again == first
    write_metrics(folder, {})
    later = publish(folder, REPOSITORY)
    assert later.name != first.name
    assert hub.repositories[REPOSITORY].tags == {first.tag: first.name.revision}  # the weights are the same


def test_a_tag_of_ones_own_names_one_commit_for_ever(hub: LocalHub, folder: Path) -> None:
    first = publish(folder, REPOSITORY, tag="v1")
    write_metrics(folder, {})
    with pytest.raises(CheckpointError, match="has a tag v1 already"):
        publish(folder, REPOSITORY, tag="v1")
    assert hub.repositories[REPOSITORY].branches == {"main": first.name.revision}


def test_a_private_model_is_not_shown_to_who_fetches_without_a_token(hub: LocalHub, folder: Path) -> None:
    published = publish(folder, REPOSITORY, private=True)
    assert hub.repositories[REPOSITORY].private
    with pytest.raises(CheckpointError, match="members only"):
        load_checkpoint(str(published.name))


# --- refusals --------------------------------------------------------------------------------------------------------


def refused(folder: Path, match: str, *, repository: str = REPOSITORY, tag: str = "") -> None:
    with pytest.raises(CheckpointError, match=match) as caught:
        publish(folder, repository, tag=tag)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_cannot_be_loaded_is_not_published(hub: LocalHub, folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1])
    refused(folder, "is damaged")
    assert hub.asked == []


def test_a_checkpoint_that_could_not_be_fetched_again_is_not_published(hub: LocalHub, folder: Path) -> None:
    (folder / METRICS).write_text(json.dumps({"x": "y" * 2**22}))
    refused(folder, "can be fetched again")
    assert hub.asked == []


@pytest.mark.parametrize(("repository", "tag"), [("tiny", ""), ("a/b/c", ""), ("a/b@v1", ""), ("a/b", "refs/x")])
def test_names_that_could_not_be_fetched_again_are_refused(
    hub: LocalHub, folder: Path, repository: str, tag: str
) -> None:
    refused(folder, "a repository is OWNER/NAME", repository=repository, tag=tag)
    assert hub.asked == []


def test_without_a_token_nothing_is_asked(
    hub: LocalHub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
    refused(folder, "hf auth login")
    assert hub.asked == []


def test_the_token_of_a_login_will_do(
    hub: LocalHub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    assert publish(folder, REPOSITORY).name.revision in hub.repositories[REPOSITORY].commits


def test_a_refusal_of_the_hub_is_one_sentence(hub: LocalHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(folder, r"refused to publish stranger/x \(403\)", repository="stranger/x")
    hub.instead["/commit/main"] = lambda: Response(status_code=413)
    refused(folder, r"\(413\)")
    hub.instead = {"": lambda: Response(status_code=404)}
    refused(folder, r"\(404\)")
    hub.instead = {}
    monkeypatch.setenv("HF_TOKEN", "hf_outdated")
    refused(folder, r"\(401\)")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    refused(folder, "the Hub does not answer")


def test_the_program_prints_the_line_to_use_and_ends_a_mistake_in_one_line(
    hub: LocalHub, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["publish", "--checkpoint", str(folder), "--repo", REPOSITORY, "--tag", "v1"])
    publishing.main()
    commit = hub.repositories[REPOSITORY].branches["main"]
    assert capsys.readouterr().out.splitlines() == [
        f"published {REPOSITORY}@{commit}, tagged v1; to use it:",
        f"python -m musicdemo generate seed.mid --output out.mid --model {REPOSITORY}@{commit}",
    ]
    with pytest.raises(SystemExit) as ended:
        publishing.main()
    assert ended.value.code == f"training.publish: {REPOSITORY} has a tag v1 already; choose another"
    assert capsys.readouterr().out == ""
