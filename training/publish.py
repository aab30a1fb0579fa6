"""Publish a checkpoint on the Hugging Face Hub.

    python -m training.publish --checkpoint checkpoints/lstm --repo OWNER/NAME [--private] [--tag NAME]

Makes the repository where there is none, uploads the files of the checkpoint, its card and a piece that it continued in
one commit, and tags it. The token is the one of `hf auth login` or of HF_TOKEN. Nothing else of the folder is uploaded.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from httpx2 import HTTPError  # the Hub's library speaks HTTP with it
from huggingface_hub import CommitOperationAdd, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError

from musicdemo.checkpoint import FROM_HUB, Checkpoint, load_checkpoint, read_info
from musicdemo.errors import AudioError, CheckpointError, MusicDemoError
from musicdemo.generation import GenerationSettings, generate
from musicdemo.hub.name import HubName, read_name
from musicdemo.music.midi import write_midi
from musicdemo.music.score import Score
from musicdemo.render.audio import write_audio
from musicdemo.seeds import shipped_seeds
from training.card import Publication, card

SAMPLE_SETTINGS = GenerationSettings(bars=8, random_seed=1)


@dataclass(frozen=True)
class Published:
    """A commit on the Hub, and the tag that was put on it."""

    name: HubName
    tag: str


def publish(folder: Path, repository: str, *, private: bool = False, tag: str = "") -> Published:
    """Upload a checkpoint; what is there already makes no new commit.

    Without a tag of its own it gets one from the digest of its weights. That tag stays on the first commit with these
    weights; any other that exists is refused.

    Raises:
        CheckpointError: the folder holds no checkpoint that can be loaded and fetched again, the names are none, there
            is no token, or the Hub refuses or does not answer.
    """
    checkpoint = load_checkpoint(folder)
    wanted_tag = tag or f"weights-{checkpoint.digest[:12]}"
    _check(checkpoint.folder, repository, wanted_tag)
    with TemporaryDirectory() as work, _translated(repository):
        api = HfApi()
        api.create_repo(repository, private=private, exist_ok=True)
        if tag and tag in (known.name for known in api.list_repo_refs(repository).tags):
            raise CheckpointError(f"{repository} has a tag {tag} already; choose another")
        files = _files(checkpoint, repository, Path(work))
        additions = [CommitOperationAdd(name, source) for name, source in files.items()]
        commit = api.create_commit(repository, additions, commit_message=f"Checkpoint with {wanted_tag}").oid
        api.create_tag(repository, tag=wanted_tag, revision=commit, exist_ok=not tag)
    return Published(HubName(repository, commit), wanted_tag)


def _check(folder: Path, repository: str, tag: str) -> None:
    """Refuse what could not be fetched again."""
    name = read_name(f"{repository}@{tag}")
    if name is None or (name.repository, name.revision) != (repository, tag):
        raise CheckpointError(
            f"a repository is OWNER/NAME and a tag one word, of letters, digits, '.', '-' and '_': {repository}, {tag}"
        )
    for wanted in FROM_HUB:
        path = folder / wanted.path
        if path.exists() and path.stat().st_size > wanted.max_bytes:
            raise CheckpointError(f"{path} has more than the {wanted.max_bytes:,} bytes that can be fetched again")
    if not get_token():
        raise CheckpointError("publishing needs a token: run `hf auth login`, or set HF_TOKEN")


def _files(checkpoint: Checkpoint, repository: str, work: Path) -> dict[str, Path | bytes]:
    """Return what is uploaded, by its name in the repository."""
    seed = shipped_seeds()[0]
    made = generate(checkpoint, SAMPLE_SETTINGS, seed=seed.score)[0]
    sound = _sound(made.score, work)
    about = f"{seed.title}, {len(seed.score.bars)} bars, and {made.new_bars} bars that this model wrote behind it."
    publication = Publication(repository, sound=sound.name, notes="sample.mid", about=about)
    paths = [checkpoint.folder / wanted.path for wanted in FROM_HUB]
    return {
        **{path.name: path for path in paths if path.exists()},
        "README.md": card(read_info(checkpoint.folder), publication).encode(),
        "sample.mid": write_midi(made.score),
        sound.name: sound,
    }


def _sound(score: Score, work: Path) -> Path:
    """Write the sound small where FluidSynth is installed, and as WAV elsewhere."""
    path = work / "sample.oga"
    try:
        write_audio(score, path)
    except AudioError:
        path = work / "sample.wav"
        write_audio(score, path)
        return path
    return path.rename(work / "sample.ogg")  # the name by which more players know it


@contextmanager
def _translated(repository: str) -> Iterator[None]:
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise CheckpointError(
            f"the Hub refused to publish {repository} ({status}): see that the token is valid and may write there"
        ) from error
    except (HTTPError, RuntimeError) as error:  # the latter where an upload breaks off
        raise CheckpointError(f"the Hub does not answer, so {repository} was not published; try again later") from error


def main() -> None:
    """Publish as the arguments say, and print how to use what was published."""
    parser = argparse.ArgumentParser(prog="python -m training.publish", description="Publish a checkpoint on the Hub.")
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="DIR")
    parser.add_argument("--repo", required=True, metavar="OWNER/NAME")
    parser.add_argument("--private", action="store_true", help="if the repository is new, show it to members only")
    parser.add_argument("--tag", default="", help="a name for the commit (from the digest of the weights)")
    options = parser.parse_args()
    try:
        published = publish(options.checkpoint, options.repo, private=options.private, tag=options.tag)
    except MusicDemoError as error:
        sys.exit(f"training.publish: {error}")
    print(f"published {published.name}, tagged {published.tag}; to use it:")
    print(f"python -m musicdemo generate seed.mid --output out.mid --model {published.name}")


if __name__ == "__main__":
    main()
