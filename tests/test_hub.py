"""Models of the Hub: what is fetched is what was published, and whatever a repository holds does no harm."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from starlette.responses import HTMLResponse, Response, StreamingResponse

from musicdemo.checkpoint import CONFIG, FROM_HUB, OPENINGS, TOKENIZER, WEIGHTS, load_checkpoint
from musicdemo.cli.main import main
from musicdemo.errors import CheckpointError
from musicdemo.hub import fetch as fetching
from musicdemo.hub import kept
from musicdemo.hub.fetch import Wanted, fetch
from musicdemo.hub.kept import cache_folder
from musicdemo.hub.name import HubName, read_name, short_name
from musicdemo.music.tokenizer import Tokenizer
from tests.local_hub import LocalHub, Repository, running_hub
from tests.tiny import tiny_checkpoint

NAME = "someone/tiny"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an untrained checkpoint."""
    folder = tmp_path_factory.mktemp("published")
    tiny_checkpoint(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalHub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def hub(server: LocalHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalHub:
    """A Hub without repositories, an empty cache, and a token that no fetch may show."""
    server.clear()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    return server


@pytest.fixture
def published(hub: LocalHub, files: dict[str, bytes]) -> str:
    """The commit of a checkpoint that someone published."""
    return hub.put(NAME, files)


@pytest.fixture
def hub_is_down(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


def left_in_cache() -> list[str]:
    return sorted(path.name for path in cache_folder().glob("*") if path.name != "last_seen")


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("owner/name", HubName("owner/name", "main")),
        ("o/n@v1", HubName("o/n", "v1")),
        ("Owner-1/name_2.b@" + "a" * 40, HubName("Owner-1/name_2.b", "a" * 40)),
    ],
)
def test_a_name_is_owner_name_and_maybe_a_revision(text: str, name: HubName) -> None:
    assert read_name(text) == name
    assert read_name(str(name)) == name


@pytest.mark.parametrize(
    "text",
    [
        *("", "lstm", "/", "a/", "/b", "a/b/c", "a//b", "../b", "a/..", "./b", "a/b@", "a/b@c@d", "a/b@..", "a/b@../c"),
        *("a/b\n", "a/b@refs/pr/1", "~/b", "a/b c", "a/b?x=1", "a/b#x", "a%2f/b", "a--b/c", "a/b..c", "https://a/b"),
        *("-a/b", "a/b.", "a/b@-c", "ä/b", "a\\b/c", "a/b\0", "a/" + "b" * 96, "a/b@" + "c" * 65),
    ],
)
def test_whatever_could_lead_elsewhere_is_no_name(text: str) -> None:
    assert read_name(text) is None


def test_only_a_commit_pins_and_people_read_its_first_digits() -> None:
    assert HubName("a/b", "0123456789" * 4).is_pinned
    assert not any(HubName("a/b", text).is_pinned for text in ("main", "0123456", "A" * 40, "0" * 41))
    assert short_name("a/b@" + "0123456789" * 4) == "a/b@0123456"
    assert [short_name(name) for name in ("lstm", "a/b@v1")] == ["lstm", "a/b@v1"]


# --- fetching --------------------------------------------------------------------------------------------------------


def test_what_is_loaded_is_what_was_published_and_its_name_is_pinned(published: str, files: dict[str, bytes]) -> None:
    checkpoint = load_checkpoint(NAME)
    assert checkpoint.name == f"{NAME}@{published}"
    assert checkpoint.metrics == {"air": {"nats": 9.5}}
    assert {path.name: path.read_bytes() for path in checkpoint.folder.iterdir()} == files


def test_branch_tag_and_commit_lead_to_one_folder(hub: LocalHub, published: str) -> None:
    hub.repositories[NAME].tags["v1"] = published
    folders = {load_checkpoint(f"{NAME}{revision}").folder for revision in ("", "@main", "@v1", f"@{published}")}
    assert len(folders) == 1
    assert len([path for path in hub.paths() if path.endswith(WEIGHTS)]) == 1


def test_a_branch_that_moved_is_followed_and_a_commit_is_not(
    hub: LocalHub, published: str, files: dict[str, bytes]
) -> None:
    before = load_checkpoint(NAME)
    moved = hub.put(NAME, files | {"metrics.json": b'{"air": {"nats": 8.5}}'})
    assert load_checkpoint(NAME).name == f"{NAME}@{moved}"
    assert load_checkpoint(before.name).metrics == before.metrics == {"air": {"nats": 9.5}}


def test_fetching_asks_for_the_allowed_files_alone_and_shows_no_token(hub: LocalHub, files: dict[str, bytes]) -> None:
    strangers = {
        "pickled.pt": b"x",
        "code.py": b"x",
        "README.md": b"x",
        "../escape": b"x",
        "deep/model.safetensors": b"",
    }
    commit = hub.put(NAME, files | strangers)
    load_checkpoint(NAME)
    described, *read = hub.paths()
    assert described == f"/api/models/{NAME}/revision/main"
    assert sorted(read) == sorted(f"/{NAME}/resolve/{commit}/{wanted.path}" for wanted in FROM_HUB)
    assert {asked.method for asked in hub.asked} == {"GET"}
    assert {asked.authorization for asked in hub.asked} == {""}


def test_bytes_are_told_as_they_come_and_a_no_stops_and_leaves_nothing(published: str, files: dict[str, bytes]) -> None:
    told: list[tuple[int, int]] = []

    def on_bytes(done: int, total: int) -> bool:
        told.append((done, total))
        return len(told) > 1

    with pytest.raises(CheckpointError, match="was stopped"):
        load_checkpoint(NAME, on_bytes=on_bytes)
    assert left_in_cache() == []
    load_checkpoint(NAME, on_bytes=on_bytes)
    total = sum(len(files[wanted.path]) for wanted in FROM_HUB)
    assert told[-1] == (total, total)
    assert {whole for _, whole in told} == {total}


def test_a_folder_here_is_never_looked_for_on_the_hub(
    hub: LocalHub, published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_checkpoint(tmp_path / "someone" / "tiny")
    (tmp_path / "someone" / "empty").mkdir()
    assert load_checkpoint(NAME).name == "tiny"
    for name in ("someone/empty", Path("someone/nowhere")):
        with pytest.raises(CheckpointError, match="there is no model"):
            load_checkpoint(name)
    assert hub.asked == []


# --- without the Hub -------------------------------------------------------------------------------------------------


def test_without_the_hub_a_pinned_model_is_as_good_as_ever(
    hub: LocalHub, published: str, hub_is_down: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    name = load_checkpoint(NAME).name
    asked = len(hub.asked)
    hub_is_down()
    assert load_checkpoint(name).name == name
    assert len(hub.asked) == asked
    assert caplog.text == ""


def test_without_the_hub_a_branch_is_where_it_was_last_seen_and_the_log_says_so(
    published: str, hub_is_down: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    load_checkpoint(NAME)
    hub_is_down()
    assert load_checkpoint(NAME).name == f"{NAME}@{published}"
    assert f"last seen, {NAME}@{published}" in caplog.text


def test_what_was_never_fetched_needs_the_hub(published: str, hub_is_down: Callable[[], None]) -> None:
    hub_is_down()
    for name in (NAME, f"{NAME}@{published}"):
        with pytest.raises(CheckpointError, match="the Hub does not answer"):
            load_checkpoint(name)


@pytest.mark.parametrize("answer", [lambda: Response(status_code=503), lambda: HTMLResponse("<h1>Log in</h1>")])
def test_an_answer_without_sense_is_no_answer(
    hub: LocalHub, published: str, answer: Callable[[], Response], caplog: pytest.LogCaptureFixture
) -> None:
    load_checkpoint(NAME)
    hub.instead["/revision/main"] = answer
    assert load_checkpoint(NAME).name == f"{NAME}@{published}"
    assert "last seen" in caplog.text


# --- repositories and servers that mean no good ----------------------------------------------------------------------


def refused(match: str, name: str = NAME) -> str:
    """Load, and return the one sentence that it is refused with; nothing stays behind."""
    with pytest.raises(CheckpointError, match=match) as caught:
        load_checkpoint(name)
    assert "\n" not in str(caught.value)
    assert left_in_cache() == []
    return str(caught.value)


def test_what_is_not_there_is_said(hub: LocalHub, published: str) -> None:
    hub.repositories["someone/secret"] = Repository(private=True)
    refused("no model someone/nothing", "someone/nothing")
    refused("no model someone/secret, or shows it to members only", "someone/secret")
    refused("no revision v9 of someone/tiny", f"{NAME}@v9")
    refused(f"no revision {'0' * 40} of", f"{NAME}@{'0' * 40}")


@pytest.mark.parametrize("path", [WEIGHTS, CONFIG, TOKENIZER])
def test_a_missing_file_is_named_before_any_is_fetched(hub: LocalHub, files: dict[str, bytes], path: str) -> None:
    hub.put(NAME, {other: data for other, data in files.items() if other != path})
    refused(f"it has no {path}")
    assert len(hub.asked) == 1


def test_a_pickle_in_place_of_the_weights_is_never_asked_for(hub: LocalHub, files: dict[str, bytes]) -> None:
    hub.put(NAME, {"pytorch_model.bin": b"\x80\x04.", **{path: files[path] for path in (CONFIG, TOKENIZER)}})
    refused(f"it has no {WEIGHTS}")
    assert len(hub.asked) == 1


@pytest.mark.parametrize(("path", "size"), [(WEIGHTS, 64 * 2**20 + 1), (CONFIG, 4 * 2**20 + 1), (OPENINGS, 2**40)])
def test_a_file_that_is_too_large_is_refused_before_any_is_fetched(
    hub: LocalHub, files: dict[str, bytes], path: str, size: int
) -> None:
    siblings = [{"rfilename": name, "size": size if name == path else len(data)} for name, data in files.items()]
    hub.put(NAME, files)
    hub.instead["/revision/main"] = lambda: Response(json.dumps({"sha": "a" * 40, "siblings": siblings}))
    refused(f"{path} has {size:,} bytes")
    assert len(hub.asked) == 1


def test_a_file_that_never_ends_is_left_at_its_size(hub: LocalHub, published: str) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 2**16
            yield bytes(2**16)

    hub.instead[f"/{WEIGHTS}"] = lambda: StreamingResponse(endless())
    refused("sends more than")
    assert sent < 2**26


@pytest.mark.parametrize("path", [WEIGHTS, CONFIG, OPENINGS])
@pytest.mark.parametrize("damage", ["bit", "cut", "page", "zipped"])
def test_what_comes_otherwise_than_described_is_refused(
    hub: LocalHub, published: str, files: dict[str, bytes], path: str, damage: str
) -> None:
    data = files[path]
    sent = {
        "bit": Response(bytes([data[0] ^ 1]) + data[1:]),
        "cut": Response(data[:-1]),
        "page": HTMLResponse("<h1>Please log in</h1>"),
        "zipped": Response(data, headers={"content-encoding": "gzip"}),
    }
    hub.instead[f"/{path}"] = lambda: sent[damage]
    if damage == "zipped":
        load_checkpoint(NAME)  # a false label does no harm: nothing is unpacked
    else:
        refused(f"{path} came damaged|sends more than")


def test_a_download_that_breaks_off_leaves_nothing_and_succeeds_the_next_time(
    hub: LocalHub, published: str, files: dict[str, bytes]
) -> None:
    hub.instead[f"/{WEIGHTS}"] = lambda: Response(
        files[WEIGHTS][:1000], headers={"content-length": str(len(files[WEIGHTS]))}
    )
    refused("the Hub does not answer")
    hub.instead.clear()
    assert load_checkpoint(NAME).name == f"{NAME}@{published}"


def test_a_silent_hub_is_not_waited_for_long(hub: LocalHub, published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def drop_by_drop() -> Iterator[bytes]:
        while True:
            time.sleep(0.05)
            yield b" "

    def silent() -> Iterator[bytes]:
        time.sleep(5)
        yield b" "

    monkeypatch.setattr(fetching, "ANSWER_SECONDS", 0.2)
    hub.instead["/revision/main"] = lambda: StreamingResponse(silent())
    refused("the Hub does not answer")
    monkeypatch.setattr(fetching, "FETCH_SECONDS", 0.5)
    hub.instead["/revision/main"] = lambda: StreamingResponse(drop_by_drop())
    refused("did not come within 0.5 seconds")


@pytest.mark.parametrize(
    "document",
    [
        *(b"", b"[]", b"{}", b"null", b'{"sha": "../../etc", "siblings": []}', b"[" * 100_000),
        *(b'{"sha": 5, "siblings": [1]}', b'{"sha": "main", "siblings": [{"rfilename": "x", "size": "big"}]}'),
    ],
    ids=lambda document: document[:30].decode(),
)
def test_a_description_that_makes_no_sense_is_refused(hub: LocalHub, document: bytes) -> None:
    hub.instead["/revision/main"] = lambda: Response(document)
    refused("does not describe|describes another commit")


def test_a_commit_that_is_answered_with_another_is_refused(
    hub: LocalHub, published: str, files: dict[str, bytes]
) -> None:
    asked = "a" * 40
    hub.repositories[NAME].branches[asked] = published  # a branch may have any name
    refused("another commit", f"{NAME}@{asked}")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({TOKENIZER: Tokenizer().to_json().encode()}, "another tokenizer"),
        ({WEIGHTS: b"\x80\x04}q\x00."}, "is damaged"),
        ({CONFIG: b"<html>"}, f"{CONFIG} cannot be read"),
        ({CONFIG: b"[" * 1_000_000}, f"{CONFIG} cannot be read"),
        ({TOKENIZER: b"[" * 1_000_000}, f"{TOKENIZER} cannot be used"),
        ({OPENINGS: b'{"air": [{"meter": [1e999, 4], "tempo": 90, "tracks": null}]}'}, f"{OPENINGS} cannot be used"),
        ({OPENINGS: b'{"air": 7}'}, f"{OPENINGS} cannot be used"),
    ],
    ids=str,
)
def test_a_repository_that_holds_no_whole_checkpoint_is_refused_and_not_kept(
    hub: LocalHub, files: dict[str, bytes], changes: dict[str, bytes], match: str
) -> None:
    hub.put(NAME, files | changes)
    refused(match)


def test_a_model_that_was_damaged_here_is_fetched_anew_the_next_time(published: str) -> None:
    checkpoint = load_checkpoint(NAME)
    (checkpoint.folder / WEIGHTS).write_bytes(b"rust")
    refused("fetch it again", checkpoint.name)
    assert load_checkpoint(checkpoint.name).digest == checkpoint.digest


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_the_folders_used_last_are_kept(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 2)
    hub.put("a/one", {"x": b"1"}), hub.put("a/two", {"x": b"2"}), hub.put("a/three", {"x": b"3"})
    wanted = [Wanted("x", 1)]
    one, _ = (fetch(HubName(f"a/{name}"), wanted) for name in ("one", "two"))
    time.sleep(0.01)
    fetch(HubName("a/one"), wanted)
    three = fetch(HubName("a/three"), wanted)
    assert left_in_cache() == sorted([one.name, three.name])


def test_a_place_that_cannot_be_written_is_named(
    published: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "file"))
    with pytest.raises(CheckpointError, match=r"could not be kept in .*: Not a directory"):
        load_checkpoint(NAME)


# --- on the command line ---------------------------------------------------------------------------------------------


def test_generate_names_the_commit_and_writes_the_same_without_the_hub(
    published: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], hub_is_down: Callable[[], None]
) -> None:
    def generate(model: str, output: Path) -> str:
        assert main(["generate", "--bars", "2", "--model", model, "--output", str(output), "--json"]) == 0
        return str(json.loads(capsys.readouterr().out)["model"])

    pinned = generate(NAME, tmp_path / "one.mid")
    assert pinned == f"{NAME}@{published}"
    hub_is_down()
    assert generate(pinned, tmp_path / "two.mid") == pinned
    assert (tmp_path / "one.mid").read_bytes() == (tmp_path / "two.mid").read_bytes()


def test_a_model_that_cannot_be_fetched_is_one_line_and_status_2(
    hub: LocalHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "--model", "no/such", "--output", str(tmp_path / "out.mid")]) == 2
    printed = capsys.readouterr()
    assert printed.err == "musicdemo: the Hub has no model no/such, or shows it to members only\n"
    assert not printed.out
