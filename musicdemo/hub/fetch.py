"""Fetching: a revision becomes a commit, and a commit's files, which never change, a folder on this machine.

Only the files that a caller wants are asked for, without a token, each bounded in size, all together in time. The Hub
library's own download is not used: it believes the size that a server tells, and waits for minutes for one that hangs.
Its session and its errors are.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musicdemo.errors import CheckpointError
from musicdemo.hub.kept import keep, kept_folder, last_seen, name_of, remember
from musicdemo.hub.name import HubName

ANSWER_SECONDS = 10.0
"""How long the Hub may be silent."""

FETCH_SECONDS = 300.0
"""How long the files of one commit may take."""

MAX_DESCRIPTION_BYTES = 4 * 2**20
_HEADERS = {"user-agent": "musicdemo", "accept-encoding": "identity"}
_log = logging.getLogger(__name__)

OnBytes = Callable[[int, int], bool]
"""Told how many bytes are here, and how many there are; returns False to stop."""

Watch = Callable[[int], None]
"""Told how many bytes came; raises where it is enough."""


@dataclass(frozen=True)
class Wanted:
    """A file to fetch: its path in the repository, and how many bytes it may have."""

    path: str
    max_bytes: int
    optional: bool = False


@dataclass(frozen=True)
class _Described:
    """A file as the Hub describes it; large ones have a SHA-256, the others the id that git gives their content."""

    path: str
    size: int
    sha256: str | None
    git_id: str | None


class _SilenceError(CheckpointError):
    """The Hub gave no answer, or none that makes sense: what is here already may do."""


def fetch(name: HubName, wanted: Sequence[Wanted], *, on_bytes: OnBytes | None = None) -> Path:
    """Return a folder with the wanted files of a repository, all of them, fetching it where it is not here.

    Without an answer of the Hub, a branch or tag is taken at the commit where it was last seen, and the log says so.

    Raises:
        CheckpointError: there is no such repository, revision or file; a file is too large or not as described; the
            Hub does not answer and nothing is here; the folder cannot be written; `on_bytes` said stop.
    """
    folder = kept_folder(name)
    if folder is not None:
        return folder
    try:
        return _fetch(name, wanted, on_bytes)
    except _SilenceError:
        folder = last_seen(name)
        if folder is None:
            raise
        _log.warning("without the Hub, %s is taken at the commit where it was last seen, %s", name, name_of(folder))
        return folder


def _fetch(name: HubName, wanted: Sequence[Wanted], on_bytes: OnBytes | None) -> Path:
    commit, described = _describe(name)
    pinned = HubName(name.repository, commit)
    if not pinned.is_pinned or (name.is_pinned and pinned != name):
        raise CheckpointError(f"the Hub describes another commit than {name}")
    folder = kept_folder(pinned)
    if folder is None:
        files = _checked(name, described, wanted)
        watch = _watch(name, sum(file.size for file in files), on_bytes)
        folder = keep(pinned, {file.path: _read_file(pinned, file, watch) for file in files})
    remember(name, commit)
    return folder


def _describe(name: HubName) -> tuple[str, dict[str, _Described]]:
    """Ask for the commit of a name and for its files, by path (huggingface.co/docs/hub/api)."""
    from huggingface_hub import constants

    url = f"{constants.ENDPOINT}/api/models/{name.repository}/revision/{name.revision}?blobs=true"
    with _translated(name):
        document = json.loads(_read(url, MAX_DESCRIPTION_BYTES, _watch(name)))
        return str(document["sha"]), {file["rfilename"]: _described(file) for file in document["siblings"]}


def _described(file: dict[str, Any]) -> _Described:
    large = file.get("lfs") or {}
    size = int(large.get("size", file["size"]))
    return _Described(str(file["rfilename"]), size, large.get("sha256"), file.get("blobId"))


def _checked(name: HubName, described: dict[str, _Described], wanted: Sequence[Wanted]) -> list[_Described]:
    """Return the wanted files, none of them too large."""
    files = []
    for want in wanted:
        file = described.get(want.path)
        if file is None:
            if not want.optional:
                raise CheckpointError(f"{name} is no model for musicdemo: it has no {want.path}")
        elif file.size > want.max_bytes:
            raise CheckpointError(
                f"{name}: {want.path} has {file.size:,} bytes; at most {want.max_bytes:,} are fetched"
            )
        else:
            files.append(file)
    return files


def _read_file(name: HubName, file: _Described, watch: Watch) -> bytes:
    from huggingface_hub import constants

    url = f"{constants.ENDPOINT}/{name.repository}/resolve/{name.revision}/{file.path}"
    with _translated(name):
        data = _read(url, file.size, watch)
    if len(data) != file.size or not _is_as_described(data, file):
        raise CheckpointError(f"{name}: {file.path} came damaged; try again")
    return data


def _is_as_described(data: bytes, file: _Described) -> bool:
    if file.sha256:
        return hashlib.sha256(data).hexdigest() == file.sha256
    blob = b"blob %d\0" % len(data) + data  # Chacon and Straub, Pro Git, section 10.2
    return hashlib.sha1(blob, usedforsecurity=False).hexdigest() == file.git_id


def _read(url: str, max_bytes: int, watch: Watch) -> bytes:
    """Read what is at an address; the one place that speaks to the Hub."""
    from huggingface_hub import get_session, hf_raise_for_status

    data = bytearray()
    with get_session().stream("GET", url, headers=_HEADERS, timeout=ANSWER_SECONDS) as response:
        hf_raise_for_status(response)
        for chunk in response.iter_raw():  # raw: nothing is unpacked, so nothing can swell
            watch(len(chunk))
            data += chunk
            if len(data) > max_bytes:
                raise CheckpointError(f"the Hub sends more than the {max_bytes:,} bytes that {url} may have")
    return bytes(data)


def _watch(name: HubName, total: int = 0, on_bytes: OnBytes | None = None) -> Watch:
    deadline = time.monotonic() + FETCH_SECONDS
    done = 0

    def watch(count: int) -> None:
        nonlocal done
        done += count
        if time.monotonic() > deadline:
            raise _SilenceError(f"{name} did not come within {FETCH_SECONDS:g} seconds; try again later")
        if on_bytes is not None and not on_bytes(done, total):
            raise CheckpointError(f"fetching {name} was stopped")

    return watch


@contextmanager
def _translated(name: HubName) -> Iterator[None]:
    """Say in one sentence what went wrong between the Hub and us."""
    from httpx2 import HTTPError  # the Hub's library speaks HTTP with it
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        yield
    except RepositoryNotFoundError as error:
        raise CheckpointError(f"the Hub has no model {name.repository}, or shows it to members only") from error
    except RevisionNotFoundError as error:
        raise CheckpointError(f"the Hub has no revision {name.revision} of {name.repository}") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        kind = _SilenceError if status >= 500 or status in (408, 429) else CheckpointError
        raise kind(f"the Hub answered {status} when asked for {name}; try again later") from error
    except (HTTPError, OSError) as error:
        raise _SilenceError(f"the Hub does not answer, so {name} was not fetched; try again later") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _SilenceError(f"what answers in the Hub's place does not describe {name}; try again later") from error
